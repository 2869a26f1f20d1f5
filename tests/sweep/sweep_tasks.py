"""Tasks of sweeps, where worker processes can import them."""

import os
import time

import numpy as np


def noisy_sum(values, rng):
    """A deterministic and a random answer for each point."""
    return {"total": values["a"] + 10 * values["b"], "drawn": rng.normal(size=(len(values["a"]), 2))}


def slow(values, rng):
    """Busy for 2 ms a point, as real work is: the processor has to be there for it."""
    end = time.process_time() + 0.002 * len(values["a"])
    while time.process_time() < end:
        np.linalg.eigvalsh(np.eye(4))
    return noisy_sum(values, rng)


def slow_pid(values, rng):
    """Which process did the work, beside the answer: its number is told in a file."""
    folder = os.environ["SWEEP_PIDS"]
    with open(f"{folder}/{os.getpid()}", "a"):  # noqa: PTH123 - one line per process
        pass
    return slow(values, rng)


def failing(values, rng):
    """Refuses points above 5."""
    if np.any(values["a"] > 5):
        raise ValueError(f"found a = {values['a'].max():g}")
    return noisy_sum(values, rng)


def deadly(values, rng):
    """Kills whoever works on it."""
    os._exit(9)


def misshapen(values, rng):
    """Answers with one value for all points."""
    return {"total": np.zeros(len(values["a"]) + 1)}
