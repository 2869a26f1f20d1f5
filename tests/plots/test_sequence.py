"""Diagrams of pulse sequences: everything is drawn, nothing lies outside the figure or over something else, and grey is enough."""

import tomllib

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from nmrqb import Sequence, files
from nmrqb.files import Document
from nmrqb.plots import labels
from nmrqb.plots.glyphs import FACE, envelope
from nmrqb.plots.layout import items, uses
from nmrqb.plots.sequence import draw_sequence, lay_out
from nmrqb.sequence import Lock, Pulse

LIBRARY = sorted(path for folder in files.library("sequences") for path in folder.glob("*.toml"))

ECHO = """
title = "Spin echo"
steps = [ { pulse = "90 deg" }, { delay = "tau" }, { pulse = "180 deg", phase = "y" }, { delay = "tau" }, { observe = "echo" } ]
[parameters]
tau = "1 ms"
"""
INEPT = """
title = "INEPT"
steps = [
  { pulse = "90 deg", phase = "x", on = "1H", use = "prepare" },
  { delay = "1/(4*abs(J))" },
  { together = [ { pulse = "180 deg", on = "1H" }, { pulse = "180 deg", on = "13C" } ] },
  { delay = "1/(4*abs(J))" },
  { together = [ { pulse = "90 deg", phase = "phi_1", on = "1H" }, { pulse = "90 deg", on = "13C", shape = "gaussian", duration = "1 ms" } ], align = "end" },
  { acquire = "carbon", on = "13C" },
]
[parameters]
phi_1 = "y"
[cycle]
phi_1 = ["y", "-y"]
receiver = ["x", "-x"]
"""
ADRF = """
title = "Adiabatic demagnetisation"
steps = [
  { pulse = "90 deg", phase = "y", use = "prepare" },
  { lock = "10*abs(coupling)", duration = "2 ms", shape = "tan-ramp", use = "prepare" },
  { lock = "10 kHz", duration = "tau", phase = "-x" },
  { crush = true },
  { observe = "dipolar order of a long name" }, { observe = "b" },
  { pulse = "45 deg", phase = "-y", use = "read" },
  { acquire = "fid" },
]
[parameters]
tau = ["1 ms", "2 ms"]
"""
BB1 = """
title = "BB1"
steps = [
  { pulse = "theta/2", use = "charge" },
  { pulse = "180 deg", phase = "beta", use = "charge" }, { pulse = "360 deg", phase = "3*beta", use = "charge" },
  { pulse = "180 deg", phase = "beta", use = "charge" }, { pulse = "theta/2", use = "charge" }, { observe = "charged" },
]
[parameters]
theta = "90 deg"
beta = "97.18 deg"
"""
REPEAT = """
title = "A block of four pulses, again and again, with a title that costs $5 and is far too long for any figure it stands over, whatever its size"
steps = [
  { block = "broekaert-jeener-charge", with = { charge = "theta" }, use = "prepare" },
  { repeat = 12, steps = [
    { pulse = "90 deg" }, { delay = "delta" }, { repeat = 2, steps = [ { pulse = "90 deg", phase = "-y" }, { delay = "2*delta + pulse_90" } ] },
    { pulse = "90 deg", phase = "y" }, { delay = "delta" }, { pulse = "90 deg", phase = "-x" } ] },
  { observe = "end" },
]
[parameters]
delta = "20 us"
theta = "90 deg"
"""
MADE = {"echo": ECHO, "inept": INEPT, "adrf": ADRF, "bb1": BB1, "repeat": REPEAT}


def made(text: str, name: str = "made") -> Sequence:
    return Sequence.parse(Document(name, tomllib.loads(text), {}, text), name)


