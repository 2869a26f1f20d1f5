"""FIDs at acquire marks: one pulse, phase cycles, ensembles, noise of the receiver."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.detection import Receiver, fit_amplitudes
from nmrqb.errors import ArgumentError
from nmrqb.nmr.distributions import offset_distribution

PAIR = nmrqb.Sample.load("nematic-pair")
RECEIVER = Receiver(50e-6, 400)
ONE_PULSE = """
title = "one pulse"
steps = [{ pulse = "90 deg", phase = "p" }, { acquire = "signal" }]
[parameters]
p = "y"
"""

OBSERVED = 'title = "read"\nsteps = [{ pulse = "90 deg", phase = "y" }, { observe = "end" }]'


def sequence(folder, text):
    (folder / "s.toml").write_text(text)
    return nmrqb.Sequence.load(folder / "s.toml")


def test_a_90y_pulse_gives_the_pake_pair_of_lines(tmp_path):
    timeline = nmrqb.schedule(sequence(tmp_path, ONE_PULSE), PAIR)
    signal = nmrqb.acquire(timeline, PAIR.thermal_state(), RECEIVER)["signal"].signal / PAIR.polarisation_factor
    # lines at +- 3 d/2 of half the intensity each: the FID of an isolated pair is cos(3 d t / 2)
    np.testing.assert_allclose(signal, np.cos(2 * np.pi * 1500 * RECEIVER.times), atol=1e-9)


def test_a_cyclops_cycle_adds_up_and_an_unfollowed_receiver_cancels(tmp_path):
    cycle = ONE_PULSE + '\n[cycle]\np = ["y", "-x", "-y", "x"]\nreceiver = '
    plain = nmrqb.schedule(sequence(tmp_path, ONE_PULSE), PAIR)
    reference = nmrqb.acquire(plain, PAIR.thermal_state(), RECEIVER)["signal"].signal
    followed = sequence(tmp_path, cycle + '["x", "y", "-x", "-y"]')
    added = nmrqb.acquire(nmrqb.schedule(followed, PAIR), PAIR.thermal_state(), RECEIVER)["signal"].signal
    np.testing.assert_allclose(added, reference, atol=1e-12)
    still = sequence(tmp_path, cycle + '["x", "x", "x", "x"]')
    gone = nmrqb.acquire(nmrqb.schedule(still, PAIR), PAIR.thermal_state(), RECEIVER)["signal"].signal
    assert np.abs(gone).max() < 1e-9 * np.abs(reference).max()


def test_offsets_of_an_ensemble_make_the_signal_decay(tmp_path):
    timeline = nmrqb.schedule(sequence(tmp_path, ONE_PULSE), PAIR, ensemble=offset_distribution(20.0, members=41))
    signal = nmrqb.acquire(timeline, PAIR.thermal_state(), RECEIVER)["signal"].signal / PAIR.polarisation_factor
    t = RECEIVER.times
    expected = np.cos(2 * np.pi * 1500 * t) * np.exp(-((2 * np.pi * 20 * t) ** 2) / 2)
    np.testing.assert_allclose(signal, expected, atol=1e-9)


def test_swept_parameters_and_both_channels(tmp_path):
    text = (PAIR.source.replace('["1H", "1H"]', '["1H", "13C"]').replace('dipolar = "1 kHz"', 'J = "215 Hz"')).replace(
        "couplings[0].dipolar", "couplings[0].J"
    )
    (tmp_path / "ax.toml").write_text(text)
    ax = nmrqb.Sample.load(tmp_path / "ax.toml")
    two = sequence(
        tmp_path,
        """
        title = "both"
        steps = [{ pulse = "angle", phase = "y" }, { acquire = "proton", on = "1H" }, { acquire = "carbon", on = "13C" }]
        [parameters]
        angle = "90 deg"
        """,
    )
    angles = np.radians([30.0, 90.0])
    timeline = nmrqb.schedule(two.bind(angle=angles), ax)
    found = nmrqb.acquire(timeline, ax.thermal_state(), RECEIVER)
    for name, P in zip(("proton", "carbon"), ax.polarisation, strict=True):
        expected = 2 * P * np.sin(angles)[:, None] * np.cos(np.pi * 215 * RECEIVER.times)
        np.testing.assert_allclose(found[name].signal, expected, atol=1e-12)


def test_receiver_noise_is_what_the_receiver_says_and_seeds_decide(tmp_path):
    noisy = replace(RECEIVER, noise=3e-6, scans=4, points=4000)
    timeline = nmrqb.schedule(sequence(tmp_path, ONE_PULSE), PAIR)
    one, same, other = (nmrqb.acquire(timeline, PAIR.thermal_state(), noisy, seed=s)["signal"] for s in (1, 1, 2))
    np.testing.assert_array_equal(one.signal, same.signal)
    clean = nmrqb.acquire(timeline, PAIR.thermal_state(), replace(noisy, noise=0.0))["signal"].signal
    assert (one.signal - clean).real.std() == pytest.approx(1.5e-6, rel=0.05)
    assert np.abs(one.signal - other.signal).max() > 0
    fitted = fit_amplitudes(replace(one, signal=one.signal), [-1500.0, 1500.0], 1e6)
    np.testing.assert_allclose(fitted.amplitude, PAIR.polarisation_factor / 2, atol=5 * 1.5e-6 / np.sqrt(4000))


def test_a_timeline_without_an_acquire_mark_is_refused():
    timeline = nmrqb.schedule(nmrqb.Sequence.load("broekaert-jeener-charge"), PAIR)
    with pytest.raises(ArgumentError, match="without an acquire mark"):
        nmrqb.acquire(timeline, PAIR.thermal_state(), RECEIVER)


def test_signals_that_are_not_normalised_become_the_state_without_a_reference(tmp_path):
    """Read without pulses, I+ of both channels is half of what a state of one-spin vectors is made of."""
    ax = nmrqb.Sample.load("chloroform")
    text = 'title = "read"\nsteps = [{ pulse = "90 deg", phase = "y" }, { acquire = "h", on = "1H" }, { acquire = "c", on = "13C" }]'
    timeline = nmrqb.schedule(sequence(tmp_path, text), ax)
    receiver = Receiver(1e-3, 2048)
    plain, scaled = (nmrqb.acquire(timeline, ax.thermal_state(), receiver, normalised=n) for n in (False, True))
    for name, P in zip("hc", ax.polarisation, strict=True):
        assert plain[name].signal[0] == pytest.approx(P / 2, abs=1e-12)  # Tr[(1 + P X)/2 I+] of one spin
        assert scaled[name].signal[0] == pytest.approx(2 * P, abs=1e-12)
    states = nmrqb.Spectrometer().reconstruct({"II": [plain["h"], plain["c"]]}, timeline)
    made = nmrqb.Exact().run(nmrqb.schedule(sequence(tmp_path, OBSERVED), ax), ax.thermal_state()).rho
    X = np.array([[0, 1], [1, 0]])
    for operator in (np.kron(X, np.eye(2)), np.kron(np.eye(2), X)):
        found, true = (np.trace(rho.reshape(4, 4) @ operator).real for rho in (states.estimate, made))
        assert found == pytest.approx(true, abs=1e-11)
