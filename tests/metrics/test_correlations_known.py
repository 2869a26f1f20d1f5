"""Concurrence, discord and entropies against exact answers, brute force and QuTiP."""

import numpy as np
import pytest
import qutip
from metric_samples import random_local, random_states, random_unitaries, random_x_states, turned

from nmrqb import metrics
from nmrqb.metrics.conditional import bloch, minimum_on_sphere
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.states import gibbs_state, pure_state

RNG = np.random.default_rng(20)
BELL = pure_state([1, 0, 0, 1])


def binary(x):
    return sum(-p * np.log2(p) for p in (x, 1 - x) if p > 0)


def conditional_by_projectors(rho, polar, azimuth):
    """S(B|measurement of A) in bits from projectors and partial traces: the definition, nothing shared with the kernels."""
    ket = np.array([np.cos(polar / 2), np.exp(1j * azimuth) * np.sin(polar / 2)])
    total = 0.0
    for psi in (ket, np.array([-ket[1].conj(), ket[0].conj()])):
        unnormalised = np.einsum("i,ijkl,k->jl", psi.conj(), rho.reshape(2, 2, 2, 2), psi)
        q = np.trace(unnormalised).real
        r = np.linalg.eigvalsh(unnormalised)
        total += sum(-x * np.log2(x / q) for x in r if x > 1e-300)
    return total


def discord_by_force(rho):
    """The definition on a fine grid of directions, zoomed in on the best of it."""
    polar, azimuth, span = np.pi / 4, np.pi, np.array([np.pi / 4, np.pi])
    best = np.inf
    for _ in range(14):
        for x in np.linspace(polar - span[0], polar + span[0], 13):
            for y in np.linspace(azimuth - span[1], azimuth + span[1], 13):
                value = conditional_by_projectors(rho, x, y)
                if value < best:
                    best, polar_best, azimuth_best = value, x, y
        polar, azimuth, span = polar_best, azimuth_best, span * 0.4
    reduced = np.einsum("ijkj->ik", rho.reshape(2, 2, 2, 2))
    S = [sum(-x * np.log2(x) for x in np.linalg.eigvalsh(a) if x > 1e-300) for a in (reduced, rho)]
    return S[0] - S[1] + best


@pytest.mark.parametrize("kind", ["full", "rank 2", "rank 3", "X", "X rank 2"])
def test_discord_finds_the_true_minimum(kind):
    rng = np.random.default_rng(len(kind))
    rho = {
        "full": lambda: random_states(rng, 2),
        "rank 2": lambda: random_states(rng, 2, rank=2),
        "rank 3": lambda: random_states(rng, 2, rank=3),
        "X": lambda: random_x_states(rng, 2),
        "X rank 2": lambda: random_x_states(rng, 2, extremal=True),
    }[kind]()
    found = metrics.discord(rho)
    for state, value in zip(rho, found, strict=True):
        assert value == pytest.approx(discord_by_force(state), abs=1e-9)


def test_x_and_general_kernels_agree():
    """A local rotation hides the X shape, so the same discord must come from the search over the sphere."""
    for extremal in (False, True):
        rho = random_x_states(RNG, 300, extremal)
        hidden = turned(rho, random_local(RNG, 300))
        for measured in (0, 1):
            np.testing.assert_allclose(
                metrics.discord(hidden, measured), metrics.discord(rho, measured), rtol=0, atol=1e-12
            )
        np.testing.assert_allclose(metrics.concurrence(hidden), metrics.concurrence(rho), rtol=0, atol=1e-12)


def test_discord_where_both_usual_candidates_fail():
    """A thermal state whose best polar angle is neither 0 nor 90 degrees (found by a search, confirmed in 50 digits)."""
    Delta, eps, D, G, B, T = -0.67644, 0.09103, -0.01698, -0.02684, 0.37754, 0.31321
    terms = {"XX": -Delta / 3 + eps, "YY": -Delta / 3 - eps, "ZZ": 2 * Delta / 3, "XY": D + G, "YX": G - D}
    H = sum(c * pauli_string(name) for name, c in terms.items())
    rho = gibbs_state(H + B * (pauli_string("ZI") + pauli_string("IZ")), T)
    a, b, T_ = (x[0] for x in bloch(rho[None]))
    ends = min(conditional_by_projectors(rho, 0, 0), conditional_by_projectors(rho, np.pi / 2, 0.5 * best_azimuth(T_)))
    gap = ends - minimum_on_sphere(a[None], b[None], T_[None])[0] / np.log(2)
    assert gap == pytest.approx(8.25e-4, rel=2e-3)
    assert metrics.discord(rho) == pytest.approx(0.10347, abs=1e-5)
    assert metrics.discord(rho) == pytest.approx(discord_by_force(rho), abs=1e-9)


