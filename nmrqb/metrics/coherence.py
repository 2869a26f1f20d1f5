"""Basis-dependent coherence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray


def l1_coherence(rho: ArrayLike, basis: ArrayLike | None = None, *, check: bool = True) -> FloatArray:
    """Sum of the moduli of rho's off-diagonal elements (the paper, eq. 29), shape (...).

    rho (..., d, d); `basis` is None for the computational basis or a unitary (..., d, d) whose columns are the basis
    states. Raises ArgumentError unless rho is a density matrix and the basis unitary; `check=False` skips that.
    """
    if check:
        rho = checks.density_matrix("rho", rho)
    rho = _in_basis(np.asarray(rho), basis, check)
    magnitude = np.abs(rho)
    return magnitude.sum(axis=(-2, -1)) - np.einsum("...ii->...", magnitude)


def _in_basis(rho: ComplexArray, basis: ArrayLike | None, check: bool) -> ComplexArray:
    if basis is None:
        return rho
    V = np.asarray(basis)
    if check:
        V = checks.operator("basis", V)
        checks.same_dimension("basis", V, "rho", rho)
        off = float(np.max(np.abs(np.conj(np.swapaxes(V, -1, -2)) @ V - np.eye(V.shape[-1])), initial=0.0))
        if off > checks.TOLERANCE:
            raise ArgumentError("basis", f"off by {off:.3g}", "be unitary")
    return np.conj(np.swapaxes(V, -1, -2)) @ rho @ V
