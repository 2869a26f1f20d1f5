"""Tomography: inversion is exact on probabilities, the projection is the nearest state, estimates and scores are calibrated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import kstest

import nmrqb
from nmrqb.metrics import ergotropy, l1_coherence
from nmrqb.tomography import (
    confusion,
    estimate,
    linear_inversion,
    nearest_state,
    normal_score,
    pauli_settings,
    probabilities,
)

H = nmrqb.Sample.load("nematic-pair").battery().hamiltonian()
SEEDS = st.integers(0, 2**32 - 1)


def random_state(seed, n=2, rank=None):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(2**n, rank or 2**n)) + 1j * rng.normal(size=(2**n, rank or 2**n))
    rho = a @ a.conj().T
    return rho / np.trace(rho).real


@given(SEEDS, st.integers(1, 3))
def test_inversion_gives_the_state_back_from_its_probabilities(seed, n):
    rho, settings = random_state(seed, n), pauli_settings(n)
    np.testing.assert_allclose(linear_inversion(probabilities(rho, settings), settings), rho, atol=1e-12)


@given(SEEDS)
def test_readout_error_is_undone_exactly(seed):
    rho, settings = random_state(seed), pauli_settings(2)
    A = confusion((0.03, 0.11))
    np.testing.assert_allclose(A.sum(axis=1), 1, atol=1e-14)
    seen = probabilities(rho, settings) @ A
    np.testing.assert_allclose(linear_inversion(seen @ np.linalg.inv(A), settings), rho, atol=1e-12)


@given(SEEDS)
def test_the_projection_gives_states_and_leaves_states_alone(seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    hermitian = random_state(seed, rank=1) + 0.1 * (noise + noise.conj().T) * (1 - np.eye(4))
    projected = nearest_state(hermitian)
    assert np.linalg.eigvalsh(projected).min() > -1e-13
    assert np.trace(projected).real == pytest.approx(1)
    np.testing.assert_allclose(nearest_state(projected), projected, atol=1e-12)
    np.testing.assert_array_equal(nearest_state(random_state(seed)), random_state(seed))


def test_the_projection_is_the_nearest_state():
    values = np.array([0.9, 0.4, -0.1, -0.2])
    best = minimize(
        lambda x: np.sum((x - values) ** 2),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
    ).x
    np.testing.assert_allclose(np.diag(nearest_state(np.diag(values))).real, best, atol=1e-6)


def measured(rho, shots, experiments, replicas, seed):
    """Repeated tomography of one state by multinomial counts: (experiment, 1 + replica, 4, 4)."""
    rng, settings = np.random.default_rng(seed), pauli_settings(2)
    f = rng.multinomial(shots, probabilities(rho, settings), size=(experiments, 9)) / shots
    again = rng.multinomial(shots, f, size=(replicas, experiments, 9)) / shots
    return np.concatenate(
        [linear_inversion(f, settings)[:, None], np.moveaxis(linear_inversion(again, settings), 0, 1)], axis=1
    )


def passive():
    return np.eye(4) / 4 - H / 4


METRICS = {"ergotropy": lambda r: ergotropy(r, H, check=False), "l1": lambda r: l1_coherence(r, check=False)}


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("shots", [256, 4096])
def test_at_the_passive_state_scores_are_normal_and_most_of_the_bias_is_gone(metric, shots):
    """The hardest place: ergotropy at its bound, most coherences at a kink."""
    rho, of = passive(), METRICS[metric]
    states = measured(rho, shots, 500, 100, seed=shots)
    score = normal_score(states, np.broadcast_to(rho, (500, 4, 4)), of)
    assert kstest(score, "norm").pvalue > 1e-3
    truth, plugin = of(rho), of(states[:, 0]).mean()
    found = estimate(states, of)
    assert plugin > truth  # noise makes a dead battery look charged
    assert abs(found.value.mean() - truth) < 0.2 * (plugin - truth)
    assert np.mean(np.abs(found.value - truth) < 1.96 * found.error) > 0.93


def test_away_from_kinks_error_bars_cover():
    rho = random_state(5, rank=None)
    states = measured(rho, 4096, 400, 100, seed=1)
    for of in METRICS.values():
        found = estimate(states, of)
        inside = np.abs(found.value - of(rho)) < 1.96 * found.error
        assert 0.92 < inside.mean() < 0.98


def test_without_replicas_there_is_a_value_and_no_error():
    found = estimate(passive()[None], METRICS["ergotropy"])
    assert found.value == pytest.approx(0, abs=1e-15)
    assert np.isnan(found.error)
    assert np.isnan(normal_score(passive()[None], passive(), METRICS["ergotropy"]))


def test_a_score_beyond_all_replicas_is_the_distance():
    states = measured(passive(), 4096, 1, 100, seed=3)
    far = np.diag([0.0, 0, 0, 1])
    score = normal_score(states, far[None], lambda r: np.einsum("...ij,ji->...", r, H).real)
    assert abs(score[0]) > 10
