"""A Timeline as a Dataset, for NetCDF: every number that the engines see, with its units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.timeline import Timeline, expanded

if TYPE_CHECKING:
    import xarray as xr


def timeline_dataset(timeline: Timeline) -> xr.Dataset:
    """Angles (..., slice, label) in rad, durations (..., slice) in s, event of each slice, marks, drift and receiver.

    Members of an ensemble are written out as the last leading axis.
    """
    import xarray as xr

    whole = expanded(timeline)
    lead = [f"axis_{k}" for k in range(len(whole.shape))]
    marks = whole.marks
    data: dict[str, xr.DataArray] = {
        "angles": xr.DataArray(whole.angles, dims=[*lead, "slice", "label"], attrs={"units": "rad"}),
        "durations": xr.DataArray(whole.durations, dims=[*lead, "slice"], attrs={"units": "s"}),
        "event": xr.DataArray(np.array(whole.events, dtype=np.int64), dims=["slice"]),
        "mark_after": xr.DataArray(np.array([mark.after for mark in marks], dtype=np.int64), dims=["mark"]),
    }
    if whole.drift is not None:
        data["drift"] = xr.DataArray(
            whole.drift, dims=[f"axis_{k}" for k in range(whole.drift.ndim - 1)] + ["label"], attrs={"units": "rad/s"}
        )
    if whole.receiver is not None:
        data["receiver"] = xr.DataArray(whole.receiver, dims=["axis_0"], attrs={"units": "rad"})
    coordinates = {
        "label": np.array(whole.labels, dtype=str),
        "mark": np.array([mark.name or f"crush {k}" for k, mark in enumerate(marks)], dtype=str),
        "mark_kind": ("mark", np.array([mark.kind for mark in marks], dtype=str)),
    }
    about = "slice s is exp(-i sum_k angles[..., s, k] P_k), spin 0 the first letter of a label"
    return xr.Dataset(data, coordinates, {"title": "pulse sequence as the engines see it", "meaning": about})
