"""The figures' scripts, loaded the way the command line loads them, and comparison at printed precision."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
NAMES = [*(f"figure_{n:02d}" for n in range(3, 11)), "figure_split", "cycles"]


@cache
def script(name):
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", EXPERIMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def data(name):
    return script(name).data()


def printed(found, text, coarse=0.0):
    """The numbers agree with printed ones, each to half a unit of its own last decimal.

    coarse: by how much a found peak may exceed a printed one that was read off a coarser grid of times.
    """
    numbers = text.split()
    unit = 10.0 ** -np.array([len(n.partition(".")[2]) for n in numbers])
    off = np.asarray(found, dtype=float) - np.array([float(n) for n in numbers])
    assert np.all((off >= -0.501 * unit) & (off <= 0.501 * unit + coarse)), f"{np.asarray(found)} is not {text}"
