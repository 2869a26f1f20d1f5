"""What must hold of every state, tried on random ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_samples import random_hermitian, random_local, random_states, random_unitaries, turned

from nmrqb import gibbs_state, metrics
from nmrqb.metrics.levels import common_basis

seeds = st.integers(0, 2**32 - 1)
ranks = st.integers(1, 4)
mixings = st.sampled_from([0.0, 1e-9, 1e-3, 0.3, 0.99])
COUNT = 6


@st.composite
def batteries(draw):
    """States, and observables that may have degenerate levels."""
    rng = np.random.default_rng(draw(seeds))
    rho = random_states(rng, COUNT, rank=draw(ranks), mixing=draw(mixings))
    V = random_unitaries(rng, COUNT)
    levels = rng.normal(size=(COUNT, 4)) * 10.0 ** draw(st.integers(-3, 3))
    if draw(st.booleans()):
        levels[:, 1] = levels[:, 0]
    return rng, rho, (V * levels[:, None, :]) @ V.conj().swapaxes(-1, -2)


@given(batteries())
@settings(max_examples=60, deadline=None)
def test_ergotropy_is_the_most_a_unitary_extracts(battery):
    rng, rho, H = battery
    scale = np.max(np.abs(H))
    xi = metrics.ergotropy(rho, H)
    passive = metrics.passive_state(rho, H)
    assert np.all(xi >= 0)
    assert np.all(metrics.ergotropy(passive, H) <= 1e-12 * scale)
    np.testing.assert_allclose(metrics.work(rho, passive, H), xi, atol=1e-12 * scale)
    U = random_unitaries(rng, COUNT)
    assert np.all(metrics.work(rho, turned(rho, U), H) <= xi + 1e-12 * scale)
    np.testing.assert_allclose(metrics.ergotropy(turned(rho, U), turned(H, U)), xi, atol=1e-12 * scale)
    assert np.all(metrics.capacity(H, rho, "orbit") >= xi - 1e-12 * scale)
    np.testing.assert_allclose(metrics.capacity(H, turned(rho, U)), metrics.capacity(H, rho), atol=1e-12 * scale)
    assert np.all(metrics.capacity(H, rho, "orbit") <= metrics.capacity(H, kind="gap") + 1e-12 * scale)


@given(batteries())
@settings(max_examples=60, deadline=None)
def test_coherent_and_incoherent_parts_add_up(battery):
    rng, rho, H = battery
    scale = np.max(np.abs(H))
    incoherent, coherent = metrics.incoherent_ergotropy(rho, H), metrics.coherent_ergotropy(rho, H)
    assert np.all(incoherent >= 0)
    assert np.all(coherent >= 0)
    np.testing.assert_allclose(incoherent + coherent, metrics.ergotropy(rho, H), atol=1e-12 * scale)
    V = common_basis(rho, H)
    populations = np.einsum("mji,mjk,mki->mi", V.conj(), rho, V).real
    diagonal = (V * populations[:, None, :]) @ V.conj().swapaxes(-1, -2)
    np.testing.assert_allclose(metrics.coherent_ergotropy(diagonal, H), 0, atol=1e-12 * scale)
    U = random_unitaries(rng, COUNT)
    again = metrics.incoherent_ergotropy(turned(rho, U), turned(H, U))
    np.testing.assert_allclose(again, incoherent, atol=1e-11 * scale)


@given(batteries())
@settings(max_examples=40, deadline=None)
def test_efficiency_is_a_fraction(battery):
    rng, rho, H = battery
    for rho0 in (random_states(rng, COUNT), gibbs_state(H, np.max(np.abs(H))), rho):
        eta = metrics.efficiency(rho, rho0, H)
        assert np.all(np.isnan(eta) | ((eta >= 0) & (eta <= 1 + 1e-12)))
    U = random_unitaries(rng, COUNT)
    thermal = gibbs_state(H, np.max(np.abs(H)))
    charged = metrics.efficiency(turned(thermal, U), thermal, H)
    np.testing.assert_allclose(charged[~np.isnan(charged)], 1, atol=1e-9)


@given(seeds, ranks, mixings)
@settings(max_examples=50, deadline=None)
def test_correlations_are_bounded_and_local(seed, rank, mixing):
    rng = np.random.default_rng(seed)
    rho = random_states(rng, COUNT, rank=rank, mixing=mixing)
    K = random_local(rng, COUNT)
    for measured in (0, 1):
        value = metrics.discord(rho, measured)
        reduced = np.einsum("mikjk->mij" if measured == 0 else "mkikj->mij", rho.reshape(-1, 2, 2, 2, 2))
        assert np.all(value >= 0)
        assert np.all(value <= metrics.von_neumann_entropy(reduced) + 1e-9)
        assert np.all(value <= metrics.mutual_information(rho) + 1e-9)
        np.testing.assert_allclose(metrics.discord(turned(rho, K), measured), value, atol=1e-10)
    entangled = metrics.concurrence(rho)
    assert np.all((entangled >= 0) & (entangled <= 1 + 1e-12))
    np.testing.assert_allclose(metrics.concurrence(turned(rho, K)), entangled, atol=1e-11)


@given(seeds, ranks, mixings)
@settings(max_examples=50, deadline=None)
def test_entropies_and_fidelity(seed, rank, mixing):
    rng = np.random.default_rng(seed)
    rho, sigma = random_states(rng, 2 * COUNT, rank=rank, mixing=mixing).reshape(2, COUNT, 4, 4)
    U = random_unitaries(rng, COUNT)
    F = metrics.fidelity(rho, sigma)
    np.testing.assert_allclose(F, metrics.fidelity(sigma, rho), atol=1e-11)
    np.testing.assert_allclose(F, metrics.fidelity(turned(rho, U), turned(sigma, U)), atol=1e-11)
    np.testing.assert_allclose(metrics.fidelity(rho, rho), 1, atol=1e-12)
    S, purity = metrics.von_neumann_entropy(rho), metrics.purity(rho)
    assert np.all((S >= 0) & (S <= 2 + 1e-12))
    assert np.all(-np.log2(purity) - 1e-12 <= S)  # the second Rényi entropy never exceeds the first
    assert np.all(metrics.relative_entropy_of_coherence(rho) <= np.log2(1 + metrics.l1_coherence(rho)) + 1e-12)


@given(batteries())
@settings(max_examples=40, deadline=None)
def test_coherence_depends_on_the_basis_alone(battery):
    rng, rho, H = battery
    U = random_unitaries(rng, COUNT)
    for measure in (metrics.l1_coherence, metrics.relative_entropy_of_coherence):
        np.testing.assert_allclose(measure(turned(rho, U), U), measure(rho), atol=1e-10)
        np.testing.assert_allclose(measure(rho, np.eye(4)), measure(rho), atol=1e-12)
        assert np.all(measure(gibbs_state(H, np.max(np.abs(H))), "energy", H=H) <= 1e-10)
    # Erasing coherence between eigenspaces is what the energy basis measures, degenerate levels or not.
    split = metrics.relative_entropy_of_coherence(turned(rho, U), "energy", H=turned(H, U))
    np.testing.assert_allclose(split, metrics.relative_entropy_of_coherence(rho, "energy", H=H), atol=1e-9)


def test_hermitian_samples_are_generic():
    """The samples themselves: full rank, mixed, and no accidental X shape that would leave the general kernels idle."""
    rng = np.random.default_rng(1)
    rho = random_states(rng, 4)
    assert np.all(np.linalg.eigvalsh(rho) > 0)
    assert np.all(np.abs(rho) > 1e-6)
    assert np.all(np.abs(random_hermitian(rng, 3)) > 1e-6)
