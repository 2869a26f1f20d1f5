"""Checks of arrays at the public edge; kernels behind the edge see only arrays that passed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb.errors import ArgumentError

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]

#: Deviations from hermiticity, unit trace and positivity below this (relative to the largest entry) are rounding.
TOLERANCE = 1e-8


def real(name: str, value: ArrayLike) -> FloatArray:
    """A finite real array of any shape. Raises ArgumentError."""
    try:
        given = np.asarray(value)
        # a cast would drop imaginary parts, read text as numbers and None as NaN
        if given.dtype.kind in "cSU" or (given.dtype.kind == "O" and any(v is None for v in given.flat)):
            raise TypeError
        array = given.astype(float, copy=False)
    except (TypeError, ValueError):
        raise ArgumentError(name, repr(value), "be real numbers") from None
    if not np.all(np.isfinite(array)):
        raise ArgumentError(name, _first(array, ~np.isfinite(array)), "be finite")
    return array


def positive(name: str, value: ArrayLike) -> FloatArray:
    """A finite real array with every entry > 0. Raises ArgumentError."""
    array = real(name, value)
    if np.any(array <= 0):
        raise ArgumentError(name, _first(array, array <= 0), "be above zero")
    return array


def non_negative(name: str, value: ArrayLike) -> FloatArray:
    """A finite real array with every entry >= 0. Raises ArgumentError."""
    array = real(name, value)
    if np.any(array < 0):
        raise ArgumentError(name, _first(array, array < 0), "be zero or above")
    return array


def operator(name: str, value: ArrayLike, dimension: int | None = None) -> ComplexArray:
    """A finite complex array (..., d, d), with d = dimension where given. Raises ArgumentError."""
    try:
        array = np.asarray(value, dtype=complex)
    except (TypeError, ValueError):
        raise ArgumentError(name, type(value).__name__, "be an array of numbers of shape (..., d, d)") from None
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] == 0:
        raise ArgumentError(name, f"of shape {array.shape}", "have shape (..., d, d)")
    if dimension is not None and array.shape[-1] != dimension:
        raise ArgumentError(name, f"of shape {array.shape}", f"have shape (..., {dimension}, {dimension})")
    if not np.all(np.isfinite(array)):
        raise ArgumentError(name, "an array with NaN or infinity", "be finite")
    return array


def hermitian(name: str, value: ArrayLike, dimension: int | None = None) -> ComplexArray:
    """A Hermitian array (..., d, d), symmetrised to the last bit. Raises ArgumentError."""
    array = operator(name, value, dimension)
    adjoint = np.conj(np.swapaxes(array, -1, -2))
    scale = max(float(np.max(np.abs(array), initial=0.0)), 1e-300)
    worst = float(np.max(np.abs(array - adjoint), initial=0.0))
    if worst > TOLERANCE * scale:
        raise ArgumentError(name, f"off by {worst:.3g}", "be Hermitian")
    return 0.5 * (array + adjoint)


def density_matrix(name: str, value: ArrayLike, dimension: int | None = None) -> ComplexArray:
    """A density matrix (..., d, d): Hermitian, unit trace, no eigenvalue below -TOLERANCE. Raises ArgumentError."""
    array = hermitian(name, value, dimension)
    trace = np.einsum("...ii->...", array).real
    off = np.abs(trace - 1) > TOLERANCE
    if np.any(off):
        raise ArgumentError(name, f"of trace {_first(trace, off):.10g}", "be a density matrix with trace 1")
    try:
        # a Cholesky factor exists where no eigenvalue is below -TOLERANCE, and costs a third of the eigenvalues
        np.linalg.cholesky(array + TOLERANCE * np.eye(array.shape[-1]))
    except np.linalg.LinAlgError:
        lowest = np.linalg.eigvalsh(array)[..., 0]
        if np.any(lowest < -TOLERANCE):
            found = f"one with eigenvalue {_first(lowest, lowest < -TOLERANCE):.3g}"
            raise ArgumentError(name, found, "be a density matrix with no negative eigenvalue") from None
    return array


def same_dimension(first: str, a: ComplexArray, second: str, b: ComplexArray) -> None:
    """Two operators act on one space and their leading axes broadcast. Raises ArgumentError."""
    if a.shape[-1] != b.shape[-1]:
        raise ArgumentError(first, f"of dimension {a.shape[-1]}", f"have the dimension of {second} ({b.shape[-1]})")
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ArgumentError(
            first, f"of leading shape {a.shape[:-2]}", f"broadcast against {second} with leading shape {b.shape[:-2]}"
        ) from None


def _first(values: NDArray[Any], where: NDArray[np.bool_]) -> float:
    return float(np.asarray(values)[where].flat[0])
