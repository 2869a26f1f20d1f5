"""Time evolution of states: unitaries, Liouvillians and the Lindblad equation, exact at arbitrary times.

Every function is batched over leading axes; time is the axis before the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.spin.liouville import dissipator, kron, liouvillian
from nmrqb.spin.operators import PAULI

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from nmrqb.checks import ComplexArray, FloatArray
    from nmrqb.spin.liouville import Jumps

__all__ = [
    "Spectral",
    "charging_unitary",
    "dissipator",
    "evolve",
    "lindblad",
    "liouvillian",
    "propagate",
    "spectral",
    "unitary",
]

#: The eigenbasis of a generator is used up to this condition number (1-norm): exp(L t) then loses at most about
#: MAX_CONDITION x 2e-16 of absolute accuracy. Beyond it, and for defective generators, expm takes over.
MAX_CONDITION = 1e4
#: ... and only if V diag(lambda) V^-1 gives the generator back to this fraction of its norm.
MAX_RESIDUAL = 1e-12
#: Largest stack of exponentials (complex numbers) that the expm path holds at once.
_CHUNK = 2**22


@dataclass(frozen=True)
class Spectral:
    """A generator's eigenvalues (..., n), eigenvectors as columns and their inverse (..., n, n).

    `sound` (...) says where vectors diag(exp(values t)) inverse may stand for exp(L t); elsewhere vectors is no
    eigenbasis.
    """

    values: ComplexArray
    vectors: ComplexArray
    inverse: ComplexArray
    sound: NDArray[np.bool_]

    def member(self, k: NDArray[np.intp]) -> Spectral:
        """The decompositions at flat positions k of the leading axes."""
        n = self.values.shape[-1]
        V, inverse = self.vectors.reshape(-1, n, n), self.inverse.reshape(-1, n, n)
        return Spectral(self.values.reshape(-1, n)[k], V[k], inverse[k], self.sound.reshape(-1)[k])


def unitary(generator: ArrayLike, *, check: bool = True) -> ComplexArray:
    """exp(-i G) for Hermitian G (..., d, d), by one batched eigendecomposition.

    Raises ArgumentError unless G is Hermitian. `check=False` skips that and takes complex arrays as they are.
    """
    G = checks.hermitian("generator", generator) if check else np.asarray(generator)
    phases, vectors = np.linalg.eigh(G)
    return (vectors * np.exp(-1j * phases)[..., None, :]) @ _adjoint(vectors)


def charging_unitary(n: int, phi: ArrayLike, axis: str = "x") -> ComplexArray:
    """The product over n spins of exp(-i phi sigma_axis), phi = Omega t in rad; shape phi.shape + (2^n, 2^n).

    Charging by H_ch = Omega sum_k sigma_x (the paper, eqs 21-22), or by sigma_y; the flip angle is theta = 2 phi.
    Raises ArgumentError for n < 1, an axis other than "x" or "y", or angles that are not finite.
    """
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ArgumentError("n", n, "be a whole number of spins, 1 or more")
    if axis not in ("x", "y"):
        raise ArgumentError("axis", repr(axis), 'be "x" or "y"')
    angle = checks.real("phi", phi)[..., None, None]
    single = np.cos(angle) * PAULI["I"] - 1j * np.sin(angle) * PAULI[axis.upper()]
    result = single
    for _ in range(n - 1):
        result = kron(result, single)
    return result


def evolve(H: ArrayLike, rho0: ArrayLike, times: ArrayLike, *, check: bool = True) -> ComplexArray:
    """Unitary evolution exp(-i H t) rho0 exp(i H t) at each of T times; shape (..., T, d, d).

    H (..., d, d) and rho0 (..., d, d) broadcast; times (T,) count from the start, in any spacing, in the inverse unit
    of H. Raises ArgumentError for H not Hermitian, rho0 not a density matrix, or times that are negative, not finite or
    go backwards. `check=False` skips the tests of H and rho0 (any matrix evolves, e.g. a deviation from equilibrium).
    """
    H, rho0 = _checked_pair(H, rho0, check)
    t = _times(times)
    energies, vectors = np.linalg.eigh(H)
    inside = _adjoint(vectors) @ rho0 @ vectors
    phase = np.exp(-1j * energies[..., None, :] * t[:, None])
    basis = vectors[..., None, :, :]
    rotated = phase[..., :, None] * inside[..., None, :, :] * phase.conj()[..., None, :]
    return basis @ rotated @ _adjoint(basis)


def lindblad(H: ArrayLike, jumps: Jumps, rho0: ArrayLike, times: ArrayLike, *, check: bool = True) -> ComplexArray:
    """Solve d rho/dt = -i [H, rho] + sum_j (L_j rho L_j^dagger - {L_j^dagger L_j, rho}/2); shape (..., T, d, d).

    H (..., d, d), jumps (..., J, d, d) (or a sequence of (..., d, d)) and rho0 (..., d, d) broadcast over their leading
    axes; times (T,) count from the start, in any spacing. See `propagate` for the method. Raises ArgumentError for H
    not Hermitian, wrong shapes, rho0 not a density matrix, or times that are negative, not finite or go backwards.
    `check=False` skips the tests of rho0 alone, so that a deviation from equilibrium may be evolved.
    """
    generator = liouvillian(H, jumps)
    state = checks.density_matrix("rho0", rho0) if check else checks.operator("rho0", rho0)
    d = state.shape[-1]
    if generator.shape[-1] != d * d:
        raise ArgumentError("rho0", f"of shape {state.shape}", f"have the dimension of H ({np.shape(H)[-1]})")
    _same_leading("rho0", state, generator)
    t = _times(times)
    vectors = _propagate(generator, state.reshape(*state.shape[:-2], d * d), t)
    return vectors.reshape(*vectors.shape[:-1], d, d)


def propagate(generator: ArrayLike, vector: ArrayLike, times: ArrayLike) -> ComplexArray:
    """exp(L t) v for superoperators L (..., n, n) and vectors v (..., n) at T times; shape (..., T, n).

    One eigendecomposition L = V diag(lambda) V^-1 per generator serves all times. Where V is too badly conditioned
    (`MAX_CONDITION`, `MAX_RESIDUAL`; always so when L is defective), those generators go through expm instead, with
    repeated products when the times are evenly spaced. Raises ArgumentError for wrong shapes or times.
    """
    L = checks.operator("generator", generator)
    v = np.asarray(vector, dtype=complex)
    if v.ndim < 1 or v.shape[-1] != L.shape[-1] or not np.all(np.isfinite(v)):
        raise ArgumentError("vector", f"of shape {v.shape}", f"be finite with shape (..., {L.shape[-1]})")
    _same_leading("vector", v[..., None], L)
    return _propagate(L, v, _times(times))


def spectral(generator: ComplexArray) -> Spectral:
    """The eigendecomposition of superoperators (..., n, n), and whether exponentials may be built from it."""
    try:
        values, V = np.linalg.eig(generator)
    except np.linalg.LinAlgError:  # rates hundreds of orders apart keep the QR iteration from converging
        values, V = (
            np.zeros(generator.shape[:-1], dtype=complex),
            np.broadcast_to(np.eye(generator.shape[-1]), generator.shape),
        )
    # A defective generator gives an exactly singular V now and then: a stand-in keeps inv alive, `sound` rules it out.
    singular = ~(np.linalg.cond(V, 1) < MAX_CONDITION)
    V = np.where(singular[..., None, None], np.eye(V.shape[-1]), V)
    inverse = np.linalg.inv(V)
    residual = _norm((V * values[..., None, :]) @ inverse - generator)
    return Spectral(values, V, inverse, ~singular & (residual <= MAX_RESIDUAL * _norm(generator)))


def _propagate(L: ComplexArray, v: ComplexArray, t: FloatArray) -> ComplexArray:
    basis = spectral(L)
    if np.all(basis.sound):
        return _from_eigenbasis(basis, v, t)
    lead, n = np.broadcast_shapes(L.shape[:-2], v.shape[:-1]), v.shape[-1]
    v = np.broadcast_to(v, (*lead, n))
    # Which generator serves each vector: a generator shared by many vectors is exponentiated once.
    server = np.broadcast_to(np.arange(basis.sound.size).reshape(basis.sound.shape), lead)
    good = np.broadcast_to(basis.sound, lead)
    result = np.empty((*lead, t.size, n), dtype=complex)
    result[good] = _from_eigenbasis(basis.member(server[good]), v[good], t)
    bad = np.flatnonzero(~basis.sound)
    result[~good] = _by_exponentials(L.reshape(-1, n, n)[bad], np.searchsorted(bad, server[~good]), v[~good], t)
    return result


def _from_eigenbasis(basis: Spectral, v: ComplexArray, t: FloatArray) -> ComplexArray:
    coefficients = (basis.inverse @ v[..., None])[..., 0]
    terms = coefficients[..., None, :] * _growth(basis.values, t)
    return terms @ np.swapaxes(basis.vectors, -1, -2)


def _growth(rates: ComplexArray, t: FloatArray) -> ComplexArray:
    """exp(rates t), shape (..., T, n); for evenly spaced times from 2 sqrt(T) exponentials instead of T."""
    if t.size < 16 or not _evenly_spaced(t):
        return np.exp(rates[..., None, :] * t[:, None])
    stride, step = int(np.sqrt(t.size)), (t[-1] - t[0]) / (t.size - 1)
    coarse = np.exp(rates[..., None, :] * (t[0] + step * np.arange(0, t.size, stride))[:, None])
    fine = np.exp(rates[..., None, :] * (step * np.arange(stride))[:, None])
    growth = coarse[..., :, None, :] * fine[..., None, :, :]
    flat = (*rates.shape[:-1], coarse.shape[-2] * stride, rates.shape[-1])
    return growth.reshape(flat)[..., : t.size, :]


def _evenly_spaced(t: FloatArray) -> bool:
    steps = np.diff(t)
    return bool(np.all(np.abs(steps - steps[0]) <= 1e-14 * t[-1]))


def _by_exponentials(L: ComplexArray, server: np.ndarray, v: ComplexArray, t: FloatArray) -> ComplexArray:
    """exp(L[server[m]] t) v[m] for generators (g, n, n), vectors (m, n) and times (T,); shape (m, T, n)."""
    if t.size > 2 and _evenly_spaced(t):
        first = (expm(L * t[0])[server] @ v[..., None])[..., 0]
        return _repeated(expm(L * ((t[-1] - t[0]) / (t.size - 1)))[server], first, t.size)
    result = np.empty((v.shape[0], t.size, v.shape[1]), dtype=complex)
    size = max(1, _CHUNK // (v.size * v.shape[1]))
    for k in range(0, t.size, size):
        exponentials = expm(L[:, None] * t[k : k + size, None, None])
        result[:, k : k + size] = (exponentials[server] @ v[:, None, :, None])[..., 0]
    return result


def _repeated(step: ComplexArray, v: ComplexArray, count: int) -> ComplexArray:
    """v, P v, P^2 v, ... by doubling: log2(count) products of P with itself, so rounding grows as count x 1e-16."""
    result = v[..., None, :]
    while result.shape[-2] < count:
        more = result[..., : count - result.shape[-2], :] @ np.swapaxes(step, -1, -2)
        result = np.concatenate([result, more], axis=-2)
        step = step @ step
    return result


def _times(times: ArrayLike) -> FloatArray:
    t = checks.non_negative("times", times)
    if t.ndim != 1:
        raise ArgumentError("times", f"of shape {t.shape}", "have shape (T,)")
    steps = np.diff(t)
    if np.any(steps < 0):
        k = int(np.argmax(steps < 0))
        raise ArgumentError("times", f"{t[k]:g} then {t[k + 1]:g}", "not go backwards")
    return t


def _checked_pair(H: ArrayLike, rho: ArrayLike, check: bool) -> tuple[ComplexArray, ComplexArray]:
    if check:
        H, rho = checks.hermitian("H", H), checks.density_matrix("rho0", rho)
        checks.same_dimension("rho0", rho, "H", H)
    return np.asarray(H, dtype=complex), np.asarray(rho, dtype=complex)


def _same_leading(name: str, array: ComplexArray, generator: ComplexArray) -> None:
    try:
        np.broadcast_shapes(array.shape[:-2], generator.shape[:-2])
    except ValueError:
        found, allowed = f"of leading shape {array.shape[:-2]}", f"broadcast against {generator.shape[:-2]}"
        raise ArgumentError(name, found, allowed) from None


def _adjoint(a: ComplexArray) -> ComplexArray:
    return np.conj(np.swapaxes(a, -1, -2))


def _norm(a: ComplexArray) -> FloatArray:
    return np.linalg.norm(a, axis=(-2, -1))
