"""The paper's figures drawn from their datasets (nmrqb.paper.curves); every function returns a matplotlib Figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator, NullLocator

from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SYMBOLS = {
    "axial": r"\Delta",
    "rhombic": r"\epsilon",
    "dm": "D",
    "ksea": "G",
    "zeeman": "B",
    "temperature": "T",
}
UNIT = "coupling unit"
TIME = r"$\Omega t/\pi$"

#: Measure -> (label, its line): concurrence, discord and coherence in Figs. 3 and 4.
RESOURCES = {
    "l1": (r"$\mathcal{C}$, $l_1$ coherence", LINES[4]),
    "discord": (r"$\mathcal{D}$, discord (bit)", LINES[1]),
    "concurrence": (r"$\mathcal{E}$, concurrence", LINES[2]),
}

#: Row of Fig. 10 -> (variable, kind of capacity, label).
DENSITIES = (
    ("capacity", "paper", r"$\mathcal{Q}$, eq. (D1)"),
    ("l1_max", None, r"$\mathcal{C}_\mathrm{max}$"),
    ("ergotropy_max", None, r"$\xi_\mathrm{max}$"),
    ("power_max", None, r"$\mathcal{P}_\mathrm{max}/\Omega$"),
    ("capacity", "orbit", r"$\mathcal{Q}$, orbit"),
)


def symbol(name: str) -> str:
    """A parameter's symbol in mathtext, for a label."""
    return f"${SYMBOLS[name]}$"


def resources(data: xr.Dataset, titles: Sequence[str], footer: str) -> Figure:
    """Figs. 3 and 4: 5 x 3 panels of concurrence, discord and l1 coherence against time or temperature."""
    against = "temperature" if "temperature" in data.dims else "time"
    with styled():
        figure = new_figure(8.6, footer)
        grid = figure.subplots(5, 3, sharey=True, sharex=against == "temperature")
        for k, axes in enumerate(grid.flat):
            panel = data.isel(panel=k)
            for name, (label, line) in RESOURCES.items():
                axes.plot(panel[against], panel[name], label=label, **line._asdict())
            letter(axes, str(panel.panel.item()), titles[k])
            axes.set_ylim(-0.03, 1.05)
            if against == "temperature":
                axes.set_xscale("log")
                axes.xaxis.set_minor_locator(NullLocator())
                _mark_cutoff(axes, float(panel.cutoff))
            axes.set_xlim(float(panel[against][0]), float(panel[against][-1]))
        axis = f"time $t$ (1/{UNIT})" if against == "time" else f"temperature $T$ ({UNIT})"
        for axes in grid[-1]:
            axes.set_xlabel(axis)
        figure.supylabel("concurrence, discord (bit), coherence", fontsize=8.5)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _mark_cutoff(axes: Axes, cutoff: float) -> None:
    if cutoff > 0:
        axes.axvline(cutoff, color="0.45", linewidth=0.7, linestyle=(0, (2, 2)))
        axes.annotate(
            f"{cutoff:.3g}", (cutoff, 0.98), xytext=(3, 0), textcoords="offset points", fontsize=6.5, va="top"
        )


def charging_curves(data: xr.Dataset, sweep: str, footer: str, *, along_y: bool = False) -> Figure:
    """Figs. 5 to 9: (a) ergotropy, (b) power, (c) capacity, (d) l1 coherence under X charging.

    Dots mark the maxima over time. along_y adds ergotropy (e) and power (f) under Y charging.
    """
    values = data[sweep].values
    with styled():
        figure = new_figure(6.7 if along_y else 4.9, footer)
        grid = figure.subplots(3 if along_y else 2, 2)
        x = data.sel(axis="x")
        _curves(grid[0, 0], x, sweep, "ergotropy", rf"$\xi$ ({UNIT})")
        _curves(grid[0, 1], x, sweep, "power", rf"$\mathcal{{P}}/\Omega$ ({UNIT})")
        _capacity(grid[1, 0], data, sweep)
        _curves(grid[1, 1], x, sweep, "l1", r"$\mathcal{C}$, $l_1$ norm")
        titles = ["ergotropy, X charging", "power, X charging", "capacity, constant in time", "coherence, X charging"]
        if along_y:
            y = data.sel(axis="y")
            _curves(grid[2, 0], y, sweep, "ergotropy", rf"$\xi$ ({UNIT})")
            _curves(grid[2, 1], y, sweep, "power", rf"$\mathcal{{P}}/\Omega$ ({UNIT})")
            titles += ["ergotropy, Y charging", "power, Y charging"]
        for name, title, axes in zip("abcdef", titles, grid.flat, strict=False):
            letter(axes, name, title)
        handles = grid[0, 0].get_lines()[: len(values)]
        labels = [f"{symbol(sweep)} = {value:g}" for value in values]
        figure.legend(handles, labels, loc="outside upper center", ncols=len(values))
    return figure


