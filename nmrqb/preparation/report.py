"""What a preparation made: the state, and how far it is from the Gibbs state that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import hbar, k

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.metrics import ergotropy, fidelity
from nmrqb.nmr import Sample
from nmrqb.sequence import Sequence
from nmrqb.timeline import cycle_average, evolve, schedule

#: Ergotropy of a pseudo-state below this fraction of the spread of energies is rounding: the state is passive.
PASSIVE = 1e-9


@dataclass(frozen=True)
class PreparationReport:
    """A prepared state rho = (1 - f) 1/d + f rho', and what it is worth; leading axes (...) are sweeps.

    rho, pseudo_state: (..., d, d), the state and rho'. pseudo_fraction: f (...). polarisation_factor: p = 2P of the most
    polarised spin at the start. target: the Gibbs state asked for, to be met by rho'. fidelity: of rho' with it (...).
    ergotropy: of rho' (...), in the unit of the Hamiltonian; what is left in a battery that should be empty.
    inverse_temperature: beta of (1 - beta H)/d with the energy of rho (...), in 1/unit. norm_efficiency: |rho - 1/d| of
    the part wanted over that of the start (...). energy_unit: of the Hamiltonian in rad/s, or None where it has none.
    """

    rho: ComplexArray
    pseudo_state: ComplexArray
    pseudo_fraction: FloatArray
    polarisation_factor: float
    target: ComplexArray
    fidelity: FloatArray
    ergotropy: FloatArray
    inverse_temperature: FloatArray
    norm_efficiency: FloatArray
    spread: FloatArray
    energy_unit: float | None = None

    @property
    def is_passive(self) -> np.ndarray:
        """Whether no unitary can draw work from the battery before it is charged, (...)."""
        return self.ergotropy <= PASSIVE * self.spread

    @property
    def ergotropy_per_p(self) -> FloatArray:
        """Ergotropy of rho over p, (...): the number that is linear in the polarisation."""
        return self.ergotropy * self.pseudo_fraction / self.polarisation_factor

    @property
    def spin_temperature(self) -> FloatArray | None:
        """Temperature in K that belongs to `inverse_temperature` (...), or None for a Hamiltonian without a unit."""
        if self.energy_unit is None:
            return None
        with np.errstate(divide="ignore"):  # no order, no temperature: infinite
            return hbar * self.energy_unit / (k * self.inverse_temperature)


class Preparation(NamedTuple):
    """A sequence with its parameters bound, and the report on the state at its mark."""

    sequence: Sequence
    report: PreparationReport


def assess(
    sequence: Sequence,
    sample: Sample,
    H: ArrayLike,
    target: ArrayLike,
    *,
    mark: str,
    pseudo_fraction: ArrayLike | None = None,
    energy_unit: float | None = None,
    **options: object,
) -> PreparationReport:
    """Run a sequence exactly on the sample's high-temperature state, and report on the state at `mark`.

    H: the battery's Hamiltonian (..., d, d). target: its Gibbs state (..., d, d), to be met by rho'. pseudo_fraction:
    the fraction f, by default that of a start whose lowest population is 0. options: of `schedule` (pulses, noise,
    rf_scale). Raises ArgumentError and InputError as `schedule` and `evolve` do.
    """
    energies, wanted = checks.hermitian("H", H), checks.density_matrix("target", target)
    total = sum(sample.polarisation)
    # without noise all is linear in the polarisation, and a large one keeps the digits that 1e-5 beside unity would lose;
    # relaxation has terms of second order in it (ZZ feeds Z), which a large one would blow up
    scale = 1.0 if options.get("noise") else total
    strong = sample.amplified(sample.polarisation_factor / scale)
    start = strong.linear_state()
    timeline = schedule(sequence, strong, **options)  # type: ignore[arg-type]
    states = cycle_average(timeline, evolve(timeline, start))
    made = states[..., timeline.observed.index(mark), :, :]
    fraction = np.asarray(total if pseudo_fraction is None else pseudo_fraction, dtype=float)
    d = made.shape[-1]
    unity = np.eye(d) / d
    rho, pseudo = unity + (made - unity) * scale, unity + (made - unity) * (scale / fraction)[..., None, None]
    levels = np.linalg.eigvalsh(energies)
    along, goal = made - unity, wanted - unity
    beta = -scale * d * _overlap(along, energies) / _overlap(energies, energies)
    wanted_norm = np.abs(_overlap(along, goal)) / np.sqrt(_overlap(goal, goal))
    return PreparationReport(
        rho=rho,
        pseudo_state=pseudo,
        pseudo_fraction=fraction,
        polarisation_factor=sample.polarisation_factor,
        target=wanted,
        fidelity=fidelity(pseudo, wanted),
        ergotropy=ergotropy(pseudo, energies),
        inverse_temperature=beta,
        norm_efficiency=wanted_norm / np.linalg.norm(start - unity),
        spread=levels[..., -1] - levels[..., 0],
        energy_unit=energy_unit,
    )


def _overlap(a: ComplexArray, b: ComplexArray) -> FloatArray:
    """Tr[a b]."""
    return np.einsum("...ij,...ji->...", a, b).real
