"""Where an optimisation of a pulse starts: the hard pulse, BB1, chance, or a shape that is there already."""

from __future__ import annotations

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.sequence import Shape

#: Named starts.
STARTS = ("hard", "bb1", "random")
#: Fourier components of a random start.
_COMPONENTS = 6


def hard(flip: float, duration: float, slices: int, limit: float) -> ComplexArray:
    """A pulse of `flip` (rad) along x at the limit (rad/s), and nothing after it: shares of the limit, (S,).

    Raises ArgumentError where the duration is too short for it.
    """
    return _composite([(flip, 0.0)], duration, slices, limit)


def bb1(flip: float, duration: float, slices: int, limit: float) -> ComplexArray:
    """BB1 for `flip` along x at the limit (Wimperis, J. Magn. Reson. A 109, 221 (1994)), and nothing after it; (S,).

    Raises ArgumentError where the duration is too short for it, or for a flip beyond 4 pi.
    """
    if not abs(flip) <= 4 * np.pi:
        raise ArgumentError("flip", f"{flip:g} rad", "be at most 4 pi for BB1")
    phase = float(np.arccos(-flip / (4 * np.pi)))
    return _composite([(flip, 0.0), (np.pi, phase), (2 * np.pi, 3 * phase), (np.pi, phase)], duration, slices, limit)


def random(slices: int, rng: np.random.Generator) -> ComplexArray:
    """A smooth random pulse: a few Fourier components of random size and phase, largest amplitude 0.7; (S,)."""
    u = (np.arange(slices) + 0.5) / slices
    k = np.arange(-_COMPONENTS, _COMPONENTS + 1)
    weights = (rng.standard_normal(k.size) + 1j * rng.standard_normal(k.size)) / (1 + np.abs(k))
    wave = np.exp(1j * np.pi * np.outer(u, k)) @ weights
    return np.asarray(0.7 * wave / np.abs(wave).max())


def of_shape(shape: Shape, slices: int) -> ComplexArray:
    """A shape's envelope as the mean over each of S slices, largest magnitude that of the shape; (S,)."""
    envelope = shape.envelope()
    edges = np.concatenate([[0.0], np.cumsum(envelope)]) / envelope.size
    at = np.linspace(0, 1, slices + 1)
    own = np.linspace(0, 1, envelope.size + 1)
    area = np.interp(at, own, edges.real) + 1j * np.interp(at, own, edges.imag)
    return np.asarray(np.diff(area) * slices)


def kicked(w: ComplexArray, kick: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Amplitudes and phases of w (S, C), with phases moved by `kick` (rad) x a standard normal, and full amplitudes eased.

    A pulse of one phase on an ensemble that is symmetric in offset has no slope by phases at all: without a kick
    symmetry would hold the search to amplitudes.
    """
    a, phase = np.abs(w), np.angle(w)
    return np.minimum(a, 1 - 0.1 * min(kick, 1.0)), phase + kick * rng.standard_normal(w.shape)


def _composite(parts: list[tuple[float, float]], duration: float, slices: int, limit: float) -> ComplexArray:
    """Pulses (flip, phase) one after the other at the limit, as the mean over each slice."""
    ends = np.cumsum([abs(flip) / limit for flip, _ in parts])
    if ends[-1] > duration * (1 + 1e-9):
        found = f"{duration * 1e6:g} us"
        allowed = f"be {ends[-1] * 1e6:.6g} us or more, what this start takes at the RF limit"
        raise ArgumentError("duration", found, allowed)
    at = np.linspace(0, duration, slices + 1)
    w = np.zeros(slices, dtype=complex)
    for (flip, phase), first, last in zip(parts, [0.0, *ends[:-1]], ends, strict=True):
        share = np.diff(np.clip(at, first, last)) / np.diff(at)
        w += np.sign(flip) * share * np.exp(1j * phase)
    return w
