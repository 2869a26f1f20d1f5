"""Propagators of the slices of a pulse and the exact derivatives of what is made of them.

A slice is exp(dt (A_m + r_m a (cos(phase) B_x + sin(phase) B_y))) for each member m. Where a phase only turns a slice
about z, the slice is exp(-i phase z) E_m(a) exp(i phase z), and E_m, entire in the amplitude a, is held as a Chebyshev
series on [-1, 1] to rounding: propagators and derivatives of all slices and members are then one real matrix product each
(`Series`). Otherwise slices are diagonalised one by one, and derivatives are divided differences in the eigenbasis, or,
with noise, come from a block-triangular exponential (`Direct`; Van Loan, IEEE Trans. Autom. Control 23, 395 (1978)).

Arrays of matrices have slices and members last, (D, D, S, M): products of small matrices then run over long contiguous rows.
"""

from __future__ import annotations

from functools import reduce
from typing import Protocol

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design.controls import Generators
from nmrqb.timeline.exponentials import exponentials, unitaries

#: Truncation error of a Chebyshev series, in spectral norm.
_TRUNCATION = 1e-17
#: Complex numbers in the longest series; beyond, slices are exponentiated one by one.
_LONGEST = 2**23


class Propagators(Protocol):
    """Slices as functions of amplitudes a and phases (S, C); amplitudes are shares of the limit, from -1 to 1."""

    def slices(self, a: FloatArray, phase: FloatArray) -> ComplexArray:
        """All slices, (D, D, S, M)."""

    def pullback(self, W: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Derivatives (S, C) by a and by phase of f where df = Re sum conj(W) dP, for the slices made last."""


def propagators(made: Generators, dt: float) -> Propagators:
    """The quickest way to the slices of these generators."""
    if made.z is not None:
        points = [_points(_reach(made, c, dt)) for c in range(len(made.z))]
        if np.prod(points, dtype=float) * made.still.size <= _LONGEST:
            return Series(made, dt, points)
    return Direct(made, dt)


class Series:
    """Slices from a Chebyshev series in the amplitudes."""

    def __init__(self, made: Generators, dt: float, points: list[int]) -> None:
        assert made.z is not None
        nodes = [np.cos((2 * np.arange(n) + 1) * np.pi / (2 * n)) for n in points]
        grid = np.stack([g.reshape(-1) for g in np.meshgrid(*nodes, indexing="ij")], axis=-1)
        values = _exponentials(made, dt, np.tensordot(grid, made.quadratures[:, 0], 1))  # (nodes, M, D, D)
        M, D = values.shape[1:3]
        flat = np.ascontiguousarray(np.moveaxis(values, 1, -1)).reshape(*points, -1)
        for axis, n in enumerate(points):
            transform = np.cos(np.outer(np.arange(n), (2 * np.arange(n) + 1) * np.pi / (2 * n))) * (2 / n)
            transform[0] /= 2
            flat = np.moveaxis(np.tensordot(transform, flat, axes=(1, axis)), 0, axis)
        table = np.moveaxis(flat.reshape(len(grid), D * D, M), 1, 0)
        self._table = np.ascontiguousarray(table).view(np.float64)  # (D D, nodes, 2 M)
        self._points, self._z, self._shape = points, made.z, (D, D, M)
        self._a: FloatArray = np.zeros((0, len(points)))
        self._turn: ComplexArray = np.zeros(0, dtype=complex)
        self._made: ComplexArray = np.zeros(0, dtype=complex)

    def slices(self, a: FloatArray, phase: FloatArray) -> ComplexArray:
        """All slices, (D, D, S, M)."""
        rows = [_chebyshev(n, a[:, c]) for c, n in enumerate(self._points)]
        half = np.exp(-1j * (self._z.T @ phase.T))  # (D, S)
        self._a, self._turn = a, (half[:, None] * half[None].conj())[..., None]
        D, _, M = self._shape
        P = (_products(rows) @ self._table).view(np.complex128).reshape(D, D, len(a), M)
        P *= self._turn
        self._made = P
        return P

    def pullback(self, W: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Derivatives by amplitude and phase, (S, C)."""
        D, _, M = self._shape
        S = len(self._a)
        weighted = W.conj()
        weighted *= self._made
        order = self._z[:, :, None] - self._z[:, None, :]
        by_phase = (order.reshape(len(order), -1) @ weighted.imag.sum(axis=-1).reshape(D * D, S)).T
        turned = np.multiply(W, self._turn.conj(), out=weighted).reshape(D * D, S, M)
        onto = np.sum(turned.view(np.float64) @ np.swapaxes(self._table, 1, 2), axis=0)  # (S, nodes)
        rows = [_chebyshev(n, self._a[:, c]) for c, n in enumerate(self._points)]
        by_amplitude = np.empty_like(self._a)
        for c, n in enumerate(self._points):
            slope = [*rows[:c], _chebyshev_slope(n, self._a[:, c]), *rows[c + 1 :]]
            by_amplitude[:, c] = np.einsum("sk,sk->s", onto, _products(slope))
        return by_amplitude, by_phase


class Direct:
    """Slices exponentiated one by one, for any drives and any noise."""

    def __init__(self, made: Generators, dt: float) -> None:
        self._made, self._dt = made, dt
        self._a: FloatArray = np.zeros((0, 1))
        self._phase: FloatArray = np.zeros((0, 1))
        self._A: ComplexArray = np.zeros(0, dtype=complex)

    def slices(self, a: FloatArray, phase: FloatArray) -> ComplexArray:
        """All slices, (D, D, S, M)."""
        made = self._made
        self._a, self._phase = a, phase
        along = np.tensordot(a * np.cos(phase), made.quadratures[:, 0], 1)
        along = along + np.tensordot(a * np.sin(phase), made.quadratures[:, 1], 1)
        self._A = self._dt * (made.still + made.rf[:, None, None] * along[:, None])  # (S, M, D, D)
        if made.unitary:
            self._levels, self._vectors = np.linalg.eigh(1j * self._A)
            P = (self._vectors * np.exp(-1j * self._levels)[..., None, :]) @ _adjoint(self._vectors)
        else:
            P = exponentials(self._A, _norms(self._A))
        return np.ascontiguousarray(np.moveaxis(P, (0, 1), (-2, -1)))

    def pullback(self, W: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Derivatives by amplitude and phase, (S, C)."""
        made = self._made
        # df = Re <W, L(A, dA)> = Re <L(A^dagger, W), dA>, L the derivative of the exponential
        gradient = self._adjoint_derivative(np.moveaxis(W, (-2, -1), (0, 1)))
        over_members = np.tensordot(made.rf, gradient.conj(), axes=(0, 1))  # (S, D, D)
        onto = self._dt * np.tensordot(over_members, made.quadratures, axes=((1, 2), (2, 3))).real
        c, s = np.cos(self._phase), np.sin(self._phase)
        return c * onto[..., 0] + s * onto[..., 1], self._a * (c * onto[..., 1] - s * onto[..., 0])

    def _adjoint_derivative(self, W: ComplexArray) -> ComplexArray:
        if self._made.unitary:
            inside = _adjoint(self._vectors) @ W @ self._vectors
            return self._vectors @ (inside * _divided(-self._levels)) @ _adjoint(self._vectors)
        D = self._A.shape[-1]
        block = np.zeros((*self._A.shape[:-2], 2 * D, 2 * D), dtype=complex)
        # the derivative is linear in W: scaled to the size of A, neither spoils the other's rounding
        scale = np.abs(W).max(axis=(1, 2, 3), keepdims=True) / np.maximum(_norms(self._A), 1e-3)[:, None, None, None]
        block[..., :D, :D] = block[..., D:, D:] = _adjoint(self._A)
        block[..., :D, D:] = W / np.where(scale > 0, scale, 1.0)
        return exponentials(block, _norms(block))[..., :D, D:] * scale


def _exponentials(made: Generators, dt: float, along: ComplexArray) -> ComplexArray:
    """Exp(dt (still + rf along)) on all members, (nodes, M, D, D), for along (nodes, D, D)."""
    A = dt * (made.still + made.rf[:, None, None] * along[:, None])
    return unitaries(A, _norms(A)) if made.unitary else exponentials(A, _norms(A))


def _norms(A: ComplexArray) -> FloatArray:
    """A bound of the spectral norm over all axes but the first: the root of the largest row and column sums."""
    size = np.abs(A)
    over = tuple(range(1, A.ndim - 1))
    return np.asarray(np.sqrt(size.sum(axis=-1).max(axis=over) * size.sum(axis=-2).max(axis=over)))


def _reach(made: Generators, channel: int, dt: float) -> float:
    """How far a slice can turn along a channel: what bounds exp for complex amplitudes (norm of its Hermitian part)."""
    B = made.quadratures[channel, 0]
    return float(dt * np.abs(made.rf).max() * np.linalg.norm(B, 2)) * (1.0 if made.unitary else np.sqrt(len(B)))


def _points(reach: float) -> int:
    """Chebyshev points for a function no larger than exp(reach |Im a|) off [-1, 1]; see `nmrqb.timeline.interpolation`."""
    b = np.geomspace(1e-3, 60, 600)
    n = 4
    while np.max((np.log(_TRUNCATION / 4) + (n - 1) * b + b + np.log(-np.expm1(-b))) / np.sinh(b)) < reach:
        n += 1
    return n


def _chebyshev(n: int, a: FloatArray) -> FloatArray:
    """T_0 .. T_(n-1) at a (S,), (S, n)."""
    rows = np.empty((n, a.size))
    rows[0] = 1
    rows[1] = a
    for k in range(2, n):
        np.multiply(2 * a, rows[k - 1], out=rows[k])
        rows[k] -= rows[k - 2]
    return rows.T


def _chebyshev_slope(n: int, a: FloatArray) -> FloatArray:
    """Their derivatives k U_(k-1), (S, n)."""
    second = np.empty((n, a.size))
    second[0] = 0
    second[1] = 1
    for k in range(2, n):
        np.multiply(2 * a, second[k - 1], out=second[k])
        second[k] -= second[k - 2]
    return (second * np.arange(n)[:, None]).T


def _products(rows: list[FloatArray]) -> FloatArray:
    """All products of one entry from each, (S, n1 n2 ...)."""
    return reduce(lambda p, q: (p[:, :, None] * q[:, None, :]).reshape(len(p), -1), rows)


def _divided(x: FloatArray) -> ComplexArray:
    """Divided differences of exp(-i x): those of its adjoint exponential at levels -x, (..., D, D)."""
    middle = 0.5 * (x[..., :, None] + x[..., None, :])
    half = 0.5 * (x[..., :, None] - x[..., None, :])
    return np.asarray(np.exp(-1j * middle) * np.sinc(half / np.pi))


def _adjoint(A: ComplexArray) -> ComplexArray:
    return np.conj(np.swapaxes(A, -1, -2))
