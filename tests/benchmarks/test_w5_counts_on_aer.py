"""W5: 100 charging times x 9 settings x 4096 shots on noisy Aer, from saved states and from sampled circuits, in one run."""

import time
from dataclasses import replace

import numpy as np
import pytest

import nmrqb

ROUNDS, STRIDE = 7, 20


def charging(points):
    """The default experiment up to the charged state: finite pulses, the sample's noise, every `points` on the sweep."""
    experiment = replace(nmrqb.Experiment.load("charge"), sweep={"charge": points})
    line = experiment.timeline(ideal=False)
    line = replace(line, marks=tuple(mark for mark in line.marks if mark.name != "empty"))
    return line, experiment.start()[1]


def timed(work):
    begun = time.process_time()
    work()
    return time.process_time() - begun


@pytest.mark.slow
def test_w5_counts_on_noisy_aer():
    """One saved state for all settings of a time against 900 circuits that Aer samples; a twentieth of those is run and scaled."""
    times = np.linspace(0, 2 * np.pi, 100)
    line, start = charging(times)
    some, _ = charging(times[::STRIDE])
    state = nmrqb.Shots(seed=1, estimator="linear", replicas=2)
    merged, counts = replace(state, mode="compiled"), replace(state, sampling="counts")
    assert counts.run(some, start).info["circuits"] * STRIDE == 900
    assert state.run(line, start).info["circuits"] == 100  # also the warm-up
    exact = nmrqb.Exact().run(line, start).estimate
    for engine in (state, merged):
        found = engine.run(line, start).estimate
        assert np.abs(found - exact).max() < 6 / np.sqrt(4096)
    rounds = {"state": [], "merged": [], "ratio": [], "merged ratio": []}
    for _ in range(ROUNDS):
        own, shorter = timed(lambda: state.run(line, start)), timed(lambda: merged.run(line, start))
        peer = timed(lambda: counts.run(some, start)) * STRIDE
        for name, value in (
            ("state", own),
            ("merged", shorter),
            ("ratio", peer / own),
            ("merged ratio", peer / shorter),
        ):
            rounds[name].append(value)
    median = {name: float(np.median(values)) for name, values in rounds.items()}
    print("\nW5: " + ", ".join(f"{name} {value:.3g}" for name, value in median.items()))
    assert median["state"] <= 0.5
    assert median["ratio"] >= 10
