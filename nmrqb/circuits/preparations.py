"""Ways to a mixed state on qubits, under one roof: circuits, the weights they are mixed with, and which qubits are spins.

All of them prepare exactly the state asked for where gates are exact; they differ in circuits, entangling gates and
ancillas, and so in what a device makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.compile import compile_circuit
from nmrqb.circuits.prepare import branches, eigenbranches
from nmrqb.circuits.states import state_circuit, up_to_diagonal
from nmrqb.errors import ArgumentError
from nmrqb.spin.states import partial_trace
from nmrqb.timeline import Timeline

#: Populations below this are left out.
_NOTHING = 1e-10


@dataclass(frozen=True, eq=False)
class Preparation:
    """A mixed state of N spins as circuits.

    name: what it is called in tables. circuits: without measurements, all on one number of qubits. weights: (K,), adding
    to 1. spins: the qubit of each spin; the others are ancillas, to be ignored.
    """

    name: str
    circuits: tuple[QuantumCircuit, ...]
    weights: FloatArray
    spins: tuple[int, ...]

    def mixed(self, states: ArrayLike) -> ComplexArray:
        """The spins' state (d, d) from those of the circuits (K, D, D), qubit 0 leftmost: ancillas traced out, averaged."""
        rho = checks.operator("states", states, 2 ** self.circuits[0].num_qubits)
        if rho.shape[:-2] != (len(self.circuits),):
            raise ArgumentError("states", f"of shape {rho.shape}", f"be one for each of {len(self.circuits)} circuits")
        qubits = self.circuits[0].num_qubits
        kept = rho if len(self.spins) == qubits else partial_trace(rho, self.spins)
        return np.einsum("k,kij->ij", self.weights, kept)


def eigenstate_mixture(rho: ArrayLike) -> Preparation:
    """The eigenstates, each by a circuit of its own, weighted by their populations: at most 1 entangling gate for a pair.

    rho: (d, d). Raises ArgumentError for what is no density matrix.
    """
    start = _state(rho)
    weights, vectors = eigenbranches(start)
    columns = np.eye(len(start)) if vectors is None else vectors
    kept = np.flatnonzero(weights > _NOTHING)
    circuits = tuple(state_circuit(columns[:, k]) for k in kept)
    return Preparation("eigenstates", circuits, _normalised(weights[kept]), _qubits(start))


def basis_mixture(rho: ArrayLike) -> Preparation:
    """Basis states by X gates, then one unitary from basis states to eigenstates: 2 entangling gates for any pair.

    The unitary is one circuit for all members, which a mixture by a phase cycle or by ancillas needs. rho: (d, d). Raises
    ArgumentError for what is no density matrix.
    """
    start = _state(rho)
    weights, vectors = eigenbranches(start)
    n = len(_qubits(start))
    kept = np.flatnonzero(weights > _NOTHING)
    circuits = []
    for k in kept:
        circuit = state_circuit(np.eye(2**n)[k])
        if vectors is not None:
            circuit.append(UnitaryGate(up_to_diagonal(vectors)), range(n - 1, -1, -1))
        circuits.append(circuit)
    return Preparation("X + V", tuple(circuits), _normalised(weights[kept]), _qubits(start))


def thermofield_double(rho: ArrayLike) -> Preparation:
    """One circuit: the square roots of the populations on the spins, each spin copied to an ancilla, then V on the spins.

    A pair takes a line of qubits ancilla, spin 0, spin 1, ancilla and 1 + 2 + 2 entangling gates; with more spins the
    ancillas come last. rho: (d, d). Raises ArgumentError for what is no density matrix.
    """
    start = _state(rho)
    weights, vectors = eigenbranches(start)
    n = len(_qubits(start))
    spins = (1, 2) if n == 2 else tuple(range(n))
    ancillas = [q for q in range(2 * n) if q not in spins]
    circuit = QuantumCircuit(2 * n)
    circuit.compose(state_circuit(np.sqrt(_normalised(weights))), spins, inplace=True)
    for spin, ancilla in zip(spins, ancillas, strict=True):
        circuit.cx(spin, ancilla)
    if vectors is not None:
        circuit.append(UnitaryGate(up_to_diagonal(vectors)), list(reversed(spins)))
    return Preparation("thermofield double", (circuit,), np.ones(1), spins)


def sequence_preparation(timeline: Timeline, rho0: ArrayLike, mark: str) -> Preparation:
    """What an NMR sequence makes of a starting state: the timeline up to a mark, crushers as phase cycles.

    The Broekaert-Jeener sequence prepares dipolar order so. timeline: one point, no ensemble; its noise is left out, the
    device has its own. Raises ArgumentError for a sweep, an ensemble, a mark that is not observed, or a rho0 that is no
    density matrix.
    """
    start = checks.density_matrix("rho0", rho0, 2**timeline.n)
    if timeline.shape or timeline.ensemble is not None:
        found = "one with an ensemble" if timeline.ensemble is not None else f"of shape {timeline.shape}"
        raise ArgumentError("timeline", found, "be a single point without an ensemble")
    if mark not in timeline.observed:
        raise ArgumentError("mark", repr(mark), f"be among {', '.join(timeline.observed)}")
    place = next(k for k, m in enumerate(timeline.marks) if m.name == mark)
    end = timeline.marks[place].after
    cut = replace(
        timeline,
        angles=timeline.angles[:end],
        durations=timeline.durations[:end],
        events=timeline.events[:end],
        marks=timeline.marks[:place],
        noise=None,
    )
    weights, basis = eigenbranches(start)
    chosen = branches(weights, cut.crushers)
    circuits = tuple(compile_circuit(cut, (), branch, basis=basis) for branch in chosen)
    return Preparation("sequence", circuits, np.array([b.weight for b in chosen]), tuple(range(timeline.n)))


def _state(rho: ArrayLike) -> ComplexArray:
    start = checks.density_matrix("rho", rho)
    n = len(_qubits(start))
    if start.ndim != 2 or len(start) != 2**n or n < 1:
        raise ArgumentError("rho", f"of shape {start.shape}", "be one state of shape (2^N, 2^N)")
    return start


def _qubits(rho: ComplexArray) -> tuple[int, ...]:
    return tuple(range(rho.shape[-1].bit_length() - 1))


def _normalised(weights: FloatArray) -> FloatArray:
    return weights / weights.sum()
