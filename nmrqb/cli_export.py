"""The command that takes a sequence out of the computer: pulse programs, shapes, circuits and data."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.table import Table

from nmrqb import files, terminal
from nmrqb.errors import ArgumentError, InputError, Problem

if TYPE_CHECKING:
    from nmrqb.export.console import Setting
    from nmrqb.nmr import Sample
    from nmrqb.sequence import Sequence

Writer = Callable[[Path], object]

#: What can be written, and how it is called where it is told.
FORMATS = {
    "bruker": "pulse program, shape files and parameter sheet",
    "varian": "shape files (.RF)",
    "csv": "shapes as columns",
    "qasm3": "circuit in OpenQASM 3",
    "netcdf": "the timeline, every number of it",
    "toml": "the sequence with its values",
}


_PAIRS = ("nematic-pair", "chloroform")


def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SEQUENCE|EXPERIMENT", help="A sequence or an experiment of the library, or a .toml file."
        ),
    ],
    to: Annotated[str, typer.Option(help=f"What to write: {', '.join(FORMATS)}.")] = "bruker",
    sample: Annotated[
        str | None,
        typer.Option(help="Sample whose coil plays it; the first of the library that it fits when left out."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Value of a parameter, such as charge='90 deg'; may be repeated."
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Point at which the signal is recorded; the last when left out.")
    ] = None,
    readouts: Annotated[
        str | None,
        typer.Option(
            help="Readout pulses before the signal: 'all' for a tomography (one program each), or one such as 'XX' or '45y'."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; NAME-FORMAT when left out.")] = None,
) -> None:
    """Write a sequence as files that a spectrometer or another program reads, and say what has to be set."""
    if to not in FORMATS:
        raise InputError((Problem(f"no format is called {to!r}", key="--to", allowed=files.nearest(to, FORMATS)),))
    for option, value, fit in (("--at", at, ("bruker", "qasm3")), ("--readouts", readouts, ("bruker",))):
        if value is not None and to not in fit:
            allowed = f"it is for {' and '.join(fit)} only"
            raise InputError((Problem(f"found {value!r} with --to {to}", key=option, allowed=allowed),))
    sequence, on = _loaded(source, sample)
    sequence = sequence.bind(**_values(values or []))
    folder = out or Path(f"{sequence.name}-{to}")
    try:
        written = _texts(sequence, on, to, at, readouts)
    except ArgumentError as error:
        raise InputError((Problem(str(error), file=source),)) from None
    _write(folder, written)
    print(f"For the sample {on.name}: wrote {', '.join(written)} in {folder}{os.sep}")


def _loaded(source: str, sample: str | None) -> tuple[Sequence, Sample]:
    """The sequence and the sample of what was named; an experiment fixes its parameters and sweeps them."""
    from nmrqb import Experiment, Sample, Sequence
    from nmrqb.timeline.limits import library_fits

    folders = (*files.library("sequences"), *files.library("experiments"))
    path = files.find("sequence or experiment", source, folders)
    document = files.load_document(path, source)
    if "sweep" not in document.data:
        sequence = Sequence.parse(document, path.stem, path.parent)
        return sequence, Sample.load(sample or _fitting(library_fits(sequence)))
    if sample is not None:
        message = f"found {sample!r}, but the experiment {source!r} names its own"
        raise InputError((Problem(message, key="--sample", allowed="leave it out"),))
    experiment = Experiment.load(source)
    grids = np.meshgrid(*experiment.sweep.values(), indexing="ij")
    points = {name: grid.ravel() for name, grid in zip(experiment.sweep, grids, strict=True)}
    return experiment.sequence.bind(**points), experiment.sample


def _fitting(names: tuple[str, ...]) -> str:
    """The pairs first, which most sequences are for."""
    return next((name for name in (*_PAIRS, *names) if name in names), _PAIRS[0])


def _values(pairs: list[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InputError((Problem(f"found {pair!r}", key="--set", allowed="NAME=VALUE, such as charge='90 deg'"),))
        found[name.strip()] = value.strip()
    return found


def _texts(sequence: Sequence, sample: Sample, to: str, at: str | None, readouts: str | None) -> dict[str, Writer]:
    """What writes each file, by its name."""
    match to:
        case "bruker":
            return _as_text(_bruker(sequence, sample, at, readouts))
        case "varian" | "csv":
            return _as_text(_shapes(sequence, sample, to))
        case "qasm3":
            return _as_text(_circuit(sequence, sample, at))
        case "toml":
            from nmrqb.sequence.printing import to_toml

            return _as_text({f"{sequence.name}.toml": to_toml(sequence)})
    return {f"{sequence.name}.nc": _dataset(sequence, sample)}


def _as_text(texts: Mapping[str, str]) -> dict[str, Writer]:
    return {re.sub(r"[^\w.+-]", "_", name): partial(_write_text, text) for name, text in texts.items()}


def _write_text(text: str, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)


def _dataset(sequence: Sequence, sample: Sample) -> Writer:
    from nmrqb import schedule
    from nmrqb.export import timeline_dataset
    from nmrqb.runs import write_netcdf

    return partial(write_netcdf, timeline_dataset(schedule(sequence, sample)))


def _bruker(sequence: Sequence, sample: Sample, at: str | None, readouts: str | None) -> dict[str, str]:
    from nmrqb.export import pulse_program
    from nmrqb.tomography.readouts import Readout, default_readouts

    chosen: tuple[Readout | None, ...] = (None,)
    if readouts == "all":
        chosen = default_readouts(sample.groups)
    elif readouts is not None:
        chosen = (Readout.parse(readouts, len(sample.groups)),)
    written: dict[str, str] = {}
    for readout in chosen:
        made = pulse_program(sequence, sample, at=at, readout=readout)
        written |= {made.name: made.text, **made.shapes, f"{made.name}-parameters.csv": made.sheet()}
        if table := made.sweep():
            written[f"{made.name}-sweep.csv"] = table
    _show(made.settings, sequence.title)
    return written


def _show(settings: tuple[Setting, ...], title: str) -> None:
    table = Table("set", "to", "", "", title=title, box=None, header_style="bold", title_justify="left")
    for setting in settings:
        table.add_row(
            setting.name, "swept" if setting.values is not None else setting.value, setting.unit, setting.what
        )
    terminal.console().print(table)


def _shapes(sequence: Sequence, sample: Sample, to: str) -> dict[str, str]:
    from nmrqb.export import csv_shape, shaped_pulses, varian_shape

    written = {}
    for number, pulse in enumerate(shaped_pulses(sequence, sample), start=1):
        name = f"{sequence.name}-{number}"
        if to == "varian":
            title = f"{sequence.name}, shaped pulse {number} on {pulse.channel}"
            written[f"{name}.RF"] = varian_shape(pulse.envelope, title=title, length=pulse.length, peak=pulse.peak)
        else:
            written[f"{name}.csv"] = csv_shape(pulse.envelope, length=pulse.length, peak=pulse.peak)
    if not written:
        raise ArgumentError("the number of shaped pulses", 0, "be one or more for shapes to be written")
    return written


def _circuit(sequence: Sequence, sample: Sample, at: str | None) -> dict[str, str]:
    from nmrqb import schedule
    from nmrqb.export.circuits import qasm_files

    return qasm_files(schedule(sequence, sample), sequence.name, at)


def _write(folder: Path, written: Mapping[str, Writer]) -> None:
    from nmrqb.jobs.disk import cause, write_whole

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in written.items():
            write_whole(folder / name, write)
    except OSError as error:
        problem = Problem(f"cannot be written ({cause(error)})", file=str(folder), key="--out")
        raise InputError((problem,)) from None
