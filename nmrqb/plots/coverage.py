"""How often confidence intervals held the truth, against the shots: one panel for each metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^v"
_NAMES = {"stored_energy": "stored energy", "l1_coherence": "$l_1$ coherence"}
#: What was asked for: the nominal level to within this much.
_BAND = 0.02


def coverage(held: xr.DataArray, footer: str) -> Figure:
    """Coverage held(shots, kind, metric, level), means over states: a column for each metric, a row for each level."""
    with styled():
        figure = new_figure(4.6, footer)
        grid = figure.subplots(held.level.size, held.metric.size, sharex=True, sharey="row", squeeze=False)
        for row, level in enumerate(held.level.values):
            for column, metric in enumerate(held.metric.values):
                axes = grid[row, column]
                _panel(axes, held.sel(metric=metric, level=level), float(level))
                if row == 0:
                    letter(axes, "abcdefgh"[column], _NAMES.get(str(metric), str(metric)))
                else:
                    axes.set_xlabel("shots per setting")
            grid[row, 0].set_ylabel(f"coverage of nominal {100 * float(level):g} %")
        grid[0, -1].legend(*grid[0, 0].get_legend_handles_labels(), fontsize=6, loc="upper right", handlelength=2.2)
    return figure


def _panel(axes: Axes, held: xr.DataArray, level: float) -> None:
    axes.axhspan(level - _BAND, level + _BAND, color="0.9", zorder=0)
    axes.axhline(level, color="0.35", lw=0.8)
    for kind, line, marker in zip(held.kind.values, LINES, _MARKERS, strict=True):
        axes.plot(held.shots, held.sel(kind=kind), marker=marker, ms=3.5, **line._asdict(), label=str(kind))
    axes.plot(held.shots, held.mean("kind"), "x", color="black", ms=6, mew=1.5, ls="none", label="all states")
    axes.set_xscale("log", base=2)
    axes.set_xticks(held.shots.values, [f"{int(s)}" for s in held.shots.values])
    axes.minorticks_off()
    axes.set_ylim(*np.clip([level - 0.11, level + 0.15 if level < 0.9 else 1.0], 0, 1))
