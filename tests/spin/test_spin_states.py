"""Thermal, pure and product states, charging pulses, and reduction to fewer spins."""

import numpy as np
import pytest

from nmrqb import charging_unitary, gibbs_state
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.spin.propagation import unitary
from nmrqb.spin.states import basis_state, partial_trace, polarised_state, product_state, pure_state

RNG = np.random.default_rng(11)


def random_states(count, d=2):
    f = RNG.normal(size=(count, d, d)) + 1j * RNG.normal(size=(count, d, d))
    rho = f @ f.conj().swapaxes(-1, -2)
    return rho / np.trace(rho, axis1=-2, axis2=-1)[:, None, None]


def test_gibbs_state_of_known_levels():
    H = np.diag([3.0, -1.0, 0.5, 0.5])
    for T in (0.01, 0.1, 1.0, 100.0):
        weights = np.exp(-(np.diag(H) + 1) / T)
        np.testing.assert_allclose(gibbs_state(H, T), np.diag(weights / weights.sum()), rtol=1e-13, atol=1e-300)
    V = unitary(collective(2, "y") + 0.3 * pauli_string("XZ"))
    np.testing.assert_allclose(gibbs_state(V @ H @ V.conj().T, 0.7), V @ gibbs_state(H, 0.7) @ V.conj().T, atol=1e-14)


def test_gibbs_state_does_not_overflow():
    H = 1e6 * pauli_string("ZI") + pauli_string("IZ")
    cold = gibbs_state(H, 1e-3)
    np.testing.assert_allclose(cold, basis_state("11"), atol=1e-15)
    np.testing.assert_allclose(gibbs_state(H + 1e9 * np.eye(4), 1.0), gibbs_state(H, 1.0), atol=1e-6)
    np.testing.assert_allclose(gibbs_state(H, 1e12), np.eye(4) / 4, atol=1e-6)


def test_gibbs_temperatures_broadcast():
    H = np.stack([pauli_string("ZZ"), pauli_string("XI")])
    assert gibbs_state(H[0], [0.5, 1.0, 2.0]).shape == (3, 4, 4)
    assert gibbs_state(H, [[0.5], [1.0], [2.0]]).shape == (3, 2, 4, 4)
    with pytest.raises(ArgumentError, match=r"temperature must broadcast .* \(2,\), but is of shape \(3,\)"):
        gibbs_state(H, [0.5, 1.0, 2.0])
    for T in (0.0, -1.0):
        with pytest.raises(ArgumentError, match=f"temperature must be above zero, but is {T}"):
            gibbs_state(H, T)
    with pytest.raises(ArgumentError, match="H must be Hermitian, but is off by 2"):
        gibbs_state(1j * H[0], 1.0)


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_charging_unitary_is_a_pulse_of_flip_angle_2_phi(n, axis):
    phi = np.array([[0.0, 0.3], [np.pi / 4, -2.0]])
    found = charging_unitary(n, phi, axis)
    assert found.shape == (2, 2, 2**n, 2**n)
    np.testing.assert_allclose(found, unitary(2 * phi[..., None, None] * collective(n, axis)), atol=1e-14)


def test_charging_unitary_is_the_matrix_of_eq_22():
    t = 0.4
    a, b, c = np.cos(t) ** 2, -(np.sin(t) ** 2), -0.5j * np.sin(2 * t)
    expected = [[a, c, c, b], [c, a, b, c], [c, b, a, c], [b, c, c, a]]
    np.testing.assert_allclose(charging_unitary(2, t), expected, atol=1e-15)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: charging_unitary(0, 1.0), "n must be a whole number of spins, 1 or more, but is 0"),
        (lambda: charging_unitary(1.5, 1.0), r"but is 1\.5"),
        (lambda: charging_unitary(2, 1.0, "z"), "axis .* 'z'"),
        (lambda: charging_unitary(2, np.nan), "phi must be finite, but is nan"),
        (lambda: pure_state([0, 0]), "all zero"),
        (lambda: pure_state([np.inf, 0]), "finite"),
        (lambda: pure_state(1.0), r"of shape \(\)"),
        (lambda: basis_state(""), "''"),
        (lambda: basis_state("0x"), "'0x'"),
        (lambda: polarised_state([0.5, -1.0001]), r"between -1 and 1, but is -1\.0001"),
        (product_state, "at least one density matrix"),
        (
            lambda: product_state(np.eye(2) / 2, np.eye(2)),
            r"states\[1\] must be a density matrix with trace 1, but is of",
        ),
        (lambda: product_state(random_states(2), random_states(3)), r"states\[1\] must broadcast .*\(2,\).*\(3,\)"),
        (lambda: partial_trace(np.eye(3), 0), "power of two"),
        (lambda: partial_trace(np.eye(4), 2), r"spins 0 to 1, but is \[2\]"),
        (lambda: partial_trace(np.eye(4), []), r"but is \[\]"),
        (lambda: partial_trace(np.eye(4), -1), r"but is \[-1\]"),
    ],
)
def test_arguments_are_checked(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()


def test_basis_states():
    np.testing.assert_array_equal(basis_state("01"), np.diag([0, 1, 0, 0]))
    for letter, axis, sign in (
        ("0", "Z", 1),
        ("1", "Z", -1),
        ("+", "X", 1),
        ("-", "X", -1),
        ("r", "Y", 1),
        ("l", "Y", -1),
    ):
        np.testing.assert_allclose(basis_state(letter), (np.eye(2) + sign * pauli_string(axis)) / 2, atol=1e-15)
    np.testing.assert_allclose(pure_state([3, 4j]), np.array([[9, -12j], [12j, 16]]) / 25, atol=1e-15)


def test_polarised_states():
    P = np.array([-1.0, -0.2, 0.0, 1.0])
    np.testing.assert_allclose(np.einsum("mij,ji->m", polarised_state(P), pauli_string("Z")).real, P, atol=1e-15)


def test_products_and_their_parts():
    a, b, c = random_states(3), random_states(3), random_states(3)
    whole = product_state(a, b, c)
    np.testing.assert_allclose(whole[1], np.kron(np.kron(a[1], b[1]), c[1]), atol=1e-15)
    for spin, part in enumerate((a, b, c)):
        np.testing.assert_allclose(partial_trace(whole, spin), part, atol=1e-15)
    np.testing.assert_allclose(partial_trace(whole, [2, 0]), product_state(a, c), atol=1e-15)
    np.testing.assert_allclose(partial_trace(whole, {0, 1, 2}), whole, atol=1e-15)


def test_partial_trace_of_correlated_spins():
    """Tr_B is adjoint to A -> A kron 1: expectation values of one spin's operators are kept."""
    rho = random_states(5, 8)
    for spin in range(3):
        reduced = partial_trace(rho, spin)
        for letter in "IXYZ":
            whole = pauli_string("I" * spin + letter + "I" * (2 - spin))
            expected = np.einsum("mij,ji->m", rho, whole)
            np.testing.assert_allclose(np.einsum("mij,ji->m", reduced, pauli_string(letter)), expected, atol=1e-14)
