"""The one room that knows Qiskit: Timelines become circuits, circuits become counts."""

from nmrqb.circuits.compile import compile_circuit
from nmrqb.circuits.noise import Splitting, splitting
from nmrqb.circuits.prepare import Branch, branches

__all__ = ["Branch", "Splitting", "branches", "compile_circuit", "splitting"]
