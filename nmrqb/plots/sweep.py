"""The figure of a sweep: lines along one axis, maps over two, clouds of random points."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmrqb.compare import metric_names
from nmrqb.plots.style import LINES, WIDTH, letter, new_figure, styled

#: Parameters shown at most, of random points.
_MOST = 4


def measured(data: xr.Dataset) -> list[str]:
    """Names of the metrics of a sweep."""
    return [name for name in metric_names(data) if name in data]


def draw_sweep(data: xr.Dataset, title: str) -> Figure:
    """One panel for each metric: lines of all sources along one axis, a map of the last source over two.

    Of further axes the middle is shown. Where points are random there is a panel for each parameter, too.
    """
    metrics = measured(data)
    axes = [str(d) for d in data[metrics[0]].dims if d != "source"]
    shown = ["point"] if "point" in axes else [a for a in axes if data.sizes[a] > 1][:2] or axes[:1]
    inner = {name: data.sizes[name] // 2 for name in axes if name not in shown}
    data = data.isel(inner)
    foot = title + "".join(f"; at {name} = {_shown(data, name)}" for name, k in inner.items() if k)
    if shown == ["point"] or len(shown) == 2:
        foot += f"; source: {data['source'].values[-1]}"
    with styled():
        if shown == ["point"]:
            return _clouds(data, metrics, foot)
        figure = new_figure(2.9, foot, width=WIDTH + 1.0)
        for k, (panel, name) in enumerate(zip(np.atleast_1d(figure.subplots(1, len(metrics))), metrics, strict=True)):
            letter(panel, "abcdefgh"[k], data[name].attrs.get("long_name", name))
            if len(shown) == 1:
                _lines(panel, data, name, shown[0], legend=not k)
            else:
                _map(figure, panel, data, name, shown)
        return figure


def _scale(data: xr.Dataset, name: str) -> tuple[np.ndarray, str]:
    """Values of a parameter as people read them, and its label."""
    values, unit = np.asarray(data[name].values, dtype=float), str(data[name].attrs.get("units", "1"))
    if unit == "rad":
        return np.degrees(values), f"{name} (deg)"
    if unit == "s":
        return values * 1e3, f"{name} (ms)"
    return values, name if unit == "1" else f"{name} ({unit})"


def _shown(data: xr.Dataset, name: str) -> str:
    values, label = _scale(data, name)
    unit = label.rpartition("(")[2].rstrip(")") if "(" in label else ""
    return f"{float(values):.4g} {unit}".strip()


def _lines(panel: Axes, data: xr.Dataset, metric: str, axis: str, *, legend: bool) -> None:
    x, label = _scale(data, axis)
    for line, source in zip(LINES, data["source"].values, strict=False):
        values, errors = data[metric].sel(source=source).values, data.get(f"{metric}_error")
        spread = None if errors is None else errors.sel(source=source).values
        style: dict[str, Any] = {"color": line.color, "lw": line.linewidth, "ls": line.linestyle, "label": str(source)}
        if spread is not None and np.any(spread > 0):
            panel.errorbar(x, values, spread, marker="o", ms=2.5, capsize=1.5, **(style | {"ls": "none"}))
        else:
            panel.plot(x, values, **style)
    panel.set_xlabel(label)
    panel.set_ylabel(_value_label(data, metric))
    if legend:
        panel.legend()


def _map(figure: Figure, panel: Axes, data: xr.Dataset, metric: str, axes: list[str]) -> None:
    (x, xlabel), (y, ylabel) = _scale(data, axes[1]), _scale(data, axes[0])
    values = data[metric].isel(source=-1).transpose(axes[0], axes[1]).values
    shown = panel.pcolormesh(x, y, values, shading="nearest", rasterized=True)
    if min(values.shape) > 5 and np.ptp(values) > 0:
        lines = panel.contour(x, y, values, colors="white", linewidths=0.7, levels=5)
        panel.clabel(lines, fontsize=6, fmt="%.3g")
    panel.grid(visible=False)
    panel.set_xlabel(xlabel)
    panel.set_ylabel(ylabel)
    figure.colorbar(shown, ax=panel, label=_value_label(data, metric))


def _clouds(data: xr.Dataset, metrics: list[str], title: str) -> Figure:
    names = [str(n) for n in data.coords if data[n].dims == ("point",) and n != "point"][:_MOST]
    figure = new_figure(1.9 * len(metrics) + 0.5, title, width=max(3.5, 2.2 * len(names)))
    panels = figure.subplots(len(metrics), len(names), squeeze=False, sharey="row", sharex="col")
    for row, metric in zip(panels, metrics, strict=True):
        for panel, name in zip(row, names, strict=True):
            x, label = _scale(data, name)
            panel.plot(x, data[metric].isel(source=-1).values, ".", ms=2, color=LINES[1].color, rasterized=True)
            panels[-1, names.index(name)].set_xlabel(label)
        row[0].set_ylabel(_value_label(data, metric))
    return figure


def _value_label(data: xr.Dataset, metric: str) -> str:
    about = data[metric].attrs
    symbol, unit = about.get("symbol", metric), about.get("units", "1")
    return f"{symbol} / p" if unit == "1 p" else symbol if unit == "1" else f"{symbol} ({unit})"
