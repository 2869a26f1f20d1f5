"""The moment of largest average power E(t)/t: the charging time that studies of power against n compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BarycentricInterpolator

from nmrqb.checks import FloatArray
from nmrqb.scaling.chargers import Charger
from nmrqb.spin import many

#: Points between the two neighbours of the best time of the grid; between them E(t) is a polynomial to rounding.
_NODES = 13
#: Nodes of the average of dH_B.
_AVERAGE = 32
#: Times of the grid for each period of the fastest frequency, 2 |H|.
_PER_PERIOD = 8


@dataclass(frozen=True)
class Peak:
    """Where E(t)/t is largest: that power, the time, the energy stored then, and what bounds the power.

    speed: 2 dH_B(t) dH averaged over the charge, which |dE/dt| = |<[H, H_B]>| never exceeds (Robertson; as drawn from
    H_B's variance by Julia-Farre et al., Phys. Rev. Research 2, 023113 (2020)). ceiling: k |H|, which dE/dt never exceeds
    either: e^{i a H_B} H e^{-i a H_B} is a trigonometric polynomial of degree k in a, and the norm of its derivative is at
    most k times its own by Bernstein's inequality (derived here; Gyhm, Safranek and Rosa, Phys. Rev. Lett. 128, 140501
    (2022), for gains of order k).
    """

    power: float
    time: float
    energy: float
    speed: float
    ceiling: float


def best_average_power(charger: Charger, *, limit: float | None = None, tell: many.Told | None = None) -> Peak:
    """Charging H_B = -(1/2) sum Z from |0...0> by `charger`: the largest E(t)/t, to 1e-9 or better.

    Searched until n/t, the most that could be stored by then, falls below the best. Raises ArgumentError where states do not
    fit into `limit` bytes.
    """
    H, n = charger.H, charger.H.n
    many.plan(H, [1 / charger.norm], limit=limit, keep=False)  # refused before a state is made
    down = np.bitwise_count(np.arange(H.dimension)).astype(float)
    psi = np.zeros(H.dimension, dtype=complex)
    psi[0] = 1

    def look(state: np.ndarray) -> tuple[float, float]:
        p = (np.abs(state) ** 2)[:, 0]
        mean = float(p @ down)
        return mean, float(p @ (down - mean) ** 2)

    def energies(times: FloatArray) -> FloatArray:
        return many.observe(H, psi, times, look, limit=limit, tell=tell)

    squared = float(np.linalg.norm(H.apply(psi))) ** 2 - float(np.vdot(psi, H.apply(psi)).real) ** 2
    return search(lambda t: energies(t).T, n, charger, float(np.sqrt(max(squared, 0.0))))


def search(curve: Callable[[FloatArray], FloatArray], n: int, charger: Charger, spread: float) -> Peak:
    """curve(times) gives E and its variance (2, T)."""
    end, step = 2.0 * n / charger.norm, np.pi / charger.norm / _PER_PERIOD
    while True:
        t = np.linspace(0, end, max(int(np.ceil(end / step)), 24) + 1)
        E = curve(t)[0]
        power = np.divide(E, t, out=np.zeros_like(E), where=t > 0)
        best = int(np.argmax(power))
        needed = n / power[best]
        if needed <= end * (1 + 1e-9):
            break
        end = min(needed, 4 * end)
    lo, hi = t[max(best - 1, 1)], t[min(best + 1, len(t) - 1)]
    nodes = (lo + hi) / 2 - (hi - lo) / 2 * np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))
    smooth = BarycentricInterpolator(nodes, curve(nodes)[0])
    for _ in range(4):
        fine = np.linspace(lo, hi, 201)
        k = int(np.argmax(smooth(fine) / fine))
        lo, hi = fine[max(k - 1, 0)], fine[min(k + 1, 200)]
    time = float((lo + hi) / 2)
    energy = float(smooth(time))
    x, w = np.polynomial.legendre.leggauss(_AVERAGE)  # |sin| has no kink before the peak, so few nodes are exact
    sigma = np.sqrt(np.maximum(curve(time * (x + 1) / 2)[1], 0.0))
    speed = float(spread * (w @ sigma))  # 2 dH times the mean of dH_B; weights add up to 2
    return Peak(energy / time, time, energy, speed, charger.k * charger.norm)
