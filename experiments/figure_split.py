"""Our own figure: the coherent and the incoherent part of the ergotropy, along the pulse and against Delta.

The paper reads the rise of the ergotropy beyond the saturation of the l1 coherence as incoherent. The split of Francica
et al. (PRL 125, 180603) does not support that: the coherent part grows just as far, and at the largest power its share
of the ergotropy tends to 2/3. At full charge the ergotropy is incoherent for every Delta, before saturation too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.split import split

PARAMETERS = {"rhombic": 0.5, "temperature": 1.0}
ALONG = (1.0, 12.0)
AXIAL = np.linspace(0.1, 24, 479)
PHI = np.linspace(0, np.pi, 401)
FOOTER = (
    "X charging, eq. (21), from the Gibbs state; ε = 0.5, B = D = G = 0, T = 1 (the battery of Fig. 5). The coherent part "
    "is the ergotropy that is lost when all coherence between energy levels of H is removed (Francica et al., PRL 125, "
    "180603). The l1 norm is that of the computational basis; it saturates because it is bounded by 3, while both parts "
    "of the ergotropy go on growing with the energy scale Δ. Kinks: two populations swap their order."
)


def data() -> tuple[xr.Dataset, xr.Dataset]:
    """Curves along the pulse, and the sweep over Delta at Omega t = pi/8 and pi/4."""
    along = curves.split(PARAMETERS, "axial", ALONG, PHI, title="Coherent and incoherent ergotropy along the pulse")
    over = curves.split(PARAMETERS, "axial", AXIAL, [np.pi / 8, np.pi / 4], title="The split against Delta")
    return along, over


def main(out: Path) -> list[Path]:
    """Write figure_split_*.nc, figure_split.pdf and .png into the folder; returns their paths."""
    along, over = data()
    stored = [curves.write(along, out / "figure_split_pulse.nc"), curves.write(over, out / "figure_split_axial.nc")]
    return [*stored, *style.save(split(along, over, FOOTER), out, "figure_split")]


if __name__ == "__main__":
    run(main, __doc__)
