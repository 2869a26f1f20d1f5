"""Fig. 8 of the paper: charging for several KSEA couplings G.

The paper does not state T. T = 1 is used; its claim that G raises the peak ergotropy then needs Y charging, drawn
below the X charging of eq. (21).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.paper import charging_curves

PARAMETERS = {"axial": 1.0, "rhombic": 0.5, "temperature": 1.0}
SWEEP, VALUES = "ksea", (0.0, 0.1, 0.5, 1.0, 2.0)
PHI = np.linspace(0, np.pi, 401)
FOOTER = (
    "From the Gibbs state; Δ = 1, ε = 0.5, B = D = 0. Not stated in the paper and chosen here: T = 1. (a-d) X "
    "charging, eq. (21); (e, f) σy in its place: the paper's claim that G raises the peaks of ξ and of the power "
    "holds at T = 1 for Y, not for X. Capacity is shown in the paper's sense, eq. (D1), and as that of the "
    "unitary orbit. Dots: maxima."
)


def data() -> xr.Dataset:
    """The dataset of the figure."""
    return curves.charging(PARAMETERS, SWEEP, VALUES, PHI, "Fig. 8: several KSEA couplings")


def main(out: Path) -> list[Path]:
    """Write figure_08.nc, .pdf and .png into the folder; returns their paths."""
    dataset = data()
    stored = curves.write(dataset, out / "figure_08.nc")
    return [stored, *style.save(charging_curves(dataset, SWEEP, FOOTER, along_y=True), out, "figure_08")]


if __name__ == "__main__":
    run(main, __doc__)
