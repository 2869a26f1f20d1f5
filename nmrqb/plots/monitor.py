"""A sequence with what it does to the state below it: populations, coherence orders, energy and ergotropy along the diagram."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Steps
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmrqb.checks import FloatArray
from nmrqb.nmr import Sample
from nmrqb.plots import labels
from nmrqb.plots.glyphs import OBSERVE
from nmrqb.plots.layout import SMALL, TINY
from nmrqb.plots.sequence import LEFT, TITLE, Diagram, draw_title, lay_out
from nmrqb.plots.style import LINES
from nmrqb.sequence import Acquire, Block, Crush, Observe, Repeat, Sequence
from nmrqb.sequence.validate import block_sequence
from nmrqb.spin.operators import magnetic_number
from nmrqb.timeline.monitor import Monitor

#: Inches: a panel, the space under it, that of the time axis, and of the keys on the right.
_PANEL, _GAP, _AXIS, _KEYS = 1.15, 0.1, 0.42, 1.2
_ROW, _MOST_ROWS = 9.0, 4
#: Inches between two times on the axis.
_APART = 0.45
#: Inches right of the curves that belong to the diagram.
_SIDE = 0.1
#: Levels that are drawn one by one; of more, those of one magnetic number are added up.
_LEVELS = 4

#: Pieces of each outer step: row and both ends.
_Extents = dict[int, list[tuple[int, float, float]]]
#: One curve: its name and (T,) values.
Curve = tuple[str, FloatArray]


@dataclass(frozen=True)
class _Panel:
    """Curves of one panel and what its axis says."""

    label: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class _Place:
    """Where samples lie: their number, row and inches from the row's left end, a point for each."""

    sample: np.ndarray
    row: np.ndarray
    x: FloatArray


def draw_monitor(sequence: Sequence, watched: Monitor, sample: Sample, note: str = "") -> Figure:
    """The diagram of a sequence over three panels: populations, norms of coherence orders, energy and ergotropy.

    Every event has the width with which it is drawn, and time runs evenly inside it; along an ideal pulse it is the flip
    angle that does. Populations (less 1/d), energies and ergotropy are per p where the sample starts in the high-temperature
    state, and energies in units of its coupling |d|; norms of coherence orders are over that of the largest deviation. note: what
    else to say at the foot.
    """
    diagram = lay_out(sequence, tuple(dict.fromkeys(sample.spins)), width=_ROW, most_rows=_MOST_ROWS)
    panels = _panels(watched, sample)
    notes = _notes(sample, note, diagram.width + _KEYS)
    foot = diagram.foot_height + 0.155 * len(notes)
    below = len(panels) * (_PANEL + _GAP) + _AXIS
    pitch = diagram.bands.height + below
    width, height = diagram.width + _KEYS, TITLE + pitch * len(diagram.rows) + foot
    figure = Figure(figsize=(width, height))
    paper = figure.add_axes((0, 0, 1, 1))
    paper.set_xlim(0, width)
    paper.set_ylim(0, height)
    paper.axis("off")
    draw_title(paper, sequence.title, width, height)
    place = _places(watched, diagram)
    for row in range(len(diagram.rows)):
        top = height - TITLE - pitch * row
        diagram.draw_row(paper, row, top - diagram.bands.top)
        top -= diagram.bands.height
        for number, panel in enumerate(panels):
            low = top - (number + 1) * (_PANEL + _GAP) + _GAP
            box = (LEFT / width, low / height, (diagram.width - LEFT - _SIDE) / width, _PANEL / height)
            axes = figure.add_axes(box)
            axes.set_xlim(0, diagram.width - LEFT - _SIDE)
            _draw_panel(axes, panel, place, row, diagram)
            _time_axis(axes, watched, place, row, last=number + 1 == len(panels))
    diagram.draw_foot(paper)
    for number, line in enumerate(reversed(notes)):
        y = diagram.foot_height + 0.155 * number
        paper.text(0.15, y, line, fontproperties=labels.font(TINY), va="baseline", color="0.25")
    return figure


def crusher_events(steps: Iterable[Any]) -> list[int]:
    """Index of the outer step of each crusher that a timeline passes, in order."""
    return [event for event, step in enumerate(steps) for _ in range(_crushers(step))]


