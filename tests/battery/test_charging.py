"""The fast sweep against rotations done one by one, independent high-precision data, and its own algebra."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmrqb.battery import Battery
from nmrqb.battery.charging import axis_phase, charge, charging_maxima
from nmrqb.battery.peaks import grid_maxima, refined_maxima
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy, l1_coherence, stored_energy
from nmrqb.spin.operators import collective
from nmrqb.spin.propagation import unitary

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "two_spin.json").read_text())["cases"]
FIELDS = ("stored_energy", "ergotropy", "power", "l1")


def random_pair(rng, n, *lead):
    """A random H and a random state for n spins, no structure at all."""
    d = 2**n
    a = rng.normal(size=(2, *lead, d, d)) + 1j * rng.normal(size=(2, *lead, d, d))
    H = a[0] + a[0].conj().swapaxes(-1, -2)
    rho = a[1] @ a[1].conj().swapaxes(-1, -2)
    return H, rho / np.trace(rho, axis1=-2, axis2=-1)[..., None, None]


def brute_force(H, rho0, phi, axis):
    """The definition: rotate, then measure; power from the commutator."""
    n = H.shape[-1].bit_length() - 1
    phase = axis_phase(axis)
    F = np.cos(phase) * collective(n, "x") + np.sin(phase) * collective(n, "y")
    U = unitary(2 * np.asarray(phi)[:, None, None] * F)
    rho = U @ rho0[..., None, :, :] @ U.conj().swapaxes(-1, -2)
    wide = H[..., None, :, :]
    rate = -2j * np.trace(wide @ (F @ rho - rho @ F), axis1=-2, axis2=-1)
    start = np.broadcast_to(rho0[..., None, :, :], rho.shape)
    return {
        "stored_energy": stored_energy(rho, start, wide),
        "ergotropy": ergotropy(rho, wide),
        "power": rate.real,
        "l1": l1_coherence(rho),
    }


@pytest.mark.parametrize("axis", ["x", "y", "-x", "-y", 0.7])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_sweep_equals_rotating_the_state(n, axis):
    H, rho = random_pair(np.random.default_rng(n), n, 3)
    phi = np.linspace(-1.0, 4.0, 23)
    curve, expected = charge(H, rho, phi, axis), brute_force(H, rho, phi, axis)
    for field in FIELDS:
        np.testing.assert_allclose(getattr(curve, field), expected[field], atol=1e-12 * 2**n, err_msg=field)


def test_five_spins_take_the_factored_path():
    H, rho = random_pair(np.random.default_rng(5), 5)
    curve, expected = charge(H, rho, [0.3, 1.1]), brute_force(H, rho, [0.3, 1.1], "x")
    np.testing.assert_allclose(curve.l1, expected["l1"], atol=1e-12)
    np.testing.assert_allclose(curve.ergotropy, expected["ergotropy"], atol=1e-11)


def golden(axis):
    H = Battery(*(np.array([c["params"][k] for c in GOLDEN]) for k in ("Delta", "eps", "D", "G", "B"))).hamiltonian()
    rho = np.array([[[complex(*z) for z in row] for row in c["gibbs"]] for c in GOLDEN])
    return H, rho, [c["charging"][axis] for c in GOLDEN]


@pytest.mark.parametrize("axis", ["x", "y"])
def test_curves_match_the_golden_data(axis):
    H, rho, cases = golden(axis)
    phi = [point["phi"] for point in cases[0]["angles"]]
    curve = charge(H, rho, phi, axis)
    for field, key in (("ergotropy", "ergotropy"), ("power", "power_over_Omega"), ("l1", "l1")):
        expected = [[point[key] for point in case["angles"]] for case in cases]
        np.testing.assert_allclose(getattr(curve, field), expected, rtol=1e-13, atol=1e-12, err_msg=field)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_maxima_match_the_golden_data(axis):
    """Its l1 maximum too, although l1 is no polynomial: the kinks of l1 all point down and no maximum sits on one."""
    H, rho, cases = golden(axis)
    best = charging_maxima(H, rho, axis)
    for field, key in (("stored_energy", "xi_max"), ("power", "power_max_over_Omega"), ("l1", "l1_max")):
        expected = np.array([case[key] for case in cases])
        np.testing.assert_allclose(getattr(best, field), expected, rtol=1e-12, atol=1e-12, err_msg=field)
    times = np.array([np.nan if case["phi_xi_max"] is None else case["phi_xi_max"] for case in cases])
    charged = np.isfinite(times)
    np.testing.assert_allclose(best.phi_energy[charged], times[charged], atol=1e-12)
    np.testing.assert_array_equal(best.phi_energy[~charged], 0.0)


def test_a_batch_is_its_members_and_arguments_broadcast():
    H, rho = random_pair(np.random.default_rng(1), 2, 4)
    phi = np.linspace(0, np.pi, 9)
    together = charge(H[:, None], rho, phi)
    best = charging_maxima(H[:, None], rho)
    assert together.l1.shape == (4, 4, 9)
    for i, j in ((0, 0), (2, 1), (3, 3)):
        alone, top = charge(H[i], rho[j], phi), charging_maxima(H[i], rho[j])
        for field in FIELDS:
            np.testing.assert_allclose(getattr(together, field)[i, j], getattr(alone, field), atol=1e-12)
            np.testing.assert_allclose(getattr(best, field)[i, j], getattr(top, field), atol=1e-12)


def test_a_number_of_phi_gives_no_time_axis():
    H, rho = random_pair(np.random.default_rng(2), 2, 3)
    curve = charge(H, rho, 0.4)
    assert curve.l1.shape == curve.power.shape == (3,)
    np.testing.assert_allclose(curve.stored_energy, charge(H, rho, [0.4]).stored_energy[:, 0])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3), axis=st.sampled_from(["x", "y", 0.3]))
def test_maxima_bound_every_time_and_are_reached(seed, n, axis):
    H, rho = random_pair(np.random.default_rng(seed), n)
    best = charging_maxima(H, rho, axis)
    dense = charge(H, rho, np.linspace(0, np.pi, 4001), axis)
    # The best of a grid of spacing s lies within (2N)^2 |curve| s^2/8 below the true maximum.
    slack = (2 * n * np.pi / 4000) ** 2 / 8 * 4**n * (1 + np.abs(H).sum())
    for field, when in (("stored_energy", "phi_energy"), ("power", "phi_power"), ("l1", "phi_l1")):
        top, curve = getattr(best, field), getattr(dense, field)
        assert top >= curve.max() - 1e-11
        assert top <= curve.max() + slack
        np.testing.assert_allclose(getattr(charge(H, rho, getattr(best, when), axis), field), top, atol=1e-11)


def test_maxima_stay_inside_the_times_searched():
    battery = Battery(axial=1.0, rhombic=0.5)
    H, rho = battery.hamiltonian(), battery.gibbs_state(1.0)
    early = charging_maxima(H, rho, phi=np.linspace(0, 0.5, 7))
    assert early.phi_energy == 0.5  # still rising: the full charge comes at pi/4
    np.testing.assert_allclose(early.stored_energy, charge(H, rho, 0.5).stored_energy, rtol=1e-14)
    np.testing.assert_allclose(early.phi_power, np.pi / 8, atol=1e-12)


def test_without_refinement_the_grid_decides_and_the_first_of_equals_wins():
    battery = Battery(axial=1.0, rhombic=0.5)
    H, rho = battery.hamiltonian(), battery.gibbs_state(1.0)
    phi = np.linspace(0, np.pi, 21)  # pi/4 and 3 pi/4, both full charges, are points 5 and 15
    best = charging_maxima(H, rho, phi=phi, refine=False)
    assert best.phi_energy == phi[5]
    assert best.phi_power in phi
    assert best.power < charging_maxima(H, rho).power


def test_a_battery_that_cannot_be_charged_reads_exactly_zero():
    battery = Battery(axial=-0.7, rhombic=0.7)  # Delta = -epsilon: X charging joins two levels of equal energy
    best = charging_maxima(battery.hamiltonian(), battery.gibbs_state(0.3))
    assert best.stored_energy == best.power == best.phi_energy == 0.0
    assert best.l1 > 0.5


def test_ergotropy_of_an_active_start_is_carried_along():
    H = Battery(axial=1.0, rhombic=0.5, zeeman=0.3).hamiltonian()
    rho = np.diag([0.5, 0.1, 0.1, 0.3])
    curve = charge(H, rho, [0.0, 0.7])
    np.testing.assert_allclose(curve.ergotropy[0], ergotropy(rho, H), rtol=1e-13)
    assert curve.ergotropy[0] > 0.1
    np.testing.assert_array_equal(charge(H, rho, [0.0, 0.7], passive=True).ergotropy, curve.stored_energy)


def test_a_deviation_from_the_identity_is_charged_in_proportion():
    """NMR states are (1 + p deviation)/4: energies and l1 are linear in p, and the deviation alone is accepted."""
    H, _ = random_pair(np.random.default_rng(3), 2)
    deviation = collective(2, "z") / 4
    bare, state = charge(H, deviation, [0.2, 1.0]), charge(H, np.eye(4) / 4 + 0.01 * deviation, [0.2, 1.0])
    for field in ("stored_energy", "power", "l1", "ergotropy"):
        np.testing.assert_allclose(getattr(state, field), 0.01 * getattr(bare, field), atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"axis": "z"}, "axis must be one of x, y, -x, -y or an angle in rad, but is 'z'"),
        ({"axis": np.inf}, "axis must be finite, but is inf"),
        ({"phi": [[0.1]]}, r"phi must .* but is of shape \(1, 1\)"),
        ({"phi": [0.1, np.nan]}, "phi must be finite, but is nan"),
        ({"H": np.eye(3)}, "dimension must be a power of two"),
        ({"H": np.eye(8)}, "rho0 must have the dimension of H"),
        ({"H": [[0, 1], [2, 0]]}, "H must be Hermitian"),
    ],
)
def test_wrong_arguments_are_named(arguments, match):
    given = {"H": np.eye(4), "rho0": np.eye(4) / 4, "phi": [0.1]} | arguments
    if "H" in arguments and len(given["H"]) == 3:
        given["rho0"] = np.eye(3) / 3
    with pytest.raises(ArgumentError, match=match):
        charge(**given)


@pytest.mark.parametrize(
    ("phi", "match"),
    [([0.3], r"of shape \(1,\)"), ([0.1, 0.1], "a step of 0"), ([0.2, 0.1], "a step of -0.1")],
)
def test_times_of_a_search_must_ascend(phi, match):
    charging_maxima(np.eye(4), np.eye(4) / 4, phi=[0.1, 0.2])
    with pytest.raises(ArgumentError, match=match):
        charging_maxima(np.eye(4), np.eye(4) / 4, phi=phi)


class TestPeaks:
    times = np.linspace(0.0, 2 * np.pi, 41)

    @staticmethod
    def tilted(rows, t):
        """Two peaks whose heights differ by less than the grid can see: sin(2 t) - 1e-5 t."""
        return np.sin(2 * t) - 1e-5 * t, 2 * np.cos(2 * t) - 1e-5, -4 * np.sin(2 * t)

    def test_the_better_of_two_peaks_wins_even_if_the_grid_prefers_the_other(self):
        times = self.times + 0.06  # puts a grid point nearer to the second, lower peak
        times[times > 3.0] -= 0.05
        values = self.tilted(None, times)[0][None]
        assert times[np.argmax(values)] > np.pi
        top, when = refined_maxima(values, times, np.ones(1), np.full(1, 4.0), self.tilted)
        expected = np.arccos(5e-6) / 2
        np.testing.assert_allclose(when, expected, atol=1e-12)
        np.testing.assert_allclose(top, np.sin(2 * expected) - 1e-5 * expected, rtol=1e-15)

    def test_a_flat_curve_peaks_at_its_first_time(self):
        def flat(rows, t):
            return np.ones_like(t), np.zeros_like(t), np.zeros_like(t)

        values = np.ones((2, self.times.size))
        for top, when in (
            grid_maxima(values, self.times, np.ones(2)),
            refined_maxima(values, self.times, np.ones(2), np.zeros(2), flat),
        ):
            np.testing.assert_array_equal(top, 1.0)
            np.testing.assert_array_equal(when, 0.0)


@pytest.mark.parametrize("refine", [False, True])
def test_memory_does_not_grow_with_the_number_of_times(refine):
    """8000 batteries at 401 times: the elements of all states would take 308 MB, one curve of each 26 MB."""
    H, rho = random_pair(np.random.default_rng(4), 2, 8000)
    tracemalloc.start()
    charging_maxima(H, rho, phi=np.linspace(0, np.pi, 401), refine=refine)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 26e6
