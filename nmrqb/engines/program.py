"""What a run of circuits consists of: points, members, marks, branches and settings, each with its circuit and its shots."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits import Branch, Splitting, branches, compile_circuit, splitting
from nmrqb.circuits.devices import Machine, Source
from nmrqb.circuits.merged import merged_bodies, merged_circuits
from nmrqb.circuits.prepare import eigenbranches
from nmrqb.circuits.settings import measured, measured_bodies
from nmrqb.circuits.skeleton import Skeleton, skeleton
from nmrqb.circuits.trotter import Trotter, trotter
from nmrqb.circuits.variants import Variant
from nmrqb.jobs import Work
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.timeline import Timeline, expanded
from nmrqb.tomography import pauli_settings

#: How circuits come to the starting state.
Preparation = Literal["direct", "eigenstates", "basis"]


@dataclass(frozen=True, eq=False)
class Program:
    """A timeline on a machine. Arrays of rows are (variant, *sweep, member, mark, branch, setting) throughout.

    start: density matrix (d, d). noise: whose noise acts. mode: "faithful" has one block of gates for each event,
    "compiled" merges what can be merged. split: largest trace distance that splitting noise from evolution may cost.
    product: largest operator norm that product formulas may miss, where a machine runs three spins or more. shots: of each
    setting and point, in all branches together; for every variant that is extrapolated from. variants: what
    is done to every circuit once it is in the machine's gates. preparation: "direct" starts circuits in the density matrix
    itself, with masks for crushers and one branch, which Aer alone can do; "eigenstates" has a circuit for each, "basis" one for
    each basis state and then one unitary for all. readout: flips of the sample's record that act and are undone, of each spin.
    """

    machine: Machine
    timeline: Timeline
    start: ComplexArray
    noise: Source
    mode: str
    split: float
    product: float
    shots: int
    variants: tuple[Variant, ...]
    weights_of_members: FloatArray
    preparation: Preparation
    readout: tuple[float, ...]

    @property
    def direct(self) -> bool:
        """Whether circuits start in the density matrix itself."""
        return self.preparation == "direct"

    @property
    def turned(self) -> bool:
        """Whether one unitary leads from basis states to eigenstates."""
        return self.preparation == "basis"

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """The Pauli settings of full tomography."""
        return pauli_settings(self.timeline.n)

    @cached_property
    def marks(self) -> tuple[str, ...]:
        """Names of the observed marks."""
        return self.timeline.observed

    @cached_property
    def _eigen(self) -> tuple[FloatArray, ComplexArray | None]:
        return eigenbranches(self.start)

    @cached_property
    def branches(self) -> tuple[Branch | None, ...]:
        """The circuits of the mixture at each point."""
        return (None,) if self.direct else branches(self._eigen[0], self.timeline.crushers)

    @cached_property
    def weights(self) -> FloatArray:
        """Weight of each branch, (branch,)."""
        return np.array([1.0 if branch is None else branch.weight for branch in self.branches])

    @cached_property
    def splitting(self) -> Splitting:
        """How the sample's noise and the evolution take turns in circuits."""
        return splitting(self.timeline, self.split)

    @property
    def lead(self) -> tuple[int, ...]:
        """Sweep axes and, last, the members."""
        return self.timeline.shape

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all rows."""
        return (len(self.variants), *self.lead, len(self.marks), len(self.branches), len(self.settings))

    @property
    def saved(self) -> int:
        """Circuits that it takes where one saves the state at all marks for all settings."""
        return math.prod(self.lead) * len(self.branches)

    @property
    def pooled(self) -> bool:
        """Whether members share the shots at random, as spins in a tube do; else each has its own, and they are averaged."""
        return self.machine.shots == "any" or self.lead[-1] == 1

    def allotment(self) -> NDArray[np.int64]:
        """Shots of each branch in each setting, (branch,): by weight where the machine allows it, else equal; at least one."""
        receiver = self.timeline.receiver
        total = self.shots / (1 if receiver is None else receiver.size)
        twirls = max(variant.copies for variant in self.variants)
        members = 1 if self.pooled else self.lead[-1]
        exact = (
            self.weights if self.machine.shots != "equal" else np.full_like(self.weights, 1 / len(self.weights))
        ) * (total / members / twirls)
        if self.machine.shots == "equal":
            return np.maximum(np.round(exact), 1).astype(int)
        shots = np.floor(exact + 1e-9).astype(int)
        rest = max(int(total / members / twirls) - int(shots.sum()), 0)
        shots[np.argsort(shots - exact, kind="stable")[:rest]] += 1
        return np.maximum(shots, 1)

    def rows(self, seed: int) -> NDArray[np.int64]:
        """Shots of every row, of `shape`. Pooled members share theirs at random."""
        shots = np.broadcast_to(self.allotment()[:, None], self.shape)
        if self.lead[-1] == 1 or not self.pooled:
            return shots
        axis = len(self.lead)  # of the members
        drawn = np.random.default_rng([seed, 1]).multinomial(np.take(shots, 0, axis=axis), self.weights_of_members)
        return np.moveaxis(drawn, -1, axis)

    def works(self, seed: int) -> tuple[list[Work], list[NDArray[np.int64]]]:
        """All rows in jobs that the machine takes, and the flat index of the rows of each.

        Where all circuits of a job have equal shots, rows are sorted by shots first.
        """
        shots = self.rows(seed).reshape(-1)
        order = np.arange(shots.size)
        groups = [order]
        if self.machine.shots != "any":
            groups = [np.flatnonzero(shots == number) for number in np.unique(shots)]
        size = self.machine.rows
        chosen = [group[k : k + size] for group in groups for k in range(0, group.size, size)]
        digest = self.digest(seed)
        works = [self._work(rows, shots[rows], f"{digest}-{k}", seed + k) for k, rows in enumerate(chosen)]
        return works, chosen

    def digest(self, seed: int) -> str:
        """A name for all that decides what is run."""
        line = self.timeline
        of = hashlib.sha256()
        said = (
            self.machine.name,
            seed,
            self.noise,
            self.mode,
            self.split,
            self.product,
            self.shots,
            self.variants,
            self.preparation,
        )
        about = (
            line.labels,
            line.marks,
            line.events,
            line.noise,
            line.receiver is None,
            self.shape,
            self.machine.level,
        )
        of.update(repr((said, about)).encode())
        for array in (line.angles, line.durations, self.start, self.weights_of_members):
            of.update(_rounded(array).tobytes())
        return of.hexdigest()[:24]

    def _work(self, rows: NDArray[np.int64], shots: NDArray[np.int64], key: str, seed: int) -> Work:
        made = self._compiled if self.compiled else self._on_aer if self.merged else self._faithful
        circuits, where, angles = made(rows)
        return Work(key, tuple(circuits), where, tuple(angles), shots.astype(np.int64), seed % 2**63)

    @property
    def compiled(self) -> bool:
        """Whether one circuit with open angles does for all rows of a mark."""
        return self.mode == "compiled" and not self.direct and self.noise in ("device", "none")

    @property
    def merged(self) -> bool:
        """Whether all that stands before a mark is one channel, which Aer alone takes."""
        return self.mode == "compiled" and self.direct

    def _on_aer(self, rows: NDArray[np.int64]) -> tuple[list[Any], NDArray[np.int64], list[FloatArray]]:
        """Circuits of one channel and a measurement."""
        bodies = merged_bodies(self.timeline, self.start, self.splitting.pieces)
        made = [measured(bodies[mark], self.settings) for mark in self.marks]
        _, *lead, mark, _, setting = np.unravel_index(rows, self.shape)
        point = np.ravel_multi_index(lead, self.lead)
        circuits = [made[m][p][s] for m, p, s in zip(mark, point, setting, strict=True)]
        return circuits, np.arange(rows.size), [np.zeros((1, 0))] * rows.size

    def _compiled(self, rows: NDArray[np.int64]) -> tuple[list[Any], NDArray[np.int64], list[FloatArray]]:
        variant, *lead, mark, branch, setting = np.unravel_index(rows, self.shape)
        number = variant * len(self.marks) + mark
        used, where = np.unique(number, return_inverse=True)
        circuits, angles = [], []
        for k, which in enumerate(used):
            circuit, values = self._skeletons[which]
            mine = where == k
            circuits.append(circuit)
            angles.append(values[(*(axis[mine] for axis in lead), branch[mine], setting[mine])])
        return circuits, where.astype(np.int64), angles

    @cached_property
    def _merged(self) -> list[Skeleton]:
        """One circuit and its angles (*lead, branch, setting, P) for every mark."""
        chosen = [branch for branch in self.branches if branch is not None]
        how: dict[str, Any] = {"basis": self._eigen[1], "turned": self.turned}
        how |= {"entangler": self.machine.entangler, "tolerance": self.product}
        return [skeleton(self.timeline, chosen, self.settings, mark=mark, **how) for mark in self.marks]

    @cached_property
    def _skeletons(self) -> list[tuple[Any, FloatArray]]:
        """The same in the machine's gates, for every variant and mark."""
        natives = self.machine.native([made.circuit for made in self._merged])
        found = []
        for made, native in zip(self._merged, natives, strict=True):
            order = {parameter: k for k, parameter in enumerate(made.circuit.parameters)}
            found.append((native, made.angles[..., [order[parameter] for parameter in native.parameters]]))
        target = self.machine.target
        return [(variant.of(native, target), angles) for variant in self.variants for native, angles in found]

    def _faithful(self, rows: NDArray[np.int64]) -> tuple[list[Any], NDArray[np.int64], list[FloatArray]]:
        places = [tuple(int(k) for k in np.unravel_index(row, self.shape)) for row in rows]
        made: dict[tuple[int, ...], list[Any]] = {}
        if self.machine.target is not None:
            keys = list(dict.fromkeys(place[1:-1] for place in places))
            plain = self.settings.index("Z" * self.timeline.n)  # the setting without rotations
            bodies = [self._measured((*key, plain)).remove_final_measurements(inplace=False) for key in keys]
            made = dict(zip(keys, measured_bodies(bodies, self.settings, self.machine), strict=True))
        circuits = [
            self.variants[place[0]].of(
                made[place[1:-1]][place[-1]] if made else self._measured(place[1:]), self.machine.target
            )
            for place in places
        ]
        return circuits, np.arange(rows.size), [np.zeros((1, 0))] * rows.size

    def _measured(self, place: tuple[int, ...]) -> Any:
        *index, mark, branch, setting = place
        return self.circuit(tuple(index), self.branches[branch], measure=(self.marks[mark], self.settings[setting]))

    def circuit(self, index: tuple[int, ...], branch: Branch | None, **end: Any) -> Any:
        """The faithful circuit of one point and member, as it was compiled."""
        pieces = self.splitting.pieces[index]
        start = self.start if branch is None else None
        how: dict[str, Any] = {"start": start, "basis": self._eigen[1], "turned": self.turned}
        how |= {"pieces": pieces, "cut": self._cut}
        return compile_circuit(self.timeline, index, branch, **how, **end)

    @cached_property
    def _cut(self) -> Trotter | None:
        """How blocks of three and more spins become gates on two; Aer takes them whole."""
        needed = self.machine.target is not None and self.timeline.n > 2
        return trotter(self.timeline, self.product) if needed else None

    @property
    def product_bound(self) -> float:
        """What product formulas may cost in trace distance, at the worst point."""
        if self.compiled:
            return max(float(np.max(made.bound, initial=0.0)) for made in self._merged)
        return 0.0 if self._cut is None else float(np.max(self._cut.bound, initial=0.0))

    def examples(self, most: int = 24) -> list[Any]:
        """Circuits in the machine's gates that stand for all: one of each variant and mark, or evenly spaced rows."""
        if self.compiled:
            return [circuit for circuit, _ in self._skeletons]
        rows = np.unique(np.linspace(0, np.prod(self.shape) - 1, most).astype(int))
        return self._faithful(rows)[0]

    def saving(self) -> Iterator[Any]:
        """Circuits that save the state at every mark, for every point, member and branch."""
        if self.merged:
            yield from merged_circuits(self.timeline, self.start, self.splitting.pieces)
            return
        for index in np.ndindex(*self.lead):
            for branch in self.branches:
                yield self.circuit(index, branch, save=True)


