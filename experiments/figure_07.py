"""Fig. 7 of the paper: charging at several temperatures T.

The paper does not state B; only B near 1 under X charging lets a cold battery peak later, as the text has it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.paper import charging_curves

PARAMETERS = {"axial": 1.0, "rhombic": 0.1, "zeeman": 1.0}
SWEEP, VALUES = "temperature", (0.5, 1.0, 1.5, 2.0, 4.0)
PHI = np.linspace(0, np.pi, 401)
FOOTER = (
    "X charging, eq. (21), from the Gibbs state; Δ = 1, ε = 0.1, D = G = 0. Not stated in the paper and chosen "
    "here: B = 1 (the claim that a colder battery peaks later needs 0.996 ≤ B ≤ 1.074). Capacity is shown in the "
    "paper's sense, eq. (D1), and as that of the unitary orbit. Dots: maxima."
)


def data() -> xr.Dataset:
    """The dataset of the figure."""
    return curves.charging(PARAMETERS, SWEEP, VALUES, PHI, "Fig. 7: several temperatures")


def main(out: Path) -> list[Path]:
    """Write figure_07.nc, .pdf and .png into the folder; returns their paths."""
    dataset = data()
    stored = curves.write(dataset, out / "figure_07.nc")
    return [stored, *style.save(charging_curves(dataset, SWEEP, FOOTER), out, "figure_07")]


if __name__ == "__main__":
    run(main, __doc__)
