"""Compiled mode: one parameterised circuit for a whole sweep, all branches and all settings, and the array of its angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.evolution import Evolution
from nmrqb.circuits.layers import Layers, rotation
from nmrqb.circuits.prepare import Branch
from nmrqb.circuits.shannon import load, write
from nmrqb.circuits.states import up_to_diagonal
from nmrqb.errors import ArgumentError
from nmrqb.spin.cartan import ZERO
from nmrqb.spin.operators import PAULI
from nmrqb.timeline import Timeline, expanded

_H = (PAULI["X"] + PAULI["Z"]) / np.sqrt(2)
_INTO_Z = {"X": _H, "Y": _H @ np.diag([1, -1j]), "Z": PAULI["I"]}


@dataclass(frozen=True)
class Skeleton:
    """One measured circuit with open angles and their values.

    circuit: n qubits and n clbits, clbit k is spin k. angles: (*lead, branch, setting, P) in rad, in the order of
    circuit.parameters, which transpilation keeps; lead is the timeline's shape, and the members of its ensemble after that.
    two_qubit_gates: in each circuit. bound: (*lead,), largest trace distance of any state from the exact one, zero unless a
    product formula was used.
    """

    circuit: QuantumCircuit
    angles: FloatArray
    two_qubit_gates: int
    bound: FloatArray


def skeleton(
    timeline: Timeline,
    branches: Sequence[Branch],
    settings: Sequence[str],
    *,
    mark: str,
    basis: ComplexArray | None = None,
    turned: bool = False,
    entangler: str = "cz",
    tolerance: float = 1e-3,
) -> Skeleton:
    """One circuit for every point of a sweep, every branch and every Pauli setting such as "XZ", measured at `mark`.

    All that is unitary up to the mark becomes one block: local gates for one spin, none to 3 entanglers for two, as many
    as the most demanding point needs; for more spins Shannon's decomposition (23 for three, 115 for four), or a symmetric product
    formula within `tolerance` (operator norm) where that takes fewer. Flipped spins of the starting basis state, steps of phase cycles and settings are
    folded into local gates. A `basis` (d, d) whose columns are the starting eigenstates is loaded from |0...0> by a segment
    of its own, one entangler for two spins (none where all are products), kept apart by a barrier; if `turned`, the segment is
    one unitary from basis states to all of them, two entanglers for two spins.

    entangler: "cz", "cx", "ecr", or "rzz" with angles in [0, pi/2]; from qubit 0 to qubit 1 where that makes a difference.
    The timeline's noise is left out: a device has its own. Raises ArgumentError for an unknown mark, entangler or setting.
    """
    _check(timeline, branches, settings, mark)
    timeline, n = expanded(timeline), timeline.n
    evolution = Evolution(timeline, branches, mark)
    layers = Layers(n, (*timeline.shape, len(branches), len(settings)), entangler, clbits=n)
    _start(layers, branches, basis, turned)
    bound = evolution.write(layers, tolerance)
    for k in range(n):
        layers.local(k, np.stack([_INTO_Z[setting[k]] for setting in settings]))
    layers.measure()
    return Skeleton(layers.circuit, layers.angles(), layers.entanglers, bound)


def _check(timeline: Timeline, branches: Sequence[Branch], settings: Sequence[str], mark: str) -> None:
    if mark not in timeline.observed:
        raise ArgumentError("mark", repr(mark), f"be one of the timeline's: {', '.join(timeline.observed)}")
    if not branches or not settings:
        raise ArgumentError("branches and settings", "empty", "hold at least one each")
    for setting in settings:
        if len(setting) != timeline.n or set(setting) - set("XYZ"):
            raise ArgumentError("setting", repr(setting), f"be {timeline.n} of the letters X, Y, Z")


def _start(layers: Layers, branches: Sequence[Branch], basis: ComplexArray | None, turned: bool) -> None:
    """From |0...0> to each branch's starting state."""
    n = layers.circuit.num_qubits
    states = np.array([branch.state for branch in branches])
    if basis is None or turned:
        for k in range(n):
            flipped = (states >> (n - 1 - k) & 1).astype(bool)
            layers.local(k, np.where(flipped[:, None, None, None], PAULI["X"], PAULI["I"]))
        if basis is not None:
            write(layers, range(n), up_to_diagonal(basis))
            layers.barrier()
    elif n == 1:
        _column(layers, basis[:, states].T)
    elif n == 2:
        _pair_state(layers, basis[:, states].T.reshape(-1, 2, 2))
    else:
        load(layers, basis[:, states].T[:, None])
        layers.barrier()


def _column(layers: Layers, states: ComplexArray) -> None:
    a, b = states[:, 0], states[:, 1]
    columns = np.stack([a, -b.conj(), b, a.conj()], axis=-1).reshape(-1, 2, 2)
    layers.local(0, columns[:, None])


def _pair_state(layers: Layers, amplitudes: ComplexArray) -> None:
    """States (branch, 2, 2) of two qubits by their Schmidt form: cos|00> + sin|11> takes one CZ, then local gates."""
    u, s, v = np.linalg.svd(amplitudes)
    entangled = bool(np.any(s[:, 1] > ZERO))
    if entangled:
        layers.local(0, rotation("Y", 2 * np.arctan2(s[:, 1], s[:, 0]))[:, None])
        layers.local(1, _H)
        layers.cz(0, 1)
        layers.local(1, _H)
        layers.barrier()
    layers.local(0, u[:, None])
    layers.local(1, v.swapaxes(-1, -2)[:, None])
