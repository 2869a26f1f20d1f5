"""Simulated signals against another program's published ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import nmrqb
from nmrqb.detection import Receiver
from nmrqb.nmr.distributions import powder

DATA = Path(__file__).parent

SEQUENCE = """
title = "one pulse on silicon"
steps = [{ pulse = "90 deg", phase = "y", on = "29Si" }, { acquire = "signal", on = "29Si" }]
"""
SAMPLE = """
title = "an isolated 29Si-1H pair"
spins = ["29Si", "1H"]
polarisation = 1e-4
[[couplings]]
between = [0, 1]
dipolar = "1200 Hz"
[rf]
pulse_90 = "5 us"
limit = "60 kHz"
"""


def test_a_powder_of_dipolar_pairs_against_simpson(tmp_path):
    published = np.loadtxt(DATA / "simpson_dipole_29si_1h.csv")
    (tmp_path / "pair.toml").write_text(SAMPLE)
    (tmp_path / "pulse.toml").write_text(SEQUENCE)
    sample, sequence = nmrqb.Sample.load(tmp_path / "pair.toml"), nmrqb.Sequence.load(tmp_path / "pulse.toml")
    receiver = Receiver(200e-6, published.size)
    timeline = nmrqb.schedule(sequence, sample, ensemble=powder(200))
    broadening = 1 / (np.pi * 15)  # s, of 15 Hz
    found = nmrqb.acquire(timeline, sample.thermal_state(), receiver, t2_star=broadening)["signal"]
    # SIMPSON's own powder grid of 4180 orientations is good to about 1e-5 here
    np.testing.assert_allclose(found.signal.real / sample.polarisation_factor, published, atol=3e-5)
    assert np.abs(found.signal.imag).max() < 1e-9 * sample.polarisation_factor


def test_the_comparison_would_notice_a_wrong_coupling(tmp_path):
    published = np.loadtxt(DATA / "simpson_dipole_29si_1h.csv")
    (tmp_path / "pair.toml").write_text(SAMPLE.replace("1200 Hz", "1201 Hz"))
    (tmp_path / "pulse.toml").write_text(SEQUENCE)
    sample, sequence = nmrqb.Sample.load(tmp_path / "pair.toml"), nmrqb.Sequence.load(tmp_path / "pulse.toml")
    timeline = nmrqb.schedule(sequence, replace(sample, name="wrong"), ensemble=powder(200))
    receiver = Receiver(200e-6, published.size)
    found = nmrqb.acquire(timeline, sample.thermal_state(), receiver, t2_star=1 / (np.pi * 15))["signal"]
    assert np.abs(found.signal.real / sample.polarisation_factor - published).max() > 3e-4
