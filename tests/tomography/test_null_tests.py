"""Tests of hypotheses: false alarms as often as stated, power that grows with the effect, and what they refuse."""

import numpy as np
import pytest
from scipy.stats import binom

from nmrqb import charging_unitary
from nmrqb.errors import ArgumentError
from nmrqb.tomography import cloud_of_counts, cloud_of_replicas, pauli_measurement, pauli_settings, replicas_of_counts
from nmrqb.tomography.coverage import true_states
from nmrqb.tomography.goodness import goodness_of_fit
from nmrqb.tomography.null_tests import incoherence_test, passivity_test

MEASUREMENT = pauli_measurement(pauli_settings(2))
SIZE = 600


def counts(rho, shots, size=SIZE, seed=0, measurement=MEASUREMENT):
    p = np.clip(measurement.probabilities(rho), 0, None)
    p = p / p.sum(axis=-1, keepdims=True)
    return np.random.default_rng(seed).multinomial(shots, p, size=(size, 9))


def within(alarms, total, low=0.04, high=0.06):
    """Whether so many alarms may come from a test whose true size is between low and high (1 in 1000 each side)."""
    return binom.ppf(0.001, total, low) <= alarms <= binom.ppf(0.999, total, high)


@pytest.mark.parametrize("shots", [256, 4096])
@pytest.mark.parametrize("kind", ["Gibbs", "maximally mixed"])
def test_size_at_passive_and_incoherent_states(kind, shots):
    alarms = {"passive": 0, "incoherent": 0, "fit": 0}
    rho, H = true_states(kind, 5)
    chosen = [(r, h) for r, h in zip(rho, H, strict=True) if kind == "Gibbs" or np.allclose(r, np.eye(4) / 4)]
    for k, (state, hamiltonian) in enumerate(chosen):
        n = counts(state, shots, seed=k)
        cloud = cloud_of_counts(n, MEASUREMENT)
        alarms["passive"] += np.sum(passivity_test(cloud, hamiltonian).p_value < 0.05)
        V = np.linalg.eigh(hamiltonian)[1]
        alarms["incoherent"] += np.sum(incoherence_test(cloud, V).p_value < 0.05)
        alarms["fit"] += np.sum(goodness_of_fit(n, MEASUREMENT).p_value < 0.05)
    for name, number in alarms.items():
        assert within(number, SIZE * len(chosen)), (name, number / SIZE / len(chosen))


def test_size_where_the_covariance_comes_from_few_replicas():
    rho, H = true_states("Gibbs", 1)
    states = replicas_of_counts(counts(rho[0], 1024, 800, seed=5), MEASUREMENT, 60, seed=6)
    cloud = cloud_of_replicas(states)
    assert cloud.degrees == 59
    assert within(np.sum(passivity_test(cloud, H[0]).p_value < 0.05), 800)
    V = np.linalg.eigh(H[0])[1]
    assert within(np.sum(incoherence_test(cloud, V).p_value < 0.05), 800)
    with pytest.raises(ArgumentError, match="14 replicas"):
        passivity_test(cloud_of_replicas(states[:, :15]), H[0])
    passivity_test(cloud_of_replicas(states[:, :16]), H[0])


def test_power_grows_with_the_angle_of_a_charging_pulse():
    rho, H = true_states("Gibbs", 1)
    power = []
    for phi in (0.0, 0.05, 0.1, 0.2, 0.4):
        U = charging_unitary(2, phi)
        cloud = cloud_of_counts(counts(U @ rho[0] @ U.conj().T, 1024, 300, seed=9), MEASUREMENT)
        power.append(np.mean(passivity_test(cloud, H[0]).p_value < 0.05))
    assert power[0] < 0.1
    assert power[-1] > 0.99
    assert np.all(np.diff(power) > -0.06)


def test_inverted_populations_are_not_passive_but_incoherent():
    H = np.diag([0.0, 1.0, 2.0, 3.0])
    cloud = cloud_of_counts(counts(np.diag([0.1, 0.2, 0.3, 0.4]), 4096, 20), MEASUREMENT)
    assert np.all(passivity_test(cloud, H).p_value < 1e-6)
    assert np.mean(incoherence_test(cloud).p_value < 0.05) < 0.3
    assert passivity_test(cloud, H).degrees_of_freedom == 12


def test_coherence_inside_a_degenerate_level_is_no_work():
    singlet_triplet = np.zeros((4, 4))
    singlet_triplet[1, 2] = singlet_triplet[2, 1] = 0.2
    cloud = cloud_of_counts(counts(np.eye(4) / 4 + singlet_triplet, 4096, 20), MEASUREMENT)
    level = passivity_test(cloud, np.zeros((4, 4)))
    assert level.degrees_of_freedom == 0
    np.testing.assert_array_equal(level.p_value, 1)
    assert np.all(incoherence_test(cloud).p_value < 1e-6)


@pytest.mark.parametrize("wrong", ["drift", "crosstalk", "readout"])
def test_goodness_of_fit_flags(wrong):
    rho, _ = true_states("near-pure", 1)
    p = MEASUREMENT.probabilities(rho[0])
    model = MEASUREMENT
    if wrong == "drift":  # the state turns while the settings are measured one after the other
        U = [charging_unitary(2, 0.04 * k) for k in range(9)]
        p = np.stack([MEASUREMENT.probabilities(U[k] @ rho[0] @ U[k].conj().T)[k] for k in range(9)])
    elif wrong == "crosstalk":  # the pulse that turns X of one spin moves the other
        p[:3] = 0.8 * p[:3] + 0.2 * p[:3, ::-1]
    else:  # more readout error undone than there is
        model = pauli_measurement(pauli_settings(2), (0.08, 0.08))
    n = np.random.default_rng(0).multinomial(2048, p, size=(100, 9))
    assert np.mean(goodness_of_fit(n, model).p_value < 0.05) > 0.9
    if wrong == "crosstalk":
        assert np.mean(goodness_of_fit(n, model).worst < 3) > 0.9


def test_what_cannot_be_tested_is_refused():
    cloud = cloud_of_counts(counts(np.eye(4) / 4, 256, 2), MEASUREMENT)
    with pytest.raises(ArgumentError, match="2"):
        passivity_test(cloud, np.eye(2))
    with pytest.raises(ArgumentError, match="unitary"):
        incoherence_test(cloud, 1.1 * np.eye(4))
    with pytest.raises(ArgumentError, match="redundancy"):
        goodness_of_fit(np.full((3, 2), 10), pauli_measurement(("X", "Y", "Z")))
    with pytest.raises(ArgumentError, match="one setting"):
        goodness_of_fit(np.array([[0, 0, 0, 0]] + [[1, 1, 1, 1]] * 8), MEASUREMENT)
