"""The errata against an earlier, separate check of the paper: its verdicts and its printed numbers are written down here.

Those numbers come from definitions, computed by other code (50 digits where it mattered) before this package existed; they
are compared at the precision they were printed with. Where the two disagree the test says so and holds this package's
number against a direct evaluation.
"""

from functools import cache

import numpy as np
import pytest

from nmrqb import Battery, closed_forms, metrics
from nmrqb.paper import errata


@cache
def part(title):
    """The entries of one part of the table, by (section, item)."""
    entries = dict(errata.PARTS)[title]
    return {(entry.section, entry.item): entry for entry in entries()}


def find(title, item, section=None):
    found = [e for (s, i), e in part(title).items() if i == item and (section is None or s.startswith(section))]
    assert len(found) == 1, (title, item)
    return found[0]


def printed(values, expected, digits):
    """Equal at the printed precision: within 0.51 units of the last of so many decimals."""
    values = np.atleast_1d(np.asarray(values, dtype=float))
    assert np.allclose(values, np.atleast_1d(expected), rtol=0, atol=0.51 * 10.0**-digits), (values, expected)


def parts(entry):
    return [p.holds for p in entry.parts]


# ---- equations --------------------------------------------------------------------------------------------------

EQUATIONS = {
    "equations (1)-(18)": {
        "(4)": "correct", "(5) energies": "correct", "(5) eta": "wrong", "(5) delta_1, delta_2": "correct",
        "(5) chi_1, chi_2": "wrong", "(6)": "wrong", "(7)": "correct", "(8)": "correct", "(9)": "correct",
        "(10)": "correct", "(11)": "correct", "(12)": "correct", "(13)": "wrong", "(14)": "wrong",
        "(15)-(16)": "wrong", "(17)-(18)": "wrong", "text below (3)": "false", "(1)-(3)": "correct",
    },
    "equations (19)-(29), appendices A-C": {
        "(19)-(20)": "correct", "(21)": "correct", "(22)": "correct", "second (5)": "correct", "(25)": "correct",
        "(26), average power": "correct", "(27)": "false", "(28)": "true", "(29), (A2)": "correct",
        "(B1)-(B5)": "correct", "(C1)": "correct", "efficiency": "false", "text III.A, X and Y": "false",
        "text IV.B, correlations": "false",
    },
    "appendix D": {
        "(D1)": "wrong", "(D2) as transcribed": "wrong", "(D2) at D = 0": "false", "(D2) at D != 0": "false",
        "(D2) and Fig. 9": "false", "(D3)": "correct", "(D1) as a capacity": "false",
    },
}  # fmt: skip


@pytest.mark.parametrize("title", EQUATIONS)
def test_verdicts_on_equations(title):
    assert {item: entry.verdict for (_, item), entry in part(title).items()} == EQUATIONS[title]


def test_numbers_on_equations():
    first = "equations (1)-(18)"
    assert find(first, "(5) eta").values["printed"] > 1
    assert find(first, "(5) eta").values["without_D"] < 1e-14
    odd, even = find(first, "(13)").values, find(first, "(14)").values
    printed([*odd["example_printed"], *even["example_printed"]], [-0.70, 1.55, -0.12, 0.28], 2)
    printed([*even["example_true"], *odd["example_true"]], [0.0047, 0.1506, 0.0123, 0.8324], 4)
    second = "equations (19)-(29), appendices A-C"
    printed(find(second, "text III.A, X and Y").values["C_x"], 1.696, 3)
    printed(find(second, "text III.A, X and Y").values["C_y"], 0.376, 3)
    printed(find(second, "(B1)-(B5)").values["two_candidates"], 8.25e-4, 6)
    assert find(second, "(27)").values["deviation_from_minus_4B"] < 1e-14
    assert find(second, "efficiency").values["ratio_min"] > 1


def test_numbers_of_appendix_d():
    capacity = find("appendix D", "(D1) as a capacity").values
    printed(capacity["negative"], [-0.231, -1.88], 2)
    printed(capacity["negative"][0], -0.231, 3)
    printed(capacity["xi_fig5"], [1.696, 25.000], 3)
    printed(capacity["Q_fig5"], [1.483, 24.000], 3)
    assert 0.55 < capacity["broken"] < 0.75  # 67 % there, on another random sample
    assert capacity["orbit_broken"] == 0
    D2 = find("appendix D", "(D2) as transcribed").values
    printed(D2["printed_real"], [0.376, -0.553], 3)
    printed(D2["printed_imag"], [0.0, 0.140], 3)
    printed(D2["true"], [1.696, 3.434], 3)
    assert find("appendix D", "(D2) at D = 0").values["y"] < 1e-13
    assert find("appendix D", "(D2) at D != 0").values["identity"] < 1e-12
    assert find("appendix D", "(D2) and Fig. 9").values["spread"] < 1e-13


