"""Powers and maxima: sampled curves against exact derivatives, exact ones against finite differences and closed forms."""

import numpy as np
import pytest
from metric_samples import random_hermitian, random_states, turned

from nmrqb import metrics
from nmrqb.spin.noise import amplitude_damping, dephasing
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.spin.propagation import liouvillian, propagate, spectral, unitary
from nmrqb.spin.states import gibbs_state, polarised_state

RNG = np.random.default_rng(3)
H = random_hermitian(RNG, 3)
RHO = random_states(RNG, 3)
JUMPS = 0.3 * (RNG.normal(size=(3, 2, 4, 4)) + 1j * RNG.normal(size=(3, 2, 4, 4)))


def flow(L, rho, t):
    """States at each of the times, (..., T, d, d); -L runs backwards."""
    forward = propagate(L, rho.reshape(*rho.shape[:-2], -1), t)
    return forward.reshape(*forward.shape[:-1], *rho.shape[-2:])


def test_power_is_the_slope_of_the_energy():
    L, h = liouvillian(random_hermitian(RNG, 3), JUMPS), 1e-5
    before, after = flow(-L, RHO, np.array([h]))[:, 0], flow(L, RHO, np.array([h]))[:, 0]
    slope = metrics.work(after, before, H, check=False) / (2 * h)
    np.testing.assert_allclose(metrics.power(RHO, H, L), slope, atol=1e-7 * np.max(np.abs(slope)))


def test_ergotropy_power_is_the_slope_of_the_ergotropy():
    L, h = liouvillian(random_hermitian(RNG, 3), JUMPS), 1e-5
    before, after = flow(-L, RHO, np.array([h]))[:, 0], flow(L, RHO, np.array([h]))[:, 0]
    slope = (metrics.ergotropy(after, H, check=False) - metrics.ergotropy(before, H, check=False)) / (2 * h)
    np.testing.assert_allclose(metrics.ergotropy_power(RHO, H, L), slope, atol=1e-6 * np.max(np.abs(slope)))


def test_ergotropy_power_where_populations_are_degenerate():
    """From the identity populations split both ways; the slope to later times follows the sorted ones."""
    rho = np.eye(4) / 4
    L, h = liouvillian(H, JUMPS), 1e-7
    after = flow(L, np.broadcast_to(rho, (3, 4, 4)).astype(complex), np.array([h]))[:, 0]
    slope = metrics.ergotropy(after, H, check=False) / h
    found = metrics.ergotropy_power(rho, H, L)
    assert np.all(found > 0.1)
    np.testing.assert_allclose(found, slope, rtol=1e-5)


def test_ergotropy_power_equals_power_for_unitary_charging():
    charging = liouvillian(random_hermitian(RNG, 1)[0])
    rho = turned(gibbs_state(H, 2.0), unitary(random_hermitian(RNG, 3)))
    np.testing.assert_allclose(metrics.ergotropy_power(rho, H, charging), metrics.power(rho, H, charging), atol=1e-11)


def test_sampled_power_approaches_the_exact_one():
    L = liouvillian(2 * collective(2, "x"))
    thermal = gibbs_state(H, 1.0)
    errors = []
    for count in (101, 201):
        t = np.linspace(0, np.pi / 2, count)
        rho = flow(L, thermal, t)
        W = metrics.stored_energy(rho, thermal[:, None], H[:, None])
        exact = metrics.power(rho, H[:, None], L)
        errors.append(np.max(np.abs(metrics.instantaneous_power(W, t) - exact)))
        average = metrics.average_power(W, t)
        np.testing.assert_allclose(average[:, 1:], W[:, 1:] / t[1:], rtol=1e-14)
        np.testing.assert_allclose(average[:, 0], exact[:, 0], atol=2 * errors[-1])
    assert errors[0] < 1e-3 * np.max(np.abs(exact))
    assert errors[1] < errors[0] / 6  # third order at the ends, fourth inside


def test_maximum_between_samples():
    t = np.linspace(0, 3, 31)
    peak, where = metrics.maximum(np.stack([np.sin(t + 0.03), -t, t, np.zeros(31)]), t)
    np.testing.assert_allclose(peak, [1, 0, 3, 0], atol=1e-6)
    np.testing.assert_allclose(where, [np.pi / 2 - 0.03, 0, 3, 0], atol=1e-4)
    uneven = np.sort(RNG.random(60)) * 3
    peak, where = metrics.maximum(np.cos(2 * (uneven - 1.3)), uneven)
    assert peak == pytest.approx(1, abs=1e-4)
    assert where == pytest.approx(1.3, abs=1e-2)


