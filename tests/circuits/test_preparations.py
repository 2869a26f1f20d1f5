"""Every way to a mixed state prepares it exactly, with the circuits and entangling gates it claims."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import DensityMatrix, Operator, random_density_matrix, random_unitary

import nmrqb
from nmrqb.circuits.preparations import (
    Preparation,
    basis_mixture,
    eigenstate_mixture,
    sequence_preparation,
    thermofield_double,
)
from nmrqb.circuits.prepare import eigenbranches
from nmrqb.circuits.states import state_circuit, up_to_diagonal
from nmrqb.errors import ArgumentError

WAYS = (eigenstate_mixture, basis_mixture, thermofield_double)


def ideal(preparation):
    """The spins' state where every gate is exact; Qiskit's big-endian order is reversed for qubit 0 leftmost."""
    states = [np.asarray(DensityMatrix(circuit.reverse_bits())) for circuit in preparation.circuits]
    return preparation.mixed(states)


def entanglers(circuit):
    done = transpile(circuit, basis_gates=["cz", "rz", "sx", "x"], optimization_level=3, seed_transpiler=1)
    return done.count_ops().get("cz", 0)


def gibbs(temperature=1 / 1.5, **couplings):
    return np.asarray(nmrqb.gibbs_state(nmrqb.Battery(**couplings).hamiltonian(), temperature))


GENERAL = {"axial": 1.0, "rhombic": 0.25, "dm": 0.3, "ksea": 0.15, "zeeman": 0.4}
AXIAL = {"axial": 1.0, "zeeman": 0.4}


@pytest.mark.parametrize("couplings", [GENERAL, AXIAL, {"axial": 1.0}, {"rhombic": 0.7}, {"zeeman": 1.0}, {"dm": -0.6}])
@pytest.mark.parametrize("way", WAYS, ids=["eigenstates", "basis", "double"])
def test_every_way_prepares_the_gibbs_state(way, couplings):
    rho = gibbs(**couplings)
    found = way(rho)
    assert found.weights.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(ideal(found), rho, atol=2e-10)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_any_state_of_a_pair_takes_one_two_and_five_entangling_gates(seed, rank):
    rho = random_density_matrix(4, rank=rank, seed=seed).data
    for way, most, number in ((eigenstate_mixture, 1, rank), (basis_mixture, 2, rank), (thermofield_double, 5, 1)):
        found = way(rho)
        assert len(found.circuits) == number
        assert max(entanglers(circuit) for circuit in found.circuits) <= most
        np.testing.assert_allclose(ideal(found), rho, atol=2e-10)


@pytest.mark.parametrize("spins", [1, 3])
@pytest.mark.parametrize("way", WAYS, ids=["eigenstates", "basis", "double"])
def test_other_numbers_of_spins(way, spins):
    rho = random_density_matrix(2**spins, seed=spins).data
    np.testing.assert_allclose(ideal(way(rho)), rho, atol=2e-10)


def test_product_eigenstates_take_no_entangling_gate():
    axial = eigenstate_mixture(gibbs(**AXIAL))
    assert sorted(entanglers(circuit) for circuit in axial.circuits) == [0, 0, 1, 1]  # |00>, |11>; singlet, triplet
    # without a field |00> and |11> weigh the same, and any pair of their superpositions would do
    degenerate = eigenstate_mixture(gibbs(axial=1.0))
    assert sorted(entanglers(circuit) for circuit in degenerate.circuits) == [0, 0, 1, 1]
    tilted = np.kron(np.diag([0.7, 0.3]), [[0.5, 0.2], [0.2, 0.5]])
    assert [entanglers(circuit) for circuit in eigenstate_mixture(tilted).circuits] == [0, 0, 0, 0]


def test_a_degenerate_pair_in_another_frame_is_found_to_hold_basis_states():
    turn = random_unitary(2, seed=4).data
    mixed = np.eye(4, dtype=complex)
    mixed[np.ix_([1, 3], [1, 3])] = turn
    rho = mixed @ np.diag([0.5, 0.2, 0.1, 0.2]) @ mixed.conj().T
    np.testing.assert_allclose(ideal(eigenstate_mixture(rho)), rho, atol=1e-12)
    assert [entanglers(c) for c in eigenstate_mixture(rho).circuits] == [0, 0, 0, 0]


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_eigenbranches_rebuild_the_state_next_to_the_basis(seed):
    rho = random_density_matrix(4, seed=seed).data
    weights, vectors = eigenbranches(rho)
    np.testing.assert_allclose((vectors * weights) @ vectors.conj().T, rho, atol=1e-13)
    np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(4), atol=1e-13)
    assert np.all(np.diag(vectors).real > 0)
    np.testing.assert_allclose(np.diag(vectors).imag, 0, atol=1e-15)


@pytest.mark.parametrize("seed", range(6))
def test_a_diagonal_factor_saves_the_third_gate(seed):
    U = random_unitary(4, seed=seed).data

    def count(matrix):
        circuit = QuantumCircuit(2)
        circuit.append(UnitaryGate(matrix), [1, 0])
        return entanglers(circuit)

    factor = U.conj().T @ up_to_diagonal(U)
    np.testing.assert_allclose(factor, np.diag(np.diag(factor)), atol=1e-12)
    assert (count(U), count(up_to_diagonal(U))) == (3, 2)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 3]))
def test_state_circuits_reach_their_state(seed, spins):
    psi = random_unitary(2**spins, seed=seed).data[:, 0]
    found = np.asarray(Operator(state_circuit(psi).reverse_bits()))[:, 0]
    assert abs(np.vdot(found, psi)) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("spins", [1, 2, 3, 4])
def test_basis_states_are_x_gates_alone(spins):
    for state in (0, 2**spins - 2):
        ops = dict(state_circuit(-1j * np.eye(2**spins)[state]).count_ops())
        assert ops == ({"x": state.bit_count()} if state else {})


def test_broekaert_jeener_prepares_dipolar_order_on_qubits():
    sample = nmrqb.Sample.load("nematic-pair")
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge").bind(charge=np.radians(90))
    timeline = nmrqb.schedule(sequence, sample, noise=True)
    start = np.kron(np.diag([0.9, 0.1]), np.diag([0.9, 0.1]))
    found = sequence_preparation(timeline, start, "empty")
    assert len(found.circuits) == 4 * 3
    exact = nmrqb.Exact().run(timeline, start).at("empty")[0]
    quiet = nmrqb.Exact().run(nmrqb.schedule(sequence, sample, noise=False), start).at("empty")[0]
    assert np.abs(quiet - exact).max() > 1e-5  # the sample's own noise is left out
    np.testing.assert_allclose(ideal(found), quiet, atol=1e-12)


def test_what_is_no_state_or_no_point_is_refused():
    for way in WAYS:
        with pytest.raises(ArgumentError, match="of trace 2"):
            way(np.eye(2))
        with pytest.raises(ArgumentError, match=r"\(3, 3\)"):
            way(np.eye(3) / 3)
        with pytest.raises(ArgumentError, match=r"\(2, 2, 2\)"):
            way(np.array([np.eye(2) / 2] * 2))
    with pytest.raises(ArgumentError, match="of norm 2"):
        state_circuit([2, 0])
    with pytest.raises(ArgumentError, match=r"\(3,\)"):
        state_circuit([1, 0, 0])
    sample = nmrqb.Sample.load("nematic-pair")
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge")
    start = np.eye(4) / 4
    with pytest.raises(ArgumentError, match=r"\(2,\)"):
        sequence_preparation(nmrqb.schedule(sequence.bind(charge=[0.1, 0.2]), sample), start, "empty")
    with pytest.raises(ArgumentError, match="'full'"):
        sequence_preparation(nmrqb.schedule(sequence.bind(charge=0.1), sample), start, "full")
    with pytest.raises(ArgumentError, match="2 circuits"):
        Preparation("x", (state_circuit([1, 0]),) * 2, np.ones(2) / 2, (0,)).mixed([np.eye(2)])
