"""Tasks of sweeps, where worker processes can import them."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import xarray as xr


def noisy_sum(values, rng):
    """A deterministic and a random answer for each point."""
    return {"total": values["a"] + 10 * values["b"], "drawn": rng.normal(size=(len(values["a"]), 2))}


def labelled(values, rng):
    """A Dataset with an axis of its own, text along it, and attributes."""
    n = len(values["a"])
    data = {"power": (("who", "point"), np.stack([values["a"], rng.normal(size=n)]), {"units": "W"})}
    return xr.Dataset(data, {"who": ["theory", "exact"]}, {"title": "Powers", "p": np.float64(0.5)})


def busy(values, milliseconds):
    """Work of so much processor time for each point: waiting for the processor does not count."""
    end = time.process_time() + 1e-3 * milliseconds * len(values["a"])
    while time.process_time() < end:
        np.linalg.eigvalsh(np.eye(4))


def slow(values, rng):
    """2 ms a point, as real work is."""
    busy(values, 2)
    return noisy_sum(values, rng)


#: Work of one point in `millisecond`.
MILLISECONDS = 1.05


def millisecond(values, rng):
    """Just above 1 ms a point."""
    busy(values, MILLISECONDS)
    return noisy_sum(values, rng)


def failing(values, rng):
    """Refuses points above 5."""
    if np.any(values["a"] > 5):
        raise ValueError(f"found a = {values['a'].max():g}")
    return noisy_sum(values, rng)


def deadly(values, rng):
    """Kills whoever works on it."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly_once(values, rng):
    """Kills who works on an even point for the first time; the file that says so lies in a folder told by the environment."""
    told = Path(os.environ["SWEEP_DEATHS"]) / f"{values['a'][0]:g}"
    if values["a"][0] % 2 == 0 and not told.exists():
        told.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return noisy_sum(values, rng)


def process(values, rng):
    """Which process worked on each point."""
    time.sleep(0.02)
    return {"pid": np.full(len(values["a"]), os.getpid())}


def missing_module(values, rng):
    """Needs what is not there."""
    import not_to_be_found_anywhere  # noqa: F401
