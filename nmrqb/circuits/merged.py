"""Compiled mode with the sample's noise, for Aer: all that happens between two marks is one superoperator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit_aer.library import SaveDensityMatrix

from nmrqb.checks import ComplexArray
from nmrqb.circuits.channels import applied
from nmrqb.circuits.noise import Placed, instruction, row_major, turns
from nmrqb.circuits.order import reversed_spins
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import pauli_sum
from nmrqb.spin.propagation import unitary
from nmrqb.timeline import Mark, Timeline
from nmrqb.timeline.simulate import crusher_mask


def merged_circuits(timeline: Timeline, start: ComplexArray, pieces: NDArray[np.int64]) -> Iterator[QuantumCircuit]:
    """For every index of the timeline's leading axes a circuit that saves the state at every observed mark.

    start: density matrix (d, d). pieces: (..., S) into how many noise cuts each slice; the largest over the leading axes is
    taken for all. What stands between two marks is one `superop`, exact up to that cut.
    """
    n = timeline.n
    steps = list(_steps(timeline, pieces))
    for index in np.ndindex(*timeline.shape):
        circuit = _started(n, start)
        for mark, step in zip(timeline.marks, steps, strict=True):
            if step is not None:
                circuit.append(instruction(step[index]), range(n)[::-1])
            if mark.kind == "crush":
                circuit.append(instruction(_crushed(n, mark)), range(n)[::-1])
            else:
                circuit.append(SaveDensityMatrix(n, label=mark.name), range(n))
        yield circuit


def merged_bodies(
    timeline: Timeline, start: ComplexArray, pieces: NDArray[np.int64]
) -> dict[str, list[QuantumCircuit]]:
    """For every observed mark the circuits of all indices of the leading axes, in their order, that end there unmeasured.

    All that stands before the mark is one `superop`; arguments as of `merged_circuits`.
    """
    n = timeline.n
    found: dict[str, list[QuantumCircuit]] = {}
    total = np.broadcast_to(np.eye(4**n, dtype=complex), (*timeline.shape, 4**n, 4**n))
    for mark, step in zip(timeline.marks, _steps(timeline, pieces), strict=True):
        total = total if step is None else step @ total
        if mark.kind == "crush":
            total = _crushed(n, mark) @ total
            continue
        found[mark.name] = []
        for index in np.ndindex(*timeline.shape):
            circuit = _started(n, start)
            circuit.append(instruction(total[index]), range(n)[::-1])
            found[mark.name].append(circuit)
    return found


def _started(n: int, start: ComplexArray) -> QuantumCircuit:
    circuit = QuantumCircuit(n)
    circuit.append(Instruction("set_density_matrix", n, 0, [reversed_spins(start)]), range(n))
    return circuit


def _steps(timeline: Timeline, pieces: NDArray[np.int64]) -> Iterator[ComplexArray | None]:
    """What stands before each mark and after the one before it, (..., d^2, d^2), or None where that is nothing."""
    for first, last in pairwise([0, *(mark.after for mark in timeline.marks)]):
        yield superoperators(timeline, pieces, first, last) if last > first else None


def _crushed(n: int, mark: Mark) -> ComplexArray:
    return np.diag(crusher_mask(n, mark).reshape(-1).astype(complex))


def superoperators(timeline: Timeline, pieces: NDArray[np.int64], first: int, last: int) -> ComplexArray:
    """Slices first to last as channels on row-major vectors, (..., d^2, d^2)."""
    d = 2**timeline.n
    total = np.broadcast_to(np.eye(d * d, dtype=complex), (*timeline.shape, d * d, d * d))
    for s in range(first, last):
        count = int(pieces[..., s].max(initial=1))
        U = unitary(pauli_sum(timeline.labels, timeline.angles[..., s, :] / count), check=False)
        turn = np.einsum("...ij,...kl->...ikjl", U, U.conj()).reshape(*U.shape[:-2], d * d, d * d)
        if timeline.noise is None or not np.any(timeline.durations[..., s] > 0):
            total = np.linalg.matrix_power(turn, count) @ total
            continue
        before, between, after = _channels(timeline.noise, timeline.durations[..., s] / count, timeline.n)
        total = after @ turn @ np.linalg.matrix_power(between @ turn, count - 1) @ before @ total
    return total


def _channels(noise: Noise, times: NDArray[np.float64], n: int) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """The noise before the first piece, between two and after the last, for pieces of these times, (..., d^2, d^2) each."""
    values, where = np.unique(times, return_inverse=True)
    found = np.empty((3, values.size, 4**n, 4**n), dtype=complex)
    for k, time in enumerate(values):
        placed = turns(noise, float(time)) if time > 0 else None
        for row, steps in enumerate((placed.first, placed.between, placed.last) if placed else ((), (), ())):
            found[row, k] = _whole(steps, n)
    first, between, last = found[:, where.reshape(times.shape)]
    return first, between, last


def _whole(steps: tuple[Placed, ...], n: int) -> ComplexArray:
    total = np.eye(4**n, dtype=complex)
    for channel, spins in steps:
        total = applied(row_major(channel), spins, n, total)
    return total
