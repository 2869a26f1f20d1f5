"""What a run costs before it is paid for: circuits, shots, two-qubit gates, and the time a machine is busy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from nmrqb.circuits.devices import Machine


@dataclass(frozen=True)
class Cost:
    """What one run hands in.

    circuits: measured circuits, rows of angles counted each. jobs: that they are handed in as. shots: of all circuits.
    two_qubit_gates: of the circuit with the most. longest: length of the longest circuit in s, readout included, None where
    the machine gives no lengths. time: that the machine is busy in s: for every shot its circuit and the wait before the
    next, `repetition` s; None on simulators that have no clock. Queues, compiling and transfer are not in it.
    """

    backend: str
    simulated: bool
    qubits: tuple[int, ...]
    circuits: int
    jobs: int
    shots: int
    two_qubit_gates: int
    longest: float | None
    repetition: float
    time: float | None


def cost_of(machine: Machine, examples: Sequence[QuantumCircuit], shots: NDArray[np.int64]) -> Cost:
    """The cost of rows with these shots, from example circuits in the machine's gates that stand for all of them evenly."""
    flat = shots.reshape(-1)
    per_job = machine.rows
    if machine.shots == "any":
        jobs = -(-flat.size // per_job)
    else:
        jobs = int(sum(-(-count // per_job) for count in np.unique(flat, return_counts=True)[1]))
    gates = max(circuit.num_nonlocal_gates() for circuit in map(_gates_only, examples))
    lengths = None if machine.target is None else [_length(circuit, machine.target) for circuit in examples]
    known = None if lengths is None else [length for length in lengths if length is not None]
    longest = mean = None
    if known:
        longest, mean = max(known), float(np.mean(known))
    return Cost(
        machine.name,
        machine.simulator is not None,
        machine.qubits,
        flat.size,
        jobs,
        int(flat.sum()),
        gates,
        longest,
        machine.repetition,
        None if mean is None else float(flat.sum()) * (mean + machine.repetition),
    )


def _gates_only(circuit: QuantumCircuit) -> QuantumCircuit:
    """Without what no machine has: channels and saved states."""
    found = circuit.copy_empty_like()
    for step in circuit.data:
        name = step.operation.name
        if name not in ("superop", "set_density_matrix") and not name.startswith("save"):
            found.append(step)
    return found


def _length(circuit: QuantumCircuit, target: Target) -> float | None:
    """Seconds from the first gate to the end of the readout, or None where the target does not say."""
    from qiskit.transpiler.exceptions import TranspilerError

    try:
        return float(_gates_only(circuit).estimate_duration(target, unit="s"))
    except TranspilerError:
        return None