def _crushers(step: Any) -> int:
    if isinstance(step, Crush):
        return 1
    if isinstance(step, Repeat):
        return step.repeat * sum(map(_crushers, step.steps))
    return sum(map(_crushers, block_sequence(step.block).steps)) if isinstance(step, Block) else 0


def _extents(diagram: Diagram) -> _Extents:
    """For each outer step its pieces: row and both ends of what takes time. Between brackets that is everything."""
    found: _Extents = {}
    for row, items in enumerate(diagram.rows):
        for item in items:
            if item.event < 0:
                continue
            pieces = found.setdefault(item.event, [])
            if pieces and pieces[-1][0] == row:
                pieces[-1] = (row, pieces[-1][1], max(pieces[-1][2], item.stop))
            else:
                pieces.append((row, item.start, item.stop))
    return found


def _places(watched: Monitor, diagram: Diagram) -> _Place:
    extents = _extents(diagram)
    points: list[tuple[int, int, float]] = [(0, 0, 0.0)]
    for i in range(len(watched.times)):
        event = int(watched.events[i])
        if event >= 0 and event in extents:
            row, x = _inside(extents[event], float(watched.fractions[i]))
            points.append((i, row, x))
        elif event < 0 and watched.crushed[i]:
            points += _crushed(watched, diagram.sequence, extents, i)
    whole: list[tuple[int, int, float]] = []
    end = diagram.width - LEFT - _SIDE
    for point in points:  # a row goes on to its end, and the next begins with the same state
        if whole and point[1] > whole[-1][1]:
            whole += [(whole[-1][0], whole[-1][1], end), (whole[-1][0], point[1], 0.0)]
        whole.append(point)
    whole.append((whole[-1][0], whole[-1][1], end))
    samples, rows, inches = zip(*whole, strict=True)
    return _Place(np.array(samples), np.array(rows), np.array(inches))


def _crushed(watched: Monitor, sequence: Sequence, extents: _Extents, i: int) -> list[tuple[int, int, float]]:
    """Points of the sample right behind a crusher between two events with slices, and of the one before."""
    event = crusher_events(sequence.steps)[int(watched.crushed[i]) - 1]
    if event not in extents:
        return []
    (row, start, _), (last, _, stop) = extents[event][0], extents[event][-1]
    if isinstance(sequence.steps[event], Crush):
        return [(i - 1, row, start), (i, last, stop)]
    # the first or last step of a block or repeat, which is drawn at its edge
    begun = event in watched.events[:i]
    return [(i, last, stop) if begun else (i, row, start)]


def _inside(pieces: Steps[tuple[int, float, float]], fraction: float) -> tuple[int, float]:
    """Row and place at a fraction of an event that may go over several rows."""
    lengths = np.array([stop - start for _, start, stop in pieces])
    at = fraction * lengths.sum()
    for (row, start, _), length in zip(pieces, lengths, strict=True):
        if at <= length * (1 + 1e-9):
            return row, start + min(at, float(length))
        at -= float(length)
    return pieces[-1][0], pieces[-1][2]


def _panels(watched: Monitor, sample: Sample) -> tuple[_Panel, ...]:
    d = watched.states.shape[-1]
    scale = sample.polarisation_factor if sample.is_high_temperature else 1.0
    per = "/p" if sample.is_high_temperature else ""
    rest = 1 / d if sample.is_high_temperature else 0.0
    whole = float(np.linalg.norm(watched.orders, axis=-1).max()) or 1.0
    unit = (sample.energy_unit or 1.0) * scale
    energy = "|d|" if sample.dipolar else "2π|J|" if sample.scalar else "rad/s"
    return (
        _Panel(f"(population − 1/{d})/p" if per else "population", tuple(_levels(watched, rest, scale))),
        _Panel("norm of order", tuple(_orders(watched, whole))),
        _Panel(
            f"energy ({energy}{' p' if per else ''})",
            (("energy", watched.energy / unit), ("ergotropy", watched.ergotropy / unit)),
        ),
    )