def best_azimuth(T):
    """Twice the azimuth along which the transverse correlations are largest (the principal axis of T T^T)."""
    M = (T @ T.T)[:2, :2]
    return np.arctan2(2 * M[0, 1], M[0, 0] - M[1, 1])


def test_discord_of_pure_states_is_the_entropy_of_entanglement():
    rho = random_states(RNG, 20, rank=1)
    reduced = np.einsum("mikjk->mij", rho.reshape(-1, 2, 2, 2, 2))
    expected = [binary(np.linalg.eigvalsh(r)[0]) for r in reduced]
    for measured in (0, 1):
        np.testing.assert_allclose(metrics.discord(rho, measured), expected, atol=2e-12)


def test_discord_of_bell_diagonal_states():
    """Luo, PRA 77, 042303 (2008): 2 - S(rho) - 1 + binary((1 + max|c|)/2) with c the correlations."""
    weights = RNG.dirichlet(np.ones(4), size=30)
    bells = np.stack([pure_state(v) for v in ([1, 0, 0, 1], [1, 0, 0, -1], [0, 1, 1, 0], [0, 1, -1, 0])])
    rho = np.einsum("mk,kij->mij", weights, bells)
    signs = np.array([[1, -1, 1, -1], [-1, 1, 1, -1], [1, 1, -1, -1]])  # XX, YY, ZZ in the four states
    c = np.max(np.abs(weights @ signs.T), axis=-1)
    entropy = -np.sum(weights * np.log2(weights), axis=-1)
    expected = 1 - entropy + np.array([binary((1 + x) / 2) for x in c])
    np.testing.assert_allclose(metrics.discord(rho), expected, atol=1e-12)
    np.testing.assert_allclose(metrics.discord(turned(rho, random_local(RNG, 30))), expected, atol=1e-12)


def test_discord_depends_on_the_side():
    """A classical register on spin 0 with non-orthogonal states of spin 1: no discord seen from 0, some from 1."""
    rho = 0.5 * np.kron(pure_state([1, 0]), pure_state([1, 0])) + 0.5 * np.kron(pure_state([0, 1]), pure_state([1, 1]))
    for K in (np.eye(4)[None], random_local(RNG, 1)):
        state = turned(rho, K)
        assert metrics.discord(state, measured=0)[0] == pytest.approx(0, abs=1e-10)
        # Rank two: purified by a third spin, the conditional entropy is an entanglement of formation (Koashi, Winter).
        assert metrics.discord(state, measured=1)[0] == pytest.approx(
            discord_by_force(SWAP @ state[0] @ SWAP), abs=1e-9
        )
        assert metrics.discord(state, measured=1)[0] > 0.1


SWAP = np.eye(4)[[0, 2, 1, 3]]


def test_concurrence_of_pure_states():
    psi = RNG.normal(size=(50, 4)) + 1j * RNG.normal(size=(50, 4))
    psi /= np.linalg.norm(psi, axis=-1, keepdims=True)
    expected = 2 * np.abs(psi[:, 0] * psi[:, 3] - psi[:, 1] * psi[:, 2])
    np.testing.assert_allclose(metrics.concurrence(pure_state(psi)), expected, atol=2e-15)


def test_concurrence_is_accurate_near_zero():
    """Products, and mixtures of them of rank two to four, to 1e-14 where rho rho~ gives 1e-8."""
    for terms in (1, 2, 3):
        parts = np.stack([turned(pure_state([1, 0, 0, 0]), random_local(RNG, 60)) for _ in range(terms)])
        rho = np.einsum("kmij,mk->mij", parts, RNG.dirichlet(np.ones(terms), size=60))
        assert np.max(metrics.concurrence(rho)) < 2e-14
    for p in (1e-3, 1e-7, 1e-11):
        rho = turned(p * BELL + (1 - p) * pure_state([0, 1, 0, 0]), random_local(RNG, 20))
        np.testing.assert_allclose(metrics.concurrence(rho), p, rtol=0, atol=1e-14)


