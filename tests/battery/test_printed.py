"""The printed forms are what the paper prints, letter by letter, and wrong in the way their docstrings say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from nmrqb import Battery
from nmrqb import closed_forms as cf

sizeable = st.one_of(st.floats(-2, -0.05), st.floats(0.05, 2))
batteries = st.builds(Battery, axial=sizeable, rhombic=sizeable, dm=sizeable, ksea=sizeable, zeeman=sizeable)
temperatures = st.floats(0.5, 20)


def symbols(b, T):
    """kappa1, kappa2, J, S, e and N of the paper."""
    k1, k2 = np.sqrt(9 * b.dm**2 + b.axial**2), np.sqrt(b.zeeman**2 + b.ksea**2 + b.rhombic**2)
    J, S, e = 2 * k2 / T, 2 * k1 / (3 * T), np.exp(4 * b.axial / (3 * T))
    return k1, k2, J, S, e, e * np.cosh(S) + np.cosh(J)


@settings(deadline=None)
@given(batteries, temperatures)
def test_eqs_13_and_14(b, T):
    k1, k2, J, S, e, N = symbols(b, T)
    root = np.sqrt(np.exp(8 * b.axial / (3 * T)) * k1**2 * k2**2 * np.sinh(S) ** 2)
    expected = [(e * np.cosh(S) + sign * root) / (2 * N) for sign in (-1, 1)]
    assert np.allclose(cf.gibbs_eigenvalues_odd_as_printed(b, T), expected, rtol=1e-12)
    root = np.sqrt(k1**2 * k2**2 * np.sinh(J) ** 2)
    expected = [(np.cosh(J) + sign * root) / (2 * N) for sign in (-1, 1)]
    assert np.allclose(cf.gibbs_eigenvalues_even_as_printed(b, T), expected, rtol=1e-12, atol=1e-14)


def test_eqs_13_and_14_are_right_where_kappa1_kappa2_is_1():
    b = Battery(axial=2.0, zeeman=0.5)
    for printed, right in ((cf.gibbs_eigenvalues_odd_as_printed, cf.gibbs_eigenvalues_odd),
                           (cf.gibbs_eigenvalues_even_as_printed, cf.gibbs_eigenvalues_even)):  # fmt: skip
        assert np.allclose(printed(b, 0.8), right(b, 0.8), rtol=1e-13)
    assert min(cf.gibbs_eigenvalues_odd_as_printed(Battery(1, 0.5, 1, 0.5, 0.5), 1.0)) < 0


@settings(deadline=None)
@given(batteries, temperatures)
def test_eqs_15_to_18(b, T):
    k1, k2, J, S, e, _ = symbols(b, T)
    eta = (2j * b.dm - b.axial) / k1
    script = np.sqrt(e**2 * k1**2 * k2**2 * np.sinh(S) ** 2)
    alpha = e * eta * k1 * k2 * np.sinh(S) / script
    for sign, vector in zip((1, -1), cf.gibbs_eigenvectors_odd_as_printed(b), strict=True):
        expected = np.array([0, sign * alpha, 1, 0]) / np.sqrt(1 + abs(alpha) ** 2)
        assert np.allclose(vector, expected, rtol=0, atol=1e-12)
    L = script / np.sinh(J) / k1
    for sign, vector in zip((1, -1), cf.gibbs_eigenvectors_even_as_printed(b, T), strict=True):
        amplitude = -1j * (b.zeeman + sign * L) / (b.ksea - 1j * b.rhombic)
        expected = np.array([amplitude, 0, 0, 1]) / np.sqrt(1 + abs(amplitude) ** 2)
        assert np.allclose(vector, expected, rtol=0, atol=1e-10)


@settings(deadline=None)
@given(batteries)
def test_eq_5_as_printed(b):
    k1, k2 = b.kappa1, b.kappa2
    eta = (2j * b.dm - b.axial) / k1
    d1 = 1j * (k2 - b.zeeman) / (b.ksea - 1j * b.rhombic)
    d2 = -1j * (k2 + b.zeeman) / (b.ksea - 1j * b.rhombic)
    q = 1 / np.sqrt(1 + abs(eta) ** 2)
    chi1, chi2 = 1 / np.sqrt(1 + abs(d1) ** 2), 1 / np.sqrt(1 + abs(d2) ** 2)
    expected = np.array([[0, -q * eta, q, 0], [0, q * eta, q, 0], [chi2 * d1, 0, 0, chi2], [chi1 * d2, 0, 0, chi1]]).T
    printed = cf.eigenvectors_as_printed(b)
    assert np.allclose(printed, expected, rtol=1e-10, atol=1e-12)
    assert cf.odd_phase_as_printed(b) == pytest.approx(eta)
    # The even states are right once chi_1 and chi_2 change places.
    right = cf.eigenvectors(b)
    for k, norm in ((2, chi1 / chi2), (3, chi2 / chi1)):
        assert abs(np.vdot(right[:, k], printed[:, k] * norm)) == pytest.approx(1, abs=1e-10)


@settings(deadline=None)
@given(batteries, temperatures)
def test_boltzmann_weights_lack_one_over_z(b, T):
    printed = cf.boltzmann_weights_as_printed(b, T)
    assert np.allclose(printed, np.exp(cf.log_partition_function(b, T)) * cf.boltzmann_weights(b, T), rtol=1e-12)


@settings(deadline=None)
@given(batteries, temperatures, st.floats(-4, 4))
def test_d1_and_d2_letter_by_letter(b, T, phi):
    k1, k2, J, S, e, N = symbols(b, T)
    U1, U2, V1, V2 = np.cosh(S), np.sinh(S), np.sinh(J), np.cosh(J)
    D, eps, G, B, delta = b.dm, b.rhombic, b.ksea, b.zeeman, b.axial
    Q = 2 * U1 * (3 * B + 2 * delta) * e + 6 * B * V2 + 2 * k1 * U2 * e + 6 * k2 * V1
    assert cf.capacity_as_printed(b, T) == pytest.approx(Q / (3 * (U1 * e + V2)), rel=1e-12, abs=1e-12)
    x = -delta + 1j * D + eps
    bracket = x * np.sin(2 * phi) ** 2 * V2 - x * np.exp(2 * (delta - 1j * D) / T) * np.sin(2 * phi) ** 2
    bracket += 2 * np.sin(phi) ** 2 * V1 * (2 * B**2 + eps * x + eps * x * np.cos(2 * phi) + 2 * G**2) / k2
    H = b.hamiltonian()
    own = H.copy()
    own[1, 2] = own[2, 1] = -2 * delta / 3 + 2j * D
    assert not np.allclose(own, own.conj().T)
    for partition, matrix in (("gibbs", H), ("own", own)):
        Z = np.trace(expm(-matrix / T))
        if abs(Z) > 1e-6 * N:
            expected = 2 * np.exp(-2 * delta / (3 * T)) / Z * bracket
            found = cf.ergotropy_as_printed(b, T, phi, partition=partition)
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-11 * max(1, abs(N / Z)))


def test_printed_forms_give_nan_where_the_paper_divides_by_zero():
    assert np.isnan(cf.odd_phase_as_printed(Battery(rhombic=1)))
    assert np.isnan(cf.eigenvectors_as_printed(Battery(axial=1, zeeman=1))).any()
    assert np.isnan(cf.gibbs_eigenvectors_even_as_printed(Battery(axial=1, zeeman=1), 1.0)).any()
    assert np.isinf(cf.boltzmann_weights_as_printed(Battery(axial=10), 0.01)).any()
