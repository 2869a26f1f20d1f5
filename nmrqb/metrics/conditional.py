"""Entropy of one spin after a projective measurement of the other, minimised over the direction of measurement.

Everything is in the Bloch picture: a measures spin A along the unit vector n; outcome s = +-1 has probability q/2 with
q = 1 + s a.n, and leaves spin B with the (unnormalised) Bloch vector v = b + s T^T n. In terms of q and w = |v|^2 the
outcome adds

    P(q, w) = phi((q + |v|)/4) + phi((q - |v|)/4) - phi(q/2),   phi(x) = -x ln x,

to the conditional entropy, in nats. P is smooth in w even at |v| = 0; its derivatives below are exact (derived here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.spin.operators import pauli_labels, pauli_stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nmrqb.checks import ComplexArray, FloatArray

_TINY = 1e-300
#: Points of the coarse grid on the half sphere (n and -n are one measurement), and neighbours of each.
_POINTS, _NEIGHBOURS = 128, 8
#: Basins of the coarse grid that are refined, Newton steps at most, and the promised decrease that is worth a step.
_STARTS, _STEPS, _GAIN = 3, 40, 1e-17
#: States refined at once, so that the grid of all of them never stands in memory.
CHUNK = 4096


def bloch(rho: ComplexArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bloch vectors a, b (M, 3) and correlation matrices T (M, 3, 3) of two-spin states (M, 4, 4)."""
    stack = pauli_stack(pauli_labels(2)).reshape(16, 16)
    R = (rho.reshape(-1, 16) @ stack.conj().T).real.reshape(-1, 4, 4)
    return R[:, 1:, 0], R[:, 0, 1:], R[:, 1:, 1:]


def outcome_entropy(q: FloatArray, w: FloatArray) -> FloatArray:
    """P(q, w) in nats."""
    r = np.sqrt(np.maximum(w, 0.0))
    return _phi((q + r) / 4) + _phi((q - r) / 4) - _phi(q / 2)


