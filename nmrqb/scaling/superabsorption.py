"""Superabsorption: n spins in one cavity mode (Tavis and Cummings), and what is left of it under equal resources.

H = g sum_k (a sigma+_k + a^dagger sigma-_k) conserves the excitations, so that from a Fock state of `photons` and all spins
down the state stays among min(n, photons) + 1 levels: a chain with hops g sqrt((photons - q)(n - q)(q + 1)). The stored energy
is q, in units of one spin's splitting. The comparison is n spins with a mode and a photon each.
(Ferraro et al., Phys. Rev. Lett. 120, 117702 (2018), for the battery; the counter-rotating terms are left out here.)
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal

from nmrqb.checks import FloatArray, positive
from nmrqb.errors import ArgumentError
from nmrqb.scaling.chargers import Charger
from nmrqb.scaling.pulse import Peak, search
from nmrqb.spin.masks import PauliSum

#: What is held fixed: the coupling g of a spin; g sqrt n, as in a mode whose volume grows with n; the norm of H, n g.
RESOURCES = ("coupling", "density", "norm")


def hops(n: int, photons: int, g: float = 1.0) -> FloatArray:
    """Matrix elements between q and q + 1 excited spins, (min(n, photons),)."""
    q = np.arange(min(n, photons))
    return g * np.sqrt((photons - q) * (n - q) * (q + 1.0))


def cavity_peak(n: int, fixed: str = "coupling", photons: int | None = None, g: float = 1.0) -> Peak:
    """The largest E(t)/t of n spins charged by a mode with `photons` photons (n when left out).

    fixed: one of RESOURCES. "norm" scales H so that its norm in the space of these excitations is n g, that of n spins with
    a mode and a photon each. Raises ArgumentError.
    """
    if fixed not in RESOURCES:
        raise ArgumentError("fixed", repr(fixed), f"be one of {', '.join(RESOURCES)}")
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ArgumentError("n", n, "be a whole number of spins, 1 or more")
    count = n if photons is None else photons
    if not isinstance(count, (int, np.integer)) or count < 1:
        raise ArgumentError("photons", count, "be a whole number, 1 or more")
    off = hops(n, int(count), float(positive("g", g)))
    levels, vectors = eigh_tridiagonal(np.zeros(len(off) + 1), off)
    norm = float(np.max(np.abs(levels)))
    factor = {"coupling": 1.0, "density": 1 / np.sqrt(n), "norm": n * g / norm}[fixed]
    q = np.arange(len(levels))

    def curve(times: FloatArray) -> FloatArray:
        psi = (vectors * vectors[0]) @ np.exp(-1j * factor * np.outer(levels, times))
        p = np.abs(psi) ** 2
        mean = q @ p
        return np.stack([mean, (q**2) @ p - mean**2])

    nothing = PauliSum(1, np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1))
    return search(curve, n, Charger(nothing, 1, float(factor * norm)), float(factor * off[0]))
