"""Each event of a pulse-sequence diagram as it is drawn: inches to the right and up, on the line of its channel."""

from __future__ import annotations

from collections.abc import Sequence as Steps
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

from nmrqb.checks import FloatArray
from nmrqb.plots import labels
from nmrqb.plots.layout import LABEL, SMALL, Item, block_text, close_text, observe_text, part_width
from nmrqb.sequence import Acquire, Block, Crush, Delay, Lock, Observe, Pulse, Repeat, Sequence, Shape, Together

#: Face and hatch of a pulse by what it is for: told apart without colour.
FACE: dict[str | None, tuple[str, str]] = {
    "prepare": ("0.15", ""),
    "charge": ("#e8a088", "////"),
    "extract": ("#a8c4ec", "...."),
    "store": ("0.6", ""),
    "read": ("white", ""),
    "crush": ("0.8", "///"),
    None: ("0.15", ""),
}
OBSERVE = "#2d6cc8"
#: Heights in inches: of a pulse, of a spin lock, of a lobe of the gradient.
_PULSE, _LOCK, _GRADIENT = 0.5, 0.3, 0.34
#: Points of an envelope that are drawn.
_POINTS = 120


@dataclass(frozen=True)
class Bands:
    """Heights of everything in one row, in inches upwards from the line of the first channel.

    channels: height of each line. gradient: that of the gradient line, or None. marks: top of the names of points.
    """

    channels: dict[str, float]
    gradient: float | None
    marks: float
    bottom: float
    top: float

    @classmethod
    def of(cls, channels: Steps[str], *, gradient: bool, marks: int, uses: bool) -> Bands:
        """The bands of rows with these channels; `marks` is the largest number of lines that the name of a point has."""
        lines = {name: -1.12 * k for k, name in enumerate(channels)}
        low = min(lines.values()) - 0.34
        at = low - 0.3 if gradient else None
        low = low if at is None else at - 0.22
        return cls(lines, at, low - 0.02, low - 0.06 - 0.14 * marks, 1.2 if uses else 0.9)

    @property
    def feet(self) -> float:
        """Lower end of brackets and boxes."""
        return min(self.channels.values()) - 0.3

    @property
    def height(self) -> float:
        """Of the whole row."""
        return self.top - self.bottom


@dataclass(frozen=True)
class Pen:
    """Where a row is drawn: axes in inches, the row's left end and the height of its first channel."""

    axes: Axes
    bands: Bands
    x: float
    y: float

    def text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """A text whose place is that of its lower (or `va`) middle."""
        slant = style.pop("slant", "normal")
        style = {"ha": "center", "va": "bottom", **style}
        self.axes.text(self.x + x, self.y + y, text, fontproperties=labels.font(size, slant), **style)

    def line(self, x: Any, y: Any, **style: Any) -> None:
        """A line through points."""
        style = {"color": "black", "lw": 1.1, "solid_capstyle": "butt", **style}
        self.axes.plot(self.x + np.asarray(x), self.y + np.asarray(y), **style)

    def area(self, x: FloatArray, y: FloatArray, base: float, face: tuple[str, str]) -> None:
        """The area between a curve and a base line."""
        corners = [(x[0], base), *zip(x, y, strict=True), (x[-1], base)]
        points = np.array(corners) + np.array([self.x, self.y])
        self.axes.add_patch(Polygon(points, facecolor=face[0], hatch=face[1], edgecolor="black", lw=0.9, zorder=3))

    def box(self, x: float, y: float, width: float, height: float, face: tuple[str, str] = ("white", "")) -> None:
        """A rectangle by its lower left corner."""
        corner = (self.x + x, self.y + y)
        self.axes.add_patch(
            Rectangle(corner, width, height, facecolor=face[0], hatch=face[1], edgecolor="black", lw=0.9, zorder=3)
        )


def draw_item(pen: Pen, item: Item) -> None:
    """Draw one item of a row."""
    step, bands = item.step, pen.bands
    if item.kind in ("open", "close"):
        _bracket(pen, item)
    elif item.kind == "gap":
        count = f"{item.count} steps\nnot drawn"
        pen.box(item.left, bands.feet, item.width, 0.8 - bands.feet, ("white", ""))
        pen.text(item.middle, (0.8 + bands.feet) / 2, count, SMALL, va="center", color="0.3", zorder=4)
    elif isinstance(step, Together):
        for part in step.together:
            _pulse(pen, item, part, step.align)
    elif isinstance(step, (Pulse, Lock)):
        _pulse(pen, item, step, "centre")
    elif isinstance(step, Delay):
        _delay(pen, item)
    elif isinstance(step, Crush):
        _crush(pen, item)
    elif isinstance(step, Observe):
        y = bands.marks + 0.02
        pen.line([item.middle] * 2, [y, 0.7], color=OBSERVE, ls=(0, (4, 3)), zorder=2)
        pen.text(item.middle, bands.marks, observe_text(step), SMALL, va="top", color=OBSERVE, slant="italic")
    elif isinstance(step, Acquire):
        _acquire(pen, item)
    elif isinstance(step, Block):
        pen.box(item.start, bands.feet, item.glyph, 0.75 - bands.feet, ("0.95", ""))
        text = block_text(step, item.names)
        pen.text(item.middle, (0.75 + bands.feet) / 2, text, SMALL, va="center", zorder=4)


