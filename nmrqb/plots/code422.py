"""The [[4,2,2]] code against bare qubits: errors of energies and correlators, and the share of shots that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.paper import UNIT
from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = ((LINES[0], "^"), (LINES[1], "s"), (LINES[4], "D"), (LINES[2], "o"))


def detecting_code(data: xr.Dataset, footer: str) -> Figure:
    """(a) energy error, (b) rms error of correlators, (c) acceptance, for every case, all devices and places."""
    with styled():
        figure = new_figure(4.3, footer, width=8.6)
        panels = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
        _points(panels[0], abs(data.energy_error), f"|error| of the energy ({UNIT})")
        _points(panels[1], data.rms, "rms error of five correlators")
        _acceptance(panels[2], data.acceptance.isel(way=2))
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
        for axes, name, title in zip(panels, "abc", ("energy", "correlators", "shots kept"), strict=True):
            letter(axes, name, title)
            names = [str(c).replace(", ", "\n") for c in data.case.values]
            axes.set_xticks(np.arange(data.case.size), names, fontsize=6.5 if name != "c" else 5.5)
    return figure


def _points(axes: Axes, data: xr.DataArray, label: str) -> None:
    """Every device and place as a small mark, their geometric mean as a large one."""
    for w, (way, (line, marker)) in enumerate(zip(data.way.values, _STYLES, strict=True)):
        values = np.maximum(data.sel(way=way).values.reshape(-1, data.case.size), 1e-5)
        x = np.arange(data.case.size) + (w - 1.5) * 0.19
        axes.plot(np.tile(x, (len(values), 1)), values, marker, ms=2, color=line.color, alpha=0.6)
        axes.plot(x, np.exp(np.log(values).mean(axis=0)), marker, ms=6, color=line.color, label=str(way))
    axes.set_yscale("log")
    axes.set_ylabel(label)


def _acceptance(axes: Axes, data: xr.DataArray) -> None:
    for (device, place), line in zip(
        ((d, p) for d in data.device.values for p in data.place.values),
        [LINES[k] for k in (0, 0, 1, 1, 2, 2)],
        strict=True,
    ):
        values = data.sel(device=device, place=place)
        axes.plot(
            np.arange(data.case.size), values, "o-" if place == "best" else "s--", ms=4, lw=1, color=line.color, label=f"{device}, {place}"
        )  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_ylabel("least share of shots kept")
    axes.legend(loc="lower left", fontsize=6.5)
