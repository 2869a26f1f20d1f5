"""The monitor's figure: curves stand under the events that make them, with units, in any number of rows."""

import tomllib

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import nmrqb
from nmrqb.files import Document
from nmrqb.plots.monitor import crusher_events, draw_monitor
from nmrqb.plots.sequence import lay_out
from nmrqb.timeline.monitor import monitor

SAMPLE = nmrqb.Sample.load("nematic-pair")
CHARGE = nmrqb.Sequence.load("broekaert-jeener-charge")
PULSES = '{ pulse = "90 deg" }, { delay = "100 us" }, { pulse = "45 deg", phase = "y" }'
CYCLE = '{ repeat = 3, steps = [ { crush = true }, { pulse = "180 deg" }, { delay = "10 us" } ] }'
BLOCK = '{ block = "broekaert-jeener-charge" }'


def made(steps: str) -> nmrqb.Sequence:
    text = f'title = "made"\nsteps = [{steps}, {{ observe = "end" }}]'
    return nmrqb.Sequence.parse(Document("made", tomllib.loads(text), {}, text), "made")


def drawn(sequence, sample=SAMPLE, points=10):
    watched = monitor(nmrqb.schedule(sequence, sample), sample.thermal_state(), sample.hamiltonian(), points=points)
    return watched, draw_monitor(sequence, watched, sample)


def curve(figure, name, row=0):
    """Inches and values of one curve in one row."""
    found = [line for axes in figure.axes for line in axes.lines if line.get_label() == name]
    return np.asarray(found[row].get_xdata()), np.asarray(found[row].get_ydata())


def panels(figure):
    return [axes for axes in figure.axes if axes.get_ylabel()]


def test_curves_stand_under_their_events_and_time_is_even_inside_them():
    watched, figure = drawn(CHARGE)
    (row,) = lay_out(CHARGE, ("1H",)).rows
    x, q1 = curve(figure, "q = ±1")
    assert np.all(np.diff(x) >= 0)
    first, delay, second, crush = row[:4]
    at = np.linspace(first.start, first.stop, 11)
    np.testing.assert_allclose(np.interp(at, x, q1), np.sin(np.linspace(0, np.pi / 2, 11)), atol=1e-9)
    assert np.interp(delay.middle, x, q1) == pytest.approx(1)
    x, zero = curve(figure, "|00⟩")
    at = np.linspace(second.start, second.stop, 11)
    half = np.sin(np.linspace(0, np.pi / 2, 11))
    assert zero[0] == pytest.approx(1 / 4)  # (1 + p)/4
    np.testing.assert_allclose(np.interp(at, x, zero), -half / 8, atol=1e-9)  # -DO/4 grows as sin 2a
    x, q2 = curve(figure, "q = ±2")
    np.testing.assert_allclose(np.interp([crush.start, crush.middle, crush.stop], x, q2), [0.5, 0.25, 0], atol=1e-9)
    assert curve(figure, "ergotropy")[1][-1] == pytest.approx(9 / 16, abs=1e-9)  # (9/16) |d| p with one sign of storing
    assert watched.times[-1] == pytest.approx(1e-3 / 6)


def test_axes_have_units_and_times_are_those_of_the_sequence():
    _, figure = drawn(CHARGE)
    assert [axes.get_ylabel() for axes in panels(figure)] == ["(population − 1/4)/p", "norm of order", "energy (|d| p)"]
    bottom = panels(figure)[-1]
    assert bottom.get_xlabel() == "time (µs), even inside each event"
    assert [label.get_text() for label in bottom.get_xticklabels() if label.get_text()] == ["0", "166.7"]
    said = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "|d|/2π = 1000 Hz" in said
    assert "p = 8.05e-05" in said


def test_a_polarised_sample_is_shown_as_it_is():
    _, figure = drawn(CHARGE, SAMPLE.with_polarisation(0.5))
    assert [axes.get_ylabel() for axes in panels(figure)] == ["population", "norm of order", "energy (|d|)"]
    assert curve(figure, "|00⟩")[1][0] == pytest.approx(0.75**2)


def test_many_levels_are_added_up_by_magnetic_number():
    chain = nmrqb.Sample.load("fluorapatite-chain")
    _, figure = drawn(made(PULSES), chain, points=2)
    n = chain.n
    names = [line.get_label() for line in panels(figure)[0].lines if line.get_label().startswith("m = ")]
    assert len(names) == n + 1
    start = sum(curve(figure, name)[1] for name in names)
    np.testing.assert_allclose(start, 0, atol=1e-8)


@pytest.mark.parametrize(
    "steps, events",
    [(f"{{ crush = true }}, {PULSES}, {{ crush = true }}", [0, 4]), (CYCLE, [0, 0, 0]), (f"{PULSES}, {BLOCK}", [3])],
)
def test_crushers_belong_to_the_step_that_holds_them(steps, events):
    sequence = made(steps)
    assert crusher_events(sequence.steps) == events
    assert len(nmrqb.schedule(sequence, SAMPLE).crushers) == len(events)
    _, figure = drawn(sequence)
    assert np.all(np.diff(curve(figure, "q = 0")[0]) >= 0)  # nothing is drawn backwards


def test_long_sequences_come_in_rows_that_go_on_where_the_last_ended():
    sequence = made(", ".join([PULSES] * 12))
    watched, figure = drawn(sequence, points=3)
    count = len(lay_out(sequence, ("1H",)).rows)
    assert count > 1
    assert len(panels(figure)) == 3 * count
    for name in ("|00⟩", "q = ±1", "energy"):
        for row in range(1, count):
            assert curve(figure, name, row)[1][0] == curve(figure, name, row - 1)[1][-1]
            assert curve(figure, name, row)[0][0] == 0
    assert curve(figure, "energy", count - 1)[1][-1] == pytest.approx(
        watched.energy[-1] / SAMPLE.energy_unit / SAMPLE.polarisation_factor
    )


def test_what_is_too_long_to_draw_leaves_a_gap():
    _, figure = drawn(made(", ".join([PULSES] * 60)), points=1)
    assert any("not drawn" in text.get_text() for text in figure.axes[0].texts)
    assert len(panels(figure)) == 3 * 4


@pytest.mark.parametrize("name, sample", [("broekaert-jeener-charge", "nematic-pair"), ("ax-gibbs", "chloroform")])
def test_no_text_leaves_the_figure(name, sample):
    _, figure = drawn(nmrqb.Sequence.load(name), nmrqb.Sample.load(sample), points=3)
    renderer = FigureCanvasAgg(figure).get_renderer()
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        if axes in panels(figure):
            box = box.union([box, axes.get_legend().get_window_extent(renderer)])
        assert box.x0 >= -0.5
        assert box.y0 >= -0.5
        assert box.x1 <= figure.bbox.x1 + 0.5
        assert box.y1 <= figure.bbox.y1 + 0.5


def test_the_command_line_draws_it(tmp_path, capsys, monkeypatch):
    from nmrqb.cli import main

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["show", "broekaert-jeener-charge", "--monitor", "--sample", "gypsum", "--out", "watched.svg"])
    assert left.value.code == 0
    assert capsys.readouterr().out.endswith("Drew watched.svg\n")
    assert (tmp_path / "watched.svg").read_text().rstrip().endswith("</svg>")
