"""Eigenvalues of very many small Hermitian matrices."""

from __future__ import annotations

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray

#: Matrices at a time, so that all intermediate results stay in the processor's cache.
_CHUNK = 2048


def descending_eigenvalues(matrices: ComplexArray) -> FloatArray:
    """Eigenvalues (..., d) of Hermitian matrices (..., d, d), largest first.

    Two spins have a quartic characteristic polynomial, whose closed solution (Euler's, by way of the resolvent cubic) takes
    a quarter of the time of a diagonalisation. Its errors are 1e-10 of the largest element, up to 1e-5 where three or four
    eigenvalues agree, far below the noise of any counts; other dimensions are diagonalised.
    """
    d = matrices.shape[-1]
    if d != 4:
        values: FloatArray = np.linalg.eigvalsh(matrices).astype(float)
        return values[..., ::-1]
    flat = np.ascontiguousarray(matrices, dtype=complex).reshape(-1, 16)
    found = np.empty((len(flat), 4))
    for k in range(0, len(flat), _CHUNK):
        found[k : k + _CHUNK] = _quartic(flat[k : k + _CHUNK])
    return found.reshape(*matrices.shape[:-2], 4)


def _quartic(flat: ComplexArray) -> FloatArray:
    """Descending eigenvalues (B, 4) of matrices (B, 16) from the traces of their powers."""
    mean = flat[:, ::5].real.sum(axis=1) / 4
    M = flat.copy()
    M[:, ::5] -= mean[:, None]
    square = (M.reshape(-1, 4, 4) @ M.reshape(-1, 4, 4)).reshape(-1, 16).view(float)
    real = M.view(float)
    traces = [np.einsum("ij,ij->i", a, b) for a, b in ((real, real), (real, square), (square, square))]
    p, q, r = -traces[0] / 2, -traces[1] / 3, traces[0] ** 2 / 8 - traces[2] / 4  # x^4 + p x^2 + q x + r
    root = np.sqrt(np.maximum((p * p + 12 * r) / 9, 0))
    cube = root**3
    cosine = (p**3 - 36 * p * r + 13.5 * q * q) / 27 / np.where(cube > 0, cube, 1.0)
    angle = np.arccos(np.clip(cosine, -1, 1)) / 3
    a, b, c = (
        np.sqrt(np.maximum(2 * root * np.cos(angle + turn) - 2 * p / 3, 0)) / 2
        for turn in (0, -2 * np.pi / 3, 2 * np.pi / 3)
    )
    c = np.where(q <= 0, c, -c)
    return np.stack([a + b + c, a - b - c, b - a - c, c - a - b], axis=1) + mean[:, None]
