"""Evolution of many spins: every method against matrix exponentials, memory against what is really taken, refusals."""

import tracemalloc

import numpy as np
import pytest
from scipy.linalg import expm

from nmrqb import Battery
from nmrqb.battery import Cluster
from nmrqb.errors import ArgumentError, RunError
from nmrqb.spin import actions, blocks, chebyshev, many, memory
from nmrqb.spin.masks import PauliSum
from nmrqb.spin.operators import collective, pauli_sum

FULL = Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
KINDS = {
    "nothing": PauliSum.from_labels(["XXIII", "IZYII", "IIXII", "ZIIIY", "IIIZZ"], [0.7, -0.4, 0.9, 0.3, 1.1]),
    "parity": Cluster.chain(5, FULL).pauli_sum(),
    "magnetisation": Cluster.chain(5, Battery(axial=1.0, dm=0.3, zeeman=0.4)).pauli_sum(),
}
TIMES = np.array([0.0, 0.4, 3.0, 20.0])


def state(d, columns=None, seed=0):
    rng = np.random.default_rng(seed)
    shape = (d,) if columns is None else (d, columns)
    psi = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return psi / np.linalg.norm(psi, axis=0)


@pytest.mark.parametrize("kind", KINDS)
def test_masks_are_the_matrix(kind):
    H = KINDS[kind]
    M = pauli_sum(H.labels, H.c)
    np.testing.assert_allclose(H.dense(), M, atol=1e-15)
    np.testing.assert_allclose(actions.sparse_matrix(H).toarray(), M, atol=1e-15)
    shifted = actions.sparse_matrix(actions._with_diagonal(H), 0.3, 2.0).toarray()
    np.testing.assert_allclose(shifted, 2 * (M - 0.3 * np.eye(32)), atol=1e-14)
    psi = state(32, 3)
    np.testing.assert_allclose(H.apply(psi), M @ psi, atol=1e-14)
    assert blocks.symmetry(H) == kind
    np.testing.assert_allclose((H @ H).dense(), M @ M, atol=1e-14)
    F = collective(5, "z")
    np.testing.assert_allclose(H.turned_by_z().dense(), (F @ M - M @ F) / 1j, atol=1e-14)
    assert H.bound() >= np.linalg.norm(M, 2)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_rotated_sums(axis):
    H = KINDS["nothing"]
    U = expm(-1j * 0.7 * collective(5, axis))
    np.testing.assert_allclose(H.rotated(0.7, axis).dense(), U.conj().T @ H.dense() @ U, atol=1e-14)


