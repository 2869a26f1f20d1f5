"""Two-spin states whose only coherences are |00><11| and |01><10|: the X shape, kept by the battery and its dephasing.

Measures of X states have closed or one-dimensional forms; `dispatch` sends each state of a batch to the right kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from nmrqb.checks import ComplexArray, FloatArray

#: Other coherences up to this size are rounding; dropping them moves a measure by about 40 x as much at the most.
ROUNDING = 1e-14

_OTHERS = (np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3]))


def is_x_state(rho: ComplexArray) -> NDArray[np.bool_]:
    """Whether each 4 x 4 state is an X state to within ROUNDING, shape (...)."""
    return np.max(np.abs(rho[..., *_OTHERS]), axis=-1) <= ROUNDING


def dispatch(
    rho: ArrayLike,
    check: bool,
    for_x: Callable[[ComplexArray], FloatArray],
    for_any: Callable[[ComplexArray], FloatArray],
) -> FloatArray:
    """A measure of two-spin states (..., 4, 4), shape (...): `for_x` where the state is an X state, else `for_any`.

    The kernels take (M, 4, 4) and answer (M,). Raises ArgumentError unless rho holds two-spin density matrices.
    """
    array = checks.density_matrix("rho", rho, 4) if check else np.asarray(rho)
    flat = array.reshape(-1, 4, 4)
    x_shaped = is_x_state(flat)
    if np.all(x_shaped):
        result = for_x(flat)
    else:
        result = np.empty(flat.shape[0])
        result[~x_shaped] = for_any(flat[~x_shaped])
        if np.any(x_shaped):
            result[x_shaped] = for_x(flat[x_shaped])
    return result.reshape(array.shape[:-2])


def x_eigenvalues(rho: ComplexArray) -> FloatArray:
    """The four eigenvalues of X states (M, 4, 4), in no order, shape (M, 4)."""
    outer, inner = _pair(rho, 0, 3), _pair(rho, 1, 2)
    return np.concatenate([outer, inner], axis=-1)


def _pair(rho: ComplexArray, i: int, j: int) -> FloatArray:
    a, b = rho[:, i, i].real, rho[:, j, j].real
    root = np.sqrt((0.5 * (a - b)) ** 2 + np.abs(rho[:, i, j]) ** 2)
    middle = 0.5 * (a + b)
    return np.stack([middle - root, middle + root], axis=-1)
