"""Correlations of X states in closed form against definitions that know nothing of X states."""

import json
from pathlib import Path

import numpy as np
import pytest

from nmrqb import Battery
from nmrqb import closed_forms as cf
from nmrqb.metrics import concurrence, discord, l1_coherence, von_neumann_entropy
from nmrqb.spin.states import partial_trace

CASES = json.loads((Path(__file__).parents[1] / "golden" / "two_spin.json").read_text(encoding="utf-8"))["cases"]


def random_x_states(count, seed):
    """Two random positive 2 x 2 blocks on the diagonals, normalised; a third of them of low rank."""
    rng = np.random.default_rng(seed)
    rho = np.zeros((count, 4, 4), dtype=complex)
    for block in ((0, 3), (1, 2)):
        a = rng.normal(size=(count, 2, 2)) + 1j * rng.normal(size=(count, 2, 2))
        a[: count // 3, :, 1] = 0
        rho[np.ix_(range(count), block, block)] = a @ a.conj().swapaxes(-1, -2) * rng.random((count, 1, 1))
    return rho / np.einsum("nii->n", rho)[:, None, None]


def random_local_unitaries(count, seed):
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.normal(size=(2, count, 2, 2)) + 1j * rng.normal(size=(2, count, 2, 2)))[0]
    return np.einsum("nij,nkl->nikjl", *q).reshape(count, 4, 4)


def discord_from_its_definition(rho, measured):
    """Eqs. (B1)-(B5): projectors on a dense grid over the whole sphere, best point refined by shrinking grids."""
    base = von_neumann_entropy(partial_trace(rho, measured)) - von_neumann_entropy(rho)
    centre, width, best = np.array([np.pi / 2, np.pi]), np.array([np.pi / 2, np.pi]), np.inf
    for _ in range(9):
        steps = np.linspace(-1, 1, 25)
        theta, azimuth = centre[:, None] + width[:, None] * steps
        theta, azimuth = np.meshgrid(theta, azimuth, indexing="ij")
        ket = np.stack([np.cos(theta / 2), np.exp(1j * azimuth) * np.sin(theta / 2)], axis=-1)
        flip = np.stack([-np.exp(-1j * azimuth) * np.sin(theta / 2), np.cos(theta / 2) + 0j], axis=-1)
        total = np.zeros(theta.shape)
        tensor = rho.reshape(2, 2, 2, 2)
        for vector in (ket, flip):
            E = vector[..., :, None] * vector[..., None, :].conj()
            post = np.einsum("...ab,bicj->...aicj" if measured == 0 else "...ab,ibjc->...iajc", E, tensor)
            reduced = np.einsum("...aiaj->...ij" if measured == 0 else "...iaja->...ij", post)
            p = np.einsum("...ii->...", reduced).real
            rest = np.linalg.eigvalsh((reduced + reduced.conj().swapaxes(-1, -2)) / 2)
            ratio = np.clip(rest / np.where(p > 1e-15, p, 1)[..., None], 1e-300, 1)
            total += p * -(ratio * np.log2(ratio)).sum(axis=-1)
        k = np.unravel_index(np.argmin(total), total.shape)
        best, centre, width = min(best, total[k]), np.array([theta[k], azimuth[k]]), width / 6
    return base + best


@pytest.mark.parametrize("measured", [0, 1])
def test_discord_is_the_minimum_over_all_projectors(measured):
    states = random_x_states(12, seed=1)
    found = cf.x_state_discord(states, measured)
    for rho, value in zip(states, found, strict=True):
        assert value == pytest.approx(discord_from_its_definition(rho, measured), abs=2e-9)


def test_correlations_survive_local_rotations():
    # Turned by local unitaries the states are no X states any more: only the general definitions apply.
    states, U = random_x_states(60, seed=2), random_local_unitaries(60, seed=3)
    turned = U @ states @ U.conj().swapaxes(-1, -2)
    assert np.allclose(cf.x_state_concurrence(states), concurrence(turned), rtol=0, atol=1e-13)
    assert np.allclose(cf.x_state_discord(states), discord(turned), rtol=0, atol=1e-10)
    assert np.allclose(cf.x_state_discord(states, 1), discord(turned, measured=1), rtol=0, atol=1e-10)
    assert np.allclose(cf.x_state_l1(states), l1_coherence(states), rtol=0, atol=1e-14)


def test_two_candidates_bound_the_discord_from_above_and_can_miss_it():
    states = random_x_states(400, seed=4)
    excess = cf.x_state_discord_two_candidates(states) - cf.x_state_discord(states)
    assert excess.min() > -1e-14
    case = next(c for c in CASES if c["tag"] == "discord_two_candidate_fails")
    p = case["params"]
    battery = Battery(p["Delta"], p["eps"], p["D"], p["G"], p["B"])
    rho = cf.gibbs_state(battery, p["T"])
    gap = cf.x_state_discord_two_candidates(rho) - cf.x_state_discord(rho)
    expected = case["gibbs_measures"]["discord_A_two_candidate"] - case["gibbs_measures"]["discord_A"]
    assert gap == pytest.approx(expected, abs=1e-13)
    assert gap > 8e-4


def test_two_candidates_are_exact_for_bell_diagonal_states():
    weights = np.random.default_rng(5).dirichlet(np.ones(4), size=300)
    bell = np.array([[1, 0, 0, 1], [1, 0, 0, -1], [0, 1, 1, 0], [0, 1, -1, 0]]) / np.sqrt(2)
    states = np.einsum("nk,ki,kj->nij", weights, bell, bell)
    assert np.allclose(cf.x_state_discord_two_candidates(states), cf.x_state_discord(states), rtol=0, atol=1e-13)


def test_known_states():
    singlet = np.zeros((4, 4))
    singlet[1:3, 1:3] = [[0.5, -0.5], [-0.5, 0.5]]
    for w, expected in ((1.0, 1.0), (1 / 3, 0.0), (0.0, 0.0)):  # Werner states: concurrence max(0, (3w - 1)/2)
        werner = w * singlet + (1 - w) * np.eye(4) / 4
        assert cf.x_state_concurrence(werner) == pytest.approx(expected, abs=1e-15)
    half = (0.5 * singlet) + np.eye(4) / 8
    # Discord of a Werner state: Ollivier and Zurek (2001), here at w = 1/2 from its closed form.
    w = 0.5
    closed = (1 - w) / 4 * np.log2(1 - w) - (1 + w) / 2 * np.log2(1 + w) + (1 + 3 * w) / 4 * np.log2(1 + 3 * w)
    assert cf.x_state_discord(half) == pytest.approx(closed, abs=1e-14)
    product = np.diag([0.12, 0.28, 0.18, 0.42])
    assert cf.x_state_discord(product) == pytest.approx(0, abs=1e-15)
