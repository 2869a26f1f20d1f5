"""Power and charging time against the number of spins: raw, at equal norm and Kac-scaled, with exponents and bounds."""

from __future__ import annotations

import sys
from pathlib import Path

from nmrqb.paper import curves
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.scaling import power
from nmrqb.scaling.studies import power_against_size
from nmrqb.scaling.tables import power_rows
from nmrqb.spin import memory
from nmrqb.terminal import progress

SIZES = (5, 6, 7, 8, 9, 10)
FOOTER = (
    "Battery H_B = -(1/2) sum Z from |0...0>; time in units of the inverse coupling of the charger. Legends: exponent of N from a fit "
    "in the logarithms over N = 5...10, in brackets its standard error in the second decimal (the scatter is curvature, no "
    "noise). DQ: sum of w (XX - YY)/2. Bound k: power cannot exceed k times the norm when no term flips more than k spins "
    "(Bernstein's inequality). Only the raw all-to-all couplings look super-extensive; at equal norm no pair coupling does, "
    "and N-body terms alone reach N squared."
)


def main(out: Path) -> list[Path]:
    """Write scaling_power.nc, .txt, .pdf and .png into the folder; returns their paths."""
    largest = 2 ** SIZES[-1] * memory.COMPLEX * 250
    sys.stderr.write(f"states of up to {SIZES[-1]} spins: about {memory.size_text(largest)}\n")
    with progress("studies") as bar:
        data = power_against_size(SIZES, progress=lambda done, total: bar("power against N", done, total))
    stored = curves.write(data, out / "scaling_power.nc")
    table = save_table(power_rows(data), out / "scaling_power.txt")
    return [stored, table, *style.save(power(data, FOOTER), out, "scaling_power")]


if __name__ == "__main__":
    run(main, __doc__)
