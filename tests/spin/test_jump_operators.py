"""Named noise: rates, fixed points and symmetries of every jump set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmrqb.errors import ArgumentError
from nmrqb.spin.liouville import dissipator, liouvillian
from nmrqb.spin.noise import amplitude_damping, combined, davies, dephasing
from nmrqb.spin.operators import PAULI, pauli_string
from nmrqb.spin.propagation import lindblad
from nmrqb.spin.states import basis_state, gibbs_state, partial_trace, polarised_state, product_state, pure_state

RNG = np.random.default_rng(12)
SINGLET = pure_state([0, 1, -1, 0])


def hermitian(count, d=4):
    a = RNG.normal(size=(count, d, d)) + 1j * RNG.normal(size=(count, d, d))
    return a + a.conj().swapaxes(-1, -2)


def moved(generator, rho):
    """How far from stationary a state is: the largest element of generator(rho)."""
    d = rho.shape[-1]
    return np.max(np.abs(generator @ rho.reshape(*rho.shape[:-2], d * d, 1)))


def expectation(rho, label):
    return np.einsum("...ij,ji->...", rho, pauli_string(label)).real


def test_x_dephasing_is_eq_20():
    gamma, rho = 0.37, hermitian(1)[0]
    written_out = gamma * sum(X @ rho @ X - rho for X in (pauli_string("XI"), pauli_string("IX")))
    found = (dissipator(dephasing(2, gamma, "x")) @ rho.reshape(16)).reshape(4, 4)
    np.testing.assert_allclose(found, written_out, atol=1e-13)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_dephasing_rates(axis):
    """Components across the axis decay at 2 x rate each, so XY-type products at 4 x rate; those along it stay."""
    gamma, t = 0.3, 1.7
    rho0 = product_state(*(0.5 * (np.eye(2) + 0.5 * sum(PAULI[k] for k in "XYZ")) for _ in range(2)))
    rho = lindblad(np.zeros((4, 4)), dephasing(2, gamma, axis), rho0, [t])[0]
    for label in ("XI", "YI", "IZ", "XX", "XY", "YZ"):
        crossing = sum(letter not in ("I", axis.upper()) for letter in label)
        assert expectation(rho, label) == pytest.approx(expectation(rho0, label) * np.exp(-2 * gamma * t * crossing))


def test_collective_dephasing_spares_the_zero_quantum_coherence():
    gamma, t = 0.2, 2.0
    rho0 = pure_state([1, 1, 1, 1])
    rho = lindblad(np.zeros((4, 4)), dephasing(2, gamma, "z", collective=True), rho0, [t])[0]
    M = np.array([2, 0, 0, -2])
    np.testing.assert_allclose(rho, rho0 * np.exp(-0.5 * gamma * t * np.subtract.outer(M, M) ** 2), atol=1e-14)


def test_damping_reaches_the_polarisation_at_rate_1_over_T1():
    rate, P, t = 0.8, 0.3, np.array([0.4, 2.0, 60.0])
    rho0 = polarised_state(-0.9)
    rho = lindblad(np.zeros((2, 2)), amplitude_damping(1, rate, P), rho0, t)
    np.testing.assert_allclose(expectation(rho, "Z"), P + (-0.9 - P) * np.exp(-rate * t), atol=1e-13)
    tilted = lindblad(np.zeros((2, 2)), amplitude_damping(1, rate, P), pure_state([1, 1]), t)
    np.testing.assert_allclose(expectation(tilted, "X"), np.exp(-rate * t / 2), atol=1e-13)


@pytest.mark.parametrize("P", [-1.0, -0.4, 0.0, 0.7, 1.0])
@pytest.mark.parametrize("collective", [False, True])
def test_product_of_polarised_spins_is_a_fixed_point_of_damping(P, collective):
    L = dissipator(amplitude_damping(2, 1.3, P, collective=collective))
    assert moved(L, product_state(polarised_state(P), polarised_state(P))) < 1e-14
    assert (moved(L, SINGLET) < 1e-14) == collective


def test_damping_of_chosen_spins():
    jumps = combined(amplitude_damping(2, 1.0, spins=[0]), amplitude_damping(2, 5.0, -1.0, spins=[1]))
    assert jumps.shape == (4, 4, 4)
    end = lindblad(np.zeros((4, 4)), jumps, np.eye(4) / 4, [40.0])[0]
    np.testing.assert_allclose(end, basis_state("01"), atol=1e-13)
    dephased = lindblad(np.zeros((4, 4)), dephasing(2, 1.0, "z", spins=[1]), basis_state("++"), [9.0])[0]
    np.testing.assert_allclose(partial_trace(dephased, 0), basis_state("+"), atol=1e-13)
    np.testing.assert_allclose(partial_trace(dephased, 1), np.eye(2) / 2, atol=1e-7)


DEGENERATE = {
    "two levels": np.diag([0.0, 0.0, 1.0, 1.0]),
    "flat": 2.5 * np.eye(4),
    "equal gaps": np.diag([0.0, 1.0, 2.0, 3.0]),
    "dipolar": pauli_string("ZZ") * 2 - pauli_string("XX") - pauli_string("YY"),
    "zero": np.zeros((4, 4)),
}


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.5, 5.0, 500.0]))
@settings(max_examples=25, deadline=None)
def test_davies_leaves_the_thermal_state_alone(seed, T):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    H = a + a.conj().T
    assert moved(liouvillian(H, davies(H, T, 0.7)), gibbs_state(H, T)) < 1e-13


@pytest.mark.parametrize("name", DEGENERATE)
def test_davies_with_degenerate_levels(name):
    """The thermal state is stationary and reached, and the generator is the same in every eigenbasis of H."""
    H, T = DEGENERATE[name], 0.8
    L = dissipator(davies(H, T, 0.7))
    zeta = gibbs_state(H, T)
    assert moved(L, zeta) < 1e-13
    start = product_state(polarised_state(1.0), polarised_state(0.3))
    np.testing.assert_allclose(lindblad(H, davies(H, T, 0.7), start, [300.0])[0], zeta, atol=1e-11)
    a = np.linalg.qr(hermitian(1)[0])[0]
    turned = dissipator(davies(a @ H @ a.conj().T, T, 0.7, [a @ pauli_string("XI") @ a.conj().T]))
    K = np.kron(a, a.conj())
    np.testing.assert_allclose(turned, K @ dissipator(davies(H, T, 0.7, [pauli_string("XI")])) @ K.conj().T, atol=1e-12)


def test_davies_keeps_coherence_between_equal_gaps():
    """Two identical uncoupled spins in one environment: each relaxes as a whole, as with collective damping."""
    w, T, rate = 1.4, 0.9, 0.6
    H = -0.5 * w * (pauli_string("ZI") + pauli_string("IZ"))
    both = [pauli_string("XI") + pauli_string("IX")]
    expected = dissipator(amplitude_damping(2, rate, np.tanh(w / (2 * T)), collective=True))
    np.testing.assert_allclose(dissipator(davies(H, T, rate, both)), expected, atol=1e-13)
    apart = H + 1e-3 * pauli_string("ZI")
    assert np.max(np.abs(dissipator(davies(apart, T, rate, both)) - expected)) > 0.05


def test_davies_of_one_spin_is_amplitude_damping():
    w, T, rate = 1.4, np.array([0.05, 0.9, 40.0]), 0.6
    H = -0.5 * w * pauli_string("Z")
    found = dissipator(davies(H, T, rate, [pauli_string("X")]))
    np.testing.assert_allclose(found, dissipator(amplitude_damping(1, rate, np.tanh(w / (2 * T)))), atol=1e-14)


def test_detailed_balance_with_a_spectrum():
    """Ohmic environment: up and down rates of a spin at w differ by exp(-w/T), and scale with the spectrum at w."""
    w, T = 2.2, 0.7
    H = -0.5 * w * pauli_string("Z")
    jumps = davies(H, T, 1.0, [pauli_string("X")], spectrum=lambda f: 3 * f)
    down, up = (np.sum(np.abs(jumps[:, i, j]) ** 2) for i, j in ((0, 1), (1, 0)))
    assert up / down == pytest.approx(np.exp(-w / T))
    assert up + down == pytest.approx(3 * w)
    with pytest.raises(ArgumentError, match=r"spectrum must be zero or above, but is -2\.2"):
        davies(H, T, 1.0, [pauli_string("X")], spectrum=lambda f: -f)


def test_near_degenerate_gaps_within_tolerance_count_as_one():
    H = np.diag([0.0, 1.0, 2.0 + 1e-4, 3.0])
    for tolerance, together in ((1e-3, True), (1e-6, False)):
        parts = davies(H, 1.0, 1.0, [np.ones((4, 4))], tolerance=tolerance)
        step = [np.abs(p[0, 1]) > 0.1 and np.abs(p[1, 2]) > 0.1 for p in parts]
        assert any(step) == together


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: dephasing(2, -0.1, "x"), r"rate must be zero or above, but is -0\.1"),
        (lambda: dephasing(2, 0.1, "w"), "axis .* 'w'"),
        (lambda: dephasing(0, 0.1, "x"), "n must be a whole number of spins, 1 or more, but is 0"),
        (lambda: dephasing(1.5, 0.1, "x"), r"but is 1\.5"),
        (lambda: dephasing(2, 0.1, "x", spins=[2]), r"spins must name .* 0 to 1, but is \[2\]"),
        (lambda: dephasing(2, 0.1, "x", spins=[]), r"but is \[\]"),
        (lambda: amplitude_damping(1, 1.0, 1.001), r"between -1 and 1, but is 1\.001"),
        (lambda: amplitude_damping(1, -1.0), "rate must be zero or above, but is -1"),
        (lambda: amplitude_damping(1, [1.0, 2.0], [0.1, 0.2, 0.3]), r"polarisation must broadcast .*\(2,\).*\(3,\)"),
        (lambda: davies(np.eye(4), 0.0, 1.0), "temperature must be above zero, but is 0"),
        (lambda: davies(np.eye(4), 1.0, -1.0), "rate must be zero or above, but is -1"),
        (lambda: davies(1j * np.eye(4), 1.0, 1.0), "H must be Hermitian"),
        (lambda: davies(np.eye(4), 1.0, 1.0, [np.eye(2)]), r"couplings must have shape \(\.\.\., 4, 4\)"),
        (lambda: davies(np.eye(4), 1.0, 1.0, [pauli_string("XI") * 1j]), "couplings must be Hermitian"),
        (lambda: davies(np.eye(4), 1.0, 1.0, np.eye(4)), r"couplings must have shape \(K, d, d\)"),
        (lambda: davies(np.eye(3), 1.0, 1.0), "power of two"),
        (lambda: davies(np.stack([np.eye(2)] * 2), [1.0] * 3, 1.0), r"\(3,\)"),
        (combined, "at least one set"),
        (lambda: combined(np.eye(4)[None], np.eye(2)[None]), r"\(1, 4, 4\), \(1, 2, 2\)"),
        (lambda: combined(np.eye(4)), r"\(4, 4\)"),
    ],
)
def test_arguments_are_checked(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()


def test_boundaries_are_allowed():
    assert dephasing(1, 0.0, "x").shape == (1, 2, 2)
    for P in (-1.0, 1.0):
        assert amplitude_damping(1, 0.0, P).shape == (2, 2, 2)
    assert davies(np.eye(2), 1e-3, 0.0).shape[-2:] == (2, 2)
