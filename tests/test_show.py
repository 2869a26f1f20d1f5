"""What `nmrqb show` and `nmrqb spectrum` tell of samples and files that lie elsewhere."""

from __future__ import annotations

import re

import numpy as np
import pytest
from command_line import in_process

import nmrqb
from nmrqb.cli_signal import _receiver
from nmrqb.errors import InputError
from nmrqb.report import sample_properties
from nmrqb.sequence.printing import to_toml

CHLOROFORM = nmrqb.Sample.load("chloroform")
SHAPED = """
title = "shaped"
pulses = "finite"
steps = [{ pulse = "90 deg", shape = "mine", duration = "100 us" }, { observe = "end" }]
[shapes.mine]
file = "shape.txt"
"""


def changed(folder, old, new):
    assert old in CHLOROFORM.source
    (folder / "changed.toml").write_text(CHLOROFORM.source.replace(old, new))
    return nmrqb.Sample.load(folder / "changed.toml")


def test_scalar_couplings_and_every_channel_are_listed():
    rows = {name: (value, flag) for name, value, flag in sample_properties(CHLOROFORM)}
    assert rows["J of spins 0, 1"] == ("215 Hz", "unverified")
    assert rows["90° pulse"][0] == "10 µs"
    assert rows["90° pulse on 13C"][0] == "12 µs"
    assert rows["RF limit on 13C"][0] == "25 kHz"
    assert rows["receiver"][0] == "8192 points, dwell 500 µs"
    assert "X-dephasing γ" not in rows


def test_the_noise_that_acts_is_listed(tmp_path):
    driven = changed(tmp_path, "[readout]", '[noise]\nx_dephasing = ["20 Hz", "0 Hz"]\n\n[readout]')
    assert ("X-dephasing γ", "20/s, 0/s", "") in sample_properties(driven)
    pair = nmrqb.Sample.load("nematic-pair")
    assert any(name.startswith("T1D (on record;") for name, _, _ in sample_properties(pair))
    acting = pair.source.replace("[relaxation]", '[relaxation]\ndipolar_order = "T1D"')
    (tmp_path / "t1d.toml").write_text(acting)
    names = [name for name, _, _ in sample_properties(nmrqb.Sample.load(tmp_path / "t1d.toml"))]
    assert "T1D of dipolar order" in names


def test_a_shape_file_lies_beside_its_sequence_wherever_one_stands(tmp_path, capsys, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "shaped.toml").write_text(SHAPED)
    monkeypatch.chdir(tmp_path)
    code, _, err = in_process(capsys, "show", "there/shaped.toml")
    assert code == 2
    assert re.search(r"line 5: shapes.mine: the shape file 'shape.txt' cannot be read \(no such file", err)
    (tmp_path / "there" / "shape.txt").write_text("50 0\n100 0\n50 0\n")
    code, out, _ = in_process(capsys, "show", "there/shaped.toml")
    assert code == 0
    assert "finite pulses)" in out


def test_shifts_are_numbers_with_or_without_their_unit(tmp_path):
    for written in ("[7.26, -77]", '["7.26 ppm", "-77ppm"]'):
        sample = changed(tmp_path, "[[couplings]]", f"shifts = {written}\n[[couplings]]")
        # 42.577 and 10.708 MHz/T at 11.744 T
        np.testing.assert_allclose(sample.offsets, [7.26 * 500.03, -77 * 125.76], rtol=1e-3)
    for wrong in ('"7.26"', '"7 Hz"', '"x ppm"', "true"):
        with pytest.raises(InputError, match=r"shifts\[0\]"):
            changed(tmp_path, "[[couplings]]", f"shifts = [{wrong}, 0]\n[[couplings]]")


def test_spectra_have_the_noise_of_the_samples_receiver_unless_told(tmp_path):
    noisy = changed(tmp_path, "points = 8192", "points = 8192\nnoise = 0.01")
    p = noisy.polarisation_factor
    assert _receiver(noisy, None).noise == pytest.approx(0.01 * p)
    assert _receiver(noisy, 0.0).noise == 0
    assert _receiver(noisy, 0.02).noise == pytest.approx(0.02 * p)
    assert _receiver(CHLOROFORM, None).noise == 0


def test_a_sampled_shape_is_printed_as_its_file(tmp_path):
    (tmp_path / "shape.txt").write_text("50 0\n100 90\n50 0\n")
    (tmp_path / "shaped.toml").write_text(SHAPED)
    sequence = nmrqb.Sequence.load(tmp_path / "shaped.toml")
    (tmp_path / "printed.toml").write_text(to_toml(sequence))
    again = nmrqb.Sequence.load(tmp_path / "printed.toml")
    assert (again.steps, again.shapes) == (sequence.steps, sequence.shapes)
    assert to_toml(again) == to_toml(sequence)
