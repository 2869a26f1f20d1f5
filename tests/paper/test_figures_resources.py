"""Figs. 3 and 4: what a separate high-precision program found for them, and what the paper claims of them."""

from __future__ import annotations

import numpy as np
import pytest
from figure_scripts import data, printed, script

from nmrqb.battery import Battery, closed_forms
from nmrqb.errors import ArgumentError
from nmrqb.paper import curves
from nmrqb.spin.states import basis_state

MEASURES = ("l1", "discord", "concurrence")


def peaks(dataset, name, letters):
    return [float(dataset[name].sel(panel=letter).max()) for letter in letters]


def dephased(panels, times, gamma=0.2):
    return curves.dephasing(panels, times, gamma, basis_state("00"))


class TestFigure3:
    @pytest.mark.parametrize(
        ("letters", "l1", "discord", "concurrence"),
        [
            ("abc", ".322 .859 .984", ".080 .636 .933", "0 .735 .968"),
            ("def", ".757 .695 .098", ".441 .281 .014", ".542 .440 .068"),
        ],
    )
    def test_peaks(self, letters, l1, discord, concurrence):
        for name, text in zip(MEASURES, (l1, discord, concurrence), strict=True):
            printed(peaks(data("figure_03"), name, letters), text, coarse=0.002)

    def test_peaks_with_ksea(self):
        printed(peaks(data("figure_03"), "l1", "jkl"), ".774 .941 .994")
        printed(peaks(data("figure_03"), "concurrence", "jkl"), ".549 .761 .968", coarse=0.002)
        printed(peaks(data("figure_03"), "discord", "jn"), ".431 .456")  # a weak G lowers the discord

    def test_dm_and_axial_couplings_leave_no_trace(self):
        dataset = data("figure_03")
        for name in MEASURES[::2]:  # l1 and concurrence; the discord's own accuracy is 1e-12
            same = dataset[name].sel(panel=list("ghimno")).values
            assert np.abs(same - same[0]).max() < 2e-13

    def test_but_they_do_where_there_is_a_field_or_ksea_coupling(self):
        times = np.linspace(0, 12, 2401)
        base = {"axial": 1.0, "rhombic": 0.5}
        panels = [{**base, name: 0.5, "dm": D} for name in ("zeeman", "ksea") for D in (0, 1, 10)]
        l1 = dephased(panels, times).l1.values.reshape(2, 3, -1)
        printed(np.abs(l1[:, 1:] - l1[:, :1]).max(axis=-1).ravel(), ".22 .28 .095 .144", coarse=0.005)

    def test_the_l1_norm_lives_longest_but_is_not_always_ahead(self):
        long = dephased([{"rhombic": 1.0}], np.linspace(0, 14, 14001)).isel(panel=0)
        last = [float(long.time[np.nonzero(long[name].values > 0.01)[0][-1]]) for name in MEASURES]
        printed(last, "11.4 5.2 2.05")
        ahead = (data("figure_03").concurrence - data("figure_03").discord).max("step")
        printed([ahead.sel(panel=list("abc")).max(), ahead.sel(panel="k")], ".165 .235", coarse=0.001)

    def test_a_weak_field_prolongs_the_coherence(self):
        base = {"axial": 1.0, "rhombic": 0.5}
        late = dephased([{**base, "zeeman": 0.1}, base], np.array([0.0, 12.0])).l1[:, 1]
        printed(late, ".171 .007")

    def test_entanglement_dies_before_its_bound(self):
        times = np.linspace(0, 2.4, 24001)
        entangled = dephased([{"rhombic": eps} for eps in (0.1, 1, 10)], times).concurrence.values > 1e-9
        assert not entangled[0].any()
        printed([times[np.nonzero(row)[0][-1]] for row in entangled[1:]], "2.06 2.17")
        assert times[np.nonzero(entangled[2])[0][-1]] < closed_forms.entanglement_death_bound(0.2)

    def test_curves_are_the_closed_forms(self):
        dataset = data("figure_03")
        for letter in "abcghimno":  # B = G = 0
            panel = dataset.sel(panel=letter)
            battery = Battery(float(panel.axial), float(panel.rhombic), float(panel.dm))
            expected = closed_forms.dephased_from_00_l1(battery, 0.2, panel.time.values)
            np.testing.assert_allclose(panel.l1, expected, atol=1e-12)

    def test_a_batch_is_its_panels(self):
        module = script("figure_03")
        times = np.array([np.linspace(0, end, module.STEPS) for end in module.WINDOWS])
        for k in (2, 4):
            alone = dephased([module.PANELS[k]], times[k])
            for name in MEASURES:
                np.testing.assert_allclose(alone[name][0], data("figure_03")[name][k], atol=1e-9)


class TestFigure4:
    def test_cutoff_temperatures(self):
        cutoff = data("figure_04").cutoff.values.reshape(5, 3)
        for row, text in zip(
            cutoff,
            (".2269 2.269 22.69", "1.410 1.237 5.053", "1.452 3.250 23.74", "1.402 .993 21.63", "1.022 1.411 15.87"),
            strict=True,
        ):
            printed(row, text)

    def test_cutoffs_do_not_rise_monotonically(self):
        base = {"axial": 1.0, "rhombic": 0.5}
        panels = [*({**base, "zeeman": B} for B in (2, 3)), *({**base, "zeeman": 0.1, "ksea": G} for G in (0.5, 1.5))]
        printed(curves.thermal(panels, [1.0]).cutoff, "1.240 1.853 1.196 2.289")
        weak = [{"zeeman": 0.01, "axial": d, "rhombic": e} for e in (0, 1) for d in (0.1, 1, 10)]
        printed(
            curves.thermal([*weak, {**base, "axial": 0.5, "zeeman": 0.01}], [1.0]).cutoff,
            ".16 1.59 15.9 2.16 .18 15.8 .105",
        )

    def test_entanglement_ends_at_the_cutoff(self):
        dataset = data("figure_04")
        above = dataset.temperature > dataset.cutoff
        assert float(dataset.concurrence.where(above, 0).max()) == 0
        just_below = dataset.temperature.where(~above).max("temperature")
        assert np.all(dataset.concurrence.where(dataset.temperature == just_below).max("temperature") > 0)

    def test_peaks(self):
        dataset = data("figure_04")
        printed(peaks(dataset, "concurrence", "def"), "1 .447 .050")
        printed(peaks(dataset, "concurrence", "k"), ".996")
        for name in MEASURES:  # a ground state that is maximally entangled, whatever D
            np.testing.assert_allclose(peaks(dataset, name, "abcghi"), 1, atol=1e-3)

    def test_entanglement_may_exceed_discord(self):
        panel = data("figure_04").sel(panel="k")
        printed([(panel.concurrence - panel.discord).max()], ".318")
        fine = curves.thermal([{"axial": 1.0, "rhombic": 0.5, "zeeman": 0.1, "ksea": 1.0}], np.linspace(0.02, 5, 4981))
        T = fine.temperature.values
        printed([T[np.nonzero(fine.discord[0].values >= 0.1)[0][-1]]], ".33")
        printed([T[np.nonzero(fine.concurrence[0].values >= 0.1)[0][-1]]], ".70")


def test_a_coupling_with_a_wrong_name_is_refused():
    with pytest.raises(ArgumentError, match=r"parameters must be among axial.*but is \['gamma'\]"):
        curves.charging({"gamma": 1.0, "temperature": 1.0}, "axial", [1.0], [0.1])
    with pytest.raises(ArgumentError, match=r"parameters must hold a temperature, but is \['axial'\]"):
        curves.charging({}, "axial", [1.0], [0.1])
