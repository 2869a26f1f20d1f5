"""Our own figure: charging at the quantum limit, by local, composite, optimised and double-quantum drives of one norm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb import terminal
from nmrqb.battery import Battery
from nmrqb.design.charging import compare_charging
from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.design import charging_limits

BATTERY = {"axial": 1.0, "rhombic": 0.25, "dm": 0.3, "ksea": 0.15, "zeeman": 0.4}
TEMPERATURE = 1.0
OMEGA = 5.0
#: From far below the speed limit of a full charge to where the optimised drives are nearly full.
DURATIONS = np.array([0.04, 0.06, 0.08, 0.1, 0.13, 0.17, 0.22, 0.28, 0.36, 0.47, 0.6, 0.8, 1.05, 1.4, 2.0])
SHOWN = 0.28
FOOTER = (
    "Start: the Gibbs state at T = 1 of Δ = 1, ε = 0.25, D = 0.3, G = 0.15, B = 0.4, whose H stays on. Equal norm: local drives "
    "u (X₁ + X₂) and double-quantum drives u (XX − YY), with u up to Ω = 5, have one spectrum; both together have half of it "
    "each. The double-quantum drive is taken as given; multiple-pulse cycles make it with u = d/4 of a "
    "dipolar pair. Optimised: 60 slices, the best of several starts, so a lower bound. Composite: BB1 of the flip angle that is best for "
    "X with H off. The speed limit in (a) is the Bures angle to the fully charged state over the largest speed of this norm; "
    "(c) is the share of its own path that a drive needed."
)


def data(
    durations: np.ndarray = DURATIONS,
    iterations: int = 120,
    seeds: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Every drive at every duration; half a minute of work."""
    battery = Battery(**BATTERY)
    found = compare_charging(
        battery, TEMPERATURE, OMEGA, durations, iterations=iterations, seeds=seeds, progress=progress
    )
    return found.assign_attrs(title="Charging at the quantum limit", temperature=TEMPERATURE, **BATTERY)


def main(out: Path, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Write optimal_charging.nc, .pdf and .png into the folder; returns their paths."""
    found = data(progress=progress)
    stored = curves.write(found, out / "optimal_charging.nc")
    return [stored, *style.save(charging_limits(found, SHOWN, FOOTER), out, "optimal_charging")]


def watched(out: Path) -> list[Path]:
    """The same with a bar on a terminal; `nmrqb figure` has its own."""
    with terminal.progress("pulses") as update:
        return main(out, lambda done, total: update("optimal charging", done, total))


if __name__ == "__main__":
    run(watched, __doc__)
