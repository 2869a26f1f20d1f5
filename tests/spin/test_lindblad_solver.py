"""The Lindblad solver: physical laws on random generators, QuTiP as oracle, and the path for defective generators."""

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from nmrqb.battery import Battery
from nmrqb.errors import ArgumentError
from nmrqb.spin import noise, propagation
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.propagation import dissipator, evolve, lindblad, liouvillian, propagate, spectral, unitary

UNEVEN = np.array([0.0, 0.0, 0.3, 0.31, 1.7, 6.0])
EVEN = np.linspace(0.5, 4.0, 23)


def random_problem(rng, count, d=4, jumps=2):
    a = rng.normal(size=(count, d, d)) + 1j * rng.normal(size=(count, d, d))
    H = a + a.conj().swapaxes(-1, -2)
    L = 0.5 * (rng.normal(size=(count, jumps, d, d)) + 1j * rng.normal(size=(count, jumps, d, d)))
    f = rng.normal(size=(count, d, d)) + 1j * rng.normal(size=(count, d, d))
    rho = f @ f.conj().swapaxes(-1, -2)
    return H, L, rho / np.trace(rho, axis1=-2, axis2=-1)[:, None, None]


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_states_stay_states_and_time_composes(seed, d, jumps):
    H, L, rho0 = random_problem(np.random.default_rng(seed), 3, d, jumps)
    rho = lindblad(H, L, rho0, UNEVEN)
    np.testing.assert_allclose(np.trace(rho, axis1=-2, axis2=-1), 1, atol=1e-12)
    np.testing.assert_allclose(rho, rho.conj().swapaxes(-1, -2), atol=1e-12)
    assert np.linalg.eigvalsh(rho).min() > -1e-12
    np.testing.assert_allclose(rho[:, 0], rho0, atol=1e-12)
    again = lindblad(H, L, rho[:, 2], [1.4], check=False)[:, 0]
    np.testing.assert_allclose(again, rho[:, 4], atol=1e-11)
    if jumps == 0:
        np.testing.assert_allclose(evolve(H, rho0, UNEVEN), rho, atol=1e-11)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_generator_is_what_it_says(seed):
    """The superoperator on vec(rho) is the right-hand side written out with matrices."""
    H, L, rho = random_problem(np.random.default_rng(seed), 2, 3)
    flow = -1j * (H @ rho - rho @ H)
    decay = np.zeros_like(rho)
    for j in range(2):
        A, Ad = L[:, j], L[:, j].conj().swapaxes(-1, -2)
        decay = decay + A @ rho @ Ad - 0.5 * (Ad @ A @ rho + rho @ Ad @ A)
    vector = rho.reshape(2, 9, 1)
    np.testing.assert_allclose((dissipator(L) @ vector)[..., 0], decay.reshape(2, 9), atol=1e-12)
    np.testing.assert_allclose((liouvillian(H, L) @ vector)[..., 0], (flow + decay).reshape(2, 9), atol=1e-12)


@pytest.mark.parametrize(("d", "jumps"), [(2, 1), (4, 3)])
def test_against_qutip_propagator(d, jumps):
    H, L, rho0 = random_problem(np.random.default_rng(d), 3, d, jumps)
    found = lindblad(H, L, rho0, UNEVEN)
    for k in range(3):
        generator = qutip.liouvillian(qutip.Qobj(H[k]), [qutip.Qobj(x) for x in L[k]])
        for t, rho in zip(UNEVEN, found[k], strict=True):
            expected = qutip.vector_to_operator((t * generator).expm() * qutip.operator_to_vector(qutip.Qobj(rho0[k])))
            np.testing.assert_allclose(rho, expected.full(), atol=1e-10)


def test_against_qutip_mesolve():
    H, L, rho0 = random_problem(np.random.default_rng(8), 2)
    tight = {"atol": 1e-12, "rtol": 1e-10, "nsteps": 100_000}
    for k in range(2):
        expected = qutip.mesolve(
            qutip.Qobj(H[k]), qutip.Qobj(rho0[k]), [0, *EVEN], [qutip.Qobj(x) for x in L[k]], options=tight
        )
        found = lindblad(H[k], L[k], rho0[k], EVEN)
        np.testing.assert_allclose(found, [state.full() for state in expected.states[1:]], atol=1e-8)


def critical(gamma, Omega=1.0):
    """A driven, dephased spin: eigenvalues -gamma +- sqrt(gamma^2 - Omega^2), so defective at gamma = Omega."""
    return liouvillian(0.5 * Omega * pauli_string("X"), [np.sqrt(gamma) * pauli_string("Z")])


