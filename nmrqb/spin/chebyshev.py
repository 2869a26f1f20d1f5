"""Functions of a large Hermitian operator on vectors by Chebyshev's expansion: evolution and thermal weights.

exp(-i H t) = exp(-i c t) sum_k (2 - delta_k0) (-i)^k J_k(r t) T_k((H - c)/r), and exp(-b H) with I_k in place of J_k
(Tal-Ezer and Kosloff, J. Chem. Phys. 81, 3967 (1984)). One recursion serves all times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import ive, jv

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import RunError
from nmrqb.spin.actions import Action

#: Coefficients below this are left out.
CUTOFF = 1e-15
#: Polynomials gathered before one matrix product adds them to all times.
BLOCK = 16
#: A norm that strays by more than this tells of an interval that misses part of the spectrum.
_DRIFT = 1e-9
_LANCZOS = 18


class Interval(NamedTuple):
    """Where the spectrum lies: centre and half-width."""

    centre: float
    radius: float


def interval(act: Action, d: int, most: float, seed: int = 0) -> Interval:
    """An interval about the spectrum by a few Lanczos steps, each end moved out by its residual; `most` bounds |H|."""
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((d, 1)) + 1j * rng.standard_normal((d, 1))
    v /= np.linalg.norm(v)
    before = np.zeros_like(v)
    alpha, beta = [], [0.0]
    for _ in range(min(_LANCZOS, d)):
        w = act(v) - beta[-1] * before
        alpha.append(float(np.vdot(v, w).real))
        w -= alpha[-1] * v
        beta.append(float(np.linalg.norm(w)))
        if beta[-1] < 1e-12 * most:
            break
        before, v = v, w / beta[-1]
    values, vectors = eigh_tridiagonal(np.array(alpha), np.array(beta[1 : len(alpha)]))
    width = max(values[-1] - values[0], 1e-12 * most, 1e-300)
    low = max(values[0] - beta[-1] * abs(vectors[-1, 0]) - 0.01 * width, -most * (1 + 1e-9))
    high = min(values[-1] + beta[-1] * abs(vectors[-1, -1]) + 0.01 * width, most * (1 + 1e-9))
    return Interval((low + high) / 2, max((high - low) / 2, 1e-300))


def terms(reach: float) -> int:
    """Upper bound on the polynomials that exp(-i x reach), x within [-1, 1], takes."""
    return int(reach + 20 + 12 * np.cbrt(reach))


def evolution_coefficients(radius: float, centre: float, times: FloatArray) -> ComplexArray:
    """(T, K) for exp(-i H t)."""
    k = np.arange(terms(radius * float(np.abs(times).max(initial=0.0))))
    c = jv(k, radius * times[:, None]) * np.array([1, -1j, -1, 1j])[k % 4] * np.where(k == 0, 1, 2)
    return _cut(c * np.exp(-1j * centre * times)[:, None])


def thermal_coefficients(radius: float, exponents: FloatArray) -> ComplexArray:
    """(T, K) for exp(-b (H - lowest)), lowest = centre - radius, b >= 0: no weight exceeds one."""
    k = np.arange(terms(radius * float(exponents.max(initial=0.0))))
    c = ive(k, radius * exponents[:, None]) * (-1.0) ** k * np.where(k == 0, 1, 2)
    return _cut(c.astype(complex))


def _cut(c: ComplexArray) -> ComplexArray:
    kept = np.flatnonzero(np.any(np.abs(c) > CUTOFF, axis=0))
    return c[:, : kept[-1] + 1] if kept.size else c[:, :1]


def expand(
    double: Action, coefficients: ComplexArray, v: ComplexArray, progress: Callable[[int, int], None] | None = None
) -> ComplexArray:
    """sum_k c[t, k] T_k(A) v for v (d, R), shape (T, d, R); double(v) = 2 A v, the spectrum of A within [-1, 1]."""
    count, K = coefficients.shape
    d, R = v.shape
    total = np.zeros((count, d * R), dtype=complex)
    block = np.empty((min(BLOCK, K), d, R), dtype=complex)
    before, now = v, v
    filled = 0
    for k in range(K):
        if k == 1:
            now = double(v)
            now *= 0.5
        elif k > 1:
            after = double(now)
            after -= before
            before, now = now, after
        block[filled] = now
        filled += 1
        if filled == len(block) or k == K - 1:
            first = k + 1 - filled
            total += coefficients[:, first : k + 1] @ block[:filled].reshape(filled, -1)
            filled = 0
            if progress:
                progress(k + 1, K)
    return total.reshape(count, d, R)


def check_norm(vectors: ComplexArray, norms: FloatArray) -> None:
    """Raises RunError where the norm of vectors (T, d, R) has left `norms` (R,): the interval was too narrow."""
    squares = sum(np.einsum("tdr,tdr->tr", part, part) for part in (vectors.real, vectors.imag))  # no copies
    drift = float(np.max(np.abs(np.sqrt(squares) / norms - 1), initial=0.0))
    if not drift < _DRIFT:
        raise RunError(
            f"the norm of an evolved state strayed by {drift:.2g}", "ask for another method, or for shorter times"
        )
