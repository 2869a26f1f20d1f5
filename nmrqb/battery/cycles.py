"""Running the battery round after round: charge, store, extract, and start again from whatever is left.

Nothing is thermalised between rounds. Every stage is a linear map of the state (a Liouvillian exponential), computed
once and reused; the one exception is optimal extraction, whose unitary depends on the state it meets. All derived here
from the definitions; ergotropy as in Allahverdyan, Balian, Nieuwenhuizen, EPL 67, 565 (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from nmrqb import checks
from nmrqb.battery.charging import axis_phase
from nmrqb.battery.coherence_orders import frame, rotation
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy
from nmrqb.spin.liouville import liouvillian
from nmrqb.spin.operators import collective, number_of_spins
from nmrqb.spin.propagation import lindblad, propagate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray

    Jumps = ArrayLike | Sequence[ArrayLike]

Extraction = Literal["pulse", "optimal"]


@dataclass(frozen=True)
class Rounds:
    """What each of K rounds did; arrays (..., K), energies in the unit of H.

    `stored` is Tr[(charged - start) H], `lost` the energy that storage took, `ergotropy` that of the state handed to
    the extraction, `work` the energy the extraction drew, Tr[(before - after) H]. `rho` (..., K, d, d) is the state
    each round ends in and the next one starts from.
    """

    stored: FloatArray
    lost: FloatArray
    ergotropy: FloatArray
    work: FloatArray
    rho: ComplexArray

    @property
    def efficiency(self) -> FloatArray:
        """Round trip: work drawn / energy stored in the same round; NaN where nothing was stored."""
        return _ratio(self.work, self.stored)

    @property
    def extraction_efficiency(self) -> FloatArray:
        """Work drawn / ergotropy that was there to draw; 1 for optimal extraction, NaN where there was none."""
        return _ratio(self.work, self.ergotropy)


def run_rounds(
    H: ArrayLike,
    rho0: ArrayLike,
    phi: ArrayLike,
    rounds: int,
    *,
    axis: str | float = "x",
    pulse_jumps: Jumps = (),
    storage_time: ArrayLike = 0.0,
    storage_jumps: Jumps = (),
    storage_hamiltonian: ArrayLike | None = None,
    extraction: Extraction = "pulse",
    noisy_extraction: bool = False,
) -> Rounds:
    """Charge by a pulse, store, extract, `rounds` times over, each round starting where the last one ended.

    H, rho0 (..., d, d); phi = Omega t of the charging pulse and storage_time are numbers or arrays that broadcast
    against their leading axes. pulse_jumps: jump operators (..., J, d, d), scaled by sqrt(rate/Omega), that act while
    the pulse is on (H itself is off then, as in the paper's eq. 22). storage_jumps: the same scaled by sqrt(rate);
    storage_hamiltonian in the inverse unit of storage_time, where None means that H is refocused while the battery
    rests. extraction "pulse" is the charging pulse with its phase turned by 180 degrees, under pulse_jumps too if
    noisy_extraction; "optimal" is `extraction_unitary`, always ideal. Raises ArgumentError.
    """
    H, rho = checks.hermitian("H", H), checks.density_matrix("rho0", rho0)
    checks.same_dimension("rho0", rho, "H", H)
    if rounds != int(rounds) or rounds < 1:
        raise ArgumentError("rounds", rounds, "be a whole number, 1 or more")
    if extraction not in ("pulse", "optimal"):
        raise ArgumentError("extraction", repr(extraction), 'be "pulse" or "optimal"')
    angle, phase = checks.non_negative("phi", phi), axis_phase(axis)
    charge = _map(_pulse_hamiltonian(H.shape[-1], phase), pulse_jumps, angle)
    back = _map(_pulse_hamiltonian(H.shape[-1], phase + np.pi), pulse_jumps if noisy_extraction else (), angle)
    idle = (
        np.zeros_like(H)
        if storage_hamiltonian is None
        else checks.hermitian("storage_hamiltonian", storage_hamiltonian)
    )
    rest = _map(idle, storage_jumps, checks.non_negative("storage_time", storage_time))
    energies: list[tuple[FloatArray, ...]] = []
    ends: list[ComplexArray] = []
    for _ in range(int(rounds)):
        charged = _apply(charge, rho)
        kept = _apply(rest, charged)
        after = _apply(back, kept) if extraction == "pulse" else _turned(extraction_unitary(kept, H), kept)
        start, top, before, end = (_mean(H, state) for state in (rho, charged, kept, after))
        energies.append((_clean(top - start, H), top - before, ergotropy(kept, H, check=False), before - end))
        ends.append(after)
        rho = after
    stored, lost, drawable, work = (np.stack(np.broadcast_arrays(*e), axis=-1) for e in zip(*energies, strict=True))
    return Rounds(stored, lost, drawable, work, rho=np.stack(np.broadcast_arrays(*ends), axis=-3))


def extraction_unitary(rho: ArrayLike, H: ArrayLike) -> ComplexArray:
    """The unitary that draws the whole ergotropy, V_H W_rho^dagger, shape (..., d, d).

    The columns of W are eigenvectors of rho by falling population, those of V eigenvectors of H by rising energy, so
    that U rho U^dagger is passive. Unique up to phases, and to rotations of degenerate levels. Raises ArgumentError.
    """
    H, rho = checks.hermitian("H", H), checks.hermitian("rho", rho)
    checks.same_dimension("rho", rho, "H", H)
    populations = np.linalg.eigh(rho)[1][..., ::-1]
    return np.linalg.eigh(H)[1] @ _adjoint(populations)


def charge_with_noise(
    rho0: ArrayLike, phi: ArrayLike, jumps: Jumps, *, axis: str | float = "x", hamiltonian: ArrayLike | None = None
) -> ComplexArray:
    """The state while a pulse charges it under noise, shape (..., T, d, d).

    rho0 (..., d, d); phi = Omega t (T,), ascending; jumps (..., J, d, d) scaled by sqrt(rate/Omega). hamiltonian, over
    Omega, is what stays on beside the pulse (nothing by default, as in the paper's eq. 22). Raises ArgumentError.
    """
    rho = checks.density_matrix("rho0", rho0)
    generator = _pulse_hamiltonian(rho.shape[-1], axis_phase(axis))
    if hamiltonian is not None:
        generator = generator + checks.hermitian("hamiltonian", hamiltonian, rho.shape[-1])
    return lindblad(generator, jumps, rho, checks.real("phi", phi))


def reverse_pulse_work(rho: ArrayLike, H: ArrayLike, phi: ArrayLike, axis: str | float = "x") -> FloatArray:
    """Work drawn by the ideal charging pulse run backwards, Tr[(rho - R^dagger rho R) H], shape (...).

    rho, H (..., d, d); phi = Omega t of the pulse, a number or an array (...). From a state charged without noise it
    draws the whole stored energy; it never exceeds the ergotropy. Raises ArgumentError.
    """
    H, state = checks.hermitian("H", H), checks.hermitian("rho", rho)
    checks.same_dimension("rho", state, "H", H)
    axes = frame(number_of_spins(H.shape[-1]), axis_phase(axis))
    back = rotation(axes, -2 * checks.real("phi", phi))
    return _mean(H, state - _turned(back, state))


def _pulse_hamiltonian(dimension: int, phase: float) -> ComplexArray:
    """H_ch/Omega = 2 F_n, so that time is phi = Omega t."""
    n = number_of_spins(dimension)
    return 2 * (np.cos(phase) * collective(n, "x") + np.sin(phase) * collective(n, "y"))


def _map(hamiltonian: ComplexArray, jumps: Jumps, duration: FloatArray) -> ComplexArray:
    """The superoperator (..., d^2, d^2) of a stage whose duration (...) broadcasts against its generator."""
    generator = liouvillian(hamiltonian, jumps) * duration[..., None, None]
    images = propagate(generator[..., None, :, :], np.eye(generator.shape[-1], dtype=complex), np.ones(1))
    return np.swapaxes(images[..., 0, :], -1, -2)


def _apply(superoperator: ComplexArray, rho: ComplexArray) -> ComplexArray:
    vector = (superoperator @ rho.reshape(*rho.shape[:-2], -1, 1))[..., 0]
    return vector.reshape(*vector.shape[:-1], *rho.shape[-2:])


def _turned(U: ComplexArray, rho: ComplexArray) -> ComplexArray:
    return U @ rho @ _adjoint(U)


def _mean(H: ComplexArray, rho: ComplexArray) -> FloatArray:
    return np.einsum("...ij,...ji->...", rho, H).real


def _clean(energy: FloatArray, H: ComplexArray) -> FloatArray:
    """Exactly zero where the energy is rounding of its own terms, so that ratios to it read NaN."""
    scale = np.linalg.norm(H, axis=(-2, -1))
    return np.where(np.abs(energy) <= 1e-14 * scale, 0.0, energy)


def _adjoint(a: ComplexArray) -> ComplexArray:
    return np.conj(np.swapaxes(a, -1, -2))


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
