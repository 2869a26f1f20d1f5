"""Pulses on two channels at once share slices where their lengths allow it."""

import numpy as np
import pytest

import nmrqb
from nmrqb.timeline.waveforms import from_amplitude, merged


def wave(spin, length, points, seed):
    rng = np.random.default_rng(seed)
    envelope = rng.normal(size=points) + 1j * rng.normal(size=points)
    return from_amplitude((spin,), np.array(1e3), np.array(0.3), envelope, np.asarray(length))


@pytest.mark.parametrize("points", [1, 7])
def test_pulses_of_one_length_need_no_more_slices_than_one_of_them(points):
    both = [wave(0, 1e-3, points, 0), wave(1, 1e-3, points, 1)]
    rotations, durations = merged(both, "centre")
    np.testing.assert_allclose(durations, np.full(points, 1e-3 / points), rtol=1e-12)
    for rotation, each in zip(rotations, both, strict=True):
        np.testing.assert_array_equal(rotation, each.rotation)


@pytest.mark.parametrize(("lengths", "points"), [((1e-3, 6e-4), (3, 3)), ((1e-3, 1e-3), (3, 5))])
def test_others_keep_their_rotation_over_the_whole(lengths, points):
    both = [wave(k, length, n, k) for k, (length, n) in enumerate(zip(lengths, points, strict=True))]
    for align in ("start", "centre", "end"):
        rotations, durations = merged(both, align)
        assert durations.sum() == pytest.approx(max(lengths))
        for rotation, each in zip(rotations, both, strict=True):
            assert rotation.sum() == pytest.approx(each.rotation.sum())


def test_composite_pulses_on_two_channels_have_one_slice_for_each_pulse():
    timeline = nmrqb.schedule(nmrqb.Sequence.load("corpse-180"), nmrqb.Sample.load("chloroform"))
    assert timeline.slices == 3
    assert np.all(timeline.durations > 0)