def first_derivatives(q: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """dP/dq and dP/dw."""
    q, gap = _floored(q, w)
    return -0.25 * np.log(gap / (4 * q * q)), -0.25 * _atanh_ratio(q, w, gap)


def second_derivatives(q: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """d2P/dq2, d2P/dqdw and d2P/dw2."""
    q, gap = _floored(q, w)
    x2 = w / (q * q)
    series = -(2 / 3 + 4 / 5 * x2 + 6 / 7 * x2**2 + 8 / 9 * x2**3) / (8 * q**3)
    exact = (_atanh_ratio(q, w, gap) - q / gap) / (8 * np.maximum(w, 1e-6 * q * q))
    return -w / (2 * q * gap), 0.25 / gap, np.where(x2 < 1e-3, series, exact)


def minimum_on_sphere(a: FloatArray, b: FloatArray, T: FloatArray) -> FloatArray:
    """The least conditional entropy over all directions in nats, shape (M,), for a, b (M, 3) and T (M, 3, 3).

    Each grid point that lies below its neighbours is a start; the best of them are refined by damped Newton steps in
    the tangent plane that never go uphill.
    """
    parts = [slice(k, k + CHUNK) for k in range(0, len(a), CHUNK)]
    return np.concatenate([_minimum(a[k], b[k], T[k]) for k in parts]) if parts else np.empty(0)


def _minimum(a: FloatArray, b: FloatArray, T: FloatArray) -> FloatArray:
    values = _on_grid(a, b, T)
    lowest = np.all(values[:, :, None] <= values[:, _NEAREST], axis=-1)
    points = np.argpartition(np.where(lowest, values, np.inf), _STARTS, axis=-1)[:, :_STARTS]
    member, rank = np.nonzero(np.take_along_axis(lowest, points, axis=-1))
    n = _GRID[points[member, rank]]
    a, b, T = a[member], b[member], T[member]
    best = _entropy(n, a, b, T)
    active = np.arange(len(n))
    for _ in range(_STEPS):
        n[active], best[active], going = _newton_step(n[active], best[active], a[active], b[active], T[active])
        active = active[going]
        if not active.size:
            break
    least = np.full(len(values), np.inf)
    np.minimum.at(least, member, best)
    return least


def _newton_step(
    n: FloatArray, value: FloatArray, a: FloatArray, b: FloatArray, T: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """One step downhill from each n: the new n, its entropy, and whether it pays to go on."""
    step, gain = _direction(n, a, b, T)
    waiting = np.flatnonzero(gain > _GAIN)
    going = np.zeros(len(n), dtype=bool)
    new, new_value = n.copy(), value.copy()
    for shrink in (1.0, 0.3, 0.05, 0.003):
        trial = n[waiting] + shrink * step[waiting]
        trial /= np.linalg.norm(trial, axis=-1, keepdims=True)
        found = _entropy(trial, a[waiting], b[waiting], T[waiting])
        better = found < value[waiting]
        index = waiting[better]
        new[index], new_value[index], going[index] = trial[better], found[better], True
        waiting = waiting[~better]
        if not waiting.size:
            break
    return new, new_value, going


def _direction(n: FloatArray, a: FloatArray, b: FloatArray, T: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The Newton step in the tangent plane, (M, 3), and the decrease it promises, (M,).

    The Hessian's eigenvalues are made positive, and a step is at most 0.3 long.
    """
    gradient, hessian = np.zeros_like(n), np.zeros((len(n), 3, 3))
    Tt = np.swapaxes(T, -1, -2)
    for s in (1.0, -1.0):
        q = 1 + s * np.sum(a * n, axis=-1)
        v = b + s * (Tt @ n[..., None])[..., 0]
        w = np.sum(v * v, axis=-1)
        dw = 2 * s * (T @ v[..., None])[..., 0]
        Pq, Pw = first_derivatives(q, w)
        Pqq, Pqw, Pww = second_derivatives(q, w)
        gradient += Pq[:, None] * s * a + Pw[:, None] * dw
        mixed = s * a[:, :, None] * dw[:, None, :]
        hessian += Pqq[:, None, None] * a[:, :, None] * a[:, None, :] + 2 * Pw[:, None, None] * (T @ Tt)
        hessian += Pqw[:, None, None] * (mixed + np.swapaxes(mixed, -1, -2))
        hessian += Pww[:, None, None] * dw[:, :, None] * dw[:, None, :]
    frame = _tangents(n)
    g = (frame @ gradient[..., None])[..., 0]
    radial = np.sum(n * gradient, axis=-1)
    h = frame @ hessian @ np.swapaxes(frame, -1, -2) - radial[:, None, None] * np.eye(2)
    h = np.where(np.isfinite(h), h, 0.0)
    curvature, axes = np.linalg.eigh(h)
    floor = 1e-9 * np.max(np.abs(curvature), axis=-1, keepdims=True) + 1e-14
    along = (np.swapaxes(axes, -1, -2) @ g[..., None])[..., 0] / np.maximum(np.abs(curvature), floor)
    step = -(np.swapaxes(frame, -1, -2) @ (axes @ along[..., None]))[..., 0]
    length = np.linalg.norm(step, axis=-1, keepdims=True)
    step *= np.minimum(1.0, 0.3 / np.maximum(length, _TINY))
    return step, -np.sum(step * gradient, axis=-1)


def _tangents(n: FloatArray) -> FloatArray:
    """Two orthonormal vectors normal to each n, shape (M, 2, 3)."""
    helper = np.eye(3)[np.argmin(np.abs(n), axis=-1)]
    first = np.cross(n, helper)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return np.stack([first, np.cross(n, first)], axis=1)


def _entropy(n: FloatArray, a: FloatArray, b: FloatArray, T: FloatArray) -> FloatArray:
    """Conditional entropy (M,) in nats for one direction (M, 3) each."""
    along, v = np.sum(a * n, axis=-1), (n[:, None] @ T)[:, 0]
    plus, minus = b + v, b - v
    up, down = np.sum(plus * plus, axis=-1), np.sum(minus * minus, axis=-1)
    return outcome_entropy(1 + along, up) + outcome_entropy(1 - along, down)


def _on_grid(a: FloatArray, b: FloatArray, T: FloatArray) -> FloatArray:
    """Conditional entropy (M, K) in nats at the K points of the grid: w = |b|^2 + n.TT^T.n +- 2 n.Tb as products."""
    along = a @ _GRID.T
    even = np.sum(b * b, axis=-1)[:, None] + (T @ np.swapaxes(T, -1, -2)).reshape(-1, 9) @ _SQUARES.T
    odd = 2 * (T @ b[..., None])[..., 0] @ _GRID.T
    return outcome_entropy(1 + along, even + odd) + outcome_entropy(1 - along, even - odd)


def _phi(x: FloatArray) -> FloatArray:
    return -x * np.log(np.maximum(x, _TINY))


def _floored(q: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Keep q and q^2 - w off zero: impossible outcomes (q = 0) and pure ones (w = q^2), where slopes are infinite."""
    q = np.maximum(q, 1e-16)
    return q, np.maximum(q * q - w, 1e-20 * q * q)


def _atanh_ratio(q: FloatArray, w: FloatArray, gap: FloatArray) -> FloatArray:
    """atanh(r/q)/r with r = sqrt(w) and gap = q^2 - w, and its limit 1/q at r = 0."""
    x2 = w / (q * q)
    r = np.sqrt(np.maximum(w, 1e-12 * q * q))
    return np.where(x2 < 1e-8, (1 + x2 / 3) / q, 0.5 * np.log((q + r) ** 2 / gap) / r)


def _half_sphere(count: int) -> FloatArray:
    """Directions spread evenly over z > 0 (Fibonacci spiral), shape (count, 3)."""
    k = np.arange(count)
    z = 1 - (k + 0.5) / count
    angle = k * np.pi * (3 - np.sqrt(5))
    rho = np.sqrt(1 - z * z)
    return np.stack([rho * np.cos(angle), rho * np.sin(angle), z], axis=-1)


_GRID = _half_sphere(_POINTS)
_SQUARES = (_GRID[:, :, None] * _GRID[:, None, :]).reshape(-1, 9)
_NEAREST = np.argsort(-np.abs(_GRID @ _GRID.T), axis=-1)[:, 1 : _NEIGHBOURS + 1]