def envelope(sequence: Sequence, step: Pulse | Lock) -> tuple[FloatArray, FloatArray]:
    """Place (0 to 1) and height (peak 1) of a pulse's amplitude: signed where the shape is real, else its magnitude."""
    shape = sequence.shape(step.shape or "rectangular")
    if shape.kind != "sampled":  # a smooth curve whatever the number of slices that is run
        shape = Shape(shape.kind, _POINTS, shape.constants)
    w = shape.envelope()
    y = w.real if np.allclose(w.imag, 0, atol=1e-9) else np.abs(w)
    u = (np.arange(y.size) + 0.5) / y.size
    if y.size > 4 * _POINTS:
        keep = np.linspace(0, y.size - 1, 4 * _POINTS).astype(int)
        u, y = u[keep], y[keep]
    return np.concatenate([[0.0], u, [1.0]]), np.concatenate([y[:1], y, y[-1:]])


def _lines(pen: Pen, on: tuple[str, ...] | str | None) -> list[float]:
    """Heights of the lines that a step stands on."""
    names = (on,) if isinstance(on, str) else on
    return [y for name, y in pen.bands.channels.items() if names is None or name in names]


def _pulse(pen: Pen, item: Item, step: Pulse | Lock, align: str) -> None:
    width = part_width(item, step)
    left = {"start": item.start, "end": item.stop - width}.get(align, item.middle - width / 2)
    face = FACE[item.use if step.use is None else step.use]
    for y in _lines(pen, step.on):
        if step.shape:
            u, height = envelope(item.sequence, step)
            pen.area(left + u * width, y + height * _PULSE, y, face)
        elif isinstance(step, Lock):
            pen.box(left, y, width, _LOCK, face if step.use else ("0.85", ""))
        else:
            pen.box(left, y, width, _PULSE, face)
        if isinstance(step, Lock):
            top = _PULSE if step.shape else _LOCK
            pen.text(item.middle, y + top + 0.04, labels.lock_label(step, item.names), SMALL)
        else:
            pen.text(item.middle, y + _PULSE + 0.04, labels.flip_label(step, item.names), LABEL)
            pen.text(item.middle, y - 0.16, labels.length_label(step, item.names), SMALL, va="top", color="0.25")


def _delay(pen: Pen, item: Item) -> None:
    left, right = pen.x + item.left - 0.06, pen.x + item.left + item.width + 0.06
    arrow = {"arrowstyle": "<->", "lw": 0.8, "color": "0.35", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    pen.axes.annotate("", (left, pen.y + 0.14), (right, pen.y + 0.14), arrowprops=arrow)
    pen.text(item.middle, 0.19, labels.expression(item.names.resolved(item.step.delay)), LABEL)


def _crush(pen: Pen, item: Item) -> None:
    assert pen.bands.gradient is not None
    u = np.linspace(0, 1, 40)
    y = pen.bands.gradient
    pen.area(item.start + u * item.glyph, y + _GRADIENT * np.sin(np.pi * u), y, FACE["crush"])
    pen.text(item.middle, y - 0.04, "crush", SMALL, va="top")


def _acquire(pen: Pen, item: Item) -> None:
    u = np.linspace(0, 1, 400)
    decay = 0.42 * np.exp(-3.2 * u) * np.cos(2 * np.pi * 9 * u)
    lines = _lines(pen, item.step.on)
    for y in lines:
        pen.line(item.start + u * item.glyph, y + decay, lw=0.9, zorder=3)
    for y in lines[:1]:
        name = labels.plain(item.step.acquire)
        pen.text(item.middle, y + _PULSE + 0.04, name, SMALL, color=OBSERVE, slant="italic")


def _bracket(pen: Pen, item: Item) -> None:
    low, high = pen.bands.feet, 0.78
    side = -1 if item.kind == "close" else 1
    x = item.left + (0.05 if item.kind == "open" else 0.07)
    dashes = {"ls": (0, (4, 2))} if isinstance(item.step, Block) else {}
    pen.line([x + 0.06 * side, x, x, x + 0.06 * side], [high, high, low, low], lw=1.2, zorder=4, **dashes)
    if item.kind == "close":
        assert isinstance(item.step, (Repeat, Block))
        pen.text(x + 0.05, low - 0.02, close_text(item.step), SMALL, ha="left", va="bottom")
