"""Fig. 5 of the paper: charging for several axial couplings Delta.

The paper does not state T; T = 1 puts the saturation of the coherence at Delta = 3, as the text has it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.paper import charging_curves

PARAMETERS = {"rhombic": 0.5, "temperature": 1.0}
SWEEP, VALUES = "axial", (1.0, 2.0, 4.0, 6.0, 12.0)
PHI = np.linspace(0, np.pi, 401)
FOOTER = (
    "X charging, eq. (21), from the Gibbs state; ε = 0.5, B = D = G = 0. Not stated in the paper and chosen here: "
    "T = 1. Capacity is shown in the paper's sense, eq. (D1), and as that of the unitary orbit. Dots: maxima. "
    "With B = D = G = 0 every full charge is at Ωt = π/4, every largest power and coherence at π/8."
)


def data() -> xr.Dataset:
    """The dataset of the figure."""
    return curves.charging(PARAMETERS, SWEEP, VALUES, PHI, "Fig. 5: several axial couplings")


def main(out: Path) -> list[Path]:
    """Write figure_05.nc, .pdf and .png into the folder; returns their paths."""
    dataset = data()
    stored = curves.write(dataset, out / "figure_05.nc")
    return [stored, *style.save(charging_curves(dataset, SWEEP, FOOTER), out, "figure_05")]


if __name__ == "__main__":
    run(main, __doc__)
