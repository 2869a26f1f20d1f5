"""Figs. 5 to 9 and the split: numbers of a separate high-precision program, at the precision they were printed with."""

from __future__ import annotations

import numpy as np
import pytest
from figure_scripts import data, printed, script

from nmrqb.battery import Battery, closed_forms
from nmrqb.metrics import capacity, ergotropy, l1_coherence
from nmrqb.paper import curves
from nmrqb.spin.propagation import charging_unitary

#: Figure -> {(variable, axis or kind): the values for each curve}.
EXPECTED = {
    "figure_05": {
        ("ergotropy_max", "x"): "1.696 4.411 8.946 12.995 25.000",
        ("ergotropy_max", "y"): ".376 2.532 6.953 10.996 23.000",
        ("capacity", "paper"): "1.483 3.673 7.967 11.997 24.000",
    },
    "figure_06": {
        ("ergotropy_max", "x"): "1.271 1.267 1.736 4.079 6.824",
        ("ergotropy_max", "y"): ".976 1.007 1.723 4.079 6.824",
        ("ergotropy_max_phi", "x"): ".250 .264 .408 .5 .5",
        ("capacity", "paper"): "1.420 2.486 3.819 5.591 7.671",
        ("l1_max", "x"): "1.598 1.370 1.140 1.729 2.415",
    },
    "figure_07": {
        ("ergotropy_max", "x"): "1.954 1.736 1.513 1.317 .827",
        ("ergotropy_max_phi", "x"): ".4127 .4082 .4068 .4062 .4054",
        ("capacity", "paper"): "3.960 3.819 3.672 3.542 3.217",
    },
    "figure_08": {
        ("ergotropy_max", "x"): "1.696 1.693 1.648 1.891 6.738",
        ("ergotropy_max", "y"): ".376 .380 .516 1.760 6.738",
        ("power_max", "y"): ".752 .755 .860 1.765 6.948",
        ("capacity", "paper"): "1.483 1.486 1.574 1.955 3.806",
        ("l1_max", "x"): "1.379 1.375 1.340 1.294 2.422",
    },
    "figure_09": {
        ("ergotropy_max", "x"): "1.696 1.723 2.340 3.835 7.777",
        ("ergotropy_max_phi", "x"): ".250 .251 .276 .329 .5",
    },
}


@pytest.mark.parametrize(("figure", "variable", "which"), [(f, *key) for f, rows in EXPECTED.items() for key in rows])
def test_maxima_and_capacities(figure, variable, which):
    values = data(figure)[variable].sel(**{"kind" if variable == "capacity" else "axis": which})
    printed(values / np.pi if variable.endswith("phi") else values, EXPECTED[figure][variable, which])


@pytest.mark.parametrize("figure", EXPECTED)
def test_curves_follow_the_definitions(figure):
    """Every point of every curve: rotate the Gibbs state, then measure it."""
    module, dataset = script(figure), data(figure)
    names = ("axial", "rhombic", "dm", "ksea", "zeeman")
    for k, value in enumerate(dataset[module.SWEEP].values):
        parameters = {**module.PARAMETERS, module.SWEEP: value}
        battery = Battery(**{name: parameters.get(name, 0.0) for name in names})
        H, rho = battery.hamiltonian(), battery.gibbs_state(parameters["temperature"])
        for axis in "xy":
            U = charging_unitary(2, dataset.phi.values[::20], axis)
            turned = U @ rho @ U.conj().swapaxes(-1, -2)
            here = dataset.sel(axis=axis).isel({module.SWEEP: k, "phi": slice(None, None, 20)})
            np.testing.assert_allclose(here.ergotropy, ergotropy(turned, H), atol=1e-12)
            np.testing.assert_allclose(here.l1, l1_coherence(turned), atol=1e-12)
        for kind in dataset.kind.values:
            expected = capacity(H, rho, kind)
            np.testing.assert_allclose(dataset.capacity.sel(kind=kind)[k], expected, rtol=1e-12)


@pytest.mark.parametrize("figure", EXPECTED)
def test_power_is_the_slope_and_maxima_are_reached(figure):
    dataset = data(figure)
    slope = np.gradient(dataset.ergotropy, dataset.phi, axis=-1, edge_order=2)
    assert np.abs(slope - dataset.power)[..., 1:-1].max() < 3e-4 * float(dataset.power.max())
    for name in ("ergotropy", "power", "l1"):
        curve, top = dataset[name].max("phi"), dataset[f"{name}_max"]
        assert np.all(top >= curve - 1e-12)
        assert np.all(top - curve < 1e-3 * (1 + top))


