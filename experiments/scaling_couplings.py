"""Power of double-quantum charging against a field and an axial coupling that stay on, eight spins."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nmrqb.paper import curves
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.scaling import couplings
from nmrqb.scaling.studies import against_couplings
from nmrqb.scaling.tables import coupling_rows

SPINS = 8
CHARGERS = ("neighbours", "dipolar", "complete")
RATIOS = np.linspace(-2, 2, 33)
FOOTER = (
    "Eight spins, H_B = -(1/2) sum Z from |0...0>, charged by the sum of w (XX - YY)/2 with sum B Z, or with the paper's axial "
    "term on the same pairs, left on. Below: the same for each unit of the norm of all that is on, which is the fair "
    "comparison. Either term detunes what the pair flips connect and costs power, whatever its sign; all to all is hurt least by a field, for which "
    "its norm leaves room, and most by the axial term."
)


def main(out: Path) -> list[Path]:
    """Write scaling_couplings.nc, .txt, .pdf and .png into the folder; returns their paths."""
    data = against_couplings(SPINS, CHARGERS, RATIOS)
    stored = curves.write(data, out / "scaling_couplings.nc")
    table = save_table(coupling_rows(data), out / "scaling_couplings.txt")
    return [stored, table, *style.save(couplings(data, FOOTER), out, "scaling_couplings")]


if __name__ == "__main__":
    run(main, __doc__)