# ---- Fig. 3 -----------------------------------------------------------------------------------------------------


def test_figure_3_verdicts():
    verdicts = {item: entry.verdict for (_, item), entry in part("Fig. 3").items()}
    assert verdicts == {"1": "partly true", "2": "true", "summary": "partly true", "3": "true", "4": "partly true",
                        "5": "true", "6": "partly true"}  # fmt: skip
    assert parts(find("Fig. 3", "1")) == [True, False, False]
    assert parts(find("Fig. 3", "summary")) == [False, True, False]
    assert parts(find("Fig. 3", "4")) == [True, False]
    assert parts(find("Fig. 3", "6")) == [True, True, False]


def test_figure_3_numbers():
    v = {item: entry.values for (_, item), entry in part("Fig. 3").items()}
    printed(v["1"]["last"][[0]], 11.4, 1)
    printed(v["1"]["last"][[1]], 5.2, 1)
    printed(v["1"]["last"][[2]], 2.05, 2)
    printed([v["1"]["excess_eps"], v["1"]["excess_G1"]], [0.165, 0.235], 3)
    printed(v["2"]["C"], [0.322, 0.859, 0.984], 3)
    printed(v["2"]["D"], [0.080, 0.636, 0.933], 3)
    printed(v["2"]["E"], [0, 0.735, 0.968], 3)
    printed(v["summary"]["death"], [0, 2.06, 2.17], 2)
    printed(v["summary"]["bound"], 2.2034, 4)
    printed(v["3"]["C"], [0.757, 0.695, 0.098], 3)
    printed(v["3"]["D"], [0.441, 0.281, 0.014], 3)
    printed(v["3"]["E"], [0.542, 0.440, 0.068], 3)
    printed(v["3"]["quick"], [0.10, 0.12], 2)
    printed(v["3"]["late"], [0.007, 0.171], 3)
    assert v["4"]["spread"] < 1e-14
    printed(v["4"]["B"], [0.22, 0.28], 2)
    printed(v["5"]["C"][1:], [0.774, 0.941, 0.994], 3)
    printed(v["5"]["E"][1:], [0.549, 0.761, 0.968], 3)
    printed(v["5"]["D"][:2], [0.456, 0.431], 3)
    assert v["6"]["spread"] < 1e-14
    printed(v["6"]["both"], 0.20, 2)


def test_figure_3_change_of_l1_with_dm_and_ksea():
    # The earlier check printed .095 and .144, on a coarser time grid; the maxima over time are .0963 and .1499.
    found = find("Fig. 3", "4").values["G"]
    assert np.all(found >= [0.095, 0.144])
    times = np.linspace(0, 3, 30001)
    rho = [closed_forms.dephased_x_state(Battery(1.0, 0.5, dm=D, ksea=0.5), np.diag([1.0, 0, 0, 0]), 0.2, times)
           for D in (0.0, 1.0, 10.0)]  # fmt: skip
    l1 = [metrics.l1_coherence(state, check=False) for state in rho]
    exact = [np.abs(l1[k] - l1[0]).max() for k in (1, 2)]
    assert np.allclose(found, exact, rtol=0, atol=3e-4)


# ---- Fig. 4 -----------------------------------------------------------------------------------------------------


def test_figure_4_verdicts():
    verdicts = {item: entry.verdict for (_, item), entry in part("Fig. 4").items()}
    assert verdicts == {"1": "partly true", "2": "true", "3": "partly true", "4": "partly true", "5": "partly true",
                        "6": "partly true"}  # fmt: skip
    assert parts(find("Fig. 4", "1")) == [True, False, False]
    assert parts(find("Fig. 4", "3")) == [True, False, True]
    assert parts(find("Fig. 4", "4")) == [True, False, False]
    assert parts(find("Fig. 4", "5")) == [True, False, True]
    assert parts(find("Fig. 4", "6")) == [True, True, False]


