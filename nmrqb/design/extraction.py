"""Drawing the energy out: the optimal unitary as pulses on two unlike spins, and the charging pulse run backwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.battery import extraction_unitary
from nmrqb.battery.charging import axis_phase
from nmrqb.battery.cycles import reverse_pulse_work
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design.ax import interaction_time, zz_rate
from nmrqb.design.engineer import realise
from nmrqb.design.factors import factors, interaction_angle
from nmrqb.design.steps import angle_text, written
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy
from nmrqb.nmr import Sample
from nmrqb.sequence import Pulse, Sequence
from nmrqb.sequence.schema import Pulses

#: Phases tried along each axis; the best of them that are improved, by so many steps each round, down to the last step (rad).
GRID, POLISHED, TRIED, SHORTER, LAST_STEP = 12, 6, 24, 0.7, 1e-9


@dataclass(frozen=True)
class Extraction:
    """Two ways to draw work from one state, energies in the unit of H.

    optimal: a sequence that draws the whole `ergotropy`, by the unitary U (4, 4); coupling_time in s is what it takes
    beside pulses. reverse: the charging pulse with its phase turned by 180 degrees, which takes one pulse and draws
    `reverse_work`.
    """

    optimal: Sequence
    reverse: Sequence
    unitary: ComplexArray
    ergotropy: float
    reverse_work: float
    coupling_time: float


def extraction(
    rho: ArrayLike,
    H: ArrayLike,
    sample: Sample,
    phi: float,
    *,
    axis: str | float = "x",
    pulses: Pulses = "ideal",
    rf: float | None = None,
    quickest: bool = True,
) -> Extraction:
    """Sequences that draw work from the state rho (4, 4) of a battery H (4, 4) on two unlike spins.

    phi = Omega t of the pulse that charged it, about `axis`. The optimal unitary V_H P W^dagger takes the eigenvectors of rho
    by falling population to those of H by rising energy; the phases of the four are free, and `quickest` searches them for
    the shortest time under the coupling. pulses, rf: as in `engineer`. Raises ArgumentError.
    """
    state, energies = checks.density_matrix("rho", rho, 4), checks.hermitian("H", H, 4)
    for name, matrix in (("rho", state), ("H", energies)):
        if matrix.ndim != 2:
            raise ArgumentError(name, f"of shape {matrix.shape}", "be one matrix of shape (4, 4)")
    angle = float(checks.real("phi", phi))
    U = extraction_unitary(state, energies)
    if quickest:
        U = quickest_phases(U, state, sample)
    back = angle_text(axis_phase(axis) + np.pi)
    reverse = written(
        "reverse", "The charging pulse run backwards", "", [Pulse(pulse=angle_text(2 * angle), phase=back)], {}, pulses
    )
    optimal = realise(U, sample, pulses=pulses, rf=rf)
    work = float(reverse_pulse_work(state, energies, angle, axis))
    return Extraction(optimal, reverse, U, float(ergotropy(state, energies)), work, coupling_time(U, sample))


def coupling_time(unitary: ArrayLike, sample: Sample) -> float:
    """How long the coupling acts in the sequence of a two-spin unitary (4, 4), in s. Raises ArgumentError."""
    return interaction_time(factors(unitary), sample)


def quickest_phases(unitary: ComplexArray, rho: ComplexArray, sample: Sample) -> ComplexArray:
    """U diag(phases) in the eigenbasis of rho, which does the same to rho, with phases for the least coupling (4, 4).

    The three phases that matter are searched on a grid, and the best points of it improved side by side: by random steps,
    shorter where none of them helps (the time has edges, where slopes would mislead). Deterministic.
    """
    zz_rate(sample)  # refuses a sample without a coupling between unlike spins
    basis = np.linalg.eigh(rho)[1]
    images = unitary @ basis

    def candidates(phases: FloatArray) -> ComplexArray:
        turns = np.exp(1j * np.concatenate([np.zeros((*phases.shape[:-1], 1)), phases], axis=-1))
        return (images * turns[..., None, :]) @ basis.conj().T

    axis = np.linspace(0, 2 * np.pi, GRID, endpoint=False)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    angles = interaction_angle(candidates(grid))
    order = np.argsort(angles)[:POLISHED]
    at, least = grid[order], angles[order]
    steps = np.full(POLISHED, np.pi / GRID)
    rng = np.random.default_rng(0)
    while steps.max() > LAST_STEP:
        tried = at[:, None] + steps[:, None, None] * rng.normal(size=(POLISHED, TRIED, 3))
        found = interaction_angle(candidates(tried))
        best = found.argmin(axis=-1)
        value = np.take_along_axis(found, best[:, None], axis=-1)[:, 0]
        better = value < least
        at = np.where(better[:, None], np.take_along_axis(tried, best[:, None, None], axis=1)[:, 0], at)
        least = np.minimum(value, least)
        steps = np.where(better, steps, SHORTER * steps)
    return candidates(at[least.argmin()])
