"""The pulse-sequence diagram: a line for each channel, the gradient below, time to the right, as spectroscopists draw it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmrqb import units
from nmrqb.plots import labels
from nmrqb.plots.glyphs import Bands, Pen, draw_item
from nmrqb.plots.layout import (
    LABEL,
    SMALL,
    TINY,
    Item,
    channels_of,
    has_crusher,
    items,
    observe_text,
    rows,
    uses,
)
from nmrqb.sequence import Observe, Sequence
from nmrqb.sequence.parameters import PHASES, Default
from nmrqb.sequence.readers import step_values
from nmrqb.units import ExpressionError

#: Inches: left of the lines, right of them, above the first row for the title.
LEFT, RIGHT, TITLE = 0.62, 0.25, 0.34
#: Inches of a row of events, and how many rows there may be before the middle of a sequence is left out.
ROW, MOST_ROWS = 9.0, 8
_LEAST_WIDTH, _LINE = 5.0, 0.155


@dataclass(frozen=True)
class Diagram:
    """A sequence laid out: placed rows of items, bands of each row, and the lines of text at its foot."""

    sequence: Sequence
    rows: list[list[Item]]
    bands: Bands
    foot: list[str]

    @property
    def length(self) -> float:
        """Inches of the longest row."""
        return max(row[-1].left + row[-1].width for row in self.rows)

    @property
    def width(self) -> float:
        """Inches of the whole figure."""
        return max(_LEAST_WIDTH, LEFT + self.length + RIGHT)

    @property
    def foot_height(self) -> float:
        """Inches of the lines at the foot."""
        return _LINE * len(self.foot) + 0.1

    def draw_row(self, axes: Axes, index: int, y: float) -> None:
        """Draw one row, on axes in inches, with its first channel at a height."""
        row, pen = self.rows[index], Pen(axes, self.bands, LEFT, y)
        end = max(self.length, self.width - LEFT - RIGHT)
        for name, at in self.bands.channels.items():
            pen.line([-0.1, end], [at, at], zorder=1)
            pen.text(-0.15, at, labels.isotope(name), LABEL, ha="right", va="center")
        if self.bands.gradient is not None:
            pen.line([-0.1, end], [self.bands.gradient] * 2, zorder=1)
            pen.text(-0.15, self.bands.gradient, r"$G_z$", LABEL, ha="right", va="center")
        for item in row:
            draw_item(pen, item)
        for use, first, last in uses(row):
            left, right = row[first].left, row[last].left + row[last].width
            pen.line([left, left, right, right], [0.9, 0.95, 0.95, 0.9], color="0.4", lw=0.8)
            pen.text((left + right) / 2, 0.98, use, SMALL, color="0.3")
        if index + 1 < len(self.rows):
            pen.text(end + 0.04, 0, "…", LABEL, ha="left", va="center")

    def draw_foot(self, axes: Axes) -> None:
        """The lines at the foot, on axes in inches whose zero is the foot of the figure."""
        for number, line in enumerate(reversed(self.foot)):
            axes.text(0.15, 0.08 + _LINE * number, line, fontproperties=labels.font(TINY), va="baseline", color="0.25")


def draw_sequence(
    sequence: Sequence,
    channels: str | Iterable[str] | None = None,
    axes: Axes | None = None,
    *,
    expand: bool = False,
    width: float = ROW,
) -> Figure:
    """The diagram of a sequence as a matplotlib Figure, or on given axes, whose data units are then inches.

    channels: names of the lines from above, such as ("1H", "13C"); one name stands for one line. Those that a step names
    come in addition; where there are none at all the line is called RF. expand: draw the steps of blocks, not boxes.
    width: inches of events after which a new row begins; of what would take more than eight rows the middle is left out,
    and the diagram says how many steps that are.
    """
    diagram = lay_out(sequence, channels, expand=expand, width=width)
    pitch = diagram.bands.height + 0.12
    total = TITLE + pitch * len(diagram.rows) + diagram.foot_height
    if axes is None:
        figure = Figure(figsize=(diagram.width, total))
        axes = figure.add_axes((0, 0, 1, 1))
    else:
        figure = axes.figure  # type: ignore[assignment]
    axes.set_xlim(0, diagram.width)
    axes.set_ylim(0, total)
    axes.axis("off")
    draw_title(axes, sequence.title, diagram.width, total)
    for index in range(len(diagram.rows)):
        diagram.draw_row(axes, index, total - TITLE - pitch * index - diagram.bands.top)
    diagram.draw_foot(axes)
    return figure


def draw_title(axes: Axes, title: str, width: float, top: float) -> None:
    """The title in the middle above, cut where the figure ends, on axes in inches."""
    size = LABEL
    while size > 6 and labels.width(labels.plain(title), size) > width - 0.2:
        size -= 0.5
    while labels.width(labels.plain(title), size) > width - 0.2:
        title = title[: -2 - len(title) // 20].rstrip("… ") + "…"
    axes.text(width / 2, top - 0.07, labels.plain(title), fontproperties=labels.font(size), ha="center", va="top")


def lay_out(
    sequence: Sequence,
    channels: str | Iterable[str] | None = None,
    *,
    expand: bool = False,
    width: float = ROW,
    most_rows: int = MOST_ROWS,
) -> Diagram:
    """Place a sequence in rows; arguments as in `draw_sequence`."""
    given = (channels,) if isinstance(channels, str) else tuple(channels or ())
    lines = tuple(dict.fromkeys([*given, *channels_of(sequence)])) or ("RF",)
    found = items(sequence, expand=expand)
    placed = rows(found, width, most_rows)
    drawn = [item for row in placed for item in row]
    bands = Bands.of(
        lines,
        gradient=has_crusher(drawn),
        marks=max((observe_text(i.step).count("\n") + 1 for i in drawn if isinstance(i.step, Observe)), default=0),
        uses=any(item.use for item in drawn),
    )
    diagram = Diagram(sequence, placed, bands, [])
    foot = [line for text in _foot(sequence, found) for line in _wrapped(text, diagram.width - 0.3)]
    return Diagram(sequence, placed, bands, [*foot, "Times are not to scale."])


def _foot(sequence: Sequence, found: list[Item]) -> Iterable[str]:
    """Lines that say what names stand for, and the phase cycle."""
    for name, values in sequence.cycle.items():
        yield f"{'receiver' if name == 'receiver' else f'${labels.symbol(name)}$'} = {labels.listed(values)}"
    said = []
    for name, default in sequence.parameters.items():
        value = sequence.bound.get(name, default)
        fixed_phase = isinstance(value, str) and value.strip() in PHASES
        if name not in sequence.cycle and not fixed_phase and name in _used(sequence, found):
            said.append(f"${labels.symbol(name)}$ = {_value(sequence, name, value)}")
    if said:
        yield "    ".join(said)


def _used(sequence: Sequence, found: list[Item]) -> set[str]:
    """Names that stand in the steps drawn, and those that these are made of."""
    texts = [text for item in found for step in getattr(item.step, "together", [item.step]) for text in _texts(step)]
    used: set[str] = set()
    while texts:
        new = {name for text in texts for name in units.names_in(text)} & set(sequence.parameters) - used
        used |= new
        held = [sequence.bound.get(name, sequence.cycle.get(name, sequence.parameters[name])) for name in new]
        texts = [text for value in held for text in _as_texts(value)]
    return used


def _texts(step: object) -> list[str]:
    return [text for text, _ in step_values(step).values()] + list(getattr(step, "with_", {}).values())


def _as_texts(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()


def _value(sequence: Sequence, name: str, value: Default | object) -> str:
    """What a parameter holds: its text, its list, or the number bound to it in the unit people read."""
    if isinstance(value, (str, tuple)):
        return labels.listed(_as_texts(value), most=6, noun="values")
    try:
        kind = units.kind_of(sequence.provisional_scope().parameter(name))
    except ExpressionError:
        kind = None
    array = np.asarray(getattr(value, "magnitude", value), dtype=float)
    scale, unit = {units.TIME: (1e6, " µs"), units.FREQUENCY: (1.0, " Hz"), units.ANGLE: (180 / np.pi, "°")}.get(
        kind or units.NUMBER, (1.0, "")
    )
    low, high = float(array.min()) * scale, float(array.max()) * scale
    return f"{low:.4g}{unit}" if low == high else f"{low:.4g} to {high:.4g}{unit} ({array.size} values)"


def _wrapped(text: str, width: float) -> list[str]:
    """Lines of a text no wider than `width` inches; mathematics is not broken."""
    lines: list[str] = []
    at, space = 0.0, 0.32 * TINY / 72
    for word in re.findall(r"(?:\$[^$]*\$|[^\s$])+|\s+", text):
        wide = len(word) * space if word.isspace() else labels.width(word, TINY)
        if lines and at + wide <= width:
            lines[-1] += word
            at += wide
        elif not word.isspace():
            pieces = _broken(word, wide, width)
            lines += pieces
            at = labels.width(pieces[-1], TINY)
    return lines


def _broken(word: str, wide: float, width: float) -> list[str]:
    """A word that is no mathematics in pieces, where it is wider than a line."""
    if wide <= width or "$" in word:
        return [word]
    return textwrap.wrap(word, max(8, int(len(word) * width / wide) - 2))
