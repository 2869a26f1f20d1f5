"""Fig. 3 of the paper: concurrence, discord and l1 coherence under X dephasing, eqs. (19)-(20).

The paper states neither the initial state nor the times. |00> is used: of 40 states tried only |00> and |11> agree
with all that the text says of this figure. Fast panels get a shorter window, so that their oscillations can be seen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.paper import resources
from nmrqb.spin.states import basis_state

GAMMA = 0.2
BASE = {"axial": 1.0, "rhombic": 0.5}
PANELS = [
    *({"rhombic": value} for value in (0.1, 1.0, 10.0)),
    *({**BASE, name: value} for name in ("zeeman", "dm", "ksea") for value in (0.1, 1.0, 10.0)),
    *({**BASE, "axial": value} for value in (0.1, 1.0, 10.0)),
]
#: End of the time window of each panel, 1/coupling unit.
WINDOWS = [10.0, 10.0, 1.2, 10.0, 10.0, 2.4, 10.0, 10.0, 10.0, 10.0, 10.0, 1.2, 10.0, 10.0, 10.0]
STEPS = 801

TITLES = [
    *(rf"$\epsilon = {v:g}$" for v in (0.1, 1, 10)),
    *(f"${s} = {v:g}$" for s in "BDG" for v in (0.1, 1, 10)),
    *(rf"$\Delta = {v:g}$" for v in (0.1, 1, 10)),
]
FOOTER = (
    "Two spins under σx noise on each, rate γ = 0.2; (a-c) Δ = B = D = G = 0; (d-l) Δ = 1, ε = 0.5 and the one coupling "
    "named; (m-o) ε = 0.5, B = D = G = 0. Not stated in the paper and chosen here: the initial state |00⟩, and the time "
    "windows (shorter in c, f, l). Discord is in bits, measured on spin 0. Panels (g-i) and (m-o) are alike only because "
    "B = G = 0 and the battery starts in |00⟩."
)


def data() -> xr.Dataset:
    """The dataset of the figure."""
    times = np.array([np.linspace(0, end, STEPS) for end in WINDOWS])
    return curves.dephasing(PANELS, times, GAMMA, basis_state("00"), "Fig. 3: resources under dephasing")


def main(out: Path) -> list[Path]:
    """Write figure_03.nc, .pdf and .png into the folder; returns their paths."""
    dataset = data()
    stored = curves.write(dataset, out / "figure_03.nc")
    return [stored, *style.save(resources(dataset, TITLES, FOOTER), out, "figure_03")]


if __name__ == "__main__":
    run(main, __doc__)
