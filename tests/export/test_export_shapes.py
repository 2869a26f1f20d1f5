"""Shape files: what is written comes back through readers that are not ours, and plays as it did before."""

from dataclasses import replace

import jcamp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nmrqb
from nmrqb.export import bruker_shape, csv_shape, shaped_pulses, varian_shape
from nmrqb.sequence.events import Lock
from nmrqb.sequence.shapes import Shape, read_shape


def ergotropy(sequence):
    """Ergotropy per p after the pulse, with the couplings on."""
    sample = nmrqb.Sample.load("nematic-pair")
    states = nmrqb.Exact().run(nmrqb.schedule(sequence, sample, pulses="finite"), sample.linear_state())
    H = sample.battery().hamiltonian()
    return float(nmrqb.metrics.ergotropy(states.estimate[..., -1, :, :], H)) / sample.polarisation_factor


def shaped(shape, rf="8 kHz", length="400 us"):
    """A preparation of dipolar order, charged by a shaped pulse."""
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge").bind(store="y")
    steps = [step for step in sequence.steps if getattr(step, "use", None) != "charge"]
    where = next(k for k, step in enumerate(sequence.steps) if getattr(step, "use", None) == "charge")
    lock = Lock(lock=rf, duration=length, phase="30 deg", shape="s", use="charge")
    steps.insert(where, lock)
    parameters = {name: value for name, value in sequence.parameters.items() if name != "charge"}
    return replace(sequence, steps=tuple(steps), shapes={"s": shape}, parameters=parameters).checked()


@pytest.mark.parametrize("kind", ["sech", "gaussian", "hermite", "tan-ramp"])
def test_a_bruker_shape_read_by_an_independent_reader_gives_the_ergotropy_of_before(tmp_path, kind):
    before = shaped(Shape(kind, 300))
    (pulse,) = shaped_pulses(before, nmrqb.Sample.load("nematic-pair"))
    path = tmp_path / "pulse.shp"
    path.write_text(bruker_shape(pulse.envelope, title="a test", length=pulse.length, peak=pulse.peak))
    read = jcamp.readfile(str(path))
    assert read["npoints"] == 300
    assert read["maxx"] == pytest.approx(100)
    envelope = read["x"] / 100 * np.exp(1j * np.radians(read["y"]))
    after = shaped(Shape("sampled", samples=tuple(envelope)), f"{pulse.peak} Hz", f"{pulse.length} s")
    value = ergotropy(before)
    assert value > 0.01
    assert ergotropy(after) == pytest.approx(value, rel=1e-6)
    # and through our own reader, as a pulse of a sequence file
    ours = shaped(read_shape(path), f"{pulse.peak} Hz", f"{pulse.length} s")
    assert ergotropy(ours) == pytest.approx(value, rel=1e-6)
    # the comparison would notice a pulse 1 % too strong
    wrong = shaped(Shape("sampled", samples=tuple(envelope)), f"{1.01 * pulse.peak} Hz", f"{pulse.length} s")
    assert abs(ergotropy(wrong) / value - 1) > 1e-5


@given(st.lists(st.complex_numbers(max_magnitude=1, allow_nan=False), min_size=1, max_size=50))
def test_any_envelope_survives_all_three_formats(points):
    envelope = np.array([1.0 + 0j, *points])
    bruker = [
        line.split(", ")
        for line in bruker_shape(envelope, title="t", length=1e-3, peak=1e4).splitlines()
        if line[0] not in "#$"
    ]
    amplitude, phase = np.array(bruker, dtype=float).T
    assert np.allclose(amplitude / 100 * np.exp(1j * np.radians(phase)), envelope, rtol=0, atol=1e-10)
    assert phase.min() >= 0
    assert phase.max() < 360
    varian = np.array(
        [line.split() for line in varian_shape(envelope, title="t", length=1e-3, peak=1e4).splitlines()[2:]], float
    )
    assert np.allclose(varian[:, 1] / 1023 * np.exp(1j * np.radians(varian[:, 0])), envelope, rtol=0, atol=1e-10)
    assert np.all(varian[:, 2] == 1)
    table = np.genfromtxt(csv_shape(envelope, length=1e-3, peak=1e4).splitlines(), delimiter=",", skip_header=1)
    assert np.allclose(table[:, 1] / 1e4 * np.exp(1j * np.radians(table[:, 2])), envelope, rtol=0, atol=1e-9)
    assert np.allclose(table[:, 0], np.arange(envelope.size) * 1e-3 / envelope.size)


def test_the_power_arithmetic_of_the_header_holds():
    text = bruker_shape(np.ones(4, dtype=complex), title="t", length=1e-3, peak=5e3)
    # a peak of a fifth of the nutation of a 10 us 90-degree pulse (25 kHz) needs a 25th of the power
    assert "(4 * p1 * 5000 Hz)^2" in text
    assert pytest.approx(1 / 25) == (4 * 10e-6 * 5000) ** 2


def test_rows_are_limited_to_what_spectrometers_take():
    bruker_shape(np.ones(32768, dtype=complex), title="t", length=1e-3, peak=1.0)
    with pytest.raises(ValueError, match=r"shape \(32769,\)"):
        bruker_shape(np.ones(32769, dtype=complex), title="t", length=1e-3, peak=1.0)
    with pytest.raises(ValueError, match=r"largest magnitude of 2"):
        varian_shape(2 * np.ones(4, dtype=complex), title="t", length=1e-3, peak=1.0)
    with pytest.raises(ValueError, match=r"length must .* -1"):
        csv_shape(np.ones(4, dtype=complex), length=-1.0, peak=1.0)


def test_a_bruker_file_with_rows_missing_is_refused(tmp_path):
    path = tmp_path / "cut.shp"
    lines = bruker_shape(np.ones(10, dtype=complex), title="t", length=1e-3, peak=1.0).splitlines()
    path.write_text("\n".join(lines))
    assert read_shape(path).points == 10
    path.write_text("\n".join([*lines[:-3], lines[-1]]))
    with pytest.raises(ValueError, match=r"8.*10|10.*8"):
        read_shape(path)
