"""Ergotropy of many spins from spectra with multiplicities, and what bounds it where the spectrum is out of reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.masks import PauliSum
from nmrqb.spin.thermal import Estimate, Thermal, rotation_curve

#: What the weights of populations may miss one by.
_TRACE = 1e-8
#: Angles of pulses that are tried; between them lies less than 1e-4 of what the best draws.
_PULSES = 720


def passive_energy(weights: ArrayLike, copies: Sequence[int], levels: ArrayLike, level_copies: Sequence[int]) -> float:
    """The least energy of a spectrum: populations in descending order on levels in ascending order.

    weights (A,): total weight of each group of equal populations, which has copies[a] members; they add up to one.
    levels (B,) with level_copies[b] members each. Copies are whole numbers of any size and add up to the same dimension.
    Raises ArgumentError.
    """
    p, e = checks.real("weights", weights), checks.real("levels", levels)
    if abs(p.sum() - 1) > _TRACE:
        raise ArgumentError("weights", f"of sum {p.sum():.10g}", "add up to one")
    if sum(copies) != sum(level_copies):
        raise ArgumentError("copies", f"{sum(copies)} in all", f"be as many as the levels, {sum(level_copies)}")
    with np.errstate(divide="ignore"):
        sizes = np.log(np.maximum(p, 0.0)) - np.array(
            [np.log(float(c)) for c in copies]
        )  # of one member, never underflowing
    upper, lower = np.argsort(-sizes, kind="stable").tolist(), np.argsort(e, kind="stable").tolist()
    total, b, free = 0.0, 0, level_copies[lower[0]]
    for a in upper:
        left = copies[a]
        while left:
            taken = min(left, free)
            total += p[a] * (taken / copies[a]) * e[lower[b]]
            left, free = left - taken, free - taken
            if not free and b + 1 < len(lower):
                b += 1
                free = level_copies[lower[b]]
    return float(total)


def ergotropy_ceiling(energy: float, entropy: float, levels: ArrayLike, copies: ArrayLike | None = None) -> float:
    """No unitary draws more: the energy minus that of the Gibbs state of equal entropy (bits), in the levels' unit.

    The Gibbs state has the least energy of its entropy, and what is passive has at least that (Alicki and Fannes, Phys.
    Rev. E 87, 042123 (2013)); many copies come as near to it as one likes. levels (B,) with copies (B,) of each.
    Raises ArgumentError for an entropy that is negative or above that of the mixed state.
    """
    e = checks.real("levels", levels)
    m = np.ones(e.size) if copies is None else checks.positive("copies", copies)
    most = float(np.log2(m.sum()))
    if not -_TRACE <= entropy <= most + _TRACE:
        raise ArgumentError("entropy", f"{entropy:g} bits", f"lie between 0 and {most:g} bits")
    shifted = e - e.min()
    ground = float(np.log2(m[shifted <= 1e-12 * max(shifted.max(), 1e-300)].sum()))
    if entropy <= ground or not np.any(shifted > 0):
        return energy - float(e.min())
    scale = float(shifted.max())
    if entropy >= most - 1e-12:
        return energy - float(m @ e / m.sum())

    def excess(log_b: float) -> float:
        return _gibbs(np.exp(log_b) / scale, shifted, m)[1] - entropy

    lo, hi = -25.0, 5.0
    while excess(hi) > 0 and hi < 600:
        hi += 5.0
    b = np.exp(brentq(excess, lo, hi, xtol=1e-13) if excess(lo) > 0 else lo) / scale
    return energy - float(e.min()) - _gibbs(b, shifted, m)[0]


def ergotropy_floor(state: Thermal, H: PauliSum) -> Estimate:
    """Some unitary draws this much: the best collective pulse about x or y, in H's unit, with the state's own error.

    For states of which only expectation values are known, however many the spins; a pulse that draws nothing is left out,
    so the floor is zero at least.
    """
    angles = np.linspace(0, 2 * np.pi, _PULSES, endpoint=False)
    best = Estimate(0.0)
    for axis in ("x", "y"):
        gained, errors = rotation_curve(state, H, angles, axis)
        k = int(np.argmin(gained))
        if -gained[k] > best.value:
            best = Estimate(float(-gained[k]), float(errors[k]))
    return best


def _gibbs(b: float, e: FloatArray, m: FloatArray) -> tuple[float, float]:
    """Mean of e and entropy in bits at inverse temperature b; e >= 0."""
    w = m * np.exp(-b * e)
    Z = w.sum()
    mean = float(w @ e / Z)
    return mean, float((b * mean + np.log(Z)) / np.log(2))
