"""Coherence orders about a transverse axis: everything under a collective pulse as trigonometric polynomials.

With R = exp(-i theta F_n) and [F_n, A_m] = m A_m the turned state is rho(theta) = sum_m exp(-i m theta) A_m, m = -N..N
(derived here). Polynomials are kept as 2N + 1 coefficients of the real basis 1, cos theta .. cos N theta,
sin theta .. sin N theta, so that a Hermitian state gives real arithmetic throughout.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmrqb.spin.operators import coherence_order, magnetic_number

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray, FloatArray

#: Up to this dimension the map from state to coefficients is one dense real matrix (three spins: 128 x 392).
_DENSE_DIMENSION = 8

#: Coefficients below this fraction of |H| |rho| are the rounding of their own sums and are set to zero.
_ROUNDING = 4e-16


class Frame(NamedTuple):
    """The eigenbasis of the axis F_x cos(phase) + F_y sin(phase) of n spins."""

    n: int
    phase: float
    vectors: ComplexArray  # (d, d), columns
    weights: ComplexArray  # (2n + 1, d, d): picks the coefficient of each basis function from a matrix in this frame


@lru_cache(maxsize=64)
def frame(n: int, phase: float) -> Frame:
    """The frame of F_x cos(phase) + F_y sin(phase) for n spins."""
    one_spin = np.array([[1, 1], [np.exp(1j * phase), -np.exp(1j * phase)]]) / np.sqrt(2)
    vectors = np.ones((1, 1), dtype=complex)
    for _ in range(n):
        vectors = np.kron(vectors, one_spin)
    order = coherence_order(n)
    weights = [np.equal(order, 0).astype(complex)]
    weights += [np.equal(np.abs(order), m).astype(complex) for m in range(1, n + 1)]
    weights += [-1j * np.sign(order) * np.equal(np.abs(order), m) for m in range(1, n + 1)]
    return Frame(n, phase, vectors, np.array(weights))


def rotation(axes: Frame, theta: FloatArray) -> ComplexArray:
    """exp(-i theta F_n) for angles (...): shape (..., d, d)."""
    phases = np.exp(-1j * theta[..., None] * magnetic_number(axes.n))
    return (axes.vectors * phases[..., None, :]) @ axes.vectors.conj().T


def basis(n: int, theta: FloatArray) -> FloatArray:
    """1, cos m theta, sin m theta at angles (...): shape (..., 2n + 1)."""
    m = np.arange(1, n + 1) * theta[..., None]
    return np.concatenate([np.ones_like(m[..., :1]), np.cos(m), np.sin(m)], axis=-1)


def differentiate(coefficients: FloatArray) -> FloatArray:
    """Coefficients (..., 2n + 1) of the derivative with respect to theta."""
    n = coefficients.shape[-1] // 2
    m = np.arange(1, n + 1)
    cosine, sine = coefficients[..., 1 : n + 1], coefficients[..., n + 1 :]
    return np.concatenate([np.zeros_like(coefficients[..., :1]), m * sine, -m * cosine], axis=-1)


def energy_polynomial(H: ComplexArray, rho: ComplexArray, axes: Frame) -> FloatArray:
    """Coefficients (..., 2n + 1) of Tr[rho(theta) H], for Hermitian H and rho (..., d, d) that broadcast."""
    turned = _into(rho, axes) * np.conj(_into(H, axes))
    d = H.shape[-1]
    # Hermitian H and rho make the coefficients real: Re(w x) as one real product over (Re x, Im x) pairs.
    weights = np.conj(axes.weights).reshape(-1, d * d).view(float)
    coefficients = (turned.reshape(-1, d * d).view(float) @ weights.T).reshape(*turned.shape[:-2], -1)
    # A flat curve must be exactly flat, or its maximum would sit wherever rounding put it.
    coefficients[np.abs(coefficients) <= _ROUNDING * (_norm(H) * _norm(rho))[..., None]] = 0.0
    return coefficients


def element_polynomials(rho: ComplexArray, axes: Frame) -> FloatArray:
    """The elements above the diagonal of rho(theta) as polynomials: (B, d, d) to (B, 2, d(d-1)/2, 2n + 1).

    Axis 1 holds real and imaginary part; the matrix stays in the computational basis.
    """
    d = rho.shape[-1]
    if d <= _DENSE_DIMENSION:
        real = np.ascontiguousarray(rho).view(float).reshape(len(rho), 2 * d * d)
        return (real @ _dense_map(axes.n, axes.phase)).reshape(len(rho), 2, -1, 2 * axes.n + 1)
    return _element_polynomials(rho, axes)


def _element_polynomials(rho: ComplexArray, axes: Frame) -> FloatArray:
    row, column = np.triu_indices(rho.shape[-1], 1)
    inside = _into(rho, axes)
    out = np.empty((len(rho), 2, row.size, 2 * axes.n + 1))
    for k, weight in enumerate(axes.weights):
        back = (axes.vectors @ (weight * inside) @ axes.vectors.conj().T)[:, row, column]
        out[:, 0, :, k], out[:, 1, :, k] = back.real, back.imag
    return out


@lru_cache(maxsize=16)
def _dense_map(n: int, phase: float) -> FloatArray:
    """element_polynomials as one real matrix acting on (Re, Im) pairs of the flattened state."""
    d = 2**n
    units = np.eye(d * d, dtype=complex).reshape(d * d, d, d)
    rows = np.stack(
        [_element_polynomials(units, frame(n, phase)), _element_polynomials(1j * units, frame(n, phase))], 1
    )
    return rows.reshape(2 * d * d, -1)


def _into(A: ComplexArray, axes: Frame) -> ComplexArray:
    """V^dagger A V; one dense product for small spaces, where many tiny ones would cost more in overhead."""
    V, d = axes.vectors, A.shape[-1]
    if d <= _DENSE_DIMENSION:
        return (A.reshape(-1, d * d) @ np.kron(V.conj(), V)).reshape(A.shape)
    return V.conj().T @ A @ V


def _norm(A: ComplexArray) -> FloatArray:
    """Frobenius norm."""
    real = np.ascontiguousarray(A).view(float)
    return np.sqrt(np.einsum("...ij,...ij->...", real, real))
