"""Two-qubit unitaries taken apart: random ones, and every place where the decomposition is not unique."""

import time
from itertools import product

import numpy as np
import pytest
from qiskit.circuit.library import CZGate
from qiskit.synthesis import TwoQubitBasisDecomposer, TwoQubitWeylDecomposition
from scipy.linalg import expm
from scipy.stats import unitary_group

from nmrqb.spin.cartan import cartan, rotation_to_diagonal
from nmrqb.spin.operators import pauli_stack, pauli_string

RNG = np.random.default_rng(0)
PAIRS = ("XX", "YY", "ZZ")
SWAP = np.eye(4)[[0, 2, 1, 3]]
CZ = np.diag([1, 1, 1, -1])


def canonical(*c):
    return expm(1j * np.tensordot(c, pauli_stack(PAIRS), axes=1))


def local():
    return np.kron(*unitary_group.rvs(2, size=2, random_state=RNG))


def dressed(core, count=6):
    return [core, *(local() @ core @ local() for _ in range(count))]


def nearly_local():
    generators = [sum(RNG.normal() * pauli_string(p + q) for p, q in product("IXYZ", repeat=2)) for _ in range(4)]
    return [expm(1j * 10.0**power * g) for power in range(-16, 1) for g in generators]


GRID = np.linspace(-np.pi, np.pi, 9)
CASES = {
    "random": unitary_group.rvs(4, size=300, random_state=RNG),
    "local": dressed(np.eye(4)),
    "swap": dressed(SWAP),
    "cz": dressed(CZ),
    "iswap": dressed(canonical(np.pi / 4, np.pi / 4, 0)),
    "pure ZZ": [m for angle in (0.1, 0.4, *GRID) for m in dressed(canonical(0, 0, angle), 1)],
    "root of swap": dressed(canonical(*(3 * [np.pi / 8]))),
    "corners and edges": [m for c in product(GRID, repeat=3) for m in dressed(canonical(*c), 1)],
    "barely entangling": [m for e in (1e-3, 1e-6, 1e-8, 1e-9, 1e-12, 1e-15) for m in dressed(canonical(0, e, 0), 3)],
    "near the identity": nearly_local(),
    "orthogonal": [np.linalg.qr(RNG.normal(size=(4, 4)))[0] for _ in range(20)],
    "permutations": [np.eye(4)[RNG.permutation(4)] for _ in range(20)],
}


def product_of(parts):
    middle = np.array([canonical(*c) for c in parts.coordinates])
    after, before = (
        np.einsum("nab,ncd->nacbd", m[:, 0], m[:, 1]).reshape(-1, 4, 4) for m in (parts.after, parts.before)
    )
    return after @ middle @ before


@pytest.mark.parametrize("case", CASES)
def test_the_factors_give_the_unitary_back(case):
    U = np.array(CASES[case], dtype=complex)
    parts = cartan(U)
    found = product_of(parts)
    phase = np.einsum("nij,nij->n", found.conj(), U) / 4
    np.testing.assert_allclose(np.abs(phase), 1, atol=1e-12)
    np.testing.assert_allclose(found * phase[:, None, None], U, atol=1e-12)
    a, b, c = parts.coordinates.T
    assert np.all((a <= np.pi / 4 + 1e-11) & (a >= b) & (b >= np.abs(c)))
    for local_gates in (parts.after, parts.before):
        np.testing.assert_allclose(np.linalg.det(local_gates), 1, atol=1e-12)


@pytest.mark.parametrize("case", ["random", "swap", "iswap", "cz", "orthogonal"])
def test_coordinates_are_those_of_another_decomposition(case):
    U = np.array(CASES[case], dtype=complex)
    theirs = [TwoQubitWeylDecomposition(u) for u in U]
    expected = np.array([[t.a, t.b, t.c] for t in theirs])
    found = cartan(U).coordinates
    border = np.isclose(expected[:, 0], np.pi / 4, atol=1e-8)  # there the sign of the last is nobody's
    found[border, 2], expected[border, 2] = np.abs(found[border, 2]), np.abs(expected[border, 2])
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("case", "cz", "rzz"),
    [("local", 0, 0), ("cz", 1, 1), ("pure ZZ", 2, 1), ("iswap", 2, 2), ("swap", 3, 3), ("random", 3, 3)],
)
def test_a_batch_takes_as_many_gates_as_its_most_demanding_member(case, cz, rzz):
    parts = cartan(np.array(CASES[case], dtype=complex))
    assert (parts.entanglers(), parts.terms()) == (cz, rzz)
    decomposer = TwoQubitBasisDecomposer(CZGate())
    assert max(decomposer.num_basis_gates(u) for u in np.array(CASES[case], dtype=complex)) == cz


def test_matrices_that_share_an_eigenbasis_are_diagonal_in_it_however_degenerate():
    for values in ([[1, 1, 2, 2], [3, 4, 3, 4]], [[1, 1, 1, 1], [0, 0, 0, 0]], [[1, 1, 1, 1 + 1e-9], [2, 2, 2, 2]]):
        basis = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
        A = np.array([basis @ np.diag(v) @ basis.T for v in values])
        P = rotation_to_diagonal(A)
        np.testing.assert_allclose(P.T @ P, np.eye(4), atol=1e-14)
        inside = P.T @ A @ P
        np.testing.assert_allclose(inside, inside * np.eye(4), atol=1e-14)


def test_leading_axes_are_kept_and_nine_hundred_take_less_than_half_a_second():
    U = unitary_group.rvs(4, size=900, random_state=RNG).reshape(100, 9, 4, 4)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        parts = cartan(U)
        taken.append(time.perf_counter() - start)
    assert parts.coordinates.shape == (100, 9, 3)
    assert parts.after.shape == parts.before.shape == (100, 9, 2, 2, 2)
    assert sorted(taken)[1] < 0.5  # 0.02 s
