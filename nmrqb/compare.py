"""Measured against predicted: which metric disagrees, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.stats import chi2

from nmrqb.errors import ArgumentError


@dataclass(frozen=True)
class Agreement:
    """One metric of one source against the exact prediction: z over the sweep, and what chi-squared makes of it."""

    metric: str
    source: str
    points: int
    rms_z: float
    worst_z: float
    chi_squared: float
    p_value: float


def measured_sources(dataset: xr.Dataset) -> list[str]:
    """Sources with statistical errors, i.e. all but "theory" and "exact"."""
    return [str(s) for s in dataset.source.values if s not in ("theory", "exact")]


def metric_names(dataset: xr.Dataset) -> list[str]:
    """The metrics of a Dataset: variables that have a `_z` beside them."""
    return [str(name) for name in dataset.data_vars if f"{name}_z" in dataset]


def compare(dataset: xr.Dataset) -> list[Agreement]:
    """Agreement of every measured source with the exact engine, metric by metric.

    The scores are standard normal if the prediction is right and points are independent, so their squares add up to
    chi-squared. Raises ArgumentError for a Dataset that holds nothing measured.
    """
    sources = measured_sources(dataset)
    if not sources:
        raise ArgumentError("dataset", "one of exact sources only", "hold at least one measured source")
    rows = []
    for source in sources:
        for name in metric_names(dataset):
            z = dataset[f"{name}_z"].sel(source=source).values
            z = z[np.isfinite(z)]
            total = float(np.sum(z**2))
            worst = float(z[np.argmax(np.abs(z))]) if z.size else 0.0
            rms = float(np.sqrt(total / z.size)) if z.size else 0.0
            rows.append(Agreement(name, source, z.size, rms, worst, total, float(chi2.sf(total, max(z.size, 1)))))
    return rows
