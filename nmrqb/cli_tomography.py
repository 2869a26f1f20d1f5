"""The command that makes states, metrics and error bars of a file of counts."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.table import Table

from nmrqb import files, options, terminal
from nmrqb.errors import ArgumentError, InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from nmrqb.checks import ComplexArray
    from nmrqb.runs import RunFolder
    from nmrqb.tomography import Counts

#: Of more experiments in one file than these only the first ones are printed; the file data.nc holds all.
_PRINTED = 20
_MAX_SEED = 2**63 - 1


def tomography(
    source: Annotated[str, typer.Argument(metavar="COUNTS", help="A file of counts: .json, .csv or .nc.")],
    battery: Annotated[
        str | None,
        typer.Option(help="Couplings of the battery, such as 'axial=1,dm=0.3'; also rhombic, ksea, zeeman."),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="Sample of the library, or a file, whose battery it is, instead.")
    ] = None,
    estimator: Annotated[
        str, typer.Option(help="How the state is found: linear, nearest, mle or bayes (Hilbert-Schmidt prior).")
    ] = "mle",
    readout: Annotated[
        str | None,
        typer.Option(help="Chance of a flipped readout of each spin, such as '0.01,0.02'; 0.01:0.03 for 0 and for 1."),
    ] = None,
    bit_order: Annotated[
        str | None, typer.Option(help="'spin-0-first' or 'qiskit' (spin 0 last), for files that do not say it.")
    ] = None,
    energy_only: Annotated[
        bool, typer.Option("--energy-only", help="Only the energy, unbiased; five settings of a pair suffice.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the Bayesian samples; a fresh one is taken and recorded when left out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; runs/tomography-NAME-DATE-TIME when left out.")
    ] = None,
) -> None:
    """Reconstruct the state behind counts: its metrics with intervals, goodness of fit, data.nc and a figure."""
    from nmrqb.tomography.counts import ESTIMATORS

    if estimator not in ESTIMATORS:
        raise InputError(
            (Problem(f"found {estimator!r}", key="--estimator", allowed=files.nearest(estimator, ESTIMATORS)),)
        )
    if seed is not None and not 0 <= seed <= _MAX_SEED:
        allowed = f"a whole number from 0 to {_MAX_SEED} is needed"
        raise InputError((Problem(f"found {seed}", key="--seed", allowed=allowed),))
    counts = _counts(source, readout, bit_order, partial=energy_only)
    H, unit = options.hamiltonian(battery, sample, counts.spins)
    if energy_only:
        _print_energy(counts, H, unit)
        return
    from nmrqb.runs import RunFolder
    from nmrqb.tomography.analysis import analyse

    path = Path(source)
    folder = RunFolder.create(out, f"tomography-{path.stem}")
    folder.inputs({path.name: path.read_bytes()})
    used = secrets.randbits(63) if seed is None else seed
    with terminal.progress("metrics") as update:
        dataset = analyse(counts, H, estimator=estimator, seed=used, progress=update)
    dataset = dataset.assign_attrs(source=path.name, seed=used, unit=unit)
    _print(dataset, counts)
    _write(dataset, folder)


def _counts(source: str, readout: str | None, bit_order: str | None, *, partial: bool) -> Counts:
    """The counts of the file, with the readout errors of the command line instead of its own. Raises InputError."""
    from dataclasses import replace

    from nmrqb.tomography import read_counts

    counts = read_counts(source, bit_order=bit_order, partial=partial)
    return counts if readout is None else replace(counts, readout=options.flips(readout, counts.spins))


def _print_energy(counts: Counts, H: ComplexArray | None, unit: str) -> None:
    from nmrqb.tomography import direct_expectation

    if H is None:
        raise InputError(
            (Problem("no battery is given", key="--energy-only", allowed="--battery or --sample says it"),)
        )
    try:
        found = direct_expectation(counts.values, counts.settings, H, counts.readout)
    except ArgumentError as error:
        from nmrqb.tomography import energy_settings

        allowed = f"the energy needs {', '.join(energy_settings(H))}"
        raise InputError((Problem(str(error), key="--energy-only", allowed=allowed),)) from None
    console = terminal.console()
    for place in list(np.ndindex(found.value.shape))[:_PRINTED]:
        label = f" {list(place)}" if place else ""
        console.print(f"energy{label}: {found.value[place]:.6g} +- {found.error[place]:.2g} (unit: {unit}), unbiased")


#: How metrics are called in the table, and whether they have the unit of energy.
_NAMES = {
    "ergotropy": ("ergotropy", True),
    "energy": ("energy", True),
    "l1_coherence": ("l1 coherence", False),
    "purity": ("purity", False),
    "concurrence": ("concurrence", False),
    "discord": ("discord (bits)", False),
}


def _print(dataset: xr.Dataset, counts: Counts) -> None:
    """A table for each experiment in the file, and what its tests say."""
    console = terminal.console()
    shots = counts.shots
    number = f"{shots.min()}" if shots.min() == shots.max() else f"{shots.min()} to {shots.max()}"
    console.print(
        f"{len(counts.settings)} settings, {number} shots each; state by {dataset.attrs['estimator']}", soft_wrap=True
    )
    console.print("value: noise's bias taken off; at the state: the metric of the reconstructed state", soft_wrap=True)
    lead = shots.shape[:-1]
    places = list(np.ndindex(lead))
    for place in places[:_PRINTED]:
        one = dataset.isel({f"axis{k}": i for k, i in enumerate(place)})
        if place:
            console.print(f"experiment {list(place)}", style="bold")
        console.print(_table(one))
        for line in _verdicts(one):
            console.print(line, soft_wrap=True)
    if len(places) > _PRINTED:
        console.print(f"and {len(places) - _PRINTED} more experiments, in data.nc", soft_wrap=True)


def _table(one: xr.Dataset) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1))
    table.add_column("metric")
    for column in ("value", "68 % interval", "95 % interval", "at the state"):
        table.add_column(column, justify="right", no_wrap=True)
    for name in one.attrs["metrics"].split(","):
        title, energetic = _NAMES[name]
        low, high = one[f"{name}_low"].values, one[f"{name}_high"].values
        digits = _digits(low, high)
        sided = one[f"{name}_one_sided"].values
        ends = [f"{low[k]:.{digits}f} to {high[k]:.{digits}f}{' *' if sided[k] else ''}" for k in range(2)]
        unit = f" ({one.attrs['unit']})" if energetic else " ~" if name in one.attrs["indicative"].split(",") else ""
        value, plain = float(one[name]), float(one[f"{name}_at_estimate"])
        table.add_row(title + unit, f"{value:.{digits}f}", *ends, f"{plain:.{digits}f}")
    return table


def _digits(low: np.ndarray, high: np.ndarray) -> int:
    """Decimals that show the 68 % interval with two digits."""
    width = float(high[0] - low[0]) / 2
    return int(np.clip(1 - np.floor(np.log10(width)), 0, 6)) if width > 0 else 3


def _verdicts(one: xr.Dataset) -> list[str]:
    """What the tests say, one line each."""
    names = one.attrs["metrics"].split(",")
    lines = (
        ["* one-sided: the other end is the bound of the metric"]
        if any(one[f"{name}_one_sided"].values.any() for name in names)
        else []
    )
    if one.attrs["indicative"]:
        lines.append("~ indicative: for nearly pure states fewer of these intervals hold than they say")
    fit = float(one["p_fit"])
    why = "drift, leakage or a wrong readout model would do that, and intervals do not allow for it"
    bad = "" if fit >= 0.01 else f": the counts fit no state well, {one['worst_setting'].item()} least; {why}"
    lines.append(f"goodness of fit: {_p(fit)}{bad}")
    tests = (("p_passive", "passive", "ergotropy"), ("p_incoherent", "incoherent in the basis of sigma_z", "coherence"))
    for key, what, claim in tests:
        if key in one:
            p = float(one[key])
            says = f"there is {claim}" if p < 0.05 else f"no {claim} is shown at 5 %"
            lines.append(f"test that the state is {what}: {_p(p)}, {says}")
    return lines


def _p(value: float) -> str:
    return f"p = {value:.2g}" if value >= 1e-6 else "p < 1e-6"


def _write(dataset: xr.Dataset, folder: RunFolder) -> None:
    """Write data.nc and figure.png. Raises RunError."""
    from nmrqb.plots.density import draw_density_matrix

    folder.data(dataset)
    first = dataset.isel({axis: 0 for axis in dataset.sizes if str(axis).startswith("axis")})
    rho = first.rho_real.values + 1j * first.rho_imag.values
    several = "first experiment, " if first.rho_real.ndim < dataset.rho_real.ndim else ""
    footer = f"State by {dataset.attrs['estimator']}, {several}errors from the covariance of the counts."
    figure = draw_density_matrix(rho, first.rho_error.values, dataset.attrs["source"], footer)
    folder.file("figure.png", lambda path: figure.savefig(path, dpi=160))
    terminal.console().print(f"Wrote {folder.path}{os.sep}: data.nc, figure.png, inputs.", soft_wrap=True)
