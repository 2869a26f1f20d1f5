"""Commands about the paper: its figures redrawn, its equations and claims checked."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from nmrqb import files, terminal
from nmrqb.errors import InputError, Problem

if TYPE_CHECKING:
    from nmrqb.paper.claims import Entry

#: Our own figures that go with the paper's in "all"; the others take from seconds to minutes each, and are drawn when named.
_WITH_ALL = {"cycles"}


def _known() -> dict[str, Path]:
    """Scripts of figures by the names that users give them; the paper's go by their numbers."""
    paths = [path for folder in files.library("experiments") for path in sorted(folder.glob("*.py"))]
    return {path.stem.removeprefix("figure_").lstrip("0"): path for path in paths}


def _in_all(name: str, path: Path) -> bool:
    return path.stem.startswith("figure_") or name in _WITH_ALL


_OWN = ", ".join(name for name, path in _known().items() if not _in_all(name, path))
_HELP = f"Which figures to draw: 3 to 10, split, cycles, or all of these; or, named one by one: {_OWN}."

_FOLDER = Annotated[Path, typer.Option(help="Folder that pictures (.pdf, .png) and data (.nc) are written to.")]


def figure(
    which: Annotated[list[str], typer.Argument(metavar="NAME...", help=_HELP)],
    out: _FOLDER = Path("figures"),
) -> None:
    """Draw figures of the paper, and our own, with their data: 'nmrqb figure 5', 'nmrqb figure all'."""
    chosen = _scripts(which)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise InputError((Problem(f"cannot be written ({cause})", file=str(out), key="--out"),)) from None
    with terminal.progress("figures") as update:
        update("figures", 0, len(chosen))
        for done, paths in enumerate(_drawn(chosen, out), start=1):
            update("figures", done, len(chosen))
            for path in paths:
                print(path)


def _scripts(which: list[str]) -> list[Path]:
    """The scripts asked for, each once, in the order of the paper, those of `_in_all` for "all".

    Raises InputError naming the nearest figure.
    """
    known = _known()
    for name in which:
        if name != "all" and name not in known:
            allowed = files.nearest(name, [*known, "all"])
            raise InputError((Problem(f"no figure is called {name!r}", allowed=allowed),))
    return [path for name, path in known.items() if name in which or ("all" in which and _in_all(name, path))]


def _drawn(scripts: list[Path], out: Path) -> Iterator[list[Path]]:
    """Run the scripts, on two processes where there are several, and give the files of each as it is done."""
    if len(scripts) == 1:
        yield draw(scripts[0], out)
        return
    workers = min(len(scripts), os.cpu_count() or 1, 4)
    # a fresh interpreter for each worker: a fork of a process with threads may hang
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        # the density maps take longest, so they go first
        jobs = [pool.submit(draw, script, out) for script in reversed(scripts)]
        try:
            for job in as_completed(jobs):
                yield job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def draw(script: Path, out: Path) -> list[Path]:
    """Run the `main` of one figure's script; returns the files it wrote."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.main(out))


def errata(
    out: Annotated[Path | None, typer.Option(help="Write the table as Markdown to this file, notes and all.")] = None,
) -> None:
    """Check every equation and figure claim of the paper, now, and print the verdicts with their numbers."""
    from nmrqb.paper.errata import errata as compute
    from nmrqb.paper.errata import to_markdown

    if out is not None and not out.parent.is_dir():
        raise InputError((Problem("its folder does not exist", file=str(out), key="--out"),))
    with terminal.progress("parts of the paper") as update:
        entries = compute(lambda done, total, _: update("checking", done, total))
    if out is not None:
        try:
            out.write_text(to_markdown(entries), encoding="utf-8")
        except OSError as error:
            cause = (error.strerror or str(error)).lower()
            raise InputError((Problem(f"cannot be written ({cause})", file=str(out), key="--out"),)) from None
    _print(entries)
    if out is not None:
        print(f"Wrote {out}")


def _print(entries: tuple[Entry, ...]) -> None:
    to = terminal.console()
    for section in dict.fromkeys(entry.section for entry in entries):
        table = Table(
            title=section, title_justify="left", title_style="bold", box=None, header_style="bold", padding=(0, 1)
        )
        table.add_column("item", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        table.add_column("claim", ratio=2)
        table.add_column("numbers", ratio=3)
        for entry in entries:
            if entry.section == section:
                table.add_row(entry.item, entry.verdict, entry.claim, entry.numbers)
        to.print(table)
        to.print()
    counts = {v: sum(e.verdict == v for e in entries) for v in dict.fromkeys(e.verdict for e in entries)}
    to.print(f"{len(entries)} entries: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items()))
