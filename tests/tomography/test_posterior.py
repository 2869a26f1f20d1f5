"""The posterior of states: known moments of the prior, a quadrature over the Bloch ball, pure states, and reproducibility."""

import numpy as np
import pytest

from nmrqb.errors import ArgumentError
from nmrqb.metrics import purity
from nmrqb.tomography import (
    bayesian_mean,
    maximum_likelihood,
    pauli_measurement,
    pauli_settings,
    posterior,
    probabilities,
)

NINE = pauli_measurement(pauli_settings(2))
ONE = pauli_measurement(("Z", "X", "Y"))


def test_without_data_it_is_the_hilbert_schmidt_prior():
    """Mean purity 2d/(d^2 + 1) (Zyczkowski and Sommers 2001), 8/17 for two spins."""
    found = posterior(np.full((9, 4), 1e-12), NINE, samples=1600, seed=1)
    assert purity(found.samples, check=False).mean() == pytest.approx(8 / 17, abs=0.01)
    np.testing.assert_allclose(found.mean, np.eye(4) / 4, atol=0.02)
    assert found.r_hat < 1.1


@pytest.mark.parametrize("counts", [[[3, 1], [2, 2], [4, 0]], [[0, 40], [20, 20], [25, 15]]])
def test_one_spin_against_a_quadrature_over_the_bloch_ball(counts):
    grid = np.linspace(-1, 1, 121)
    z, x, y = np.meshgrid(grid, grid, grid, indexing="ij")
    weight = (x**2 + y**2 + z**2 <= 1).astype(float)
    for axis, (up, down) in zip((z, x, y), counts, strict=True):
        weight *= ((1 + axis) / 2) ** up * ((1 - axis) / 2) ** down
    weight /= weight.sum()
    found = posterior(counts, ONE, samples=4000, seed=2)
    rho = found.samples
    for axis, part in (
        (x, 2 * rho[:, 0, 1].real),
        (y, -2 * rho[:, 0, 1].imag),
        (z, (rho[:, 0, 0] - rho[:, 1, 1]).real),
    ):
        assert part.mean() == pytest.approx((weight * axis).sum(), abs=0.02)
        assert np.mean(part**2) == pytest.approx((weight * axis**2).sum(), abs=0.02)


def test_with_much_data_mean_and_likelihood_agree_and_chains_too():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(2, 4, 4)) + 1j * rng.normal(size=(2, 4, 4))
    a[1, :, 1:] *= 0.02  # nearly pure
    rho = a @ a.conj().swapaxes(-1, -2)
    rho /= np.trace(rho, axis1=-2, axis2=-1)[:, None, None]
    counts = rng.multinomial(50_000, probabilities(rho, pauli_settings(2)))
    found = posterior(counts, NINE, samples=640, seed=4)
    best = maximum_likelihood(counts, NINE).rho
    assert found.samples.shape == (2, 640, 4, 4)
    assert np.all(np.linalg.norm(found.mean - best, axis=(1, 2)) < 0.01)
    assert np.all(found.r_hat < 1.15)
    assert np.linalg.eigvalsh(found.samples).min() > 0
    np.testing.assert_allclose(np.trace(found.samples, axis1=-2, axis2=-1), 1, atol=1e-12)


def test_credible_intervals_cover_states_drawn_from_the_prior():
    """If states come from the prior, x % of the x % credible intervals hold: exact at any number of shots."""
    rng = np.random.default_rng(5)
    a = rng.normal(size=(150, 2, 2)) + 1j * rng.normal(size=(150, 2, 2))
    rho = a @ a.conj().swapaxes(-1, -2)
    rho /= np.trace(rho, axis1=-2, axis2=-1)[:, None, None]
    counts = rng.multinomial(20, probabilities(rho, ("Z", "X", "Y")))
    samples = purity(posterior(counts, ONE, samples=480, seed=6).samples, check=False)
    rank = np.mean(samples < purity(rho, check=False)[:, None], axis=1)
    inside = np.mean((rank > 0.16) & (rank < 0.84))
    assert abs(inside - 0.68) < 3.3 * np.sqrt(0.68 * 0.32 / 150)
    assert abs(rank.mean() - 0.5) < 3.3 * np.sqrt(1 / 12 / 150)


def test_the_same_seed_gives_the_same_mean():
    counts = [[30, 10], [20, 20], [20, 20]]
    first, second, other = (bayesian_mean(counts, ONE, samples=64, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)


@pytest.mark.parametrize("samples", [31, 0, 40.0, True])
def test_too_few_samples_are_refused(samples):
    with pytest.raises(ArgumentError, match=f"samples must be a whole number, 32 or more, but is {samples}"):
        posterior(np.ones((3, 2)), ONE, samples=samples)
    assert posterior(np.ones((3, 2)), ONE, samples=32, seed=0).samples.shape == (32, 2, 2)
