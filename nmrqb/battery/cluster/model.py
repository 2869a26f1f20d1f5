"""N spins with the paper's two-spin terms on chosen pairs: arXiv 2409.05000, eq. (4), pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.battery.cluster import geometry
from nmrqb.battery.dipolar import dipolar_constant
from nmrqb.battery.model import Battery, PauliCoefficients
from nmrqb.errors import ArgumentError
from nmrqb.spin import memory
from nmrqb.spin.dicke import Quadratic
from nmrqb.spin.masks import PauliSum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from nmrqb.checks import ComplexArray, FloatArray

#: Couplings of a pair, in the order of `Cluster.couplings`.
NAMES = ("axial", "rhombic", "dm", "ksea")


@dataclass(frozen=True, eq=False)
class Cluster:
    """N spins, H = sum over pairs of eq. (4)'s couplings + sum_k B_k Z_k, in one energy unit (hbar = k_B = 1).

    pairs: (P, 2), ordered: D of a pair (i, j) is that of X_i Y_j - Y_i X_j. couplings: (..., P, 4), Delta, epsilon, D and G
    of each pair. zeeman: (..., n), the field B of each spin, which counts once however many neighbours it has.
    A cluster of two spins is the battery itself. Raises ArgumentError for shapes that do not fit, a spin paired with
    itself or that is not there, or a pair that stands twice.

    The constructors give a pair at distance r, in units of the nearest neighbours, all four couplings of `battery` times
    1/r^power; directions do not count there, but do in `from_positions`. With `kac` all couplings are divided by the sum
    of these weights over n - 1, so that a spin's energy stays finite as n grows: n/2 for the complete graph, 1 for nearest
    neighbours of a chain, and 1 for n = 2. (Kac, Uhlenbeck and Hemmer, J. Math. Phys. 4, 216 (1963), for the idea.)
    """

    n: int
    pairs: NDArray[np.int64]
    couplings: FloatArray
    zeeman: FloatArray

    def __post_init__(self) -> None:
        n = geometry.count(self.n, 1)
        pairs = np.asarray(self.pairs, dtype=np.int64).reshape(-1, 2)
        wrong = (pairs < 0) | (pairs >= n) | (pairs[:, :1] == pairs[:, 1:])
        if np.any(wrong):
            found = tuple(int(k) for k in pairs[np.any(wrong, axis=-1)][0])
            raise ArgumentError("pairs", found, f"be two different spins of 0 to {n - 1}")
        ends = np.sort(pairs, axis=-1)
        unique, seen = np.unique(ends, axis=0, return_counts=True)
        if np.any(seen > 1):
            raise ArgumentError("pairs", f"one that holds {tuple(unique[seen > 1][0].tolist())} twice", "differ")
        couplings, zeeman = checks.real("couplings", self.couplings), checks.real("zeeman", self.zeeman)
        if couplings.shape[-2:] != (len(pairs), 4):
            raise ArgumentError("couplings", f"of shape {couplings.shape}", f"have shape (..., {len(pairs)}, 4)")
        if zeeman.ndim < 1 or zeeman.shape[-1] != n:
            raise ArgumentError("zeeman", f"of shape {zeeman.shape}", f"have shape (..., {n})")
        for name, value in (("n", n), ("pairs", pairs), ("couplings", couplings), ("zeeman", zeeman)):
            object.__setattr__(self, name, value)

    @classmethod
    def chain(cls, n: int, battery: Battery, power: float = 3, *, kac: bool = False) -> Cluster:
        """An open chain of n >= 2 spins; power=inf leaves nearest neighbours alone, 0 couples all alike."""
        return cls._placed(n, battery, geometry.chain(n, power), kac)

    @classmethod
    def ring(cls, n: int, battery: Battery, power: float = 3, *, kac: bool = False) -> Cluster:
        """A ring of n >= 3 spins. r is the chord; pairs are ordered round the ring, and D of opposite spins is zero."""
        return cls._placed(n, battery, geometry.ring(n, power), kac)

    @classmethod
    def star(cls, n: int, battery: Battery, *, kac: bool = False) -> Cluster:
        """Spin 0 in the centre with n - 1 others around it, each paired with the centre alone."""
        return cls._placed(n, battery, geometry.star(n), kac)

    @classmethod
    def complete(cls, n: int, battery: Battery, *, kac: bool = False) -> Cluster:
        """All pairs i < j alike."""
        return cls._placed(n, battery, geometry.complete(n), kac)

    @classmethod
    def zigzag(
        cls, n: int, battery: Battery, power: float = 3, *, angle: float = 2 * np.pi / 3, kac: bool = False
    ) -> Cluster:
        """A planar zig-zag chain with `angle` (rad, pi/3 to pi) between its bonds."""
        return cls._placed(n, battery, geometry.zigzag(n, angle, power), kac)

    @classmethod
    def from_positions(
        cls,
        positions: ArrayLike,
        battery: Battery | None = None,
        *,
        gamma: float | None = None,
        field: ArrayLike = (0.0, 0.0, 1.0),
        zeeman: ArrayLike = 0.0,
        cutoff: float = np.inf,
    ) -> Cluster:
        """Spins at places (n, 3): the secular dipolar tensor of each pair in a field of this direction.

        With `gamma` (rad/(s T), one isotope): positions in m, Delta = 3 d/4 with d = b (3 cos^2 theta - 1)/2, and energies
        in rad/s. With `battery`: positions in any unit, its couplings are those of two spins at the smallest distance of
        the cluster along the field, and every pair has (3 cos^2 theta - 1)/2 / r^3 of them, in the battery's unit.
        zeeman: B of each spin, added to the battery's, (n,) or a number. cutoff: pairs farther apart are left out.
        Unlike isotopes have no flip-flop term and are no cluster of this kind. Raises ArgumentError for spins in one place,
        or unless exactly one of battery and gamma is given.
        """
        if (battery is None) == (gamma is None):
            raise ArgumentError("battery", "given with gamma" if battery else None, "be given, or else gamma")
        places, z = geometry.checked_positions(positions), geometry.direction(field)
        pairs = geometry.every_pair(len(places))
        apart = places[pairs[:, 1]] - places[pairs[:, 0]]
        r = np.linalg.norm(apart, axis=-1)
        kept = r <= cutoff
        pairs, r = pairs[kept], r[kept]
        sets = _sets(len(places), pairs)
        if len(sets) > 1:
            parts = " and ".join(str(list(s)) for s in sets[:2])
            found = f"{cutoff:g}, which leaves spins {parts} apart"
            raise ArgumentError("cutoff", found, "keep all spins connected (make clusters of their own of those apart)")
        angular = (3 * (apart[kept] @ z / r) ** 2 - 1) / 2
        own = np.broadcast_to(checks.real("zeeman", zeeman), (len(places),))
        if battery is None:
            d = dipolar_constant(gamma, gamma, r) * angular  # type: ignore[arg-type]
            couplings = np.zeros((len(pairs), 4))
            couplings[:, 0] = 3 * d / 4
            return cls(len(places), pairs, couplings, own)
        nearest = np.linalg.norm(apart, axis=-1).min()
        couplings = _single(battery) * (angular * (nearest / r) ** 3)[:, None]
        return cls(len(places), pairs, couplings, own + float(battery.zeeman))

    @classmethod
    def _placed(cls, n: int, battery: Battery, pairs: geometry.Pairs, kac: bool) -> Cluster:
        scale = (n - 1) / pairs.weights.sum() if kac else 1.0
        four = np.stack(np.broadcast_arrays(*(np.asarray(getattr(battery, name)) for name in NAMES)), axis=-1)
        four = np.broadcast_to(four, (*battery.shape, 4))[..., None, :]
        factors = np.stack([pairs.weights, pairs.weights, pairs.turned, pairs.weights], axis=-1) * scale
        zeeman = np.broadcast_to(np.asarray(battery.zeeman)[..., None], (*battery.shape, n))
        return cls(n, pairs.spins, four * factors, zeeman)

    @property
    def shape(self) -> tuple[int, ...]:
        """Leading axes of the couplings and fields."""
        return np.broadcast_shapes(self.couplings.shape[:-2], self.zeeman.shape[:-1])

    @property
    def connected(self) -> tuple[tuple[int, ...], ...]:
        """The sets of spins that hang together by couplings that are not zero; a set's spins in ascending order."""
        live = np.any(self.couplings.reshape(-1, len(self.pairs), 4) != 0, axis=(0, 2))
        return _sets(self.n, self.pairs[live])

    @property
    def uniform(self) -> Battery | None:
        """The battery whose couplings every pair has, where all pairs are coupled alike without D; else None."""
        everyone = len(self.pairs) == self.n * (self.n - 1) // 2
        if self.shape or not everyone or self.n < 2:
            return None
        c, B = self.couplings, self.zeeman
        if np.any(c != c[0]) or np.any(B[0] != B) or np.any(c[:, 2]):
            return None
        return Battery(axial=c[0, 0], rhombic=c[0, 1], ksea=c[0, 3], zeeman=B[0])

    def collective(self) -> Quadratic:
        """H in the total spin alone, for any number of spins; `spin.dicke` diagonalises it sector by sector.

        Raises ArgumentError unless all pairs are coupled alike, without D, in one field.
        """
        same = self.uniform
        if same is None:
            allowed = "couple all pairs alike, without D, in one field, for sectors of total spin"
            raise ArgumentError("cluster", f"one of {self.n} spins that some permutation changes", allowed)
        parts = {name: float(np.asarray(getattr(same, name))) for name in ("axial", "rhombic", "ksea", "zeeman")}
        return Quadratic.of_couplings(**parts)

    def pauli_sum(self) -> PauliSum:
        """H as bit masks, coefficients (..., K). Raises ArgumentError beyond 62 spins."""
        if self.n > 62:
            raise ArgumentError("n", self.n, "be at most 62 for Pauli strings (take the Dicke sectors when uniform)")
        first, second = (np.left_shift(1, self.n - 1 - self.pairs[:, k]) for k in (0, 1))
        both, none = first | second, np.zeros_like(first)
        delta, eps, D, G = np.moveaxis(self.couplings, -1, 0)
        third = delta / 3
        parts = (
            (both, none, eps - third),  # XX
            (both, both, -eps - third),  # YY
            (none, both, 2 * third),  # ZZ
            (both, second, G + D),  # XY
            (both, first, G - D),  # YX
        )
        single = np.left_shift(1, self.n - 1 - np.arange(self.n))
        x = np.concatenate([part[0] for part in parts] + [np.zeros_like(single)])
        z = np.concatenate([part[1] for part in parts] + [single])
        values = [np.broadcast_to(part[2], (*self.shape, len(self.pairs))) for part in parts]
        c = np.concatenate([*values, np.broadcast_to(self.zeeman, (*self.shape, self.n))], axis=-1)
        return PauliSum(self.n, x, z, c).merged()

    @property
    def coefficients(self) -> PauliCoefficients:
        """H on Pauli strings without vanishing ones: labels (K,) and values (..., K). Raises ArgumentError beyond 62 spins."""
        terms = self.pauli_sum()
        return PauliCoefficients(terms.labels, terms.c)

    def hamiltonian(self, memory_limit: float | None = None) -> ComplexArray:
        """H as a dense matrix, shape (..., 2^n, 2^n), spin 0 leftmost.

        Raises ArgumentError, with the bytes, where it would not fit into memory_limit (by default what is free).
        """
        size = memory.COMPLEX * 4.0**self.n * max(int(np.prod(self.shape)), 1)
        remedy = "evolve or thermalise without a matrix"
        memory.require(f"the matrix of {self.n} spins", 1.1 * size, memory_limit, remedy)
        return self.pauli_sum().dense()


def _sets(n: int, pairs: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """The sets of spins that pairs hold together."""
    sets = [{k} for k in range(n)]
    for pair in pairs.tolist():
        touched = [s for s in sets if s & set(pair)]
        sets = [s for s in sets if s not in touched] + [set().union(*touched)]
    return tuple(sorted(tuple(sorted(s)) for s in sets))


def _single(battery: Battery) -> FloatArray:
    if battery.shape:
        raise ArgumentError("battery", f"one of shape {battery.shape}", "have numbers as couplings")
    return np.array([float(getattr(battery, name)) for name in NAMES])
