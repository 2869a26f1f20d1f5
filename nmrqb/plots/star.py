"""The star battery: how it is charged by more and more chargers, how fast, by which pulses, again and again, and for what load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = ("o", "s", "D", "^")
_LINES = (LINES[0], LINES[1], LINES[2], LINES[3])
#: Below this an infidelity is rounding.
_FLOOR = 1e-6


def star(
    charging: xr.Dataset, speed: xr.Dataset, steps: xr.Dataset, rounds: xr.Dataset, load: xr.Dataset, footer: str
) -> Figure:
    """(a) pure and (b) thermal charging, (c) the speed-up, (d) what steps of pulses miss, (e) rounds of fresh chargers, (f) a load."""
    with styled():
        figure = new_figure(6.3, footer)
        grid = figure.subplots(2, 3)
        _curves(grid[0, 0], charging, "excitation", r"charged population $P_e$")
        _curves(grid[0, 1], charging, "polarisation", "polarisation / a charger's")
        _speed(grid[0, 2], speed)
        _steps(grid[1, 0], steps)
        _rounds(grid[1, 1], rounds)
        _load(grid[1, 2], load)
        for axes, name, title in zip(
            grid.flat,
            "abcdef",
            ("pure chargers", "thermal, opposite", "speed-up", "XY from pulses", "fresh chargers", "battery and load"),
            strict=True,
        ):
            letter(axes, name, title)
    return figure


def _curves(axes: Axes, data: xr.Dataset, name: str, label: str) -> None:
    for N, line in zip(data.chargers.values, _LINES, strict=True):
        axes.plot(data.time, data[name].sel(chargers=N), label=f"N = {N}", **line._asdict())
    axes.set_xlim(0, float(data.time[-1]))
    axes.set_xlabel("time × 2J")
    axes.set_ylabel(label)
    if name == "polarisation":
        axes.axhline(1, color="0.5", lw=0.7)
        axes.set_ylim(-1.1, 1.95)
    else:
        axes.set_ylim(-0.03, 1.5)
        axes.set_yticks(np.linspace(0, 1, 6))
    axes.legend(loc="upper right", ncols=2, handlelength=1.8, columnspacing=0.8)


def _speed(axes: Axes, data: xr.Dataset) -> None:
    N = data.chargers
    axes.plot(N, data.root, color="0.55", lw=1.0, ls="-", label=r"$\sqrt{N}$")
    for name, label, marker in (
        ("time_pure", "time, pure", "o"),
        ("time_thermal", "time, thermal", "s"),
        ("power_thermal", "power, thermal", "^"),
    ):
        axes.plot(
            N,
            data[name],
            ls="none",
            marker=marker,
            ms=3.6,
            mfc="white" if marker != "s" else "0.2",
            mec="0.1",
            label=label,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([1, 3, 10, 36], ["1", "3", "10", "36"])
    axes.set_yticks([1, 2, 4, 6], ["1", "2", "4", "6"])
    axes.minorticks_off()
    axes.set_xlabel("chargers N")
    axes.set_ylabel(r"$\Gamma$ against N = 1")
    axes.legend(loc="lower right", handlelength=1.4)


def _steps(axes: Axes, data: xr.Dataset) -> None:
    for N, line, marker in zip(data.chargers.values, _LINES[1:], _MARKERS[:3], strict=True):
        axes.plot(
            data.steps,
            np.maximum(data.missing.sel(chargers=N), _FLOOR),
            marker=marker,
            ms=3.6,
            label=f"N = {N}",
            **line._asdict(),
        )
    circuits = data.missing_circuits
    for N in circuits.chargers.values:
        axes.plot(data.steps, circuits.sel(chargers=N), ls="none", marker="x", ms=6, color="black")
    axes.plot([], [], ls="none", marker="x", ms=6, color="black", label="circuits, Aer")
    axes.set_yscale("log")
    axes.set_xticks(data.steps.values)
    axes.set_xlabel("steps to the full charge")
    axes.set_ylabel(r"$1 - P_e$")
    axes.legend(loc="upper right")


def _rounds(axes: Axes, data: xr.Dataset) -> None:
    for share, line, marker in zip(data.share.values, _LINES[1:], _MARKERS[:3], strict=True):
        axes.plot(
            data["round"],
            data.polarisation.sel(share=share),
            marker=marker,
            ms=3,
            label=f"{share:g} $t_N$",
            **line._asdict(),
        )
    axes.plot(data["round"], data.relaxing, ls=":", marker="x", ms=5, color="black", label=r"waiting, $T_1$")
    axes.axhline(1, color="0.5", lw=0.7)
    axes.set_xlabel("round")
    axes.set_ylabel("polarisation / a charger's")
    axes.set_ylim(-1.1, 1.95)
    axes.set_yticks(np.linspace(-1, 1, 5))
    axes.legend(loc="upper right", ncols=2, handlelength=2.0, columnspacing=0.8)


def _load(axes: Axes, data: xr.Dataset) -> None:
    axes.plot(data.storage, data.battery, label="battery, stored", color="0.75", lw=4.5)
    axes.plot(data.storage, data["load"], label="load", **LINES[2]._asdict())
    axes.plot(data.storage, data.ergotropy, label="load, ergotropy", **LINES[0]._asdict())
    axes.plot(
        float(data.pulsed_storage),
        float(data.pulsed_load),
        "o",
        ms=5,
        mfc="white",
        mec="black",
        label="load, by pulses",
    )
    axes.set_xlim(-0.06, float(data.storage[-1]))
    axes.set_ylim(-0.03, 1.5)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xlabel(r"storage / $T_1$ of the battery")
    axes.set_ylabel(r"$P_e$, energy / $\hbar\omega$")
    axes.legend(loc="upper right")
