"""The figure of a run: every metric along the sweep, measured over exact over theory, with residuals below."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from nmrqb.compare import measured_sources, metric_names

_LINES: dict[str, dict[str, Any]] = {
    "theory": {"color": "0.55", "ls": "-", "lw": 2.4, "label": "theory (ideal pulses, no noise)"},
    "exact": {"color": "black", "ls": "--", "lw": 1.3, "label": "exact (pulses as run, the sample's noise)"},
}
#: Colour and marker of each measured source: told apart in grey by shape and by filling.
_MARKS = (
    ("#c8502d", "o", "white"),
    ("#27408b", "s", "#27408b"),
    ("#2f7d4f", "^", "white"),
    ("#7a4fa3", "D", "#7a4fa3"),
    ("#8a6d00", "v", "white"),
)
#: Level of the intervals that are drawn, and how far sources stand apart, in steps of the sweep.
_LEVEL, _APART = 0.95, 0.16


def mark(number: int) -> dict[str, Any]:
    """Marker, colour and filling of the measured source of this number."""
    color, marker, filling = _MARKS[number % len(_MARKS)]
    return {"color": color, "marker": marker, "mfc": filling, "ms": 4, "mew": 1.2}


def apart(x: np.ndarray, number: int, of: int) -> np.ndarray:
    """Places of one of several sources, beside each other so that bars do not hide one another."""
    steps = np.diff(np.unique(x))
    step = float(steps.min()) if steps.size else 1.0
    return x + (number - (of - 1) / 2) * min(_APART, 0.6 / of) * step * (of > 1)


def bars(dataset: xr.Dataset, metric: str, source: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Lower and upper ends along the sweep, and what they are: the 95 % interval, or one standard error without one."""
    if f"{metric}_low" in dataset:
        low, high = (
            dataset[f"{metric}_{end}"].sel(source=source).sel(level=_LEVEL, method="nearest").values
            for end in ("low", "high")
        )
        if np.any(np.isfinite(low)):
            return low, high, "95 % interval"
    value, error = (dataset[name].sel(source=source).values for name in (metric, f"{metric}_error"))
    return value - error, value + error, "±1 standard error"


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
        draw_predictions(rows[0, column], curves, metric)
        _values(rows[0, column], dataset, metric, x, sources)
        rows[0, column].set_title(f"({'abcdefgh'[column]})", loc="left", fontsize=11)
        if sources:
            draw_scores(rows[1, column], dataset, metric, x, sources)
        label_sweep(rows[-1, column], x, label)
    handles, labels = rows[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), frameon=False)
    figure.supxlabel(footer(dataset), fontsize=8, color="0.3")
    return figure


def label_sweep(axes: Axes, x: np.ndarray, label: str) -> None:
    """The label of the swept parameter; angles have ticks at quarter turns."""
    axes.set_xlabel(label)
    if label.endswith("(deg)") and np.ptp(x) >= 180:
        axes.xaxis.set_major_locator(MultipleLocator(90))


def draw_predictions(axes: Axes, curves: xr.Dataset, metric: str) -> None:
    """Lines of theory and of the exact engine, as far as the curves hold them."""
    _, x, _ = sweep_axis(curves)
    for source, style in _LINES.items():
        if source in curves.source.values:
            axes.plot(x, curves[metric].sel(source=source), **style)


def _values(axes: Axes, dataset: xr.Dataset, metric: str, x: np.ndarray, sources: list[str]) -> None:
    for k, source in enumerate(sources):
        points(axes, dataset, metric, apart(x, k, len(sources)), source, k)
    axes.set_ylabel(value_label(dataset, metric))
    axes.grid(color="0.92")


def points(
    axes: Axes, dataset: xr.Dataset, metric: str, x: np.ndarray, source: str, number: int, base: Any = 0.0
) -> None:
    """Measured values less `base` with their bars; a value whose bias is taken off may lie outside of its interval."""
    low, high, text = bars(dataset, metric, source)
    look = mark(number)
    axes.vlines(x, low - base, high - base, color=look["color"], lw=1.2)
    values = dataset[metric].sel(source=source).values - base
    axes.plot(x, values, ls="none", label=f"{source} ({text})", **look)


def value_label(dataset: xr.Dataset, metric: str) -> str:
    """A metric's name, symbol and unit."""
    about = dataset[metric].attrs
    unit, name = about["units"], f"{about['long_name']} {about['symbol']}"
    return f"{name} / p" if unit == "1 p" else name if unit == "1" else f"{name} ({unit})"


def draw_scores(
    axes: Axes, dataset: xr.Dataset, metric: str, x: np.ndarray, sources: list[str], against: str = "exact"
) -> None:
    """Normal scores along the sweep, the band of two standard deviations behind them."""
    axes.axhspan(-2, 2, color="0.93", zorder=0)
    axes.axhline(0, color="black", lw=0.8)
    name, largest = f"{metric}_z" if against == "exact" else f"{metric}_z_theory", 3.2
    for k, source in enumerate(sources):
        z = dataset[name].sel(source=source).values
        axes.plot(apart(x, k, len(sources)), z, ls="none", **mark(k))
        largest = max(largest, 1.1 * float(np.max(np.abs(z), where=np.isfinite(z), initial=0.0)))
    axes.set_ylim(-largest, largest)
    axes.set_ylabel(f"z against {against}")


def footer(dataset: xr.Dataset) -> str:
    """What was run, in one line."""
    attrs = dataset.attrs
    text = f"{attrs['sample']}, {attrs['sequence']}, {attrs['pulses']} pulses"
    if attrs["reported_per"] != "nothing":
        text += f"; per polarisation factor p (this sample: p = {attrs['polarisation_factor']:.3g}; run at p = {attrs['polarisation_factor_run']:.3g})"
    else:
        text += f"; full product state at P = {max(np.atleast_1d(attrs['polarisation'])):.3g}"
    return text + f"; |d|/2π = {attrs['energy_unit_rad_per_s'] / (2 * np.pi):.4g} Hz"
