"""Figures of the scaling studies: power and charging time against the number of spins, couplings, and superabsorption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nmrqb.plots.style import LINES, letter, new_figure, styled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Charger -> (its name in legends, marker).
CHARGERS = {
    "parallel": ("parallel X", "o"),
    "collective": (r"collective $X^{\otimes N}$", "s"),
    "neighbours": ("DQ, neighbours", "^"),
    "dipolar": (r"DQ, $1/r^3$", "v"),
    "complete": ("DQ, all to all", "D"),
}
SCALINGS = {"raw": "as they are", "norm": r"equal norm $\|H_{ch}\| = N$", "kac": "Kac-scaled couplings"}
FIXED = {
    "coupling": r"one mode, fixed $g$",
    "density": r"one mode, $g/\sqrt{N}$",
    "norm": "one mode, equal norm",
    "parallel": "a mode for each spin",
}
GRAPHS = {
    "neighbours": "chain, neighbours",
    "dipolar": r"chain, $1/r^3$",
    "star": "star",
    "complete": "all to all",
    "complete, Kac": "all to all, Kac",
}
_MARKERS = "o^vDs"


def power(data: xr.Dataset, footer: str) -> Figure:
    """Above, power against N under each scaling with the fits' exponents; below, the charging times."""
    with styled():
        figure = new_figure(6.3, footer)
        grid = figure.subplots(2, 3, sharey="row", sharex=True, height_ratios=(1.45, 1))
        for k, (scaling, title) in enumerate(SCALINGS.items()):
            panel = data.sel(scaling=scaling)
            _sizes(grid[0, k], panel, "power", CHARGERS, "charger", exponents=True)
            _sizes(grid[1, k], panel, "time", CHARGERS, "charger")
            if scaling == "norm":
                for order, dash in ((1, (0, (1, 1))), (2, (0, (4, 2)))):
                    grid[0, k].plot(data.n, order * data.n, color="0.4", lw=0.9, ls=dash, label=f"bound, k = {order}")
                grid[0, k].plot(data.n, data.n**2, color="0.4", lw=0.9, ls=(0, (6, 1.5, 1, 1.5)), label="bound, k = N")
            else:
                _ceilings(grid[0, k], panel)
            letter(grid[0, k], "abc"[k], title)
            letter(grid[1, k], "def"[k])
            grid[0, k].legend(loc="upper left", fontsize=6)
            grid[0, k].set_ylim(1.5, 2500)
            grid[1, k].set_xlabel("number of spins N")
        grid[0, 0].set_ylabel("power max E(t)/t  (splitting x coupling)")
        grid[1, 0].set_ylabel("charging time  (1/coupling)")
    return figure


def _ceilings(axes: Axes, panel: xr.Dataset) -> None:
    """The bound of each charger, thin and in its own colour, with one entry for all."""
    for k, name in enumerate(CHARGERS):
        bound = panel.ceiling.sel(charger=name)
        if np.all(np.isfinite(bound)):
            axes.plot(panel.n, bound, **(LINES[k]._asdict() | {"linewidth": 0.7}))
    axes.plot([], [], color="0.4", lw=0.7, label=r"thin: bound $k\,\|H_{ch}\|$ of each")


def couplings(data: xr.Dataset, footer: str) -> Figure:
    """Power, and power for each unit of norm, against the field and the axial coupling that stay on."""
    titles = {"field": r"field $B$ / double-quantum coupling", "axial": r"axial $\Delta$ / double-quantum coupling"}
    with styled():
        figure = new_figure(4.9, footer)
        grid = figure.subplots(2, 2, sharex="col", sharey="row")
        for column, term in enumerate(titles):
            panel = data.sel(term=term)
            for k, name in enumerate(data.charger.values):
                label, marker = CHARGERS[str(name)]
                how: dict[str, Any] = {"marker": marker, "ms": 3, "markevery": 4, **LINES[k + 1]._asdict()}
                own = panel.sel(charger=name)
                grid[0, column].plot(data.ratio, own.power, label=label, **how)
                grid[1, column].plot(data.ratio, own.power / own.norm, **how)
            grid[1, column].set_xlabel(titles[term])
            letter(grid[0, column], "ab"[column])
            letter(grid[1, column], "cd"[column])
        grid[0, 0].set_ylabel("power max E(t)/t")
        grid[1, 0].set_ylabel(r"power / $\|H_{ch}\|$")
        grid[0, 1].legend(loc="upper right")
        for axes in grid.flat:
            axes.set_ylim(bottom=0)
    return figure


