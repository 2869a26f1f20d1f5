"""Every closed form against tests/golden/two_spin.json: values computed from definitions in 50-digit arithmetic."""

import json
from pathlib import Path

import numpy as np
import pytest

from nmrqb import Battery, closed_forms

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "two_spin.json").read_text(encoding="utf-8"))
CASES = GOLDEN["cases"]
TOLERANCE = 1e-12  # relative to the energies involved, which float64 allows throughout


def matrix(pairs):
    return np.array(pairs) @ [1, 1j]


@pytest.fixture(params=CASES, ids=lambda case: f"{case['id']}-{case['tag']}")
def case(request):
    return request.param


@pytest.fixture
def battery(case):
    p = case["params"]
    return Battery(axial=p["Delta"], rhombic=p["eps"], dm=p["D"], ksea=p["G"], zeeman=p["B"])


def close(found, expected, scale=1.0):
    assert np.allclose(found, expected, rtol=0, atol=TOLERANCE * max(1.0, abs(scale))), (found, expected)


def test_levels_and_gibbs_state(case, battery):
    T, cf = case["params"]["T"], closed_forms
    close(battery.energies(), case["eigenvalues"])
    close(np.sort(cf.energies(battery)), case["eigenvalues"])
    close(cf.log_partition_function(battery, T), case["lnZ"], case["lnZ"])
    close(cf.mean_energy(battery, T), case["mean_energy"])
    close(cf.gibbs_state(battery, T), matrix(case["gibbs"]))
    close(battery.gibbs_state(T), matrix(case["gibbs"]))
    weights = cf.boltzmann_weights(battery, T)
    close(np.sort(weights)[::-1], case["gibbs_eigenvalues_desc"])
    both = [*cf.gibbs_eigenvalues_odd(battery, T), *cf.gibbs_eigenvalues_even(battery, T)]
    close(np.sort(both)[::-1], case["gibbs_eigenvalues_desc"])


def test_gibbs_measures(case, battery):
    T, cf, expected = case["params"]["T"], closed_forms, case["gibbs_measures"]
    rho = cf.gibbs_state(battery, T)
    close(cf.gibbs_l1(battery, T), expected["l1"])
    close(cf.x_state_l1(rho), expected["l1"])
    close(cf.gibbs_concurrence(battery, T), expected["concurrence"])
    close(cf.x_state_concurrence(rho), expected["concurrence"])
    close(cf.gibbs_discord(battery, T), expected["discord_A"])
    close(cf.x_state_discord(rho), expected["discord_A"])
    close(cf.x_state_discord(rho, measured=1), expected["discord_B"])
    close(cf.x_state_discord_two_candidates(rho), expected["discord_A_two_candidate"])


def test_capacity(case, battery):
    T, cf, expected = case["params"]["T"], closed_forms, case["capacity"]
    close(cf.capacity_ground(battery), expected["eq27_literal"])
    close(cf.capacity_paper(battery, T), expected["D1"])
    close(cf.capacity_as_printed(battery, T), expected["D1"])
    close(cf.capacity_gap(battery), expected["spectral_gap"])
    close(cf.capacity_orbit(battery, T), expected["unitary_orbit"])


@pytest.mark.parametrize("axis", ["x", "y"])
def test_charging(case, battery, axis):
    T, cf, expected = case["params"]["T"], closed_forms, case["charging"][axis]
    close(cf.ergotropy_coefficients(battery, T, axis), [expected["A"], expected["C"]])
    close(cf.ergotropy_max(battery, T, axis), expected["xi_max"])
    close(cf.power_max(battery, T, axis), expected["power_max_over_Omega"])
    for function, key in ((cf.average_power_max, "average_power_max_over_Omega"), (cf.full_charge_angle, "phi_xi_max"),
                          (cf.average_power_max_angle, "phi_average_power_max")):  # fmt: skip
        if expected[key] is None:
            assert np.isnan(function(battery, T, axis))
        else:
            close(function(battery, T, axis), expected[key])
    close(cf.charging_l1_max(battery, T, axis).l1, expected["l1_max"])
    for point in expected["angles"]:
        phi = point["phi"]
        close(cf.ergotropy(battery, T, phi, axis), point["ergotropy"])
        close(cf.power(battery, T, phi, axis), point["power_over_Omega"])
        if point["average_power_over_Omega"] is not None:
            close(cf.average_power(battery, T, phi, axis), point["average_power_over_Omega"])
        close(cf.charging_l1(battery, T, phi, axis), point["l1"])
        close(cf.gibbs_concurrence(battery, T), point["concurrence"])  # frozen while charging
        close(cf.gibbs_discord(battery, T), point["discord_A"])
        if "rho_eq28_UdagRhoU" in point:
            close(cf.charged_state(battery, T, -phi, axis), matrix(point["rho_eq28_UdagRhoU"]))


@pytest.mark.parametrize("start", ["00", "gibbs"])
def test_dephasing(case, battery, start):
    cf, rows, gamma = closed_forms, case["lindblad"][start], GOLDEN["gamma"]
    rho0 = np.diag([1.0, 0, 0, 0]) if start == "00" else cf.gibbs_state(battery, case["params"]["T"])
    states = cf.dephased_x_state(battery, rho0, gamma, [row["t"] for row in rows])
    for rho, row in zip(states, rows, strict=True):
        close(rho, matrix(row["rho"]))
        close(cf.x_state_l1(rho), row["l1"])
        close(cf.x_state_concurrence(rho), row["concurrence"])
        close(cf.x_state_discord(rho, 0), row["discord_A"])
        close(cf.x_state_discord(rho, 1), row["discord_B"])
        if start == "00" and battery.ksea == battery.zeeman == 0:
            close(cf.dephased_from_00(battery, gamma, row["t"]), matrix(row["rho"]))
            close(cf.dephased_from_00_l1(battery, gamma, row["t"]), row["l1"])
            close(cf.dephased_from_00_concurrence(battery, gamma, row["t"]), row["concurrence"])
