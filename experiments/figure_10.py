"""Fig. 10 of the paper: capacity and the maxima over time of coherence, ergotropy and power, over planes of parameters.

The paper states no ranges of the axes, and neither Delta nor epsilon in the fourth column. -5 to 5 (T: 0.1 to 5,
B: 0 to 5) and Delta = 1, epsilon = 0.5 are used. Its sense of capacity is eq. (D1); the orbit's is drawn below.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.paper import densities

SIDE = np.linspace(-5, 5, 101)
T = {"temperature": 1.0}
#: Fixed parameters, horizontal and vertical axis of each column.
COLUMNS = [
    ({"rhombic": 0.5, **T}, ("axial", SIDE), ("dm", SIDE)),
    ({"rhombic": 0.5, **T}, ("axial", SIDE), ("ksea", SIDE)),
    (T, ("axial", SIDE), ("rhombic", SIDE)),
    ({"axial": 1.0, "rhombic": 0.5}, ("temperature", np.linspace(0.1, 5, 99)), ("zeeman", np.linspace(0, 5, 101))),
]
FOOTER = (
    "X charging, eq. (21), from the Gibbs state; maxima over all charging times; energies, couplings and T in one coupling unit. Columns: "
    "(1) ε = 0.5, G = B = 0, T = 1; (2) ε = 0.5, D = B = 0, T = 1; (3) D = G = B = 0, T = 1; (4) Δ = 1, ε = 0.5, "
    "D = G = 0. Not stated in the paper and chosen here: the ranges of all axes, Δ and ε in column 4. The paper's capacity "
    "(a-d) is eq. (D1); dashed white: its zero, below which it is negative. Added here: the capacity of the unitary orbit "
    "(q-t). Y charging mirrors column 3, ε → -ε: the paper's ξ = P = 0 at Δ ≈ ε > 0 is true of Y only, and its ξ = P = 0 "
    "at Δ < 0 < ε of X only."
)


def data() -> list[xr.Dataset]:
    """One dataset for each column of the figure."""
    return [curves.maxima(fixed, x, y, title=f"Fig. 10: {x[0]} and {y[0]}") for fixed, x, y in COLUMNS]


def main(out: Path) -> list[Path]:
    """Write figure_10_*.nc (one for each column), figure_10.pdf and .png into the folder; returns their paths."""
    planes = data()
    stored = [
        curves.write(plane, out / f"figure_10_{x}_{y}.nc")
        for plane, (_, (x, _xs), (y, _ys)) in zip(planes, COLUMNS, strict=True)
    ]
    return [*stored, *style.save(densities(planes, FOOTER), out, "figure_10")]


if __name__ == "__main__":
    run(main, __doc__)
