"""What the command line says and how: complaints, tables, progress, and streams that may be closed, full or gone."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich.table
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nmrqb.errors import redacted

if TYPE_CHECKING:
    from nmrqb.report import Table

#: Width of tables where nobody watches: the rows of a run stay on one line each.
_PIPE_WIDTH = 170


def open_streams() -> None:
    """Make standard output and error fit to write any text to, also where they are closed or know no Greek letters."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - it lives as long as we
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def complain(*texts: str, code: int) -> int:
    """One line for each text on standard error, with nothing in it that a terminal would obey, and no account token."""
    for text in map(redacted, texts):
        line = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split("\n"))
        )
        sys.stderr.write(f"nmrqb: {line}\n")
    return code


def flushed(code: int) -> int:
    """The exit code, after what was printed has left; otherwise Python would complain of it in its own words."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return silenced(code)
    except OSError as error:
        return silenced(complain(f"the output cannot be written ({error.strerror})", code=code or 1))
    return code


def silenced(code: int) -> int:
    """The exit code, with standard output led away: what could not be written is not tried again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code


def console() -> Console:
    """Where tables are printed; lines are not wrapped where nobody watches."""
    plain: dict[str, Any] = {"markup": False, "emoji": False}  # titles and names are the user's own text
    return Console(**plain) if sys.stdout.isatty() else Console(width=_PIPE_WIDTH, highlight=False, **plain)


@contextmanager
def progress(unit: str) -> Iterator[Any]:
    """A callable (label, done, total) that draws a bar on a terminal and is silent in a pipe."""
    if not sys.stderr.isatty():  # a disabled bar of older rich still ends its line
        yield lambda *_: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def update(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=total)
            bar.update(tasks[label], completed=done)

        yield update


def print_results(to: Console, table: Table) -> None:
    """One wide table, or one for each metric where the terminal is narrow."""
    wide = sum(max(len(row[k]) for row in (table.header, *table.rows)) + 2 for k in range(len(table.header))) + 2
    keys = [
        k
        for k, title in enumerate(table.header)
        if " " not in title or (title.endswith(")") and not title.startswith("z("))
    ]
    if wide <= to.width:
        _columns(to, table, list(range(len(table.header))))
        return
    rest = [k for k in range(len(table.header)) if k not in keys]
    starts = [i for i, k in enumerate(rest) if table.header[k].endswith(" theory")]
    for first, last in zip(starts, [*starts[1:], len(rest)], strict=True):
        _columns(to, table, [*keys, *rest[first:last]])


def print_table(to: Console, table: Table) -> None:
    """A table that is not too wide for most terminals; the first column is text."""
    _columns(to, table, list(range(len(table.header))))


def _columns(to: Console, table: Table, columns: list[int]) -> None:
    shown = rich.table.Table(box=None, header_style="bold", padding=(0, 1))
    for k in columns:
        shown.add_column(table.header[k], justify="right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(row[k] for k in columns))
    to.print(shown)
