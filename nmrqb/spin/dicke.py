"""Permutation symmetry: states and Hamiltonians that treat all spins alike, in sectors of total spin j.

The space of N spins 1/2 falls into sectors j = N/2, N/2 - 1, ... of dimension 2j + 1, each there C(N,k) - C(N,k-1) times,
k = N/2 - j. A collective operator is the same in all copies of a sector, so that (N/2 + 1)^2 levels stand for 2^N.
Basis within a sector: m = j, j-1, ..., -j, the spin-up end first, as |0> is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh, eigh_tridiagonal

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.spin import memory

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray, FloatArray

#: Beyond this 2^N leaves the range of floating-point numbers.
MAX_SPINS = 1000


@dataclass(frozen=True, eq=False)
class Quadratic:
    """sum_ab Q_ab F_a F_b + v . F + constant, in F = sum of sigma/2; Q (3, 3) symmetric, v (3,), real."""

    Q: FloatArray
    v: FloatArray
    constant: float = 0.0

    @classmethod
    def of_couplings(
        cls, axial: float = 0.0, rhombic: float = 0.0, ksea: float = 0.0, zeeman: float = 0.0
    ) -> Quadratic:
        """The paper's eq. (4) between every pair of spins, without D, which no permutation leaves alone.

        From sum over pairs of sigma_a sigma_b = 2 F_a F_b - delta_ab N/2, where the couplings' trace is zero.
        """
        J = np.array([[rhombic - axial / 3, ksea, 0], [ksea, -rhombic - axial / 3, 0], [0, 0, 2 * axial / 3]])
        return cls(2 * J, np.array([0.0, 0.0, 2 * zeeman]))

    def turned(self, theta: float, axis: str = "x") -> Quadratic:
        """R^dagger H R for R = exp(-i theta F_axis), axis "x" or "y"."""
        c, s = np.cos(theta), np.sin(theta)
        R = (
            np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
            if axis == "x"
            else np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        )
        return Quadratic(R.T @ self.Q @ R, R.T @ self.v, self.constant)

    def bands(self, j: float) -> tuple[FloatArray, ComplexArray, ComplexArray]:
        """In the sector of spin j: the diagonal (2j+1,) and the two diagonals above it; nothing lies farther out."""
        m = j - np.arange(round(2 * j) + 1)
        up = np.sqrt((j - m[1:]) * (j + m[1:] + 1))  # <m+1|F_+|m>
        Q, v = self.Q, self.v
        main = Q[2, 2] * m**2 + (Q[0, 0] + Q[1, 1]) * (j * (j + 1) - m**2) / 2 + v[2] * m + self.constant
        first = up * ((v[0] - 1j * v[1]) / 2 + (m[:-1] + m[1:]) * (Q[0, 2] - 1j * Q[1, 2]) / 2)
        second = up[:-1] * up[1:] * ((Q[0, 0] - Q[1, 1]) / 4 - 0.5j * Q[0, 1])
        return main, first, second

    def matrix(self, j: float) -> ComplexArray | FloatArray:
        """In the sector of spin j, (2j+1, 2j+1); real where no odd power of F_y is in it."""
        main, first, second = self.bands(j)
        upper = np.diag(first, 1) + np.diag(second, 2) if len(main) > 1 else np.zeros((1, 1), dtype=complex)
        total = np.diag(main) + upper + upper.conj().T
        return total if np.any(upper.imag) else total.real

    def spectrum(self, j: float) -> tuple[FloatArray, ComplexArray | FloatArray]:
        """Energies (2j+1,) and eigenvectors as columns; two interleaved chains where m changes by two alone."""
        main, first, second = self.bands(j)
        if np.any(first):
            energies, vectors = eigh(self.matrix(j), overwrite_a=True, check_finite=False, driver="evr")
            return energies, vectors
        d = len(main)
        energies, vectors = np.zeros(d), np.zeros((d, d))
        for start in range(min(2, d)):
            chain = slice(start, None, 2)
            e, V = eigh_tridiagonal(main[chain], np.abs(second[chain]))
            energies[chain], vectors[chain, chain] = e, V
        if np.any(second.imag):  # one phase for all: turned about z by it
            turns = np.exp(-1j * np.angle(second[0]) / 2 * np.arange(d))
            return energies, turns[:, None] * vectors
        signs = np.where(np.arange(d) // 2 % 2, -1.0, 1.0) if d > 2 and second[0].real < 0 else np.ones(d)
        return energies, signs[:, None] * vectors


def spins(n: int) -> FloatArray:
    """Spin j of each sector, n/2 first. Raises ArgumentError for fewer than 1 or more than MAX_SPINS spins."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or not 1 <= n <= MAX_SPINS:
        raise ArgumentError("n", n, f"be a whole number of spins, 1 to {MAX_SPINS}, for sectors of total spin")
    return n / 2 - np.arange(n // 2 + 1, dtype=float)


def multiplicities(n: int) -> list[int]:
    """How often each sector of `spins(n)` occurs."""
    return [comb(n, k) - (comb(n, k - 1) if k else 0) for k in range(len(spins(n)))]


@dataclass(frozen=True, eq=False)
class Symmetric:
    """A permutation-symmetric state: blocks (2j+1, 2j+1) of the sectors of `spins(n)`, all copies added up.

    The traces of the blocks add up to one; a block of None is empty.
    """

    n: int
    blocks: tuple[ComplexArray | FloatArray | None, ...]

    def expectation(self, observable: Quadratic) -> float:
        """<O> of a collective operator."""
        total = 0.0
        for j, block in zip(spins(self.n), self.blocks, strict=True):
            if block is not None:
                for k, band in enumerate(observable.bands(float(j))):
                    total += (2 if k else 1) * float((np.diagonal(block, -k) @ band).real) if k < len(block) else 0.0
        return total

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """<F_a> (3,) and <F_a F_b + F_b F_a>/2 (3, 3): all that the energy of any rotated state needs."""
        axes, none = np.eye(3), np.zeros((3, 3))
        first = np.array([self.expectation(Quadratic(none, axis)) for axis in axes])
        second = np.empty((3, 3))
        for a, b in np.ndindex(3, 3):
            Q = (np.outer(axes[a], axes[b]) + np.outer(axes[b], axes[a])) / 2
            second[a, b] = self.expectation(Quadratic(Q, np.zeros(3)))
        return first, second


def rotation_gain(state: Symmetric, H: Quadratic, theta: ArrayLike, axis: str = "x") -> FloatArray:
    """Energy gained when a collective pulse about "x" or "y" turns the state by theta (rad), theta's shape."""
    first, second = state.moments()
    angles = checks.real("theta", theta)
    start = np.sum(H.Q * second) + H.v @ first
    gains = []
    for angle in angles.reshape(-1):
        turned = H.turned(float(angle), axis)
        gains.append(np.sum(turned.Q * second) + turned.v @ first - start)
    return np.array(gains).reshape(angles.shape)


def bytes_needed(n: int, item: int = memory.COMPLEX, *, top: bool = False) -> float:
    """Bytes at the peak of `diagonalise`: all sectors' eigenvectors, or the work on the largest."""
    widths = 2 * spins(n) + 1
    return item * max(0.0 if top else float(np.sum(widths**2)), 5 * float(widths[0]) ** 2)


@dataclass(frozen=True, eq=False)
class Sectors:
    """A collective Hamiltonian diagonalised: energies (2j+1,) and vectors of each sector of `spins(n)`."""

    n: int
    energies: tuple[FloatArray, ...]
    vectors: tuple[ComplexArray | FloatArray, ...]

    def gibbs(self, temperature: float) -> Symmetric:
        """exp(-H/T)/Z. Raises ArgumentError unless T > 0."""
        weights = self._weights(float(checks.positive("temperature", temperature)))
        blocks = tuple((V * w) @ V.conj().T for V, w in zip(self.vectors, weights, strict=True))
        return Symmetric(self.n, blocks)

    def log_partition(self, temperature: float) -> float:
        """The logarithm of Tr exp(-H/T)."""
        b = 1 / float(checks.positive("temperature", temperature))
        logs = [np.log(float(m)) - b * e for m, e in zip(multiplicities(self.n), self.energies, strict=True)]
        return float(np.logaddexp.reduce(np.concatenate(logs)))

    def _weights(self, temperature: float) -> list[FloatArray]:
        b, Z = 1 / temperature, self.log_partition(temperature)
        return [
            np.exp(np.log(float(m)) - b * e - Z) for m, e in zip(multiplicities(self.n), self.energies, strict=True)
        ]

    def evolve(self, state: Symmetric, time: float) -> Symmetric:
        """exp(-i H t) rho exp(i H t)."""
        found: list[ComplexArray | None] = []
        for e, V, block in zip(self.energies, self.vectors, state.blocks, strict=True):
            if block is None:
                found.append(None)
                continue
            U = (V * np.exp(-1j * e * time)) @ V.conj().T
            found.append(U @ block @ U.conj().T)
        return Symmetric(self.n, tuple(found))

    def curve(self, state: Symmetric, observable: Quadratic, times: ArrayLike) -> FloatArray:
        """<O> at times (T,) while the state evolves under this Hamiltonian; (T,)."""
        t = checks.real("times", times).reshape(-1)
        total = np.zeros(t.size)
        for j, e, V, block in zip(spins(self.n), self.energies, self.vectors, state.blocks, strict=True):
            if block is None:
                continue
            seen = V.conj().T @ observable.matrix(float(j)) @ V
            rho = V.conj().T @ block @ V
            phases = np.exp(-1j * np.outer(t, e))
            total += np.einsum("ta,ab,tb->t", phases, rho * seen.T, phases.conj(), optimize=True).real
        return total


def diagonalise(n: int, H: Quadratic, limit: float | None = None, *, top: bool = False) -> Sectors:
    """Every sector of a collective Hamiltonian; with `top` only j = n/2, where |0...0> and all product states of equal spins
    live, the others empty. Raises ArgumentError beyond MAX_SPINS, or with the bytes where it does not fit.
    """
    item = memory.COMPLEX if any(np.any(np.imag(band)) for band in H.bands(n / 2)) else memory.REAL
    memory.require(f"the sectors of {n} spins", bytes_needed(n, item, top=top), limit, "take fewer spins")
    chosen = spins(n)[:1] if top else spins(n)
    found = [H.spectrum(float(j)) for j in chosen]
    rest = len(spins(n)) - len(found)
    none = (np.zeros(0),) * rest, (np.zeros((0, 0)),) * rest
    return Sectors(n, tuple(f[0] for f in found) + none[0], tuple(f[1] for f in found) + none[1])


def coherent(n: int, direction: ArrayLike = (0.0, 0.0, 1.0)) -> Symmetric:
    """All spins along one direction (3,): |0...0> along z. Raises ArgumentError for a zero direction."""
    u = checks.real("direction", direction)
    if u.shape != (3,) or not np.any(u):
        raise ArgumentError("direction", u.tolist(), "be a vector (3,) of non-zero length")
    u = u / np.linalg.norm(u)
    half = np.arccos(np.clip(u[2], -1, 1)) / 2
    k = np.arange(n + 1, dtype=float)
    logs = [0.5 * np.log(float(comb(n, int(i)))) for i in k]
    with np.errstate(divide="ignore"):
        size = np.exp(logs + _times(n - k, np.log(np.cos(half))) + _times(k, np.log(np.sin(half))))
    psi = size * np.exp(1j * k * np.arctan2(u[1], u[0]))
    rest = len(spins(n)) - 1
    return Symmetric(n, (np.outer(psi, psi.conj()), *(None,) * rest))


def _times(power: FloatArray, log: float) -> FloatArray:
    """The product, where nothing times minus infinity is nothing."""
    return np.where(power == 0, 0.0, power * log) if np.isfinite(log) else np.where(power == 0, 0.0, -np.inf)
