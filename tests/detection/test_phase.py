"""Automatic phases: from known lines, and from the spectrum's entropy."""

import numpy as np
import pytest

from nmrqb.detection import Fid, fit_amplitudes, phases_from_lines, phases_from_spectrum, spectrum
from nmrqb.errors import ArgumentError

WIDTH = 1000.0
NU = np.array([-310.0, -40.0, 95.0, 260.0])
AREA = np.array([1.0, 0.6, 0.8, 1.4])


def turned(amplitude, ph0, ph1):
    """What a receiver phase and a dead time make of lines, so that (ph0, ph1) is the correction."""
    return amplitude * np.exp(-1j * (ph0 + ph1 * NU / WIDTH))


def noisy(amplitude, sigma=0.0):
    t = np.arange(2048) / WIDTH
    noise = np.random.default_rng(0).normal(scale=max(sigma, 1e-300), size=(2, t.size))
    return Fid(np.exp(np.outer(t, 2j * np.pi * NU - 1 / 0.1)) @ amplitude + noise[0] + 1j * noise[1], 1 / WIDTH)


@pytest.mark.parametrize("ph0, ph1", [(0.0, 0.0), (2.5, 0.9), (-1.0, -7.0), (0.3, 11.0)])
@pytest.mark.parametrize("expected", [AREA, AREA * [1, -1, -1, 1], AREA * [1, 1j, -1, -1j]])
def test_known_lines_give_their_phases_exactly(ph0, ph1, expected):
    found = phases_from_lines(NU, 3.3 * turned(expected, ph0, ph1), WIDTH, expected)
    assert found == pytest.approx((ph0, ph1), abs=1e-6)


def test_absorptive_lines_are_the_default_and_noise_hurts_little():
    data = noisy(turned(AREA, 0.7, -2.2), sigma=0.05)
    fitted = fit_amplitudes(data, NU, 0.1)
    found = phases_from_lines(NU, fitted.amplitude, WIDTH)
    assert found == pytest.approx((0.7, -2.2), abs=0.05)
    shape = spectrum(data).phased(*found)
    heights = [shape.values[np.argmin(np.abs(shape.frequency - nu))] for nu in NU]
    assert np.abs(np.angle(heights)).max() < 0.06


def test_where_lines_do_not_say_the_smallest_ph1_is_taken():
    assert phases_from_lines([80.0], [1j], WIDTH) == pytest.approx((-np.pi / 2, 0.0))
    two = phases_from_lines([-100.0, 100.0], np.exp([-0.2j, 0.2j]), WIDTH)
    assert two == pytest.approx((0.0, -2.0), abs=1e-6)  # and not -2.0 + 2 pi/0.2


@pytest.mark.parametrize("ph0, ph1", [(0.0, 0.0), (2.0, 0.8), (-1.2, -0.6)])
def test_entropy_phases_a_spectrum_of_positive_lines(ph0, ph1):
    shape = spectrum(noisy(turned(AREA, ph0, ph1), sigma=0.005))
    found = phases_from_spectrum(shape)
    at_lines = (found.ph0 - ph0) + (found.ph1 - ph1) * NU / WIDTH
    assert np.abs(np.angle(np.exp(1j * at_lines))).max() < 0.15


@pytest.mark.parametrize(
    "nu, amplitude, expected, message",
    [
        ([1.0, 2.0], [1.0], None, r"have one shape \(K,\), but is of shapes \(2,\), \(1,\) and \(1,\)"),
        (1.0, 1.0, None, "have one shape"),
        ([1.0, 2.0], [0.0, 0.0], None, "amplitude must hold a line that is expected"),
        ([1.0, 2.0], [0.0, 1.0], [1.0, 0.0], "amplitude must hold a line that is expected"),
    ],
)
def test_lines_that_say_nothing_are_refused(nu, amplitude, expected, message):
    with pytest.raises(ArgumentError, match=message):
        phases_from_lines(nu, amplitude, WIDTH, expected)


def test_spectra_that_say_nothing_are_refused():
    shape = spectrum(Fid(np.zeros(16), 1e-3))
    with pytest.raises(ArgumentError, match=r"spectrum must be one spectrum \(N,\) that is not empty, but is of shape"):
        phases_from_spectrum(shape)
    with pytest.raises(ArgumentError, match=r"of shape \(2, 32\)"):
        phases_from_spectrum(spectrum(Fid(np.ones((2, 16)), 1e-3)))
