"""Intervals: exact for linear functions, bounded and one-sided where they must be, and calibrated (see test_coverage)."""

import numpy as np
import pytest
from scipy.stats import norm

from nmrqb import gibbs_state
from nmrqb.errors import ArgumentError
from nmrqb.tomography import (
    Cloud,
    cloud_of_counts,
    cloud_of_replicas,
    concurrence_of,
    ergotropy_of,
    expectation_of,
    interval,
    intervals,
    l1_of,
    linear_inversion,
    pauli_measurement,
    pauli_settings,
    purity_of,
)

SETTINGS = pauli_settings(2)
MEASUREMENT = pauli_measurement(SETTINGS)
H = np.diag([-1.5, -0.4, 0.3, 1.6])
RHO = gibbs_state(H, 1.0)


def counts(rho, shots, size, seed=0, measurement=MEASUREMENT):
    return np.random.default_rng(seed).multinomial(shots, measurement.probabilities(rho), size=(*size, 9))


def test_a_cloud_of_counts_is_linear_inversion_with_its_covariance():
    n = counts(RHO, 512, (4000,))
    cloud = cloud_of_counts(n, MEASUREMENT)
    np.testing.assert_allclose(cloud.centre, linear_inversion(n / 512, SETTINGS), atol=1e-12)
    true = cloud_of_counts(512 * MEASUREMENT.probabilities(RHO), MEASUREMENT).covariance  # the counts that are expected
    seen = cloud_of_replicas(np.concatenate([cloud.centre[:1], cloud.centre])).covariance
    scale = np.sqrt(np.outer(np.diag(true), np.diag(true)))
    np.testing.assert_allclose(seen / scale, true / scale, atol=4.5 * np.sqrt(2 / 4000))
    np.testing.assert_allclose(cloud.covariance.mean(axis=0) / scale, true / scale, atol=0.05)


def test_readout_error_is_undone_and_widens_the_cloud():
    noisy = pauli_measurement(SETTINGS, (0.05, 0.1))
    n = counts(RHO, 512, (2000,), measurement=noisy)
    cloud = cloud_of_counts(n, noisy)
    np.testing.assert_allclose(cloud.centre.mean(axis=0), RHO, atol=4 * 0.5 / np.sqrt(512 * 2000))
    plain = cloud_of_counts(counts(RHO, 512, (2000,)), MEASUREMENT)
    assert np.trace(cloud.covariance.mean(axis=0)) > 1.3 * np.trace(plain.covariance.mean(axis=0))


def test_a_linear_function_has_the_gaussian_interval():
    cloud = cloud_of_counts(counts(RHO, 1024, (3,)), MEASUREMENT)
    found = interval(cloud, expectation_of(H), 0.9)
    weights = linear_inversion(np.eye(36).reshape(36, 9, 4), SETTINGS)  # of each outcome, by linearity
    rows = np.einsum("kij,ji->k", weights, H).real.reshape(9, 4)
    f = MEASUREMENT.probabilities(RHO)
    sigma = np.sqrt(np.sum(f * rows**2 - f * np.sum(f * rows, axis=1, keepdims=True) ** 1 * rows) / 1024)
    half = norm.ppf(0.95) * sigma
    np.testing.assert_allclose(found.high - found.estimate, half, rtol=0.06)
    np.testing.assert_allclose(found.estimate - found.low, found.high - found.estimate, rtol=1e-12)
    assert not found.one_sided.any()


def test_a_difference_adds_the_variances():
    a = cloud_of_counts(counts(RHO, 1024, ()), MEASUREMENT)
    width = interval(a - a, expectation_of(H)).high
    once = interval(a, expectation_of(H))
    assert width == pytest.approx((once.high - once.estimate) * np.sqrt(2))


@pytest.mark.parametrize("functional", [ergotropy_of(H), l1_of(4)], ids=lambda f: f.name)
def test_a_passive_state_gets_a_one_sided_interval_that_says_so(functional):
    found = interval(cloud_of_counts(counts(RHO, 1024, (200,)), MEASUREMENT), functional)
    covered = np.mean(found.low == 0)
    assert covered > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)
    np.testing.assert_array_equal(found.one_sided, found.low == 0)
    assert np.all(found.high > 0)


def test_a_statistic_that_never_moves_gives_its_bound():
    cloud = cloud_of_counts(counts(np.eye(4) / 4, 4096, (3,)), MEASUREMENT)  # no noise makes this state entangled
    found = interval(cloud, concurrence_of())
    np.testing.assert_array_equal(found.low, 0)
    assert np.all(found.high < 1e-6)
    assert found.one_sided.all()


def test_intervals_of_several_levels_nest_and_shapes_are_kept():
    cloud = cloud_of_counts(counts(RHO, 256, (2, 5)), MEASUREMENT)
    narrow, wide = intervals(cloud, purity_of(4), (0.68, 0.95))
    assert narrow.low.shape == (2, 5)
    assert np.all((wide.low <= narrow.low) & (narrow.low < narrow.high) & (narrow.high <= wide.high))


def test_shots_narrow_the_interval_by_their_root():
    charged = np.rot90(RHO, 2)
    widths = [
        np.median(
            np.subtract(
                *[
                    getattr(interval(cloud_of_counts(counts(charged, n, (40,)), MEASUREMENT), ergotropy_of(H)), e)
                    for e in ("high", "low")
                ]
            )
        )
        for n in (1000, 16000)
    ]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize("level", [0.499, 0.9991])
def test_levels_outside_are_refused(level):
    cloud = cloud_of_counts(counts(RHO, 256, ()), MEASUREMENT)
    with pytest.raises(ArgumentError, match=str(level)):
        interval(cloud, purity_of(4), level)
    interval(cloud, purity_of(4), np.clip(level, 0.5, 0.999))


def test_an_estimate_far_outside_the_states_has_its_interval_at_the_bound():
    far = np.eye(4) / 4 + 20 * np.diag([1.0, -1.0, 0.0, 0.0])
    cloud = Cloud(far.astype(complex), 1e-4 * np.eye(15))
    for functional in (purity_of(4), l1_of(4), ergotropy_of(np.diag([0.0, 1.0, 2.0, 3.0]))):
        for found in intervals(cloud, functional):
            assert functional.low <= found.low <= found.high <= functional.high
    assert intervals(cloud, purity_of(4))[0].one_sided
