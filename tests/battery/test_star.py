"""The star battery by sectors of total spin, against matrices of all its spins, closed forms and published numbers."""

import numpy as np
import pytest

from nmrqb.battery.star import MAX_CHARGERS, StarBattery, battery_ergotropy, discharged, relaxed
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy
from nmrqb.spin.operators import collective
from nmrqb.spin.propagation import lindblad
from nmrqb.spin.states import partial_trace, polarised_state, product_state

J = 7.3


def brute_force(N, times, P_charger, P_battery, coupling=J):
    """States of the battery (T, 2, 2) under H on all 2^(N+1) dimensions; charged is |1>, so polarisations turn sign."""
    outer = range(1, N + 1)
    H = 2 * np.pi * coupling * sum(collective(N + 1, a, [0]) @ collective(N + 1, a, outer) for a in "xy")
    rho0 = product_state(polarised_state(-P_battery), *[polarised_state(-P_charger)] * N)
    energies, V = np.linalg.eigh(H)
    U = (V * np.exp(-1j * np.multiply.outer(times, energies))[:, None, :]) @ V.conj().T
    return partial_trace(U @ rho0 @ U.conj().swapaxes(-1, -2), [0])


@pytest.mark.parametrize("N", [1, 2, 3, 4])
@pytest.mark.parametrize(("P", "start"), [(1.0, -1.0), (0.6, -0.3), (-0.2, 0.9), (0.0, 1.0)])
def test_sectors_are_the_full_dynamics(N, P, start):
    times = np.linspace(0, 3 / J, 13)
    rho = brute_force(N, times, P, start)
    np.testing.assert_allclose(StarBattery(N, J).excitation(times, P, start), rho[:, 1, 1].real, atol=1e-12)
    np.testing.assert_allclose(rho[:, 0, 1], 0, atol=1e-13)  # no coherence ever


@pytest.mark.parametrize("N", [1, 2, 3, 9, 36, MAX_CHARGERS])
def test_pure_chargers_fill_the_battery_sqrt_n_times_faster(N):
    star = StarBattery(N, -J)
    times = np.linspace(0, 2 * star.full_charge_time, 9)
    np.testing.assert_allclose(star.excitation(times), np.sin(np.pi * J * np.sqrt(N) * times) ** 2, atol=1e-10)
    assert star.excitation(star.full_charge_time) == pytest.approx(1, abs=1e-10)
    assert star.speed_up == pytest.approx(np.sqrt(N), rel=1e-14)


def test_sectors_hold_every_state_once():
    for N in (1, 4, 36):
        sectors = list(StarBattery(N).sectors())
        assert sum((2 * s.j + 1) * np.exp(s.log_count) for s in sectors) == pytest.approx(2.0**N, rel=1e-12)
        assert sum(s.weights(N, np.array(0.37)).sum() for s in sectors) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("N", "peak", "at", "rate", "power"),
    [(3, 1.104, 0.610, 1.64, 1.75), (9, 1.350, 0.399, 2.51, 3.11), (36, 1.503, 0.217, 4.62, 6.31)],
)
def test_thermal_peaks_and_both_of_their_speed_ups(N, peak, at, rate, power):
    star, one = StarBattery(N, J), StarBattery(1, J)
    Q, t = star.peak()
    assert pytest.approx(peak, abs=6e-4) == Q
    assert 2 * J * t == pytest.approx(at, abs=6e-4)
    assert one.peak()[1] / t == pytest.approx(rate, abs=6e-3)
    assert star.peak("power")[0] / one.peak("power")[0] == pytest.approx(power, abs=6e-3)


def test_one_charger_swaps_and_has_its_power_where_tan_x_is_2x():
    assert StarBattery(1, J).peak() == pytest.approx((1, 1 / (2 * J)), rel=1e-6)
    power, t = StarBattery(1, J).peak("power")
    x = np.pi * J * t
    assert np.tan(x) == pytest.approx(2 * x, rel=1e-6)
    assert power == pytest.approx(2 * np.sin(x) ** 2 / t, rel=1e-9)


@pytest.mark.parametrize("start", [-1.0, -0.25, 0.0])
def test_the_linear_limit_is_the_limit(start):
    star, times, P = StarBattery(9, J), np.linspace(0, 1 / J, 7), 1e-5
    Q = (2 * star.excitation(times, P, start * P) - 1) / P
    np.testing.assert_allclose(star.linear_polarisation(times, start), Q, atol=1e-7)


@pytest.mark.parametrize("P", [0.8, 0.05, -0.5])
def test_fresh_chargers_leave_their_own_polarisation(P):
    star = StarBattery(3, J)
    rise, fall = star.exchange(0.3 * star.full_charge_time, P)
    assert rise / fall == pytest.approx((1 + P) / (1 - P), rel=1e-12)
    found = star.rounds(40, 0.3 * star.full_charge_time, P, -1.0)
    assert found[-1] == pytest.approx((1 + P) / 2, abs=2e-3)
    assert np.all(np.diff(found) > 0)  # no oscillation
    by_hand = [0.0]
    for _ in range(40):
        by_hand.append(float(star.excitation(0.3 * star.full_charge_time, P, 2 * by_hand[-1] - 1)))
    np.testing.assert_allclose(found, by_hand, atol=1e-12)