def _curves(axes: Axes, data: xr.Dataset, sweep: str, name: str, label: str) -> None:
    """One variable against Omega t/pi for each value of the sweep, its maxima as dots."""
    for k, line in zip(range(data.sizes[sweep]), LINES, strict=False):
        axes.plot(data.phi / np.pi, data[name].isel({sweep: k}), **line._asdict())
    for k, line in zip(range(data.sizes[sweep]), LINES, strict=False):
        top = data.isel({sweep: k})
        when = float(top[f"{name}_max_phi"]) / np.pi
        axes.plot(when, float(top[f"{name}_max"]), "o", ms=3.6, mfc=line.color, mec="white", mew=0.5)
    axes.set_xlim(float(data.phi[0]) / np.pi, float(data.phi[-1]) / np.pi)
    axes.set_xlabel(TIME)
    axes.set_ylabel(label)


def _capacity(axes: Axes, data: xr.Dataset, sweep: str) -> None:
    """Capacity does not depend on time, so it is drawn against the parameter, in the paper's sense and as the orbit's."""
    values = data[sweep]
    axes.plot(values, data.capacity.sel(kind="paper"), "-", color="0.6", lw=0.8, zorder=1)
    axes.plot(values, data.capacity.sel(kind="orbit"), "--", color="0.6", lw=0.8, zorder=1)
    for k, line in zip(range(values.size), LINES, strict=False):
        here = data.capacity.isel({sweep: k})
        axes.plot(values[k], here.sel(kind="paper"), "o", ms=5, color=line.color)
        axes.plot(values[k], here.sel(kind="orbit"), "s", ms=5, mfc="white", mec=line.color)
    axes.plot([], [], "o-", color="0.4", lw=0.8, ms=5, label="eq. (D1)")
    axes.plot([], [], "s--", color="0.4", lw=0.8, ms=5, mfc="white", label="unitary orbit")
    axes.legend(loc="best")
    axes.margins(0.08)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel(f"{symbol(sweep)} ({UNIT})")
    axes.set_ylabel(rf"$\mathcal{{Q}}$ ({UNIT})")


def densities(planes: Sequence[xr.Dataset], footer: str) -> Figure:
    """Fig. 10: capacity, coherence, ergotropy and power, and the orbit's capacity below them, one column a plane."""
    with styled():
        figure = new_figure(8.7, footer)
        grid = figure.subplots(len(DENSITIES), len(planes), sharex="col", sharey="col")
        letters = iter("abcdefghijklmnopqrst")
        for row, (name, kind, label) in zip(grid, DENSITIES, strict=True):
            for axes, plane in zip(row, planes, strict=True):
                values = plane[name] if kind is None else plane[name].sel(kind=kind)
                _density(figure, axes, values)
                letter(axes, next(letters), label)
        for axes, plane in zip(grid[-1], planes, strict=True):
            axes.set_xlabel(symbol(str(plane.ergotropy_max.dims[1])))
        for row in grid:
            for axes, plane in zip(row, planes, strict=True):
                axes.set_ylabel(symbol(str(plane.ergotropy_max.dims[0])), labelpad=1)
    return figure


def _density(figure: Figure, axes: Axes, values: xr.DataArray) -> None:
    up, across = (str(d) for d in values.dims)
    x, y = values[across].values, values[up].values
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
    image = axes.imshow(values.values, origin="lower", extent=extent, aspect="auto", interpolation="nearest")
    axes.grid(visible=False)
    if float(values.min()) < -1e-9:
        axes.contour(x, y, values.values, levels=[0.0], colors="white", linewidths=0.7, linestyles="dashed")
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=14)
    bar.ax.tick_params(labelsize=6.5, direction="in")
    bar.locator = MaxNLocator(nbins=4, steps=[1, 2, 5, 10])
    bar.update_ticks()
