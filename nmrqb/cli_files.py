"""Commands about files: a sequence drawn and listed, a sample's properties, and everything wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from nmrqb import terminal
from nmrqb.errors import ArgumentError, InputError, Problem

if TYPE_CHECKING:
    from nmrqb import Sample, Sequence
    from nmrqb.files import Document

#: Exit code where a file has problems.
BAD_INPUT = 2


def show(
    name: Annotated[
        str, typer.Argument(metavar="SEQUENCE", help="A sequence or a sample of the library, or a sequence file.")
    ],
    sample: Annotated[
        str | None,
        typer.Option(help="Sample that gives times their numbers; the first of the library that can, when left out."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to draw it (.png, .pdf or .svg); NAME.png when left out.")
    ] = None,
    monitor: Annotated[
        bool,
        typer.Option("--monitor", help="Draw populations, coherence orders, energy and ergotropy under the sequence."),
    ] = False,
) -> None:
    """Draw a pulse sequence, and list its events with their times. Of a sample, list its properties."""
    from nmrqb import Sample, Sequence, files

    path = files.find("sequence or sample", name, (*files.library("sequences"), *files.library("samples")))
    document = files.load_document(path, name)
    if "spins" in document.data:
        _show_sample(Sample.parse(document, path.stem))
        return
    if "sweep" in document.data:
        allowed = "a sequence (with steps) or a sample (with spins) can be shown"
        raise InputError((Problem("this is an experiment", file=name, allowed=allowed),))
    sequence = Sequence.parse(document, path.stem, path.parent)
    target = out or Path(f"{sequence.name}.png")
    if target.suffix not in (".png", ".pdf", ".svg"):
        raise InputError(
            (Problem(f"found {target.name!r}", key="--out", allowed="a name ending in .png, .pdf or .svg"),)
        )
    of, listing = _listed(sequence, sample)
    _draw(sequence, of, target, monitored=monitor)
    terminal.console().print(listing)
    print(f"Drew {target}")


def _show_sample(sample: Sample) -> None:
    from nmrqb.report import sample_properties

    table = Table("property", "value", "", title=sample.title, box=None, header_style="bold")
    for row in sample_properties(sample):
        table.add_row(*row)
    terminal.console().print(table)


def _draw(sequence: Sequence, sample: Sample, target: Path, *, monitored: bool) -> None:
    from nmrqb.jobs.disk import cause, write_whole
    from nmrqb.plots.sequence import draw_sequence

    figure = _monitored(sequence, sample) if monitored else draw_sequence(sequence, dict.fromkeys(sample.spins))
    try:
        write_whole(target, lambda path: figure.savefig(path, dpi=160))
    except OSError as error:
        allowed = "a folder that you may write to is needed"
        problem = Problem(f"cannot be written ({cause(error)})", file=str(target), key="--out", allowed=allowed)
        raise InputError((problem,)) from None


def _monitored(sequence: Sequence, sample: Sample) -> Any:
    """The sequence with what it does to the thermal state: without noise, first value of each list, first step of a cycle."""
    from nmrqb import schedule
    from nmrqb.plots.monitor import draw_monitor
    from nmrqb.timeline.monitor import monitor

    points = max(4, min(100, 6000 // len(sequence.steps)))
    watched = monitor(schedule(sequence, sample), sample.thermal_state(), sample.hamiltonian(), step=0, points=points)
    return draw_monitor(sequence, watched, sample, "Step 1 of the phase cycle." if sequence.cycle else "")


def _listed(sequence: Sequence, name: str | None) -> tuple[Sample, Table]:
    """The listing on the sample of this name, or on the first that has what the sequence asks for (a J, relaxation)."""
    from nmrqb import Sample, files

    if name is not None:
        return (sample := Sample.load(name)), _listing(sequence, sample)
    others = sorted(path.stem for folder in files.library("samples") for path in folder.glob("*.toml"))
    refusals: list[InputError] = []
    for candidate in dict.fromkeys(["nematic-pair", *others]):
        sample = Sample.load(candidate)
        try:
            return sample, _listing(sequence, sample)
        except InputError as error:
            refusals.append(error)
    raise refusals[0]


def _listing(sequence: Sequence, sample: Sample) -> Table:
    from nmrqb.sequence.listing import describe
    from nmrqb.timeline import sample_quantities

    table = Table(
        title=f"{sequence.title} (times on {sample.name}, {sequence.pulses} pulses)",
        box=None,
        header_style="bold",
        title_justify="left",
    )
    for column in ("", "event", "written", "value", "use"):
        table.add_column(column)
    for number, row in enumerate(describe(sequence, sample_quantities(sample)), start=1):
        table.add_row(str(number), *row)
    return table


def check(
    files_: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sample, sequence or experiment files.")],
    sample: Annotated[
        str | None,
        typer.Option(help="Sample on which sequences are checked: RF limits, raster, dead time, duty cycle, channels."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was found as a JSON array of records, and nothing else.")
    ] = False,
) -> None:
    """Check files and report every problem with its line. Exit code 2 when there is any.

    A sequence is checked on --sample with pulses that take their time, or else is told which samples of the library it
    fits. Notes, such as a time from a coupling that the raster rounds, are no problems.
    """
    from nmrqb import Sample, files

    found: list[Problem] = []
    on: Sample | None = None
    try:
        on = None if sample is None else Sample.load(sample)
    except InputError as error:  # then no sequence can be checked on it
        found, files_ = list(error.problems), []
    for path in files_:
        try:
            document = files.load_document(files.find("sample, sequence or experiment", path, ()), str(path))
            summary, findings = _checked(document, path, on)
        except InputError as error:
            found += error.problems
            continue
        except ArgumentError as error:
            found.append(Problem(str(error), file=str(path)))
            continue
        found += findings
        if not as_json and not _obstacles(findings):
            print(f"{path}: {summary}", *(f"note: {note}" for note in findings), sep="\n")
    obstacles = _obstacles(found)
    if as_json:
        print(json.dumps([_record(problem) for problem in found], indent=2, allow_nan=False))
        raise typer.Exit(BAD_INPUT if obstacles else 0)
    if obstacles:
        raise InputError(obstacles)


def _obstacles(found: list[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in found if not getattr(problem, "is_note", False))


def _record(problem: Problem) -> dict[str, Any]:
    """A problem as data; what was wrong before a sample came in is of kind "file"."""
    return {"kind": "file", "is_note": False, **vars(problem)}


def _checked(document: Document, path: Path, on: Sample | None) -> tuple[str, list[Problem]]:
    """What a file is, in a sentence, and what is found of it on a sample. Raises InputError."""
    if "spins" in document.data:
        from nmrqb import Sample

        sample = Sample.parse(document, path.stem)
        return f"a good sample: {len(sample.spins)} spins, coupling {sample.coupling / 1e3:.4g} kHz", []
    if "steps" in document.data:
        from nmrqb import Sequence
        from nmrqb.timeline.limits import hardware_findings, library_fits

        sequence = Sequence.parse(document, path.stem, path.parent)
        good = f"a good sequence: {len(sequence.steps)} steps, observed at {', '.join(sequence.marks)}"
        if on is not None:
            return f"{good}; fits {on.name}", list(hardware_findings(sequence, on))
        return f"{good}; fits {', '.join(library_fits(sequence)) or 'no sample of the library'}", []
    if "experiment" in document.data:
        from nmrqb.sweep.schema import SweepPlan

        plan = SweepPlan.parse(document, path.stem, path.parent)
        return f"a good sweep: {plan.experiment.name} at {len(plan.design(0))} points", []
    if "sweep" in document.data or "sequence" in document.data:
        from nmrqb import Experiment

        experiment = Experiment.parse(document, path.stem, path.parent)
        points = " x ".join(map(str, experiment.shape))
        return f"a good experiment: {experiment.sequence.name} on {experiment.sample.name}, {points} points", []
    allowed = "a sample has spins, a sequence has steps, an experiment has a sample, a sequence and a sweep, a sweep has an experiment"
    raise InputError((Problem("this is none of the files known here", file=str(path), allowed=allowed),))
