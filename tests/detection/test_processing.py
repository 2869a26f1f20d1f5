"""Windows, transform, phases, axes, integrals and baselines, against closed forms and against nmrglue."""

import numpy as np
import pytest
from nmrglue.process import proc_base

from nmrqb.detection import Fid, Spectrum, apodised, dc_removed, spectrum
from nmrqb.errors import ArgumentError

DWELL, N = 1e-3, 1024


def decay(lines, start=0.0, points=N, t2=0.05, **known):
    """A FID of {frequency: amplitude}."""
    t = start + DWELL * np.arange(points)
    signal = sum(a * np.exp(2j * np.pi * nu * t - t / t2) for nu, a in lines.items())
    return Fid(signal, DWELL, start=start, **known)


def peak(shape):
    return shape.frequency[np.argmax(np.abs(shape.values))]


@pytest.mark.parametrize("size", [N, 2 * N, 1500, 1501])
@pytest.mark.parametrize("offset", [-300.0, -1.0, 0.0, 210.0])
def test_a_positive_offset_lies_at_a_positive_frequency(size, offset):
    shape = spectrum(decay({offset: 1.0}), size=size)
    assert peak(shape) == pytest.approx(offset, abs=0.5 * shape.spacing + 1e-9)
    assert shape.frequency.size == size
    assert np.all(np.diff(shape.frequency) > 0)
    assert shape.width == pytest.approx(1 / DWELL)


def test_a_line_has_its_lorentzian_and_its_area():
    shape = spectrum(decay({0.0: 0.8}, points=4096), size=16384)
    x = 2 * np.pi * shape.frequency * 0.05
    near = np.abs(shape.frequency) < 30
    # what is left is the foot that sampling adds: of order dwell beside the line's height 2 T2
    np.testing.assert_allclose(shape.values.real[near], (0.8 * 2 * 0.05 / (1 + x**2))[near], atol=2e-5)
    np.testing.assert_allclose(shape.values.imag[near], (-0.8 * 2 * 0.05 * x / (1 + x**2))[near], atol=2e-3)
    assert np.sum(shape.values.real) * shape.spacing == pytest.approx(0.8)


def test_without_halving_the_first_point_the_baseline_is_lifted():
    lifted = spectrum(decay({100.0: 1.0}), first=1.0).values - spectrum(decay({100.0: 1.0})).values
    np.testing.assert_allclose(lifted, DWELL, atol=1e-15)  # 2 dwell s(0)/2


@pytest.mark.parametrize("start", [7.3 * DWELL, -3.25 * DWELL])
def test_the_time_of_the_first_point_leaves_no_phase_behind(start):
    shape = spectrum(decay({-218.75: 1.0, 171.875: 0.7}, start=start, t2=0.4), size=16 * N)
    for offset in (-218.75, 171.875):
        value = shape.values[np.argmin(np.abs(shape.frequency - offset))]
        # the other line's tail is what remains
        assert abs(np.angle(value)) < 0.01


def test_a_dead_time_that_is_not_known_turns_the_lines_by_two_pi_nu_t():
    late = 0.4 * DWELL
    data = decay({-218.75: 1.0, 171.875: 0.7}, start=late, t2=0.4)
    shape = spectrum(Fid(data.signal, DWELL), size=16 * N)
    for offset in (-218.75, 171.875):
        value = shape.values[np.argmin(np.abs(shape.frequency - offset))]
        assert np.angle(value) == pytest.approx(2 * np.pi * offset * late, abs=0.01)
    corrected = shape.phased(ph1=-2 * np.pi * late / DWELL)
    for offset in (-218.75, 171.875):
        assert abs(np.angle(corrected.values[np.argmin(np.abs(shape.frequency - offset))])) < 0.01


def test_phases_agree_with_nmrglue():
    shape = spectrum(decay({100.0: 1.0, -80.0: 0.5}))
    n = shape.frequency.size
    ph0, ph1, pivot = 0.6, -1.1, 40.0
    # nmrglue counts ph1 from the first point, in degrees
    p0 = np.degrees(ph0 - ph1 * (0.5 + pivot / shape.width))
    theirs = proc_base.ps(shape.values, p0=p0, p1=np.degrees(ph1))
    np.testing.assert_allclose(shape.phased(ph0, ph1, pivot).values, theirs, atol=1e-15)
    assert n % 2 == 0


def test_the_transform_agrees_with_nmrglue():
    data = decay({100.0: 1.0, -80.0: 0.5}, start=0.0)
    theirs = proc_base.fft(proc_base.zf_size(data.signal, 2 * N)) * 2 * DWELL
    np.testing.assert_allclose(spectrum(data, first=1.0).values, theirs, atol=1e-14)


@pytest.mark.parametrize("lb, gb", [(3.0, 0.0), (0.0, 5.0), (2.0, 4.0), (-1.0, 3.0)])
def test_windows_agree_with_nmrglue(lb, gb):
    data = decay({100.0: 1.0})
    a, b = np.pi * lb * DWELL, (np.pi * gb * DWELL) ** 2 / (4 * np.log(2))
    theirs = proc_base.gmb(data.signal, a=a, b=b)
    np.testing.assert_allclose(apodised(data, lb, gb).signal, theirs, rtol=1e-12)


def width(shape):
    """Full width at half height of the tallest line, in Hz."""
    real = shape.values.real
    top = int(np.argmax(real))
    half = real[top] / 2
    left = np.interp(
        half, real[: top + 1][real[: top + 1].argmin() :], shape.frequency[: top + 1][real[: top + 1].argmin() :]
    )
    right = np.interp(-half, -real[top:], shape.frequency[top:])
    return right - left


