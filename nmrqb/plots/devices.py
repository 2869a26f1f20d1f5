"""Figures about devices: preparations side by side, and what mitigation gains and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^"
#: Trace distance below which a preparation serves as a Gibbs state.
_GOAL = 0.007


def preparations_on_devices(data: xr.Dataset, footer: str) -> Figure:
    """Trace distance of every way against the device and pair, one panel for each battery."""
    with styled():
        figure = new_figure(3.9, footer)
        panels = figure.subplots(1, data.battery.size, sharey=True)
        for axes, battery, name in zip(panels, data.battery.values, "ab", strict=True):
            _ways(axes, data.sel(battery=battery))
            letter(axes, name, f"{battery} battery")
        panels[0].set_ylabel("trace distance to the state asked for")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _ways(axes: Axes, data: xr.Dataset) -> None:
    positions = np.arange(data.device.size * data.pair.size) + np.repeat(np.arange(data.device.size), data.pair.size)
    for k, (way, line) in enumerate(
        zip(data.preparation.values, (LINES[2], LINES[1], LINES[3], LINES[0]), strict=True)
    ):
        one = data.sel(preparation=way)
        label = f"{way} ({int(one.two_qubit_gates.max())} two-qubit gates, {int(one.circuits.max())} circuits)"
        axes.plot(
            positions, one.trace_distance.values.reshape(-1), _MARKERS[k], ms=5, color=line.color, label=way or label,
            mfc="white" if k == 3 else line.color,
        )  # fmt: skip
    axes.axhline(_GOAL, color="0.35", lw=0.9, ls=(0, (4, 2)))
    axes.annotate(f"{_GOAL:g}", (positions[-1] + 0.45, _GOAL), fontsize=7, ha="right", va="bottom")
    axes.set_yscale("log")
    labels = [
        f"{pair}\n{device}" if p == 1 else f"{pair}"
        for device in data.device.values
        for p, pair in enumerate(data.pair.values)
    ]
    axes.set_xticks(
        positions, [text.replace("worst tenth", "90 %").replace("median", "50 %") for text in labels], fontsize=6.5
    )
    axes.set_xlabel("pair of qubits, by rank of its two-qubit error")
