"""The battery itself: eq. (4) from its operators, levels, eigenvectors at regular and degenerate couplings, arrays."""

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmrqb import Battery
from nmrqb.errors import ArgumentError

X = np.array([[0, 1], [1, 0]], dtype=complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1.0 + 0j, -1])
ONE = np.eye(2)
NAMES = ("axial", "rhombic", "dm", "ksea", "zeeman")

coupling = st.one_of(st.just(0.0), st.floats(-5, 5), st.floats(-1e-9, 1e-9))
couplings = st.tuples(*[coupling] * 5)


def eq4(delta, eps, D, G, B):
    """Eq. (4) written out: D, G, -sigma P sigma/3 with P = diag(Delta - 3 eps, Delta + 3 eps, -2 Delta), B."""
    xy, yx = np.kron(X, Y), np.kron(Y, X)
    P = np.diag([delta - 3 * eps, delta + 3 * eps, -2 * delta])
    dipolar = sum(P[k, k] * np.kron(s, s) for k, s in enumerate((X, Y, Z)))
    return D * (xy - yx) + G * (xy + yx) - dipolar / 3 + B * (np.kron(Z, ONE) + np.kron(ONE, Z))


@given(couplings)
def test_hamiltonian_is_eq_4(values):
    assert np.allclose(Battery(*values).hamiltonian(), eq4(*values), rtol=0, atol=1e-14)


def test_matrix_of_eq_4_for_distinct_couplings():
    # A matrix read off by hand: Delta = 3, eps = 5, D = 7, G = 11, B = 13.
    H = Battery(axial=3, rhombic=5, dm=7, ksea=11, zeeman=13).hamiltonian()
    expected = [[2 + 26, 0, 0, 10 - 22j], [0, -2, -2 + 14j, 0], [0, -2 - 14j, -2, 0], [10 + 22j, 0, 0, 2 - 26]]
    assert np.array_equal(H, np.array(expected))


@settings(max_examples=200)
@given(couplings)
def test_eigenstates_are_orthonormal_and_diagonalise_everywhere(values):
    battery = Battery(*values)
    H, V, E = battery.hamiltonian(), battery.eigenstates(), battery.energies()
    scale = max(1.0, np.abs(H).max())
    assert np.allclose(V.conj().T @ V, np.eye(4), rtol=0, atol=4e-16 * 4)
    assert np.allclose(H @ V, V * E, rtol=0, atol=1e-14 * scale)
    assert np.allclose(E, np.linalg.eigvalsh(H), rtol=0, atol=1e-14 * scale)
    assert np.all(np.diff(E) >= 0)


@pytest.mark.parametrize(
    "values",
    [(0, 0, 0, 0, 0), (0, 1, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 2), (-1, 0, 0, 0, -2), (0, 0, 0, -3, 0),
     (0, 0, 2, 0, 0), (1.03, 1.03, 0, 0, 0), (-0.0, 0.0, -0.0, -0.0, -0.0), (1, 1e-200, 0, 0, 1),
     (1, 0, 0, -0.0, -1e-300)],
)  # fmt: skip
def test_degenerate_points_take_a_regular_branch(values):
    battery = Battery(*values)
    V = battery.eigenstates()
    assert np.allclose(V.conj().T @ V, np.eye(4), rtol=0, atol=1e-15)
    assert np.allclose(battery.hamiltonian() @ V, V * battery.energies(), rtol=0, atol=1e-14)


def test_couplings_broadcast():
    battery = Battery(axial=np.linspace(-1, 1, 5)[:, None], zeeman=[0.1, 0.2, 0.3], dm=0.4)
    assert battery.shape == (5, 3)
    assert battery.hamiltonian().shape == (5, 3, 4, 4)
    assert battery.energies().shape == (5, 3, 4)
    assert battery.eigenstates().shape == (5, 3, 4, 4)
    assert battery.gibbs_state(np.array([1.0, 2.0, 3.0])).shape == (5, 3, 4, 4)
    assert battery.gibbs_state(np.ones((7, 1, 1))).shape == (7, 5, 3, 4, 4)
    one = Battery(axial=battery.axial[3, 0], zeeman=0.2, dm=0.4)
    assert np.array_equal(battery.hamiltonian()[3, 1], one.hamiltonian())
    assert np.allclose(battery.eigenstates()[3, 1], one.eigenstates(), rtol=0, atol=1e-15)


