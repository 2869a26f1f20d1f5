"""The report of a run: tables for the terminal, one self-contained page for the browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from nmrqb.compare import Prediction, compare, fidelities, measured_sources, verdicts
from nmrqb.nmr import Sample
from nmrqb.report.tables import Table, agreement_rows, fidelity_rows, interval_table, result_table, scalar_table

__all__ = [
    "Table",
    "agreement_rows",
    "comparison_page",
    "fidelity_rows",
    "interval_table",
    "render",
    "result_table",
    "sample_properties",
    "scalar_table",
    "unit_line",
]


def unit_line(dataset: xr.Dataset) -> str:
    """What the numbers are in, in one sentence."""
    attrs = dataset.attrs
    hertz = attrs["energy_unit_rad_per_s"] / (2 * np.pi)
    text = f"Energies in units of the coupling |d| (|d|/2π = {hertz:.4g} Hz)"
    if attrs["reported_per"] == "nothing":
        return f"{text}, for the full product state at polarisation P = {np.max(attrs['polarisation']):.4g}."
    return (
        f"{text}, energies and l1 per polarisation factor p: this sample has p = {attrs['polarisation_factor']:.3e}, "
        f"and was run with p raised to {attrs['polarisation_factor_run']:.3g} so that counts can resolve it."
        if attrs["polarisation_factor_run"] != attrs["polarisation_factor"]
        else f"{text}, energies and l1 per polarisation factor p = {attrs['polarisation_factor']:.3e}."
    )


def render(dataset: xr.Dataset, sample: Sample, figure_png: bytes, sequence_png: bytes, states_png: bytes = b"") -> str:
    """The page of a run, pictures inside; states_png: of density matrices, where there are any."""
    attrs = dataset.attrs
    return (
        _templates()
        .get_template("report.html")
        .render(
            title=attrs["title"],
            summary=unit_line(dataset),
            notes=list(_notes(dataset, sample)),
            sequence=attrs["sequence"],
            figure_png=_base64(figure_png),
            sequence_png=_base64(sequence_png),
            states_png=_base64(states_png),
            table=result_table(dataset),
            intervals=interval_table(dataset) if measured_sources(dataset) else None,
            **_agreement(dataset, "exact"),
            sample_title=sample.title,
            properties=sample_properties(sample),
            facts=list(_facts(dataset)),
            inputs={
                f"{kind} file": attrs[f"{kind}_toml"]
                for kind in ("experiment", "sequence", "sample")
                if attrs[f"{kind}_toml"]
            },
        )
    )


def comparison_page(
    dataset: xr.Dataset, runs: Sequence[tuple[str, str]], figures: Mapping[str, bytes], against: Prediction
) -> str:
    """The page of a comparison: runs as (source, what it is) rows, figures by their headings."""
    return (
        _templates()
        .get_template("compare.html")
        .render(
            title=f"{dataset.attrs.get('title', 'Comparison')}: tomography against {against}",
            summary=unit_line(dataset),
            runs=list(runs),
            against=against,
            figures=[(heading, _base64(png)) for heading, png in figures.items()],
            table=result_table(dataset),
            **_agreement(dataset, against),
        )
    )


def _templates() -> Environment:
    return Environment(loader=PackageLoader("nmrqb", "templates"), autoescape=True, undefined=StrictUndefined)


def _base64(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def _agreement(dataset: xr.Dataset, against: Prediction) -> dict[str, Any]:
    """What the template of the agreement needs; nothing where nothing was measured."""
    if not measured_sources(dataset):
        return {"agreement": [], "fidelities": [], "verdicts": []}
    rows = compare(dataset, against)
    return {
        "agreement": agreement_rows(dataset, rows),
        "fidelities": fidelity_rows(dataset, fidelities(dataset, against)),
        "verdicts": verdicts(dataset, rows),
    }


def sample_properties(sample: Sample) -> list[tuple[str, str, str]]:
    """Name, value and flag of what a sample is made of; the flag says "unverified" where no measurement stands behind it."""
    rows = [("spins", ", ".join(sample.spins), "spins")]
    rows += [(f"d/2π of spins {i}, {j}", f"{d / 1e3:.6g} kHz", "dipolar") for i, j, d in sample.dipolar]
    rows += [(f"J of spins {i}, {j}", f"{J:g} Hz", "J") for i, j, J in sample.scalar]
    rows.append(("offsets", ", ".join(f"{o:g} Hz" for o in sample.offsets), "offsets"))
    if sample.field is not None:
        rows.append(("field", f"{sample.field:g} T", "field"))
    if sample.temperature is not None:
        rows.append(("temperature", f"{sample.temperature:g} K", "temperature"))
    rows.append(("polarisation P", ", ".join(f"{p:.4g}" for p in sample.polarisation), "polarisation"))
    if sample.noise:
        rows.append(("T1", ", ".join(_seconds(t) for t in sample.noise.t1), "T1"))
        rows.append(("T2", ", ".join(_seconds(t) for t in sample.noise.t2), "T2"))
        if sample.noise.t1d is not None:
            acts = sample.noise.dipolar_order == "t1d"
            name = "T1D of dipolar order" if acts else "T1D (on record; decay here follows T1 and T2)"
            rows.append((name, _seconds(sample.noise.t1d), "T1D"))
        if any(sample.noise.x_dephasing):
            rows.append(("X-dephasing γ", ", ".join(f"{g:g}/s" for g in sample.noise.x_dephasing), "x_dephasing"))
        rows.append(("readout error on circuits", ", ".join(f"{r:g}" for r in sample.noise.readout), "error"))
    rows.append(("90° pulse", _seconds(sample.pulse_90), "pulse_90"))
    rows.append(("RF limit", f"{sample.rf_limit / 1e3:g} kHz", "limit"))
    for channel, coil in sample.coils.items():
        rows.append((f"90° pulse on {channel}", _seconds(coil.pulse_90), "pulse_90"))
        rows.append((f"RF limit on {channel}", f"{coil.limit / 1e3:g} kHz", "limit"))
    if sample.receiver is not None:
        rows.append(("receiver", f"{sample.receiver.points} points, dwell {_seconds(sample.receiver.dwell)}", "dwell"))
    flagged = {key.rpartition(".")[2] for key in sample.unverified} | (
        {"dipolar"} if "geometry.positions" in sample.unverified else set()
    )
    return [(name, value, "unverified" if key in flagged else "") for name, value, key in rows]


def _seconds(value: float) -> str:
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= factor:
            return f"{value / factor:g} {unit}"
    return f"{value * 1e9:g} ns"


def _notes(dataset: xr.Dataset, sample: Sample) -> Iterable[str]:
    if dataset.attrs["reported_per"] != "nothing":
        yield "A pseudo-pure or thermal NMR state is separable at this polarisation: nothing here is a claim of entanglement."
    if sample.unverified:
        yield f"Unverified values stand in this sample: {', '.join(sample.unverified)}."


def _facts(dataset: xr.Dataset) -> Iterable[tuple[str, str]]:
    attrs = dataset.attrs
    yield "pulses", attrs["pulses"]
    yield "noise", "relaxation and readout of the sample" if attrs["noise"] else "none"
    for source, info in json.loads(attrs["engines"]).items():
        for name, value in sorted(info.items()):
            yield f"{source}: {name.replace('_', ' ')}", f"{value:.3g}" if isinstance(value, float) else str(value)
    yield from json.loads(attrs["versions"]).items()
