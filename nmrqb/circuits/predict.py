"""What a machine's calibration predicts for circuits, without shot noise: states, frequencies, entangling gates.

For comparing ways to do one thing on one device. Aer's device noise has no memory, no crosstalk and no leakage.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.devices import Machine
from nmrqb.errors import ArgumentError
from nmrqb.jobs import Work
from nmrqb.spin.operators import number_of_spins


def predicted_states(circuits: Sequence[QuantumCircuit], machine: Machine) -> ComplexArray:
    """Final states (K, D, D) of unmeasured circuits in the machine's gates (`Machine.native`), qubit 0 leftmost.

    Raises ArgumentError for a machine that is not simulated.
    """
    device = machine.simulator
    if device is None:
        raise ArgumentError("machine", repr(machine.name), "be simulated, such as aer or fake:torino")
    saving = []
    for circuit in circuits:
        copy = circuit.copy()
        copy.save_density_matrix(label="final")
        saving.append(copy)
    result = device.simulator.run(saving, shots=1).result()
    return np.array([_big_endian(np.asarray(result.data(k)["final"])) for k in range(len(saving))])


def predicted_frequencies(circuits: Sequence[QuantumCircuit], machine: Machine) -> FloatArray:
    """Outcome frequencies (K, 2^n) of measured circuits in the machine's gates, spin 0 the highest bit, readout errors in.

    Raises ArgumentError for a machine that is not simulated.
    """
    device = machine.simulator
    if device is None:
        raise ArgumentError("machine", repr(machine.name), "be simulated, such as aer or fake:torino")
    rows = np.arange(len(circuits))
    none = tuple(np.zeros((1, 0)) for _ in circuits)
    return device.probabilities(Work("", tuple(circuits), rows, none, np.ones_like(rows), 0))


def entanglers(circuit: QuantumCircuit) -> int:
    """Gates on two qubits; barriers and what is saved do not count."""
    return sum(
        len(step.qubits) == 2 and not step.operation.name.startswith(("barrier", "save")) for step in circuit.data
    )


def pair_errors(target: Target) -> dict[tuple[int, int], float]:
    """Reported error of the best two-qubit gate of every pair of qubits that works, (lower, higher) -> error, best first."""
    found: dict[tuple[int, int], float] = {}
    for name in target.operation_names:
        for place, properties in (target[name] or {}).items():
            if place is None or len(place) != 2 or properties is None or properties.error is None:
                continue
            pair = (min(place), max(place))
            if properties.error < 1:
                found[pair] = min(found.get(pair, 1.0), float(properties.error))
    return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))


def neighbouring_line(target: Target, pair: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The pair with its best working neighbours at either side, as a line; None where there are none."""
    errors = pair_errors(target)
    ends = []
    for inner, other in (pair, pair[::-1]):
        others = [sum(link) - inner for link in errors if inner in link and other not in link]
        ends.append([q for q in others if q not in pair])
    for first in ends[0]:
        for last in ends[1]:
            if first != last:
                return first, *pair, last
    return None


def _big_endian(rho: ComplexArray) -> ComplexArray:
    """Qiskit counts qubit 0 as the least significant bit; here it is the leftmost factor."""
    n = number_of_spins(len(rho))
    order = [*range(n - 1, -1, -1), *range(2 * n - 1, n - 1, -1)]
    return rho.reshape((2,) * (2 * n)).transpose(order).reshape(rho.shape)
