"""Exponentials of stacks of small matrices: Taylor polynomials of the degree that each norm needs."""

from __future__ import annotations

from math import factorial

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray

#: (powers kept p, blocks q): the Paterson-Stockmeyer form of the Taylor polynomial of degree p q takes p + q - 2 products
#: (SIAM J. Comput. 2, 60 (1973)).
_SCHEMES = ((2, 1), (3, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4))
_UNIT = 2.0**-53


def _largest_norm(degree: int) -> float:
    """Norm up to which the first dropped term, norm^(m+1)/(m+1)!, is below rounding."""
    return float((_UNIT * factorial(degree + 1)) ** (1 / (degree + 1)))


_LIMITS = np.array([_largest_norm(p * q) for p, q in _SCHEMES])


def exponentials(generators: np.ndarray, norms: FloatArray) -> np.ndarray:
    """exp(A) for A (k, ..., d, d), real or complex; norms (k,) bound the spectral norm of each A[k] over its other axes.

    Rounding apart each is exact: entries of similar norm share a Taylor degree; beyond the last one they are halved and
    squared back. Errors are then about 1e-16 x max(1, norm), for what does not grow (unitaries, relaxation).
    """
    scheme = np.searchsorted(_LIMITS, norms)
    if scheme.size == 0 or scheme.min() == scheme.max() < len(_SCHEMES):
        return _taylor(generators, *_SCHEMES[scheme[0]]) if scheme.size else generators
    result = np.empty_like(generators)
    for number in np.unique(scheme):
        chosen = scheme == number
        if number < len(_SCHEMES):
            result[chosen] = _taylor(generators[chosen], *_SCHEMES[number])
            continue
        doublings = np.ceil(np.log2(norms[chosen] / _LIMITS[-1])).astype(int)
        for n in np.unique(doublings):
            group = np.flatnonzero(chosen)[doublings == n]
            result[group] = _squared(_taylor(generators[group] / 2.0**n, *_SCHEMES[-1]), int(n))
    return result


def unitaries(generators: ComplexArray, norms: FloatArray) -> ComplexArray:
    """exp(A) for anti-Hermitian A (k, ..., d, d), norms as in `exponentials`; large ones go through their eigenbasis."""
    large = norms > 4 * _LIMITS[-1]
    if not large.any():
        return exponentials(generators, norms)
    result = np.empty_like(generators)
    result[~large] = exponentials(generators[~large], norms[~large])
    phases, vectors = np.linalg.eigh(1j * generators[large])
    result[large] = (vectors * np.exp(-1j * phases)[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))
    return result


def _squared(matrices: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        matrices = matrices @ matrices
    return matrices


def _taylor(A: np.ndarray, p: int, q: int) -> np.ndarray:
    powers = np.empty((p, *A.shape), dtype=A.dtype)
    powers[0] = A
    for k in range(1, p):
        np.matmul(A, powers[k - 1], out=powers[k])
    inverse = 1 / np.array([float(factorial(k)) for k in range(p * q + 1)])
    coefficients = np.zeros((q, p))  # of A^1 .. A^p in each block; the identity is added to the diagonal
    for j in range(q):
        coefficients[j, : p - 1] = inverse[p * j + 1 : p * j + p]
    coefficients[-1, -1] = inverse[-1]
    # one real product forms all blocks, in a single pass through memory
    flat = powers.reshape(p, -1).view(np.float64)
    blocks = (coefficients @ flat).view(A.dtype).reshape(q, *A.shape)
    diagonal = np.einsum("...ii->...i", blocks)
    diagonal += inverse[0 : p * q : p].reshape(q, *(1,) * (diagonal.ndim - 1))
    result = blocks[-1]
    for j in range(q - 2, -1, -1):
        result = powers[-1] @ result
        result += blocks[j]
    return result
