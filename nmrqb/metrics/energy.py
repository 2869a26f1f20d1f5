"""Work that unitaries can draw from a state: ergotropy and its coherent part, passive states, stored energy.

Under dissipation ergotropy refers to the passive state of rho(t) itself, not to the initial thermal state. Every
function takes rho and H (..., d, d) that broadcast over leading axes and answers in the unit of H; all of them raise
ArgumentError unless rho is a density matrix and H Hermitian, and `check=False` takes both as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.metrics.levels import DEGENERACY, pinched

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray

#: Energies below this fraction of H's largest |element| are rounding when they stand in a denominator.
_ROUNDING = 1e-12


def ergotropy(rho: ArrayLike, H: ArrayLike, *, check: bool = True) -> FloatArray:
    """Largest work a unitary can extract: Tr[rho H] - sum_k r_k e_k with r descending, e ascending; shape (...).

    Allahverdyan, Balian, Nieuwenhuizen, EPL 67, 565 (2004); the paper's sum numbered "(5)" a second time. For a Gibbs
    state charged by a unitary it equals the paper's eq. (25); under dissipation eq. (25) does not hold, because the
    passive state is that of rho(t). Raises ArgumentError.
    """
    rho, H = _pair(rho, H, check)
    return np.maximum(_mean(rho, H) - _passive_energy(rho, H), 0.0)


def passive_state(rho: ArrayLike, H: ArrayLike, *, check: bool = True) -> ComplexArray:
    """The state of rho's spectrum with the least energy, sum_k r_k |e_k><e_k|, shape (..., d, d).

    Not unique where H is degenerate; its energy is. Raises ArgumentError.
    """
    rho, H = _pair(rho, H, check)
    populations = np.linalg.eigvalsh(rho)[..., ::-1]
    vectors = np.linalg.eigh(H)[1]
    return (vectors * populations[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))


def incoherent_ergotropy(
    rho: ArrayLike, H: ArrayLike, *, degeneracy: float = DEGENERACY, check: bool = True
) -> FloatArray:
    """Ergotropy of rho once the coherence between H's eigenspaces is erased, shape (...).

    Francica et al., PRL 125, 180603 (2020). Levels closer than `degeneracy` x max |e_k| form one eigenspace, and
    coherence inside it is kept. Raises ArgumentError.
    """
    rho, H = _pair(rho, H, check)
    return np.maximum(_mean(rho, H) - _passive_energy(pinched(rho, H, degeneracy), H), 0.0)


def coherent_ergotropy(
    rho: ArrayLike, H: ArrayLike, *, degeneracy: float = DEGENERACY, check: bool = True
) -> FloatArray:
    """The part of the ergotropy owed to coherence between H's eigenspaces: ergotropy - incoherent_ergotropy >= 0.

    Francica et al., PRL 125, 180603 (2020); shape (...) and degeneracy as for `incoherent_ergotropy`. It is the passive
    energy of the pinched state minus that of rho. Raises ArgumentError.
    """
    rho, H = _pair(rho, H, check)
    return np.maximum(_passive_energy(pinched(rho, H, degeneracy), H) - _passive_energy(rho, H), 0.0)


def stored_energy(rho: ArrayLike, rho0: ArrayLike, H: ArrayLike, *, check: bool = True) -> FloatArray:
    """Tr[(rho - rho0) H], the energy gained since rho0, shape (...). Raises ArgumentError."""
    rho, H = _pair(rho, H, check)
    return _mean(rho - _other(rho0, "rho0", rho, check), H)


def work(rho: ArrayLike, final: ArrayLike, H: ArrayLike, *, check: bool = True) -> FloatArray:
    """Tr[(rho - final) H], the work given on the way from rho to another final state (the paper, eq. 26), shape (...).

    No more than the ergotropy of rho when a unitary leads there. Raises ArgumentError.
    """
    rho, H = _pair(rho, H, check)
    return _mean(rho - _other(final, "final", rho, check), H)


def efficiency(rho: ArrayLike, rho0: ArrayLike, H: ArrayLike, *, check: bool = True) -> FloatArray:
    """Fraction of the energy put into a battery that a unitary can take out again, within [0, 1]; shape (...).

    ergotropy(rho, H) / (Tr[rho H] - E0), E0 = min(Tr[rho0 H], energy of the passive state of rho). Defined here: with
    rho0 passive and no cooling, E0 = Tr[rho0 H] and this is ergotropy / stored energy, the paper's words below its
    eq. (26) (its printed ratio is the inverse). The minimum caps it at 1 where rho holds work that charging did not put
    in: because rho0 was active, or because the environment took entropy away. NaN where no energy is stored (1e-12 of
    H's largest element). Raises ArgumentError.
    """
    rho, H = _pair(rho, H, check)
    now, passive = _mean(rho, H), _passive_energy(rho, H)
    stored = now - np.minimum(_mean(_other(rho0, "rho0", rho, check), H), passive)
    empty = stored <= _ROUNDING * np.max(np.abs(H), axis=(-2, -1))
    return np.where(empty, np.nan, np.maximum(now - passive, 0.0) / np.where(empty, 1.0, stored))


def _pair(rho: ArrayLike, H: ArrayLike, check: bool) -> tuple[ComplexArray, ComplexArray]:
    if check:
        rho, H = checks.density_matrix("rho", rho), checks.hermitian("H", H)
        checks.same_dimension("rho", rho, "H", H)
    return np.asarray(rho), np.asarray(H)


def _other(state: ArrayLike, name: str, rho: ComplexArray, check: bool) -> ComplexArray:
    if check:
        state = checks.density_matrix(name, state)
        checks.same_dimension(name, state, "rho", rho)
    return np.asarray(state)


def _mean(rho: ComplexArray, H: ComplexArray) -> FloatArray:
    """Tr[rho H]."""
    return np.einsum("...ij,...ji->...", rho, H).real


def _passive_energy(rho: ComplexArray, H: ComplexArray) -> FloatArray:
    populations = np.linalg.eigvalsh(rho)[..., ::-1]
    return np.einsum("...k,...k->...", populations, np.linalg.eigvalsh(H))
