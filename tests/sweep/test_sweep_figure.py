"""The figure of a sweep: lines, maps and clouds, with units, and what is not shown told."""

import numpy as np
import pytest
from command_line import write_files
from sweep_texts import RANDOM

from nmrqb.files import document
from nmrqb.plots.sweep import draw_sweep
from nmrqb.sweep import sweep
from nmrqb.sweep.schema import SweepPlan

HEAD = 'title = "Charging"\nexperiment = "experiment.toml"\n'
CHARGE = '[sweep.charge]\nfrom = "0 deg"\nto = "180 deg"\npoints = 7\n'
TAU = '[sweep.tau]\nfrom = "20 us"\nto = "400 us"\npoints = 6\n'
FIELD = '[sweep."sample.relaxation.T2"]\nvalues = ["100 ms", "200 ms", "300 ms"]\n'


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    place = write_files(tmp_path_factory.mktemp("figure"))

    def draw(text):
        plan = SweepPlan.parse(document(text, "sweep.toml"), "sweep", place)
        data = sweep(plan.task, plan.design(1), seed=1)
        figure = draw_sweep(data, plan.title)
        panels = [p for p in figure.axes if p.get_label() != "<colorbar>"]
        words = [t.get_text() for t in figure.texts] + [figure.get_suptitle(), figure.get_supxlabel()]
        return data, figure, panels, " ".join(words)

    return draw


def test_one_axis_is_drawn_as_lines_of_all_sources(drawn):
    data, _, panels, _ = drawn(HEAD + CHARGE)
    assert [p.get_xlabel() for p in panels] == ["charge (deg)"] * 3
    theory, exact = panels[0].get_lines()
    assert np.allclose(theory.get_xdata(), np.linspace(0, 180, 7))
    assert np.allclose(exact.get_ydata(), data["ergotropy"].sel(source="exact"))


@pytest.mark.parametrize(
    ("text", "labels", "told"),
    [
        (CHARGE + TAU, ("tau (ms)", "charge (deg)"), "source: exact"),
        (CHARGE + TAU + FIELD, ("charge (deg)", "sample.relaxation.T2 (ms)"), "at tau = 0.248 ms; source: exact"),
        (FIELD, ("charge (deg)", "sample.relaxation.T2 (ms)"), "source: exact"),
    ],
)
def test_two_axes_are_drawn_as_maps_and_the_middle_of_others_is_told(drawn, text, labels, told):
    data, _, panels, words = drawn(HEAD + text)
    assert [(p.get_xlabel(), p.get_ylabel()) for p in panels] == [labels] * 3
    assert told in words
    values = panels[0].collections[0].get_array()
    shown = data["ergotropy"].isel(source=-1).transpose(labels[1].partition(" ")[0], labels[0].partition(" ")[0], ...)
    shown = shown.isel(tau=3) if "at tau" in told else shown
    assert np.allclose(np.ravel(values), np.ravel(shown))


def test_random_points_are_drawn_over_each_parameter(drawn):
    _, _, panels, words = drawn(RANDOM)
    assert [p.get_xlabel() for p in panels[-2:]] == ["sample.couplings.0.dipolar (kHz)", "charge (deg)"]
    assert [p.get_ylabel() for p in panels[::2]] == ["ξ (|d| p)", "W (|d| p)", "C / p"]
    assert len(panels[0].get_lines()[0].get_xdata()) == 8
    assert "source: exact" in words


def test_random_points_of_an_experiment_with_a_sweep_of_its_own_are_shown_in_its_middle(drawn):
    _, _, panels, words = drawn(RANDOM.split("[random.charge]")[0])
    assert len(panels) == 3
    assert "at charge = 90 deg" in words