def test_a_round_is_the_replacement_channel_of_all_spins():
    star = StarBattery(2, J)
    t, P = 0.6 * star.full_charge_time, 0.7
    first = brute_force(2, [t], P, -1.0)[0, 1, 1].real
    second = brute_force(2, [t], P, 2 * first - 1)[0, 1, 1].real
    np.testing.assert_allclose(star.rounds(2, t, P), [0, first, second], atol=1e-12)


@pytest.mark.parametrize("r", [(0, 0, 0.4), (0, 0, -0.4), (0.3, -0.5, 0.2), (0.6, 0, -0.8)])
def test_ergotropy_of_one_spin_is_that_of_its_hamiltonian(r):
    rho = 0.5 * (np.eye(2) + sum(x * 2 * collective(1, a) for x, a in zip(r, "xyz", strict=True)))
    assert battery_ergotropy(rho) == pytest.approx(ergotropy(rho, np.diag([-0.5, 0.5])), abs=1e-12)
    if not any(r[:2]):
        assert battery_ergotropy(rho) == pytest.approx(max(0, 2 * rho[1, 1].real - 1), abs=1e-15)


def test_storage_is_relaxation_towards_the_own_equilibrium():
    T1, P = 4.0, -0.6  # equilibrium of the charged level's polarisation
    up, down = (1 + P) / 2 / T1, (1 - P) / 2 / T1
    lift = np.array([[0, 0], [1, 0]], dtype=complex)
    times = np.array([0.0, 1.0, 7.0])
    rho = lindblad(np.zeros((2, 2)), [np.sqrt(up) * lift, np.sqrt(down) * lift.T], np.diag([0.1, 0.9]), times)
    np.testing.assert_allclose(relaxed(0.9, times, T1, P), rho[:, 1, 1].real, atol=1e-9)


def test_a_load_takes_all_at_half_a_period_and_nothing_is_lost():
    times = np.linspace(0, 1 / J, 9)
    battery, load = discharged(0.9, 0.2, J, times)
    np.testing.assert_allclose(load, StarBattery(1, J).excitation(times, 2 * 0.9 - 1, 2 * 0.2 - 1), atol=1e-12)
    np.testing.assert_allclose(battery + load, 1.1, atol=1e-14)
    assert discharged(0.9, 0.2, -J, 1 / (2 * J)) == pytest.approx((0.2, 0.9), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: StarBattery(0), "chargers must be a whole number from 1 to 1000, but is 0"),
        (lambda: StarBattery(MAX_CHARGERS + 1), "from 1 to 1000, but is 1001"),
        (lambda: StarBattery(2.5), "whole number .* is 2.5"),
        (lambda: StarBattery(3, 0.0), r"coupling must not be zero.*is 0\.0 Hz"),
        (lambda: StarBattery(3, np.inf), "coupling must be finite, but is inf"),
        (lambda: StarBattery(3).excitation(-1e-9), "times must be zero or above, but is -1e-09"),
        (
            lambda: StarBattery(3).excitation(0.1, 1.001),
            r"charger_polarisation must lie between -1 and 1, but is 1\.001",
        ),
        (lambda: StarBattery(3).excitation(0.1, 1, -1.001), r"battery_polarisation must lie .*is -1\.001"),
        (lambda: StarBattery(3).rounds(-1, 0.1), "count must be a whole number, 0 or more, but is -1"),
        (lambda: StarBattery(3).peak("energy"), "of must be .* but is 'energy'"),
        (lambda: relaxed(1.01, 1, 1), r"excitation must lie between 0 and 1, but is 1\.01"),
        (lambda: relaxed(0.5, 1, 0.0), r"t1 must be above zero, but is 0\.0"),
        (lambda: discharged(0.5, -0.01, 1, 1), r"load must lie between 0 and 1, but is -0\.01"),
        (lambda: discharged(0.5, 0.1, 1, -1.0), r"time must be zero or above, but is -1\.0"),
        (lambda: battery_ergotropy(np.eye(4) / 4), r"rho must have shape \(\.\.\., 2, 2\)"),
    ],
)
def test_what_no_star_has_is_refused(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()


def test_the_ends_of_what_is_allowed_are_taken():
    assert StarBattery(1, -1e-6).excitation(0.0, -1.0, 1.0) == pytest.approx(1)
    assert StarBattery(3).rounds(0, 0.1) == pytest.approx([0])
    assert relaxed(1.0, 0.0, 1e-9, -1.0) == pytest.approx(1)
    assert discharged(1.0, 0.0, 0.0, 0.0) == pytest.approx((1, 0))