@pytest.mark.parametrize("times", [UNEVEN, EVEN, np.array([2.0]), np.array([0.0, 2.0]), np.array([])])
def test_defective_generators_take_the_safe_path(times):
    rng = np.random.default_rng(4)
    v = rng.normal(size=(5, 4)) + 1j * rng.normal(size=(5, 4))
    L = critical(1.0)
    assert not spectral(L).sound
    expected = np.stack([[expm(L * t) @ x for t in times] for x in v]).reshape(5, times.size, 4)
    np.testing.assert_allclose(propagate(L, v, times), expected, atol=1e-13)


def test_one_defective_member_leaves_the_others_to_their_eigenbasis():
    gammas = np.array([0.2, 1.0, 3.0])
    L = np.stack([critical(g) for g in gammas])
    np.testing.assert_array_equal(spectral(L).sound, [True, False, True])
    v = np.random.default_rng(5).normal(size=(2, 1, 4)).astype(complex)  # shared by the three generators
    for times in (UNEVEN, EVEN):
        found = propagate(L, v, times)
        assert found.shape == (2, 3, times.size, 4)
        for i, j in np.ndindex(2, 3):
            expected = [expm(L[j] * t) @ v[i, 0] for t in times]
            np.testing.assert_allclose(found[i, j], expected, atol=1e-13)


@pytest.mark.parametrize("offset", [1e-15, 1e-12, 1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 1e-1])
def test_accuracy_holds_on_the_way_to_the_defect(offset):
    """As gamma nears Omega the eigenvectors close up; the switch must come before digits are lost."""
    gamma, t = 1.0 + offset, EVEN
    rho = lindblad(0.5 * pauli_string("X"), [np.sqrt(gamma) * pauli_string("Z")], np.diag([1, 0]), t)
    root = np.sqrt(gamma**2 - 1)
    expected = np.exp(-gamma * t) * (np.cosh(root * t) + gamma * np.sinh(root * t) / root)
    np.testing.assert_allclose(np.einsum("tij,ji->t", rho, pauli_string("Z")).real, expected, atol=1e-11)


def test_the_condition_limit_is_where_it_says(monkeypatch):
    near = critical(1.0 + 1e-5)
    condition = np.linalg.cond(np.linalg.eig(near)[1], 1)
    assert spectral(near).sound
    monkeypatch.setattr(propagation, "MAX_CONDITION", condition * 0.99)
    assert not spectral(near).sound
    monkeypatch.setattr(propagation, "MAX_CONDITION", condition * 1.01)
    assert spectral(near).sound
    monkeypatch.setattr(propagation, "MAX_RESIDUAL", 0.0)
    assert not spectral(near).sound


def test_both_paths_agree_on_ordinary_generators(monkeypatch):
    H, L, rho0 = random_problem(np.random.default_rng(9), 3)
    fast = [lindblad(H, L, rho0, t) for t in (UNEVEN, EVEN)]
    monkeypatch.setattr(propagation, "MAX_CONDITION", 0.0)
    monkeypatch.setattr(propagation, "_CHUNK", 500)  # so that the safe path works in several chunks
    for quick, t in zip(fast, (UNEVEN, EVEN), strict=True):
        np.testing.assert_allclose(lindblad(H, L, rho0, t), quick, atol=1e-11)


def test_stiff_and_slow_together():
    """Rates six orders apart over long times: the fixed point is reached and the slow decay is right."""
    fast, slow = 1e5, 0.1
    jumps = np.stack([np.sqrt(fast) * pauli_string("ZI"), np.sqrt(slow) * pauli_string("IX")])
    rho0 = np.full((4, 4), 0.25) * np.kron(np.ones((2, 2)), np.array([[2, 0], [0, 0]]))
    rho = lindblad(np.zeros((4, 4)), jumps, rho0, [1.0, 7.0])
    expected = np.exp(-2 * slow * np.array([1.0, 7.0]))
    np.testing.assert_allclose(np.einsum("tij,ji->t", rho, pauli_string("IZ")).real, expected, atol=1e-12)
    np.testing.assert_allclose(np.einsum("tij,ji->t", rho, pauli_string("XI")).real, 0, atol=1e-12)


def test_jumps_as_sequence_array_or_none():
    H, L, rho0 = random_problem(np.random.default_rng(1), 2)
    as_array = lindblad(H, L, rho0, UNEVEN)
    np.testing.assert_array_equal(lindblad(H, [L[:, 0], L[:, 1]], rho0, UNEVEN), as_array)
    for none in ([], (), np.zeros((0, 4, 4))):
        np.testing.assert_allclose(lindblad(H, none, rho0, UNEVEN), evolve(H, rho0, UNEVEN), atol=1e-12)
    shared = lindblad(H[0], L[0], rho0, UNEVEN)
    assert shared.shape == (2, 6, 4, 4)
    mixed = [np.sqrt(0.1) * pauli_string("XI"), np.array([1.0, 2.0])[:, None, None] * pauli_string("IX")]
    assert lindblad(H[0], mixed, rho0[0], UNEVEN).shape == (2, 6, 4, 4)


