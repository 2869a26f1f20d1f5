"""`nmrqb design robustness`: what is left of a sequence's work when amplitude, offset and coupling are not as planned."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from nmrqb import options, terminal
from nmrqb.cli_design.output import energy_unit, one_of, refusals, write_maps
from nmrqb.errors import InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from nmrqb.nmr import Sample
    from nmrqb.sequence import Sequence

METRICS = ("ergotropy", "stored_energy", "l1_coherence", "concurrence", "purity")
_ENERGIES = METRICS[:2]


def robustness(
    sequence: Annotated[str, typer.Argument(metavar="SEQUENCE", help="A sequence of the library, or a .toml file.")],
    against: Annotated[
        str | None, typer.Option(help="A second sequence to draw beside it, such as the one before optimisation.")
    ] = None,
    sample: Annotated[str, typer.Option(help="Sample that both start from in thermal equilibrium.")] = "nematic-pair",
    metric: Annotated[str, typer.Option(help=f"What is mapped: {', '.join(METRICS)}.")] = "ergotropy",
    rf_error: Annotated[float, typer.Option(help="RF amplitude from 1 - this to 1 + this.")] = 0.3,
    offset: Annotated[str, typer.Option(help="Offset from minus this to this.")] = "500 Hz",
    coupling_error: Annotated[
        float, typer.Option(help="Maps for couplings too small and too large by this part as well.")
    ] = 0.0,
    points: Annotated[int, typer.Option(help="Points along RF and along offset.")] = 21,
    noise: Annotated[bool, typer.Option("--noise", help="Let the sample's noise act.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; NAME-robustness when left out.")] = None,
) -> None:
    """Map ergotropy, or another metric of the last state observed, over RF error, offset and coupling."""
    from nmrqb import Sample, design

    one_of("--metric", metric, METRICS)
    for option, value in (("--rf-error", rf_error), ("--coupling-error", coupling_error)):
        if not 0 <= value < 1:
            raise InputError((Problem(f"found {value:g}", key=option, allowed="from 0 to below 1"),))
    if not 1 <= points <= 1000:
        raise InputError((Problem(f"found {points}", key="--points", allowed="from 1 to 1000"),))
    widest = options.quantity(offset, "frequency", "--offset")
    of = Sample.load(sample)
    found = _finite(sequence)
    both = {found.name: found} | ({} if against is None else {(other := _finite(against)).name: other})
    folder = out or Path(f"{found.name}-robustness")
    rho0 = of.linear_state() if of.is_high_temperature else of.thermal_state()
    with refusals(folder):
        maps = design.robustness(
            both,
            of,
            metric,
            rf=1 + _around(rf_error, points),
            offset=_around(widest, points),
            coupling=1 + _around(coupling_error, 3),
            rho0=rho0,
            noise=noise,
        )
    maps[metric] = _per_p(maps[metric], of) if metric in (*_ENERGIES, "l1_coherence") else maps[metric]
    write_maps(maps, folder, f"{of.name}, {'with its noise' if noise else 'no relaxation'}; pulses with their lengths.")
    for name in maps.sequence.values.tolist():
        values = maps[metric].sel(sequence=name)
        nominal = float(values.sel(rf=1, offset=0, coupling=1, method="nearest"))
        text = f"{name}: {metric} {nominal:.6f} as planned, {float(values.min()):.6f} at worst, {float(values.mean()):.6f} on average"
        terminal.console().print(text, soft_wrap=True)
    terminal.console().print(f"Wrote {folder}{os.sep}: robustness.nc, robustness.png", soft_wrap=True)


def _finite(name: str) -> Sequence:
    """The sequence with pulses that take their time."""
    from nmrqb import Sequence

    return replace(Sequence.load(name), pulses="finite")


def _around(widest: float, points: int) -> np.ndarray:
    """Evenly from -widest to widest; one point where that is nothing."""
    return np.linspace(-widest, widest, points) if widest and points > 1 else np.zeros(1)


def _per_p(values: xr.DataArray, sample: Sample) -> xr.DataArray:
    """Energies and coherence of a high-temperature sample are reported per polarisation factor p."""
    if sample.is_high_temperature:
        values = (values / sample.polarisation_factor).assign_attrs(values.attrs)
    unit = energy_unit(sample) if values.name in _ENERGIES else "p" if sample.is_high_temperature else "1"
    return values.assign_attrs(units=unit)
