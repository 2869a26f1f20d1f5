"""Named noise: sets of jump operators (..., J, d, d), rates inside, for `liouvillian` and `lindblad`.

The leading axes are those of the rates. Local sets act on each spin by itself; collective ones have all spins share one
environment, L = sum_k A_k. Times and rates are in each other's inverse units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import PAULI, number_of_spins, on_spin, pauli_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray


def dephasing(
    n: int, rate: ArrayLike, axis: str, *, collective: bool = False, spins: Sequence[int] | None = None
) -> ComplexArray:
    """sqrt(rate) sigma_axis on each spin, or sqrt(rate) sum_k sigma_axis as one jump; rate.shape + (J, 2^n, 2^n).

    With axis "x" this is the paper's dephasing, eq. (20): D[rho] = gamma sum_k (X_k rho X_k - rho), a bit flip. The
    components transverse to `axis` decay at 2 x rate, so axis "z" and rate 1/(2 T2) give the transverse decay of T2.
    `spins` restricts it to some spins. Raises ArgumentError for a negative rate, an unknown axis or an unknown spin.
    """
    if axis not in ("x", "y", "z"):
        raise ArgumentError("axis", repr(axis), 'be "x", "y" or "z"')
    gamma = checks.non_negative("rate", rate)
    return _scaled(_on_each(n, spins, PAULI[axis.upper()]), gamma, collective)


def amplitude_damping(
    n: int,
    rate: ArrayLike,
    polarisation: ArrayLike = 1.0,
    *,
    collective: bool = False,
    spins: Sequence[int] | None = None,
) -> ComplexArray:
    """Longitudinal relaxation at `rate` = 1/T1 towards <sigma_z> = P; shape (..., 2 J, 2^n, 2^n).

    Jumps sqrt(rate (1+P)/2) |0><1| and sqrt(rate (1-P)/2) |1><0| on each spin (generalised amplitude damping), or their
    sums over the spins when collective. The product of diag(1+P, 1-P)/2 is a fixed point; it is the only one for the
    local set, while collective damping also preserves what permutation symmetry protects, such as the singlet.
    Transverse components decay at rate/2 (local). rate and polarisation broadcast; P = tanh(omega/2T) for a level
    splitting omega with |0> the lower level. Raises ArgumentError for a negative rate, |P| > 1 or an unknown spin.
    """
    gamma, P = checks.non_negative("rate", rate), checks.real("polarisation", polarisation)
    if np.any(np.abs(P) > 1):
        raise ArgumentError("polarisation", float(P.flat[np.argmax(np.abs(P))]), "lie between -1 and 1")
    try:
        gamma, P = np.broadcast_arrays(gamma, P)
    except ValueError:
        raise ArgumentError("polarisation", f"of shape {P.shape}", f"broadcast against rate {gamma.shape}") from None
    towards_0 = np.array([[0, 1], [0, 0]], dtype=complex)
    sets = (
        _scaled(_on_each(n, spins, towards_0), gamma * (1 + P) / 2, collective),
        _scaled(_on_each(n, spins, towards_0.T), gamma * (1 - P) / 2, collective),
    )
    return np.concatenate(sets, axis=-3)


def davies(
    H: ArrayLike,
    temperature: ArrayLike,
    rate: ArrayLike,
    couplings: Sequence[ArrayLike] | ArrayLike | None = None,
    *,
    spectrum: Callable[[FloatArray], FloatArray] | None = None,
    tolerance: float = 1e-9,
) -> ComplexArray:
    """Jumps of the weak-coupling (Davies) generator, whose fixed point is gibbs_state(H, T); shape (..., J, d, d).

    For each coupling A and each Bohr frequency w of H: the part of A that lowers the energy by w (between eigenspaces,
    the sum over e' - e = w of P_e A P_e') times sqrt(g(w)), where g(w) = rate x spectrum(|w|)/(1 + exp(-w/T)).
    Hence g(-w) = exp(-w/T) g(w) (detailed balance) and g(w) + g(-w) = rate x spectrum; spectrum is 1 by default.
    Frequencies closer than `tolerance` x (e_max - e_min) count as one, so degenerate levels, and equal gaps between
    different levels, keep their mutual coherence, whatever eigenvectors the solver returns. Gaps that truly differ by
    less are treated as equal, and the fixed point then holds to tolerance x (e_max - e_min)/T.
    H (..., d, d); temperature > 0 and rate >= 0 broadcast against its leading axes; couplings (K, d, d), Hermitian,
    default sigma_x, sigma_y, sigma_z on every spin. Raises ArgumentError.
    E. B. Davies, Commun. Math. Phys. 39, 91 (1974).
    """
    H = checks.hermitian("H", H)
    T, gamma = checks.positive("temperature", temperature), checks.non_negative("rate", rate)
    try:
        np.broadcast_shapes(H.shape[:-2], T.shape, gamma.shape)
    except ValueError:
        found, allowed = (
            f"of shapes {T.shape} and {gamma.shape}",
            f"broadcast against the leading axes {H.shape[:-2]} of H",
        )
        raise ArgumentError("temperature and rate", found, allowed) from None
    d = H.shape[-1]
    A = _default_couplings(d) if couplings is None else checks.hermitian("couplings", np.asarray(couplings), d)
    if A.ndim != 3:
        raise ArgumentError("couplings", f"of shape {A.shape}", "have shape (K, d, d)")
    energies, vectors = np.linalg.eigh(H)
    gaps = energies[..., None, :] - energies[..., :, None]  # [j, k] = e_k - e_j: what |j><k| gives to the bath
    group, frequency, count = _grouped(gaps, tolerance, 1e-13 * np.max(np.abs(energies), axis=-1))
    weight = _detailed_balance(frequency, T[..., None, None], gamma[..., None, None], spectrum)
    V = vectors[..., None, :, :]
    inside = np.sqrt(weight)[..., None, :, :] * (np.conj(np.swapaxes(V, -1, -2)) @ A @ V)
    parts = inside[..., None, :, :] * (group[..., None, :, :] == np.arange(count)[:, None, None])[..., None, :, :, :]
    jumps = V[..., None, :, :] @ parts @ np.conj(np.swapaxes(V, -1, -2))[..., None, :, :]
    return jumps.reshape(*jumps.shape[:-4], A.shape[0] * count, d, d)


def combined(*sets: ArrayLike) -> ComplexArray:
    """Several jump sets (..., J_k, d, d) acting together: one array (..., sum J_k, d, d). Raises ArgumentError."""
    if not sets:
        raise ArgumentError("sets", "empty", "hold at least one set of jump operators")
    arrays = [checks.operator(f"sets[{k}]", jumps) for k, jumps in enumerate(sets)]
    try:
        lead = np.broadcast_shapes(*(a.shape[:-3] for a in arrays))
        return np.concatenate([np.broadcast_to(a, lead + a.shape[-3:]) for a in arrays], axis=-3)
    except ValueError:
        found = "of shapes " + ", ".join(str(a.shape) for a in arrays)
        raise ArgumentError("sets", found, "have shapes (..., J, d, d) that broadcast") from None


def _on_each(n: int, spins: Sequence[int] | None, single: ComplexArray) -> ComplexArray:
    """`single` on each of the chosen spins, shape (J, 2^n, 2^n)."""
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ArgumentError("n", n, "be a whole number of spins, 1 or more")
    chosen = list(range(n)) if spins is None else list(spins)
    if not chosen or min(chosen) < 0 or max(chosen) >= n:
        raise ArgumentError("spins", chosen, f"name one or more of the spins 0 to {n - 1}")
    components = np.array([np.trace(PAULI[letter] @ single) / 2 for letter in "IXYZ"])
    stack = pauli_stack([on_spin(n, k, letter) for k in chosen for letter in "IXYZ"])
    return np.einsum("c,kcij->kij", components, stack.reshape(len(chosen), 4, 2**n, 2**n))


def _scaled(operators: ComplexArray, rate: FloatArray, collective: bool) -> ComplexArray:
    jumps = operators.sum(axis=0, keepdims=True) if collective else operators
    return np.sqrt(rate)[..., None, None, None] * jumps


def _default_couplings(d: int) -> ComplexArray:
    n = number_of_spins(d)
    return pauli_stack([on_spin(n, k, letter) for k in range(n) for letter in "XYZ"])


def _grouped(gaps: FloatArray, tolerance: float, rounding: FloatArray) -> tuple[np.ndarray, FloatArray, int]:
    """Label each gap (..., d, d) by its Bohr frequency; the group's mean frequency; the largest number of groups."""
    flat = gaps.reshape(*gaps.shape[:-2], -1)
    order = np.argsort(flat, axis=-1)
    ascending = np.take_along_axis(flat, order, axis=-1)
    new = np.diff(ascending, axis=-1) > np.maximum(tolerance * np.max(flat, axis=-1), rounding)[..., None]
    sorted_label = np.concatenate([np.zeros_like(order[..., :1]), np.cumsum(new, axis=-1)], axis=-1)
    label = np.empty_like(order)
    np.put_along_axis(label, order, sorted_label, axis=-1)
    count = int(label.max()) + 1
    member = label[..., None, :] == np.arange(count)[:, None]
    mean = np.sum(member * flat[..., None, :], axis=-1) / np.maximum(np.sum(member, axis=-1), 1)
    return label.reshape(gaps.shape), np.take_along_axis(mean, label, axis=-1).reshape(gaps.shape), count


def _detailed_balance(
    w: FloatArray, T: FloatArray, rate: FloatArray, spectrum: Callable[[FloatArray], FloatArray] | None
) -> FloatArray:
    strength = np.ones_like(w) if spectrum is None else checks.non_negative("spectrum", spectrum(np.abs(w)))
    small = np.exp(-np.abs(w) / T)  # never overflows: 1/(1 + exp(-w/T)) for either sign of w
    return rate * strength * np.where(w >= 0, 1.0, small) / (1 + small)
