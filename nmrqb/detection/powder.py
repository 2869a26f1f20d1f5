"""Powders: spectra as densities of lines over many members, each with its own couplings and weight.

For signals in time, give `fid` the members' Hamiltonians as its last leading axis, with their weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.detection.lines import Lines
from nmrqb.detection.processing import Spectrum
from nmrqb.errors import ArgumentError


def orientations(n: int) -> tuple[FloatArray, FloatArray]:
    """cos(theta) (n,) and weights (n,) of an isotropic distribution over the field: midpoints of n equal parts of 0..1.

    For interactions that depend on cos^2(theta) alone, as d = b (3 cos^2 theta - 1)/2. Raises ArgumentError for n < 1.
    """
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ArgumentError("n", n, "be a whole number of orientations, 1 or more")
    return (np.arange(n) + 0.5) / n, np.full(n, 1 / n)


def line_density(lines: Lines, weights: ArrayLike, axis: ArrayLike) -> Spectrum:
    """The spectrum of an ensemble as a density: sum of amplitude x weight of the lines, per Hz of the axis (N,).

    lines: (..., M, K); weights (M,), normalised to sum 1. Leading axes of the lines are added up too.
    Each line is shared between its two neighbouring points, so that area and centre of gravity are kept; lines outside
    the axis are lost. Raises ArgumentError for an axis that is not even and ascending, or weights that do not fit.
    """
    w = checks.non_negative("weights", weights)
    if w.ndim != 1 or w.sum() == 0 or lines.frequency.ndim < 2 or lines.frequency.shape[-2] != w.size:
        raise ArgumentError("weights", f"of shape {w.shape}", f"fit the members of lines {lines.frequency.shape}")
    intensity = lines.amplitude * (w / w.sum())[:, None]
    x = _even("axis", axis)
    density = _shared(lines.frequency, intensity.real, x) + 1j * _shared(lines.frequency, intensity.imag, x)
    return Spectrum(density, x)


def broadened(density: Spectrum, lorentzian: float = 0.0, gaussian: float = 0.0) -> Spectrum:
    """Convolved with a Lorentzian and a Gaussian of these full widths at half height in Hz, around the axis' ends.

    Raises ArgumentError for widths below zero.
    """
    lb, gb = float(checks.non_negative("lorentzian", lorentzian)), float(checks.non_negative("gaussian", gaussian))
    t = np.fft.fftfreq(density.frequency.size, density.spacing)
    window = np.exp(-np.pi * lb * np.abs(t) - (np.pi * gb * t) ** 2 / (4 * np.log(2)))
    values = np.fft.fft(np.fft.ifft(density.values, axis=-1) * window, axis=-1)
    return Spectrum(values, density.frequency, density.carrier, density.carrier_ppm, density.nucleus)


def _even(name: str, axis: ArrayLike) -> FloatArray:
    x = checks.real(name, axis)
    if x.ndim != 1 or x.size < 2:
        raise ArgumentError(name, f"of shape {x.shape}", "have 2 points or more")
    step = np.diff(x)
    if not (step[0] > 0 and np.allclose(step, step[0], rtol=1e-6)):
        k = int(np.argmax(~np.isclose(step, abs(step[0]), rtol=1e-6)))
        raise ArgumentError(name, f"{x[k]:g} then {x[k + 1]:g}", "ascend in even steps")
    return x


def _shared(frequency: FloatArray, intensity: FloatArray, x: FloatArray) -> FloatArray:
    step = x[1] - x[0]
    position = (frequency.ravel() - x[0]) / step
    inside = (position >= 0) & (position <= x.size - 1)
    position, amount = position[inside], intensity.ravel()[inside]
    left = np.minimum(position.astype(int), x.size - 2)
    share = position - left
    total = np.bincount(left, amount * (1 - share), x.size) + np.bincount(left + 1, amount * share, x.size)
    return total / step
