"""Superabsorption: spins in one cavity mode, its N^(3/2), and what remains of it under equal resources."""

from __future__ import annotations

from pathlib import Path

from nmrqb.paper import curves
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.scaling import superabsorption as figure
from nmrqb.scaling.studies import superabsorption
from nmrqb.scaling.tables import superabsorption_rows

SIZES = (5, 10, 20, 50, 100, 200, 400)
FOOTER = (
    "Tavis and Cummings: H = g sum (a s+ + h.c.), from N photons and all spins down; E is the number of excited spins. Fixed g: each "
    "spin couples to the common mode as to its own. g over root N: the mode's volume grows with N. Equal norm: H scaled so "
    "that its norm is that of N spins with a mode and a photon each, N g. Exponents of N over N = 5...400; in brackets the "
    "standard error in the second decimal. What remains under equal resources is a constant factor."
)


def main(out: Path) -> list[Path]:
    """Write scaling_superabsorption.nc, .txt, .pdf and .png into the folder; returns their paths."""
    data = superabsorption(SIZES)
    stored = curves.write(data, out / "scaling_superabsorption.nc")
    table = save_table(superabsorption_rows(data), out / "scaling_superabsorption.txt")
    return [stored, table, *style.save(figure(data, FOOTER), out, "scaling_superabsorption")]


if __name__ == "__main__":
    run(main, __doc__)