def test_figure_4_numbers():
    v = {item: entry.values for (_, item), entry in part("Fig. 4").items()}
    printed(v["1"]["excess_G1"], 0.318, 3)
    printed(v["1"]["ends"], [0.33, 0.70], 2)
    printed(v["2"]["cutoff"][:1], 0.2269, 4)
    printed(v["2"]["cutoff"][1:2], 2.269, 3)
    printed(v["2"]["cutoff"][2:], 22.69, 2)
    printed(v["2"]["cold"].ravel(), np.ones(9), 6)
    printed(v["3"]["peaks_E"], [1, 0.447, 0.050], 3)
    printed(v["3"]["cutoff"], [1.410, 1.237, 1.240, 1.853, 5.053], 3)
    printed(v["4"]["cutoff"][:2], [1.452, 3.250], 3)
    printed(v["4"]["cutoff"][2:], 23.74, 2)
    printed(v["4"]["cold"].ravel(), np.ones(9), 6)
    printed(v["4"]["printed_eta"][1:], [0.943, 0.923], 3)
    printed(v["5"]["peaks_E"][1], 0.996, 3)
    printed(v["5"]["cutoff"][:4], [1.402, 1.196, 0.993, 2.289], 3)
    printed(v["5"]["cutoff"][4:], 21.63, 2)
    printed(v["6"]["cutoff"][0, :2], [1.022, 1.411], 3)
    printed(v["6"]["cutoff"][0, 2:], 15.87, 2)
    printed(v["6"]["dip"], 0.105, 3)
    printed(v["6"]["cutoff"][1, :2], [0.16, 1.59], 2)
    printed(v["6"]["cutoff"][1:, 2], [15.9, 15.8], 1)
    printed(v["6"]["cutoff"][2, 1:2], 0.18, 2)


def test_cutoff_at_small_axial_and_eps_1():
    # The earlier check printed 2.10 here; concurrence from its general definition says 2.16.
    found = find("Fig. 4", "6").values["cutoff"][2, 0]
    battery = Battery(axial=0.1, rhombic=1.0, zeeman=0.01)
    assert metrics.concurrence(battery.gibbs_state(found - 0.001)) > 1e-5
    assert metrics.concurrence(battery.gibbs_state(found + 0.001)) == 0
    printed(found, 2.16, 2)


# ---- Figs. 5 - 9 ------------------------------------------------------------------------------------------------


def test_figure_5():
    v = {item: entry for (_, item), entry in part("Figs. 5 and 6").items() if _.startswith("Fig. 5")}
    verdicts = {item: entry.verdict for item, entry in v.items()}
    assert verdicts == {
        "peaks": "false", "start": "true", "capacity at t = 0": "partly true", "full charge": "true",
        "ergotropy": "true", "power": "true", "capacity": "partly true", "width": "false", "saturation": "true",
    }  # fmt: skip
    assert parts(v["capacity at t = 0"]) == [True, True, True, False]
    printed(v["ergotropy"].values["x"], [1.696, 4.411, 8.946, 12.995, 25.000], 3)
    printed(v["ergotropy"].values["y"], [0.376, 2.532, 6.953, 10.996, 23.000], 3)
    printed(v["capacity"].values["D1"], [1.483, 3.673, 7.967, 11.997, 24], 3)
    assert np.allclose(v["power"].values["x"], 2 * v["ergotropy"].values["x"], rtol=1e-12)
    printed(v["saturation"].values["C"][:4], [1.379, 2.552, 2.899, 2.977], 3)
    printed(v["width"].values["x"], np.full(5, 0.25), 3)
    assert np.all(v["peaks"].values["x"][1] == pytest.approx(1 / 8))


