"""Rounds of charging, storing and extracting; the noise table was computed by a separately written program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmrqb.battery import Battery
from nmrqb.battery.charging import charge, charging_maxima
from nmrqb.battery.cycles import charge_with_noise, extraction_unitary, reverse_pulse_work, run_rounds
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy, passive_state, stored_energy
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.propagation import lindblad

BATTERY = Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
H = BATTERY.hamiltonian()
GIBBS = BATTERY.gibbs_state(1.0)
STOP = 0.85  # Omega t, close to the first full charge

XI, IX, ZI, IZ = (pauli_string(label) for label in ("XI", "IX", "ZI", "IZ"))
NOISE = {"local X": [XI, IX], "local Z": [ZI, IZ], "collective X": [XI + IX]}


def jumps(kind, rate):
    return [np.sqrt(rate) * operator for operator in NOISE[kind]]


#: (noise, rate/Omega): stored energy, ergotropy, work of the ideal reverse pulse; three printed decimals.
TABLE = {
    ("local X", 0.02): (1.649, 1.594, 1.594),
    ("local X", 0.1): (1.502, 1.267, 1.256),
    ("local X", 0.3): (1.267, 0.798, 0.704),
    ("local Z", 0.02): (1.672, 1.635, 1.635),
    ("local Z", 0.1): (1.598, 1.425, 1.423),
    ("local Z", 0.3): (1.441, 1.014, 1.007),
    ("collective X", 0.02): (1.609, 1.516, 1.514),
    ("collective X", 0.1): (1.370, 1.039, 0.989),
    ("collective X", 0.3): (1.118, 0.589, 0.404),
}


@pytest.mark.parametrize(("noise", "rate"), TABLE)
def test_noise_while_charging(noise, rate):
    rho = charge_with_noise(GIBBS, [STOP], jumps(noise, rate))[0]
    found = stored_energy(rho, GIBBS, H), ergotropy(rho, H), reverse_pulse_work(rho, H, STOP)
    np.testing.assert_allclose(found, TABLE[noise, rate], atol=5.1e-4)
    first = run_rounds(H, GIBBS, STOP, 1, pulse_jumps=jumps(noise, rate))
    np.testing.assert_allclose((first.stored[0], first.ergotropy[0], first.work[0]), found, atol=1e-12)


def test_full_charge_of_the_example_and_what_its_spectrum_would_allow():
    best = charging_maxima(H, GIBBS)
    assert best.phi_energy == pytest.approx(0.851, abs=5e-4)
    assert best.stored_energy == pytest.approx(1.692, abs=5e-4)
    levels, p = BATTERY.energies(), np.linalg.eigvalsh(GIBBS)
    limit = levels @ p - levels @ p[::-1]
    assert limit == pytest.approx(2.113, abs=5e-4)
    assert best.stored_energy / limit == pytest.approx(0.80, abs=5e-3)


def test_ideal_rounds_return_everything_for_ever():
    result = run_rounds(H, GIBBS, STOP, 5)
    np.testing.assert_allclose(result.stored, charge(H, GIBBS, STOP).stored_energy, rtol=1e-12)
    np.testing.assert_allclose(result.efficiency, 1.0, rtol=1e-12)
    np.testing.assert_allclose(result.extraction_efficiency, 1.0, rtol=1e-12)
    np.testing.assert_allclose(result.rho[-1], GIBBS, atol=1e-13)


def test_rounds_follow_the_master_equation_stage_by_stage():
    """One stage after the other by `lindblad`, with H on during storage and noise on the way back too."""
    noise, damping = jumps("local X", 0.1), jumps("local Z", 0.05)
    pulse = XI + IX
    rho, work, lost = GIBBS, [], []
    for _ in range(3):
        charged = lindblad(pulse, noise, rho, [STOP])[0]
        kept = lindblad(H, damping, charged, [0.7])[0]
        rho = lindblad(-pulse, noise, kept, [STOP])[0]
        lost.append(np.trace((charged - kept) @ H).real)
        work.append(np.trace((kept - rho) @ H).real)
    options = {"pulse_jumps": noise, "storage_time": 0.7, "storage_jumps": damping, "storage_hamiltonian": H}
    result = run_rounds(H, GIBBS, STOP, 3, noisy_extraction=True, **options)
    np.testing.assert_allclose(result.work, work, atol=1e-12)
    np.testing.assert_allclose(result.lost, lost, atol=1e-12)
    np.testing.assert_allclose(result.rho[-1], rho, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), axis=st.sampled_from(["x", "y", 0.4]))
def test_energy_balance_and_the_bounds_of_every_round(seed, axis):
    rng = np.random.default_rng(seed)
    battery = Battery(*rng.uniform(-2, 2, 5))
    H, rho0 = battery.hamiltonian(), battery.gibbs_state(rng.uniform(0.3, 3))
    options = {"pulse_jumps": jumps("local X", 0.1), "storage_jumps": jumps("local Z", 0.2), "storage_time": 0.3}
    phi = rng.uniform(0, np.pi)
    by_pulse = run_rounds(H, rho0, phi, 4, axis=axis, **options)
    optimal = run_rounds(H, rho0, phi, 4, axis=axis, extraction="optimal", **options)
    for result in (by_pulse, optimal):
        energy = np.einsum("kij,ji->k", np.concatenate([rho0[None], result.rho]), H).real
        np.testing.assert_allclose(result.stored - result.lost - result.work, np.diff(energy), atol=1e-11)
        assert np.all(result.work <= result.ergotropy + 1e-11)
    np.testing.assert_allclose(optimal.work, optimal.ergotropy, atol=1e-11)
    assert optimal.work[0] >= by_pulse.work[0] - 1e-11


def test_batches_are_their_members():
    members = Battery(axial=[1.0, 0.5], rhombic=0.3, zeeman=[0.0, 0.6])
    H, rho = members.hamiltonian(), members.gibbs_state(1.0)
    phi, rest = np.array([[0.4], [0.8], [1.2]]), np.array([0.0, 0.5])
    options = {"pulse_jumps": jumps("local Z", 0.1), "storage_jumps": jumps("local X", 0.2), "extraction": "optimal"}
    together = run_rounds(H, rho, phi, 3, storage_time=rest, **options)
    assert together.work.shape == (3, 2, 3)
    assert together.rho.shape == (3, 2, 3, 4, 4)
    for i, j in ((0, 0), (2, 1)):
        alone = run_rounds(H[j], rho[j], phi[i, 0], 3, storage_time=rest[j], **options)
        np.testing.assert_allclose(together.efficiency[i, j], alone.efficiency, rtol=1e-10)
        np.testing.assert_allclose(together.rho[i, j], alone.rho, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.sampled_from([2, 4, 8]))
def test_the_extraction_unitary_leaves_a_passive_state(seed, d):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(2, d, d)) + 1j * rng.normal(size=(2, d, d))
    energies, rho = a[0] + a[0].conj().T, a[1] @ a[1].conj().T
    rho /= np.trace(rho)
    U = extraction_unitary(rho, energies)
    np.testing.assert_allclose(U @ U.conj().T, np.eye(d), atol=1e-12)
    np.testing.assert_allclose(U @ rho @ U.conj().T, passive_state(rho, energies), atol=1e-12)


def test_the_reverse_pulse_draws_all_that_an_ideal_pulse_stored():
    phi = np.array([0.2, 0.85, 1.4])
    rho = charge_with_noise(GIBBS, phi, (), axis="y")
    np.testing.assert_allclose(
        reverse_pulse_work(rho, H, phi, "y"), charge(H, GIBBS, phi, "y").stored_energy, atol=1e-12
    )


def test_a_hamiltonian_beside_the_pulse_matters_less_the_harder_the_pulse():
    hard = charge_with_noise(GIBBS, [STOP], (), hamiltonian=H / 1e4)[0]
    soft = charge_with_noise(GIBBS, [STOP], (), hamiltonian=H / 2)[0]
    ideal = charge_with_noise(GIBBS, [STOP], ())[0]
    assert np.abs(hard - ideal).max() < 1e-3 < 1e-2 < np.abs(soft - ideal).max()


def test_efficiency_is_nan_where_nothing_was_stored():
    result = run_rounds(H, GIBBS, 0.0, 2)
    assert np.all(np.isnan(result.efficiency))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"rounds": 0}, "rounds must be a whole number, 1 or more, but is 0"),
        ({"rounds": 1.5}, "rounds must be a whole number, 1 or more, but is 1.5"),
        ({"phi": -0.1}, "phi must be zero or above, but is -0.1"),
        ({"storage_time": -2.0}, "storage_time must be zero or above, but is -2.0"),
        ({"extraction": "best"}, 'extraction must be "pulse" or "optimal", but is \'best\''),
        ({"axis": "z"}, "axis must be one of .* but is 'z'"),
        ({"rho0": np.eye(4)}, "rho0 must be a density matrix with trace 1, but is of trace 4"),
        ({"H": np.eye(8)}, "rho0 must have the dimension of H"),
        ({"pulse_jumps": [np.eye(2)]}, "jumps must"),
    ],
)
def test_wrong_arguments_are_named(arguments, match):
    run_rounds(H, GIBBS, 0.0, 1)
    with pytest.raises(ArgumentError, match=match):
        run_rounds(**({"H": H, "rho0": GIBBS, "phi": 0.1, "rounds": 1} | arguments))
