"""Blocks given as matrices written in gates, exactly."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit

from nmrqb.circuits import shannon
from nmrqb.circuits.layers import Layers


def in_gates(circuit: QuantumCircuit, entangler: str = "cz") -> QuantumCircuit:
    """The same circuit, up to a phase, with every unitary block as rz, ry and entanglers: at most 3 for two qubits.

    Qiskit's own synthesis of a block is content with a fidelity of 1 - 1e-9, which in a pulse of hundreds of slices adds up
    to errors of some 1e-3; here nothing is approximated. Raises ArgumentError for an unknown entangler.
    """
    result = circuit.copy_empty_like()
    for step in circuit.data:
        if step.operation.name != "unitary":
            result.append(step)
            continue
        matrix = np.asarray(step.operation.params[0], dtype=complex)
        m = len(step.qubits)
        layers = Layers(m, (), entangler)
        layers.started()
        shannon.write(layers, range(m), matrix)
        layers.finish()
        # Qiskit takes the first qubit of a list as the least significant, here it is the last
        result.compose(layers.circuit.assign_parameters(layers.angles()), step.qubits[::-1], inplace=True)
    return result
