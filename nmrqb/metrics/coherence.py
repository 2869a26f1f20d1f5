"""Coherence: what a state has off the diagonal of a basis of choice.

`basis` is None for the computational basis, a unitary (..., d, d) whose columns are the basis states, or "energy" for
the eigenbasis of H. Where H is degenerate that eigenbasis is not unique, and the one is taken that diagonalises rho
inside each eigenspace: relative_entropy_of_coherence is then that of erasing the coherence between eigenspaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.metrics.entropy import shannon
from nmrqb.metrics.levels import common_basis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray


def l1_coherence(
    rho: ArrayLike, basis: ArrayLike | str | None = None, *, H: ArrayLike | None = None, check: bool = True
) -> FloatArray:
    """Sum of the moduli of rho's off-diagonal elements in a basis (the paper, eq. 29), shape (...).

    rho (..., d, d); `basis` None, a unitary, or "energy" together with H. Raises ArgumentError unless rho is a density
    matrix, the basis unitary and H Hermitian; `check=False` skips that. Baumgratz et al., PRL 113, 140401 (2014).
    """
    magnitude = np.abs(_in_basis(rho, basis, H, check))
    return magnitude.sum(axis=(-2, -1)) - np.einsum("...ii->...", magnitude)


def relative_entropy_of_coherence(
    rho: ArrayLike, basis: ArrayLike | str | None = None, *, H: ArrayLike | None = None, check: bool = True
) -> FloatArray:
    """S(diagonal of rho in the basis) - S(rho) in bits, shape (...). Arguments and errors as for `l1_coherence`.

    Baumgratz et al., PRL 113, 140401 (2014).
    """
    inside = _in_basis(rho, basis, H, check)
    diagonal = np.einsum("...ii->...i", inside).real
    return np.maximum(shannon(diagonal) - shannon(np.linalg.eigvalsh(inside)), 0.0)


def _in_basis(rho: ArrayLike, basis: ArrayLike | str | None, H: ArrayLike | None, check: bool) -> ComplexArray:
    state = checks.density_matrix("rho", rho) if check else np.asarray(rho)
    if basis is None:
        return state
    if isinstance(basis, str):
        V = _energy_basis(state, basis, H, check)
    else:
        V = checks.operator("basis", basis) if check else np.asarray(basis)
        if check:
            checks.same_dimension("basis", V, "rho", state)
            off = float(np.max(np.abs(np.conj(np.swapaxes(V, -1, -2)) @ V - np.eye(V.shape[-1])), initial=0.0))
            if off > checks.TOLERANCE:
                raise ArgumentError("basis", f"off by {off:.3g}", "be unitary")
    return np.conj(np.swapaxes(V, -1, -2)) @ state @ V


def _energy_basis(rho: ComplexArray, basis: str, H: ArrayLike | None, check: bool) -> ComplexArray:
    if basis != "energy":
        raise ArgumentError("basis", repr(basis), 'be None, a unitary or "energy"')
    if H is None:
        raise ArgumentError("H", None, 'be given with basis "energy"')
    H = checks.hermitian("H", H) if check else np.asarray(H)
    checks.same_dimension("rho", rho, "H", H)
    return common_basis(rho, H)
