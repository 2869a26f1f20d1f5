"""Superoperators: the generators of the Lindblad equation as matrices on row-major vectors.

vec(A rho B) = (A kron B^T) vec(rho), so a (d, d) state becomes a (d^2,) vector by reshape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray

Jumps = ArrayLike | Sequence[ArrayLike]


def dissipator(jumps: Jumps) -> ComplexArray:
    """sum_j L_j rho L_j^dagger - {L_j^dagger L_j, rho}/2 as a superoperator (..., d^2, d^2) (the paper, eq. 20).

    `jumps` is an array (..., J, d, d) or a sequence of arrays (..., d, d); rates are inside, L = sqrt(rate) A.
    Raises ArgumentError for any other shape, and for an empty sequence (d is then unknown).
    """
    return _dissipator(_jump_array(jumps))


def liouvillian(H: ArrayLike, jumps: Jumps = ()) -> ComplexArray:
    """The generator of d rho/dt = -i [H, rho] + D[rho] as a superoperator (..., d^2, d^2) (the paper, eq. 19).

    H (..., d, d) Hermitian; `jumps` as in `dissipator`, none by default; leading axes broadcast. Raises ArgumentError.
    """
    H = checks.hermitian("H", H)
    L = _jump_array(jumps, H.shape[-1])
    checks.same_dimension("jumps", L[..., 0, :, :] if L.shape[-3] else H, "H", H)
    return _liouvillian(H, L)


def _dissipator(L: ComplexArray) -> ComplexArray:
    d = L.shape[-1]
    flat = L.reshape(*L.shape[:-2], d * d)
    pairs = np.swapaxes(flat, -1, -2) @ flat.conj()  # [(i k), (j l)] = sum_n L_n[i, k] conj(L_n[j, l])
    gain = np.swapaxes(pairs.reshape(*pairs.shape[:-2], d, d, d, d), -3, -2).reshape(pairs.shape)
    loss = 0.5 * np.sum(np.conj(np.swapaxes(L, -1, -2)) @ L, axis=-3)
    one = np.eye(d)
    return gain - kron(loss, one) - kron(one, np.swapaxes(loss, -1, -2))


def _liouvillian(H: ComplexArray, L: ComplexArray) -> ComplexArray:
    one = np.eye(H.shape[-1])
    return -1j * (kron(H, one) - kron(one, np.swapaxes(H, -1, -2))) + _dissipator(L)


def _jump_array(jumps: Jumps, dimension: int | None = None) -> ComplexArray:
    """The jump operators as one array (..., J, d, d)."""
    if isinstance(jumps, np.ndarray):
        stack = checks.operator("jumps", jumps, dimension)
    else:
        operators = [checks.operator("jumps", jump, dimension) for jump in jumps]  # type: ignore[union-attr]
        if not operators:
            if dimension is None:
                raise ArgumentError("jumps", "empty", "hold at least one operator here, or their dimension is unknown")
            return np.zeros((0, dimension, dimension), dtype=complex)
        for other in operators[1:]:
            checks.same_dimension("jumps", other, "the first jump operator", operators[0])
        stack = np.stack(np.broadcast_arrays(*operators), axis=-3)
    if stack.ndim < 3:
        raise ArgumentError("jumps", f"of shape {stack.shape}", "have shape (..., J, d, d)")
    return stack


def kron(a: np.ndarray, b: np.ndarray) -> ComplexArray:
    """The product a kron b over the last two axes, batched over the leading ones."""
    product = a[..., :, None, :, None] * b[..., None, :, None, :]
    d = a.shape[-1] * b.shape[-1]
    return product.reshape(*product.shape[:-4], d, d)
