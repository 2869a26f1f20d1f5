"""From a Timeline to circuits: one block of gates for each slice, channels between them, barriers between events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit.circuit.library import RGate, UnitaryGate

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.noise import Placed, instruction, turns
from nmrqb.circuits.prepare import Branch
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
    pieces: Sequence[int] | None = None,
    save: bool = False,
    measure: tuple[str, str] | None = None,
) -> QuantumCircuit:
    """The circuit of one branch at one index of the timeline's leading axes.

    Without a branch (Aer only) it starts in the density matrix `start` (d, d), and crushers are masks on the state.
    basis: unitary (d, d) applied to the starting basis state, none for the computational basis. pieces: how many pieces
    noise cuts each slice into. save: save the density matrix at every observed mark, under its name (Aer only).
    measure: (mark, setting) ends the circuit at that mark with a measurement of the Pauli setting, such as "XZ".
    """
    n = timeline.n
    circuit = QuantumCircuit(n, n if measure else 0)
    if branch is None:
        circuit.append(Instruction("set_density_matrix", n, 0, [start]), range(n)[::-1])
    else:
        _basis_state(circuit, branch.state, basis)
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
            _slice(circuit, timeline, angles[s], float(durations[s]), 1 if pieces is None else int(pieces[s]))
    return circuit


def _basis_state(circuit: QuantumCircuit, state: int, basis: ComplexArray | None) -> None:
    n = circuit.num_qubits
    for k in range(n):
        if state >> (n - 1 - k) & 1:
            circuit.x(k)
    if basis is not None:
        _unitary(circuit, basis, range(n))


def _slice(circuit: QuantumCircuit, timeline: Timeline, angles: FloatArray, duration: float, pieces: int) -> None:
    if timeline.noise is None or duration == 0:
        _gates(circuit, timeline.labels, angles)
        return
    noise = turns(timeline.noise, duration / pieces)
    _relax(circuit, noise.first)
    for piece in range(pieces):
        _gates(circuit, timeline.labels, angles / pieces)
        _relax(circuit, noise.between if piece < pieces - 1 else noise.last)


def _relax(circuit: QuantumCircuit, channels: Sequence[Placed]) -> None:
    for channel, spins in channels:
        circuit.append(channel, list(reversed(spins)))


def _gates(circuit: QuantumCircuit, labels: Sequence[str], angles: FloatArray) -> None:
    """exp(-i sum angle P), exactly: spins that no term couples are rotated apart, coupled ones in one block."""
    terms = {label: float(a) for label, a in zip(labels, angles, strict=True) if a != 0 and set(label) != {"I"}}
    for spins in _coupled(terms, len(labels[0])):
        inside = {_cut(label, spins): a for label, a in terms.items() if _support(label) & set(spins)}
        if not inside:
            continue
        if len(spins) == 1:
            _rotate(circuit, inside, spins[0])
        elif set(inside) <= set(_COMMUTING):
            for label, a in inside.items():
                getattr(circuit, _COMMUTING[label])(2 * a, *spins)
        else:
            generator = pauli_sum(list(inside), list(inside.values()))
            _unitary(circuit, unitary(generator, check=False), spins)


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


def _support(label: str) -> set[int]:
    return {k for k, letter in enumerate(label) if letter != "I"}


def _cut(label: str, spins: Sequence[int]) -> str:
    return "".join(label[k] for k in spins)


def _coupled(terms: dict[str, float], n: int) -> list[list[int]]:
    """Spins joined by the terms that act on more than one, each set in ascending order."""
    sets = [{k} for k in range(n)]
    for label in terms:
        touched = [s for s in sets if s & _support(label)]
        sets = [s for s in sets if s not in touched] + [set().union(*touched)]
    return sorted(sorted(s) for s in sets)
