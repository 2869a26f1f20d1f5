"""Fig. 6 of the paper: charging for several Zeeman fields B.

The caption gives Delta twice and no T. T = 1 is used; under X charging (eq. 21) a weak field then lowers the
peak ergotropy, which the text says it raises: at T = 1 that holds under Y charging, drawn below it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.paper import charging_curves

PARAMETERS = {"axial": 1.0, "rhombic": 0.1, "temperature": 1.0}
SWEEP, VALUES = "zeeman", (0.0, 0.5, 1.0, 1.5, 2.0)
PHI = np.linspace(0, np.pi, 401)
FOOTER = (
    "From the Gibbs state; Δ = 1, ε = 0.1, D = G = 0. Not stated in the paper and chosen here: T = 1. (a-d) X "
    "charging, eq. (21); (e, f) σy in its place: the paper's claim that B raises the peak of ξ holds at T = 1 for "
    "Y, and for X only where B is large. Capacity is shown in the paper's sense, eq. (D1), and as that of the "
    "unitary orbit. Dots: maxima."
)


def data() -> xr.Dataset:
    """The dataset of the figure."""
    return curves.charging(PARAMETERS, SWEEP, VALUES, PHI, "Fig. 6: several Zeeman fields")


def main(out: Path) -> list[Path]:
    """Write figure_06.nc, .pdf and .png into the folder; returns their paths."""
    dataset = data()
    stored = curves.write(dataset, out / "figure_06.nc")
    return [stored, *style.save(charging_curves(dataset, SWEEP, FOOTER, along_y=True), out, "figure_06")]


if __name__ == "__main__":
    run(main, __doc__)
