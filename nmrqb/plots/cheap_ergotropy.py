"""What the energy of a charged battery costs by each way of measuring it, and how far populations bound its ergotropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_MARKERS = "os^D"


def cheap_ergotropy(data: xr.Dataset, footer: str) -> Figure:
    """(a) rms error of the energy against all shots, simulated (markers) and by theory (lines); (b) bounds along the charge."""
    with styled():
        figure = new_figure(3.6, footer)
        left, right = figure.subplots(1, 2)
        for line, marker, way in zip(LINES, _MARKERS, data.way.values, strict=False):
            one = data.sel(way=way)
            left.plot(data.shots, one.expected, color=line.color, ls=line.linestyle, lw=line.linewidth)
            left.plot(data.shots, one.found, marker, color=line.color, mfc="white", ms=4, label=str(way))
        left.set_xscale("log")
        left.set_yscale("log")
        left.set_xlabel("shots in all settings together")
        left.set_ylabel("rms error (coupling unit)")
        left.legend(fontsize=6.5)
        letter(left, "a", "error against shots")
        phi = data.phi / np.pi
        right.fill_between(phi, data.lower, data.upper, color="0.9", lw=0, label="bounds from populations")
        right.fill_between(
            phi, data.lower, data.upper_pure, color="0.72", lw=0, label="... and the purity of the start"
        )
        right.plot(phi, data.ergotropy, color="black", lw=1.6, label=r"ergotropy $\xi$ = stored energy")
        right.plot(phi, data.lower, color=LINES[1].color, ls=LINES[1].linestyle, lw=1.2, label="incoherent ergotropy")
        right.set_xlabel(r"$\Omega t/\pi$")
        right.set_ylabel("energy (coupling unit)")
        right.set_ylim(0, float(data.upper.max()) * 1.5)
        right.legend(fontsize=6.5, loc="upper left")
        letter(right, "b", "populations alone")
    return figure
