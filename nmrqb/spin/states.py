"""States of spins 1/2 as density matrices (..., d, d): thermal, pure and product states, reduction to fewer spins."""

from __future__ import annotations

from string import ascii_letters
from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray

_HALF = np.sqrt(0.5)
_KETS: dict[str, tuple[complex, complex]] = {
    "0": (1, 0),
    "1": (0, 1),
    "+": (_HALF, _HALF),
    "-": (_HALF, -_HALF),
    "r": (_HALF, 1j * _HALF),
    "l": (_HALF, -1j * _HALF),
}


def gibbs_state(H: ArrayLike, temperature: ArrayLike) -> ComplexArray:
    """exp(-H/T) / Tr exp(-H/T) (the paper, eq. 6 with its 1/Z), shape (..., d, d).

    H (..., d, d) Hermitian and T > 0 in the unit of H (k_B = 1); T is a number or an array that broadcasts against the
    leading axes of H. Energies count from the ground state, so no temperature overflows. Raises ArgumentError.
    """
    H = checks.hermitian("H", H)
    T = checks.positive("temperature", temperature)
    try:
        np.broadcast_shapes(H.shape[:-2], T.shape)
    except ValueError:
        allowed = f"broadcast against the leading axes of H {H.shape[:-2]}"
        raise ArgumentError("temperature", f"of shape {T.shape}", allowed) from None
    energies, vectors = np.linalg.eigh(H)
    weights = np.exp(-(energies - energies[..., :1]) / T[..., None])
    weights /= weights.sum(axis=-1, keepdims=True)
    return (vectors * weights[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))


def pure_state(amplitudes: ArrayLike) -> ComplexArray:
    """|psi><psi| for amplitudes (..., d), normalised here; shape (..., d, d).

    Raises ArgumentError for a zero vector or numbers that are not finite.
    """
    psi = np.asarray(amplitudes, dtype=complex)
    if psi.ndim < 1 or not np.all(np.isfinite(psi)):
        raise ArgumentError("amplitudes", f"of shape {psi.shape}", "be finite with shape (..., d)")
    norm = np.linalg.norm(psi, axis=-1, keepdims=True)
    if np.any(norm == 0):
        raise ArgumentError("amplitudes", "all zero", "be a vector of non-zero length")
    psi = psi / norm
    return psi[..., :, None] * psi[..., None, :].conj()


def basis_state(label: str) -> ComplexArray:
    """A product of single-spin states, spin 0 first: "00", "+1", "rl"; shape (2^n, 2^n).

    Letters: 0, 1 along z; +, - along x; r, l along y (r = (|0> + i|1>)/sqrt 2). Raises ArgumentError for any other.
    """
    if not label or set(label) - set(_KETS):
        raise ArgumentError("label", repr(label), "be one or more of the letters 0, 1, +, -, r, l")
    return product_state(*(pure_state(_KETS[letter]) for letter in label))


def polarised_state(polarisation: ArrayLike) -> ComplexArray:
    """One spin with <sigma_z> = P: diag(1 + P, 1 - P)/2, shape P.shape + (2, 2). Raises ArgumentError if |P| > 1."""
    P = checks.real("polarisation", polarisation)
    if np.any(np.abs(P) > 1):
        raise ArgumentError("polarisation", float(P.flat[np.argmax(np.abs(P))]), "lie between -1 and 1")
    diagonal = 0.5 * (1 + np.stack([P, -P], axis=-1))
    return (diagonal[..., :, None] * np.eye(2)).astype(complex)


def product_state(*states: ArrayLike) -> ComplexArray:
    """The tensor product of density matrices (..., d_k, d_k), spin 0 first; leading axes broadcast.

    Raises ArgumentError for an operand that is no density matrix, or axes that do not broadcast.
    """
    if not states:
        raise ArgumentError("states", "empty", "hold at least one density matrix")
    result = checks.density_matrix("states[0]", states[0])
    for k, state in enumerate(states[1:], start=1):
        factor = checks.density_matrix(f"states[{k}]", state)
        try:
            outer = result[..., :, None, :, None] * factor[..., None, :, None, :]
        except ValueError:
            found = f"of leading shape {factor.shape[:-2]}"
            raise ArgumentError(f"states[{k}]", found, f"broadcast against {result.shape[:-2]}") from None
        d = result.shape[-1] * factor.shape[-1]
        result = outer.reshape(*outer.shape[:-4], d, d)
    return result


def partial_trace(rho: ArrayLike, keep: int | Iterable[int]) -> ComplexArray:
    """The reduced state of the spins in `keep`, in ascending order; shape (..., 2^k, 2^k).

    rho (..., 2^N, 2^N), any operator. Raises ArgumentError for a dimension that is no power of two or an unknown spin.
    """
    array = checks.operator("rho", rho)
    n = number_of_spins(array.shape[-1])
    kept = sorted({keep} if isinstance(keep, int) else set(keep))
    if not kept or kept[0] < 0 or kept[-1] >= n:
        raise ArgumentError("keep", kept, f"name one or more of the spins 0 to {n - 1}")
    rows = ascii_letters[:n]
    columns = "".join(ascii_letters[n + k] if k in kept else rows[k] for k in range(n))
    out = "".join(rows[k] for k in kept) + "".join(columns[k] for k in kept)
    tensor = array.reshape(*array.shape[:-2], *(2,) * (2 * n))
    reduced = np.einsum(f"...{rows}{columns}->...{out}", tensor)
    return reduced.reshape(*array.shape[:-2], 2 ** len(kept), 2 ** len(kept))
