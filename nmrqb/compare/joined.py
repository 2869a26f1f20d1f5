"""Several runs of one experiment, on several engines or machines, as one Dataset on common axes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from nmrqb.compare.agreement import PREDICTIONS, Prediction, measured_sources, metric_names
from nmrqb.errors import ArgumentError

#: Predictions of two runs are the same up to this much of their largest value.
_SAME = 1e-9
#: Places of a swept value that count: two runs at the same point may differ in the last bits.
_PLACES = 10


def joined(runs: Mapping[str, xr.Dataset], against: Prediction = "exact") -> xr.Dataset:
    """All measured sources of the runs beside their common predictions; the keys are the names of the runs in messages.

    Sources of one name are told apart by a number: "aer", "aer (2)". Points that a run has not are NaN there. The
    prediction `against` must be the same in all runs where their points agree; the other one is kept only where it is.
    The attributes are those of the first run, and `runs` (JSON) says which run a source is of. Raises ArgumentError, with the names of the runs, for runs that sweep other
    parameters, report other metrics or in other units, or whose predictions differ.
    """
    if not runs:
        raise ArgumentError("runs", "none", "be at least one")
    items = {name: _rounded(data) for name, data in runs.items()}
    (first_name, first), *others = items.items()
    for name, data in others:
        _check_alike(first_name, first, name, data)
    kept = [one for one in PREDICTIONS if all(one in data.source.values for data in items.values())]
    parts = []
    for one in list(kept):
        merged, differs = _prediction(items, one)
        if differs and one == against:
            raise ArgumentError("runs", f"{first_name} and {differs}", f"be of one experiment, but their {one} differs")
        if differs:
            kept.remove(one)
        else:
            parts.append(merged)
    taken: dict[str, str] = {}
    for name, data in items.items():
        for source in measured_sources(data):
            label = _free(source, taken)
            taken[label] = name
            parts.append(data.sel(source=[source]).assign_coords(source=[label]))
    whole = xr.concat(parts, dim="source", join="outer", coords="minimal", compat="override", combine_attrs="override")
    whole = whole.assign_coords(source=[*kept, *taken])  # numpy would cut the longer names
    whole.attrs = {**first.attrs, "runs": json.dumps(taken)}
    for axis in whole.coords:
        whole[axis].attrs = dict(first[axis].attrs) if axis in first.coords else {}
    return whole


def sweep_names(dataset: xr.Dataset) -> list[str]:
    """Names of the swept parameters."""
    return [str(d) for d in dataset[metric_names(dataset)[0]].dims if d != "source"]


def _rounded(data: xr.Dataset) -> xr.Dataset:
    """The run with swept values without their last bits."""
    found: dict[str, Any] = {}
    for name in sweep_names(data):
        values = np.asarray(data[name].values, dtype=float)
        scale = np.max(np.abs(values), initial=0.0) or 1.0
        found[name] = (name, np.round(values / scale, _PLACES) * scale, data[name].attrs)
    return data.assign_coords(found)


def _check_alike(first_name: str, first: xr.Dataset, name: str, data: xr.Dataset) -> None:
    """Raises ArgumentError unless two runs have the same axes and metrics."""
    both = f"{first_name} and {name}"
    axes = [{axis: one[axis].attrs.get("units") for axis in sweep_names(one)} for one in (first, data)]
    if axes[0] != axes[1]:
        found = f"{both}, which sweep {', '.join(axes[0])} and {', '.join(axes[1])}"
        raise ArgumentError("runs", found, "sweep the same parameters")
    units = [{metric: one[metric].attrs.get("units") for metric in metric_names(one)} for one in (first, data)]
    if units[0] != units[1]:
        raise ArgumentError("runs", both, "report the same metrics in the same units")


def _prediction(items: Mapping[str, xr.Dataset], source: str) -> tuple[xr.Dataset, str]:
    """A prediction at the points of all runs, and the name of a run that says otherwise ("" where none does)."""
    whole: xr.Dataset | None = None
    for name, data in items.items():
        one = data.sel(source=[source])
        if whole is None:
            whole = one
            continue
        for metric in metric_names(data):
            a, b = xr.align(whole[metric], one[metric], join="inner")
            off = np.max(np.abs(a.values - b.values), initial=0.0)
            if off > _SAME * max(1.0, float(np.max(np.abs(b.values), initial=0.0))):
                return whole, name
        whole = whole.combine_first(one)
    assert whole is not None
    return whole, ""


def _free(source: str, taken: Mapping[str, str]) -> str:
    number, label = 2, source
    while label in taken:
        label, number = f"{source} ({number})", number + 1
    return label
