"""Figures of a comparison: one for each metric, one of the fidelity, and the states side by side."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.compare import ClosedForm, in_words, measured_sources, residuals
from nmrqb.plots.density import draw_states
from nmrqb.plots.experiment import (
    apart,
    draw_predictions,
    draw_scores,
    footer,
    label_sweep,
    points,
    sweep_axis,
    value_label,
)
from nmrqb.plots.style import WIDTH, letter, styled

#: Sources shown in the picture of states, the prediction included.
_MOST_STATES = 4


def draw_metric(
    dataset: xr.Dataset,
    metric: str,
    against: str = "exact",
    curves: xr.Dataset | None = None,
    form: ClosedForm | None = None,
) -> Figure:
    """One metric of all sources along one swept parameter: values, measured minus predicted, and scores.

    curves: theory and exact engine on a finer grid, in place of those at the points. form: the closed form that holds.
    """
    sources = measured_sources(dataset)
    _, x, label = sweep_axis(dataset)
    with styled():
        figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
        rows = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1.5, 1.2))
        lines = dataset if curves is None else curves
        draw_predictions(rows[0], lines, metric)
        if form is not None:
            _, fine, _ = sweep_axis(lines)
            values = form.at(lines[form.parameter].values).get(metric)
            if values is not None:
                rows[0].plot(
                    fine, values, ls=(0, (1, 2.2)), lw=1.6, color="#d98200", label="closed form (the paper, corrected)"
                )
        for k, source in enumerate(sources):
            place = apart(x, k, len(sources))
            points(rows[0], dataset, metric, place, source, k)
            base = dataset[metric].sel(source=source) - residuals(dataset, metric, source, against)  # type: ignore[arg-type]
            points(rows[1], dataset, metric, place, source, k, base.values)
        rows[1].axhline(0, color="black", lw=0.8)
        draw_scores(rows[2], dataset, metric, x, sources, against)
        rows[0].set_ylabel(value_label(dataset, metric))
        rows[1].set_ylabel(f"measured − {against}")
        for axes, name in zip(rows, "abc", strict=True):
            letter(axes, name)
        label_sweep(rows[2], x, label)
        figure.legend(*rows[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        figure.supxlabel(footer(dataset), fontsize=6.5, color="0.3")
    return figure


def draw_fidelity(dataset: xr.Dataset, against: str = "exact") -> Figure:
    """Fidelity of every source's states with the predicted ones along one swept parameter, with 95 % intervals."""
    name = "fidelity" if against == "exact" else "fidelity_to_theory"
    sources = measured_sources(dataset)
    _, x, label = sweep_axis(dataset)
    with styled():
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        axes = figure.subplots()
        for k, source in enumerate(sources):
            points(axes, dataset, name, apart(x, k, len(sources)), source, k)
        axes.axhline(1, color="black", lw=0.8)
        axes.set_ylabel(f"fidelity with {against}")
        label_sweep(axes, x, label)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
        figure.supxlabel(footer(dataset), fontsize=6.5, color="0.3")
    return figure


def draw_run_states(dataset: xr.Dataset, against: str = "exact") -> Figure:
    """The charged state of the prediction and of measured sources, at the point of largest predicted ergotropy."""
    predicted = dataset["ergotropy"].sel(source=against)
    at = np.unravel_index(int(np.nanargmax(predicted.values)), predicted.shape)
    place = {str(name): int(k) for name, k in zip(predicted.dims, at, strict=True)}
    one = dataset.isel(place).sel(mark=dataset.attrs.get("charged", dataset.mark.values[-1]))
    shown: list[tuple[str, ComplexArray, FloatArray | None]] = []
    for source in [against, *measured_sources(dataset)]:
        of = one.sel(source=source)
        rho = of.rho_real.values + 1j * of.rho_imag.values
        if len(shown) == _MOST_STATES or not np.all(np.isfinite(rho)):
            continue
        errors = None
        if "rho_real_error" in of and source != against:
            errors = np.stack([of.rho_real_error.values, of.rho_imag_error.values], axis=-1)
        shown.append((source, rho, errors))
    where = ", ".join(_place(dataset, name, k) for name, k in place.items())
    return draw_states(shown, f"Charged state at {where}", footer(dataset) + ".")


def _place(dataset: xr.Dataset, name: str, index: int) -> str:
    return f"{name} = {in_words(dataset, name, float(dataset[name].values[index]))}"
