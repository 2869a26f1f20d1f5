"""Circuits as OpenQASM 3 text, which other tools read."""

from __future__ import annotations

import re

from qiskit import QuantumCircuit, qasm3
from qiskit.circuit import Gate, Parameter

from nmrqb.circuits.synthesis import in_gates
from nmrqb.errors import ArgumentError

_VALUE = "nmrqb_value_"


def to_qasm3(circuit: QuantumCircuit) -> str:
    """The circuit as OpenQASM 3, up to a phase; open angles are `input float[64]`, in the order of circuit.parameters.

    Blocks given as matrices are written in rz, ry and cx; gates that stdgates.inc lacks (rzz, ecr, r) are defined in the text.
    Raises ArgumentError for what is no gate: channels, saved and set states exist on simulators alone.
    """
    for step in circuit.data:
        operation = step.operation
        if not isinstance(operation, Gate) and operation.name not in ("barrier", "measure", "delay", "reset"):
            allowed = "hold gates, barriers, delays and measurements alone to be written as OpenQASM"
            raise ArgumentError("circuit", f"one with {operation.name!r}", allowed)
    return _with_all_digits(in_gates(circuit, "cx"))


def _with_all_digits(circuit: QuantumCircuit) -> str:
    """The exporter takes angles within 1e-9 of a fraction of pi for that fraction: they go by names through it."""
    named = circuit.copy_empty_like()
    values: list[str] = []
    for step in circuit.data:
        operation = step.operation
        if isinstance(operation, Gate) and any(isinstance(p, float) for p in operation.params):
            operation = operation.copy()
            for k, p in enumerate(operation.params):
                if isinstance(p, float):
                    operation.params[k] = Parameter(f"{_VALUE}{len(values)}")
                    values.append(repr(float(p)))
        named.append(operation, step.qubits, step.clbits)
    text: str = qasm3.dumps(named)
    text = re.sub(rf"input float\[64\] {_VALUE}\d+;\n", "", text)
    return re.sub(rf"{_VALUE}(\d+)", lambda match: values[int(match[1])], text)
