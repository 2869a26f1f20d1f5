"""Circuits measured in many settings: the body is compiled to a machine's gates once, and every setting is a tail to it."""

from __future__ import annotations

from collections.abc import Sequence

from qiskit import ClassicalRegister, QuantumCircuit

from nmrqb.circuits.devices import Machine


def measured_bodies(
    bodies: Sequence[QuantumCircuit], settings: Sequence[str], machine: Machine
) -> list[list[QuantumCircuit]]:
    """Every body (n qubits, not measured) in the machine's gates, measured in every Pauli setting: [body][setting].

    Rotations into a setting are not merged with the body's last gates.
    """
    tails = machine.native([_tail(setting) for setting in settings])
    found = []
    for body in machine.native(bodies):
        layout = body.layout
        ends = tuple(range(body.num_qubits)) if layout is None else layout.final_index_layout(filter_ancillas=True)
        found.append([_joined(body, tail, ends) for tail in tails])
    return found


def measured(bodies: Sequence[QuantumCircuit], settings: Sequence[str]) -> list[list[QuantumCircuit]]:
    """Every body (n qubits, not measured) of a machine that takes all gates, measured in every Pauli setting."""
    tails = [_tail(setting) for setting in settings]
    return [[_joined(body, tail, range(body.num_qubits)) for tail in tails] for body in bodies]


def _tail(setting: str) -> QuantumCircuit:
    n = len(setting)
    circuit = QuantumCircuit(n, n)
    for k, letter in enumerate(setting):
        if letter == "Y":
            circuit.sdg(k)
        if letter in "XY":
            circuit.h(k)
    circuit.measure(range(n), range(n))
    return circuit


def _joined(body: QuantumCircuit, tail: QuantumCircuit, ends: Sequence[int]) -> QuantumCircuit:
    """The tail behind the body, on the physical qubits where the body leaves each spin."""
    begins = range(tail.num_qubits) if tail.layout is None else tail.layout.initial_index_layout(filter_ancillas=True)
    moved = dict(zip(begins, ends, strict=False))
    found = body.copy()
    found.add_register(ClassicalRegister(tail.num_clbits, "c"))
    for step in tail.data:
        qubits = [moved[tail.find_bit(q).index] for q in step.qubits]
        found.append(step.operation, qubits, [tail.find_bit(c).index for c in step.clbits])
    return found
