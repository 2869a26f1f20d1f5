"""What a goodness of fit can see of leakage and of lost shots, and what it cannot.

Spin 0 may sit in a third level, which reads as 1 whatever the setting. Of the nine settings these counts are those of
another state of the pair: for a mixed state that is one, and no test can tell. Settings along the opposite axes tell.
"""

import numpy as np
import pytest

from nmrqb import Battery
from nmrqb.tomography import goodness_of_fit, pauli_measurement, pauli_settings

SETTINGS = pauli_settings(2)
NINE = pauli_measurement(SETTINGS)
EIGHTEEN = NINE.joined(pauli_measurement(SETTINGS, opposite=True))
GIBBS = Battery(axial=1, rhombic=0.5, dm=0.3).gibbs_state(0.7)
BELL = np.zeros((4, 4))
BELL[np.ix_([0, 3], [0, 3])] = 0.5


def leaking(rho, measurement, q):
    """Probabilities when spin 0 has left with probability q: it reads 1, spin 1 as before."""
    p = measurement.probabilities(rho).clip(0)
    gone = np.zeros_like(p)
    gone[:, 2:] = p[:, :2] + p[:, 2:]
    return (1 - q) * p + q * gone


def flagged(p, shots, measurement, experiments=150):
    n = np.random.default_rng(1).multinomial(shots, p, size=(experiments, len(p)))
    return np.mean(goodness_of_fit(n, measurement).p_value < 0.05)


def test_leakage_of_a_pure_state_is_flagged():
    assert flagged(leaking(0.98 * BELL + 0.02 * np.eye(4) / 4, NINE, 0.1), 16384, NINE) > 0.9


def test_leakage_of_a_mixed_state_takes_the_opposite_axes():
    assert flagged(leaking(GIBBS, NINE, 0.1), 16384, NINE) < 0.12  # a blind spot, and said to be one
    assert flagged(leaking(GIBBS, EIGHTEEN, 0.05), 1024, EIGHTEEN) > 0.9
    assert flagged(leaking(GIBBS, EIGHTEEN, 0.0), 1024, EIGHTEEN) < 0.12


def test_shots_that_are_lost_with_one_outcome_are_flagged():
    p = NINE.probabilities(GIBBS)
    p[:, 2:] *= 0.8
    assert flagged(p / p.sum(axis=1, keepdims=True), 4096, NINE) > 0.9


@pytest.mark.parametrize("readout", [(), (0.02, (0.01, 0.2))])
def test_opposite_axes_are_the_settings_behind_pulses_that_turn_the_axes_over(readout):
    over = {"X": np.diag([1, -1]), "Y": np.array([[0, 1], [1, 0]]), "Z": np.array([[0, 1], [1, 0]])}
    for name in ("XY", "ZX", "YZ"):
        behind = pauli_measurement((name,), readout).after(np.kron(over[name[0]], over[name[1]]).astype(complex), "-")
        found = pauli_measurement((name,), readout, opposite=True)
        assert found.names == behind.names
        np.testing.assert_allclose(found.response, behind.response, atol=1e-12)
