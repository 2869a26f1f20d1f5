"""From a Timeline to circuits: one block of gates for each slice, channels between them, barriers between events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit.circuit.library import RGate, UnitaryGate

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.noise import Placed, instruction, turns
from nmrqb.circuits.order import reversed_spins
from nmrqb.circuits.prepare import Branch
from nmrqb.circuits.states import state_circuit, up_to_diagonal
from nmrqb.circuits.trotter import Block, Trotter, coupled
from nmrqb.spin.operators import pauli_sum
from nmrqb.spin.propagation import unitary
from nmrqb.timeline import Mark, Timeline
from nmrqb.timeline.simulate import crusher_mask

_COMMUTING = {"XX": "rxx", "YY": "ryy", "ZZ": "rzz"}


def compile_circuit(
    timeline: Timeline,
    index: tuple[int, ...],
    branch: Branch | None,
    *,
    start: ComplexArray | None = None,
    basis: ComplexArray | None = None,
    turned: bool = False,
    pieces: Sequence[int] | None = None,
    cut: Trotter | None = None,
    save: bool = False,
    measure: tuple[str, str] | None = None,
) -> QuantumCircuit:
    """The circuit of one branch at one index of the timeline's leading axes.

    Without a branch (Aer only) it starts in the density matrix `start` (d, d), and crushers are masks on the state.
    basis: unitary (d, d) whose columns are the starting states, none for the computational basis; each is loaded by a circuit
    of its own (one entangling gate for a pair), or, if `turned`, all by one unitary after X gates. pieces: how many pieces noise
    cuts each slice into. cut: how three and more coupled spins become products of one- and two-spin gates, for
    devices; without it they are one unitary block, which is exact. save: save the density matrix at every observed mark, under its name (Aer only).
    measure: (mark, setting) ends the circuit at that mark with a measurement of the Pauli setting, such as "XZ".
    """
    n = timeline.n
    circuit = QuantumCircuit(n, n if measure else 0)
    if branch is None:
        assert start is not None
        circuit.append(Instruction("set_density_matrix", n, 0, [reversed_spins(start)]), range(n))  # it knows no order
    else:
        _start(circuit, branch.state, basis, turned)
    angles, durations = timeline.angles[index], timeline.durations[index]
    crushed = 0
    for s in range(timeline.slices + 1):
        for mark in timeline.marks_after(s):
            if mark.kind == "crush":
                if branch is None:
                    _mask(circuit, mark)
                else:
                    _crush(circuit, mark, branch.crushers[crushed])
                    crushed += 1
            elif measure and mark.name == measure[0]:
                _measure(circuit, measure[1])
                return circuit
            elif save:
                circuit.save_density_matrix(label=mark.name)
        if s < timeline.slices:
            if s and timeline.events[s] != timeline.events[s - 1]:
                circuit.barrier()
            parts = _whole(timeline.labels, angles[s])
            if cut is not None:
                parts = [(block, x) for group, x in cut.factors(s, int(cut.steps[index][s])) for block in group]
            play = _Player(circuit, timeline.labels, parts)
            _slice(play, timeline, angles[s], float(durations[s]), 1 if pieces is None else int(pieces[s]))
    return circuit


def _start(circuit: QuantumCircuit, state: int, basis: ComplexArray | None, turned: bool) -> None:
    qubits = range(circuit.num_qubits)
    if basis is None or turned:  # no vector of 2^n numbers for a few X gates
        for k in qubits:
            if state >> (len(qubits) - 1 - k) & 1:
                circuit.x(k)
    else:
        circuit.compose(state_circuit(basis[:, state]), qubits, inplace=True)
    if basis is not None:
        if turned:
            _unitary(circuit, up_to_diagonal(basis), qubits)
        circuit.barrier()


def _slice(play: _Player, timeline: Timeline, angles: FloatArray, duration: float, pieces: int) -> None:
    if timeline.noise is None or duration == 0:
        play.gates(angles)
        return
    noise = turns(timeline.noise, duration / pieces)
    _relax(play.circuit, noise.first)
    for piece in range(pieces):
        play.gates(angles / pieces)
        _relax(play.circuit, noise.between if piece < pieces - 1 else noise.last)


def _relax(circuit: QuantumCircuit, channels: Sequence[Placed]) -> None:
    for channel, spins in channels:
        circuit.append(channel, list(reversed(spins)))


def _whole(labels: Sequence[str], angles: FloatArray) -> list[tuple[Block, float]]:
    """Spins that no term couples apart, coupled ones together: nothing is missed."""
    supports = {k: _support(label) for k, label in enumerate(labels) if angles[k] != 0 and set(label) != {"I"}}
    sets = coupled(list(supports.values()), len(labels[0]))
    return [(Block(s, tuple(k for k, own in supports.items() if set(own) <= set(s))), 1.0) for s in sets]


@dataclass(frozen=True)
class _Player:
    """Writes exp(-i sum angle P) as blocks, each with its share of the angles."""

    circuit: QuantumCircuit
    labels: Sequence[str]
    parts: Sequence[tuple[Block, float]]

    def gates(self, angles: FloatArray) -> None:
        for block, share in self.parts:
            inside = {_cut(self.labels[k], block.spins): share * float(angles[k]) for k in block.terms if angles[k]}
            if inside:
                _block(self.circuit, inside, block.spins)


def _block(circuit: QuantumCircuit, terms: dict[str, float], spins: Sequence[int]) -> None:
    """Exactly, by gates that devices know where the terms commute."""
    if len(spins) == 1:
        _rotate(circuit, terms, spins[0])
    elif set(terms) <= set(_COMMUTING):
        for label, a in terms.items():
            getattr(circuit, _COMMUTING[label])(2 * a, *spins)
    elif all(set(label) <= {"I", "Z"} and label.count("Z") <= 2 for label in terms):
        for label, a in terms.items():
            where = [spins[k] for k in _support(label)]
            if len(where) == 1:
                circuit.rz(2 * a, *where)
            else:
                circuit.rzz(2 * a, *where)
    else:
        _unitary(circuit, unitary(pauli_sum(list(terms), list(terms.values())), check=False), spins)


def _rotate(circuit: QuantumCircuit, terms: dict[str, float], spin: int) -> None:
    x, y, z = (terms.get(letter, 0.0) for letter in "XYZ")
    if not z:
        circuit.append(RGate(2 * np.hypot(x, y), np.arctan2(y, x)), [spin])
    elif not (x or y):
        circuit.rz(2 * z, spin)
    else:
        _unitary(circuit, unitary(pauli_sum(list(terms), list(terms.values())), check=False), [spin])


def _unitary(circuit: QuantumCircuit, matrix: ComplexArray, spins: Sequence[int]) -> None:
    # Qiskit takes the first qubit of a list as the least significant, we take the first spin as the most significant
    circuit.append(UnitaryGate(matrix, check_input=False), list(reversed(spins)))


def _crush(circuit: QuantumCircuit, mark: Mark, phases: tuple[float, ...]) -> None:
    for group, phase in zip(mark.groups, phases, strict=True):
        for k in group:
            circuit.rz(phase, k)


def _mask(circuit: QuantumCircuit, mark: Mark) -> None:
    n = circuit.num_qubits
    circuit.append(instruction(np.diag(crusher_mask(n, mark).reshape(-1).astype(complex))), range(n)[::-1])


def _measure(circuit: QuantumCircuit, setting: str) -> None:
    for k, letter in enumerate(setting):
        if letter == "Y":
            circuit.sdg(k)
        if letter in "XY":
            circuit.h(k)
    circuit.measure(range(circuit.num_qubits), range(circuit.num_qubits))


def _support(label: str) -> tuple[int, ...]:
    return tuple(k for k, letter in enumerate(label) if letter != "I")


def _cut(label: str, spins: Sequence[int]) -> str:
    return "".join(label[k] for k in spins)