@pytest.mark.parametrize("method", many.METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_method_is_the_exponential(kind, method):
    H = KINDS[kind]
    psi = state(32, 2)
    exact = np.array([expm(-1j * H.dense() * t) @ psi for t in TIMES])
    np.testing.assert_allclose(many.evolve(H, psi, TIMES, method=method), exact, atol=1e-12)
    np.testing.assert_allclose(many.evolve(H, psi[:, 0], TIMES, method=method), exact[..., 0], atol=1e-12)
    seen = many.observe(H, psi[:, 0], TIMES, lambda v: np.abs(v[3, 0]) ** 2, method=method)
    np.testing.assert_allclose(seen, np.abs(exact[:, 3, 0]) ** 2, atol=1e-12)


def test_windows_of_times_change_nothing():
    H = Cluster.chain(10, FULL, np.inf).pauli_sum()
    psi, t = state(1024), np.linspace(0.1, 3, 30)
    whole = many.observe(H, psi, t, lambda v: v[:, 0].copy(), method="sparse")
    plan = many.plan(H, t, method="sparse", keep=True)
    tight = plan.bytes - 25 * 2 * 16 * 1024
    assert 1 <= many.plan(H, t, method="sparse", keep=False, limit=tight).window < 30
    found = many.observe(H, psi, t, lambda v: v[:, 0].copy(), method="sparse", limit=tight)
    np.testing.assert_allclose(found, whole, atol=1e-12)


@pytest.mark.parametrize("n", [6, 9])
@pytest.mark.parametrize("kind", ["flip-flop", "full"])
def test_levels_by_blocks(n, kind):
    cluster = Cluster.chain(n, Battery(axial=1.0, zeeman=0.2) if kind == "flip-flop" else FULL)
    np.testing.assert_allclose(
        blocks.levels(cluster.pauli_sum()), np.linalg.eigvalsh(cluster.hamiltonian()), atol=1e-11
    )


@pytest.mark.parametrize(
    "n, method, battery, vectors",
    [
        (10, "blocks", Battery(axial=1.0), 1),
        (11, "blocks", Battery(axial=1.0, dm=0.2), 1),
        (11, "sparse", FULL, 1),
        (12, "sparse", Battery(axial=1.0), 2),
        (13, "sparse", FULL, 1),
        (10, "masks", Battery(rhombic=0.5), 4),
        (12, "masks", Battery(rhombic=0.5), 1),
    ],
)
def test_memory_is_predicted_within_a_fifth(n, method, battery, vectors):
    H = Cluster.chain(n, battery, power=np.inf if method == "masks" else 3).pauli_sum()
    psi, t = state(2**n, vectors), np.linspace(0, 0.5, 12)
    predicted = many.plan(H, t, vectors, method=method).bytes
    tracemalloc.start()
    try:
        many.evolve(H, psi, t, method=method)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert predicted == pytest.approx(peak, rel=0.2)


def test_the_choice_is_told_before_it_starts():
    said = []
    small, large = Cluster.chain(6, FULL).pauli_sum(), Cluster.chain(12, FULL, np.inf).pauli_sum()
    many.evolve(small, state(64), np.linspace(0, 200, 40), tell=said.append)
    assert many.plan(large, np.linspace(0, 2, 10)).method == "sparse"
    assert len(said) == 1
    assert said[0].startswith("6 spins: exact diagonalisation in blocks of parity; ")
    assert "that may be taken" in said[0]
    # where the matrix does not fit, the vectors may
    one = many.plan(large, [1.0], method="sparse").bytes
    masks = many.plan(large, [1.0], method="masks").bytes
    assert masks < one
    assert many.plan(large, [1.0], limit=(one + masks) / 2).method == "masks"


def test_what_does_not_fit_is_refused_with_its_bytes():
    H = Cluster.chain(36, Battery(rhombic=0.5), np.inf).pauli_sum()
    with pytest.raises(ArgumentError, match=r"memory must be [\d.]+ TB or more for 1 state\(s\) of 36 spins by masks"):
        many.plan(H, [1.0])
    small = Cluster.chain(8, FULL).pauli_sum()
    needed = many.plan(small, [1.0], method="masks").bytes
    assert many.plan(small, [1.0], method="masks", limit=needed + 1).method == "masks"
    with pytest.raises(ArgumentError, match="another method, or raise the limit"):
        many.plan(small, [1.0], method="masks", limit=needed - 10)
    with pytest.raises(ArgumentError, match="memory must be above zero bytes, but is 0"):
        memory.allowed(0)
    assert 0 < memory.allowed(None) <= memory.available()


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda H: many.plan(H, [1.0], method="magic"), "method must be one of blocks, sparse, masks, but is 'magic'"),
        (lambda H: many.evolve(H, np.ones(16), [1.0]), r"psi must be finite, of shape \(32,\).*\(16,\)"),
        (lambda H: many.evolve(H, np.full(32, np.nan), [1.0]), "psi must be finite"),
        (lambda H: many.evolve(H, np.ones(32), [np.inf]), "times must be finite, but is inf"),
        (lambda H: H.rotated(0.1, "z"), 'axis must be "x" or "y", but is \'z\''),
        (lambda H: PauliSum.from_labels(["XX", "ZA"], [1, 1]), "labels must be Pauli strings"),
        (lambda H: PauliSum(63, H.x, H.z, H.c), "between 1 and 62.*but is 63"),
        (lambda H: many.plan(H.times(1j), [1.0]), "H must be one Hermitian sum"),
    ],
)
def test_refusals(call, match):
    with pytest.raises(ArgumentError, match=match):
        call(KINDS["parity"])


def test_an_interval_that_misses_the_spectrum_is_noticed():
    with pytest.raises(RunError, match=r"norm of an evolved state strayed by 0\.1"):
        chebyshev.check_norm(np.full((2, 4, 1), 0.55 + 0j), np.ones(1))
    chebyshev.check_norm(np.full((2, 4, 1), 0.5 + 0j), np.ones(1))
    H = Cluster.chain(8, FULL).pauli_sum()
    plain = actions.action(H, "sparse")
    ends = np.linalg.eigvalsh(H.dense())[[0, -1]]
    for seed in range(5):
        centre, radius = chebyshev.interval(plain, 256, H.bound(), seed)
        assert centre - radius <= ends[0]
        assert ends[1] <= centre + radius
        assert 2 * radius <= 1.3 * np.ptp(ends)
