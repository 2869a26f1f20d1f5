"""Sectors of total spin against dense matrices up to eight spins, and what they reach beyond."""

import time
import tracemalloc
from math import comb

import numpy as np
import pytest

from nmrqb import Battery, charging_unitary, gibbs_state, metrics
from nmrqb.battery import Cluster
from nmrqb.errors import ArgumentError
from nmrqb.metrics.spectra import ergotropy_ceiling, passive_energy
from nmrqb.spin import dicke
from nmrqb.spin.propagation import unitary

PARTS = {"axial": 1.0, "rhombic": 0.25, "ksea": 0.15, "zeeman": 0.4}
DRIVE = {"axial": 0.3, "rhombic": 0.6, "ksea": -0.4}


def flattened(n, per_sector):
    return np.concatenate([np.repeat(e, m) for e, m in zip(per_sector, dicke.multiplicities(n), strict=True)])


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_sectors_fill_the_space(n):
    widths = 2 * dicke.spins(n) + 1
    assert sum(int(w) * m for w, m in zip(widths, dicke.multiplicities(n), strict=True)) == 2**n


@pytest.mark.parametrize("n", [2, 3, 6, 8])
@pytest.mark.parametrize(
    "parts", [PARTS, {"axial": 1.0, "zeeman": 0.4}, {"rhombic": -0.5}], ids=["all", "axial", "rhombic"]
)
def test_dense_and_dicke_agree(n, parts):
    M, H = Cluster.complete(n, Battery(**parts)).hamiltonian(), dicke.Quadratic.of_couplings(**parts)
    solved = dicke.diagonalise(n, H)
    np.testing.assert_allclose(np.sort(flattened(n, solved.energies)), np.linalg.eigvalsh(M), atol=1e-10)
    rho, state = gibbs_state(M, 1.0), solved.gibbs(1.0)
    assert state.expectation(H) == pytest.approx(np.trace(rho @ M).real, abs=1e-10)
    theta = np.array([0.3, 1.7])
    for axis in "xy":
        U = charging_unitary(n, theta / 2, axis)
        gains = [np.trace((u @ rho @ u.conj().T - rho) @ M).real for u in U]
        np.testing.assert_allclose(dicke.rotation_gain(state, H, theta, axis), gains, atol=1e-10)


@pytest.mark.parametrize("n", [3, 8])
def test_charging_by_a_collective_hamiltonian(n):
    M, H = Cluster.complete(n, Battery(**PARTS)).hamiltonian(), dicke.Quadratic.of_couplings(**PARTS)
    K = Cluster.complete(n, Battery(**DRIVE)).hamiltonian()
    solved, drive = dicke.diagonalise(n, H), dicke.diagonalise(n, dicke.Quadratic.of_couplings(**DRIVE))
    rho, state = gibbs_state(M, 1.0), solved.gibbs(1.0)
    times = np.array([0.0, 0.37, 2.0])
    U = unitary(times[:, None, None] * K)
    after = U @ rho @ np.conj(np.swapaxes(U, -1, -2))
    np.testing.assert_allclose(drive.curve(state, H, times), np.einsum("tij,ji->t", after, M).real, atol=1e-10)
    charged = drive.evolve(state, 0.37)
    assert charged.expectation(H) == pytest.approx(np.trace(after[1] @ M).real, abs=1e-10)
    weights = np.concatenate([np.linalg.eigvalsh(block) for block in charged.blocks])
    copies = [m for m, block in zip(dicke.multiplicities(n), charged.blocks, strict=True) for _ in block]
    work = charged.expectation(H) - passive_energy(weights, copies, np.concatenate(solved.energies), copies)
    assert work == pytest.approx(float(metrics.ergotropy(after[1], M)), abs=1e-10)


def test_coherent_states_are_product_states():
    u = np.array([0.3, -0.5, 0.7])
    state = dicke.coherent(6, u)
    first, second = state.moments()
    unit = u / np.linalg.norm(u)
    np.testing.assert_allclose(first, 3 * unit, atol=1e-12)
    # pairs factorise: <F_a F_b> = n(n-1)/4 u_a u_b + n/4 delta_ab
    np.testing.assert_allclose(second, 7.5 * np.outer(unit, unit) + 1.5 * np.eye(3), atol=1e-12)
    ground, _ = dicke.coherent(6).moments()
    np.testing.assert_allclose(ground, [0, 0, 3], atol=1e-12)


