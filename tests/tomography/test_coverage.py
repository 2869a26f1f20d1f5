"""Nominal intervals hold as often as they say, over states from passive to pure; what textbooks do instead does not."""

import numpy as np
import pytest

from nmrqb.tomography import ergotropy_of, pauli_measurement, pauli_settings
from nmrqb.tomography.coverage import KINDS, LEVELS, METRICS, coverage, true_states
from nmrqb.tomography.resampling import bca_interval, percentile_interval, replicas_of_counts

STATES, EXPERIMENTS = 6, 50
#: What is claimed of the mean over all kinds of states (the full study: experiments/coverage.py).
CLAIM = 0.02


def tolerance(level, count):
    """The claim, and three standard errors of a count of this many experiments."""
    return CLAIM + 3 * np.sqrt(level * (1 - level) / count)


def failures(held, count):
    """(level, coverage) of those levels that held (..., level) misses by more than the tolerance."""
    means = held.reshape(-1, len(LEVELS)).mean(axis=0)
    return [(level, m) for level, m in zip(LEVELS, means, strict=True) if abs(m - level) > tolerance(level, count)]


@pytest.mark.slow
@pytest.mark.parametrize("shots, readout", [(256, ()), (4096, (0.02, 0.05))])
def test_intervals_hold_as_often_as_they_say(shots, readout):
    measurement = pauli_measurement(pauli_settings(2), readout)
    found = [coverage(*true_states(kind, STATES), shots, EXPERIMENTS, measurement) for kind in KINDS]
    for k, metric in enumerate(METRICS):
        held = np.stack([c.held[:, k] for c in found])
        assert not failures(held, STATES * EXPERIMENTS * len(KINDS)), metric
    passive = found[0]
    assert abs(passive.bias[:, 0].mean()) < passive.plug_in_bias[:, 0].mean() / 5
    assert passive.one_sided[:, 0].mean() > 0.5
    assert passive.one_sided[:, 1].max() == 0


@pytest.mark.parametrize("method", [percentile_interval, bca_interval])
def test_intervals_from_replicas_alone_fail_the_same_test(method):
    measurement = pauli_measurement(pauli_settings(2))
    rng = np.random.default_rng(4)
    rho, H = true_states("Gibbs", 4)
    held = []
    for state, hamiltonian in zip(rho, H, strict=True):
        counts = rng.multinomial(1024, measurement.probabilities(state), size=(50, 9))
        replicas = replicas_of_counts(counts, measurement, 200, seed=rng)
        ends = [method(replicas, ergotropy_of(hamiltonian), level) for level in LEVELS]
        held.append([np.mean((low <= 0) & (high >= 0)) for low, high in ends])
    assert len(failures(np.array(held), 200)) == len(LEVELS)


def test_the_states_are_what_their_rule_says():
    for kind in KINDS:
        rho, H = true_states(kind, 6)
        again, _ = true_states(kind, 6)
        np.testing.assert_array_equal(rho, again)
        assert np.linalg.eigvalsh(rho).min() > 0
        np.testing.assert_allclose(np.einsum("kii->k", rho), 1)
        truths = [
            float(ergotropy_of(h).of(np.linalg.eigh(h)[1].conj().T @ r @ np.linalg.eigh(h)[1]))
            for r, h in zip(rho, H, strict=True)
        ]
        assert (np.max(truths) < 1e-12) == (kind == "Gibbs")
    np.testing.assert_array_equal(true_states("maximally mixed", 1)[0][0], np.eye(4) / 4)
    with pytest.raises(ValueError, match="thermal"):
        true_states("thermal", 1)
