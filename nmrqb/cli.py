"""The command line. Each command says what it did; what it cannot do it says in one sentence, with exit code 2 or 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import nmrqb
from nmrqb.errors import InputError, NmrqbError, Problem

if TYPE_CHECKING:
    from nmrqb import report as reports
    from nmrqb.experiment import Experiment
    from nmrqb.runs import RunFolder

app = typer.Typer(
    name="nmrqb",
    help="Design and try magnetic dipolar quantum batteries: one pulse sequence, run as exact spin dynamics and as Qiskit circuits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

BAD_INPUT, FAILED = 2, 1

#: Width of tables where nobody watches: the rows of a run stay on one line each.
_PIPE_WIDTH = 170


def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs a command and exits with 0, 2 for bad input, or 1 for a run that failed or was interrupted."""
    try:
        code = app(args=arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = BAD_INPUT
    except click.ClickException as error:
        code = _complain(error.format_message(), BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        code = _complain("interrupted", FAILED)
    except InputError as error:
        code = _complain(str(error), BAD_INPUT)
    except NmrqbError as error:
        code = _complain(str(error), FAILED)
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if os.environ.get("NMRQB_DEBUG"):
            raise
        code = _complain(
            f"unexpected {type(error).__name__}: {error}; set NMRQB_DEBUG=1 for the traceback and report it", FAILED
        )
    raise SystemExit(code or 0)


def _complain(text: str, code: int) -> int:
    for line in text.splitlines() or ["failed"]:
        print(f"nmrqb: {line}", file=sys.stderr)
    return code


def _version(value: bool) -> None:
    if value:
        print(f"nmrqb {nmrqb.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None: ...


@app.command()
def run(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="An experiment of the library, such as 'charge', or a .toml file."),
    ],
    engine: Annotated[str | None, typer.Option(help="'exact' or 'aer'; both side by side when left out.")] = None,
    shots: Annotated[
        int | None, typer.Option(help="Shots per tomography setting and point, over what the file says.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of every random draw; a fresh one is taken and recorded when left out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; runs/NAME-DATE-TIME when left out.")] = None,
) -> None:
    """Run an experiment: a table here; data.nc, figure.png and report.html in a folder of its own."""
    from nmrqb.experiment import ENGINES, Experiment
    from nmrqb.files import nearest
    from nmrqb.runs import RunFolder

    for option, value, least in (("--shots", shots, 1), ("--seed", seed, 0)):
        if value is not None and value < least:
            raise InputError((Problem(f"found {value}", key=option, allowed=f"a whole number, {least} or more"),))
    if engine is not None and engine not in ENGINES:
        raise InputError(
            (Problem(f"no engine is called {engine!r}", key="--engine", allowed=nearest(engine, ENGINES)),)
        )
    experiment = Experiment.load(name)
    folder = RunFolder.create(out, experiment.name)
    folder.inputs(_inputs(experiment))
    about = {"experiment": name, "engine": engine or "all", "shots": shots, "seed": seed}
    folder.state("running", **about)
    try:
        _run(experiment, folder, engine, seed, shots, about)
    except KeyboardInterrupt:
        folder.state("interrupted", **about)
        raise click.ClickException(
            f"interrupted; {folder.path} holds the inputs and is marked as interrupted"
        ) from None
    except Exception as error:
        folder.state("failed", reason=str(error), **about)
        raise


def _run(
    experiment: Experiment,
    folder: RunFolder,
    engine: str | None,
    seed: int | None,
    shots: int | None,
    about: dict[str, Any],
) -> None:
    from nmrqb import report

    with _progress() as update:
        dataset = experiment.run(engine, seed=seed, shots=shots, progress=update)
    folder.data(dataset)
    figure, diagram = _figures(experiment, dataset, folder)
    folder.text("report.html", report.render(dataset, experiment.sample, figure, diagram))
    folder.state("finished", **{**about, "seed": dataset.attrs["seed"] if dataset.attrs["seed"] >= 0 else None})
    console = _console()
    console.print(f"[bold]{experiment.title}[/bold]\n{report.unit_line(dataset)}")
    _print_results(console, report.result_table(dataset))
    console.print(
        f"Wrote [bold]{folder.path}{os.sep}[/bold]: report.html, figure.png, data.nc, curves.nc, inputs.",
        soft_wrap=True,
    )


def _figures(experiment: Experiment, dataset: Any, folder: RunFolder) -> tuple[bytes, bytes]:
    from nmrqb.plots.experiment import draw_experiment
    from nmrqb.plots.sequence import draw_sequence

    curves = experiment.curves()
    folder.data(curves, "curves.nc")
    figure = folder.file("figure.png", lambda path: draw_experiment(dataset, curves).savefig(path, dpi=160))
    channel = "/".join(dict.fromkeys(experiment.sample.spins))
    diagram = folder.file(
        "sequence.png", lambda path: draw_sequence(experiment.sequence, channel).savefig(path, dpi=160)
    )
    return figure.read_bytes(), diagram.read_bytes()


def _inputs(experiment: Experiment) -> dict[str, str]:
    return {
        "experiment.toml": experiment.document.text,
        "sequence.toml": experiment.sequence.document.text,
        "sample.toml": experiment.sample.source,
    }


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH, highlight=False)