def test_concurrence_of_werner_states():
    p = np.array([0.0, 0.3, 1 / 3, 1 / 3 + 1e-9, 0.5, 1.0])
    rho = p[:, None, None] * BELL + (1 - p)[:, None, None] * np.eye(4) / 4
    expected = np.maximum(0, (3 * p - 1) / 2)
    np.testing.assert_allclose(metrics.concurrence(rho), expected, atol=1e-15)
    np.testing.assert_allclose(metrics.concurrence(turned(rho, random_local(RNG, 6))), expected, atol=2e-14)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_measures_against_qutip(rank):
    rho, sigma = random_states(RNG, 8, rank=rank), random_states(RNG, 8)
    pairs = [[qutip.Qobj(x, dims=[[2, 2], [2, 2]]) for x in pair] for pair in zip(rho, sigma, strict=True)]
    # qutip.concurrence itself is good to 1.5e-8 only, where singular values of rho rho~ vanish.
    np.testing.assert_allclose(metrics.concurrence(rho), [qutip.concurrence(a) for a, _ in pairs], atol=1e-7)
    np.testing.assert_allclose(metrics.von_neumann_entropy(rho), [qutip.entropy_vn(a, 2) for a, _ in pairs], atol=1e-10)
    mutual = [qutip.entropy_mutual(a, 0, 1, base=2) for a, _ in pairs]
    np.testing.assert_allclose(metrics.mutual_information(rho), mutual, atol=1e-10)
    np.testing.assert_allclose(metrics.purity(rho), [a.purity() for a, _ in pairs], atol=1e-12)
    np.testing.assert_allclose(metrics.fidelity(rho, sigma), [qutip.fidelity(a, b) ** 2 for a, b in pairs], atol=1e-8)


def test_fidelity_with_a_pure_state_is_an_overlap():
    psi = RNG.normal(size=(10, 4)) + 1j * RNG.normal(size=(10, 4))
    psi /= np.linalg.norm(psi, axis=-1, keepdims=True)
    sigma = random_states(RNG, 10)
    expected = np.einsum("mi,mij,mj->m", psi.conj(), sigma, psi).real
    np.testing.assert_allclose(metrics.fidelity(pure_state(psi), sigma), expected, atol=1e-14)


def test_mutual_information_between_groups_of_spins():
    """GHZ of three spins: one bit of correlation beyond the shared entropy, whichever spin is set apart."""
    ghz = pure_state([1, 0, 0, 0, 0, 0, 0, 1])
    for spins in (0, 1, [0, 2]):
        assert metrics.mutual_information(ghz, spins) == pytest.approx(2, abs=1e-12)
    product = np.kron(random_states(RNG, 1)[0], random_states(RNG, 1, d=2)[0])
    assert metrics.mutual_information(product, 2) == pytest.approx(0, abs=1e-12)


def test_coherence_in_the_energy_basis_of_a_degenerate_observable():
    """Levels 0, 0, 1: coherence inside the pair does not count, whatever basis the eigensolver picks there."""
    V = random_unitaries(RNG, 1, 3)[0]
    H = turned(np.diag([0.0, 0.0, 1.0]), V)
    inside = np.zeros((3, 3), dtype=complex)
    inside[:2, :2] = [[0.5, 0.3], [0.3, 0.2]]
    inside[2, 2] = 0.3
    across = inside + 0.1 * np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]])
    for state, coherent in ((inside, False), (across, True)):
        rho = turned(state, V)
        assert (metrics.relative_entropy_of_coherence(rho, "energy", H=H) > 1e-3) == coherent
        assert (metrics.l1_coherence(rho, "energy", H=H) > 1e-3) == coherent


@pytest.mark.parametrize(
    ("populations", "transverse"),
    [
        ((2.13702688e-3, 1.41580146e-2, 1.66377828e-10, 0.98370495837), 0.67894025),
        ((9.2725996e-3, 1.13787998e-3, 0.98958952, 1.69820824e-11), 0.66085386),
        ((0.9893247452, 9.6689039e-9, 5.5070425e-3, 5.1682026e-3), 0.83783817),
    ],
)
def test_discord_with_a_minimum_hidden_beside_the_pole(populations, transverse):
    """A population near zero bends the entropy logarithmically at theta = 0: found by a search among 10^6 X states."""
    p = np.array(populations) / np.sum(populations)
    rho = np.diag(p).astype(complex)
    rho[0, 3] = rho[3, 0] = transverse * np.sqrt(p[0] * p[3])
    rho[1, 2] = rho[2, 1] = transverse * np.sqrt(p[1] * p[2])
    polar = np.concatenate([np.linspace(0, 0.3, 1501), np.linspace(0.3, np.pi / 2, 301)])
    dense = [conditional_by_projectors(rho, theta, 0.0) for theta in polar]
    least = min(dense)
    assert least < min(dense[0], dense[-1]) - 1e-7  # neither pole nor equator
    local = binary(p[0] + p[1])
    S = sum(-x * np.log2(x) for x in np.linalg.eigvalsh(rho) if x > 1e-300)
    assert local - S + least - 1e-8 < metrics.discord(rho) < local - S + least + 1e-12
