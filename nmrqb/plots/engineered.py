"""Couplings made of pulses, against theory: what a state does under them, what cycles and pulses cost, and where it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.paper import UNIT
from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = ("o", "s", "D", "^", "v")
_COLORS = ("#27408b", "#d98200")
#: Lower end of the bars, below which nothing counts.
_FLOOR = 1e-7


def engineered(evolution: xr.Dataset, cycles: xr.Dataset, budgets: xr.Dataset, footer: str) -> Figure:
    """(a) coherence and (b) ergotropy of a charged state under engineered couplings, theory as lines; (c) infidelity against
    the number of cycles for lengths of the pulse; (d) the error budget of each sample.
    """
    with styled():
        figure = new_figure(5.9, footer)
        grid = figure.subplots(2, 2)
        _evolution(grid[0, 0], evolution, "l1_coherence", "l1 coherence")
        _evolution(grid[0, 1], evolution, "ergotropy", f"ergotropy ({UNIT})")
        _cycles(grid[1, 0], cycles)
        _budgets(grid[1, 1], budgets)
        grid[0, 0].set_ylim(bottom=0)
        grid[0, 1].set_ylim(0.85 * float(evolution.ergotropy.min()), 1.05 * float(evolution.ergotropy_theory.max()))
        grid[0, 0].legend(loc="lower right")
        letter(grid[0, 0], "a", "a charged state evolves")
        letter(grid[0, 1], "b", "and keeps its ergotropy")
        letter(grid[1, 0], "c", f"cycles on {cycles.attrs['sample']}")
        letter(grid[1, 1], "d", "where it is lost")
    return figure


def _evolution(axes: Axes, data: xr.Dataset, name: str, title: str) -> None:
    for sample, color, marker, line in zip(data.sample.values, _COLORS, _MARKERS, (LINES[1], LINES[3]), strict=False):
        theory = data[f"{name}_theory"].sel(sample=sample)
        axes.plot(data.fine, theory, color=color, ls=line.linestyle, lw=1.2, label=f"{sample}, theory")
        found = data[name].sel(sample=sample)
        label = f"{sample}, pulses and relaxation"
        axes.plot(data.time, found, ls="none", marker=marker, ms=4, mfc="white", mec=color, label=label)
    axes.set_xlim(0, float(data.fine[-1]))
    axes.set_xlabel("time / (1/energy unit)")
    axes.set_ylabel(title)


def _cycles(axes: Axes, data: xr.Dataset) -> None:
    shades = ("#000000", "#27408b", "#b2182b", "#d98200")
    for width, marker, color in zip(data.width.values, _MARKERS, shades, strict=False):
        label = rf"$t_{{90}}d/2\pi$ = {width:g}" if width else "ideal pulses"
        axes.plot(data.cycles, data.infidelity.sel(width=width), marker=marker, ms=4, color=color, lw=1.1, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(data.cycles.values, [f"{n:g}" for n in data.cycles.values])
    axes.set_xlabel("number of cycles")
    axes.set_ylabel("average gate infidelity")
    axes.legend(loc="lower left")


def _budgets(axes: Axes, data: xr.Dataset) -> None:
    rows = np.arange(data.error.size)
    for k, (sample, color, hatch) in enumerate(zip(data.sample.values, _COLORS, ("", "////"), strict=False)):
        values = np.maximum(data.infidelity.sel(sample=sample).values, _FLOOR)
        place = rows + (k - 0.5) * 0.36
        axes.barh(place, values, 0.34, left=0, color=color, hatch=hatch, edgecolor="white", lw=0.5, label=str(sample))
    axes.set_xscale("log")
    axes.set_xlim(_FLOOR, 1)
    axes.set_yticks(rows, [str(name) for name in data.error.values])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("average gate infidelity")
    axes.legend(loc="upper right")