@contextmanager
def _progress() -> Iterator[Any]:
    """A callable (label, done, total) that draws a bar on a terminal and is silent in a pipe."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("circuits"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def update(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=total)
            bar.update(tasks[label], completed=done)

        yield update


def _print_results(console: Console, table: reports.Table) -> None:
    """One wide table, or one for each metric where the terminal is narrow."""
    wide = sum(max(len(row[k]) for row in (table.header, *table.rows)) + 2 for k in range(len(table.header))) + 2
    keys = [
        k
        for k, title in enumerate(table.header)
        if " " not in title or (title.endswith(")") and not title.startswith("z("))
    ]
    if wide <= console.width:
        _print_columns(console, table, list(range(len(table.header))))
        return
    rest = [k for k in range(len(table.header)) if k not in keys]
    starts = [i for i, k in enumerate(rest) if table.header[k].endswith(" theory")]
    for first, last in zip(starts, [*starts[1:], len(rest)], strict=True):
        _print_columns(console, table, [*keys, *rest[first:last]])


def _print_columns(console: Console, table: reports.Table, columns: list[int]) -> None:
    shown = Table(box=None, header_style="bold", padding=(0, 1))
    for k in columns:
        shown.add_column(table.header[k], justify="right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(row[k] for k in columns))
    console.print(shown)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="SEQUENCE", help="A sequence or a sample of the library, or a sequence file.")
    ],
    sample: Annotated[
        str, typer.Option(help="Sample that gives times and RF amplitudes their numbers.")
    ] = "nematic-pair",
    out: Annotated[
        Path | None, typer.Option(help="Where to draw it (.png, .pdf or .svg); NAME.png when left out.")
    ] = None,
) -> None:
    """Draw a pulse sequence, and list its events with their times. Of a sample, list its properties."""
    from nmrqb import Sample, Sequence, files
    from nmrqb.report import sample_properties

    known = {p.stem for folder in files.library("samples") for p in folder.glob("*.toml")}
    if name in known:
        table = Table("property", "value", "", title=Sample.load(name).title, box=None, header_style="bold")
        for row in sample_properties(Sample.load(name)):
            table.add_row(*row)
        _console().print(table)
        return
    sequence, of = Sequence.load(name), Sample.load(sample)
    _console().print(_listing(sequence, of))
    target = out or Path(f"{sequence.name}.png")
    if target.suffix not in (".png", ".pdf", ".svg"):
        raise InputError(
            (Problem(f"found {target.name!r}", key="--out", allowed="a name ending in .png, .pdf or .svg"),)
        )
    from nmrqb.plots.sequence import draw_sequence

    try:
        draw_sequence(sequence, "/".join(dict.fromkeys(of.spins))).savefig(target, dpi=160)
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise InputError((Problem(f"cannot be written ({cause})", file=str(target), key="--out"),)) from None
    print(f"Drew {target}")


def _listing(sequence: Any, sample: Any) -> Table:
    from nmrqb.sequence.listing import describe
    from nmrqb.timeline import sample_quantities

    table = Table(
        title=f"{sequence.title} (times on {sample.name}, ideal pulses)",
        box=None,
        header_style="bold",
        title_justify="left",
    )
    for column in ("", "event", "written", "value", "use"):
        table.add_column(column)
    for number, row in enumerate(describe(sequence, sample_quantities(sample)), start=1):
        table.add_row(str(number), *row)
    return table


@app.command()
def check(
    files_: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sample, sequence or experiment files.")],
) -> None:
    """Check files and report every problem with its line. Exit code 2 when there is any."""
    problems: list[Problem] = []
    for path in files_:
        try:
            print(f"{path}: {_checked(path)}")
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(tuple(problems))


def _checked(path: Path) -> str:
    from nmrqb import Experiment, Sample, Sequence, files

    document = files.load_document(
        files.find("toml", path if path.suffix == ".toml" else f"{path}{os.sep}", ()), str(path)
    )
    if "spins" in document.data:
        sample = Sample.parse(document, path.stem)
        return f"a good sample: {len(sample.spins)} spins, coupling {sample.coupling / 1e3:.4g} kHz"
    if "steps" in document.data:
        sequence = Sequence.parse(document, path.stem)
        return f"a good sequence: {len(sequence.steps)} steps, observed at {', '.join(sequence.marks)}"
    if "sweep" in document.data or "sequence" in document.data:
        experiment = Experiment.parse(document, path.stem, path.parent)
        return f"a good experiment: {experiment.sequence.name} on {experiment.sample.name}, {' x '.join(map(str, experiment.shape))} points"
    allowed = "a sample (with spins), a sequence (with steps) or an experiment (with sample, sequence and sweep)"
    raise InputError((Problem("is none of the files known here", file=str(path), allowed=allowed),))
