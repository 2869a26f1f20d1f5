"""The figure of a run: every metric along the sweep, measured over exact over theory, with residuals below."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmrqb.compare import measured_sources, metric_names

_LINES: dict[str, dict[str, Any]] = {
    "theory": {"color": "0.55", "ls": "-", "lw": 2.4, "label": "theory (ideal pulses, no noise)"},
    "exact": {"color": "black", "ls": "--", "lw": 1.3, "label": "exact (pulses and noise as run)"},
}
_POINTS: dict[str, Any] = {
    "fmt": "o",
    "ms": 4,
    "color": "#c8502d",
    "ecolor": "#c8502d",
    "elinewidth": 1.2,
    "capsize": 2,
    "mfc": "white",
    "mew": 1.2,
}


def sweep_axis(dataset: xr.Dataset) -> tuple[str, np.ndarray, str]:
    """Name of the (only) swept parameter, its values as people read them, and the axis label with its unit."""
    name = next(str(d) for d in dataset["ergotropy"].dims if d != "source")
    values, unit = dataset[name].values, dataset[name].attrs["units"]
    if unit == "rad":
        return name, np.degrees(values), f"{name} (deg)"
    scale, shown = {"s": (1e3, "ms"), "Hz": (1.0, "Hz")}.get(unit, (1.0, ""))
    return name, values * scale, f"{name} ({shown})" if shown else name


def draw_experiment(dataset: xr.Dataset, curves: xr.Dataset) -> Figure:
    """One column a metric: values above, normal scores of what was measured below. For a sweep of one parameter.

    `curves` holds theory and exact engine on a finer grid of the same sweep (`Experiment.curves`).
    """
    metrics = metric_names(dataset)
    sources = measured_sources(dataset)
    figure = Figure(figsize=(4.1 * len(metrics), 5.2 if sources else 4.0), layout="constrained")
    rows = figure.subplots(
        2 if sources else 1,
        len(metrics),
        sharex=True,
        squeeze=False,
        gridspec_kw={"height_ratios": [3, 1][: 1 + bool(sources)]},
    )
    _, x, label = sweep_axis(dataset)
    for column, metric in enumerate(metrics):
        _lines(rows[0, column], curves, metric)
        _values(rows[0, column], dataset, metric, x, sources)
        rows[0, column].set_title(f"({'abcdefgh'[column]})", loc="left", fontsize=11)
        if sources:
            _scores(rows[1, column], dataset, metric, x, sources)
        rows[-1, column].set_xlabel(label)
        if label.endswith("(deg)") and np.ptp(x) >= 180:
            rows[-1, column].xaxis.set_major_locator(_every(90))
    handles, labels = rows[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    figure.supxlabel(_footer(dataset), fontsize=8, color="0.3")
    return figure


def _every(step: float) -> Any:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(step)


def _lines(axes: Axes, curves: xr.Dataset, metric: str) -> None:
    _, x, _ = sweep_axis(curves)
    for source, style in _LINES.items():
        axes.plot(x, curves[metric].sel(source=source), **style)


def _values(axes: Axes, dataset: xr.Dataset, metric: str, x: np.ndarray, sources: list[str]) -> None:
    table = dataset[metric]
    for source in sources:
        error = dataset[f"{metric}_error"].sel(source=source)
        axes.errorbar(x, table.sel(source=source), error, label=f"{source} (tomography, ±1 standard error)", **_POINTS)
    unit = table.attrs["units"]
    symbol = table.attrs["symbol"]
    axes.set_ylabel(
        f"{table.attrs['long_name']} {symbol} / p" if unit == "1 p" else f"{table.attrs['long_name']} {symbol} ({unit})"
    )
    axes.grid(color="0.92")


def _scores(axes: Axes, dataset: xr.Dataset, metric: str, x: np.ndarray, sources: list[str]) -> None:
    axes.axhspan(-2, 2, color="0.93", zorder=0)
    axes.axhline(0, color="black", lw=0.8)
    for source in sources:
        z = dataset[f"{metric}_z"].sel(source=source)
        axes.plot(x, z, "o", ms=4, color=_POINTS["color"], mfc="white", mew=1.2)
    limit = max(3.2, float(np.nanmax(np.abs(dataset[f"{metric}_z"].sel(source=sources)))) * 1.1)
    axes.set_ylim(-limit, limit)
    axes.set_ylabel("z against exact")


def _footer(dataset: xr.Dataset) -> str:
    attrs = dataset.attrs
    text = f"{attrs['sample']}, {attrs['sequence']}, {attrs['pulses']} pulses"
    if attrs["reported_per"] != "nothing":
        text += f"; per polarisation factor p (this sample: p = {attrs['polarisation_factor']:.3g}; run at p = {attrs['polarisation_factor_run']:.3g})"
    else:
        text += f"; full product state at P = {max(np.atleast_1d(attrs['polarisation'])):.3g}"
    return text + f"; |d|/2π = {attrs['energy_unit_rad_per_s'] / (2 * np.pi):.4g} Hz"
