"""The one room that knows Qiskit: Timelines become circuits, circuits become counts."""

from nmrqb.circuits.compile import compile_circuit
from nmrqb.circuits.noise import Splitting, splitting
from nmrqb.circuits.prepare import Branch, branches
from nmrqb.circuits.qasm import to_qasm3
from nmrqb.circuits.skeleton import Skeleton, skeleton
from nmrqb.circuits.trotter import Trotter, trotter

__all__ = [
    "Branch",
    "Skeleton",
    "Splitting",
    "Trotter",
    "branches",
    "compile_circuit",
    "skeleton",
    "splitting",
    "to_qasm3",
    "trotter",
]
