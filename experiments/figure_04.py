"""Fig. 4 of the paper: concurrence, discord and l1 coherence of the Gibbs state against temperature.

The paper does not state epsilon in (m-o); 0.5 is used, as in (d-l), and agrees with what the text says of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.paper import resources

BASE = {"axial": 1.0, "rhombic": 0.5}
VALUES = (0.1, 1.0, 10.0)
PANELS = [
    *({"rhombic": value} for value in VALUES),
    *({**BASE, "zeeman": value} for value in VALUES),
    *({**BASE, "zeeman": 0.01, "dm": value} for value in VALUES),
    *({**BASE, "zeeman": 0.1, "ksea": value} for value in VALUES),
    *({"axial": value, "rhombic": 0.5, "zeeman": 0.01} for value in VALUES),
]
TEMPERATURES = np.geomspace(0.02, 100, 801)
TITLES = [rf"${symbol} = {value:g}$" for symbol in (r"\epsilon", "B", "D", "G", r"\Delta") for value in VALUES]
FOOTER = (
    "Gibbs state of two spins; (a-c) Δ = B = D = G = 0; (d-f) Δ = 1, ε = 0.5, D = G = 0; (g-i) Δ = 1, ε = 0.5, G = 0, "
    "B = 0.01; (j-l) Δ = 1, ε = 0.5, B = 0.1, D = 0; (m-o) B = 0.01, D = G = 0. Not stated in the paper and chosen here: "
    "ε = 0.5 in (m-o), and the range of T. Dashed: the temperature above which the state is not entangled. Discord is in "
    "bits, measured on spin 0."
)


def data() -> xr.Dataset:
    """The dataset of the figure."""
    return curves.thermal(PANELS, TEMPERATURES, "Fig. 4: resources in thermal equilibrium")


def main(out: Path) -> list[Path]:
    """Write figure_04.nc, .pdf and .png into the folder; returns their paths."""
    dataset = data()
    stored = curves.write(dataset, out / "figure_04.nc")
    return [stored, *style.save(resources(dataset, TITLES, FOOTER), out, "figure_04")]


if __name__ == "__main__":
    run(main, __doc__)
