"""Running an experiment from the command line, and going on with a run that was cut short."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmrqb import terminal
from nmrqb.errors import InputError, NmrqbError, Problem, RunError

if TYPE_CHECKING:
    import xarray as xr

    from nmrqb.experiment import Experiment
    from nmrqb.runs import Record, RunFolder, State

#: More shots than any file may ask for, and the largest seed that a NetCDF attribute holds.
_MOST_SHOTS, _MOST_SEED = 10_000_000, 2**63 - 1


def run(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="An experiment of the library, such as 'charge', or a .toml file."),
    ],
    engine: Annotated[
        str | None, typer.Option(help="'exact', 'aer' or 'spectrometer'; exact and aer side by side when left out.")
    ] = None,
    shots: Annotated[
        int | None, typer.Option(help="Shots per tomography setting and point, over what the file says.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of every random draw; a fresh one is taken and recorded when left out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME-DATE-TIME when left out.")] = None,
) -> None:
    """Run an experiment: a table here; data.nc, figure.png and report.html in a folder of its own."""
    from nmrqb.experiment import Experiment, versions
    from nmrqb.runs import Record, RunFolder, digests, inputs_of

    _check_options(engine, shots, seed)
    experiment = Experiment.load(name)
    contents = inputs_of(experiment)
    record = Record(
        experiment=name,
        engine=engine,
        shots=shots or experiment.shots.per_setting,
        seed=secrets.randbits(63) if seed is None else seed,
        versions=versions(),
        names={"experiment": experiment.name, "sequence": experiment.sequence.name, "sample": experiment.sample.name},
        inputs=digests(experiment, contents),
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
    from nmrqb.experiment import versions
    from nmrqb.runs import Record, RunFolder, check_inputs

    record, place = Record.read(folder), RunFolder(folder)
    if record.state == "finished" and place.is_complete:
        print(f"{folder} is finished: there is nothing left to run.")
        return
    note = record.check_versions(versions())
    check_inputs(folder, record)
    with place.locked():
        if note:
            terminal.complain(note, code=0)
        _complete(place, record)


def _check_options(engine: str | None, shots: int | None, seed: int | None) -> None:
    """Raises InputError."""
    from nmrqb.experiment import ENGINES
    from nmrqb.files import nearest

    for option, value, least, most in (("--shots", shots, 1, _MOST_SHOTS), ("--seed", seed, 0, _MOST_SEED)):
        if value is not None and not least <= value <= most:
            allowed = f"a whole number from {least} to {most} is needed"
            raise InputError((Problem(f"found {value}", key=option, allowed=allowed),))
    if engine is not None and engine not in ENGINES:
        raise InputError(
            (Problem(f"no engine is called {engine!r}", key="--engine", allowed=nearest(engine, ENGINES)),)
        )


def _complete(folder: RunFolder, record: Record) -> None:
    """Run what a folder's inputs ask for, from wherever it stopped, and print what came out."""
    from nmrqb.runs import restored

    with _told(folder, record):
        folder.state("running", **record.about())
        experiment = restored(folder.path, record)
        dataset = _data(experiment, folder, record)
        _write_pages(experiment, folder, dataset)
        folder.state("finished", **record.about())
    _print_run(experiment, folder, dataset)


@contextmanager
def _told(folder: RunFolder, record: Record) -> Iterator[None]:
    """What stops the run is written into its folder, and told with what to do next."""
    how = f"go on with it: nmrqb resume {shlex.quote(str(folder.path))}"
    try:
        yield
    except KeyboardInterrupt:
        _give_up(folder, record, "interrupted")
        raise RunError("interrupted", how) from None
    except RunError as error:
        _give_up(folder, record, "failed", str(error))
        raise RunError(error.message, f"{error.remedy}; then {how}" if error.remedy else how) from error
    except Exception as error:
        _give_up(folder, record, "failed", str(error))
        raise


def _give_up(folder: RunFolder, record: Record, state: State, reason: str = "") -> None:
    """Mark a run that did not finish. Where that cannot be written either, run.json still says that it is running."""
    with suppress(NmrqbError):
        folder.state(state, **record.about(), **({"reason": reason} if reason else {}))


def _data(experiment: Experiment, folder: RunFolder, record: Record) -> xr.Dataset:
    """The data of the run, as data.nc holds it: computed, unless an earlier process has come so far."""
    from nmrqb.runs import read_netcdf

    target = folder.path / "data.nc"
    if not target.is_file():
        with terminal.progress("circuits") as update:
            dataset = experiment.run(record.engine, seed=record.seed, shots=record.shots, progress=update)
        folder.data(dataset)
    return read_netcdf(target)


def _write_pages(experiment: Experiment, folder: RunFolder, dataset: xr.Dataset) -> None:
    """Curves, figures and the report; each is the same whoever writes it, so they are written anew."""
    from nmrqb import report
    from nmrqb.plots.experiment import draw_experiment
    from nmrqb.plots.sequence import draw_sequence

    curves = experiment.curves()
    folder.data(curves, "curves.nc")
    figure = folder.file("figure.png", lambda path: draw_experiment(dataset, curves).savefig(path, dpi=160))
    channels = tuple(dict.fromkeys(experiment.sample.spins))
    diagram = folder.file(
        "sequence.png", lambda path: draw_sequence(experiment.sequence, channels).savefig(path, dpi=160)
    )
    page = report.render(dataset, experiment.sample, figure.read_bytes(), diagram.read_bytes())
    folder.text("report.html", page)


def _print_run(experiment: Experiment, folder: RunFolder, dataset: xr.Dataset) -> None:
    from nmrqb import report

    console = terminal.console()
    console.print(experiment.title, style="bold", soft_wrap=True)
    console.print(report.unit_line(dataset), soft_wrap=True)
    terminal.print_results(console, report.result_table(dataset))
    console.print(f"Wrote {folder.path}{os.sep}: report.html, figure.png, data.nc, curves.nc, inputs.", soft_wrap=True)
