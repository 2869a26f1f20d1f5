"""Readout errors undone: what a device reports for every basis state it was given, measured and inverted.

Outcomes are numbered with spin 0 as the highest bit, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError, RunError

#: Up to this many qubits all 2^n basis states are prepared; beyond it, qubits are taken to be read independently.
MOST_JOINT = 6

#: A correction multiplies shot noise by up to the condition number; beyond this no number of shots makes up for it.
MAX_CONDITION = 100.0


@dataclass(frozen=True, eq=False)
class ReadoutCalibration:
    """How true outcomes are reported: confusion matrices of consecutive groups of qubits, whose product acts on all.

    matrices: each (2^m, 2^m), row = true outcome, column = reported outcome, rows adding to 1. shots: of each row, or None
    where the matrix is known. Raises RunError when the matrices cannot be inverted within MAX_CONDITION.
    """

    matrices: tuple[FloatArray, ...]
    shots: int | None = None

    def __post_init__(self) -> None:
        if not self.condition <= MAX_CONDITION:
            raise RunError(
                f"the readout cannot be corrected, because its condition number is {self.condition:.3g} and {MAX_CONDITION:g} is the most",
                "choose other qubits",
            )

    @property
    def condition(self) -> float:
        """Condition number (2-norm) of the whole confusion matrix: the most that the correction can multiply noise by."""
        return float(np.prod([np.linalg.cond(matrix) for matrix in self.matrices]))

    @property
    def confusion(self) -> FloatArray:
        """The whole matrix (2^n, 2^n), row = true outcome: reported = true @ confusion."""
        whole: FloatArray = np.ones((1, 1))
        for matrix in self.matrices:
            whole = np.kron(whole, matrix).astype(float)
        return whole

    def correct(self, frequencies: ArrayLike) -> FloatArray:
        """Reported frequencies (..., 2^n) -> true ones, linear and unbiased, so that small negative entries may occur.

        Raises ArgumentError for another number of outcomes.
        """
        f = checks.real("frequencies", frequencies)
        sizes = [len(matrix) for matrix in self.matrices]
        if f.ndim < 1 or f.shape[-1] != np.prod(sizes):
            raise ArgumentError(
                "frequencies", f"of shape {f.shape}", f"have {np.prod(sizes)} outcomes on the last axis"
            )
        tensor = f.reshape(*f.shape[:-1], *sizes)
        for axis, matrix in enumerate(self.matrices, start=f.ndim - 1):
            tensor = np.moveaxis(np.moveaxis(tensor, axis, -1) @ np.linalg.inv(matrix), -1, axis)
        return tensor.reshape(f.shape)

    def resampled(self, rng: np.random.Generator) -> ReadoutCalibration:
        """The calibration as it might have come out with the same shots, for bootstrap replicas."""
        if self.shots is None:
            return self
        drawn = [rng.multinomial(self.shots, matrix) / self.shots for matrix in self.matrices]
        return ReadoutCalibration(tuple(drawn), self.shots)


def calibration_circuits(n: int, joint: bool | None = None) -> list[QuantumCircuit]:
    """Measured circuits that prepare basis states on n qubits: all 2^n in order, or |0...0> and |1...1>.

    joint: all basis states, so that correlated errors are seen; by default up to MOST_JOINT qubits. Raises ArgumentError
    for n below 1, or a joint calibration of more qubits than that.
    """
    if n < 1:
        raise ArgumentError("n", n, "be one qubit or more")
    if joint and n > MOST_JOINT:
        raise ArgumentError("n", n, f"be at most {MOST_JOINT} for a joint calibration, which takes 2^n circuits")
    states = range(2**n) if joint or (joint is None and n <= MOST_JOINT) else (0, 2**n - 1)
    found = []
    for state in states:
        circuit = QuantumCircuit(n, n)
        for k in range(n):
            if state >> (n - 1 - k) & 1:
                circuit.x(k)
        circuit.measure(range(n), range(n))
        found.append(circuit)
    return found


def calibrated(counts: ArrayLike) -> ReadoutCalibration:
    """The calibration from the counts of `calibration_circuits`, (2^n, 2^n) or (2, 2^n) in their order.

    Two rows on more than one qubit are read as |0...0> and |1...1>, each qubit by itself. Raises ArgumentError for other
    shapes, negative counts or rows of unequal or no shots; RunError when the readout is too poor to be inverted.
    """
    c = checks.non_negative("counts", counts)
    n = max(c.shape[-1], 1).bit_length() - 1 if c.ndim else 0
    if c.ndim != 2 or n < 1 or c.shape[1] != 2**n or len(c) not in (2, 2**n):
        raise ArgumentError("counts", f"of shape {c.shape}", "have shape (2^n, 2^n) or (2, 2^n)")
    shots = c.sum(axis=1)
    if shots[0] == 0 or np.any(shots != shots[0]):
        raise ArgumentError("counts", f"{shots.tolist()} shots", "have as many shots in every row, and some")
    rows = c / shots[0]
    if len(c) == 2**n:
        return ReadoutCalibration((rows,), int(shots[0]))
    return ReadoutCalibration(tuple(_marginal(rows, n, k) for k in range(n)), int(shots[0]))


def _marginal(rows: FloatArray, n: int, qubit: int) -> FloatArray:
    return rows.reshape(2, 2**qubit, 2, 2 ** (n - 1 - qubit)).sum(axis=(1, 3))


def assignment_fidelities(calibration: ReadoutCalibration) -> Sequence[float]:
    """Mean chance that a basis state is reported as it is, for each group of qubits."""
    return [float(np.trace(matrix) / len(matrix)) for matrix in calibration.matrices]
