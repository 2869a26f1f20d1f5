"""Propagators as functions of an ensemble's parameters: entire, hence polynomials in all but name.

Along a distribution of an ensemble every generator is affine in positions x in [-1, 1], H_s + x E_s with E_s Hermitian. A
product of slices is then entire in x and, for complex x, no larger than exp(tau |Im x|) with tau = sum_s ||E_s||, its
`reach` here (derived here: each slice obeys the bound, and norms multiply; with noise the trace norm takes the place of the
spectral norm, and 2 ||E_s|| that of ||E_s||). Values at n Chebyshev points give it everywhere on [-1, 1] within
4 exp(tau (r - 1/r)/2) r^(1-n)/(r - 1) for any r > 1 (Trefethen, Approximation Theory and Approximation Practice, theorem
8.2). So a short piece of a sequence needs very few points, however many members the ensemble has. Where RF amplitude,
offset and coupling vary together, the points are those of a grid in the two or three positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
from math import prod

import numpy as np

from nmrqb.checks import FloatArray

#: Chebyshev points along each direction of an axis; MEMBERS stands for the members themselves.
Nodes = tuple[int, ...]
MEMBERS: Nodes = ()
#: An axis of more directions than this is held at its members.
_DIRECTIONS = 3


@dataclass(frozen=True, eq=False)
class Axis:
    """One distribution of an ensemble as the propagator sees it.

    parameters: (M, P), the numbers that generators are affine in. positions: (M, q), each in [-1, 1]. Parameter p of
    member m is middle[p] + half[p] x positions[m, direction[p]]. q is 0 where the members stand for themselves.
    """

    parameters: FloatArray
    positions: FloatArray
    middle: FloatArray
    half: FloatArray
    direction: np.ndarray

    @classmethod
    def of(cls, parameters: FloatArray, *, interpolate: bool = True) -> Axis:
        """The axis of M members with P parameters each."""
        middle = 0.5 * (parameters.max(axis=0) + parameters.min(axis=0))
        half = 0.5 * (parameters.max(axis=0) - parameters.min(axis=0))
        scale = np.abs(parameters).max(axis=0)
        direction = np.zeros(len(half), dtype=int)
        columns: list[FloatArray] = []
        for p in range(len(half)):
            if half[p] <= 1e-15 * scale[p]:
                half[p] = 0.0
                continue
            x = (parameters[:, p] - middle[p]) / half[p]
            for number, known in enumerate(columns):
                sign = 1.0 if x @ known >= 0 else -1.0
                if np.all(np.abs(sign * known - x) * half[p] <= 1e-15 * scale[p]):
                    direction[p], half[p] = number, sign * half[p]
                    break
            else:
                direction[p] = len(columns)
                columns.append(x)
        # of parameters that do not vary the middle is their value, to the last bit
        middle = np.where(half == 0, parameters[0], middle)
        few = interpolate and len(columns) <= _DIRECTIONS
        positions = np.stack(columns or [np.zeros(len(parameters))], axis=-1) if few else np.zeros((len(parameters), 0))
        return cls(parameters, positions, middle, half, direction)

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.parameters)

    @property
    def directions(self) -> int:
        """Number q of independent positions."""
        return self.positions.shape[1]

    def nodes(self, reach: FloatArray, tolerance: float, *held: Nodes) -> Nodes:
        """Chebyshev points that suffice for `reach` (q,), no fewer than are `held`; MEMBERS where these are as few."""
        if self.directions == 0 or self.size == 1 or MEMBERS in held:
            return MEMBERS
        limits = _reaches(self.size, tolerance)
        enough = [int(np.searchsorted(limits, r)) + 1 for r in reach]
        points = tuple(max(column) for column in zip(enough, *held, strict=True))
        return points if prod(points) < self.size else MEMBERS

    def count(self, nodes: Nodes) -> int:
        """Length of the axis when it is held at `nodes`."""
        return self.size if nodes == MEMBERS else prod(nodes)

    def at(self, nodes: Nodes) -> FloatArray:
        """Parameters at the nodes, (n, P), the last direction fastest."""
        if nodes == MEMBERS:
            return self.parameters
        grid = np.meshgrid(*(_chebyshev(n) for n in nodes), indexing="ij")
        x = np.stack([g.reshape(-1) for g in grid], axis=-1)
        return self.middle + x[:, self.direction] * self.half

    def transfer(self, old: Nodes, new: Nodes) -> FloatArray:
        """Matrix (n', n) from values at `old` nodes to those at `new` ones, or at the members."""
        if new != MEMBERS:
            return reduce(_kron, [_between(a, b) for a, b in zip(old, new, strict=True)])
        rows = [_interpolation(n, x) for n, x in zip(old, self.positions.T, strict=True)]
        return reduce(lambda a, b: (a[:, :, None] * b[:, None, :]).reshape(len(a), -1), rows)


@lru_cache(maxsize=64)
def _reaches(size: int, tolerance: float) -> FloatArray:
    """Largest reach that 1, 2, ... `size` Chebyshev points serve to `tolerance`: the bound above solved for tau."""
    n = np.arange(1, size + 1)[:, None]
    b = np.geomspace(1e-3, 60, 600)  # log r
    tau = (np.log(tolerance / 4) + (n - 1) * b + b + np.log(-np.expm1(-b))) / np.sinh(b)
    return np.maximum(tau.max(axis=1), 0.0)


@lru_cache(maxsize=256)
def _chebyshev(n: int) -> FloatArray:
    return np.cos((2 * np.arange(n) + 1) * np.pi / (2 * n))


@lru_cache(maxsize=1024)
def _between(old: int, new: int) -> FloatArray:
    return _interpolation(old, _chebyshev(new))


def _interpolation(n: int, x: FloatArray) -> FloatArray:
    """Values at x from values at n Chebyshev points, by the barycentric formula (Berrut and Trefethen, SIAM Rev. 46, 501)."""
    distance = x[:, None] - _chebyshev(n)
    at_point = distance == 0
    weight = (-1.0) ** np.arange(n) * np.sin((2 * np.arange(n) + 1) * np.pi / (2 * n))
    matrix = weight / np.where(at_point, 1.0, distance)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return np.where(at_point.any(axis=1, keepdims=True), at_point, matrix)


def _kron(a: FloatArray, b: FloatArray) -> FloatArray:
    return (a[:, None, :, None] * b[None, :, None, :]).reshape(len(a) * len(b), -1)
