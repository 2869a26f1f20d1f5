"""Every kernel against tests/golden/two_spin.json: values computed from definitions in 50-digit arithmetic."""

import json
from pathlib import Path

import numpy as np
import pytest

from nmrqb import charging_unitary, gibbs_state, lindblad, metrics
from nmrqb.metrics.levels import level_index
from nmrqb.spin.noise import dephasing
from nmrqb.spin.operators import collective
from nmrqb.spin.propagation import liouvillian
from nmrqb.spin.states import basis_state

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "two_spin.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-12  # of the largest energy involved, or of 1 where that is smaller


def matrix(pairs):
    return np.array(pairs) @ [1, 1j]


def column(rows, key):
    return np.array([row[key] for row in rows])


@pytest.fixture(params=GOLDEN["cases"], ids=lambda case: f"{case['id']}-{case['tag']}")
def case(request):
    return request.param


@pytest.fixture
def H(case):
    """The paper's eq. (4), written out here so that nothing but the kernels under test is trusted."""
    Delta, eps, D, G, B = (case["params"][name] for name in ("Delta", "eps", "D", "G", "B"))
    up, flip, jump = 2 * Delta / 3, -2 * Delta / 3 + 2j * D, 2 * eps - 2j * G
    rows = [
        [up + 2 * B, 0, 0, jump],
        [0, -up, flip, 0],
        [0, np.conj(flip), -up, 0],
        [np.conj(jump), 0, 0, up - 2 * B],
    ]
    return np.array(rows)


@pytest.fixture
def thermal(case, H):
    return gibbs_state(H, case["params"]["T"])


@pytest.fixture
def close(case):
    scale = max(1.0, *np.abs(case["eigenvalues"]))

    def check(found, expected, tolerance=TOLERANCE):
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)

    return check


def test_thermal_state(case, H, thermal, close):
    close(thermal, matrix(case["gibbs"]))
    close(np.linalg.eigvalsh(thermal)[::-1], case["gibbs_eigenvalues_desc"])
    assert (
        np.unique(level_index(np.array(case["eigenvalues"])), return_counts=True)[1].tolist()
        == (case["H_degeneracies"])
    )
    assert np.bincount(level_index(np.linalg.eigvalsh(H))).tolist() == case["H_degeneracies"]


def test_measures_of_the_thermal_state(case, H, thermal, close):
    expected = case["gibbs_measures"]
    close(metrics.l1_coherence(thermal), expected["l1"])
    close(metrics.concurrence(thermal), expected["concurrence"])
    close(metrics.discord(thermal), expected["discord_A"])
    close(metrics.discord(thermal, measured=1), expected["discord_B"])
    capacities = {"ground": "eq27_literal", "paper": "D1", "gap": "spectral_gap", "orbit": "unitary_orbit"}
    for kind, key in capacities.items():
        close(metrics.capacity(H, thermal, kind), case["capacity"][key])


@pytest.mark.parametrize("axis", ["x", "y"])
def test_charging(case, H, thermal, close, axis):
    rows = case["charging"][axis]["angles"]
    phi = column(rows, "phi")
    U = charging_unitary(2, phi, axis)
    rho = U @ thermal @ U.conj().swapaxes(-1, -2)
    generator = liouvillian(2 * collective(2, axis))
    close(metrics.ergotropy(rho, H), column(rows, "ergotropy"))
    close(metrics.stored_energy(rho, thermal, H), column(rows, "ergotropy"))
    close(metrics.incoherent_ergotropy(rho, H), column(rows, "ergotropy_incoherent"))
    close(metrics.coherent_ergotropy(rho, H), column(rows, "ergotropy_coherent"))
    close(metrics.power(rho, H, generator), column(rows, "power_over_Omega"))
    # Populations within 1e-10 of each other are treated as equal there, which limits the accuracy.
    close(metrics.ergotropy_power(rho, H, generator), column(rows, "power_over_Omega"), 1e-10)
    close(metrics.l1_coherence(rho), column(rows, "l1"))
    close(metrics.concurrence(rho), column(rows, "concurrence"))
    close(metrics.discord(rho), column(rows, "discord_A"))
    close(metrics.discord(rho, measured=1), column(rows, "discord_B"))
    if axis == "x":
        mirrored = U.conj().swapaxes(-1, -2) @ thermal @ U
        close(mirrored, np.stack([matrix(row["rho_eq28_UdagRhoU"]) for row in rows]))


@pytest.mark.parametrize("axis", ["x", "y"])
def test_maxima_over_a_charging(case, H, thermal, close, axis):
    expected = case["charging"][axis]
    found = metrics.evolution_maxima(liouvillian(2 * collective(2, axis)), thermal, H, np.pi / 2)
    close(found.energy, expected["xi_max"])
    close(found.power, expected["power_max_over_Omega"])
    close(found.average_power, expected["average_power_max_over_Omega"])
    # At a maximum of the value v the time is known to about sqrt(1e-16 v / curvature).
    if expected["phi_xi_max"] is not None:
        assert found.energy_time == pytest.approx(expected["phi_xi_max"], abs=1e-8)
    if expected["phi_average_power_max"] is not None:
        assert found.average_power_time == pytest.approx(expected["phi_average_power_max"], abs=1e-8)


@pytest.mark.parametrize("start", ["00", "gibbs"])
def test_dephasing(case, H, thermal, close, start):
    rows = case["lindblad"][start]
    rho0 = basis_state("00") if start == "00" else thermal
    rho = lindblad(H, dephasing(2, GOLDEN["gamma"], "x"), rho0, GOLDEN["times"])
    close(rho, np.stack([matrix(row["rho"]) for row in rows]))
    close(metrics.l1_coherence(rho), column(rows, "l1"))
    close(metrics.concurrence(rho), column(rows, "concurrence"))
    close(metrics.discord(rho), column(rows, "discord_A"))
    close(metrics.discord(rho, measured=1), column(rows, "discord_B"))
    close(metrics.ergotropy(rho, H), column(rows, "ergotropy"))
    close(np.einsum("tij,ji->t", rho, H).real, column(rows, "energy"))