def members_written_out(timeline: Timeline, runs: int = 0) -> tuple[Timeline, FloatArray]:
    """The timeline with its members as the last leading axis, (*sweep, member), and their weights, (member,).

    runs: length of a first leading axis of random runs, which become members too; 0 where there is none.
    """
    ensemble = timeline.ensemble or Ensemble.of()
    weights, plain = ensemble.weights, expanded(replace(timeline, ensemble=ensemble))
    if not runs:
        return plain, weights

    def moved(array: NDArray[Any], inner: int) -> NDArray[Any]:
        turned = np.moveaxis(array, 0, -1 - inner)
        sizes = turned.shape
        turned = np.moveaxis(turned, -1 - inner, -2 - inner)
        k = turned.ndim - inner - 2
        return turned.reshape(*turned.shape[:k], -1, *sizes[len(sizes) - inner :])

    plain = replace(plain, angles=moved(plain.angles, 2), durations=moved(plain.durations, 1), drift=None)
    return plain, np.tile(weights, runs) / runs


def counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[int], None] | None:
    """From "so many more" to "so many of all"."""
    if progress is None:
        return None
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    return count


def _rounded(array: Any) -> NDArray[np.int64]:
    """Numbers to 2^-24 of the largest: another processor, whose last digits differ, then knows its work again."""
    parts = np.ascontiguousarray(array, dtype=complex).view(float)
    largest = np.abs(parts).max(initial=0.0)
    return np.round(parts * (2**24 / largest if largest else 0.0)).astype(np.int64)
