"""A figure of our own: how much of the battery's ergotropy is coherent, and that it does not stop at l1's saturation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.paper import TIME, UNIT, symbol
from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Part -> (label, its line).
PARTS = {
    "ergotropy": (r"$\xi$, ergotropy", LINES[4]),
    "incoherent": (r"$\xi_i$, incoherent part", LINES[1]),
    "coherent": (r"$\xi_c$, coherent part", LINES[2]),
}


def split(curves: xr.Dataset, sweep: xr.Dataset, footer: str) -> Figure:
    """Coherent and incoherent ergotropy: (a), (b) along the pulse, for the two values in `curves`; (c) to (f) against
    Delta, from `sweep`, at full charge (its last phi) and at the largest power (its first phi).
    """
    with styled():
        figure = new_figure(6.9, footer)
        grid = figure.subplots(3, 2)
        for k, axes in enumerate(grid[0]):
            panel = curves.isel(axial=k)
            _parts(axes, panel.phi / np.pi, panel)
            axes.set_xlim(0, float(panel.phi[-1]) / np.pi)
            axes.set_xlabel(TIME)
            letter(axes, "ab"[k], f"along the pulse, {symbol('axial')} = {float(panel.axial):g}")
        for axes, k, name, when in (
            (grid[1, 0], 1, "c", r"\pi/4$ (full charge)"),
            (grid[1, 1], 0, "d", r"\pi/8$ (largest power)"),
        ):
            _parts(axes, sweep.axial, sweep.isel(phi=k))
            letter(axes, name, r"at $\Omega t = " + when)
        early = sweep.isel(phi=0)
        _share(grid[2, 0], sweep.axial, early.coherent / early.ergotropy)
        _saturation(grid[2, 1], sweep)
        for axes in grid[1:].flat:
            axes.set_xlim(0, float(sweep.axial[-1]))
            axes.set_xlabel(f"{symbol('axial')} ({UNIT})")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _parts(axes: Axes, x: xr.DataArray, data: xr.Dataset) -> None:
    for name, (label, line) in PARTS.items():
        axes.plot(x, data[name], label=label, **line._asdict())
    axes.set_ylabel(f"energy ({UNIT})")


def _share(axes: Axes, x: xr.DataArray, share: xr.DataArray) -> None:
    axes.plot(x, share, **LINES[2]._asdict())
    axes.axhline(2 / 3, color="0.35", lw=0.9, ls=(0, (4, 2)))
    axes.annotate("2/3", (float(x[-1]), 2 / 3), xytext=(-4, 2), textcoords="offset points", ha="right", va="bottom")
    axes.set_ylim(0.5, 1.0)
    axes.set_ylabel(r"$\xi_c/\xi$")
    letter(axes, "e", r"coherent share at $\Omega t = \pi/8$")


def _saturation(axes: Axes, sweep: xr.Dataset) -> None:
    axes.plot(sweep.axial, sweep.l1_max, **LINES[0]._asdict())
    axes.axhline(3, color="0.35", lw=0.9, ls=(0, (4, 2)))
    axes.annotate(
        "bound 3", (float(sweep.axial[-1]), 3), xytext=(-4, -3), textcoords="offset points", ha="right", va="top"
    )
    axes.set_ylim(0, 3.2)
    axes.set_ylabel(r"$\mathcal{C}_\mathrm{max}$")
    letter(axes, "f", r"largest $l_1$ coherence saturates")