def _levels(watched: Monitor, rest: float, scale: float) -> Iterator[Curve]:
    """Populations less those of unity, of each basis state or of each magnetic number."""
    values = (watched.populations - rest) / scale
    if values.shape[-1] <= _LEVELS:
        for level in range(values.shape[-1]):
            yield f"|{level:0{watched.n}b}⟩", values[:, level]
        return
    m = magnetic_number(watched.n)
    for number in sorted(set(m.tolist()), reverse=True):
        yield f"m = {number:+g}".replace("-", "−").replace("+0", "0"), values[:, m == number].sum(axis=-1)


def _orders(watched: Monitor, whole: float) -> Iterator[Curve]:
    n, values = watched.n, watched.orders / whole
    yield "q = 0", values[:, n]
    for q in range(1, n + 1):
        yield f"q = ±{q}", np.hypot(values[:, n + q], values[:, n - q])


def _draw_panel(axes: Axes, panel: _Panel, place: _Place, row: int, diagram: Diagram) -> None:
    chosen = place.row == row
    for pieces in _extents(diagram).values():
        for piece_row, start, stop in pieces:
            if piece_row == row:
                axes.axvspan(start, stop, color="0.95", lw=0, zorder=0)
    for item in diagram.rows[row]:
        if isinstance(item.step, (Observe, Acquire)):
            axes.axvline(item.start, color=OBSERVE, ls=(0, (4, 3)), lw=0.8, zorder=1)
    for number, (name, values) in enumerate(panel.curves):
        color, dash, width = LINES[number % len(LINES)]
        (line,) = axes.plot(place.x[chosen], values[place.sample[chosen]], color=color, ls=dash, lw=width, label=name)
        line.set_zorder(3 - 0.1 * number)  # dashes over solid lines, so that curves which coincide both show
        if number >= len(LINES):
            line.set(marker=".", markevery=8, markersize=4)
    every = np.concatenate([values for _, values in panel.curves])
    low, high = min(float(every.min()), 0.0), max(float(every.max()), 0.0)
    room = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - room, high + room)
    axes.axhline(0, color="0.7", lw=0.6, zorder=1)
    axes.set_ylabel(panel.label, fontproperties=labels.font(TINY))
    axes.yaxis.set_label_coords(-0.47 / (axes.get_xlim()[1]), 0.5)
    axes.yaxis.set_major_locator(_few())
    axes.tick_params(axis="y", labelsize=6.5, direction="in", length=2.5, pad=2)
    axes.legend(loc="center left", bbox_to_anchor=(1.005, 0.5), frameon=False, prop=labels.font(TINY), handlelength=2.2)


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)


def _time_axis(axes: Axes, watched: Monitor, place: _Place, row: int, *, last: bool) -> None:
    """Ticks where events begin and end, with the times of those that are far enough apart."""
    total = float(watched.times[-1])
    scale, unit = (1e6, "µs") if total < 1e-3 else (1e3, "ms") if total < 1 else (1.0, "s")
    ticks: dict[float, str] = {}
    shown, at = "", -np.inf
    for i in np.flatnonzero(place.row == row):
        sample, x = place.sample[i], float(place.x[i])
        if watched.events[sample] >= 0 and 0 < watched.fractions[sample] < 1:
            continue
        text = f"{watched.times[sample] * scale:.4g}"
        keep = text != shown and x - at >= _APART
        if keep:
            shown, at = text, x
        ticks[x] = ticks.get(x, "") or (text if keep else "")
    axes.set_xticks(list(ticks), [text if last else "" for text in ticks.values()])
    axes.tick_params(axis="x", labelsize=6.5, direction="in", length=2.5, pad=2)
    if last:
        axes.set_xlabel(f"time ({unit}), even inside each event", fontproperties=labels.font(SMALL), labelpad=1)


def _notes(sample: Sample, note: str, width: float) -> list[str]:
    hertz = abs(sample.coupling)
    text = f"Sample {sample.name}"
    if hertz:
        text += f", {'|d|/2π' if sample.dipolar else '|J|'} = {hertz:.5g} Hz"
    if sample.is_high_temperature:
        text += f", p = {sample.polarisation_factor:.3g}"
    text += (
        "; populations of the product basis; norm of order: Frobenius norm of the state's part in coherence order q, over that "
        "of the largest deviation from unity. Along ideal pulses, which take no time, the flip angle grows evenly; inside "
        f"brackets time runs through all rounds. {note}"
    )
    return textwrap.wrap(text, int((width - 0.3) * 72 / TINY * 1.75))