def pulses(count: int) -> Sequence:
    steps = ", ".join('{ pulse = "90 deg", phase = "-y" }, { delay = "tau_mix/2" }' for _ in range(count // 2))
    return made(f'title = "many"\nsteps = [{steps}, {{ observe = "end" }}]\n[parameters]\ntau_mix = "1 us"\n')


def texts(figure: Figure) -> dict:
    """Extents in pixels of every text that shows."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    shown = [text for axes in figure.axes for text in axes.texts if text.get_text().strip()]
    return {text: text.get_window_extent(renderer) for text in shown}


def assert_readable(figure: Figure):
    boxes = texts(figure)
    page = figure.bbox
    for text, box in boxes.items():
        inside = box.x0 >= -0.5 and box.y0 >= -0.5 and box.x1 <= page.x1 + 0.5 and box.y1 <= page.y1 + 0.5
        assert inside, f"{text.get_text()!r} leaves the figure"
    found = list(boxes.items())
    edges = np.array([[b.x0 + 0.5, b.y0 + 0.5, b.x1 - 0.5, b.y1 - 0.5] for _, b in found])
    over = (edges[:, None, :2] < edges[None, :, 2:]).all(-1)
    for i, j in np.argwhere(np.triu(over & over.T, 1)):
        raise AssertionError(f"{found[i][0].get_text()!r} lies over {found[j][0].get_text()!r}")


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_sequence_of_the_library_is_readable(path, expand):
    sequence = Sequence.load(path)
    assert_readable(draw_sequence(sequence, ("1H",), expand=expand))


@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("text", MADE.values(), ids=MADE)
def test_every_kind_of_event_is_readable(text, expand):
    assert_readable(draw_sequence(made(text), expand=expand))


def test_the_check_sees_texts_that_overlap_or_leave_the_figure():
    figure = draw_sequence(made(ECHO))
    taken = next(text for text in figure.axes[0].texts if "90" in text.get_text())
    twin = figure.axes[0].text(*taken.get_position(), "twin", ha="center")
    with pytest.raises(AssertionError, match="lies over"):
        assert_readable(figure)
    twin.set_position((-0.2, 0.5))
    with pytest.raises(AssertionError, match=r"twin.*leaves the figure"):
        assert_readable(figure)


@pytest.mark.parametrize("count", [50, 1200])
def test_long_sequences_come_in_rows_and_what_is_left_out_is_counted(count):
    sequence = pulses(count)
    diagram = lay_out(sequence)
    drawn = sum(item.kind == "step" for row in diagram.rows for item in row)
    gaps = [item.count for row in diagram.rows for item in row if item.kind == "gap"]
    assert drawn + sum(gaps) == count + 1
    assert bool(gaps) == (count == 1200)
    assert 1 < len(diagram.rows) <= 8
    assert all(row[-1].left + row[-1].width <= 9 for row in diagram.rows)
    figure = draw_sequence(sequence)
    assert_readable(figure)
    assert any(f"{sum(gaps)} steps" in text.get_text() for text in texts(figure)) == bool(gaps)


def test_each_channel_has_its_line_and_pulses_at_one_time_stand_over_each_other():
    figure = draw_sequence(made(INEPT))
    said = [text.get_text() for text in texts(figure)]
    assert said.index("$^{1}$H") < said.index("$^{13}$C")
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    wide = [box for box in boxes if box.get_width() > 0.25]  # the two pulses of 180 degrees
    assert len(wide) == 2
    assert wide[0].get_x() == pytest.approx(wide[1].get_x())
    assert wide[0].get_y() - wide[1].get_y() > 1
    gaussian = next(patch for patch in figure.axes[0].patches if isinstance(patch, Polygon))
    proton = max((box for box in boxes if box.get_width() < 0.25), key=lambda box: box.get_x())
    assert gaussian.get_xy()[:, 0].max() == pytest.approx(proton.get_x() + proton.get_width())  # aligned at the end


def test_channels_may_be_a_name_several_or_those_the_sequence_has():
    def lines(sequence, channels):
        return tuple(lay_out(sequence, channels).bands.channels)

    assert lines(made(ECHO), None) == ("RF",)
    assert lines(made(ECHO), "1H") == ("1H",)
    assert lines(made(ECHO), ("1H", "13C")) == ("1H", "13C")
    assert lines(made(INEPT), "1H") == ("1H", "13C")


def test_a_pulse_without_a_channel_stands_on_every_line():
    figure = draw_sequence(made(ECHO), ("1H", "13C"))
    assert sum(isinstance(patch, Rectangle) for patch in figure.axes[0].patches) == 4


@pytest.mark.parametrize("text, gradient", [(ADRF, True), (ECHO, False)])
def test_a_gradient_line_is_there_when_there_is_a_crusher(text, gradient):
    said = [text.get_text() for text in texts(draw_sequence(made(text)))]
    assert ("$G_z$" in said) == ("crush" in said) == gradient


def test_phase_cycles_parameters_and_the_scale_of_time_are_said_below():
    said = [text.get_text() for text in texts(draw_sequence(made(INEPT)))]
    assert r"$\phi_{\mathrm{1}}$ = $y$, $-\,y$" in said
    assert r"receiver = $x$, $-\,x$" in said
    assert "Times are not to scale." in said
    assert r"$90^\circ_{\phi_{\mathrm{1}}}$" in said
    said = [text.get_text() for text in texts(draw_sequence(made(ADRF)))]
    assert r"$\tau$ = $1\,\mathrm{ms}$, $2\,\mathrm{ms}$" in said


def test_repeats_say_how_often_and_blocks_are_boxes_or_their_steps():
    closed = [text.get_text() for text in texts(draw_sequence(made(REPEAT)))]
    assert {"× 12", "× 2"} <= set(closed)
    assert "broekaert jeener\ncharge\n$\\mathrm{charge}$ = $\\theta$" in closed
    assert "crush" not in closed
    opened = [text.get_text() for text in texts(draw_sequence(made(REPEAT), expand=True))]
    assert {"crush", "broekaert-jeener-charge", r"$\theta_{x}$", "× 12"} <= set(opened)


@pytest.mark.parametrize(
    "shape, place, height",
    [
        ("gaussian", 0.0, 0.01),
        ("sech", 0.0, 1 / np.cosh(5.3)),
        ("linear-ramp", 0.25, 0.75),
        ("sinc", 0.75, np.sinc(1.5)),
    ],
)
def test_shapes_are_drawn_as_their_amplitude(shape, place, height):
    u, y = envelope(made(ECHO), Pulse(pulse="90 deg", shape=shape))
    assert np.interp(place, u, y) == pytest.approx(height, abs=0.02)
    assert np.abs(y).max() == pytest.approx(1)
    assert (u[0], u[-1]) == (0, 1)


def test_what_a_pulse_is_for_shows_in_grey():
    def looks(use):
        face, hatch = FACE[use]
        return round(float(np.dot(to_rgb(face), (0.299, 0.587, 0.114))), 1), hatch

    named = [use for use in FACE if use is not None]
    assert len({looks(use) for use in named}) == len(named)


def test_one_use_is_one_bracket_over_the_delay_in_it():
    sequence = Sequence.load("broekaert-jeener-charge")
    row = items(sequence)
    assert [(use, first, last) for use, first, last in uses(row)] == [("prepare", 0, 2), ("charge", 5, 5)]


def test_numbers_bound_from_python_are_said_in_the_unit_people_read():
    sequence = Sequence.load("broekaert-jeener-charge").bind(tau=2e-4, charge=np.linspace(0, np.pi, 5), store="-y")
    foot = lay_out(sequence).foot[0]
    assert r"$\tau$ = 200 µs" in foot
    assert "0 to 180° (5 values)" in foot
    assert any(text.get_text() == r"$45^\circ_{-y}$" for text in texts(draw_sequence(sequence)))


@pytest.mark.parametrize(
    "text, shown",
    [
        ("tau", r"$\tau$"),
        ("tau_mix", r"$\tau_{\mathrm{mix}}$"),
        ("phi12", r"$\phi_{\mathrm{12}}$"),
        ("90 deg", r"$90^\circ$"),
        ("2.5 us", r"$2.5\,\mathrm{µs}$"),
        ("1/(6*abs(coupling))", r"$1/(6\,|\mathrm{coupling}|)$"),
        ("2*3*tau", r"$2\,\cdot\,3\,\tau$"),
        ("sqrt(2)/J", r"$\sqrt{2}/J$"),
        ("a $ b", r"a \$ b"),
        ("(1", "(1"),
        ("tau_1**2", r"$\tau_{\mathrm{1}}^2$"),
        ("2**3**2", "2**3**2"),
        ("x" * 50, "x" * 40 + " …"),
    ],
)
def test_expressions_are_written_as_mathematics_where_they_can_be(text, shown):
    assert labels.expression(text) == shown
    assert labels.width(shown, 10) > 0


@pytest.mark.parametrize(
    "lock, shown",
    [
        ("10 kHz", r"$10\,\mathrm{kHz}_{-x}$, $\tau$"),
        ("w1", r"$(w_{\mathrm{1}})_{-x}$, $\tau$"),
        ("2**3**2", r"2**3**2$_{-x}$, $\tau$"),
    ],
)
def test_the_phase_of_a_lock_is_no_index_of_its_amplitude(lock, shown):
    text = labels.lock_label(Lock(lock=lock, duration="tau", phase="-x"), labels.Names())
    assert text == shown
    assert labels.width(text, 10) > 0


def test_given_axes_are_drawn_on():
    figure = Figure(figsize=(8, 3))
    axes = figure.add_subplot()
    assert draw_sequence(made(ECHO), axes=axes) is figure
    assert len(axes.patches) == 2