def superabsorption(data: xr.Dataset, footer: str) -> Figure:
    """Power against N under each resource, and its advantage over as many spins with a mode each."""
    with styled():
        figure = new_figure(3.4, footer)
        left, right = figure.subplots(1, 2)
        _sizes(left, data, "power", FIXED, "fixed", exponents=True)
        bound = data.speed.sel(fixed="coupling")
        left.plot(
            data.n, bound, color="0.4", lw=0.9, ls=(0, (1, 1)), label=r"bound $2\,\Delta H_B\,\Delta H$, fixed $g$"
        )
        left.legend(loc="upper left", fontsize=6.5)
        left.set_ylabel("power max E(t)/t  (g x splitting)")
        left.set_xlabel("number of spins N")
        for k, name in enumerate(("coupling", "density", "norm")):
            ratio = data.power.sel(fixed=name) / data.power.sel(fixed="parallel")
            right.plot(data.n, ratio, marker=_MARKERS[k], ms=3.5, label=FIXED[name], **LINES[k]._asdict())
        right.set_xscale("log")
        right.set_yscale("log")
        right.set_xlabel("number of spins N")
        right.set_ylabel("power / power of a mode for each spin")
        right.legend(loc="upper left")
        letter(left, "a", "one photon for each spin")
        letter(right, "b", "advantage")
    return figure


def paper_protocol(data: xr.Dataset, footer: str) -> Figure:
    """Power of local X pulses on Gibbs states, and the same for each unit of the Hamiltonian's band width."""
    with styled():
        figure = new_figure(3.5, footer)
        left, right = figure.subplots(1, 2)
        _sizes(left, data, "power", GRAPHS, "graph", exponents=True)
        left.legend(loc="upper left", fontsize=6.5)
        left.set_ylim(top=float(data.power.max()) * 6)
        left.set_ylabel(r"power max W/t  ($\Omega$ x energy unit)")
        for k, graph in enumerate(GRAPHS):
            own = data.sel(graph=graph)
            right.plot(
                data.n, own.power / own.width, marker=_MARKERS[k], ms=3.5, label=GRAPHS[graph], **LINES[k]._asdict()
            )
        right.set_ylim(bottom=0)
        right.set_xticks(data.n.values)
        right.set_ylabel("power / band width of H")
        for axes in (left, right):
            axes.set_xlabel("number of spins N")
        letter(left, "a", "local X on a Gibbs state")
        letter(right, "b", "for each unit of band width")
    return figure


def _sizes(
    axes: Axes, panel: xr.Dataset, name: str, names: dict[str, Any], dim: str, *, exponents: bool = False
) -> None:
    """Curves of one quantity against N on logarithmic axes, an exponent with its error in each label."""
    for k, key in enumerate(names):
        own = panel.sel({dim: key})
        if not np.all(np.isfinite(own[name])):
            continue
        label, marker = names[key] if isinstance(names[key], tuple) else (names[key], _MARKERS[k])
        if exponents:
            label += f": {float(own.exponent):.2f}({_digits(float(own.exponent_error))})"
        axes.plot(panel.n, own[name], marker=marker, ms=3.5, label=label, **LINES[k]._asdict())
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(panel.n.values, [str(n) for n in panel.n.values])
    axes.minorticks_off()


def _digits(error: float) -> str:
    """An error in units of the second decimal, rounded up."""
    return f"{int(np.ceil(100 * error - 1e-6))}"


def circuits(points: dict[str, list[tuple[int, float, float, float]]], device: str, footer: str) -> Figure:
    """Energy for each spin against N, from circuits with their errors, beside exact dynamics without noise.

    points: how -> (N, energy, its error, exact energy); how is "ideal", "noise" or "device".
    """
    looks = {
        "ideal": ("Aer, no noise", "o", 1),
        "noise": ("Aer, noise of each spin", "s", 2),
        "device": (device, "D", 3),
    }
    with styled():
        figure = new_figure(3.4, footer)
        axes = figure.subplots()
        truth = np.array([(n, exact / n) for n, _, _, exact in points["ideal"]])
        axes.plot(*truth.T, color="0.4", lw=1.0, ls=(0, (4, 2)), label="exact, no noise")
        for shift, (how, (label, marker, line)) in zip((-0.06, 0.0, 0.06), looks.items(), strict=True):
            if not points[how]:
                continue
            n, value, error, _ = np.array(points[how]).T
            color = LINES[line].color
            axes.errorbar(
                n + shift, value / n, error / n, marker=marker, ms=4, ls="none", capsize=2, color=color, label=label
            )
        axes.set_xticks(truth[:, 0])
        axes.set_xlabel("number of spins N")
        axes.set_ylabel("energy / N (coupling)")
        axes.legend(loc="best")
    return figure
