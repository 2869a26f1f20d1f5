"""Which spins of a cluster are paired, and how strongly relative to the nearest neighbours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb import checks
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from nmrqb.checks import FloatArray

#: Places closer than this fraction of the cluster's size count as one.
_COINCIDENT = 1e-9


class Pairs(NamedTuple):
    """Ordered pairs (P, 2), the weight (P,) of each pair's couplings, and that of its antisymmetric coupling D."""

    spins: NDArray[np.int64]
    weights: FloatArray
    turned: FloatArray


def count(n: object, least: int) -> int:
    """A whole number of spins. Raises ArgumentError."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < least:
        raise ArgumentError("n", n, f"be a whole number of spins, {least} or more")
    return int(n)


def every_pair(n: int) -> NDArray[np.int64]:
    """All pairs i < j, (n(n-1)/2, 2)."""
    return np.stack(np.triu_indices(n, 1), axis=-1)


def by_distance(pairs: NDArray[np.int64], distances: FloatArray, power: float) -> Pairs:
    """Weights 1/r^power with r in units of the nearest neighbours; infinite power leaves nearest neighbours alone."""
    if isinstance(power, bool) or not isinstance(power, (int, float, np.number)) or math.isnan(power) or power < 0:
        raise ArgumentError("power", repr(power), "be zero or above, or infinity for nearest neighbours alone")
    if math.isinf(power):
        weights = np.where(distances <= 1 + _COINCIDENT, 1.0, 0.0)
    else:
        weights = np.maximum(distances, 1.0) ** -float(power)
    kept = weights > 0
    return Pairs(pairs[kept], weights[kept], weights[kept])


def chain(n: int, power: float) -> Pairs:
    """An open line of n spins, evenly spaced."""
    pairs = every_pair(count(n, 2))
    return by_distance(pairs, (pairs[:, 1] - pairs[:, 0]).astype(float), power)


def ring(n: int, power: float) -> Pairs:
    """A regular polygon: pairs run round the ring the short way, r is the chord; opposite spins have no way round."""
    pairs = every_pair(count(n, 3))
    steps = pairs[:, 1] - pairs[:, 0]
    back = 2 * steps > n
    pairs = np.where(back[:, None], pairs[:, ::-1], pairs)
    steps = np.where(back, n - steps, steps)
    found = by_distance(pairs, np.sin(np.pi * steps / n) / np.sin(np.pi / n), power)
    first, second = found.spins.T
    opposite = 2 * ((second - first) % n) == n
    return found._replace(turned=np.where(opposite, 0.0, found.weights))


def star(n: int) -> Pairs:
    """Spin 0 with each of the others, which are not coupled among themselves."""
    others = np.arange(1, count(n, 2))
    pairs = np.stack([np.zeros_like(others), others], axis=-1)
    return Pairs(pairs, np.ones(n - 1), np.ones(n - 1))


def complete(n: int) -> Pairs:
    """All pairs alike."""
    pairs = every_pair(count(n, 2))
    return Pairs(pairs, np.ones(len(pairs)), np.ones(len(pairs)))


def zigzag(n: int, angle: float, power: float) -> Pairs:
    """A planar zig-zag with `angle` (rad) between bonds of equal length."""
    pairs = every_pair(count(n, 2))
    opening = float(checks.real("angle", angle))
    if not np.pi / 3 - 1e-12 <= opening <= np.pi:  # below 60 deg second neighbours are nearer than the bonded ones
        raise ArgumentError("angle", f"{opening:g}", "lie between pi/3 and pi rad")
    k = np.arange(n)
    places = np.stack([k * np.sin(opening / 2), (k % 2) * np.cos(opening / 2)], axis=-1)
    return by_distance(pairs, np.linalg.norm(places[pairs[:, 1]] - places[pairs[:, 0]], axis=-1), power)


def checked_positions(positions: ArrayLike) -> FloatArray:
    """Places (n, 3) of two spins or more, all different. Raises ArgumentError naming two that coincide."""
    places = checks.real("positions", positions)
    if places.ndim != 2 or places.shape[-1] != 3 or len(places) < 2:
        raise ArgumentError("positions", f"of shape {places.shape}", "have shape (n, 3) with n >= 2 spins")
    pairs = every_pair(len(places))
    r = np.linalg.norm(places[pairs[:, 1]] - places[pairs[:, 0]], axis=-1)
    if r.min() <= _COINCIDENT * r.max():
        i, j = pairs[int(np.argmin(r))]
        raise ArgumentError(
            "positions", f"{places[i].tolist()} for spins {i} and {j} alike", "differ from spin to spin"
        )
    return places


def direction(field: ArrayLike) -> FloatArray:
    """The unit vector along a field (3,). Raises ArgumentError."""
    z = checks.real("field", field)
    if z.shape != (3,) or not np.any(z):
        raise ArgumentError("field", z.tolist(), "be a vector (3,) of non-zero length")
    return z / np.linalg.norm(z)
