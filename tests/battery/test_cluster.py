"""Clusters: the paper's terms on pairs, against Kronecker products written out here, and geometry against its formulas."""

import numpy as np
import pytest
from scipy.constants import hbar, mu_0

from nmrqb import Battery, Sample
from nmrqb.battery import Cluster
from nmrqb.errors import ArgumentError
from nmrqb.spin import dicke

FULL = Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
S = {"X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}


def on(n, **letters):
    """The product of Paulis given as spin_3="X"."""
    total = np.eye(1)
    for k in range(n):
        total = np.kron(total, S[letters[f"s{k}"]] if f"s{k}" in letters else np.eye(2))
    return total


def pair(n, i, j, delta, eps, D, G):
    def two(a, b):
        return on(n, **{f"s{i}": a, f"s{j}": b})

    axial = delta / 3 * (2 * two("Z", "Z") - two("X", "X") - two("Y", "Y"))
    rest = eps * (two("X", "X") - two("Y", "Y")) + G * (two("X", "Y") + two("Y", "X"))
    return axial + rest + D * (two("X", "Y") - two("Y", "X"))


def expected(n, weights, battery=FULL):
    """weights: (i, j) -> (weight of the symmetric couplings, weight of D)."""
    H = sum(battery.zeeman * on(n, **{f"s{k}": "Z"}) for k in range(n))
    for (i, j), (w, d) in weights.items():
        H = H + pair(n, i, j, w * battery.axial, w * battery.rhombic, d * battery.dm, w * battery.ksea)
    return H


@pytest.mark.parametrize("make", [Cluster.chain, Cluster.star, Cluster.complete, Cluster.zigzag])
def test_two_spins_are_the_battery(make):
    rng = np.random.default_rng(1)
    for values in rng.normal(size=(20, 5)):
        battery = Battery(*values)
        np.testing.assert_allclose(make(2, battery).hamiltonian(), battery.hamiltonian(), rtol=0, atol=1e-15)
        np.testing.assert_allclose(make(2, battery, kac=True).hamiltonian(), battery.hamiltonian(), rtol=0, atol=1e-15)


def test_chain_keeps_pairs_whole_and_scales_them():
    r3 = {(0, 1): 1, (1, 2): 1, (2, 3): 1, (0, 2): 1 / 8, (1, 3): 1 / 8, (0, 3): 1 / 27}
    H = Cluster.chain(4, FULL).hamiltonian()
    np.testing.assert_allclose(H, expected(4, {p: (w, w) for p, w in r3.items()}), atol=1e-14)
    near = Cluster.chain(4, FULL, power=np.inf)
    np.testing.assert_allclose(
        near.hamiltonian(), expected(4, dict.fromkeys(((0, 1), (1, 2), (2, 3)), (1, 1))), atol=1e-14
    )
    flat = Cluster.chain(3, FULL, power=0).hamiltonian()
    np.testing.assert_allclose(flat, Cluster.complete(3, FULL).hamiltonian(), atol=1e-14)


def test_star_and_kac():
    three = {(0, k): (1, 1) for k in (1, 2, 3)}
    np.testing.assert_allclose(Cluster.star(4, FULL).hamiltonian(), expected(4, three), atol=1e-14)
    # six pairs of weight one over n - 1 = 3: every coupling halves, the field stays
    every = {(i, j): (0.5, 0.5) for i in range(4) for j in range(i + 1, 4)}
    np.testing.assert_allclose(Cluster.complete(4, FULL, kac=True).hamiltonian(), expected(4, every), atol=1e-14)


def test_ring_is_the_same_seen_from_every_spin():
    for n in (3, 4, 5):
        cluster = Cluster.ring(n, FULL)
        H = cluster.hamiltonian().reshape((2,) * (2 * n))
        turned = np.transpose(H, [*np.roll(range(n), 1), *(n + np.roll(range(n), 1))])
        np.testing.assert_allclose(turned, H, atol=1e-14)
    square = {(0, 1): (1, 1), (1, 2): (1, 1), (2, 3): (1, 1), (3, 0): (1, 1)}
    square |= {(0, 2): (2**-1.5, 0), (1, 3): (2**-1.5, 0)}
    np.testing.assert_allclose(Cluster.ring(4, FULL).hamiltonian(), expected(4, square), atol=1e-14)


def test_zigzag_distances():
    # 120 degrees between bonds: second neighbours are sqrt 3 apart, third ones sqrt 7
    w = dict(zip(map(tuple, (c := Cluster.zigzag(4, FULL)).pairs.tolist()), c.couplings[:, 0], strict=True))
    assert w[0, 1] == pytest.approx(1)
    assert w[0, 2] == pytest.approx(3**-1.5)
    assert w[0, 3] == pytest.approx(7**-1.5)
    straight = Cluster.zigzag(4, FULL, angle=np.pi)
    np.testing.assert_allclose(straight.hamiltonian(), Cluster.chain(4, FULL).hamiltonian(), atol=1e-13)


def test_positions_of_protons_by_hand():
    gamma, r = 2.6752218708e8, 1.58e-10
    places = np.array([[0, 0, 0], [0, 0, r], [r, 0, 0]])
    cluster = Cluster.from_positions(places, gamma=gamma)
    b = -mu_0 * gamma**2 * hbar / (4 * np.pi * r**3)
    slant = b / 2**1.5 * (3 * 0.5 - 1) / 2
    np.testing.assert_allclose(cluster.couplings[:, 0], [0.75 * b, -0.375 * b, 0.75 * slant], rtol=1e-12)
    assert b / (2 * np.pi) == pytest.approx(-30.45e3, rel=1e-3)  # gypsum's pair
    turned = Cluster.from_positions(places[:, [2, 0, 1]], gamma=gamma, field=(2, 0, 0))
    np.testing.assert_allclose(turned.couplings, cluster.couplings, rtol=1e-12)


def test_fluorines_by_their_places_are_the_sample():
    """Fluorapatite: 19F, gamma 251.815e6 rad/(s T), 3.442 angstrom apart along the field."""
    sample = Sample.load("fluorapatite-chain")
    cluster = Cluster.from_positions([[0, 0, 3.442e-10 * k] for k in range(4)], gamma=251.815e6)
    for (i, j), (delta, *rest) in zip(cluster.pairs.tolist(), cluster.couplings.tolist(), strict=True):
        expected = next(value for a, b, value in sample.dipolar if (a, b) == (i, j))
        assert delta * 4 / 3 / (2 * np.pi) == pytest.approx(expected, rel=1e-4)
        assert not any(rest)


def test_positions_with_a_battery_are_in_its_unit():
    cluster = Cluster.from_positions([[0, 0, 0], [0, 0, 2.0], [0, 0, 6.0]], FULL, zeeman=[0, 0.1, 0])
    np.testing.assert_allclose(cluster.couplings[:, 0], [1, 1 / 27, 1 / 8])
    np.testing.assert_allclose(cluster.zeeman, [0.4, 0.5, 0.4])
    near = Cluster.from_positions([[0, 0, 0], [0, 0, 2.0], [0, 0, 6.0]], FULL, cutoff=4.5)
    assert near.pairs.tolist() == [[0, 1], [1, 2]]


def test_arrays_of_couplings_lead():
    battery = Battery(axial=np.array([1.0, -0.5]), zeeman=0.3)
    H = Cluster.chain(3, battery).hamiltonian()
    assert H.shape == (2, 8, 8)
    for k, axial in enumerate((1.0, -0.5)):
        np.testing.assert_allclose(H[k], Cluster.chain(3, Battery(axial=axial, zeeman=0.3)).hamiltonian(), atol=1e-15)


def test_sets_that_hang_together():
    cluster = Cluster(4, [[0, 2], [1, 3]], np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]]), np.zeros(4))
    assert cluster.connected == ((0, 2), (1,), (3,))
    assert Cluster.star(4, FULL).connected == ((0, 1, 2, 3),)


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: Cluster.chain(1, FULL), "n must be a whole number of spins, 2 or more, but is 1"),
        (lambda: Cluster.ring(2, FULL), "3 or more, but is 2"),
        (lambda: Cluster.chain(2.5, FULL), "but is 2.5"),
        (lambda: Cluster.chain(3, FULL, power=-1), "power must be zero or above.*but is -1"),
        (lambda: Cluster.zigzag(3, FULL, angle=1.0), "angle must lie between pi/3 and pi rad, but is 1"),
        (lambda: Cluster.from_positions([[0, 0, 0], [1, 0, 0], [0, 0, 0]], FULL), r"\[0.0, 0.0, 0.0\] for spins 0 and 2 alike"),
        (lambda: Cluster.from_positions([[0, 0, 0], [1, 0, 0]]), "battery must be given, or else gamma"),
        (lambda: Cluster.from_positions([[0, 0, 0], [1, 0, 0]], FULL, field=(0, 0, 0)), "field must be a vector"),
        (lambda: Cluster.from_positions([[0, 0, 0], [1, 0, 0], [4, 0, 0]], FULL, cutoff=2), r"cutoff must keep .*is 2, which leaves spins \[0, 1\] and \[2\] apart"),
        (lambda: Cluster.complete(4, FULL).collective(), "cluster must couple all pairs alike, without D.*one of 4 spins"),
        (lambda: Cluster.chain(3, Battery(axial=1.0)).collective(), "cluster must couple all pairs alike"),
        (lambda: Cluster(3, [[0, 3]], np.zeros((1, 4)), np.zeros(3)), r"pairs must be two different.*\(0, 3\)"),
        (lambda: Cluster(3, [[1, 1]], np.zeros((1, 4)), np.zeros(3)), r"\(1, 1\)"),
        (lambda: Cluster(3, [[0, 1], [1, 0]], np.zeros((2, 4)), np.zeros(3)), r"holds \(0, 1\) twice"),
        (lambda: Cluster(3, [[0, 1]], np.zeros((1, 3)), np.zeros(3)), r"couplings must have shape \(..., 1, 4\).*\(1, 3\)"),
        (lambda: Cluster(3, [[0, 1]], np.zeros((1, 4)), np.zeros(2)), r"zeeman must have shape \(..., 3\).*\(2,\)"),
        (lambda: Cluster.chain(63, FULL).pauli_sum(), "at most 62.*but is 63"),
        (lambda: Cluster.chain(20, FULL).hamiltonian(), "memory must be 19.4 TB or more for the matrix of 20 spins"),
        (lambda: Cluster.chain(5, FULL).hamiltonian(memory_limit=1.8e4), "but is 18 kB"),
    ],
)  # fmt: skip
def test_refusals(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()


def test_the_bounds_themselves_are_taken():
    assert Cluster.ring(3, FULL).n == 3
    assert Cluster.chain(62, FULL, power=np.inf).pauli_sum().n == 62
    assert Cluster.chain(5, FULL).hamiltonian(memory_limit=1.81e4).shape == (32, 32)
    assert Cluster.zigzag(3, FULL, angle=np.pi / 3).couplings[:, 0] == pytest.approx(1)


def test_uniform_clusters_of_any_size_have_sectors():
    battery = Battery(axial=1.0, rhombic=0.25, ksea=0.15, zeeman=0.4)
    solved = dicke.diagonalise(6, Cluster.complete(6, battery).collective())
    levels = [np.repeat(e, m) for e, m in zip(solved.energies, dicke.multiplicities(6), strict=True)]
    found = np.linalg.eigvalsh(Cluster.complete(6, battery).hamiltonian())
    np.testing.assert_allclose(np.sort(np.concatenate(levels)), found, atol=1e-12)
    assert Cluster.complete(400, battery, kac=True).collective().v[2] == pytest.approx(0.8)
    assert Cluster.chain(3, battery, power=0).uniform == battery
