"""A density matrix with its uncertainty: squares whose area is the size of an element, dark where it is positive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from nmrqb.plots.style import letter, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nmrqb.checks import ComplexArray, FloatArray

_POSITIVE, _NEGATIVE = "#27408b", "white"
#: Above this dimension the numbers do not fit into the cells.
_WRITTEN = 8


def draw_density_matrix(
    rho: ComplexArray, error: FloatArray | None = None, title: str = "", footer: str = ""
) -> Figure:
    """Real and imaginary part of rho (d, d) as squares: area in proportion to the size, filled where positive.

    error (d, d, 2): standard errors of both parts; the dashed squares are one of them smaller and larger, and the numbers
    carry it in brackets, in units of the last digit.
    """
    d = rho.shape[0]
    largest = float(np.max(np.abs([rho.real, rho.imag])))
    with styled():
        dashed = "" if error is None else "; dashed: one standard error less and more"
        legend = f"Area of a square: size of the element; filled: positive, open: negative{dashed}."
        figure = new_figure(4.1, f"{footer} {legend}".strip())
        if title:
            figure.suptitle(title, fontsize=9.5)
        for k, (axes, part, name) in enumerate(
            zip(figure.subplots(1, 2), (rho.real, rho.imag), ("Re", "Im"), strict=True)
        ):
            _squares(axes, part, None if error is None else error[..., k], largest)
            letter(axes, "ab"[k], rf"{name} $\rho$")
            _label_basis(axes, d)
    return figure


def draw_states(
    states: Sequence[tuple[str, ComplexArray, FloatArray | None]], title: str = "", footer: str = ""
) -> Figure:
    """Several density matrices (d, d) under one another, each with its name and errors (d, d, 2), on one scale of areas."""
    largest = max(float(np.max(np.abs([rho.real, rho.imag]))) for _, rho, _ in states)
    with styled():
        legend = "Area of a square: size of the element; filled: positive, open: negative; dashed: one standard error less and more."
        figure = new_figure(3.1 * len(states) + 0.6, f"{footer} {legend}".strip())
        if title:
            figure.suptitle(title, fontsize=9.5)
        grid = figure.subplots(len(states), 2, squeeze=False)
        for row, (name, rho, error) in zip(grid, states, strict=True):
            for k, (axes, part, of) in enumerate(zip(row, (rho.real, rho.imag), ("Re", "Im"), strict=True)):
                _squares(axes, part, None if error is None else error[..., k], largest)
                axes.set_title(rf"{of} $\rho$, {name}", loc="left", pad=3)
                _label_basis(axes, len(part))
    return figure


def _label_basis(axes: Axes, d: int) -> None:
    n = int(np.log2(d))
    axes.set_xticks(range(d), [rf"$\langle {i:0{n}b}|$" for i in range(d)])
    axes.set_yticks(range(d), [rf"$|{i:0{n}b}\rangle$" for i in range(d)])


def _squares(axes: Axes, part: FloatArray, error: FloatArray | None, largest: float) -> None:
    d = len(part)
    written = d <= _WRITTEN
    unit = (0.72 if d <= 4 else 0.58) ** 2 / largest
    for i, j in np.ndindex(d, d):
        middle = (j, i - 0.1) if written else (j, i)
        value = float(part[i, j])
        size, spread = abs(value), 0.0 if error is None else float(error[i, j])
        color = _POSITIVE if value > 0 else _NEGATIVE
        _square(axes, middle, size * unit, facecolor=color, edgecolor="black", linewidth=0.7)
        if spread > 1e-9:
            for end in (size - spread, size + spread):
                if end > 0:
                    _square(
                        axes, middle, end * unit, fill=False, edgecolor="0.45", linewidth=0.6, linestyle=(0, (2, 1.5))
                    )
        if written:
            text = _number(value, spread)
            axes.text(j, i + 0.46, text, ha="center", va="bottom", fontsize=5.5 if d > 4 else 6.3)
    axes.set_xlim(-0.5, d - 0.5)
    axes.set_ylim(d - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    for edge in np.arange(0.5, d - 1):
        axes.axhline(edge, color="0.85", linewidth=0.5, zorder=0)
        axes.axvline(edge, color="0.85", linewidth=0.5, zorder=0)
    axes.tick_params(length=0)


def _square(axes: Axes, middle: tuple[float, float], area: float, **look: object) -> None:
    side = np.sqrt(area)
    corner = (middle[0] - side / 2, middle[1] - side / 2)
    axes.add_patch(Rectangle(corner, side, side, **look))  # type: ignore[arg-type]


def _number(value: float, error: float) -> str:
    """A number with its standard error in brackets: 0.243(7); without them where there is none."""
    if error <= 1e-9:
        return "0" if abs(value) < 5e-4 else f"{value:.3f}".replace("-", "−")
    digits = int(np.clip(-np.floor(np.log10(error)), 1, 6))
    if error * 10**digits < 1.95:  # one digit of 1 would be too coarse
        digits += 1
    return f"{value:.{digits}f}({round(error * 10**digits)})".replace("-", "−")
