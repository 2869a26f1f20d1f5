"""Running an experiment's script by hand: `python experiments/figure_05.py --out DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def run(main: Callable[[Path], list[Path]], description: str | None) -> None:
    """Call main with the folder named by --out (default: figures) and list the files it wrote."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    parser.add_argument(
        "--out", type=Path, default=Path("figures"), metavar="DIR", help="where to write (default: %(default)s)"
    )
    for path in main(parser.parse_args().out):
        sys.stdout.write(f"{path}\n")
