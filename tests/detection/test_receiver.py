"""What a receiver adds, where it appears, and what is refused."""

import numpy as np
import pytest
from detection_systems import one_spin

from nmrqb.detection import Fid, Receiver, detector, fid, spectrum
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import collective

RECEIVER = Receiver(dwell=1e-3, points=1000)


def line(receiver, offset=100.0, seed=None, t2=0.1):
    return fid(2 * collective(1, "x"), one_spin(offset), detector(1), receiver, t2=t2, seed=seed)


def at(shape, frequency):
    """Height of the spectrum's real and imaginary part at the point nearest to a frequency."""
    return shape.values[..., np.argmin(np.abs(shape.frequency - frequency))]


def test_the_quadrature_image_is_a_mirror_line_of_the_stated_size_and_phase():
    clean, imaged = (spectrum(line(Receiver(1e-3, 1000, image=a, image_phase=0.7))) for a in (0.0, 0.05))
    extra = imaged.values - clean.values
    peak = imaged.frequency[np.argmax(np.abs(extra))]
    assert peak == pytest.approx(-100.0, abs=imaged.spacing)
    mirrored = spectrum(line(RECEIVER, offset=-100.0)).values
    np.testing.assert_allclose(extra, 0.05 * np.exp(0.7j) * mirrored, atol=1e-12)


def test_the_image_of_a_phased_receiver_carries_the_opposite_phase():
    record = Receiver(1e-3, 10, phase=0.3, image=0.1).record(np.ones(10, dtype=complex))
    np.testing.assert_allclose(record, np.exp(0.3j) + 0.1 * np.exp(-0.3j), atol=1e-15)


def test_a_dc_offset_is_a_spike_at_zero_of_the_stated_size():
    extra = spectrum(line(Receiver(1e-3, 1000, dc=0.02 - 0.01j)), size=1000, first=1.0).values
    extra = extra - spectrum(line(RECEIVER), size=1000, first=1.0).values
    expected = np.zeros(1000, dtype=complex)
    expected[500] = 2 * (0.02 - 0.01j)  # 2 dwell N dc
    np.testing.assert_allclose(extra, expected, atol=1e-12)


def test_the_receiver_phase_turns_the_spectrum():
    turned, straight = (spectrum(line(Receiver(1e-3, 1000, phase=p))).values for p in (0.4, 0.0))
    np.testing.assert_allclose(turned, straight * np.exp(0.4j), atol=1e-12)


def test_a_line_beyond_half_the_width_folds_in_at_the_other_end():
    shape = spectrum(line(RECEIVER, offset=620.0))
    assert shape.frequency[np.argmax(shape.values.real)] == pytest.approx(-380.0, abs=shape.spacing)


@pytest.mark.parametrize("scans", [1, 16])
def test_noise_has_the_stated_deviation_in_each_part_and_falls_with_the_scans(scans):
    receiver = Receiver(1e-3, 20_000, noise=0.3, scans=scans)
    noisy = line(receiver, seed=5)
    noise = noisy.signal - line(Receiver(1e-3, 20_000)).signal
    expected = 0.3 / np.sqrt(scans)
    assert noisy.noise == pytest.approx(expected)
    for part in (noise.real, noise.imag):
        assert part.std() == pytest.approx(expected, rel=0.025)  # 5 standard errors
        assert abs(part.mean()) < 5 * expected / np.sqrt(20_000)
    assert abs(np.mean(noise.real * noise.imag)) < 5 * expected**2 / np.sqrt(20_000)


def test_noise_is_repeatable_by_seed_and_differs_between_members_and_calls():
    receiver = Receiver(1e-3, 50, noise=0.1)
    pair = line(receiver, offset=np.array([10.0, 10.0]), seed=3).signal
    assert not np.allclose(pair[0], pair[1])
    np.testing.assert_array_equal(pair, line(receiver, offset=np.array([10.0, 10.0]), seed=3).signal)
    rng = np.random.default_rng(3)
    assert not np.allclose(line(receiver, seed=rng).signal, line(receiver, seed=rng).signal)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"dwell": 0.0}, "dwell must be finite and above zero, but is 0.0 s"),
        ({"dwell": np.inf}, "but is inf s"),
        ({"points": 0}, "points must be a whole number, 1 or more, but is 0"),
        ({"points": 1.5}, "but is 1.5"),
        ({"points": True}, "but is True"),
        ({"scans": 0}, "scans must be a whole number, 1 or more, but is 0"),
        ({"dead_time": -1e-6}, "dead_time must be finite and zero or above, but is -1e-06 s"),
        ({"noise": -0.1}, "noise must be finite and zero or above, but is -0.1"),
        ({"noise": np.nan}, "but is nan"),
        ({"image": 1.0}, "image must lie at 0 or above and below 1, as a fraction of the line, but is 1.0"),
        ({"image": -0.01}, "but is -0.01"),
        ({"dc": complex(0, np.nan)}, "dc must be finite"),
        ({"phase": np.inf}, "phase must be finite, but is inf"),
        ({"image_phase": np.nan}, "image_phase must be finite, but is nan"),
    ],
)
def test_receivers_outside_their_range_are_refused(change, message):
    with pytest.raises(ArgumentError, match=message):
        Receiver(**{"dwell": 1e-3, "points": 10, **change})


def test_receivers_at_the_edge_of_their_range_are_taken():
    receiver = Receiver(dwell=5e-324, points=1, dead_time=0.0, noise=0.0, image=np.nextafter(1, 0), scans=np.int64(1))
    assert receiver.averaged_noise == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"signal": 1.0}, r"signal must have shape \(..., N\) with at least one point, but is of shape \(\)"),
        ({"signal": np.zeros((2, 0))}, r"of shape \(2, 0\)"),
        ({"signal": [1.0, np.nan]}, "signal must be finite"),
        ({"dwell": -1.0}, "dwell must be finite and above zero, but is -1.0 s"),
        ({"start": np.nan}, "start must be finite, but is nan s"),
        ({"carrier": 0.0}, "carrier must be finite and above zero, or None, but is 0.0 Hz"),
        ({"carrier_ppm": -1e6}, "carrier_ppm must be a chemical shift in ppm, but is -1000000.0"),
        ({"noise": -1.0}, "noise must be zero or above, or None, but is -1.0"),
    ],
)
def test_fids_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ArgumentError, match=message):
        Fid(**{"signal": np.ones(4), "dwell": 1e-3, **change})


@pytest.mark.parametrize("time, points, start", [(-1.0, 10, 0.5), (0.5, 10, 0.5), (0.51, 9, 0.6), (1.4, 1, 1.4)])
def test_a_fid_is_cut_at_a_time(time, points, start):
    data = Fid(np.arange(10.0), 0.1, start=0.5).after(time)
    assert (data.points, data.times[0]) == (points, pytest.approx(start))
    assert data.signal[-1] == 9


def test_a_cut_that_leaves_nothing_is_refused():
    with pytest.raises(ArgumentError, match=r"time must lie before the last point at 1.4 s, but is 1.45 s"):
        Fid(np.arange(10.0), 0.1, start=0.5).after(1.45)
