"""The studies in words: rows of the tables that the scripts print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.scaling.chargers import LABELS

if TYPE_CHECKING:
    import xarray as xr

Rows = list[tuple[str, ...]]


def power_rows(data: xr.Dataset) -> Rows:
    """Of every charger and scaling: exponents with errors, and at the largest n power, time and both bounds."""
    last = int(data.n[-1])
    rows: Rows = [("charger", "scaling", "P ~ N^a, a", "t ~ N^b, b", f"P({last})", f"t({last})", "2 dH_B dH", "k |H|")]
    for name in data.charger.values:
        for scaling in data.scaling.values:
            own = data.sel(charger=name, scaling=scaling)
            if np.isnan(own.exponent):
                continue
            end = own.sel(n=last)
            numbers = (end.power, end.time, end.speed, end.ceiling)
            fits = (_with_error(own.exponent, own.exponent_error), f"{float(own.time_exponent):.2f}")
            rows.append((LABELS[str(name)], str(scaling), *fits, *(f"{float(x):.4g}" for x in numbers)))
    return rows


def superabsorption_rows(data: xr.Dataset) -> Rows:
    """Of every resource: the exponent, and at the largest n power, time, bound and advantage."""
    last = int(data.n[-1])
    rows: Rows = [("held fixed", "P ~ N^a, a", f"P({last})", f"t({last})", "2 dH_B dH", "over a mode each")]
    alone = float(data.power.sel(fixed="parallel", n=last))
    for name in data.fixed.values:
        end = data.sel(fixed=name, n=last)
        numbers = (end.power, end.time, end.speed, end.power / alone)
        fit = _with_error(end.exponent, end.exponent_error)
        rows.append((str(name), fit, *(f"{float(x):.4g}" for x in numbers)))
    return rows


def protocol_rows(data: xr.Dataset) -> Rows:
    """Of every graph: exponents of power and band width, and at the largest n power, energy and the unitary limit."""
    last = int(data.n[-1])
    rows: Rows = [("graph", "P ~ N^a, a", "width ~ N^b, b", f"P({last})", f"W({last})", "any unitary")]
    for name in data.graph.values:
        end = data.sel(graph=name, n=last)
        numbers = (end.power, end.energy, end.ceiling)
        fit = _with_error(end.exponent, end.exponent_error)
        rows.append((str(name), fit, f"{float(end.width_exponent):.2f}", *(f"{float(x):.4g}" for x in numbers)))
    return rows


def coupling_rows(data: xr.Dataset) -> Rows:
    """Of every charger and term: where the power is largest, that power, and the same for each unit of norm."""
    rows: Rows = [("charger", "term", "best ratio", "P", "P without", "best P/|H| at", "P/|H|")]
    for name in data.charger.values:
        for term in data.term.values:
            own = data.sel(charger=name, term=term)
            best, each = int(np.argmax(own.power.values)), own.power / own.norm
            top = int(np.argmax(each.values))
            plain = float(own.power.sel(ratio=0.0, method="nearest"))
            numbers = (own.ratio[best], own.power[best], plain, own.ratio[top], each[top])
            rows.append((LABELS[str(name)], str(term), *(f"{float(x):.3g}" for x in numbers)))
    return rows


def _with_error(value: xr.DataArray, error: xr.DataArray) -> str:
    return f"{float(value):.3f} +- {float(error):.3f}"
