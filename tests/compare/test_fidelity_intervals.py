"""Intervals of the fidelity with a prediction hold as often as they say, next to one and away from it."""

import numpy as np
import pytest

from nmrqb import Battery, charging_unitary
from nmrqb.errors import ArgumentError
from nmrqb.metrics import fidelity
from nmrqb.tomography import Cloud, cloud_of_counts, nearest_state, pauli_measurement, pauli_settings
from nmrqb.tomography.fidelity import fidelity_intervals

MEASUREMENT = pauli_measurement(pauli_settings(2))
U = charging_unitary(2, 0.4)
PSI = np.array([1, 1j, 0.3, 0]) / np.sqrt(
    2.09
)  # of a Bell state all settings together are certain, and intervals too long
PURE = np.outer(PSI, PSI.conj())
PREDICTIONS = {
    "pure": PURE,
    "of rank three": U @ np.diag([0.5, 0.25, 0.25, 0]) @ U.conj().T,
    "Gibbs": U @ Battery(axial=1, rhombic=0.3, dm=0.2, zeeman=0.4).gibbs_state(1.0) @ U.conj().T,
}
OTHER = np.diag([0.4, 0.3, 0.2, 0.1]).astype(complex)


def cloud(rho, shots, experiments, seed):
    p = np.clip(MEASUREMENT.probabilities(rho), 0, None)
    p /= p.sum(axis=-1, keepdims=True)
    return cloud_of_counts(np.random.default_rng(seed).multinomial(shots, p, size=(experiments, 9)), MEASUREMENT)


@pytest.mark.parametrize("name", PREDICTIONS)
@pytest.mark.parametrize("mix", [0.0, 0.2])
def test_coverage_and_bias(name, mix):
    sigma = PREDICTIONS[name]
    truth = (1 - mix) * sigma + mix * OTHER
    F = float(fidelity(truth, sigma))
    seen = cloud(truth, 1024, 160, 5)
    narrow, wide = fidelity_intervals(seen, sigma)
    for found, level in ((narrow, 0.68), (wide, 0.95)):
        held = np.mean((found.low <= F + 1e-9) & (found.high >= F - 1e-9))
        assert abs(held - level) < 4 * np.sqrt(level * (1 - level) / 160) + 0.03
        assert np.all((found.low >= 0) & (found.high <= 1) & (found.low <= found.high))
    if mix == 0:
        assert wide.one_sided.mean() > 0.85
    plain = fidelity(nearest_state(seen.centre), sigma)
    assert abs(wide.estimate.mean() - F) < 0.75 * abs(plain.mean() - F) + 1e-3


def test_each_state_has_a_prediction_of_its_own_whatever_the_batch():
    sigma = np.stack([*PREDICTIONS.values()] * 12)  # 36: more than one batch
    many = cloud(sigma[0], 512, 36, 6)
    together = fidelity_intervals(many, sigma)[1]
    alone = fidelity_intervals(Cloud(many.centre[34:35], many.covariance[34:35]), sigma[34])[1]
    assert together.low[34] == pytest.approx(alone.low[0], abs=1e-9)
    assert together.high[34] == pytest.approx(alone.high[0], abs=1e-9)
    square = Cloud(many.centre.reshape(6, 6, 4, 4), many.covariance.reshape(6, 6, 15, 15))
    np.testing.assert_allclose(fidelity_intervals(square, sigma.reshape(6, 6, 4, 4))[1].low.reshape(-1), together.low)


def test_what_is_no_state_is_refused():
    with pytest.raises(ArgumentError, match="prediction"):
        fidelity_intervals(cloud(PURE, 100, 2, 1), 2 * PURE)
