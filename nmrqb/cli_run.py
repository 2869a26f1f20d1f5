"""Running an experiment from the command line, and going on with a run that was cut short."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmrqb import terminal
from nmrqb.errors import InputError, Problem, RunError

if TYPE_CHECKING:
    import xarray as xr

    from nmrqb.experiment import Experiment
    from nmrqb.runs import Record, RunFolder

#: More shots than any file may ask for, and the largest seed that a NetCDF attribute holds.
_MOST_SHOTS, _MOST_SEED = 10_000_000, 2**63 - 1


def run(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="An experiment of the library, such as 'charge', or a .toml file."),
    ],
    engine: Annotated[
        str | None,
        typer.Option(
            help="'exact', 'aer', 'spectrometer', fake:NAME or ibm:NAME (see nmrqb backends); exact and aer side by side when left out."
        ),
    ] = None,
    shots: Annotated[
        int | None, typer.Option(help="Shots per tomography setting and point, over what the file says.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of every random draw; a fresh one is taken and recorded when left out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME-DATE-TIME when left out.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the run would cost, and do nothing: no folder is made.")
    ] = False,
) -> None:
    """Run an experiment: a table here; data.nc, figure.png and report.html in a folder of its own.

    What is cut short goes on with nmrqb resume.
    """
    from nmrqb.experiment import Experiment
    from nmrqb.experiment.engines import need_engine
    from nmrqb.runs import Record, RunFolder, digests, inputs_of

    _check_options(engine, shots, seed)
    experiment = Experiment.load(name)
    if dry_run:
        _print_cost(experiment, engine, shots)
        return
    need_engine(engine)
    contents = inputs_of(experiment)
    record = Record(
        experiment=name,
        engine=engine,
        shots=shots or experiment.shots.per_setting,
        seed=secrets.randbits(63) if seed is None else seed,
        versions=_versions(engine),
        names={"experiment": experiment.name, "sequence": experiment.sequence.name, "sample": experiment.sample.name},
        inputs=digests(contents),
    )
    folder = RunFolder.create(out, experiment.name)
    with folder.locked():
        try:
            folder.inputs(contents)
        except RunError as error:
            raise RunError(error.message, f"{error.remedy}, and run it again") from error
        _complete(folder, record)


def resume(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run that was cut short.")],
) -> None:
    """Go on with a run after a kill, a failure or a day: what is done is kept, and only what is missing is run.

    It ends with the same bytes as a run that nothing disturbed. Inputs are read from the folder, not from where they were.
    """
    from nmrqb.runs import Record, RunFolder, check_inputs

    record, place = Record.read(folder), RunFolder(folder)
    if record.state == "finished" and place.is_complete:
        print(f"{folder} is finished: there is nothing left to run.")
        return
    note = record.check_versions(_versions(record.engine))
    check_inputs(folder, record)
    with place.locked():
        if note:
            terminal.complain(note, code=0)
        _complete(place, record)


def _check_options(engine: str | None, shots: int | None, seed: int | None) -> None:
    """Raises InputError."""
    from nmrqb.experiment import check_engine

    for option, value, least, most in (("--shots", shots, 1, _MOST_SHOTS), ("--seed", seed, 0, _MOST_SEED)):
        if value is not None and not least <= value <= most:
            allowed = f"a whole number from {least} to {most} is needed"
            raise InputError((Problem(f"found {value}", key=option, allowed=allowed),))
    if engine is not None:
        check_engine(engine, "--engine")


def _versions(engine: str | None) -> dict[str, str]:
    """Versions that decide what a run on this engine comes to; calibrations of fake backends come with the runtime."""
    from nmrqb.experiment import versions

    found = versions()
    if engine is not None and ":" in engine:
        with suppress(PackageNotFoundError):
            found["qiskit-ibm-runtime"] = version("qiskit-ibm-runtime")
    return found


def _print_cost(experiment: Experiment, engine: str | None, shots: int | None) -> None:
    from nmrqb.experiment.costs import ASSUMPTIONS, COST_COLUMNS, cost_row

    cost = experiment.cost(engine, shots)
    if cost is None:
        print(f"{experiment.name} on {engine} runs no circuits: it costs nothing but time here.")
        return
    width = max(map(len, COST_COLUMNS)) + 2
    print(experiment.title)
    for name, value in zip(COST_COLUMNS, cost_row(cost), strict=True):
        print(f"{name:{width}}{value}")
    print(ASSUMPTIONS, "Nothing was run, and nothing written.", sep="\n")


def _complete(folder: RunFolder, record: Record) -> None:
    """Run what a folder's inputs ask for, from wherever it stopped, and print what came out."""
    from nmrqb.runs import restored, told

    with told(folder, record):
        folder.state("running", **record.about())
        experiment = restored(folder.path, record)
        dataset = _data(experiment, folder, record)
        _write_pages(experiment, folder, dataset)
        folder.state("finished", **record.about())
    _print_run(experiment, folder, dataset)


def _data(experiment: Experiment, folder: RunFolder, record: Record) -> xr.Dataset:
    """The data of the run, as data.nc holds it: computed, unless an earlier process has come so far."""
    from nmrqb.jobs import Ledger
    from nmrqb.runs import read_netcdf

    target = folder.path / "data.nc"
    if not target.is_file():
        with terminal.progress("circuits") as update, Ledger(folder.jobs) as ledger:
            dataset = experiment.run(record.engine, record.seed, update, record.shots, ledger)
        folder.data(dataset)
    return read_netcdf(target)


def _write_pages(experiment: Experiment, folder: RunFolder, dataset: xr.Dataset) -> None:
    """Curves, figures and the report; each is the same whoever writes it, so they are written anew."""
    from nmrqb import report
    from nmrqb.plots.compare import draw_run_states
    from nmrqb.plots.experiment import draw_experiment
    from nmrqb.plots.sequence import draw_sequence

    curves = experiment.curves()
    folder.data(curves, "curves.nc")
    figure = folder.file("figure.png", lambda path: draw_experiment(dataset, curves).savefig(path, dpi=160))
    channels = tuple(dict.fromkeys(experiment.sample.spins))
    diagram = folder.file(
        "sequence.png", lambda path: draw_sequence(experiment.sequence, channels).savefig(path, dpi=160)
    )
    states = folder.file("states.png", lambda path: draw_run_states(dataset).savefig(path, dpi=160))
    page = report.render(dataset, experiment.sample, figure.read_bytes(), diagram.read_bytes(), states.read_bytes())
    folder.text("report.html", page)


def _print_run(experiment: Experiment, folder: RunFolder, dataset: xr.Dataset) -> None:
    from nmrqb import report

    console = terminal.console()
    console.print(experiment.title, style="bold", soft_wrap=True)
    console.print(report.unit_line(dataset), soft_wrap=True)
    terminal.print_results(console, report.result_table(dataset))
    console.print(
        f"Wrote {folder.path}{os.sep}: report.html, figure.png, states.png, data.nc, curves.nc, inputs.", soft_wrap=True
    )
