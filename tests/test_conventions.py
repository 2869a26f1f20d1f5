"""The conventions everything rests on, pinned: spin order, signs, rotation sense, units, bit order."""

import counted
import numpy as np
import pytest

import nmrqb
from nmrqb.circuits import Branch, compile_circuit, execute
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import coherence_order, collective, on_spin, pauli_string
from nmrqb.timeline import Mark, Timeline
from nmrqb.tomography import probabilities


def one_slice(labels, angles, marks=None):
    marks = (Mark("observe", 1, "end"),) if marks is None else marks
    return Timeline(tuple(labels), np.array([angles], dtype=float), np.zeros(1), marks, (0,))


def test_spin_0_is_the_leftmost_factor_and_up_has_sigma_z_plus_1():
    assert on_spin(3, 1, "X") == "IXI"
    np.testing.assert_array_equal(np.diag(pauli_string("ZI")).real, [1, 1, -1, -1])
    np.testing.assert_array_equal(np.diag(pauli_string("IZ")).real, [1, -1, 1, -1])
    np.testing.assert_array_equal(coherence_order(2)[0], [0, 1, 1, 2])


def test_a_pulse_rotates_as_exp_minus_i_theta_F_phi(tmp_path):
    sample = nmrqb.Sample.load("nematic-pair")
    for phase, angle in (("x", 0.0), ("y", np.pi / 2), ("-x", np.pi), ("-y", 3 * np.pi / 2), ("30 deg", np.pi / 6)):
        text = f"""
            title = "one pulse"
            steps = [{{ pulse = "70 deg", phase = "{phase}" }}, {{ observe = "end" }}]
        """
        U = nmrqb.Exact().propagator(nmrqb.schedule(load(tmp_path, text, nmrqb.Sequence), sample))
        F = collective(2, "x") * np.cos(angle) + collective(2, "y") * np.sin(angle)
        w, v = np.linalg.eigh(F)
        expected = (v * np.exp(-1j * np.radians(70) * w)) @ v.conj().T
        np.testing.assert_allclose(U, expected, atol=1e-14)


def test_a_90x_pulse_turns_z_into_minus_y():
    U = nmrqb.Exact().propagator(one_slice(["X"], [np.pi / 4]))
    np.testing.assert_allclose(U @ pauli_string("Z") @ U.conj().T, -pauli_string("Y"), atol=1e-15)


def test_flip_angle_is_twice_omega_t():
    omega_t = 0.37
    U = nmrqb.Exact().propagator(one_slice(["XI", "IX"], [omega_t, omega_t]))
    np.testing.assert_allclose(U, nmrqb.charging_unitary(2, omega_t), atol=1e-15)


def test_the_dipolar_hamiltonian_and_the_papers_battery_are_one():
    sample = nmrqb.Sample.load("nematic-pair")
    d = 2 * np.pi * 1000
    Iz = [pauli_string(s) / 2 for s in ("ZI", "IZ")]
    dot = sum(pauli_string(2 * a) for a in "XYZ") / 4
    H = d * (3 * Iz[0] @ Iz[1] - dot)
    np.testing.assert_allclose(sample.hamiltonian(), H, atol=1e-9)
    battery = sample.battery()
    assert battery.axial == pytest.approx(0.75)
    np.testing.assert_allclose(battery.hamiltonian() * sample.energy_unit, H, atol=1e-9)


def test_the_rotating_frame_offset_is_twice_the_papers_field(tmp_path):
    text = nmrqb.Sample.load("nematic-pair").source + "\n"
    text = text.replace('spins = ["1H", "1H"]', 'spins = ["1H", "1H"]\noffsets = ["200 Hz", "200 Hz"]')
    sample = load(tmp_path, text, nmrqb.Sample)
    assert sample.battery().zeeman == pytest.approx(0.1)
    np.testing.assert_allclose(sample.battery().hamiltonian() * sample.energy_unit, sample.hamiltonian(), atol=1e-9)


def test_outcomes_are_numbered_with_spin_0_as_the_highest_bit():
    rho = np.zeros((4, 4))
    rho[1, 1] = 1  # |01>
    np.testing.assert_allclose(probabilities(rho, ["ZZ"])[0], [0, 1, 0, 0], atol=1e-15)


@pytest.mark.parametrize("state", range(4))
def test_qubit_k_is_spin_k_in_saved_states_and_in_counts(state):
    timeline = one_slice(["ZI"], [0.0])
    branch = Branch(1.0, state, ())
    saved = execute.saved_states([compile_circuit(timeline, (), branch, save=True)], ["end"])
    np.testing.assert_allclose(np.diag(saved[0, 0]).real, np.eye(4)[state], atol=1e-15)
    counts = counted.counts([compile_circuit(timeline, (), branch, measure=("end", "ZZ"))], 10)
    np.testing.assert_array_equal(counts[0], 10 * np.eye(4)[state])


def test_bit_order_of_a_mixed_basis_setting():
    # spin 0 along +x, spin 1 down: XZ gives outcome 01 with certainty
    rho = np.kron([[0.5, 0.5], [0.5, 0.5]], [[0, 0], [0, 1]])
    np.testing.assert_allclose(probabilities(rho, ["XZ"])[0], [0, 1, 0, 0], atol=1e-15)


def test_aer_and_numpy_rotate_into_the_same_measurement_basis():
    rng = np.random.default_rng(1)
    labels = ["XI", "IY", "ZI", "IZ", "XX", "YZ"]
    timeline = one_slice(labels, rng.normal(size=6))
    rho = nmrqb.Exact().run(timeline, np.diag([1.0, 0, 0, 0])).estimate[0]
    settings = [a + b for a in "XYZ" for b in "XYZ"]
    expected = probabilities(rho, settings)
    circuits = [compile_circuit(timeline, (), Branch(1.0, 0, ()), measure=("end", s)) for s in settings]
    counts = counted.counts(circuits, 200_000, 5) / 200_000
    assert np.abs(counts - expected).max() < 5 * 0.5 / np.sqrt(200_000)


def test_t1_leads_towards_the_polarisation_with_up_as_positive():
    noise = Noise((1.0,), (1.0,), (0.6,), (0.0,))
    rho = nmrqb.lindblad(np.zeros((2, 2)), noise.jump_operators(), np.diag([0.0, 1.0]), [0, 40.0])[-1]
    np.testing.assert_allclose(np.diag(rho).real, [0.8, 0.2], atol=1e-12)


def load(folder, text, kind):
    (folder / "file.toml").write_text(text)
    return kind.load(folder / "file.toml")
