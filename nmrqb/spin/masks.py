"""Sums of Pauli strings as bit masks: they act on vectors, multiply and trace without a matrix.

A string is P = i^|x&z| X^x Z^z, with bit n-1-k of the masks x and z for spin k (spin 0 is the highest bit, as in the
basis): X has x = 1, Z has z = 1, Y has both. P|b> = i^|x&z| (-1)^|b&z| |b^x>.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb.checks import ComplexArray
from nmrqb.errors import ArgumentError

Masks = NDArray[np.int64]

#: Bits of a mask.
MAX_SPINS = 62
#: Amplitudes that one step of the matrix-free action holds at once.
CHUNK = 1 << 15
#: Coefficients below this fraction of the largest are rounding.
_ABSENT = 1e-14


@dataclass(frozen=True, eq=False)
class PauliSum:
    """sum_k c_k P_k over n spins: masks x, z (K,) and coefficients c (..., K), real where the sum is Hermitian.

    Raises ArgumentError for more than 62 spins, which the masks do not hold.
    """

    n: int
    x: Masks
    z: Masks
    c: NDArray[Any]

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MAX_SPINS:
            raise ArgumentError("n", self.n, f"lie between 1 and {MAX_SPINS} for Pauli strings as masks")

    @classmethod
    def from_labels(cls, labels: Sequence[str], coefficients: ArrayLike) -> PauliSum:
        """From labels such as "XYI" and coefficients (..., K). Raises ArgumentError for other letters or lengths."""
        letters = [label for label in labels if set(label) - set("IXYZ") or len(label) != len(labels[0])]
        if not labels or letters:
            raise ArgumentError("labels", repr(letters or labels), "be Pauli strings of one length")
        x = [int("".join("01"[a in "XY"] for a in label), 2) for label in labels]
        z = [int("".join("01"[a in "YZ"] for a in label), 2) for label in labels]
        return cls(len(labels[0]), np.array(x, dtype=np.int64), np.array(z, dtype=np.int64), np.asarray(coefficients))

    @property
    def labels(self) -> tuple[str, ...]:
        """The strings by letter, spin 0 first."""
        shifts = np.arange(self.n - 1, -1, -1)
        kinds = (self.x[:, None] >> shifts & 1) + 2 * (self.z[:, None] >> shifts & 1)
        return tuple("".join("IXZY"[kind] for kind in row) for row in kinds)

    @property
    def dimension(self) -> int:
        """2^n."""
        return 1 << self.n

    @property
    def is_real(self) -> bool:
        """Whether the matrix is real: no string with an odd number of Y."""
        return bool(np.all(np.bitwise_count(self.x & self.z) % 2 == 0)) and np.isrealobj(self.c)

    def __add__(self, other: PauliSum) -> PauliSum:
        """The sum, equal strings merged."""
        shape = np.broadcast_shapes(self.c.shape[:-1], other.c.shape[:-1])
        parts = [np.broadcast_to(each.c, (*shape, each.c.shape[-1])) for each in (self, other)]
        joined = (np.concatenate([self.x, other.x]), np.concatenate([self.z, other.z]), np.concatenate(parts, -1))
        return PauliSum(self.n, *joined).merged()

    def times(self, factor: ArrayLike) -> PauliSum:
        """Every coefficient times a factor (...)."""
        return PauliSum(self.n, self.x, self.z, np.asarray(factor)[..., None] * self.c)

    def merged(self) -> PauliSum:
        """Equal strings added up, and those left out that vanish; strings in ascending order of x, then z."""
        keys, where = np.unique(np.stack([self.x, self.z], axis=-1), axis=0, return_inverse=True)
        total = np.zeros((len(keys), *self.c.shape[:-1]), dtype=self.c.dtype)
        np.add.at(total, where.reshape(-1), np.moveaxis(self.c, -1, 0))
        size = np.abs(total).max(axis=tuple(range(1, total.ndim)), initial=0.0)
        kept = size > _ABSENT * max(float(size.max(initial=0.0)), 1e-300)
        return PauliSum(self.n, keys[kept, 0], keys[kept, 1], np.moveaxis(total[kept], 0, -1))

    def __matmul__(self, other: PauliSum) -> PauliSum:
        """The product, K1 K2 strings before they are merged; coefficients may be complex."""
        x = (self.x[:, None] ^ other.x).reshape(-1)
        z = (self.z[:, None] ^ other.z).reshape(-1)
        power = _ys(self)[:, None] + _ys(other)
        power = power.reshape(-1) - np.bitwise_count(x & z).astype(np.int64)
        power += 2 * np.bitwise_count(self.z[:, None] & other.x).reshape(-1).astype(np.int64)
        c = (self.c[..., :, None] * other.c[..., None, :]).reshape(*self.c.shape[:-1], -1)
        return PauliSum(self.n, x, z, c * _turns(power)).merged()

    @property
    def mean(self) -> complex:
        """Tr / 2^n: the coefficient of the identity."""
        return complex(self.c[..., (self.x == 0) & (self.z == 0)].sum())

    def flips(self) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """Each distinct x mask with the positions of its strings."""
        masks, where = np.unique(self.x, return_inverse=True)
        for k, mask in enumerate(masks):
            yield int(mask), np.flatnonzero(where.reshape(-1) == k)

    def elements(self, mask: int, members: NDArray[np.intp], rows: Masks) -> NDArray[Any]:
        """Matrix elements <b| H |b ^ mask> for basis states b = rows (R,), from the strings that flip `mask`; (..., R)."""
        columns = rows ^ mask
        phases = _turns(_ys(self)[members])
        total: NDArray[Any] = np.zeros(
            (*self.c.shape[:-1], len(rows)), dtype=complex if np.any(phases.imag) else self.c.dtype
        )
        for k, phase in zip(members, phases if total.dtype == complex else phases.real, strict=True):
            if not self.z[k]:
                total += self.c[..., k, None] * phase
                continue
            total += self.c[..., k, None] * phase * (1 - 2 * (np.bitwise_count(columns & self.z[k]) & 1).astype(float))
        return total

    def dense(self) -> ComplexArray:
        """The matrix, shape (..., 2^n, 2^n)."""
        rows = np.arange(self.dimension)
        matrix = np.zeros((*self.c.shape[:-1], rows.size, rows.size), dtype=complex)
        for mask, members in self.flips():
            matrix[..., rows, rows ^ mask] = self.elements(mask, members, rows)
        return matrix

    def apply(self, vectors: ComplexArray, out: ComplexArray | None = None) -> ComplexArray:
        """H on vectors (2^n, ...), in pieces of CHUNK rows: no matrix, no index table."""
        result: ComplexArray = np.empty_like(vectors, dtype=complex) if out is None else out
        groups = list(self.flips())
        for start in range(0, self.dimension, CHUNK):
            rows = np.arange(start, min(start + CHUNK, self.dimension))
            total = np.zeros((len(rows), *vectors.shape[1:]), dtype=complex)
            for mask, members in groups:
                weights = self.elements(mask, members, rows).reshape(-1, *(1,) * (vectors.ndim - 1))
                total += weights * vectors[rows ^ mask]
            result[rows] = total
        return result

    def conserves_magnetisation(self) -> bool:
        """Whether it commutes with the sum of sigma_z."""
        return self.turned_by_z().c.size == 0

    def turned_by_z(self) -> PauliSum:
        """[F_z, H] / i with F_z = sum of sigma_z / 2, Hermitian; its strings have one X turned into Y or back."""
        parts = []
        for k in range(self.n):
            bit = 1 << k
            here = np.flatnonzero(self.x & bit)
            # [Z, X] = 2i Y and [Z, Y] = -2i X
            sign = np.where(self.z[here] & bit, -1.0, 1.0)
            parts.append((self.x[here], self.z[here] ^ bit, self.c[..., here] * sign))
        x, z, c = (np.concatenate([part[k] for part in parts], axis=-1) for k in range(3))
        return PauliSum(self.n, x, z, c).merged()

    def rotated(self, theta: float, axis: str = "x") -> PauliSum:
        """R^dagger H R for the collective pulse R = exp(-i theta F_axis) about "x" or "y": H as a turned state sees it."""
        if axis not in ("x", "y"):
            raise ArgumentError("axis", repr(axis), 'be "x" or "y"')
        cos, sin = np.cos(theta), np.sin(theta)
        found = self
        for k in range(self.n):
            bit = 1 << k
            # about x: Y -> cos Y - sin Z, Z -> cos Z + sin Y; about y: Z -> cos Z - sin X, X -> cos X + sin Z
            first = (found.x & bit) != 0, (found.z & bit) != 0
            turns = first[1] if axis == "x" else first[0] ^ first[1]
            plus = first[1] & ~first[0] if axis == "x" else first[0] & ~first[1]
            here = np.flatnonzero(turns)
            sign = np.where(plus[here], sin, -sin)
            c = np.where(turns, cos, 1.0) * found.c
            x = np.append(found.x, found.x[here] ^ bit)
            z = np.append(found.z, found.z[here] if axis == "x" else found.z[here] ^ bit)
            found = PauliSum(self.n, x, z, np.append(c, found.c[..., here] * sign, axis=-1)).merged()
        return found

    def conserves_parity(self) -> bool:
        """Whether every string flips an even number of spins."""
        return bool(np.all(np.bitwise_count(self.x) % 2 == 0))

    def bound(self) -> float:
        """An upper bound of the operator norm: the sum of the moduli of the coefficients."""
        return float(np.abs(self.c).sum())


def _ys(terms: PauliSum) -> NDArray[np.int64]:
    return np.bitwise_count(terms.x & terms.z).astype(np.int64)


def _turns(power: NDArray[np.int64]) -> ComplexArray:
    """i^power without rounding."""
    return np.array([1, 1j, -1, -1j])[power % 4]
