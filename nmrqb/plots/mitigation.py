"""What mitigation gains and costs: errors without and with shot noise, against the shots, and under a coherent error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.paper import UNIT
from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = (LINES[0], LINES[1], LINES[2], LINES[3])
_MARKERS = "^sDo"


def mitigation(data: xr.Dataset, footer: str) -> Figure:
    """(a) bias and (b) rms error on every device and pair; (c) rms error against the shots; (d) under a coherent error."""
    with styled():
        figure = new_figure(6.2, footer)
        grid = figure.subplots(2, 2)
        _everywhere(grid[0, 0], abs(data.bias), f"|error| of the ergotropy ({UNIT})")
        _everywhere(grid[0, 1], data.rms, f"rms error ({UNIT})")
        _against(grid[1, 0], data.rms_against_shots)
        _coherent(grid[1, 1], data.coherent)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
        letter(grid[0, 0], "a", "without shot noise")
        letter(grid[0, 1], "b", "equal shots in all")
        letter(grid[1, 0], "c", "Torino, median pair")
        letter(grid[1, 1], "d", "Torino, median pair, coherent error")
    return figure


def _everywhere(axes: Axes, data: xr.DataArray, label: str) -> None:
    devices, pairs = data.device.size, data.pair.size
    positions = np.arange(devices * pairs) + np.repeat(np.arange(devices), pairs)
    for k, method in enumerate(data.mitigation.values):
        values = data.sel(mitigation=method).values.reshape(-1)
        axes.plot(positions, values, _MARKERS[k], ms=4.5, color=_LINES[k].color, label=str(method), ls="none")
    axes.set_yscale("log")
    names = [
        f"{short}\n{device if p == 1 else ''}"
        for device in data.device.values
        for p, short in enumerate(("best", "50 %", "90 %"))
    ]
    axes.set_xticks(positions, names, fontsize=6.5)
    axes.set_ylabel(label)


def _against(axes: Axes, data: xr.DataArray) -> None:
    for k, method in enumerate(data.mitigation.values):
        axes.plot(data.shots, data.sel(mitigation=method), marker=_MARKERS[k], ms=4, **_LINES[k]._asdict())
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("shots in all")
    axes.set_ylabel(f"rms error ({UNIT})")


def _coherent(axes: Axes, data: xr.DataArray) -> None:
    for k, method in enumerate(data.twirled.values):
        axes.plot(
            data.angle, data.sel(twirled=method), marker=_MARKERS[k], ms=4, label=str(method), **_LINES[k]._asdict()
        )
    axes.axhline(0, color="0.35", lw=0.7)
    axes.set_xlabel("coherent error of every CZ (rad)")
    axes.set_ylabel(f"error of the ergotropy ({UNIT})")
    axes.legend(loc="best")
