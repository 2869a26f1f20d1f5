"""Work that unitaries can draw from a state: ergotropy, passive states, stored energy.

Under dissipation ergotropy refers to the passive state of rho(t) itself, not to the initial thermal state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray


def ergotropy(rho: ArrayLike, H: ArrayLike, *, check: bool = True) -> FloatArray:
    """Largest work a unitary can extract: Tr[rho H] - sum_k r_k e_k with r descending, e ascending; shape (...).

    Allahverdyan, Balian, Nieuwenhuizen, EPL 67, 565 (2004). For a Gibbs state charged by a unitary it equals the
    paper's eq. (25); under dissipation the passive state is that of rho(t), which eq. (25) does not use. rho and H
    (..., d, d) broadcast; the unit is that of H. Raises ArgumentError unless rho is a density matrix and H Hermitian;
    `check=False` takes both as they are.
    """
    rho, H = _pair(rho, H, check)
    return np.maximum(_mean(rho, H) - _passive_energy(rho, H), 0.0)


def passive_state(rho: ArrayLike, H: ArrayLike, *, check: bool = True) -> ComplexArray:
    """The state of rho's spectrum with the least energy, sum_k r_k |e_k><e_k|, shape (..., d, d).

    Not unique where H is degenerate; its energy is. Arguments and errors as for `ergotropy`.
    """
    rho, H = _pair(rho, H, check)
    populations = np.linalg.eigvalsh(rho)[..., ::-1]
    vectors = np.linalg.eigh(H)[1]
    return (vectors * populations[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))


def stored_energy(rho: ArrayLike, rho0: ArrayLike, H: ArrayLike, *, check: bool = True) -> FloatArray:
    """Tr[(rho - rho0) H], the energy gained since rho0, shape (...). Arguments and errors as for `ergotropy`."""
    rho, H = _pair(rho, H, check)
    if check:
        rho0 = checks.density_matrix("rho0", rho0)
        checks.same_dimension("rho0", rho0, "rho", rho)
    return _mean(rho - np.asarray(rho0), H)


def _pair(rho: ArrayLike, H: ArrayLike, check: bool) -> tuple[ComplexArray, ComplexArray]:
    if check:
        rho, H = checks.density_matrix("rho", rho), checks.hermitian("H", H)
        checks.same_dimension("rho", rho, "H", H)
    return np.asarray(rho), np.asarray(H)


def _mean(rho: ComplexArray, H: ComplexArray) -> FloatArray:
    """Tr[rho H]."""
    return np.einsum("...ij,...ji->...", rho, H).real


def _passive_energy(rho: ComplexArray, H: ComplexArray) -> FloatArray:
    populations = np.linalg.eigvalsh(rho)[..., ::-1]
    return np.einsum("...k,...k->...", populations, np.linalg.eigvalsh(H))
