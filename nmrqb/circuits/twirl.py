"""Pauli twirling: random Pauli gates around every two-qubit gate, which turn its coherent errors into random ones.

Wallman and Emerson, Phys. Rev. A 94, 052325 (2016). The ideal circuit stays the same up to a phase; the mean over several
twirls has the errors of a stochastic Pauli channel.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import CXGate, CZGate, ECRGate
from qiskit.quantum_info import Clifford, Pauli
from qiskit.transpiler import PassManager, Target
from qiskit.transpiler.passes import Optimize1qGatesDecomposition

from nmrqb.errors import ArgumentError

_GATES: dict[str, type[Gate]] = {"cz": CZGate, "cx": CXGate, "ecr": ECRGate}
_PAIRS = tuple("".join(letters) for letters in product("IXYZ", repeat=2))


def twirl(
    circuit: QuantumCircuit, count: int, rng: np.random.Generator, target: Target | None = None
) -> list[QuantumCircuit]:
    """`count` random versions of a device circuit, every cz, cx and ecr between Pauli gates of its own.

    target: single-qubit gates that meet are merged for it, so that a twirl costs no pulse. Parameters stay open.
    Raises ArgumentError for a count below 1 and for other gates on two or more qubits.
    """
    if count < 1:
        raise ArgumentError("count", count, "be 1 or more")
    found = [_twirled(circuit, rng) for _ in range(count)]
    if target is None:
        return found
    merge = PassManager([Optimize1qGatesDecomposition(target=target)])
    return [merge.run(version) for version in found]


def _twirled(circuit: QuantumCircuit, rng: np.random.Generator) -> QuantumCircuit:
    found = circuit.copy_empty_like()
    for step in circuit.data:
        name = step.operation.name
        if len(step.qubits) < 2 or name == "barrier" or name.startswith("save"):
            found.append(step)
            continue
        if name not in _GATES:
            raise ArgumentError("circuit", f"one with {name}", "be compiled to cz, cx or ecr to be twirled")
        before = _PAIRS[rng.integers(len(_PAIRS))]
        for letters, gate in ((before, None), (_after(name, before), step)):
            if gate is not None:
                found.append(gate)
            for letter, qubit in zip(letters, step.qubits, strict=True):
                _pauli(found, letter, qubit)
    return found


def _pauli(circuit: QuantumCircuit, letter: str, qubit: object) -> None:
    """A Pauli in the gates devices have, up to a phase."""
    if letter in "YZ":
        circuit.rz(np.pi, qubit)
    if letter in "XY":
        circuit.x(qubit)


@lru_cache(maxsize=64)
def _after(name: str, before: str) -> str:
    """The Pauli pair that undoes `before` behind the gate, first qubit first."""
    gate = QuantumCircuit(2)
    gate.append(_GATES[name](), [0, 1])
    label = Pauli(before[::-1]).evolve(Clifford(gate), frame="s").to_label()
    return label.lstrip("+-i")[::-1]
