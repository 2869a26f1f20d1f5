"""Running an experiment's script by hand: `python experiments/figure_05.py --out DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def run(main: Callable[[Path], list[Path]], description: str | None) -> None:
    """Call main with the folder named by --out (default: figures), show the tables it wrote, and list its files."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    parser.add_argument(
        "--out", type=Path, default=Path("figures"), metavar="DIR", help="where to write (default: %(default)s)"
    )
    paths = main(parser.parse_args().out)
    for path in paths:
        if path.suffix == ".txt":
            sys.stdout.write(path.read_text(encoding="utf-8") + "\n")
    for path in paths:
        sys.stdout.write(f"{path}\n")


def save_table(rows: Sequence[Sequence[str]], path: Path) -> Path:
    """A table as text in aligned columns, its first row the header; returns path."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([lines[0], "-" * len(lines[0]), *lines[1:]]) + "\n", encoding="utf-8")
    return path