def test_deviations_may_be_evolved_unchecked():
    H, L, rho0 = random_problem(np.random.default_rng(2), 1)
    deviation = rho0[0] - np.eye(4) / 4
    moved = lindblad(H[0], [], deviation, [1.0], check=False)
    np.testing.assert_allclose(moved[0], lindblad(H[0], [], rho0[0], [1.0])[0] - np.eye(4) / 4, atol=1e-13)
    np.testing.assert_allclose(evolve(H[0], deviation, [1.0], check=False), moved, atol=1e-12)
    for call in (lambda: lindblad(H[0], L[0], deviation, [1.0]), lambda: evolve(H[0], deviation, [1.0])):
        with pytest.raises(ArgumentError, match="rho0 must be a density matrix with trace 1, but is of trace"):
            call()


def test_unitary_is_the_exponential():
    G = random_problem(np.random.default_rng(3), 4)[0] * 5
    np.testing.assert_allclose(unitary(G), expm(-1j * G), atol=1e-12)
    np.testing.assert_array_equal(unitary(G, check=False), unitary(G))
    with pytest.raises(ArgumentError, match="generator must be Hermitian"):
        unitary(1j * G)


H1, L1, RHO1 = (x[0] for x in random_problem(np.random.default_rng(0), 1))


@pytest.mark.parametrize("solve", [lambda t: lindblad(H1, L1, RHO1, t), lambda t: evolve(H1, RHO1, t)])
@pytest.mark.parametrize(
    ("times", "match"),
    [
        ([0.0, 1.0, 0.5], r"not go backwards, but is 1 then 0\.5"),
        ([0.0, np.nextafter(1.0, 2), 1.0], "not go backwards, but is 1 then 1"),
        ([-1e-9, 1.0], r"zero or above, but is -1e-09"),
        ([0.0, np.inf], "finite, but is inf"),
        ([0.0, np.nan], "finite, but is nan"),
        ([[0.0, 1.0]], r"\(1, 2\)"),
        (1.0, r"\(\)"),
        (["soon"], "real numbers"),
    ],
)
def test_times_are_checked(solve, times, match):
    solve([0.0, 1.0, 1.0])
    with pytest.raises(ArgumentError, match=match):
        solve(times)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: lindblad(H1 + 1j * np.eye(4), L1, RHO1, [1.0]), "H must be Hermitian, but is off by 2"),
        (lambda: lindblad(H1, L1, RHO1 * 2, [1.0]), "rho0 must be a density matrix with trace 1, but is of trace 2"),
        (lambda: lindblad(H1, L1, np.eye(2) / 2, [1.0]), r"rho0 must have the dimension of H \(4\)"),
        (
            lambda: lindblad(H1, L1[0], RHO1, [1.0]),
            r"jumps must have shape \(\.\.\., J, d, d\), but is of shape \(4, 4\)",
        ),
        (lambda: lindblad(H1, [np.eye(2)], RHO1, [1.0]), r"jumps must have shape \(\.\.\., 4, 4\)"),
        (lambda: lindblad(H1, L1 * np.nan, RHO1, [1.0]), "NaN"),
        (lambda: lindblad(np.stack([H1] * 2), np.stack([L1] * 3), RHO1, [1.0]), r"\(3,\).*\(2,\)|\(2,\).*\(3,\)"),
        (lambda: lindblad(np.stack([H1] * 2), L1, np.stack([RHO1] * 3), [1.0]), r"leading shape \(3,\)"),
        (lambda: evolve(np.stack([H1] * 2), np.stack([RHO1] * 3), [1.0]), r"leading shape \(3,\)"),
        (lambda: evolve(H1, np.eye(2) / 2, [1.0]), "dimension 2"),
        (lambda: dissipator([]), "jumps must hold at least one operator"),
        (lambda: propagate(np.eye(4), np.ones(3), [1.0]), r"vector must be finite with shape \(\.\.\., 4\)"),
        (lambda: propagate(np.stack([np.eye(4)] * 2), np.ones((3, 4)), [1.0]), r"leading shape \(3,\)"),
    ],
)
def test_arguments_are_checked(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()


def test_rates_hundreds_of_orders_apart_go_through_the_exponential():
    """eig does not converge on such generators; the answer is that of the unitary part alone."""
    rng = np.random.default_rng(0)
    start, failed = np.diag([1.0, 0, 0, 0]), 0
    for _ in range(300):
        H = Battery(ksea=rng.choice([0.25, 2.5, 3.0, -3.0])).hamiltonian()
        jumps = noise.dephasing(2, 8.0 * 10.0 ** -rng.integers(100, 200), axis="x")
        try:
            np.linalg.eig(liouvillian(H, jumps))
        except np.linalg.LinAlgError:
            failed += 1
            np.testing.assert_allclose(lindblad(H, jumps, start, [0.7]), evolve(H, start, [0.7]), atol=1e-12)
    assert failed
