"""One look for every figure: two-column width, lines told apart by dash and lightness, panel letters, a footer of facts.

Figures are made without pyplot, so that drawing leaves no global state behind and needs no display.
"""

from __future__ import annotations

import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

#: Inches: the width of two journal columns.
WIDTH = 7.0

PNG_DPI = 200

RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.labelsize": 8.5,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": "0.88",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "lines.linewidth": 1.4,
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,
    "image.cmap": "viridis",
}


class Line(NamedTuple):
    """How one of several curves is drawn."""

    color: str
    linestyle: Any
    linewidth: float


#: From dark to light, so that print in grey keeps them apart even where the dashes are too short to see.
LINES = (
    Line("#000000", (0, (1.2, 1.2)), 1.3),
    Line("#27408b", (0, (5, 1.5)), 1.4),
    Line("#b2182b", "solid", 1.5),
    Line("#d98200", (0, (5, 1.3, 1.2, 1.3)), 1.5),
    Line("#5aaee0", "solid", 1.9),
)


@contextmanager
def styled() -> Iterator[None]:
    """The project's rcParams, on top of matplotlib's defaults whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def new_figure(height: float, footer: str = "", width: float = WIDTH) -> Figure:
    """An empty figure with constrained layout and, at its foot, a wrapped text that says what was assumed."""
    figure = Figure(figsize=(width, height), layout="constrained")
    lines = textwrap.wrap(footer, width=int(width * 20.7))
    if lines:
        foot = (0.125 * len(lines) + 0.08) / height
        figure.get_layout_engine().set(rect=(0, foot, 1, 1 - foot))  # type: ignore[union-attr, call-arg]
        figure.text(0.012, 0.05 / height, "\n".join(lines), fontsize=6.5, color="0.25", va="bottom", linespacing=1.25)
    return figure


def letter(axes: Axes, name: str, title: str = "") -> None:
    """The panel's letter at the upper left, outside the frame, and what the panel shows."""
    axes.set_title(f"({name})" + (f"  {title}" if title else ""), loc="left", pad=3)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """The figure as vector PDF and PNG, without time stamps; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pdf, png = folder / f"{name}.pdf", folder / f"{name}.png"
    with styled():
        figure.set_dpi(PNG_DPI)
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")  # placed once: each file would place everything anew
        # The canvases themselves, because savefig draws every figure twice; PDF last, since it resets the dpi to 72.
        FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
        FigureCanvasPdf(figure).print_pdf(pdf, metadata={"CreationDate": None, "Producer": None, "Creator": "nmrqb"})
    return [pdf, png]
