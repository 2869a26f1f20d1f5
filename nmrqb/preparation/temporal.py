"""Temporal averaging: a Gibbs state as weighted runs that each begin in one basis state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nmrqb.battery import Battery
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.metrics import fidelity
from nmrqb.preparation.ax import eigenbasis_map, eigenbasis_populations
from nmrqb.spin.states import basis_state

#: The basis states that the runs begin in.
LABELS = ("00", "01", "10", "11")


@dataclass(frozen=True)
class TemporalAverage:
    """Runs k = 0..3: |labels[k]> through `unitary` (..., 4, 4), counted with `weights` (..., 4) of sum 1.

    On circuits that is one preparation for every basis state; on a spectrometer, four experiments that are added up.
    """

    weights: FloatArray
    unitary: ComplexArray
    target: ComplexArray
    labels: tuple[str, ...] = LABELS

    @property
    def states(self) -> ComplexArray:
        """The state of each run, (..., 4, 4, 4): eigenstates of the battery."""
        starts = np.stack([basis_state(label) for label in self.labels])
        U = self.unitary[..., None, :, :]
        return U @ starts @ np.conj(np.swapaxes(U, -1, -2))

    def averaged(self, of_runs: ArrayLike) -> np.ndarray:
        """The weighted sum of what each run gave, (..., 4, *rest) to (..., *rest): states, counts or energies."""
        values = np.asarray(of_runs)
        rest = values.ndim - self.weights.ndim
        return np.sum(self.weights.reshape(*self.weights.shape, *(1,) * rest) * values, axis=self.weights.ndim - 1)

    @property
    def fidelity(self) -> FloatArray:
        """Of the averaged state with the Gibbs state, (...)."""
        return fidelity(self.averaged(self.states), self.target)


def temporal_average(battery: Battery, temperature: ArrayLike) -> TemporalAverage:
    """The runs that add up to the battery's Gibbs state, for any couplings; T > 0 in their unit, broadcast against them.

    Raises ArgumentError.
    """
    target = battery.gibbs_state(temperature)
    V = np.broadcast_to(eigenbasis_map(battery), target.shape)
    return TemporalAverage(eigenbasis_populations(battery, temperature), V, target)
