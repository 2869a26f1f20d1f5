"""Entanglement of two spins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.metrics.entropy import square_root
from nmrqb.metrics.x_states import dispatch
from nmrqb.spin.operators import pauli_string

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray


def concurrence(rho: ArrayLike, *, check: bool = True) -> FloatArray:
    """Wootters' concurrence, from 0 (separable) to 1, of two-spin states (..., 4, 4); shape (...).

    PRL 80, 2245 (1998), the paper's eq. (C1). Computed as max(0, s1 - s2 - s3 - s4) with s the singular values of
    A^T (Y kron Y) A, A A^dagger = rho: the usual square roots of the eigenvalues of rho rho~ lose half the digits near
    zero. X states use their closed form; in others populations below 1e-15 count as zero, because concurrence goes with
    their root. Raises ArgumentError unless rho holds two-spin density matrices.
    """
    return dispatch(rho, check, _of_x_states, _of_any)


def _of_x_states(rho: ComplexArray) -> FloatArray:
    p = np.maximum(np.einsum("mii->mi", rho).real, 0.0)
    outer = np.abs(rho[:, 0, 3]) - np.sqrt(p[:, 1] * p[:, 2])
    inner = np.abs(rho[:, 1, 2]) - np.sqrt(p[:, 0] * p[:, 3])
    return 2 * np.maximum(np.maximum(outer, inner), 0.0)


def _of_any(rho: ComplexArray) -> FloatArray:
    root = square_root(rho)
    s = np.linalg.svd(np.swapaxes(root, -1, -2) @ pauli_string("YY") @ root, compute_uv=False)
    return np.maximum(2 * s[:, 0] - s.sum(axis=-1), 0.0)
