"""Fig. 9 of the paper: charging for several Dzyaloshinsky-Moriya couplings D.

The paper does not state T; T = 1 is used, and what the text says of the figure holds for any T >= 0.5.
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
SWEEP, VALUES = "dm", (0.0, 0.1, 0.5, 1.0, 2.0)
PHI = np.linspace(0, np.pi, 401)
FOOTER = (
    "X charging, eq. (21), from the Gibbs state; Δ = 1, ε = 0.5, B = G = 0. Not stated in the paper and chosen "
    "here: T = 1. Capacity is shown in the paper's sense, eq. (D1), and as that of the unitary orbit. Dots: "
    "maxima."
)


def data() -> xr.Dataset:
    """The dataset of the figure."""
    return curves.charging(PARAMETERS, SWEEP, VALUES, PHI, "Fig. 9: several Dzyaloshinsky-Moriya couplings")


def main(out: Path) -> list[Path]:
    """Write figure_09.nc, .pdf and .png into the folder; returns their paths."""
    dataset = data()
    stored = curves.write(dataset, out / "figure_09.nc")
    return [stored, *style.save(charging_curves(dataset, SWEEP, FOOTER), out, "figure_09")]


if __name__ == "__main__":
    run(main, __doc__)
