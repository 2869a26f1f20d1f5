"""How a sum of Pauli strings acts on vectors: as a sparse matrix where it fits, else straight from its masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from nmrqb.checks import ComplexArray
from nmrqb.spin import memory
from nmrqb.spin.masks import CHUNK, PauliSum

#: H on vectors (2^n, R), both contiguous and complex.
Action = Callable[[ComplexArray], ComplexArray]

#: Rows on which the filling of a sparse matrix is counted beforehand.
_SAMPLE = 2048


@dataclass(frozen=True)
class Filling:
    """What a sparse matrix takes before it is made: entries in all, bytes of one, bytes of all and of its making."""

    entries: float
    item: int
    bytes: float
    peak: float


def filling(H: PauliSum) -> Filling:
    """Entries counted on a sample of rows (all of them up to 2048), and the bytes that follow."""
    d = H.dimension
    rows = np.arange(d) if d <= _SAMPLE else np.random.default_rng(0).integers(0, d, _SAMPLE)
    seen = sum(int(np.count_nonzero(H.elements(mask, k, rows))) for mask, k in H.flips())
    entries = d * seen / len(rows)  # whole numbers of Python: 2^62 times some strings is beyond 64 bits
    item = memory.REAL if H.is_real else memory.COMPLEX
    size = entries * (item + memory.INDEX) + memory.INDEX * (d + 1)
    masks = sum(1 for _ in H.flips())
    piece = min(d, _rows(masks, d))
    return Filling(entries, item, size, size + piece * masks * (2 * item + 1))


def _rows(masks: int, d: int) -> int:
    """Rows made at once: as many numbers as CHUNK holds, or 256 rows, or an eighth of a matrix up to CHUNK rows."""
    return max(256, CHUNK // max(masks, 1), min(max(d // 8, 8192), CHUNK))


def sparse_matrix(H: PauliSum, shift: float = 0.0, scale: float = 1.0) -> Any:
    """(H - shift) scale as CSR, real where it can be, filled row by row into arrays counted first."""
    groups = list(H.flips())
    d, step = H.dimension, _rows(len(groups), H.dimension)
    pointers = np.zeros(d + 1, dtype=np.int64)
    for start in range(0, d, step):
        rows = np.arange(start, min(start + step, d))
        for mask, members in groups:
            pointers[rows + 1] += _elements(H, mask, members, rows, shift) != 0
    pointers = np.cumsum(pointers).astype(np.int32 if pointers.sum() < 2**31 else np.int64)
    data = np.empty(int(pointers[-1]), dtype=float if H.is_real else complex)
    columns = np.empty(int(pointers[-1]), dtype=pointers.dtype)
    for start in range(0, d, step):
        rows = np.arange(start, min(start + step, d))
        values = np.stack([_elements(H, mask, members, rows, shift) for mask, members in groups], axis=-1)
        there = values != 0
        piece = slice(int(pointers[start]), int(pointers[rows[-1] + 1]))
        data[piece] = values[there] * scale
        columns[piece] = np.broadcast_to(rows[:, None], values.shape)[there]
        columns[piece] ^= np.broadcast_to(np.array([g[0] for g in groups], columns.dtype), values.shape)[there]
    return sparse.csr_array((data, columns, pointers), shape=(d, d))


def _elements(H: PauliSum, mask: int, members: np.ndarray, rows: np.ndarray, shift: float) -> np.ndarray:
    values = H.elements(mask, members, rows)
    return values - shift if mask == 0 else values


def action(H: PauliSum, form: str, shift: float = 0.0, scale: float = 1.0) -> Action:
    """The action v -> (H - shift) scale v, by "sparse" or "masks"."""
    if form == "masks":

        def by_masks(v: ComplexArray) -> ComplexArray:
            out = H.apply(v)
            out -= shift * v
            out *= scale
            return out

        return by_masks
    matrix = sparse_matrix(_with_diagonal(H) if shift else H, shift, scale)
    if np.iscomplexobj(matrix.data):
        return lambda v: matrix @ v
    return lambda v: _by_parts(matrix, v)


def _by_parts(matrix: Any, v: ComplexArray) -> ComplexArray:
    """A real sparse matrix on complex vectors (d, R), never made complex itself."""
    if v.shape[1] > 1:
        return (matrix @ v.view(float).reshape(v.shape[0], -1)).view(complex).reshape(v.shape)
    out = np.zeros_like(v)  # SciPy multiplies one column twice as fast as each of two, and real states are common
    out.real[:, 0] = matrix @ np.ascontiguousarray(v.real[:, 0])
    if np.any(v.imag):
        out.imag[:, 0] = matrix @ np.ascontiguousarray(v.imag[:, 0])
    return out


def _with_diagonal(H: PauliSum) -> PauliSum:
    """H with an identity term, so that a shift finds a diagonal to act on."""
    if np.any(H.x == 0):
        return H
    return PauliSum(H.n, np.append(H.x, 0), np.append(H.z, 0), np.append(H.c, 0.0))
