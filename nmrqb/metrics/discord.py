"""Quantum discord of two spins, by true minimisation over projective measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.errors import ArgumentError
from nmrqb.metrics.conditional import bloch, minimum_on_sphere, outcome_entropy
from nmrqb.metrics.entropy import entropy_term, shannon
from nmrqb.metrics.x_states import dispatch, x_eigenvalues

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray

#: cos(theta) at which the slope of an X state's conditional entropy is sampled. The first stands for theta = 90 deg; near
#: theta = 0 a population close to zero bends the slope logarithmically, so the samples crowd there.
_COSINES = np.concatenate([[1e-4], np.sin(np.linspace(0, np.pi / 2, 17)[1:-1]), 1 - np.logspace(-2.75, -6.5, 5), [1.0]])
_BISECTIONS = 52


def discord(rho: ArrayLike, measured: int = 0, *, check: bool = True) -> FloatArray:
    """Discord of two-spin states (..., 4, 4) in bits under projective measurement of spin `measured`; shape (...).

    D = S(measured) - S(rho) + min over directions of the other spin's entropy after the measurement (Ollivier and
    Zurek, PRL 88, 017901 (2001); the paper's appendix B with measured = 0). The minimum is searched for, not guessed
    from candidate axes: for X states the best azimuth aligns with the coherences' phases and every stationary polar
    angle is compared; other states are minimised over the sphere, from every basin that a grid of 128 directions
    tells apart (on 10^5 random states of all ranks within 1e-11 of a grid of 700). Raises ArgumentError unless rho holds two-spin
    density matrices and `measured` is 0 or 1.
    """
    if measured not in (0, 1):
        raise ArgumentError("measured", measured, "be spin 0 or spin 1")
    array = np.asarray(rho)
    if measured == 1 and array.ndim >= 2 and array.shape[-2:] == (4, 4):
        swap = np.array([0, 2, 1, 3])
        rho = array[..., swap[:, None], swap]
    return dispatch(rho, check, _of_x_states, _of_any)


def _of_any(rho: ComplexArray) -> FloatArray:
    a, b, T = bloch(rho)
    entropy = shannon(np.linalg.eigvalsh(rho))
    return _assemble(np.linalg.norm(a, axis=-1), entropy, minimum_on_sphere(a, b, T))


def _of_x_states(rho: ComplexArray) -> FloatArray:
    p = np.einsum("mii->mi", rho).real
    a = p[:, 0] + p[:, 1] - p[:, 2] - p[:, 3]
    b = p[:, 0] - p[:, 1] + p[:, 2] - p[:, 3]
    t = p[:, 0] - p[:, 1] - p[:, 2] + p[:, 3]
    transverse = (2 * (np.abs(rho[:, 0, 3]) + np.abs(rho[:, 1, 2]))) ** 2
    return _assemble(a, shannon(x_eigenvalues(rho)), _minimum_over_angle(a, b, t, transverse))


def _assemble(length: FloatArray, entropy: FloatArray, conditional: FloatArray) -> FloatArray:
    local = entropy_term((1 + length) / 2) + entropy_term((1 - length) / 2)
    return np.maximum(local - entropy + conditional / np.log(2), 0.0)


def _minimum_over_angle(a: FloatArray, b: FloatArray, t: FloatArray, transverse: FloatArray) -> FloatArray:
    """Least conditional entropy of X states over cos(theta) in [0, 1], in nats, shape (M,).

    Both ends are stationary by symmetry; inner minima are where the slope turns from negative to positive.
    """
    ends = [_entropy(np.full_like(a, u), a, b, t, transverse) for u in (0.0, 1.0)]
    best = np.minimum(*ends)
    slope = _slope(_COSINES[:, None], a, b, t, transverse)
    cell, member = np.nonzero((slope[:-1] < 0) & (slope[1:] > 0))
    if member.size:
        inside = _root(_COSINES[cell], _COSINES[cell + 1], *(x[member] for x in (a, b, t, transverse)))
        np.minimum.at(best, member, inside)
    return best


def _root(
    low: FloatArray, high: FloatArray, a: FloatArray, b: FloatArray, t: FloatArray, transverse: FloatArray
) -> FloatArray:
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        down = _slope(middle, a, b, t, transverse) < 0
        low, high = np.where(down, middle, low), np.where(down, high, middle)
    return _entropy(0.5 * (low + high), a, b, t, transverse)


def _entropy(u: FloatArray, a: FloatArray, b: FloatArray, t: FloatArray, transverse: FloatArray) -> FloatArray:
    rest = transverse * (1 - u * u)
    plus = outcome_entropy(1 + a * u, (b + t * u) ** 2 + rest)
    return plus + outcome_entropy(1 - a * u, (b - t * u) ** 2 + rest)


def _slope(u: FloatArray, a: FloatArray, b: FloatArray, t: FloatArray, transverse: FloatArray) -> FloatArray:
    """d/du of `_entropy`: `conditional.first_derivatives` along this one line, with logarithms shared.

    This runs for every state at every sampled angle, hence the work in place.
    """
    rest = transverse * (1 - u * u)
    total = np.zeros(np.broadcast_shapes(np.shape(u), a.shape))
    for s in (1.0, -1.0):
        q = np.maximum(1 + (s * a) * u, 1e-16)
        half = b + (s * t) * u  # Bloch component along the axis, then half of dw/du
        w = half * half
        w += rest
        gap = np.maximum(q * q - w, 1e-20 * q * q)  # as in `conditional`: kept off zero where the outcome is pure
        r = np.maximum(np.sqrt(w), 1e-7 * q)  # atanh(r/q)/r no longer changes below
        half *= s * t
        half -= transverse * u
        log_gap = np.log(gap)
        along = 2 * np.log(q + r)
        along -= log_gap
        along /= r
        along *= half
        log_gap -= 2 * np.log(2 * q)
        log_gap *= s * a
        total += log_gap
        total += along
    return -0.25 * total
