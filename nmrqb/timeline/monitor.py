"""A timeline watched while it runs: its state along every event, and what can be read off it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks, metrics
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import coherence_order, number_of_spins
from nmrqb.timeline.cycle import cycle_average
from nmrqb.timeline.simulate import evolve
from nmrqb.timeline.timeline import Mark, Timeline

#: Most samples along one event that may be asked for.
MAX_POINTS = 1000


@dataclass(frozen=True, eq=False)
class Monitor:
    """States along a timeline, T samples of them, with what was asked about.

    times: (T,) in s from the beginning. events: (T,) index of the sequence step that a sample lies in, -1 right after a
    crusher that stands between two steps with slices, and before the first of these. fractions: (T,) how far into its event
    a sample lies, 0 to 1: in time, or in slices where the event takes none (an ideal pulse: in flip angle). crushed: (T,)
    number of crushers passed. marks: sample at each observed or acquired mark. states: (T, d, d). hamiltonian: (d, d), that
    of the energies.
    """

    times: FloatArray
    events: np.ndarray
    fractions: FloatArray
    crushed: np.ndarray
    marks: Mapping[str, int]
    states: ComplexArray
    hamiltonian: ComplexArray

    def at(self, mark: str) -> ComplexArray:
        """The state at an observed or acquired mark, (d, d). Raises ArgumentError for a name that there is not."""
        if mark not in self.marks:
            raise ArgumentError("mark", repr(mark), f"be one of {', '.join(self.marks) or 'none'}")
        return self.states[self.marks[mark]]

    @property
    def n(self) -> int:
        """Number of spins."""
        return number_of_spins(self.states.shape[-1])

    @property
    def populations(self) -> FloatArray:
        """Populations of the basis states |00..>, ..., (T, d)."""
        return np.diagonal(self.states, axis1=-2, axis2=-1).real

    @cached_property
    def orders(self) -> FloatArray:
        """Norm (Frobenius) of the deviation rho - 1/d in each coherence order -N .. N, (T, 2N + 1).

        Order q holds the elements between levels whose magnetic numbers differ by m_row - m_column = q. The squares add up
        to Tr rho^2 - 1/d; orders q and -q are equal, because states are Hermitian.
        """
        order = np.rint(coherence_order(self.n)).astype(int)
        d = len(order)
        squares = np.abs(self.states - np.eye(d) / d) ** 2
        return np.stack([np.sqrt(squares[:, order == q].sum(axis=-1)) for q in range(-self.n, self.n + 1)], axis=-1)

    @property
    def energy(self) -> FloatArray:
        """Tr[rho H], (T,), in the unit of H."""
        return np.einsum("tij,ji->t", self.states, self.hamiltonian).real

    @cached_property
    def ergotropy(self) -> FloatArray:
        """Largest work that a unitary can extract with respect to H, (T,), in the unit of H."""
        return metrics.ergotropy(self.states, self.hamiltonian, check=False)


def monitor(
    timeline: Timeline,
    rho0: ArrayLike,
    H: ArrayLike,
    *,
    index: tuple[int, ...] = (),
    step: int | None = None,
    points: int = 100,
) -> Monitor:
    """Watch one run of a timeline from rho0 (d, d), with energies of H (d, d).

    index: which entry of the leading axes to follow, that of a phase cycle left out; axes that it does not name are taken at
    their first entry. step: the step of the phase cycle to follow, as the spins go through it; by default all are added up
    as engines do, and then nothing is left before the pulses that the cycle tells apart. points: samples along each event, whose slices
    are cut where there are fewer of them (which is exact) and of which some are passed over where there are more than twice
    as many; beginning and end of an event are always among them. States are those of the exact engine: noise and crushers
    act, and an ensemble is averaged. Raises ArgumentError for points outside 1 to 1000, an index or a step that does not fit,
    matrices of another dimension, and where a phase cycle cannot be added up in states.
    """
    if points != int(points) or not 1 <= points <= MAX_POINTS:
        raise ArgumentError("points", points, f"be a whole number from 1 to {MAX_POINTS}")
    d = 2**timeline.n
    rho, energy = checks.operator("rho0", rho0, d), checks.hermitian("H", H, d)
    for name, matrix in (("rho0", rho), ("H", energy)):
        if matrix.ndim != 2:
            raise ArgumentError(name, f"of shape {matrix.shape}", f"have shape ({d}, {d})")
    chosen = _chosen(_step(timeline, step), index)
    cut = _Cut(chosen, int(points))
    states = cycle_average(chosen, evolve(cut.timeline(), rho))
    return Monitor(
        np.array([s.time for s in cut.samples]),
        np.array([s.event for s in cut.samples]),
        np.array([s.fraction for s in cut.samples]),
        np.array([s.crushed for s in cut.samples]),
        cut.named,
        states,
        energy,
    )


def _step(timeline: Timeline, step: int | None) -> Timeline:
    """One step of the phase cycle as a timeline of its own; all of them for None."""
    if step is None:
        return timeline
    steps = 1 if timeline.receiver is None else timeline.receiver.size
    if not 0 <= step < steps:
        raise ArgumentError("step", step, f"be one of the {steps} of the phase cycle, from 0")
    if timeline.receiver is None:
        return timeline
    drift = timeline.drift
    if drift is not None and drift.ndim > 1:
        drift = np.broadcast_to(drift, (*timeline.shape, drift.shape[-1]))[step]
    angles, durations = timeline.angles[step], timeline.durations[step]
    return replace(timeline, angles=angles, durations=durations, drift=drift, receiver=None)


def _chosen(timeline: Timeline, index: tuple[int, ...]) -> Timeline:
    """One entry of the leading axes, that of a phase cycle kept."""
    first = 0 if timeline.receiver is None else 1
    axes = timeline.shape[first:]
    whole = (*index, *(0,) * (len(axes) - len(index)))
    if len(index) > len(axes) or any(not -size <= i < size for i, size in zip(whole, axes, strict=True)):
        raise ArgumentError("index", index, f"point into leading axes of shape {axes}")
    where: tuple[int | slice, ...] = (*((slice(None),) * first), *whole)
    drift = timeline.drift
    if drift is not None and drift.ndim > 1:
        drift = np.broadcast_to(drift, (*timeline.shape, drift.shape[-1]))[where]
    return replace(timeline, angles=timeline.angles[where], durations=timeline.durations[where], drift=drift)


@dataclass(frozen=True)
class _Sample:
    time: float
    event: int
    fraction: float
    crushed: int


@dataclass
class _Cut:
    """A timeline cut into pieces, with a mark wherever it is to be sampled."""

    old: Timeline
    points: int
    samples: list[_Sample] = field(default_factory=list)
    named: dict[str, int] = field(default_factory=dict)
    _marks: list[Mark] = field(default_factory=list)
    _crushed: int = 0

    def __post_init__(self) -> None:
        runs = list(self._runs())
        self.pieces = np.ones(self.old.slices, dtype=int)  # of each slice
        for first, last in runs:
            self.pieces[first:last] = -(-self.points // (last - first))
        self.starts = np.concatenate([[0], np.cumsum(self.pieces)])  # first piece of each slice, and the end
        length = np.repeat(self._durations() / self.pieces, self.pieces)
        self.clock = np.concatenate([[0.0], np.cumsum(length)])
        self._sample(0, -1, 0.0)
        for first, last in runs:
            self._flush(first)
            self._run(first, last)
        self._flush(self.old.slices)

    def timeline(self) -> Timeline:
        """The timeline in pieces."""
        old = self.old
        angles = np.repeat(old.angles / self.pieces[:, None], self.pieces, axis=-2)
        durations = np.repeat(old.durations / self.pieces, self.pieces, axis=-1)
        events = tuple(np.repeat(np.array(old.events, dtype=int), self.pieces).tolist())
        return replace(old, angles=angles, durations=durations, marks=tuple(self._marks), events=events)

    def _durations(self) -> FloatArray:
        """Durations of slices, (S,); of a phase cycle those of its first step."""
        return np.asarray(self.old.durations[(0,) * len(self.old.shape)])

    def _runs(self) -> Iterator[tuple[int, int]]:
        """First and last (exclusive) slice of each event."""
        at = 0
        for _, group in groupby(self.old.events):
            size = len(list(group))
            yield at, at + size
            at += size

    def _run(self, first: int, last: int) -> None:
        """Samples of one event, with the marks inside it."""
        event = self.old.events[first]
        begin, end = int(self.starts[first]), int(self.starts[last])
        inner = [mark for mark in self.old.marks if first < mark.after < last]
        count = end - begin
        positions = np.arange(begin, end + 1)
        if count > 2 * self.points:
            positions = np.rint(np.linspace(begin, end, self.points + 1)).astype(int)
        time = self.clock[end] - self.clock[begin]
        for position in np.union1d(positions, [self.starts[mark.after] for mark in inner]).astype(int):
            gone = self.clock[position] - self.clock[begin]
            fraction = float(gone / time if time > 0 else (position - begin) / count)
            self._sample(int(position), event, fraction)
            for mark in inner:
                if self.starts[mark.after] == position:
                    self._mark(mark, int(position), event, fraction)

    def _flush(self, after: int) -> None:
        """Marks between two events."""
        for mark in self.old.marks_after(after):
            self._mark(mark, int(self.starts[after]), -1, 0.0)

    def _mark(self, mark: Mark, position: int, event: int, fraction: float) -> None:
        if mark.kind != "crush":
            self.named[mark.name] = len(self.samples) - 1
            return
        self._marks.append(Mark("crush", position, groups=mark.groups))
        self._crushed += 1
        self._sample(position, event, fraction)

    def _sample(self, position: int, event: int, fraction: float) -> None:
        self._marks.append(Mark("observe", position, f"sample {len(self.samples)}"))
        self.samples.append(_Sample(float(self.clock[position]), event, fraction, self._crushed))
