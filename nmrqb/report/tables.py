"""Tables of a run and of a comparison, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from nmrqb.compare import (
    PREDICTIONS,
    Agreement,
    Fidelity,
    described,
    disagreements,
    in_unit,
    measured_sources,
    metric_names,
    with_error,
)

#: Level of the intervals in tables.
_LEVEL = 0.95


@dataclass(frozen=True)
class Table:
    """A table of text: one header, rows of equal length."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def result_table(dataset: xr.Dataset) -> Table:
    """Each point of the sweep: theory, exact, measured with its error, and z, for every metric."""
    sweep = [str(d) for d in dataset["ergotropy"].dims if d != "source"]
    sources, metrics = measured_sources(dataset), metric_names(dataset)
    header = [_heading(dataset, name) for name in sweep]
    predictions = [one for one in PREDICTIONS if one in dataset.source.values]
    for metric in metrics:
        symbol = dataset[metric].attrs["symbol"]
        header += [
            *(f"{symbol} {one}" for one in predictions),
            *(part for s in sources for part in (f"{symbol} {s}", f"z({symbol})")),
        ]
    rows = []
    for index in np.ndindex(*(dataset.sizes[name] for name in sweep)):
        at = dict(zip(sweep, index, strict=True))
        row = [_shown(dataset, name, at[name]) for name in sweep]
        for metric in metrics:
            row += [f"{float(dataset[metric].sel(source=s).isel(at)):.4f}" for s in predictions]
            for source in sources:
                value = float(dataset[metric].sel(source=source).isel(at))
                error = float(dataset[f"{metric}_error"].sel(source=source).isel(at))
                z = float(dataset[f"{metric}_z"].sel(source=source).isel(at))
                row += [f"{value:.4f} ± {error:.4f}", f"{z:+.2f}"] if np.isfinite(value) else ["-", "-"]
        rows.append(tuple(row))
    return Table(tuple(header), tuple(rows))


def interval_table(dataset: xr.Dataset) -> Table | None:
    """Each point of the sweep: 95 % intervals of every metric and the fidelity, and p-values of the null tests.

    None for Datasets without intervals, as those of few replicas are.
    """
    names = [name for name in (*metric_names(dataset), "fidelity") if f"{name}_low" in dataset]
    sources = [
        s for s in measured_sources(dataset) if names and dataset[f"{names[0]}_low"].sel(source=s).notnull().any()
    ]
    if not sources:
        return None
    sweep = [str(d) for d in dataset["ergotropy"].dims if d != "source"]
    symbols = {name: dataset[name].attrs.get("symbol", name) for name in names}
    header = [_heading(dataset, name) for name in sweep]
    for source in sources:
        header += [f"{symbols[name]} {source}" for name in names] + ["p(passive)", "p(incoherent)"]
    rows = []
    for index in np.ndindex(*(dataset.sizes[name] for name in sweep)):
        at = dict(zip(sweep, index, strict=True))
        row = [_shown(dataset, name, at[name]) for name in sweep]
        for source in sources:
            one = dataset.sel(source=source).isel(at).sel(level=_LEVEL, method="nearest")
            row += [_interval(one, name) for name in names]
            row += [_p(float(one[name])) for name in ("p_passive", "p_incoherent")]
        rows.append(tuple(row))
    return Table(tuple(header), tuple(rows))


def agreement_rows(dataset: xr.Dataset, rows: Sequence[Agreement]) -> list[dict[str, Any]]:
    """Rows of the table of agreement as text; `wrong` marks those that disagree."""
    wrong = disagreements(rows)
    return [
        {
            "metric": dataset[row.metric].attrs.get("long_name", row.metric),
            "source": row.source,
            "points": str(row.points),
            "rms_z": f"{row.rms_z:.2f}",
            "worst_z": f"{abs(row.worst_z):.2f}",
            "chi_squared": f"{row.chi_squared:.1f}",
            "p_value": _p(row.p_value),
            "mean_z": f"{row.mean_z:+.2f}",
            "residual": with_error(row.residual, row.residual_error) + in_unit(row.units),
            "worst_residual": f"{row.worst_residual:+.2g}",
            "at": described(dataset, row.worst_at),
            "wrong": row in wrong,
        }
        for row in rows
    ]


def fidelity_rows(dataset: xr.Dataset, rows: Sequence[Fidelity]) -> list[dict[str, str]]:
    """Rows of the table of fidelities as text."""
    return [
        {
            "source": row.source,
            "points": str(row.points),
            "mean": f"{row.mean:.5f}",
            "lowest": f"{row.lowest:.5f}",
            "interval": f"{row.low:.5f} to {row.high:.5f}{' *' if row.one_sided else ''}"
            if row.low == row.low
            else "-",
            "at": described(dataset, row.at),
            "excluded": str(row.excluded),
        }
        for row in rows
    ]


def scalar_table(header: dict[str, str], rows: Sequence[dict[str, Any]]) -> Table:
    """Rows of text under these heads, by key."""
    return Table(tuple(header.values()), tuple(tuple(str(row[key]) for key in header) for row in rows))


def _interval(one: xr.Dataset, name: str) -> str:
    low, high = float(one[f"{name}_low"]), float(one[f"{name}_high"])
    if not np.isfinite(low):
        return "-"
    return f"{low:.4f} to {high:.4f}{' *' if int(one[f'{name}_one_sided']) else ''}"


def _p(value: float) -> str:
    return (
        "-"
        if not np.isfinite(value)
        else f"{value:.3f}"
        if value >= 1e-3
        else f"{value:.0e}"
        if value >= 1e-6
        else "< 1e-6"
    )


def _heading(dataset: xr.Dataset, name: str) -> str:
    unit = {"rad": "deg", "s": "ms"}.get(dataset[name].attrs["units"], dataset[name].attrs["units"])
    return f"{name} ({unit})" if unit != "1" else name


def _shown(dataset: xr.Dataset, name: str, index: int) -> str:
    value, unit = float(dataset[name].values[index]), dataset[name].attrs["units"]
    return f"{value * {'rad': 180 / np.pi, 's': 1e3}.get(unit, 1.0):g}"