def test_coefficients_rebuild_the_hamiltonian():
    battery = Battery(axial=[1.0, -2.0], rhombic=0.3, dm=0.4, ksea=-0.5, zeeman=0.6)
    labels, values = battery.coefficients
    letters = {"I": ONE, "X": X, "Y": Y, "Z": Z}
    matrices = np.stack([np.kron(letters[a], letters[b]) for a, b in labels])
    assert values.shape == (2, 7)
    assert np.allclose(np.einsum("nk,kij->nij", values, matrices), battery.hamiltonian(), rtol=0, atol=1e-15)


def test_gibbs_state_is_the_boltzmann_average():
    battery = Battery(axial=1, rhombic=0.5, dm=0.2, ksea=-0.3, zeeman=0.4)
    E, V = np.linalg.eigh(battery.hamiltonian())
    weights = np.exp(-E / 0.7)
    assert np.allclose(battery.gibbs_state(0.7), (V * weights / weights.sum()) @ V.conj().T, rtol=0, atol=1e-15)


def test_battery_is_a_value():
    battery = Battery(axial=[1.0, 2.0], dm=0.0)
    assert battery == Battery(axial=[1.0, 2.0], dm=-0.0)
    assert hash(battery) == hash(Battery(axial=[1.0, 2.0], dm=-0.0))
    assert battery != Battery(axial=[1.0, 2.5])
    assert battery != "battery"
    assert replace(battery, zeeman=3).zeeman == 3.0
    with pytest.raises(ValueError, match="read-only"):
        battery.axial[0] = 5.0


@pytest.mark.parametrize("name", NAMES)
def test_refuses_what_is_not_a_finite_number(name):
    for bad in (np.nan, np.inf):
        with pytest.raises(ArgumentError, match=f"{name} must be finite, but is {bad}"):
            Battery(**{name: [0.0, bad]})
    with pytest.raises(ArgumentError, match=f"{name} must be real numbers, but is 'much'"):
        Battery(**{name: "much"})


@pytest.mark.parametrize("bad", [1 + 2j, np.array([1 + 2j]), "1", ["1", "2"], None, [1.0, None]])
def test_refuses_what_a_cast_would_turn_into_a_number(bad):
    with pytest.raises(ArgumentError, match=re.escape(f"axial must be real numbers, but is {bad!r}")):
        Battery(axial=bad)


def test_takes_numbers_of_any_kind():
    for good in (1, True, np.int64(1), np.float32(1), Fraction(1)):
        assert Battery(axial=good) == Battery(axial=1.0)
    assert Battery(axial=[Fraction(1, 2), 1]) == Battery(axial=[0.5, 1.0])


def test_refuses_shapes_that_do_not_broadcast():
    with pytest.raises(ArgumentError, match=r"rhombic must broadcast .* of shape \(2,\), but is of shape \(3,\)"):
        Battery(axial=[1, 2], rhombic=[1, 2, 3])
    with pytest.raises(ArgumentError, match=r"temperature must broadcast .* but is of shape \(3,\)"):
        Battery(axial=[1.0, 2.0]).gibbs_state([1.0, 2.0, 3.0])


def test_refuses_a_temperature_of_zero_but_not_a_small_one():
    battery = Battery(axial=1)
    with pytest.raises(ArgumentError, match=r"temperature must be above zero, but is 0\.0"):
        battery.gibbs_state(0.0)
    assert np.isclose(np.trace(battery.gibbs_state(1e-6)).real, 1)


def test_kappas():
    battery = Battery(axial=3, dm=4 / 3, rhombic=2, ksea=3, zeeman=6)
    assert battery.kappa1 == pytest.approx(5, abs=1e-15)
    assert battery.kappa2 == pytest.approx(7, abs=1e-15)
