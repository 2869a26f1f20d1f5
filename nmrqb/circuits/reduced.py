"""Circuits of many spins of which a few are wanted: the reduced state, or counts of one qubit, without the state of all.

A start in which every spin is up or down takes a state vector of 2^N numbers, any other product a density matrix of 4^N;
`reduced_cost` tells which and how much before anything runs, by the costs of `large.choose`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.library import SaveDensityMatrix

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.compile import compile_circuit
from nmrqb.circuits.execute import Progress, sampled
from nmrqb.circuits.large import Simulation, choose
from nmrqb.circuits.noise import instruction
from nmrqb.circuits.order import reversed_spins
from nmrqb.circuits.prepare import Branch
from nmrqb.errors import ArgumentError, RunError
from nmrqb.jobs.work import Work
from nmrqb.spin.operators import PAULI
from nmrqb.timeline import Timeline

_SAVED = "save_density_matrix"


def reduced_cost(timeline: Timeline, polarisation: ArrayLike, limit: float | None = None) -> Simulation:
    """The cost of a timeline from spins of these polarisations, (n,) or one for all, with the two-qubit gates of one circuit.

    Raises ArgumentError as `reduced_states`.
    """
    P = _checked(timeline, polarisation, limit)
    circuit = _circuit(timeline, _points(timeline)[0], P)
    gates = sum(step.operation.num_qubits == 2 for step in circuit.data)
    return replace(_simulation(timeline, P, limit, circuit.size()), two_qubit_gates=gates)


def reduced_states(
    timeline: Timeline,
    polarisation: ArrayLike,
    spins: Sequence[int] = (0,),
    progress: Progress | None = None,
    limit: float | None = None,
) -> ComplexArray:
    """States of some spins at the observed marks, (..., mark, 2^k, 2^k), the first of `spins` leftmost, from Aer.

    polarisation: <sigma_z> of every spin before the first slice, (n,) or one for all; spins start uncorrelated. Raises
    ArgumentError for a timeline with noise, crushers or an ensemble, polarisations outside [-1, 1], spins that are not
    there, and with the bytes for a state that does not fit into `limit` bytes (four fifths of what is free when left out);
    RunError when Aer fails.
    """
    P, chosen = _checked(timeline, polarisation, limit), _spins(timeline, spins)
    backend = AerSimulator(method=_method(P), max_parallel_threads=1)
    found = []
    for index in _points(timeline):
        circuit = _saving(_circuit(timeline, index, P), chosen)
        result = backend.run(circuit, shots=1).result()
        if not result.success:
            raise RunError(f"Aer did not finish the circuit ({result.status})", "fewer spins take less memory")
        data: dict[str, Any] = result.data(0)
        found.append([reversed_spins(np.asarray(data[mark])) for mark in timeline.observed])
        if progress:
            progress(1)
    states = np.array(found)
    return states.reshape(*timeline.shape, *states.shape[1:])


def spin_counts(
    timeline: Timeline,
    polarisation: ArrayLike,
    mark: str,
    shots: int,
    seed: int,
    spin: int = 0,
    limit: float | None = None,
) -> NDArray[np.int64]:
    """Counts of one qubit at a mark, measured along x, y and z: (..., 3, 2), outcomes +1 and -1. Aer draws them.

    Single-spin tomography: r = (n+ - n-)/shots is its Bloch vector. Nothing else is measured. Raises ArgumentError as
    `reduced_states`, for an unknown mark, and for fewer than one shot; RunError when Aer fails.
    """
    P, (qubit,) = _checked(timeline, polarisation, limit), _spins(timeline, (spin,))
    if mark not in timeline.observed:
        raise ArgumentError("mark", repr(mark), f"be one of {', '.join(timeline.observed)}")
    if shots != int(shots) or shots < 1:
        raise ArgumentError("shots", shots, "be a whole number, 1 or more")
    backend = AerSimulator(method=_method(P), max_parallel_threads=1)
    points = _points(timeline)
    circuits = [_measuring(_circuit(timeline, p, P), mark, qubit, letter) for p in points for letter in "XYZ"]
    rows = np.arange(len(circuits))
    work = Work("spin", tuple(circuits), rows, (np.zeros((1, 0)),) * len(rows), np.full(rows.size, int(shots)), seed)
    return sampled(backend, work).reshape(*timeline.shape, 3, 2)


def _checked(timeline: Timeline, polarisation: ArrayLike, limit: float | None) -> FloatArray:
    """Polarisations (n,), on a timeline that these circuits can run."""
    for what, there in (
        ("noise", timeline.noise is not None),
        ("a crusher", bool(timeline.crushers)),
        ("an ensemble", timeline.ensemble is not None),
    ):
        if there:
            raise ArgumentError(
                "timeline", f"one with {what}", "be unitary on reduced circuits; the engines run others"
            )
    if not timeline.observed:
        raise ArgumentError("timeline", "one without an observe mark", "observe at least one point")
    given = checks.real("polarisation", polarisation)
    if given.shape not in ((), (timeline.n,)):
        raise ArgumentError(
            "polarisation", f"of shape {given.shape}", f"be one number, or one for each of {timeline.n}"
        )
    P = np.broadcast_to(given, (timeline.n,)).astype(float)
    if np.any(np.abs(P) > 1):
        raise ArgumentError("polarisation", float(P[np.argmax(np.abs(P))]), "lie between -1 and 1")
    _simulation(timeline, P, limit)
    return P


def _spins(timeline: Timeline, spins: Sequence[int]) -> list[int]:
    chosen = [int(k) for k in spins]
    if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= k < timeline.n for k in chosen):
        raise ArgumentError("spins", list(spins), f"be different numbers from 0 to {timeline.n - 1}")
    return chosen


def _method(P: FloatArray) -> str:
    return "statevector" if np.all(np.abs(P) == 1) else "density_matrix"


def _simulation(timeline: Timeline, P: FloatArray, limit: float | None, gates: int = 0) -> Simulation:
    """Raises ArgumentError, with the bytes, where it does not fit."""
    method = _method(P)
    circuits = len(_points(timeline))
    return choose(timeline.n, gates, circuits, 1, noisy=method == "density_matrix", method=method, limit=limit)


def _points(timeline: Timeline) -> list[tuple[int, ...]]:
    return list(np.ndindex(*timeline.shape))


def _circuit(timeline: Timeline, index: tuple[int, ...], P: FloatArray) -> QuantumCircuit:
    """The timeline at one point from the product state, every mark a saved density matrix."""
    n = timeline.n
    state = sum(1 << (n - 1 - k) for k in range(n) if P[k] == -1)
    body = compile_circuit(timeline, index, Branch(1.0, state, ()), save=True)
    if _method(P) == "statevector":
        return body
    circuit = body.copy_empty_like()
    for k in np.flatnonzero(np.abs(P) < 1):
        flip = (1 - P[k]) / 2
        circuit.append(instruction((1 - flip) * np.eye(4) + flip * np.kron(PAULI["X"], PAULI["X"])), [int(k)])
    for step in body.data:
        circuit.append(step)
    return circuit


def _saving(circuit: QuantumCircuit, spins: Sequence[int]) -> QuantumCircuit:
    """With the density matrices of a few spins saved instead of that of all."""
    found = circuit.copy_empty_like()
    for step in circuit.data:
        if step.operation.name == _SAVED:
            found.append(SaveDensityMatrix(len(spins), step.operation.label), list(spins))
        else:
            found.append(step)
    return found


def _measuring(circuit: QuantumCircuit, mark: str, qubit: int, letter: str) -> QuantumCircuit:
    """Up to a mark, where one qubit is measured along an axis."""
    found = QuantumCircuit(circuit.num_qubits, 1)
    for step in _until(circuit, mark):
        found.append(step.operation, [circuit.find_bit(q).index for q in step.qubits])
    if letter == "Y":
        found.sdg(qubit)
    if letter in "XY":
        found.h(qubit)
    found.measure(qubit, 0)
    return found


def _until(circuit: QuantumCircuit, mark: str) -> Iterator[Any]:
    for step in circuit.data:
        if step.operation.name == _SAVED:
            if step.operation.label == mark:
                return
        else:
            yield step
