"""Pulses that were designed: charging against the quantum limit, and how well pulses survive errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from nmrqb.plots.style import LINES, Line, letter, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Letters that fit above one map.
_TITLE = 36
#: Optimised drive -> (label, line, marker); constant ones are thin and dashed.
_OPTIMISED: dict[str, tuple[str, Line, str]] = {
    "local": ("local, optimised", LINES[2], "o"),
    "DQ": ("DQ, optimised", Line("#8cc6ea", "solid", 1.8), "v"),
    "local + DQ": ("local + DQ, optimised", Line("#27408b", "solid", 1.7), "s"),
}
_CONSTANT = {
    "X": Line("#000000", (0, (4, 1.5)), 1.1),
    "Y": Line("#777777", (0, (1, 1.4)), 1.2),
    "DQ": Line("#5aaee0", (0, (5, 1.3, 1.2, 1.3)), 1.2),
}


def charging_limits(data: xr.Dataset, shown: float, footer: str) -> Figure:
    """(a) ergotropy and (b) average power against the charging time, (c) share of the speed limit, (d) the local pulse
    optimised for the duration nearest to `shown`. data: of `nmrqb.design.charging.compare_charging`.
    """
    with styled():
        figure = new_figure(6.6, footer)
        grid = figure.subplots(2, 2)
        _against_time(grid[0, 0], data, lambda prefix: data[f"{prefix}ergotropy"])
        _against_time(grid[0, 1], data, lambda prefix: data[f"{prefix}power"])
        _against_time(grid[1, 0], data, lambda prefix: data[f"{prefix}angle"] / data[f"{prefix}length"])
        _bounds(grid[0, 0], data)
        grid[0, 0].set_ylabel("ergotropy (coupling unit)")
        grid[0, 1].set_ylabel("ergotropy / time (coupling unit²)")
        grid[0, 1].set_ylim(bottom=0)
        grid[1, 0].set_ylabel("Bures angle / length of path")
        grid[1, 0].set_ylim(0, 1.04)
        _pulse(grid[1, 1], data.sel(duration=shown, method="nearest"))
        titles = ("how full", "how fast", "how direct: 1 is a geodesic", "the local pulse, optimised")
        for axes, name, title in zip(grid.flat, "abcd", titles, strict=True):
            letter(axes, name, title)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def _against_time(axes: Axes, data: xr.Dataset, values: Callable[[str], xr.DataArray]) -> None:
    for name in data.constant.values.tolist():
        axes.plot(
            data.time, values("constant_").sel(constant=name), label=f"{name}, constant", **_CONSTANT[name]._asdict()
        )
    axes.plot(data.composite_time, values("composite_"), "^", color="0.2", ms=5, label="BB1, constant amplitude")
    for name in data.drive.values.tolist():
        label, line, marker = _OPTIMISED[name]
        filled: dict[str, Any] = {"mfc": "white"} if "+" in name else {}  # of the same lightness as another in grey
        row = values("").sel(drive=name)
        axes.plot(data.duration, row, marker=marker, ms=4, label=label, **line._asdict(), **filled)
    axes.set_xscale("log")
    axes.set_xlabel("charging time (1 / coupling unit)")
    axes.set_xlim(float(data.duration[0]) * 0.93, float(data.duration[-1]) * 1.07)


def _bounds(axes: Axes, data: xr.Dataset) -> None:
    least = float(data.least_time)
    for value, text in ((float(data.limit), "any unitary"), (float(data.x_limit), "X with H off")):
        axes.axhline(value, color="0.35", lw=0.9, ls=(0, (4, 2)))
        axes.annotate(text, (float(data.duration[0]), value), xytext=(2, 2), textcoords="offset points", fontsize=7)
    axes.axvline(least, color="0.35", lw=0.9, ls=(0, (1, 1)))
    where = (least, 0.5 * float(data.limit + data.x_limit))
    text = "speed limit of\na full charge"
    axes.annotate(text, where, xytext=(2, 0), textcoords="offset points", va="center", fontsize=6.5, linespacing=0.95)
    axes.set_ylim(0, 1.12 * float(data.limit))


def _pulse(axes: Axes, data: xr.Dataset) -> None:
    t = (np.arange(data.slice.size + 1)) / data.slice.size * float(data.duration)
    axes.stairs(data.amplitude.values, t, color=LINES[2].color, lw=1.5, label="amplitude / limit")
    axes.set_xlim(0, t[-1])
    axes.set_ylim(0, 1.35)
    axes.set_xlabel("time (1 / coupling unit)")
    axes.set_ylabel("amplitude / limit")
    other = axes.twinx()
    other.plot((t[:-1] + t[1:]) / 2, np.degrees(data.phase), ".", color=LINES[1].color, ms=3.5, label="phase")
    other.set_ylabel("phase (degrees)")
    other.set_ylim(-180, 260)
    other.set_yticks(range(-180, 181, 90))
    other.grid(visible=False)
    handles = [*axes.get_legend_handles_labels()[0], *other.get_legend_handles_labels()[0]]
    axes.legend(handles, ["amplitude", "phase"], loc="upper right", ncols=2)


def robustness_maps(data: xr.Dataset, footer: str = "", *, best: float | None = None) -> Figure:
    """Heat maps with contours of a Dataset of `nmrqb.design.maps`: one row for each coupling factor, one column for
    each sequence, RF factor against offset, all on one scale. best: a value to mark on the colour bar, such as the ideal.
    """
    name = str(data.attrs.get("metric", next(iter(data.data_vars))))
    values = data[name]
    rows, columns = values.sizes["coupling"], values.sizes["sequence"]
    lowest, highest = float(values.min()), float(values.max())
    if highest <= lowest:
        highest = lowest + max(abs(lowest), 1.0) * 1e-6
    with styled():
        figure = new_figure(0.9 + 2.4 * rows, footer, width=max(1.0 + 2.9 * columns, 4.0))
        grid: Any = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        levels = np.asarray(MaxNLocator(6).tick_values(lowest, highest))
        image: Any = None
        for i, j in np.ndindex(rows, columns):
            axes, panel = grid[i, j], values.isel(coupling=i, sequence=j).transpose("offset", "rf")
            image = _map(axes, panel, (lowest, highest), levels)
            title = _shortened(str(data.sequence.values[j])) if i == 0 else ""
            letter(axes, "abcdefghijklmnopqrstuvwxyz"[(i * columns + j) % 26], title)
            if i == rows - 1:
                axes.set_xlabel("actual / nominal RF amplitude")
            if j == 0:
                axes.set_ylabel("offset (Hz)" + (f", coupling × {float(data.coupling[i]):g}" if rows > 1 else ""))
        unit = str(values.attrs.get("units", "1"))
        label = str(values.attrs.get("long_name", name)) + (f" ({unit})" if unit != "1" else "")
        bar = figure.colorbar(image, ax=grid, label=label, aspect=15 * rows + 10)
        if best is not None and lowest <= best <= highest:
            bar.ax.axhline(best, color="white", lw=1.5)
            bar.ax.axhline(best, color="black", lw=0.7)
    return figure


def _shortened(name: str) -> str:
    return name if len(name) <= _TITLE else name[: _TITLE - 1] + "…"


def _map(axes: Axes, panel: xr.DataArray, scale: tuple[float, float], levels: np.ndarray) -> Any:
    axes.grid(visible=False)
    limits: Any = {"vmin": scale[0], "vmax": scale[1]}
    image = axes.pcolormesh(panel.rf, panel.offset, panel, shading="nearest", rasterized=True, **limits)
    crossed = levels[(levels > float(panel.min())) & (levels < float(panel.max()))]
    if min(panel.shape) > 1 and crossed.size:
        # the scale runs from dark to light: lines stand out on both ends, also in grey
        inks = np.where(crossed < 0.3 * scale[0] + 0.7 * scale[1], "white", "black").tolist()
        lines = axes.contour(panel.rf, panel.offset, panel, levels=crossed, colors=inks, linewidths=0.8)
        axes.clabel(lines, fontsize=6.5, fmt="%.3g")
    return image
