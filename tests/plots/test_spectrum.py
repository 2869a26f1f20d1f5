"""Spectra and FIDs as figures: right to left, with units, told apart in grey, and whole on paper."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from nmrqb.detection import Fid, Lines, Spectrum, spectrum
from nmrqb.errors import ArgumentError
from nmrqb.plots.spectrum import draw_fid, draw_spectrum
from nmrqb.plots.style import save

T = np.arange(512) / 1000
SIGNAL = np.exp(2j * np.pi * 120 * T - T / 0.05) + 0.4 * np.exp(-2j * np.pi * 90 * T - T / 0.05)
DATA = Fid(SIGNAL, 1e-3, carrier=500e6, carrier_ppm=5.0, nucleus="1H")
ROWS = Fid(np.arange(1, 4)[:, None] * SIGNAL, 1e-3)


def traces(axes):
    """Lines with a point for each point of the axis, not zero lines."""
    return [line for line in axes.lines if len(line.get_xdata()) > 2]


@pytest.mark.parametrize(
    "data, unit, label, peak",
    [
        (DATA, None, "$^{1}$H chemical shift (ppm)", 5.24),
        (DATA, "Hz", "$^{1}$H offset (Hz)", 120),
        (ROWS, None, "offset (Hz)", 120),
        (Fid(SIGNAL, 1e-5, nucleus="muon"), None, "offset (kHz)", 12),
    ],
)
def test_the_axis_runs_from_right_to_left_in_the_unit_it_names(data, unit, label, peak):
    axes = draw_spectrum(spectrum(data), unit=unit).axes[0]
    left, right = axes.get_xlim()
    assert left > right
    assert axes.get_xlabel() == label
    trace = traces(axes)[-1]
    assert trace.get_xdata()[np.argmax(trace.get_ydata())] == pytest.approx(peak, rel=0.01)


def test_kilohertz_scale_the_height_too():
    shape = spectrum(Fid(SIGNAL, 1e-5))
    axes = draw_spectrum(shape).axes[0]
    assert axes.get_ylabel() == "real part (signal / kHz)"
    assert traces(axes)[0].get_ydata().max() == pytest.approx(1e3 * shape.values.real.max())
    in_hertz = draw_spectrum(shape, unit="Hz", imaginary=True).axes[0]
    assert in_hertz.get_ylabel() == "signal / Hz"


def test_a_region_is_what_is_drawn():
    axes = draw_spectrum(spectrum(DATA), region=(5.4, 5.1)).axes[0]
    assert axes.get_xlim() == (5.4, 5.1)
    x = traces(axes)[0].get_xdata()
    assert 5.1 <= x.min() < x.max() <= 5.4


def test_sticks_stand_where_the_lines_are_and_are_as_long_as_their_amplitudes():
    lines = Lines(np.array([120.0, -90.0, 900.0]), np.array([1.0, -0.4 + 3j, 5.0]))
    axes = draw_spectrum(spectrum(DATA), lines=lines).axes[0]
    sticks = [path.vertices for path in axes.collections[0].get_paths()]
    assert len(sticks) == 2  # one lies outside the axis
    np.testing.assert_allclose([stick[0, 0] for stick in sticks], [5.24, 4.82], rtol=1e-6)
    lengths = [stick[1, 1] - stick[0, 1] for stick in sticks]
    assert lengths[1] / lengths[0] == pytest.approx(-0.4)
    assert lengths[0] > 0.05 * np.ptp(axes.get_ylim())  # the strong line outside does not set the scale
    assert min(stick[:, 1].min() for stick in sticks) >= axes.get_ylim()[0]
    assert max(stick[:, 1].max() for stick in sticks) < spectrum(DATA).values.real.min()


def test_few_rows_are_overlaid_and_told_apart_in_grey():
    figure = draw_spectrum(spectrum(ROWS), labels=["one", "two", "three"])
    drawn = traces(figure.axes[0])
    assert [line.get_label() for line in drawn] == ["one", "two", "three"]
    grey = [np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114)) for line in drawn]
    looks = {(round(g, 1), str(line.get_linestyle())) for g, line in zip(grey, drawn, strict=True)}
    assert len(looks) == 3
    assert figure.axes[0].get_legend() is not None


def test_many_rows_are_stacked_in_order():
    many = spectrum(Fid(np.ones(8)[:, None] * SIGNAL, 1e-3))
    axes = draw_spectrum(many, labels=[f"{k} deg" for k in range(8)]).axes[0]
    drawn = traces(axes)
    feet = [np.median(line.get_ydata()) for line in drawn]
    assert len(drawn) == 8
    assert np.all(np.diff(feet) > 0)
    assert [label.get_text() for label in axes.get_yticklabels()][2] == "2 deg"
    assert "signal / Hz apart" in axes.get_ylabel()


def test_the_imaginary_part_is_drawn_on_request():
    axes = draw_spectrum(spectrum(DATA), imaginary=True).axes[0]
    imaginary, real = traces(axes)
    np.testing.assert_allclose(imaginary.get_ydata(), spectrum(DATA).values.imag)
    assert (imaginary.get_label(), real.get_label()) == ("imaginary", "real")
    assert imaginary.get_linestyle() != real.get_linestyle()


@pytest.mark.parametrize("scale, unit, factor", [(1.0, "s", 1), (1e-2, "ms", 1e3), (1e-5, "µs", 1e6)])
def test_a_fid_is_drawn_against_time_in_a_fitting_unit(scale, unit, factor):
    data = Fid(np.exp(2j * np.arange(200)), scale * 6e-3, start=scale * 0.03, nucleus="13C")
    axes = draw_fid(data).axes[0]
    assert axes.get_xlabel() == f"time ({unit})"
    assert axes.get_ylabel() == "$^{13}$C signal (arb. units)"
    imaginary, real = traces(axes)
    np.testing.assert_allclose(real.get_xdata(), data.times * factor)
    np.testing.assert_allclose(real.get_ydata(), data.signal.real)
    np.testing.assert_allclose(imaginary.get_ydata(), data.signal.imag)
    assert axes.get_legend_handles_labels()[1] == ["dead time", "imaginary", "real"]
    assert axes.get_xlim()[0] == 0


def test_a_filter_s_build_up_is_shown_before_zero():
    axes = draw_fid(Fid(SIGNAL, 1e-3, start=-0.02), until=0.1).axes[0]
    assert axes.get_legend_handles_labels()[1][0] == "digital filter's build-up"
    assert axes.get_xlim() == (pytest.approx(-20), pytest.approx(100))


def test_figures_are_whole_on_paper(tmp_path):
    lines = Lines(np.array([120.0, -90.0]), np.array([1.0, 0.4], dtype=complex))
    figures = {
        "spectrum": draw_spectrum(spectrum(DATA), lines=lines, title="two lines", footer="what was assumed"),
        "fid": draw_fid(DATA, title="their FID", footer="what was assumed"),
    }
    for name, figure in figures.items():
        pdf, png = save(figure, tmp_path, name)
        assert pdf.read_bytes().startswith(b"%PDF")
        picture = imread(png)
        border = np.concatenate([picture[:2, :, :3].ravel(), picture[-2:, :, :3].ravel(), picture[:, -3:, :3].ravel()])
        assert np.all(border == 1), "something is cut off at an edge"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: draw_spectrum(spectrum(ROWS), labels=["a"]), "labels must be one for each of 3 rows, but is 1 labels"),
        (lambda: draw_spectrum(spectrum(ROWS), unit="ppm"), "carrier must be known for an axis in ppm"),
        (
            lambda: draw_spectrum(spectrum(DATA), region=(9, 12)),
            "region must hold points of the axis, 4 to 5.99.*9 to 12",
        ),
        (lambda: draw_fid(ROWS), r"data must be one FID of shape \(N,\), but is of shape \(3, 512\)"),
        (lambda: draw_fid(DATA, until=-1.0), "until must be at or after the first point at 0 s, but is -1 s"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_an_empty_spectrum_is_drawn_flat():
    flat = Spectrum(np.zeros((7, 64), dtype=complex), np.linspace(-500, 500, 64))
    assert len(traces(draw_spectrum(flat).axes[0])) == 7
