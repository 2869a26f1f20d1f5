"""Charging under noise and what repeated rounds give back: a figure of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.paper import TIME, UNIT
from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Quantity -> (label, its line).
QUANTITIES = {
    "stored_energy": ("stored energy", LINES[4]),
    "ergotropy": ("ergotropy", LINES[1]),
    "reverse_work": ("work of the reverse pulse", LINES[2]),
}


def rounds(pulse: xr.Dataset, against_rate: xr.Dataset, runs: xr.Dataset, footer: str) -> Figure:
    """(a) along the pulse, for the first noise and rate of `pulse`; (b) against the rate at one time; (c), (d) work and
    efficiency of each round.
    """
    with styled():
        figure = new_figure(5.9, footer)
        grid = figure.subplots(2, 2)
        _along(grid[0, 0], pulse)
        _against_rate(grid[0, 1], against_rate)
        _rounds(grid[1, 0], runs, "work", f"work per round ({UNIT})")
        _rounds(grid[1, 1], runs, "efficiency", "work / stored energy")
        grid[1, 0].set_ylim(bottom=0)
        grid[1, 0].legend(loc="upper right")
        first = pulse.isel(noise=0, rate=0)
        letter(grid[0, 0], "a", f"under {first.noise.item()} noise, rate {float(first.rate):g} $\\Omega$")
        letter(grid[0, 1], "b", rf"stopped at $\Omega t$ = {float(against_rate.phi[0]):g}")
        letter(grid[1, 0], "c", "no thermalisation between rounds")
        letter(grid[1, 1], "d", "round-trip efficiency")
    return figure


def _along(axes: Axes, pulse: xr.Dataset) -> None:
    panel = pulse.isel(noise=0, rate=0)
    for name, (label, line) in QUANTITIES.items():
        axes.plot(panel.phi / np.pi, panel[name], label=label, **line._asdict())
    limit = float(pulse.limit)
    axes.axhline(limit, color="0.35", lw=0.9, ls=(0, (4, 2)))
    axes.annotate("any unitary, no noise", (0, limit), xytext=(4, -3), textcoords="offset points", va="top", fontsize=7)
    axes.set_xlim(0, float(panel.phi[-1]) / np.pi)
    axes.set_xlabel(TIME)
    axes.set_ylabel(f"energy ({UNIT})")
    axes.set_ylim(-0.1, 1.5 * limit)
    axes.legend(loc="upper right")


def _against_rate(axes: Axes, data: xr.Dataset) -> None:
    for noise, line, marker in zip(data.noise.values, (LINES[1], LINES[2], LINES[3]), "sDo", strict=False):
        panel = data.sel(noise=noise).isel(phi=0)
        mark = {"marker": marker, "ms": 3.5, "markevery": max(1, panel.rate.size // 5)}
        axes.plot(panel.rate, panel.ergotropy, color=line.color, lw=1.5, ls="-", label=str(noise), **mark)
        axes.plot(panel.rate, panel.reverse_work, color=line.color, lw=1.3, ls=(0, (4, 1.5)))
    axes.plot([], [], color="0.3", lw=1.3, ls=(0, (4, 1.5)), label="dashed: reverse pulse")
    axes.set_xlim(0, float(data.rate[-1]))
    axes.set_xlabel(r"rate of the noise / $\Omega$")
    axes.set_ylabel(f"ergotropy ({UNIT})")
    axes.legend(loc="upper right")


def _rounds(axes: Axes, runs: xr.Dataset, name: str, label: str) -> None:
    for how, line, marker in zip(runs.extraction.values, (LINES[1], LINES[2], LINES[4]), "sDo", strict=True):
        axes.plot(
            runs["round"], runs[name].sel(extraction=how), marker=marker, ms=3.5, **line._asdict(), label=str(how)
        )
    axes.set_xlabel("round")
    axes.set_ylabel(label)
