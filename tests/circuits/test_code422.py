"""The [[4,2,2]] code: its algebra, its circuits against bare spins, what it refuses, and how much noise it takes away."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import DensityMatrix, Statevector, random_statevector
from scipy.linalg import expm

import nmrqb
from nmrqb.circuits import code422
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_string, pauli_sum
from nmrqb.tomography import probabilities

PROJECTOR = (np.eye(16) + pauli_string("XXXX")) @ (np.eye(16) + pauli_string("ZZZZ")) / 4
EXAMPLE = {"axial": 1.0, "rhombic": 0.25, "zeeman": 0.4}


def codewords():
    """The logical basis from the stabilisers and logical X alone."""
    zero = np.zeros(16)
    zero[[0, 15]] = np.sqrt(0.5)
    x1, x2 = pauli_string("XXII"), pauli_string("XIXI")
    return np.stack([zero, x2 @ zero, x1 @ zero, x1 @ x2 @ zero], axis=1)


def state(circuit):
    return np.asarray(Statevector(circuit.reverse_bits()))


def test_the_algebra():
    """X1X2 = IXXI, Y1Y2 = IYYI, Z1Z2 = IZZI, and every logical operator acts on the codewords as its Pauli does."""
    words = codewords()
    np.testing.assert_allclose(PROJECTOR @ words, words, atol=1e-15)
    for label, physical in code422.LOGICAL.items():
        matrix = pauli_string(physical)
        for stabiliser in code422.STABILISERS:
            np.testing.assert_allclose(matrix @ pauli_string(stabiliser), pauli_string(stabiliser) @ matrix, atol=0)
        np.testing.assert_allclose(words.conj().T @ matrix @ words, pauli_string(label), atol=1e-15)
    for label in ("XX", "YY", "ZZ"):
        assert code422.LOGICAL[label] == f"I{label}I"
    weights = {label: 4 - physical.count("I") for label, physical in code422.LOGICAL.items()}
    assert {label for label, weight in weights.items() if weight > 2} == {"XY", "YX"}


def test_dm_and_ksea_have_no_representative_on_two_qubits():
    for label in ("XY", "YX"):
        images = [pauli_string(code422.LOGICAL[label]) @ pauli_string(s) for s in ("IIII", "XXXX", "ZZZZ", "YYYY")]
        pairs = ["".join(p) for p in product("IXYZ", repeat=4) if p.count("I") >= 2]
        for image, pair in product(images, pairs):
            assert not np.allclose(np.abs(np.trace(image @ pauli_string(pair))), 16)
    for name in ("dm", "ksea"):
        with pytest.raises(ArgumentError, match=rf"{name} must be 0 .* three qubits .* 0.2"):
            code422.couplings(nmrqb.Battery(axial=1.0, **{name: 0.2}))
        assert code422.couplings(nmrqb.Battery(axial=1.0, **{name: 0.0}))
    with pytest.raises(ArgumentError, match=r"\(2,\)"):
        code422.couplings(nmrqb.Battery(axial=[1.0, 2.0]))


def test_the_couplings_are_the_battery_s():
    terms = code422.couplings(nmrqb.Battery(**EXAMPLE))
    np.testing.assert_allclose(pauli_sum(list(terms), list(terms.values())), nmrqb.Battery(**EXAMPLE).hamiltonian())


@pytest.mark.parametrize(
    ("amplitudes", "gates"),
    [
        ([1, 0, 0, 0], 3),
        ([0.6, 0, 0, 0.8j], 3),
        ([0, 1, 0, 0], 3),
        ([0, 0.6, -0.8j, 0], 3),
        ([0, np.sqrt(0.5), -np.sqrt(0.5), 0], 2),
        ([0.5, 0.5, 0.5j, -0.5], 6),
    ],
)
def test_encoding_reaches_the_code_state(amplitudes, gates):
    circuit = code422.encode(amplitudes)
    target = codewords() @ amplitudes
    assert abs(np.vdot(state(circuit), target)) == pytest.approx(1, abs=1e-12)
    done = transpile(circuit, basis_gates=["cz", "rz", "sx", "x"], optimization_level=3, seed_transpiler=1)
    assert done.count_ops()["cz"] <= gates


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2), st.floats(0, 2))
def test_evolution_and_pulses_are_those_of_bare_spins(seed, axial, rhombic, zeeman, phi):
    psi = random_statevector(4, seed=seed).data
    battery = nmrqb.Battery(axial=axial, rhombic=rhombic, zeeman=zeeman)
    circuit = code422.encode(psi)
    code422.evolve(circuit, {"XI": phi, "IX": phi})
    interaction = {k: v for k, v in code422.couplings(battery).items() if k in ("XX", "YY", "ZZ")}
    code422.evolve(circuit, interaction)
    bare = expm(-1j * pauli_sum(["XI", "IX"], [phi, phi])) @ psi
    if interaction:
        bare = expm(-1j * pauli_sum(list(interaction), list(interaction.values()))) @ bare
    found = state(circuit)
    assert abs(np.vdot(codewords() @ bare, found)) == pytest.approx(1, abs=1e-9)
    # energies, read through transversal measurements, are those of bare spins
    density = np.outer(found, found.conj())
    decoded = {x: code422.decode(probabilities(density, [x * 4])[0], x) for x in "XYZ"}
    energy = np.vdot(bare, battery.hamiltonian() @ bare).real
    assert float(code422.energy(battery, decoded)) == pytest.approx(energy, abs=1e-9)
    assert all(float(d.acceptance) == pytest.approx(1, abs=1e-9) for d in decoded.values())


def test_terms_that_do_not_commute_are_split_to_second_order():
    battery = nmrqb.Battery(**EXAMPLE)
    terms = code422.couplings(battery)
    exact = codewords() @ expm(-1j * battery.hamiltonian()) @ [1, 0, 0, 0]
    misses = []
    for steps in (2, 4, 8):
        circuit = code422.encode([1, 0, 0, 0])
        code422.evolve(circuit, terms, steps)
        misses.append(np.sqrt(1 - abs(np.vdot(exact, state(circuit))) ** 2))
    assert misses[0] / misses[1] == pytest.approx(4, rel=0.15)
    assert misses[1] / misses[2] == pytest.approx(4, rel=0.05)


def test_the_coupling_step_is_one_block_of_three_gates_as_on_bare_spins():
    terms = code422.couplings(nmrqb.Battery(axial=1.0, rhombic=0.25))
    for circuit, act in ((QuantumCircuit(4), True), (QuantumCircuit(2), False)):
        if act:
            code422.evolve(circuit, terms)
        else:
            for label, angle in terms.items():
                getattr(circuit, f"r{label.lower()}")(2 * angle, 0, 1)
        done = transpile(circuit, basis_gates=["cz", "rz", "sx", "x"], optimization_level=3, seed_transpiler=1)
        assert done.count_ops()["cz"] == 3


def depolarised(rho, p):
    """One Pauli error with probability p on each qubit, each of the three alike."""
    n = rho.shape[0].bit_length() - 1
    for k in range(n):
        flips = [pauli_string("I" * k + x + "I" * (n - 1 - k)) for x in "XYZ"]
        rho = (1 - p) * rho + p / 3 * sum(f @ rho @ f for f in flips)
    return rho


@pytest.mark.parametrize(
    ("p", "bare", "encoded", "acceptance"),
    [
        (0.001, -0.0044, 0.0, 0.996),
        (0.005, -0.022, -0.00008, 0.980),
        (0.02, -0.086, -0.0013, 0.923),
        (0.05, -0.21, -0.009, 0.819),
    ],
)
def test_depolarised_and_post_selected(p, bare, encoded, acceptance):
    """Full charge of a Gibbs state, one Pauli error per qubit with probability p, both stabilisers checked.

    Decoding is ideal, so DM and KSEA couplings may act. The figures were worked out apart from this program.
    """
    H, words = nmrqb.Battery(**EXAMPLE, dm=0.3, ksea=0.15).hamiltonian(), codewords()
    charge = nmrqb.charging_unitary(2, 0.851)
    rho = charge @ nmrqb.gibbs_state(H, 1.0) @ charge.conj().T
    noisy = depolarised(words @ rho @ words.conj().T, p)
    passed = np.trace(PROJECTOR @ noisy).real
    assert passed == pytest.approx((1 + 3 * (1 - 4 * p / 3) ** 4) / 4, abs=1e-12)
    assert passed == pytest.approx(acceptance, abs=6e-4)
    kept = words.conj().T @ noisy @ words / passed
    ideal = nmrqb.metrics.ergotropy(rho, H)
    assert nmrqb.metrics.ergotropy(depolarised(rho, p), H) - ideal == pytest.approx(bare, rel=0.03)
    assert nmrqb.metrics.ergotropy(kept, H) - ideal == pytest.approx(encoded, rel=0.06, abs=1e-5)


def test_decoding_drops_odd_parity_and_reports_what_passed():
    counts = np.zeros(16)
    counts[0b0000], counts[0b1010], counts[0b1000] = 60, 20, 20
    found = code422.decode(counts, "Z")
    assert found.acceptance == pytest.approx(0.8)
    assert found.expectations["ZI"] == pytest.approx(1.0)  # ZIZI: both outcomes even there
    assert found.expectations["IZ"] == pytest.approx(0.5)
    assert found.expectations["ZZ"] == pytest.approx(0.5)
    # a single flip of any qubit never passes, in any basis
    single = np.zeros(16)
    single[[1, 2, 4, 8]] = 1
    with pytest.raises(ArgumentError, match="without a shot of even parity"):
        code422.decode(single, "X")


def test_measured_circuits_read_what_the_state_holds():
    circuit = code422.encode(random_statevector(4, seed=3).data)
    density = np.outer(state(circuit), state(circuit).conj())
    for letter in "XYZ":
        measured = code422.measure(circuit, letter).remove_final_measurements(inplace=False)
        found = DensityMatrix(measured.reverse_bits()).probabilities()
        np.testing.assert_allclose(found, probabilities(density, [letter * 4])[0], atol=1e-12)


def test_what_the_code_cannot_do_is_refused():
    circuit = QuantumCircuit(4)
    with pytest.raises(ArgumentError, match="XY acts on three"):
        code422.evolve(circuit, {"XX": 1.0, "XY": 0.1})
    with pytest.raises(ArgumentError, match=r"steps .* 0"):
        code422.evolve(circuit, {"XX": 1.0}, 0)
    with pytest.raises(ArgumentError, match="'W'"):
        code422.measure(circuit, "W")
    with pytest.raises(ArgumentError, match="'W'"):
        code422.decode(np.ones(16), "W")
    with pytest.raises(ArgumentError, match=r"\(4,\)"):
        code422.decode(np.ones(4), "Z")
    with pytest.raises(ArgumentError, match=r"\(2,\)"):
        code422.encode([1, 0])
