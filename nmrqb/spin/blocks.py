"""Exact diagonalisation in blocks: of total S_z where H conserves it, of the parity of flips, or of all states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eigh
from scipy.special import comb

from nmrqb.spin import memory
from nmrqb.spin.masks import Masks, PauliSum

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray, FloatArray


def symmetry(H: PauliSum) -> str:
    """What H conserves: "magnetisation", "parity" of the number of spins down, or "nothing"."""
    if H.conserves_magnetisation():
        return "magnetisation"
    return "parity" if H.conserves_parity() else "nothing"


def sizes(n: int, conserved: str) -> list[int]:
    """Dimensions of the blocks."""
    if conserved == "magnetisation":
        return [int(comb(n, k, exact=True)) for k in range(n + 1)]
    return [2**n // 2] * 2 if conserved == "parity" else [2**n]


def sectors(n: int, conserved: str) -> list[Masks]:
    """The basis states of each block, ascending."""
    down = np.bitwise_count(np.arange(1 << n))
    if conserved == "nothing":
        return [np.arange(1 << n)]
    kinds = down if conserved == "magnetisation" else down % 2
    return [np.flatnonzero(kinds == k) for k in range(int(kinds.max()) + 1)]


def block(H: PauliSum, states: Masks) -> ComplexArray | FloatArray:
    """The matrix of H among these basis states (ascending), in column order, real where it can be."""
    matrix = np.zeros((len(states), len(states)), dtype=float if H.is_real else complex, order="F")
    positions = np.arange(len(states))
    for mask, members in H.flips():
        column = np.searchsorted(states, states ^ mask)
        column = np.minimum(column, len(states) - 1)
        inside = states[column] == states ^ mask
        matrix[positions[inside], column[inside]] = H.elements(mask, members, states[inside])
    return matrix


@dataclass(frozen=True)
class Blocks:
    """Levels and eigenvectors of H block by block: states, energies (b,) and vectors (b, b) as columns."""

    n: int
    states: tuple[Masks, ...]
    energies: tuple[FloatArray, ...]
    vectors: tuple[ComplexArray | FloatArray, ...]

    @property
    def levels(self) -> FloatArray:
        """All 2^n energies, ascending."""
        return np.sort(np.concatenate(self.energies))

    def evolve(self, psi: ComplexArray, times: FloatArray) -> ComplexArray:
        """exp(-i H t) on vectors psi (d, R), shape (T, d, R)."""
        total = np.empty((len(times), *psi.shape), dtype=complex)
        for states, energies, V in zip(self.states, self.energies, self.vectors, strict=True):
            inside = _product(V.conj().T if np.iscomplexobj(V) else V.T, psi[states])
            for t, out in zip(times, total, strict=True):
                out[states] = _product(V, np.exp(-1j * energies * t)[:, None] * inside)
        return total

    def thermal_diagonal(self, beta: float) -> tuple[FloatArray, ...]:
        """Gibbs populations of the levels, block by block."""
        lowest = min(float(e[0]) for e in self.energies)
        weights = [np.exp(-beta * (e - lowest)) for e in self.energies]
        Z = sum(float(w.sum()) for w in weights)
        return tuple(w / Z for w in weights)


def _product(V: ComplexArray | FloatArray, vectors: ComplexArray) -> ComplexArray:
    """V @ vectors; a real V acts on real and imaginary parts as columns, and is never made complex."""
    if np.iscomplexobj(V):
        return V @ vectors
    return (V @ vectors.view(float)).view(complex)


def diagonalise(H: PauliSum) -> Blocks:
    """Every block of H by LAPACK's MRRR driver."""
    states = tuple(sectors(H.n, symmetry(H)))
    found = [eigh(block(H, each), overwrite_a=True, check_finite=False, driver="evr") for each in states]
    return Blocks(H.n, states, tuple(f[0] for f in found), tuple(f[1] for f in found))


def levels(H: PauliSum) -> FloatArray:
    """All 2^n energies, ascending, one block in memory at a time."""
    found = [
        eigh(block(H, each), eigvals_only=True, overwrite_a=True, check_finite=False, driver="evr")
        for each in sectors(H.n, symmetry(H))
    ]
    return np.sort(np.concatenate(found))


def storage(n: int, conserved: str, item: int, *, vectors: bool = True) -> float:
    """Bytes at the peak of `diagonalise` (or of `levels`): what is kept, and the matrix at work."""
    widths = np.array(sizes(n, conserved), dtype=float)
    kept = item * np.cumsum(widths**2) if vectors else np.zeros_like(widths)
    index = memory.REAL * 2.0**n * 2  # sorted basis states and levels
    return float(np.max(kept + item * widths**2)) + index


def work(n: int, conserved: str, item: int) -> float:
    """Cost of `diagonalise` in operations of a sparse product, which run three times slower than LAPACK's, roughly."""
    return 3.0 * (item / memory.REAL) ** 2 * float(np.sum(np.array(sizes(n, conserved), dtype=float) ** 3))
