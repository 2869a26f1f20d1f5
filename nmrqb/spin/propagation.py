"""Time evolution of states: unitaries, Liouvillians and the Lindblad equation, exact at arbitrary times.

Superoperators act on row-major vectors: vec(A rho B) = (A kron B^T) vec(rho), so a (d, d) state becomes a (d^2,) vector
by reshape. Every function is batched over leading axes; time is the axis before the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import expm

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import PAULI

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray, FloatArray

#: The eigenbasis of a generator is used up to this condition number (1-norm): exp(L t) then loses at most about
#: MAX_CONDITION x 2e-16 of absolute accuracy. Beyond it, and for defective generators, expm takes over.
MAX_CONDITION = 1e4
#: ... and only if V diag(lambda) V^-1 gives the generator back to this fraction of its norm.
MAX_RESIDUAL = 1e-12
#: Largest stack of exponentials (complex numbers) that the expm path holds at once.
_CHUNK = 2**22

Jumps = ArrayLike | Sequence[ArrayLike]


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
    if n != int(n) or n < 1:
        raise ArgumentError("n", n, "be a whole number of spins, 1 or more")
    if axis not in ("x", "y"):
        raise ArgumentError("axis", repr(axis), 'be "x" or "y"')
    angle = checks.real("phi", phi)[..., None, None]
    single = np.cos(angle) * PAULI["I"] - 1j * np.sin(angle) * PAULI[axis.upper()]
    result = single
    for _ in range(int(n) - 1):
        result = _kron(result, single)
    return result


def evolve(H: ArrayLike, rho0: ArrayLike, times: ArrayLike, *, check: bool = True) -> ComplexArray:
    """Unitary evolution exp(-i H t) rho0 exp(i H t) at each of T times; shape (..., T, d, d).

    H (..., d, d) and rho0 (..., d, d) broadcast; times (T,) count from the start, in any spacing, in the inverse unit
    of H. Raises ArgumentError for H not Hermitian, rho0 not a density matrix, or times that are negative, not finite or go
    backwards. `check=False` skips the tests of H and rho0 (any matrix evolves, e.g. a deviation from equilibrium).
    """
    H, rho0 = _checked_pair(H, rho0, check)
    t = _times(times)
    energies, vectors = np.linalg.eigh(H)
    inside = _adjoint(vectors) @ rho0 @ vectors
    phase = np.exp(-1j * energies[..., None, :] * t[:, None])
    basis = vectors[..., None, :, :]
    rotated = phase[..., :, None] * inside[..., None, :, :] * phase.conj()[..., None, :]
    return basis @ rotated @ _adjoint(basis)


def dissipator(jumps: Jumps) -> ComplexArray:
    """sum_j L_j rho L_j^dagger - {L_j^dagger L_j, rho}/2 as a superoperator (..., d^2, d^2) (the paper, eq. 20).

    `jumps` is an array (..., J, d, d) or a sequence of arrays (..., d, d); rates are inside, L = sqrt(rate) A.
    Raises ArgumentError for any other shape, and for an empty sequence (d is then unknown).
    """
    return _dissipator(_jump_array(jumps))


def liouvillian(H: ArrayLike, jumps: Jumps = ()) -> ComplexArray:
    """The generator of d rho/dt = -i [H, rho] + D[rho] as a superoperator (..., d^2, d^2) (the paper, eq. 19).

    H (..., d, d) Hermitian; `jumps` as in `dissipator`, none by default; leading axes broadcast. Raises ArgumentError.
    """
    H = checks.hermitian("H", H)
    L = _jump_array(jumps, H.shape[-1])
    checks.same_dimension("jumps", L[..., 0, :, :] if L.shape[-3] else H, "H", H)
    return _liouvillian(H, L)


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


def _propagate(L: ComplexArray, v: ComplexArray, t: FloatArray) -> ComplexArray:
    values, V, inverse, sound = _eigenbasis(L)
    lead = np.broadcast_shapes(L.shape[:-2], v.shape[:-1])
    if np.all(sound):
        return _from_eigenbasis(values, V, inverse, v, t)
    sound = np.broadcast_to(sound, lead)
    v = np.broadcast_to(v, (*lead, v.shape[-1]))
    L, values, V, inverse = (np.broadcast_to(a, lead + a.shape[L.ndim - 2 :]) for a in (L, values, V, inverse))
    result = np.empty((*lead, t.size, v.shape[-1]), dtype=complex)
    result[sound] = _from_eigenbasis(values[sound], V[sound], inverse[sound], v[sound], t)
    result[~sound] = _by_exponentials(L[~sound], v[~sound], t)
    return result


def _eigenbasis(L: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray, np.ndarray]:
    """Eigenvalues, eigenvectors, their inverse, and whether they may be trusted, for each generator."""
    values, V = np.linalg.eig(L)
    # A defective L gives an exactly singular V now and then: a stand-in keeps inv alive, and `sound` rules it out.
    singular = ~(np.linalg.cond(V, 1) < MAX_CONDITION)
    V = np.where(singular[..., None, None], np.eye(V.shape[-1]), V)
    inverse = np.linalg.inv(V)
    residual = _norm((V * values[..., None, :]) @ inverse - L)
    return values, V, inverse, ~singular & (residual <= MAX_RESIDUAL * _norm(L))


def _from_eigenbasis(
    values: ComplexArray, V: ComplexArray, inverse: ComplexArray, v: ComplexArray, t: FloatArray
) -> ComplexArray:
    coefficients = (inverse @ v[..., None])[..., 0]
    growth = np.exp(values[..., None, :] * t[:, None])
    return (growth * coefficients[..., None, :]) @ np.swapaxes(V, -1, -2)


def _by_exponentials(L: ComplexArray, v: ComplexArray, t: FloatArray) -> ComplexArray:
    steps = np.diff(t)
    if t.size > 2 and np.all(np.abs(steps - steps[0]) <= 1e-14 * t[-1]):
        first = (expm(L * t[0]) @ v[..., None])[..., 0]
        return _repeated(expm(L * ((t[-1] - t[0]) / (t.size - 1))), first, t.size)
    size = max(1, _CHUNK // max(L.size, 1))
    parts = [
        (expm(L[..., None, :, :] * t[k : k + size, None, None]) @ v[..., None, :, None])[..., 0]
        for k in range(0, t.size, size)
    ]
    return np.concatenate(parts, axis=-2) if parts else np.empty((*v.shape[:-1], 0, v.shape[-1]), dtype=complex)


def _repeated(step: ComplexArray, v: ComplexArray, count: int) -> ComplexArray:
    """v, P v, P^2 v, ... by doubling: log2(count) products of P with itself, so rounding grows as count x 1e-16."""
    result = v[..., None, :]
    while result.shape[-2] < count:
        more = result[..., : count - result.shape[-2], :] @ np.swapaxes(step, -1, -2)
        result = np.concatenate([result, more], axis=-2)
        step = step @ step
    return result


def _dissipator(L: ComplexArray) -> ComplexArray:
    d = L.shape[-1]
    flat = L.reshape(*L.shape[:-2], d * d)
    pairs = np.swapaxes(flat, -1, -2) @ flat.conj()  # [(i k), (j l)] = sum_n L_n[i, k] conj(L_n[j, l])
    gain = np.swapaxes(pairs.reshape(*pairs.shape[:-2], d, d, d, d), -3, -2).reshape(pairs.shape)
    loss = 0.5 * np.sum(_adjoint(L) @ L, axis=-3)
    one = np.eye(d)
    return gain - _kron(loss, one) - _kron(one, np.swapaxes(loss, -1, -2))


def _liouvillian(H: ComplexArray, L: ComplexArray) -> ComplexArray:
    one = np.eye(H.shape[-1])
    return -1j * (_kron(H, one) - _kron(one, np.swapaxes(H, -1, -2))) + _dissipator(L)


def _jump_array(jumps: Jumps, dimension: int | None = None) -> ComplexArray:
    """The jump operators as one array (..., J, d, d)."""
    if isinstance(jumps, np.ndarray):
        stack = checks.operator("jumps", jumps, dimension)
    else:
        operators = [checks.operator("jumps", jump, dimension) for jump in jumps]  # type: ignore[union-attr]
        if not operators:
            if dimension is None:
                raise ArgumentError("jumps", "empty", "hold at least one operator here, or their dimension is unknown")
            return np.zeros((0, dimension, dimension), dtype=complex)
        for other in operators[1:]:
            checks.same_dimension("jumps", other, "the first jump operator", operators[0])
        stack = np.stack(np.broadcast_arrays(*operators), axis=-3)
    if stack.ndim < 3:
        raise ArgumentError("jumps", f"of shape {stack.shape}", "have shape (..., J, d, d)")
    return stack


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


def _kron(a: np.ndarray, b: np.ndarray) -> ComplexArray:
    product = a[..., :, None, :, None] * b[..., None, :, None, :]
    d = a.shape[-1] * b.shape[-1]
    return product.reshape(*product.shape[:-4], d, d)


def _adjoint(a: ComplexArray) -> ComplexArray:
    return np.conj(np.swapaxes(a, -1, -2))


def _norm(a: ComplexArray) -> FloatArray:
    return np.linalg.norm(a, axis=(-2, -1))
