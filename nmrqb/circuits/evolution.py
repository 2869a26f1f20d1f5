"""What a timeline does up to a mark, for every point of a sweep and every branch, written into layers of a circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits import shannon
from nmrqb.circuits.layers import Layers, rotation
from nmrqb.circuits.prepare import Branch
from nmrqb.circuits.trotter import Block, Trotter, trotter
from nmrqb.errors import ArgumentError
from nmrqb.spin.cartan import Cartan, cartan
from nmrqb.spin.operators import pauli_sum
from nmrqb.spin.propagation import unitary
from nmrqb.timeline import Timeline, propagator

#: More two-qubit gates than this in one circuit are refused: no device or simulator comes to their end.
MAX_ENTANGLERS = 20_000
#: Spins up to which a whole unitary is taken apart.
_MAX_WHOLE = 6


class Evolution:
    """The slices and crushers before a mark; a branch says which step of each phase cycle is its own."""

    def __init__(self, timeline: Timeline, branches: Sequence[Branch], mark: str) -> None:
        position = next(k for k, m in enumerate(timeline.marks) if m.name == mark and m.kind != "crush")
        self.timeline = _between(timeline, 0, timeline.marks[position].after)
        self.crushers = [m for m in timeline.marks[:position] if m.kind == "crush"]
        self.phases = [branch.crushers[: len(self.crushers)] for branch in branches]

    def write(self, layers: Layers, tolerance: float) -> FloatArray:
        """Write it; returned is the bound on what is missed, (*lead,). Raises ArgumentError beyond MAX_ENTANGLERS."""
        n, exact = self.timeline.n, np.zeros(self.timeline.shape)
        if n <= 2:
            self._whole(layers)
            return exact
        whole = shannon.entanglers(n) if n <= _MAX_WHOLE else MAX_ENTANGLERS
        cut = trotter(self.timeline, tolerance)
        if cut.pairs() <= whole:
            trial = Layers(n, layers.lead, layers.entangler)
            self._product(trial, cut)
            if trial.entanglers <= whole:
                self._product(layers, cut)
                return cut.bound
        if n > _MAX_WHOLE:
            found = f"one of {n} spins that takes {cut.pairs()} two-spin blocks or more"
            raise ArgumentError(
                "timeline", found, f"need at most {MAX_ENTANGLERS} two-qubit gates at tolerance {tolerance:g}"
            )
        self._whole(layers)
        return exact

    def _whole(self, layers: Layers) -> None:
        """All of it as one unitary for each point and each combination of phases that occurs."""
        unitaries, which = self.unitaries()
        each = (*(slice(None),) * len(self.timeline.shape), which, None)  # of a branch, for every setting
        if self.timeline.n == 2:
            parts = cartan(unitaries)
            layers.block(0, 1, Cartan(parts.after[each], parts.coordinates[each], parts.before[each]))
        else:
            shannon.write(layers, range(self.timeline.n), unitaries[each])

    def unitaries(self) -> tuple[ComplexArray, np.ndarray]:
        """Unitaries (*lead, combination, d, d), and for each branch its combination of crusher phases."""
        numbers = {combination: k for k, combination in enumerate(dict.fromkeys(self.phases))}
        timeline, d = self.timeline, 2**self.timeline.n
        cuts = [0, *(m.after for m in self.crushers), timeline.slices]
        total: ComplexArray = np.eye(d, dtype=complex)
        for number, (first, last) in enumerate(pairwise(cuts)):
            if last > first:
                total = propagator(_between(timeline, first, last))[..., None, :, :] @ total
            if number < len(self.crushers):
                phases = np.array([combination[number] for combination in numbers])
                total = _phase_factors(timeline.n, self.crushers[number].groups, phases)[:, :, None] * total
        shape = (*timeline.shape, len(numbers), d, d)
        return np.broadcast_to(total, shape), np.array([numbers[combination] for combination in self.phases])

    def _product(self, layers: Layers, cut: Trotter) -> None:
        """Slice by slice, as many steps for every point as the most demanding one needs."""
        timeline = self.timeline
        for s in range(timeline.slices + 1):
            for number, mark in enumerate(self.crushers):
                if mark.after == s:
                    for group, phases in zip(mark.groups, np.array([p[number] for p in self.phases]).T, strict=True):
                        for k in group:
                            layers.local(k, rotation("Z", phases)[:, None])
            if s < timeline.slices:
                _slice(layers, timeline, cut, s)


def _slice(layers: Layers, timeline: Timeline, cut: Trotter, s: int) -> None:
    made: dict[tuple[Block, float], ComplexArray] = {}
    for group, share in cut.factors(s, int(cut.most()[s])):
        for block in group:
            if (block, share) not in made:
                labels = ["".join(timeline.labels[k][q] for q in block.spins) for k in block.terms]
                generator = pauli_sum(labels, share * timeline.angles[..., s, list(block.terms)])
                made[block, share] = unitary(generator, check=False)[..., None, None, :, :]
            shannon.write(layers, block.spins, made[block, share])


def _between(timeline: Timeline, first: int, last: int) -> Timeline:
    """These slices alone, without noise."""
    return replace(
        timeline,
        angles=timeline.angles[..., first:last, :],
        durations=timeline.durations[..., first:last],
        events=timeline.events[first:last],
        marks=(),
        noise=None,
    )


def _phase_factors(n: int, groups: tuple[tuple[int, ...], ...], phases: FloatArray) -> ComplexArray:
    """Diagonals (combination, d) of rz(phase) on all spins of each group, for phases (combination, group)."""
    bits = np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1) & 1
    weights = np.stack([(1 - 2 * bits[:, list(group)]).sum(axis=-1) for group in groups])
    return np.exp(-0.5j * phases @ weights)
