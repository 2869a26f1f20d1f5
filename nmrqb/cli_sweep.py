"""The command that runs an experiment over many points, on this machine or on a cluster."""

from __future__ import annotations

import os
import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from nmrqb import files, terminal
from nmrqb.errors import InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from nmrqb.runs import Record, RunFolder
    from nmrqb.sweep import Workers
    from nmrqb.sweep.schema import SweepPlan

EXECUTORS = ("serial", "processes", "dask")
_MOST_SEED, _MOST_WORKERS = 2**63 - 1, 4096


def sweep(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|DIR", help="A sweep file, or the folder of a sweep that was cut short, to go on with it."
        ),
    ],
    executor: Annotated[
        str | None,
        typer.Option(help="'serial', 'processes' or 'dask'; processes where --workers is given, serial otherwise."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes of this machine.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a dask scheduler of your own, such as tcp://10.0.0.1:8786.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the points drawn and of every random draw; recorded.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep; runs/NAME-DATE-TIME when left out.")] = None,
) -> None:
    """Run an experiment over a grid or random points of any parameters; data.nc and figure.png in a folder of its own.

    The points are worked on in chunks. A worker that dies costs its chunk, which is done again; a sweep that is cut short
    goes on where it stopped; the numbers do not depend on who works.
    """
    chosen = _workers(executor, workers, scheduler)
    if seed is not None and not 0 <= seed <= _MOST_SEED:
        raise InputError((Problem(f"found {seed}", key="--seed", allowed=f"a whole number from 0 to {_MOST_SEED}"),))
    if Path(source).is_dir():
        if seed is not None or out is not None:
            key = "--seed" if seed is not None else "--out"
            raise InputError((Problem("found a sweep to go on with", key=key, allowed="leave it out"),))
        go_on(Path(source), chosen)
        return
    _begin(source, chosen, secrets.randbits(63) if seed is None else seed, out)


def _begin(source: str, chosen: Workers, seed: int, out: Path | None) -> None:
    from nmrqb.experiment import versions
    from nmrqb.runs import Record, RunFolder, digests, inputs_of
    from nmrqb.sweep.schema import SweepPlan

    plan = SweepPlan.load(source)
    experiment = plan.experiment
    contents = inputs_of(experiment) | {"sweep.toml": plan.document.text.encode()}
    record = Record(
        experiment=plan.name,
        engine=plan.task.engine,
        shots=experiment.shots.per_setting,
        seed=seed,
        versions=versions(),
        names={"experiment": experiment.name, "sequence": experiment.sequence.name, "sample": experiment.sample.name},
        inputs=digests(contents),
    )
    folder = RunFolder.create(out, plan.name)
    with folder.locked():
        folder.inputs(contents)
        _complete(folder, record, plan, chosen)


def go_on(path: Path, chosen: Workers | None = None) -> None:
    """Go on with a sweep that was cut short, from the copies in its folder. Raises InputError, RunError."""
    from nmrqb.experiment import versions
    from nmrqb.runs import Record, RunFolder, check_inputs, restored
    from nmrqb.sweep import Serial
    from nmrqb.sweep.schema import SweepPlan

    record, folder = Record.read(path), RunFolder(path)
    if not is_sweep(path):
        allowed = f"go on with it: nmrqb resume {shlex.quote(str(path))}"
        raise InputError((Problem("the folder holds a run, and no sweep", file=str(path), allowed=allowed),))
    if record.state == "finished" and (path / "data.nc").is_file() and (path / "figure.png").is_file():
        print(f"{path} is finished: there is nothing left to run.")
        return
    if note := record.check_versions(versions()):
        terminal.complain(note, code=0)
    check_inputs(path, record)
    document = files.load_document(path / "inputs" / "sweep.toml")
    plan = SweepPlan.parse(document, record.experiment, path / "inputs", experiment=restored(path, record))
    with folder.locked():
        _complete(folder, record, plan, chosen or Serial())


def is_sweep(path: Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (path / "inputs" / "sweep.toml").is_file()


def _complete(folder: RunFolder, record: Record, plan: SweepPlan, chosen: Workers) -> None:
    """Run what is missing, and write what came out; `run.json` says how it stands."""
    from nmrqb.plots.sweep import draw_sweep
    from nmrqb.runs import told
    from nmrqb.sweep import sweep as run_sweep

    with told(folder, record):
        folder.state("running", **record.about())
        with terminal.progress("points") as update:
            data = run_sweep(
                plan.task,
                plan.design(record.seed),
                seed=record.seed,
                workers=chosen,
                chunk=plan.table.chunk,
                folder=folder.path,
                progress=lambda done, total: update("sweep", done, total),
            )
        folder.data(data.assign_attrs(title=plan.title, sweep_toml=plan.document.text, engine=plan.task.engine))
        folder.file("figure.png", lambda path: draw_sweep(data, plan.title).savefig(path, dpi=160))
        folder.state("finished", **record.about())
    _print(folder, plan, data)


def _print(folder: RunFolder, plan: SweepPlan, data: xr.Dataset) -> None:
    from rich.table import Table

    from nmrqb.plots.sweep import measured

    table = Table("", "source", "least", "mean", "largest", "unit", title=plan.title, box=None, header_style="bold")
    table.title_justify = "left"
    for name in measured(data):
        for source in data["source"].values:
            values = data[name].sel(source=source).values
            row = (f"{np.nanmin(values):.4f}", f"{np.nanmean(values):.4f}", f"{np.nanmax(values):.4f}")
            table.add_row(name.replace("_", " "), str(source), *row, data[name].attrs.get("units", ""))
    console = terminal.console()
    console.print(table)
    written = f"Wrote {folder.path}{os.sep}: data.nc, figure.png, chunks, inputs."
    console.print(f"{plan.points} points. {written}", soft_wrap=True)


def _workers(executor: str | None, workers: int | None, scheduler: str | None) -> Workers:
    """What was asked for on the command line. Raises InputError."""
    from nmrqb.sweep import Cluster, Processes, Serial

    if executor is not None and executor not in EXECUTORS:
        allowed = files.nearest(executor, EXECUTORS)
        raise InputError((Problem(f"no executor is called {executor!r}", key="--executor", allowed=allowed),))
    if workers is not None and not 1 <= workers <= _MOST_WORKERS:
        raise InputError(
            (Problem(f"found {workers}", key="--workers", allowed=f"a whole number from 1 to {_MOST_WORKERS}"),)
        )
    if scheduler is not None:
        if executor not in (None, "dask") or workers is not None:
            key = "--workers" if workers is not None else "--executor"
            raise InputError((Problem("found a scheduler beside it, which has workers of its own", key=key),))
        return Cluster(scheduler)
    kind = executor or ("processes" if workers is not None else "serial")
    if kind == "serial":
        if workers not in (None, 1):
            raise InputError(
                (Problem(f"found {workers} with --executor serial", key="--workers", allowed="leave it out"),)
            )
        return Serial()
    count = workers or os.cpu_count() or 1
    return Processes(count) if kind == "processes" else Cluster(workers=count)