class TestFigure5:
    def test_power_is_twice_the_ergotropy_and_every_full_charge_takes_the_same_time(self):
        top = data("figure_05")
        np.testing.assert_allclose(top.power_max, 2 * top.ergotropy_max, rtol=1e-12)
        np.testing.assert_allclose(top.ergotropy_max_phi, np.pi / 4, atol=1e-12)
        np.testing.assert_allclose(top.power_max_phi, np.pi / 8, atol=1e-12)
        np.testing.assert_allclose(top.l1_max_phi.sel(axis="x"), np.pi / 8, atol=1e-7)

    def test_the_peak_does_not_narrow(self):
        xi = data("figure_05").ergotropy.sel(axis="x")
        share = xi / xi.max("phi")
        np.testing.assert_allclose(share, share.isel(axial=[0]).values.repeat(5, axis=0), atol=1e-12)

    def test_saturation_of_the_coherence(self):
        axial = [1.0, 2.0, 3.0, 4.0]
        dataset = curves.charging({"rhombic": 0.5, "temperature": 1.0}, "axial", axial, [0.0])
        printed(dataset.l1_max.sel(axis="x"), "1.379 2.552 2.899 2.977")

    @pytest.mark.parametrize(
        ("T", "saturated"), [(0.25, ".99"), (0.5, "1.61"), (1.0, "3.01"), (1.5, "4.45"), (2.0, "5.91")]
    )
    def test_where_it_saturates_fixes_the_temperature(self, T, saturated):
        axial = np.linspace(0.5, 7, 2601)
        dataset = curves.charging({"rhombic": 0.5, "temperature": T}, "axial", axial, [0.0])
        printed([axial[np.argmax(dataset.l1_max.sel(axis="x").values >= 2.9)]], saturated)


def test_figure_9_stores_faster_although_it_takes_longer():
    top = data("figure_09").sel(axis="x")
    rate = (top.ergotropy_max / top.ergotropy_max_phi).values
    printed(rate[[0, -1]], "2.16 4.95")
    assert np.all(np.diff(top.ergotropy_max_phi) > 0)
    for name in ("power_max", "l1_max"):
        assert np.all(np.diff(top[name]) > 0)


def test_figure_7_peaks_later_when_cold_only_near_the_field_chosen():
    def later_when_cold(B):
        T = [0.5, 1.0, 1.5, 2.0, 4.0]
        top = curves.charging({"axial": 1.0, "rhombic": 0.1, "zeeman": B}, "temperature", T, [0.0])
        tau = top.ergotropy_max_phi.sel(axis="x").values
        return bool(np.all(np.diff(tau) <= 0) and tau[0] > tau[-1])

    assert [later_when_cold(B) for B in (0.994, 0.996, 1.0, 1.074, 1.076)] == [False, True, True, True, False]


class TestSplit:
    def test_at_full_charge_all_ergotropy_is_incoherent(self):
        _, over = data("figure_split")
        full = over.isel(phi=1)
        np.testing.assert_allclose(full.coherent, 0, atol=1e-10)
        np.testing.assert_allclose(full.incoherent, full.ergotropy, atol=1e-10)

    def test_the_coherent_share_at_the_largest_power(self):
        axial = [1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0]
        dataset = curves.split({"rhombic": 0.5, "temperature": 1.0}, "axial", axial, [np.pi / 8])
        printed((dataset.coherent / dataset.ergotropy)[:, 0], ".658 .576 .580 .595 .616 .640 .653")

    def test_parts_add_up_and_stay_positive(self):
        for dataset in data("figure_split"):
            np.testing.assert_allclose(dataset.coherent + dataset.incoherent, dataset.ergotropy, atol=1e-12)
            assert float(dataset.coherent.min()) >= 0
            assert float(dataset.incoherent.min()) > -1e-10

    def test_curves_equal_the_closed_form(self):
        along, _ = data("figure_split")
        for k, axial in enumerate(along.axial.values):
            expected = closed_forms.ergotropy(Battery(axial, 0.5), 1.0, along.phi.values)
            np.testing.assert_allclose(along.ergotropy[k], expected, atol=1e-12)


def test_cycles_data_agree_with_their_definitions():
    pulse, against_rate, runs = data("cycles")
    np.testing.assert_allclose(against_rate.ergotropy.isel(rate=0, phi=0), 1.692, atol=5e-4)
    np.testing.assert_allclose(runs.efficiency, runs.work / runs.stored)
    printed([pulse.limit], "2.113")
    near = pulse.sel(noise="local X").interp(phi=0.85)
    printed([near.stored_energy.item(), near.ergotropy.item(), near.reverse_work.item()], "1.50 1.27 1.26")
    best = runs.sel(extraction="optimal unitary")
    np.testing.assert_allclose(best.extraction_efficiency, 1, rtol=1e-10)
    assert np.all(runs.work <= runs.ergotropy + 1e-12)
