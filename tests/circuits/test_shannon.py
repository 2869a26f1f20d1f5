"""Unitaries and states of several qubits as circuits of one structure."""

import numpy as np
import pytest
from qiskit.quantum_info import Operator, Statevector
from scipy.stats import unitary_group

from nmrqb.circuits import shannon
from nmrqb.circuits.layers import ENTANGLERS, Layers

RNG = np.random.default_rng(1)


def members(n):
    d = 2**n
    alike = np.kron(np.eye(2), unitary_group.rvs(d // 2, random_state=RNG))
    return np.array(
        [
            *unitary_group.rvs(d, size=3, random_state=RNG),
            np.eye(d),
            np.diag(np.exp(1j * RNG.normal(size=d))),
            np.eye(d)[RNG.permutation(d)],
            np.linalg.qr(RNG.normal(size=(d, d)))[0],
            alike,
            np.diag(RNG.choice([1, -1], size=d)),
        ]
    )


@pytest.mark.parametrize("entangler", ENTANGLERS)
@pytest.mark.parametrize(("n", "gates"), [(3, 23), (4, 115)])
def test_one_circuit_is_every_unitary(n, gates, entangler):
    U = members(n)
    layers = Layers(n, (len(U),), entangler)
    layers.started()
    shannon.write(layers, range(n), U)
    layers.finish()
    assert layers.entanglers == shannon.entanglers(n) == gates
    assert layers.circuit.num_nonlocal_gates() == gates
    for u, row in zip(U, layers.angles(), strict=True):
        found = Operator(layers.circuit.assign_parameters(row).reverse_bits()).data
        phase = np.trace(found.conj().T @ u) / len(u)
        np.testing.assert_allclose(found * phase, u, atol=1e-10)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_one_circuit_loads_every_state(n):
    psi = RNG.normal(size=(5, 2**n)) + 1j * RNG.normal(size=(5, 2**n))
    psi[0], psi[0, 1], psi[1, ::2] = 0, 1, 0
    psi /= np.linalg.norm(psi, axis=1)[:, None]
    layers = Layers(n, (5,))
    shannon.load(layers, psi)
    layers.finish()
    assert layers.entanglers == 2 * (2**n - 2)
    for target, row in zip(psi, layers.angles(), strict=True):
        found = Statevector(layers.circuit.assign_parameters(row).reverse_bits()).data
        assert abs(np.vdot(found, target)) == pytest.approx(1, abs=1e-12)


def test_basis_states_and_products_load_without_entanglers():
    product = np.kron(np.kron([0.6, 0.8j], [1, 0]), [np.sqrt(0.5), -np.sqrt(0.5)])
    for psi in (np.eye(8)[[5]], product[None]):
        layers = Layers(3, (1,))
        shannon.load(layers, psi)
        assert layers.entanglers == 0
        layers.finish()
        found = Statevector(layers.circuit.assign_parameters(layers.angles()[0]).reverse_bits()).data
        assert abs(np.vdot(found, psi[0])) == pytest.approx(1, abs=1e-12)


def test_eigenbases_of_unitaries_that_defeat_a_single_mixture():
    """Phases of equal cosine, equal sine, and all equal."""
    for phases in ([0.4, -0.4, 0.4, 2.0], [0.3, np.pi - 0.3, 1, 1], [1, 1, 1, 1], [0, np.pi, np.pi / 2, -np.pi / 2]):
        V = unitary_group.rvs(4, random_state=RNG)
        U = (V * np.exp(1j * np.array(phases))) @ V.conj().T
        basis, found = shannon.eigenbasis(U)
        np.testing.assert_allclose(basis.conj().T @ basis, np.eye(4), atol=1e-13)
        np.testing.assert_allclose((basis * np.exp(1j * found)) @ basis.conj().T, U, atol=1e-12)