@pytest.mark.parametrize("lb, gb, expected", [(7.0, 0.0, 7.0), (0.0, 7.0, 7.0)])
def test_windows_add_their_width_to_a_narrow_line(lb, gb, expected):
    data = decay({0.0: 1.0}, points=8 * N, t2=1e6)
    assert width(spectrum(apodised(data, lb, gb), size=64 * N)) == pytest.approx(expected, rel=2e-3)


def test_a_lorentzian_window_adds_to_the_natural_width():
    data = decay({0.0: 1.0}, points=8 * N, t2=1 / (np.pi * 4.0))
    assert width(spectrum(apodised(data, 3.0), size=64 * N)) == pytest.approx(7.0, rel=2e-3)


def test_a_window_leaves_the_noise_unknown():
    assert apodised(decay({0.0: 1.0}, noise=0.1), 2.0).noise is None


def test_ppm_counts_from_the_reference():
    data = decay({250.0: 1.0}, carrier=500.0e6 * (1 + 4.7e-6), carrier_ppm=4.7)
    shape = spectrum(data, size=4 * N)
    assert shape.ppm[np.argmax(np.abs(shape.values))] == pytest.approx(4.7 + 250.0 / 500.0, abs=1e-9)
    np.testing.assert_allclose(shape.axis("ppm"), shape.ppm)
    np.testing.assert_allclose(shape.axis("kHz") * 1e3, shape.axis("Hz"))
    assert data.reference == pytest.approx(500e6, rel=1e-12)


def test_integrals_are_the_amplitudes_of_separated_lines():
    data = decay({250.0: 1.0, -250.0: -0.4}, points=8 * N, t2=0.3, carrier=500e6)
    shape = spectrum(data)
    areas = shape.integral([(150, 350), (-350, -150)])
    # a Lorentzian of 1 Hz width has 1 - 2/(200 pi) = 0.997 of its area within +-100 Hz; the other's wing is odd
    np.testing.assert_allclose(areas, [0.997, -0.399], atol=2e-3)
    np.testing.assert_allclose(shape.integral([(0.3, 0.7)], unit="ppm"), shape.integral([(150, 350)]), rtol=1e-9)
    edge = shape.spacing / 2
    whole = shape.integral([(shape.frequency[0] - edge, shape.frequency[-1] + edge)])
    assert whole[0] == pytest.approx(0.6)


def test_integrals_of_parts_of_points_add_up_and_batch():
    data = decay({250.0: 1.0})
    shape = spectrum(Fid(np.stack([data.signal, 2 * data.signal]), DWELL))
    cut = 250.1234
    parts = shape.integral([(200, cut), (cut, 290)])
    np.testing.assert_allclose(parts.sum(axis=-1), shape.integral([(200, 290)])[:, 0])
    np.testing.assert_allclose(parts[1], 2 * parts[0])


def test_a_dc_offset_is_taken_from_the_tail():
    data = decay({100.0: 1.0}, points=4 * N)
    np.testing.assert_allclose(dc_removed(data.with_signal(data.signal + 0.3 - 0.1j)).signal, data.signal, atol=1e-10)
    whole = dc_removed(data.with_signal(np.ones(8) * 2.0), tail=1.0)
    np.testing.assert_allclose(whole.signal, 0, atol=1e-15)


@pytest.mark.parametrize("order", [0, 2])
def test_a_baseline_is_removed_and_the_line_kept(order):
    shape = spectrum(apodised(decay({100.0: 1.0}, points=4 * N), 0.0, 8.0))
    x = shape.frequency / shape.width
    bent = Spectrum(shape.values + 0.01 + (order > 0) * (0.02 * x + 0.03j * x**2), shape.frequency)
    flat = bent.baseline_removed([(-450, -100), (300, 450)], order=order)
    clean = shape.baseline_removed([(-450, -100), (300, 450)], order=order)
    np.testing.assert_allclose(flat.values, clean.values, atol=1e-12)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda s: s.integral([]), "regions must hold at least one pair"),
        (lambda s: s.integral([(5, 5)]), "region must have a width above zero, but is 5 to 5 Hz"),
        (
            lambda s: s.integral([(400, 501)]),
            "region must lie inside the spectrum, -500.244 to 499.756 Hz, but is 400 to 501 Hz",
        ),
        (lambda s: s.integral([(0, 1)], unit="ppm"), "carrier must be known for an axis in ppm, but is None"),
        (lambda s: s.axis("MHz"), 'unit must be "Hz", "kHz" or "ppm", but is \'MHz\''),
        (lambda s: s.baseline_removed([(0, 1)], order=3), "order must lie between 0 and 2 for the points"),
        (lambda s: s.baseline_removed([(0, 1)], order=-1), "but is -1"),
    ],
)
def test_regions_and_units_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(spectrum(decay({0.0: 1.0})))


@pytest.mark.parametrize("size", [N - 1, 2.5 * N])
def test_a_spectrum_of_fewer_points_than_the_fid_is_refused(size):
    with pytest.raises(ArgumentError, match=rf"size must be a whole number, 1024 or more, but is {size}"):
        spectrum(decay({0.0: 1.0}), size=size)


@pytest.mark.parametrize("tail", [0.0, 1.1, 0.0001, -0.5])
def test_a_tail_without_points_is_refused(tail):
    with pytest.raises(ArgumentError, match=f"but is {tail}"):
        dc_removed(decay({0.0: 1.0}), tail)


def test_windows_that_are_not_finite_are_refused():
    with pytest.raises(ArgumentError, match="gaussian must be finite, but is nan"):
        apodised(decay({0.0: 1.0}), gaussian=np.nan)
