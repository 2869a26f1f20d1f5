"""The figures of the scaling studies are drawn from small studies, with every curve in them, and files that are whole."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nmrqb import Battery
from nmrqb.plots import scaling
from nmrqb.scaling.studies import against_couplings, paper_protocol, power_against_size

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def script(name):
    spec = importlib.util.spec_from_file_location(name, EXPERIMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_power_shows_every_charger_scaling_and_bound():
    data = power_against_size((3, 4, 5))
    figure = scaling.power(data, "a footer")
    raw, norm, kac = figure.axes[:3]
    assert [len(labels(axes)) for axes in (raw, norm, kac)] == [6, 8, 4]
    assert labels(raw)[0] == "parallel X: 1.00(0)"
    # what is drawn is what was computed
    lines = {line.get_label(): line.get_ydata() for line in norm.get_lines()}
    drawn = next(y for label, y in lines.items() if label.startswith("DQ, neighbours"))
    np.testing.assert_array_equal(drawn, data.power.sel(charger="neighbours", scaling="norm"))
    np.testing.assert_allclose(lines["bound, k = 2"], 2 * data.n)
    bounds = [line.get_ydata() for line in kac.get_lines() if line.get_linewidth() < 0.8 and len(line.get_ydata())]
    np.testing.assert_allclose(bounds, data.ceiling.sel(scaling="kac", charger=["neighbours", "dipolar", "complete"]))
    assert all(axes.get_xlabel() and figure.axes[3].get_ylabel() for axes in figure.axes[3:])


def test_couplings_and_protocol():
    figure = scaling.couplings(against_couplings(3, ("neighbours", "complete"), (-1.0, 0.0, 1.0)), "")
    assert len(labels(figure.axes[1])) == 2
    figure = scaling.paper_protocol(paper_protocol(Battery(axial=1.0), 1.0, (2, 3, 4)), "")
    assert len(labels(figure.axes[0])) == 5
    assert figure.axes[1].get_xlabel() == "number of spins N"


def test_circuits_leave_out_what_was_not_run():
    points = {"ideal": [(3, 0.1, 0.02, 0.12), (4, 0.3, 0.03, 0.31)], "noise": [(3, 0.0, 0.02, 0.12)], "device": []}
    figure = scaling.circuits(points, "fake:torino", "")
    assert labels(figure.axes[0]) == ["exact, no noise", "Aer, no noise", "Aer, noise of each spin"]


def test_a_script_writes_its_table_data_and_figure(tmp_path):
    paths = script("scaling_superabsorption").main(tmp_path)
    assert [path.name.split(".")[-1] for path in paths] == ["nc", "txt", "pdf", "png"]
    assert all(path.stat().st_size > 200 for path in paths)
    table = (tmp_path / "scaling_superabsorption.txt").read_text(encoding="utf-8").splitlines()
    assert table[2].split()[:2] == ["coupling", "1.495"]


@pytest.mark.slow
def test_circuits_of_many_spins_by_script(tmp_path):
    module = script("scaling_circuits")
    exact, ideal = module.measured(6, "ideal")
    assert abs(ideal.values[0] - exact) < 4.5 * ideal.errors[0] + 0.05
    _, noisy = module.measured(6, "noise")
    assert "density_matrix" in noisy.how
    assert noisy.values[0] < exact - 3 * noisy.errors[0]
