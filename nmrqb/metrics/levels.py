"""Eigenspaces of an observable: which levels count as degenerate, and a state pinched onto them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nmrqb.checks import ComplexArray, FloatArray

#: Neighbouring levels closer than this, relative to the largest |level|, count as one.
DEGENERACY = 1e-12


def same_level(values: FloatArray, tolerance: float = DEGENERACY) -> NDArray[np.bool_]:
    """Whether levels j and k belong to one eigenspace, shape (..., d, d), for ascending values (..., d)."""
    index = level_index(values, tolerance)
    return index[..., :, None] == index[..., None, :]


def level_index(values: FloatArray, tolerance: float = DEGENERACY) -> NDArray[np.intp]:
    """Number of the eigenspace of each level, counted from 0 upwards, shape (..., d), for ascending values (..., d)."""
    scale = np.max(np.abs(values), axis=-1, keepdims=True)
    new = np.diff(values, axis=-1) > tolerance * scale
    first = np.zeros((*values.shape[:-1], 1), dtype=np.intp)
    return np.concatenate([first, np.cumsum(new, axis=-1)], axis=-1)


def pinched(rho: ComplexArray, H: ComplexArray, tolerance: float = DEGENERACY) -> ComplexArray:
    """The sum of P rho P over the eigenspaces of H, written in an eigenbasis of H, shape (..., d, d)."""
    energies, vectors = np.linalg.eigh(H)
    inside = np.conj(np.swapaxes(vectors, -1, -2)) @ rho @ vectors
    return np.where(same_level(energies, tolerance), inside, 0.0)


def common_basis(rho: ComplexArray, H: ComplexArray, tolerance: float = DEGENERACY) -> ComplexArray:
    """Eigenvectors of H as columns (..., d, d), chosen inside each degenerate eigenspace to diagonalise rho there."""
    energies, vectors = np.linalg.eigh(H)
    index = level_index(energies, tolerance)
    inside = np.conj(np.swapaxes(vectors, -1, -2)) @ rho @ vectors
    blocks = np.where(index[..., :, None] == index[..., None, :], inside, 0.0)
    # States have eigenvalues within [0, 1]: steps of 3 keep the eigenspaces apart and in order.
    shifted = blocks + 3.0 * index[..., :, None] * np.eye(index.shape[-1])
    return vectors @ np.linalg.eigh(shifted)[1]