def test_four_hundred_spins_in_seconds():
    n = 400
    start = time.process_time()
    H = dicke.Quadratic.of_couplings(1 / n, 0.25 / n, 0.0, 0.4)
    state = dicke.diagonalise(n, H).gibbs(1.0)
    gains = dicke.rotation_gain(state, H, np.array([0.0, np.pi / 2, np.pi]))
    assert time.process_time() - start < 10
    assert gains[0] == pytest.approx(0, abs=1e-9)
    # turned upside down all that changes is the field's sign: -2 B <sum Z>
    assert gains[2] == pytest.approx(-4 * 0.4 * state.moments()[0][2], rel=1e-9)
    # without couplings spins are independent: <Z> = -tanh(B/T)
    free = dicke.diagonalise(n, dicke.Quadratic.of_couplings(zeeman=0.4)).gibbs(0.5)
    assert free.moments()[0][2] == pytest.approx(-n / 2 * np.tanh(0.8), rel=1e-9)


def test_passive_energy_of_huge_multiplicities():
    n = 400
    # independent spins: a Gibbs state of another temperature is passive as well
    levels = [0.8 * m for m in np.arange(-n / 2, n / 2 + 1)]
    copies = [comb(n, k) for k in range(n + 1)]
    logs = np.array([np.log(float(c)) for c in copies]) - np.array(levels) / 0.7
    p = np.exp(logs - np.logaddexp.reduce(logs))
    assert passive_energy(p, copies, levels, copies) == pytest.approx(p @ levels, rel=1e-12)
    assert passive_energy(p[::-1], copies, levels, copies) == pytest.approx(p @ levels, rel=1e-12)


def test_the_ceiling_holds_and_is_met_by_gibbs_states():
    rng = np.random.default_rng(3)
    for _ in range(20):
        levels = np.sort(rng.normal(size=8))
        p = rng.dirichlet(np.full(8, 0.4))
        entropy = float(-np.sum(p * np.log2(p)))
        passive = np.sort(p)[::-1] @ levels
        assert ergotropy_ceiling(1.0, entropy, levels) >= 1.0 - passive - 1e-9
        g = np.exp(-(levels - levels[0]) / 0.6)
        g /= g.sum()
        entropy = float(-np.sum(g * np.log2(g)))
        assert ergotropy_ceiling(1.0, entropy, levels) == pytest.approx(1.0 - g @ levels, abs=1e-9)
    assert ergotropy_ceiling(2.0, 0.0, [0.0, 1.0]) == 2.0
    assert ergotropy_ceiling(2.0, 1.0, [0.0, 1.0]) == 1.5


@pytest.mark.parametrize("ksea, item", [(0.0, 8), (0.1, 16)])
def test_memory_of_the_sectors_is_predicted(ksea, item):
    H = dicke.Quadratic.of_couplings(0.01, 0.003, ksea, 0.4)
    tracemalloc.start()
    try:
        dicke.diagonalise(200, H)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert dicke.bytes_needed(200, item) == pytest.approx(peak, rel=0.2)


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: dicke.spins(0), "n must be a whole number of spins, 1 to 1000.*but is 0"),
        (lambda: dicke.spins(1001), "but is 1001"),
        (
            lambda: dicke.diagonalise(900, dicke.Quadratic.of_couplings(1.0), limit=1e8),
            "memory must be .* for the sectors of 900",
        ),
        (lambda: dicke.coherent(3, (0, 0, 0)), "direction must be a vector"),
        (lambda: passive_energy([0.5, 0.4], [1, 1], [0, 1], [1, 1]), "weights must add up to one, but is of sum 0.9"),
        (lambda: passive_energy([0.5, 0.5], [1, 1], [0, 1], [1, 2]), "be as many as the levels, 3, but is 2 in all"),
        (lambda: ergotropy_ceiling(0.0, 1.1, [0.0, 1.0]), "entropy must lie between 0 and 1 bits, but is 1.1 bits"),
        (lambda: ergotropy_ceiling(0.0, -0.1, [0.0, 1.0]), "but is -0.1 bits"),
    ],
)
def test_refusals(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()
    assert len(dicke.spins(1000)) == 501
