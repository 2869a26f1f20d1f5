"""Circuits that start: a pure state from |0...0>, and unitaries from basis states up to phases of their columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate

from nmrqb import checks
from nmrqb.checks import ComplexArray
from nmrqb.circuits.layers import Layers
from nmrqb.circuits.shannon import load
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_string

#: Amplitudes and Schmidt coefficients below this are rounding.
_NOTHING = 1e-10


def state_circuit(amplitudes: ArrayLike) -> QuantumCircuit:
    """A circuit from |0...0> to a pure state (2^N,), spin 0 leftmost: two spins take at most one entangling gate.

    Basis states take X gates and product states of two spins rotations alone; an entangled pair is its Schmidt form, one
    rotation, one CX and a rotation of each spin. More spins are loaded qubit by qubit, by rotations and CZ. Raises ArgumentError for a
    vector that is not normalised or not of length 2^N.
    """
    psi = np.asarray(amplitudes, dtype=complex)
    n = psi.size.bit_length() - 1
    if psi.ndim != 1 or n < 1 or psi.size != 2**n:
        raise ArgumentError("amplitudes", f"of shape {psi.shape}", "have length 2^N")
    norm = float(np.linalg.norm(psi))
    if not abs(norm - 1) < checks.TOLERANCE:
        raise ArgumentError("amplitudes", f"of norm {norm:.10g}", "be a normalised state")
    circuit = QuantumCircuit(n)
    largest = int(np.argmax(np.abs(psi)))
    if np.abs(np.delete(psi, largest)).max() < _NOTHING:
        for k in range(n):
            if largest >> (n - 1 - k) & 1:
                circuit.x(k)
    elif n == 1:
        circuit.append(_rotation_to(psi), [0])
    elif n == 2:
        _schmidt(circuit, psi.reshape(2, 2))
    else:
        layers = Layers(n, (1,))
        load(layers, psi[None])
        layers.finish()
        circuit = layers.circuit.assign_parameters(layers.angles()[0])
    return circuit


def _schmidt(circuit: QuantumCircuit, psi: ComplexArray) -> None:
    left, values, right = np.linalg.svd(psi)
    if values[1] > _NOTHING:
        circuit.ry(2 * float(np.arctan2(values[1], values[0])), 0)
        circuit.cx(0, 1)
        circuit.append(UnitaryGate(left), [0])
        circuit.append(UnitaryGate(right.T), [1])
    else:
        circuit.append(_rotation_to(left[:, 0]), [0])
        circuit.append(_rotation_to(right[0]), [1])


def _rotation_to(amplitudes: ComplexArray) -> UnitaryGate:
    a, b = amplitudes
    return UnitaryGate(np.array([[a, -np.conj(b)], [b, np.conj(a)]]))


def up_to_diagonal(unitary: ComplexArray) -> ComplexArray:
    """A unitary of two qubits times exp(-i z ZZ), with the z for which two entangling gates suffice; others unchanged.

    On basis states, and on halves of sum_k a_k |k>|k>, the factor is only phases. Two gates suffice where
    Tr[U YY U^T YY] is real for det U = 1 (Shende, Bullock, Markov, Phys. Rev. A 70, 012310 (2004)); since ZZ is symmetric
    and commutes with YY, that trace is a cos 2z - i b sin 2z, whose imaginary part has a zero.
    """
    if len(unitary) != 4:
        return unitary
    U = unitary / np.linalg.det(unitary) ** 0.25
    yy, zz = pauli_string("YY"), pauli_string("ZZ")
    a = np.trace(U @ yy @ U.T @ yy)
    b = np.trace(U @ zz @ yy @ U.T @ yy)
    z = 0.5 * np.arctan2(a.imag, b.real)
    return unitary * np.exp(-1j * z * np.diag(zz))
