"""The parts behind intervals, each against something it was not made from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.stats import kstest, ncx2, norm, pearson3

from nmrqb.metrics import ergotropy
from nmrqb.tomography import cloud_of_counts, expectation_of, pauli_measurement, pauli_settings, purity_of
from nmrqb.tomography.cloud import noise_axes, normal_points
from nmrqb.tomography.functionals import ergotropy_of, length_excess, nonincreasing
from nmrqb.tomography.resampling import bca_interval, percentile_interval, replicas_of_counts
from nmrqb.tomography.spectra import descending_eigenvalues
from nmrqb.tomography.unified import normal_score_of, quantile, unified_region

SEEDS = st.integers(0, 2**32 - 1)
MEASUREMENT = pauli_measurement(pauli_settings(2))


def hermitian(seed, spectrum=None, size=20, d=4):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(size, d, d)) + 1j * rng.normal(size=(size, d, d))
    if spectrum is None:
        return a + np.conj(np.swapaxes(a, -1, -2))
    q = np.linalg.qr(a)[0]
    return (q * np.asarray(spectrum)) @ np.conj(np.swapaxes(q, -1, -2))


@given(SEEDS)
def test_quartic_eigenvalues_are_the_eigenvalues(seed):
    m = hermitian(seed)
    np.testing.assert_allclose(descending_eigenvalues(m), np.linalg.eigvalsh(m)[..., ::-1], atol=1e-7)


@pytest.mark.parametrize("spectrum", [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4, [1, 1, 1, -2], [0.7, 0.3, 0, 0]])
def test_quartic_eigenvalues_where_some_agree(spectrum):
    found = descending_eigenvalues(hermitian(3, spectrum))
    np.testing.assert_allclose(found, np.broadcast_to(np.sort(spectrum)[::-1], found.shape), atol=2e-5)


def test_other_dimensions_are_diagonalised():
    m = hermitian(0, d=8)
    np.testing.assert_allclose(descending_eigenvalues(m), np.linalg.eigvalsh(m)[..., ::-1], atol=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8))
def test_nonincreasing_is_isotonic_regression(values):
    expected = isotonic_regression(values, increasing=False).x
    np.testing.assert_allclose(nonincreasing(np.array([values]))[0], expected, atol=1e-12)


@pytest.mark.parametrize("level", [0.68, 0.9, 0.95])
def test_the_unified_region_holds_its_level_and_orders_by_likelihood_ratio(level):
    distance = np.array([0.05, 0.3, 1.0, 2.0, 3.9, 9.0])
    low, high = unified_region(distance, level)
    np.testing.assert_allclose(norm.cdf(high) - norm.cdf(low), level, atol=2e-4)
    z = np.linspace(-8, 8, 16001)
    for a, below, above in zip(distance, low, high, strict=True):
        ratio = np.exp(-(z**2) / 2 + np.minimum(z + a, 0) ** 2 / 2)  # the best allowed mean is max(z, -a)
        order = np.argsort(-ratio, kind="stable")
        accepted = np.sort(z[order][np.cumsum(norm.pdf(z[order])) * 0.001 <= level])
        assert accepted[-1] == pytest.approx(above, abs=0.01)
        if below > -8:
            assert accepted[0] == pytest.approx(below, abs=0.02)


def test_an_outcome_at_the_bound_has_the_upper_limit_of_feldman_and_cousins():
    distance = np.linspace(0, 4, 4001)
    for level, limit in ((0.6827, 1.00), (0.90, 1.64), (0.95, 1.96)):  # their table X, x0 = 0
        low, _ = unified_region(distance, level)
        assert distance[np.flatnonzero(-distance >= low)[-1]] == pytest.approx(limit, abs=0.006)


@pytest.mark.parametrize("skewness", [-1.0, 0.0, 0.5, 1.5])
def test_quantiles_are_pearsons(skewness):
    z = np.linspace(-2.5, 2.5, 11)
    np.testing.assert_allclose(quantile(z, np.array(skewness)), pearson3.ppf(norm.cdf(z), skewness), atol=0.03)
    np.testing.assert_allclose(normal_score_of(quantile(z, np.array(skewness)), np.array(skewness)), z, atol=1e-9)


@pytest.mark.parametrize("components", [2, 3])
def test_the_excess_of_a_length_is_right_at_zero_and_far_out(components):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(400_000, components))
    for true, allowed in ((0.0, 0.02), (1.0, 0.55), (8.0, 0.06)):
        length = np.linalg.norm(noise + true * np.eye(components)[0], axis=-1)
        assert abs(np.mean(length - length_excess(length, components)) - true) < allowed
    assert np.mean(np.linalg.norm(noise, axis=-1)) > 1.2


def test_normal_points_have_the_moments_of_normal_noise():
    z = normal_points(15, 240)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(z.T @ z / len(z), np.eye(15), atol=1e-12)
    assert np.sum(z**2, axis=1).var() == pytest.approx(30, rel=0.05)


def test_noise_axes_make_the_covariance():
    n = np.random.default_rng(0).multinomial(500, MEASUREMENT.probabilities(np.diag([0.4, 0.3, 0.2, 0.1])), size=9)
    n = n if n.ndim == 2 else n[0]
    cloud = cloud_of_counts(n, MEASUREMENT)
    axes = noise_axes(cloud.covariance[None])[0]
    assert np.sum(np.abs(axes) ** 2) == pytest.approx(np.trace(cloud.covariance), rel=1e-6)
    np.testing.assert_allclose(axes, np.conj(np.swapaxes(axes, -1, -2)), atol=1e-15)


def test_moments_of_the_purity_are_those_of_noncentral_chi_squared():
    functional = purity_of(4)
    assert functional.moments is not None
    axes = noise_axes(0.01 * np.eye(15)[None])
    rho = np.diag([0.4, 0.3, 0.2, 0.1])[None].astype(complex)
    shift = float(np.sum(np.abs(rho) ** 2) - 0.25) / 0.01
    mean, variance, skewness = ncx2.stats(15, shift, moments="mvs")
    found = functional.moments(rho, axes)[:, 0]
    np.testing.assert_allclose(found, [0.25 + 0.01 * mean, 0.01 * np.sqrt(variance), skewness], rtol=1e-6)


def test_the_functional_is_the_metric():
    H = hermitian(5)[0]
    rho = hermitian(6, [0.5, 0.3, 0.15, 0.05])
    functional = ergotropy_of(H)
    V = functional.frame
    np.testing.assert_allclose(functional.of(V.conj().T @ rho @ V), ergotropy(rho, H), atol=1e-12)


@pytest.mark.parametrize("kind", ["parametric", "nonparametric"])
def test_replicas_scatter_as_the_cloud_says(kind):
    p = MEASUREMENT.probabilities(np.diag([0.4, 0.3, 0.2, 0.1]))
    n = np.random.default_rng(0).multinomial(400, p)
    states = replicas_of_counts(n, MEASUREMENT, 4000, kind=kind, seed=1)
    assert states.shape == (4001, 4, 4)
    cloud = cloud_of_counts(n, MEASUREMENT)
    spread = np.sum(np.abs(states[1:] - states[1:].mean(axis=0)) ** 2) / 3999
    assert spread == pytest.approx(np.trace(cloud.covariance), rel=0.04)


@pytest.mark.parametrize("method", [percentile_interval, bca_interval])
def test_intervals_of_replicas_are_gaussian_for_linear_functions(method):
    energy = expectation_of(np.diag([1.0, 0.2, -0.3, -1.0]))
    n = np.random.default_rng(0).multinomial(4000, MEASUREMENT.probabilities(np.eye(4) / 4), size=(3, 9))
    n = n if n.shape == (3, 9, 4) else n[:, 0]
    states = replicas_of_counts(n, MEASUREMENT, 4000, seed=1)
    low, high = method(states, energy, 0.9)
    spread = energy.of(states[:, 1:]).std(axis=-1)
    np.testing.assert_allclose(high - low, 2 * norm.ppf(0.95) * spread, rtol=0.06)
    assert kstest((energy.of(states[0, 1:]) - energy.of(states[0, 1:]).mean()) / spread[0], "norm").pvalue > 1e-4
    with pytest.raises(ValueError, match="1"):
        method(states, energy, 1.0)
