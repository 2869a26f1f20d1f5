"""Products of many slices on many members: pairs first, each piece held at as few points of the ensemble as it needs.

Slices are multiplied pairwise in a tree. A short piece is held at a few Chebyshev points of each distribution and spread to
more of them only as pieces grow (see `nmrqb.timeline.interpolation`), at the end to the members. Equal slices, and equal
pairs at every level, are computed once, so that what a sequence repeats costs little. Slices are expanded in portions, so
that slices x members never stand in memory together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.timeline.generators import Grid, Slices
from nmrqb.timeline.interpolation import MEMBERS

#: Truncation error of a product of slices, in spectral norm (trace norm with noise), shared out among interpolations.
TOLERANCE = 1e-12
#: Numbers (8 bytes) that the slices expanded at one time may take; a few times as many stand in memory with them.
PORTION = 2**18


@dataclass(frozen=True, eq=False)
class Piece:
    """Products of slices on a grid: matrices (..., *lead, *grid, D, D), reach (..., Q), grid the nodes of each axis."""

    matrices: np.ndarray
    reach: FloatArray
    grid: Grid


@dataclass(frozen=True, eq=False)
class Kernel:
    """Multiplies slices; `tolerance` is what one interpolation may add to the error."""

    slices: Slices
    tolerance: float

    def product(self) -> Piece:
        """All slices, the first one rightmost."""
        reach = self.slices.reach()
        return self._span(0, len(reach), reach)

    def joined(self, later: Piece, earlier: Piece) -> Piece:
        """The product later @ earlier, on the grid that both together need."""
        reach = later.reach + earlier.reach
        grid = self._grid(reach, earlier.grid, later.grid)
        a, b = self._spread(later.matrices, later.grid, grid), self._spread(earlier.matrices, earlier.grid, grid)
        return Piece(a @ b, reach, grid)

    def on_members(self, piece: Piece) -> np.ndarray:
        """The piece on all members, (*lead, M, D, D)."""
        spread = self._spread(piece.matrices, piece.grid, (MEMBERS,) * len(piece.grid))
        D = spread.shape[-1]
        members = int(np.prod([axis.size for axis in self.slices.axes]))
        return spread.reshape(*spread.shape[: -2 - len(piece.grid)], members, D, D)

    def _span(self, first: int, last: int, reach: FloatArray) -> Piece:
        grid = self._grid(reach[first:last])
        points = [axis.count(nodes) for axis, nodes in zip(self.slices.axes, grid, strict=True)]
        basis = self.slices.space.basis
        size = int(np.prod([*self.slices.lead, *points])) * basis[0].size * (basis.itemsize // 8)
        if last - first > 1 and (last - first) * size > PORTION:
            middle = (first + last) // 2
            return self.joined(self._span(middle, last, reach), self._span(first, middle, reach))
        distinct, ids = self._distinct(first, last)
        matrices = self.slices.some(distinct).matrices(grid)
        return self._tree(matrices, ids, reach[distinct], grid)

    def _distinct(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions of slices that differ, and for each slice which of them it is."""
        rows = zip(self.slices.angles[first:last], self.slices.durations[first:last], strict=True)
        return _numbered([a.tobytes() + t.tobytes() for a, t in rows], first)

    def _tree(self, matrices: np.ndarray, ids: np.ndarray, reach: FloatArray, grid: Grid) -> Piece:
        while ids.size > 1:
            odd = ids[-1:] if ids.size % 2 else ids[:0]
            pairs = ids[: ids.size - odd.size].reshape(-1, 2)
            chosen, number = _numbered([pair.tobytes() for pair in pairs], 0)
            early, late = pairs[chosen].T
            total = reach[early] + reach[late]
            wider = self._grid(np.concatenate([total, reach[odd]]), grid)
            matrices = self._spread(matrices, grid, wider)
            product = _taken(matrices, late) @ _taken(matrices, early)
            # an odd slice out waits for the next round
            matrices = np.concatenate([product, matrices[odd]]) if odd.size else product
            reach = np.concatenate([total, reach[odd]])
            ids = np.concatenate([number, np.full(odd.size, len(total))])
            grid = wider
        return Piece(matrices[ids[0]], reach[ids[0]], grid)

    def _grid(self, reach: FloatArray, *held: Grid) -> Grid:
        """Nodes of each axis for pieces of these reaches, never fewer than they are held at."""
        largest = np.max(np.atleast_2d(reach), axis=0, initial=0.0)
        grid, done = [], 0
        for f, axis in enumerate(self.slices.axes):
            part = largest[done : done + axis.directions]
            grid.append(axis.nodes(part, self.tolerance, *(other[f] for other in held)))
            done += axis.directions
        return tuple(grid)

    def _spread(self, matrices: np.ndarray, old: Grid, new: Grid) -> np.ndarray:
        """Matrices (..., *old grid, D, D) interpolated to the new grid."""
        for f, axis in enumerate(self.slices.axes):
            if old[f] == new[f]:
                continue
            position = matrices.ndim - 2 - len(old) + f
            shape, kind = matrices.shape, matrices.dtype
            before = int(np.prod(shape[:position]))
            flat = np.ascontiguousarray(matrices).view(np.float64).reshape(before, shape[position], -1)
            # Only deviations from one point are interpolated: a matrix whose rows add up to 1 but for rounding would
            # otherwise scale every slice alike, and thousands of slices would add that up.
            middle = flat[:, flat.shape[1] // 2, None]
            flat = axis.transfer(old[f], new[f]) @ (flat - middle) + middle
            matrices = flat.reshape(-1).view(kind).reshape(*shape[:position], flat.shape[1], *shape[position + 1 :])
        return matrices


def _taken(matrices: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """matrices[chosen], without a copy where the choice is evenly spaced, as it is when nothing repeats."""
    if chosen.size > 1:
        step = int(chosen[1] - chosen[0])
        if step > 0 and np.all(np.diff(chosen) == step):
            return matrices[int(chosen[0]) : int(chosen[-1]) + 1 : step]
    return matrices[chosen]


def _numbered(keys: list[bytes], first: int) -> tuple[np.ndarray, np.ndarray]:
    """Position (from `first`) of the first of each distinct key, and the number of each key among the distinct ones."""
    seen: dict[bytes, int] = {}
    number = np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=int)
    return first + np.unique(number, return_index=True)[1], number
