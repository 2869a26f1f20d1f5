"""Phase correction: ph0 and ph1 from lines that are known, or from the spectrum itself.

Both give the correction (rad) that `Spectrum.phased` takes, ph1 over the full width with its pivot at zero frequency.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection.processing import Spectrum
from nmrqb.errors import ArgumentError


class Phases(NamedTuple):
    """The correction exp(i (ph0 + ph1 nu/width)), in rad."""

    ph0: float
    ph1: float


def phases_from_lines(
    frequency: ArrayLike, amplitude: ArrayLike, width: float, expected: ArrayLike | None = None, largest: float = 12.0
) -> Phases:
    """The correction under which measured amplitudes (K,) come nearest to the expected ones (K,), up to a scale.

    Least squares over ph0 and ph1 (|ph1| <= largest rad), weighted by amplitude: the maximum of
    |sum_k A_k conj(E_k) exp(i ph1 nu_k/width)|, which is searched as a whole. expected: in phase and positive by default.
    Where several ph1 do equally well, as for two lines, the smallest; for one line ph1 = 0.
    Raises ArgumentError for shapes that do not fit or amplitudes that say nothing.
    """
    nu, A = checks.real("frequency", frequency), np.asarray(amplitude, dtype=complex)
    E = np.abs(A) if expected is None else np.asarray(expected, dtype=complex)
    if nu.ndim != 1 or A.shape != nu.shape or E.shape != nu.shape:
        found = f"of shapes {nu.shape}, {A.shape} and {E.shape}"
        raise ArgumentError("frequency, amplitude and expected", found, "have one shape (K,)")
    x = nu / float(checks.positive("width", width))
    weight = A * np.conj(E)
    if not np.any(weight):
        raise ArgumentError("amplitude", "zero where a line is expected", "hold a line that is expected")
    ph1 = _best(weight, x, largest)
    return Phases(float(-np.angle(_overlap(weight, x, np.array(ph1)))), ph1)


def phases_from_spectrum(spectrum: Spectrum) -> Phases:
    """The correction that makes one spectrum (N,) of positive lines absorptive, by least entropy (ACME).

    Chen et al., J. Magn. Reson. 158, 164 (2002), as nmrglue has it, started from the phase of the total signal. Meant
    for spectra whose lines are all positive; antiphase lines want `phases_from_lines`. The entropy's minimum lies near
    the true phases, not at them: up to 0.12 rad off at the outermost lines of our tests, so refine with `phases_from_lines`.
    Raises ArgumentError for more than one spectrum, or an empty one.
    """
    if spectrum.values.ndim != 1 or not np.any(spectrum.values):
        raise ArgumentError("spectrum", f"of shape {spectrum.values.shape}", "be one spectrum (N,) that is not empty")
    autophase = import_module("nmrglue.process.proc_autophase").autops  # late: nmrglue takes long to load
    ph0 = -float(np.angle(spectrum.values.sum()))
    n = spectrum.frequency.size
    values = spectrum.phased(ph0).values / np.abs(spectrum.values).max()
    _, (p0, p1) = autophase(values, "acme", return_phases=True, disp=False)
    p0, p1 = np.radians(p0), np.radians(p1)
    return Phases(float((ph0 + p0 + p1 * (n // 2) / n + np.pi) % (2 * np.pi) - np.pi), float(p1))


def _overlap(weight: ComplexArray, x: FloatArray, ph1: FloatArray) -> ComplexArray:
    return np.exp(1j * ph1[..., None] * x) @ weight


def _best(weight: ComplexArray, x: FloatArray, largest: float) -> float:
    grid = np.linspace(-largest, largest, 2 * int(np.ceil(largest / 0.1)) + 1)
    score = np.abs(_overlap(weight, x, grid))
    peaks = np.flatnonzero((score[1:-1] >= score[:-2]) & (score[1:-1] >= score[2:])) + 1
    step, best = grid[1] - grid[0], [(score.max(), float(grid[np.argmax(score)]))] if not peaks.size else []
    for k in peaks:
        bounds = (grid[k] - step, grid[k] + step)
        found = minimize_scalar(
            lambda p: -abs(_overlap(weight, x, np.array(p))), bounds=bounds, method="bounded", options={"xatol": 1e-9}
        )
        best.append((-float(found.fun), float(found.x)))
    top = max(value for value, _ in best)
    good = [p for value, p in best if value >= top * (1 - 1e-9)]
    nearest = min(good, key=abs)
    return 0.0 if np.ptp(score) <= 1e-12 * score.max() else nearest