def test_figure_6():
    find6 = lambda item: find("Figs. 5 and 6", item, "Fig. 6")  # noqa: E731
    xi = find6("ergotropy")
    assert parts(xi) == [False, True]
    printed(xi.values["x"], [1.271, 1.267, 1.736, 4.079, 6.824], 3)
    printed(xi.values["y"], [0.976, 1.007, 1.723, 4.079, 6.824], 3)
    assert xi.values["x_at"].tolist() == [False] * 4 + [True] * 4  # false at T <= 1, true from 1.5
    assert xi.values["y_at"].tolist() == [False] * 3 + [True] * 5  # false at T <= .75, true from 1
    assert find6("charging time").verdict == "true"
    printed(find6("charging time").values["x"], [0.250, 0.264, 0.408, 0.5, 0.5], 3)
    Q = find6("capacity")
    assert parts(Q) == [True, True, False]
    printed(Q.values["D1"], [1.420, 2.486, 3.819, 5.591, 7.671], 3)
    assert Q.values["D1_mirrored"].min() < 0
    C = find6("coherence")
    assert C.verdict == "false"
    printed(C.values["x"], [1.598, 1.370, 1.140, 1.729, 2.415], 3)
    assert C.values["x_at"].tolist() == [False] * 7 + [True]  # monotone only near T = 5


def test_figure_7():
    v = {item: entry for (_, item), entry in part("Fig. 7").items()}
    assert v["metrics"].verdict == "true"
    printed(v["metrics"].values["x"][0], [1.954, 1.736, 1.513, 1.317, 0.827], 3)
    assert parts(v["capacity"]) == [True, True, False, False]
    printed(v["capacity"].values["(D1)"], [3.960, 3.819, 3.672, 3.542, 3.217], 3)
    assert parts(v["charging time"]) == [True, True, False]
    printed(v["charging time"].values["x"], [0.4127, 0.4082, 0.4068, 0.4062, 0.4054], 4)
    # Printed as .996 to 1.074; to 1e-4 the edges are .9950 and 1.0755.
    window = v["charging time"].values["window"]
    assert np.allclose(window, [0.996, 1.074], rtol=0, atol=2e-3)
    assert np.isnan(v["charging time"].values["window_y"]).all()


def test_edges_of_the_figure_7_window():
    T = np.array([0.5, 1.0, 1.5, 2.0, 4.0])
    low, high = find("Fig. 7", "charging time").values["window"]
    for B, fits in ((low - 2e-4, False), (low + 2e-4, True), (high - 2e-4, True), (high + 2e-4, False)):
        tau = closed_forms.full_charge_angle(Battery(axial=1, rhombic=0.1, zeeman=B), T)
        assert bool(np.all(np.diff(tau) < 1e-9) and tau[0] > tau[-1] + 1e-9) is fits


def test_figure_8():
    find8 = lambda item: find("Figs. 8 and 9", item, "Fig. 8")  # noqa: E731
    xi = find8("ergotropy")
    assert parts(xi) == [False, True]
    printed(xi.values["x"][:4], [1.696, 1.693, 1.648, 1.891], 3)
    printed(xi.values["y"][:4], [0.376, 0.380, 0.516, 1.760], 3)
    assert xi.values["x_at"].tolist() == [False] * 4 + [True] * 4
    assert find8("charging time").verdict == "true"
    P = find8("power")
    assert parts(P) == [False, True]
    printed(P.values["y"], [0.752, 0.755, 0.860, 1.765, 6.948], 3)
    Q = find8("capacity")
    printed(Q.values["D1"][[0, 2, 3, 4]], [1.483, 1.574, 1.955, 3.806], 3)
    assert Q.values["D1_at"][:2].tolist() == [False, False]  # non-monotone at T <= .5
    C = find8("coherence")
    assert C.verdict == "false"
    printed(C.values["x"], [1.379, 1.375, 1.340, 1.294, 2.422], 3)
    assert C.values["x_at"].tolist() == [False] * 4 + [True] * 4  # true from 1.5
    assert C.values["y_at"].tolist() == [False] * 5 + [True] * 3  # true from 2


def test_figure_9():
    find9 = lambda item: find("Figs. 8 and 9", item, "Fig. 9")  # noqa: E731
    for item in ("ergotropy", "power", "coherence", "charging time"):
        assert find9(item).verdict == "true"
    assert parts(find9("capacity")) == [True, True, False]
    printed(find9("ergotropy").values["x"], [1.696, 1.723, 2.340, 3.835, 7.777], 3)
    printed(find9("charging time").values["x"], [0.250, 0.251, 0.276, 0.329, 0.5], 3)
    assert find9("charging rate").verdict == "false"
    printed(find9("charging rate").values["rate"][[0, -1]], [2.16, 4.95], 2)


# ---- Fig. 10, beyond, missing -----------------------------------------------------------------------------------


