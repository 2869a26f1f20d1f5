"""Blocks given as matrices written in gates, exactly."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from qiskit import QuantumCircuit
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import Collect2qBlocks, ConsolidateBlocks

from nmrqb.circuits import shannon
from nmrqb.circuits.layers import Layers


def in_gates(circuit: QuantumCircuit, entangler: str = "cz", *, merge: bool = False) -> QuantumCircuit:
    """The same circuit, up to a phase, with every unitary block as rz, ry and entanglers: at most 3 for two qubits.

    Qiskit's own synthesis of a block is content with a fidelity of 1 - 1e-9, which in a pulse of hundreds of slices adds up
    to errors of some 1e-3; here nothing is approximated. merge: first make one block of neighbouring gates on two qubits that
    no barrier keeps apart; circuits with open parameters are left as they are. Raises ArgumentError for an unknown entangler.
    """
    if merge and not circuit.num_parameters:
        circuit = PassManager([Collect2qBlocks(), ConsolidateBlocks(force_consolidate=True)]).run(circuit)
    result = circuit.copy_empty_like()
    for step in circuit.data:
        if step.operation.name != "unitary":
            result._append(step)
            continue
        matrix = np.asarray(step.operation.params[0], dtype=complex)
        gates = _written(matrix.tobytes(), len(step.qubits), entangler)
        # Qiskit takes the first qubit of a list as the least significant, here it is the last
        result.compose(gates, step.qubits[::-1], inplace=True, copy=False)
    return result


@lru_cache(maxsize=4096)
def _written(matrix: bytes, qubits: int, entangler: str) -> QuantumCircuit:
    """One block; circuits that differ in their start or their end share all others."""
    layers = Layers(qubits, (), entangler)
    layers.started()
    shannon.write(layers, range(qubits), np.frombuffer(matrix, dtype=complex).reshape(2**qubits, -1))
    layers.finish()
    return layers.circuit.assign_parameters(layers.angles())
