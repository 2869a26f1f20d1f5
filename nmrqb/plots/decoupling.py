"""Pi pulses against slow noise: idle qubits against the delay, and what a train of pulses keeps in a magnet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = LINES
_MARKERS = "^sDov"
_SHOWN = ("torino", "sherbrooke")


def decoupling(data: xr.Dataset, footer: str) -> Figure:
    """(a), (b) idle qubits of two devices; (c) trains of pulses in the magnet, against the spread of RF."""
    with styled():
        figure = new_figure(3.9, footer, width=8.6)
        panels = figure.subplots(1, 3)
        for axes, device, name in zip(panels, _SHOWN, "ab", strict=False):
            _idle(axes, data.idle.sel(device=device))
            letter(axes, name, f"idle qubits, {device}")
        panels[0].set_ylabel("fidelity with the charged state")
        panels[0].set_ylim(bottom=0.7)
        panels[0].legend(loc="lower left")
        _magnet(panels[2], data.fidelity)
        letter(panels[2], "c", "storage in the magnet")
    return figure


def _idle(axes: Axes, data: xr.DataArray) -> None:
    for k, pulses in enumerate(data.pulses.values):
        color = _LINES[k].color
        for noise, dash in zip(data.noise.values, ("-", (0, (4, 1.5))), strict=True):
            label = ("no pulses" if pulses == 0 else f"{pulses} pulses") if dash == "-" else None
            values = data.sel(pulses=pulses, noise=noise)
            axes.plot(data.delay * 1e6, values, marker=_MARKERS[k], ms=4, color=color, ls=dash, label=label)
    axes.plot([], [], color="0.3", ls=(0, (4, 1.5)), label="dashed: with slow detuning")
    axes.set_xlabel("delay (µs)")


def _magnet(axes: Axes, data: xr.DataArray) -> None:
    for k, train in enumerate(data.train.values):
        axes.plot(
            data.rf * 100, data.sel(train=train), marker=_MARKERS[k], ms=4, label=str(train), **_LINES[k]._asdict()
        )
    axes.set_xlabel("spread of the RF amplitude (%)")
    axes.set_ylabel("fidelity with undisturbed storage")
    axes.legend(loc="best")
