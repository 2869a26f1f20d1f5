"""How often the intervals of tomography hold: 200 true states x 500 experiments at four numbers of shots (ten minutes).

Prints a table for each number of shots as it is done and writes coverage.nc, coverage.pdf and .png into --out.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper.curves import write
from nmrqb.plots import style
from nmrqb.plots.coverage import coverage as drawn
from nmrqb.terminal import progress
from nmrqb.tomography import pauli_measurement, pauli_settings
from nmrqb.tomography.coverage import KINDS, LEVELS, METRICS, Coverage, coverage, true_states

SHOTS = (256, 1024, 4096, 16384)


def data(shots: tuple[int, ...], states: int, experiments: int, readout: tuple[float, ...]) -> xr.Dataset:
    """Coverage (shots, kind, state, metric, level) and biases, with a table on standard output after each number of shots."""
    measurement = pauli_measurement(pauli_settings(2), readout)
    rows = []
    for n in shots:
        found = []
        began = time.perf_counter()
        for kind in KINDS:
            with progress("states") as told:
                tell = partial(told, f"{kind}, {n} shots")
                found.append(coverage(*true_states(kind, states), n, experiments, measurement, progress=tell))
        sys.stdout.write(table(n, found, time.perf_counter() - began) + "\n")
        sys.stdout.flush()
        rows.append(found)
    dims = ("shots", "kind", "state", "metric")
    names = {"held": (*dims, "level"), "one_sided": (*dims, "level"), "bias": dims, "plug_in_bias": dims, "truth": dims}
    stacked = {name: (d, np.stack([[getattr(c, name) for c in row] for row in rows])) for name, d in names.items()}
    coordinates = {"shots": list(shots), "kind": list(KINDS), "metric": list(METRICS), "level": list(LEVELS)}
    about = {"experiments": experiments, "readout": str(readout), "title": "coverage of confidence intervals"}
    return xr.Dataset(stacked, coordinates, about)


def table(shots: int, found: list[Coverage], seconds: float) -> str:
    """Mean coverage of each kind and of all, the worst and best state's, and the biases."""
    lines = [f"{shots} shots per setting ({seconds:.0f} s)"]
    for k, metric in enumerate(METRICS):
        for kind, c in zip(KINDS, found, strict=True):
            held, sides = c.held[:, k].mean(axis=0), c.one_sided[:, k, -1].mean()
            ends = f"{c.held[:, k, -1].min():.3f} to {c.held[:, k, -1].max():.3f}"
            bias = f"bias {c.bias[:, k].mean():+.5f} (plug-in {c.plug_in_bias[:, k].mean():+.5f})"
            lines.append(
                f"  {metric:14s} {kind:16s} {held[0]:.3f}  {held[1]:.3f} (states {ends}), one-sided {sides:.2f}, {bias}"
            )
        every = np.mean([c.held[:, k].mean(axis=0) for c in found], axis=0)
        lines.append(f"  {metric:14s} {'ALL':16s} {every[0]:.3f}  {every[1]:.3f}")
    return "\n".join(lines)


def main() -> None:
    """Run the study as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=Path("figures"), metavar="DIR")
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS)
    parser.add_argument("--states", type=int, default=40, help="of each kind (default: %(default)s)")
    parser.add_argument("--experiments", type=int, default=500, help="on each state (default: %(default)s)")
    parser.add_argument("--readout", type=float, nargs=2, default=(), help="chance of a flipped readout of each spin")
    given = parser.parse_args()
    found = data(tuple(given.shots), given.states, given.experiments, tuple(given.readout))
    footer = (
        f"Two spins, nine Pauli settings, {given.experiments} experiments on each of {given.states} states of each kind, "
        "with multinomial counts. Grey: the nominal level within 2 percentage points. States and their batteries are drawn "
        "as nmrqb.tomography.coverage.true_states says."
    )
    paths = [write(found, given.out / "coverage.nc")]
    paths += style.save(drawn(found.held.mean("state"), footer), given.out, "coverage")
    for path in paths:
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