def test_maxima_of_a_single_spin_pulse():
    """H = w sigma_z/2 at polarisation P under Omega sigma_x: W = (wP/2)(1 - cos 2 Omega t), known in full."""
    w, P, Omega = 3.0, 0.4, 0.7
    found = metrics.evolution_maxima(
        liouvillian(Omega * pauli_string("X")), polarised_state(-P), 0.5 * w * pauli_string("Z"), 20.0
    )
    assert found.energy == pytest.approx(w * P, abs=1e-13)
    assert found.energy_time == pytest.approx(np.pi / (2 * Omega), abs=1e-9)  # the first of several equal ones
    assert found.power == pytest.approx(w * P * Omega, abs=1e-13)
    assert found.power_time == pytest.approx(np.pi / (4 * Omega), abs=1e-9)
    x = 2.331122370414423  # root of x sin x = 1 - cos x, that is tan(x/2) = x
    assert np.tan(x / 2) == pytest.approx(x, abs=1e-12)
    assert found.average_power_time == pytest.approx(x / (2 * Omega), abs=1e-9)
    assert found.average_power == pytest.approx(w * P / 2 * (1 - np.cos(x)) * 2 * Omega / x, abs=1e-13)


def test_maxima_under_dissipation_and_for_a_defective_generator():
    """Driven and dephased at the critical rate the generator has no eigenbasis; the maxima must not care."""
    Omega = 1.3
    drive, z = 0.5 * Omega * pauli_string("X"), pauli_string("Z")
    rho0 = polarised_state(-0.8)
    for gamma, sound in ((0.1, True), (Omega, False)):
        L = liouvillian(drive, dephasing(1, gamma, "z"))
        assert bool(spectral(L).sound) == sound
        found = metrics.evolution_maxima(L, rho0, z, 12.0)
        t = np.linspace(0, 12, 20001)
        W = metrics.stored_energy(flow(L, rho0, t), rho0, z, check=False)
        assert found.energy == pytest.approx(W.max(), abs=1e-7)
        assert found.energy >= W.max() - 1e-13
        assert found.power == pytest.approx(np.max(np.gradient(W, t)), abs=1e-6)
        assert found.average_power == pytest.approx(np.max(W[1:] / t[1:]), abs=1e-7)


def test_nothing_charged_has_its_maximum_at_the_start():
    found = metrics.evolution_maxima(liouvillian(pauli_string("ZZ")), np.eye(4) / 4, H[0], 2.0)
    for value in (found.energy, found.energy_time, found.power, found.power_time, found.average_power):
        assert value == pytest.approx(0, abs=1e-13)


def test_efficiency_by_hand():
    """A spin inverted to <sigma_z> = -p and then half relaxed: what is stored and what is left are sums of levels."""
    H1 = -0.5 * pauli_string("Z")
    cold = polarised_state(0.6)
    assert metrics.efficiency(polarised_state(-0.6), cold, H1) == pytest.approx(1)
    assert metrics.efficiency(polarised_state(-0.2), cold, H1) == pytest.approx(0.2 / 0.4)
    assert metrics.efficiency(polarised_state(0.1), cold, H1) == 0
    assert np.isnan(metrics.efficiency(cold, cold, H1))
    # An environment that cools while it charges gives back more than was stored: counted as all of it.
    assert metrics.efficiency(polarised_state(-1.0), cold, H1) == pytest.approx(1)


def test_dissipation_needs_the_passive_state_of_the_moment():
    """Eq. (25) with the initial thermal state overestimates once the spin has lost purity, and goes negative when cooled."""
    H1 = -0.5 * pauli_string("Z")
    hot = polarised_state(0.2)
    generator = liouvillian(H1, amplitude_damping(1, 1.0, 0.9))
    cooled = flow(generator, hot, np.array([5.0]))[0]
    assert metrics.stored_energy(cooled, hot, H1) < -0.3
    assert metrics.ergotropy(cooled, H1) == pytest.approx(0, abs=1e-14)
    mixed = polarised_state(-0.1)
    assert metrics.ergotropy(mixed, H1) == pytest.approx(0.1)
    assert metrics.stored_energy(mixed, hot, H1) == pytest.approx(0.15)
