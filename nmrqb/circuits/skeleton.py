"""Compiled mode: one parameterised circuit for a whole sweep, all branches and all settings, and the array of its angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from qiskit import QuantumCircuit

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.kak import ZERO, Cartan, cartan
from nmrqb.circuits.layers import Layers, rotation
from nmrqb.circuits.prepare import Branch
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import PAULI
from nmrqb.timeline import Timeline, expanded, propagator

_H = (PAULI["X"] + PAULI["Z"]) / np.sqrt(2)
_INTO_Z = {"X": _H, "Y": _H @ np.diag([1, -1j]), "Z": PAULI["I"]}


@dataclass(frozen=True)
class Skeleton:
    """One measured circuit with open angles and their values.

    circuit: n qubits and n clbits, clbit k is spin k. angles: (*lead, branch, setting, P) in rad, in the order of
    circuit.parameters, which transpilation keeps; lead is the timeline's shape, and the members of its ensemble after that.
    two_qubit_gates: in each circuit. bound: trace distance that the circuit may miss, (*lead,); zero unless a product formula
    was needed.
    """

    circuit: QuantumCircuit
    angles: FloatArray
    two_qubit_gates: int
    bound: FloatArray


def skeleton(
    timeline: Timeline,
    branches: Sequence[Branch],
    settings: Sequence[str],
    *,
    mark: str,
    basis: ComplexArray | None = None,
    entangler: str = "cz",
) -> Skeleton:
    """One circuit for every point of a sweep, every branch and every Pauli setting such as "XZ", measured at `mark`.

    All that is unitary up to the mark becomes one block: local gates for one spin, none to 3 entanglers for two, as many
    as the most demanding point needs. Flipped spins of the starting basis state, steps of phase cycles and settings are
    folded into local gates. A `basis` (d, d) whose columns are the starting eigenstates is loaded from |0...0> by a segment
    of its own, one entangler for two spins (none where all are products), kept apart by a barrier.

    entangler: "cz", "cx", "ecr", or "rzz" with angles in [0, pi/2]; from qubit 0 to qubit 1 where that makes a difference.
    The timeline's noise is left out: a device has its own. Raises ArgumentError for an unknown mark, entangler or setting.
    """
    timeline = expanded(timeline)
    n = timeline.n
    _check(timeline, branches, settings, mark)
    lead = (*timeline.shape, len(branches), len(settings))
    layers = Layers(n, lead, entangler, clbits=n)
    _start(layers, branches, basis)
    _evolve(layers, timeline, branches, mark)
    for k in range(n):
        layers.local(k, np.stack([_INTO_Z[setting[k]] for setting in settings]))
    layers.measure()
    return Skeleton(layers.circuit, layers.angles(), layers.entanglers, np.zeros(timeline.shape))


def _check(timeline: Timeline, branches: Sequence[Branch], settings: Sequence[str], mark: str) -> None:
    if mark not in timeline.observed:
        raise ArgumentError("mark", repr(mark), f"be one of the timeline's: {', '.join(timeline.observed)}")
    if not branches or not settings:
        raise ArgumentError("branches and settings", "empty", "hold at least one each")
    for setting in settings:
        if len(setting) != timeline.n or set(setting) - set("XYZ"):
            raise ArgumentError("setting", repr(setting), f"be {timeline.n} of the letters X, Y, Z")
    if timeline.n > 2:
        raise ArgumentError("timeline", f"one of {timeline.n} spins", "have one or two spins")


def _start(layers: Layers, branches: Sequence[Branch], basis: ComplexArray | None) -> None:
    """From |0...0> to each branch's starting state."""
    n = layers.circuit.num_qubits
    states = np.array([branch.state for branch in branches])
    if basis is None:
        for k in range(n):
            flipped = (states >> (n - 1 - k) & 1).astype(bool)
            layers.local(k, np.where(flipped[:, None, None, None], PAULI["X"], PAULI["I"]))
    elif n == 1:
        _column(layers, basis[:, states].T)
    else:
        _pair_state(layers, basis[:, states].T.reshape(-1, 2, 2))


def _column(layers: Layers, states: ComplexArray) -> None:
    a, b = states[:, 0], states[:, 1]
    columns = np.stack([a, -b.conj(), b, a.conj()], axis=-1).reshape(-1, 2, 2)
    layers.local(0, columns[:, None])


def _pair_state(layers: Layers, amplitudes: ComplexArray) -> None:
    """States (branch, 2, 2) of two qubits by their Schmidt form: cos|00> + sin|11> takes one CZ, then local gates."""
    u, s, v = np.linalg.svd(amplitudes)
    entangled = bool(np.any(s[:, 1] > ZERO))
    if entangled:
        layers.local(0, rotation("Y", 2 * np.arctan2(s[:, 1], s[:, 0]))[:, None])
        layers.local(1, _H)
        layers.cz(0, 1)
        layers.local(1, _H)
        layers.barrier()
    layers.local(0, u[:, None])
    layers.local(1, v.swapaxes(-1, -2)[:, None])


def _evolve(layers: Layers, timeline: Timeline, branches: Sequence[Branch], mark: str) -> None:
    """All slices up to the mark as one unitary for each point and each combination of phases that occurs."""
    unitaries, which = _unitaries(timeline, branches, mark)
    each = (*(slice(None),) * len(timeline.shape), which, None)  # of a branch, for every setting
    if timeline.n == 1:
        layers.local(0, unitaries[each])
        return
    parts = cartan(unitaries)
    layers.block(0, 1, Cartan(parts.after[each], parts.coordinates[each], parts.before[each]))


def _unitaries(timeline: Timeline, branches: Sequence[Branch], mark: str) -> tuple[ComplexArray, np.ndarray]:
    """Unitaries (*lead, combination, d, d) up to the mark, and for each branch its combination of crusher phases."""
    position = next(k for k, m in enumerate(timeline.marks) if m.name == mark and m.kind != "crush")
    crushers = [m for m in timeline.marks[:position] if m.kind == "crush"]
    combinations: dict[tuple[tuple[float, ...], ...], int] = {}
    which = [combinations.setdefault(branch.crushers[: len(crushers)], len(combinations)) for branch in branches]
    cuts = [0, *(m.after for m in crushers), timeline.marks[position].after]
    total: ComplexArray | None = None
    for number, (first, last) in enumerate(pairwise(cuts)):
        step = _segment(timeline, first, last)[..., None, :, :]
        total = step if total is None else step @ total
        if number < len(crushers):
            phases = np.array([combination[number] for combination in combinations])
            total = _phase_factors(timeline.n, crushers[number].groups, phases)[:, :, None] * total
    assert total is not None
    shape = (*timeline.shape, len(combinations), *total.shape[-2:])
    return np.broadcast_to(total, shape), np.array(which)


def _segment(timeline: Timeline, first: int, last: int) -> ComplexArray:
    cut = replace(
        timeline,
        angles=timeline.angles[..., first:last, :],
        durations=timeline.durations[..., first:last],
        events=timeline.events[first:last],
        marks=(),
        noise=None,
    )
    return propagator(cut)


def _phase_factors(n: int, groups: tuple[tuple[int, ...], ...], phases: FloatArray) -> ComplexArray:
    """Diagonals (combination, d) of rz(phase) on all spins of each group, for phases (combination, group)."""
    bits = np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1) & 1
    weights = np.stack([(1 - 2 * bits[:, list(group)]).sum(axis=-1) for group in groups])
    return np.exp(-0.5j * phases @ weights)
