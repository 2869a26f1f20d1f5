"""The one room that knows Qiskit: Timelines become circuits, circuits become counts.

`skeleton` and `trotter` are modules of it; the functions of these names are in them.
"""

from nmrqb.circuits.compile import compile_circuit
from nmrqb.circuits.noise import Splitting, splitting
from nmrqb.circuits.prepare import Branch, branches
from nmrqb.circuits.qasm import to_qasm3

__all__ = [
    "Branch",
    "Splitting",
    "branches",
    "compile_circuit",
    "splitting",
    "to_qasm3",
]