def test_figure_10():
    v = {item: entry for (_, item), entry in part("Fig. 10").items()}
    assert v["column 1, |D|"].verdict == "true"
    assert parts(v["column 1, sign of Delta"]) == [True, False]
    for column in ("column 1 (Delta, D)", "column 2 (Delta, G)"):
        assert parts(v[column]) == [True, True, False]
    printed(v["column 1 (Delta, D)"].values["C_min"], 0.65, 2)
    assert v["column 1 (Delta, D)"].values["Q_min"] == pytest.approx(0.416, abs=1e-3)
    assert v["column 2 (Delta, G)"].values["xi_2percent"] == pytest.approx(0.012, abs=2e-3)  # depends on the grid
    assert parts(v["column 3 (Delta, eps), C"]) == [False, True]
    diagonal = v["column 3, Delta ~ eps > 0, C"]
    assert diagonal.verdict == "false"
    printed([diagonal.values["x"][1], diagonal.values["y"][1]], [1.530, 0.933], 3)
    printed(diagonal.values["full"][1], 0.033, 3)
    printed(diagonal.values["full"][2], 0.0024, 4)
    assert max(diagonal.values["E"].max(), diagonal.values["D"].max()) < 1e-6
    energy = v["column 3, Delta ~ eps > 0, energy"]
    assert parts(energy) == [False, True, True]
    printed([energy.values["D1"][1], energy.values["x"][1]], [3.91, 3.86], 2)
    printed(energy.values["orbit"][1], 5.06, 2)
    assert np.all(energy.values["y"] == 0)
    quadrant = v["column 3, Delta < 0 < eps"]
    assert parts(quadrant) == [True, False, True]
    printed([quadrant.values["y"][0], quadrant.values["D1"][0]], [12.0, 6.0], 1)
    assert quadrant.values["x"][0] == 0
    printed(quadrant.values["x"][1], 0.0013, 4)
    hot = v["column 4 (B, T), T"]
    assert parts(hot) == [True, False]
    assert hot.values["worst"] == pytest.approx(0.97, abs=2e-3)
    field = v["column 4, B"]
    assert parts(field) == [True, False]
    assert field.values["Q"] == 0
    assert field.values["x C"] == pytest.approx(0.30, abs=0.01)
    assert field.values["x P"] == pytest.approx(0.20, abs=0.01)
    assert field.values["x xi"] == pytest.approx(0.13, abs=0.01)
    assert field.values["y_1_1"] < 0.01


def test_beyond():
    v = {item: entry for (_, item), entry in part("beyond the paper").items()}
    assert v["full charge of Fig. 5"].verdict == "false"
    assert np.abs(v["full charge of Fig. 5"].values["coherent"]).max() < 1e-12
    power = v["largest power of Fig. 5"]
    assert power.verdict == "false"
    printed(power.values["share"], [0.658, 0.576, 0.580, 0.595, 0.616, 0.640, 0.653], 3)
    assert power.values["limit"] == pytest.approx(2 / 3, abs=1e-4)
    assert power.values["coherent"][-1] == pytest.approx(2 * 24 / 3, rel=0.01)  # E_c -> 2 Delta/3
    assert v["uncharged state"].verdict == "false"
    assert v["Conclusion"].verdict == "partly true"


def test_missing_parameters():
    v = {item: entry for (_, item), entry in part("parameters not stated").items()}
    assert {entry.verdict for entry in v.values()} == {"not stated"}
    assert v["Fig. 3"].values["tried"] == 45
    assert {name for name in v["Fig. 3"].values if name not in ("counts", "tried")} == {"00", "11"}
    assert v["Fig. 4 m-o"].values["good"].tolist() == [1, 1, 0]  # eps = 0 and .5 fit, 1 does not
    printed(v["Fig. 5"].values["at"], [0.99, 1.61, 3.01, 4.45, 5.91], 2)
    assert v["Fig. 5"].values["best"] == 1
    assert v["Fig. 6"].values["best_y"].min() == 1
    assert v["Fig. 6"].values["best_x"].min() == 1.5
    assert v["Fig. 6"].values["C_x"].tolist() == [5]
    assert v["Fig. 8"].values["best_y"].min() == 1
    assert v["Fig. 8"].values["best_x"].min() == 2
    assert v["Fig. 9"].values["best_x"].min() == 0.5
    assert v["Fig. 10"].values["both"] == 0
    assert v["(D2)"].values["off"] < 1e-13 < v["(D2)"].values["bare"]
