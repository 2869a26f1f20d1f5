"""Where the events of a sequence are drawn: cells in inches, wide enough for their labels, in rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from collections.abc import Sequence as Steps
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from nmrqb.plots import labels
from nmrqb.plots.labels import Names
from nmrqb.sequence import Acquire, Block, Crush, Delay, Lock, Observe, Pulse, Repeat, Sequence, Together
from nmrqb.sequence.readers import angle
from nmrqb.sequence.validate import block_sequence
from nmrqb.units import ExpressionError

#: Sizes of text in points.
LABEL, SMALL, TINY = 10.0, 8.0, 7.0
#: Inches between cells.
_GAP = 0.09
#: Flip angles from which a pulse is drawn wide, rad.
_WIDE = np.radians(135)
#: Inches that a name beside a dashed line may be wide before it is broken.
_NAME_LETTERS = 14


@dataclass(frozen=True)
class Item:
    """One thing drawn: a step, a bracket that opens or closes, or a gap that stands for `count` steps left out.

    event: index of the outer step. names and sequence: those the step's texts mean. left and width of its cell, and glyph, the width of what takes time in it (in the
    middle of the cell), in inches from the left end of its row.
    """

    kind: Literal["step", "open", "close", "gap"]
    step: Any
    event: int
    glyph: float
    width: float
    names: Names
    sequence: Sequence
    use: str | None = None
    left: float = 0.0
    count: int = 0
    wide: bool = False

    @property
    def middle(self) -> float:
        """Middle of the cell."""
        return self.left + self.width / 2

    @property
    def start(self) -> float:
        """Left edge of what takes time."""
        return self.middle - self.glyph / 2

    @property
    def stop(self) -> float:
        """Right edge of what takes time."""
        return self.middle + self.glyph / 2


def items(sequence: Sequence, *, expand: bool = False) -> list[Item]:
    """All that is drawn of a sequence, in order, not yet placed. Blocks are single boxes unless `expand`."""
    names = _names(sequence, {})
    return [
        item for event, step in enumerate(sequence.steps) for item in _items(sequence, names, step, event, None, expand)
    ]


def rows(found: Steps[Item], width: float, most: int) -> list[list[Item]]:
    """The items placed in rows of a width in inches; beyond `most` rows the middle of the sequence is a gap."""
    placed = _wrapped(_room_for_uses(found), width)
    if len(placed) <= most:
        return placed
    head = [item for row in placed[: (most + 1) // 2] for item in row]
    tail = [item for row in placed[len(placed) - (most - 1) // 2 :] for item in row]
    while True:
        hidden = found[len(head) : len(found) - len(tail)]
        count = sum(item.kind == "step" for item in hidden)
        note = f"{count} steps\nnot drawn"
        gap = Item("gap", None, -1, 0.0, labels.width(note, SMALL) + 0.3, Names(), found[0].sequence, count=count)
        placed = _wrapped([*head, gap, *tail], width)
        if len(placed) <= most or not head:
            return placed
        head.pop()


def uses(row: Steps[Item]) -> list[tuple[str, int, int]]:
    """Runs of one use: (use, first index, last index). Delays and brackets between two steps of a use belong to it."""
    runs: list[tuple[str, int, int]] = []
    broken = True
    for index, item in enumerate(row):
        if item.use:
            if not broken and runs[-1][0] == item.use:
                runs[-1] = (item.use, runs[-1][1], index)
            else:
                runs.append((item.use, index, index))
            broken = False
        elif not (item.kind in ("open", "close") or isinstance(item.step, Delay)):
            broken = True
    return runs


def channels_of(sequence: Sequence) -> tuple[str, ...]:
    """Channels that the steps name, in order of appearance; those inside blocks too."""
    found: dict[str, None] = {}
    for step in _flat(sequence.steps):
        on = getattr(step, "on", None)
        found |= dict.fromkeys((on,) if isinstance(on, str) else on or ())
        if isinstance(step, Block):
            found |= dict.fromkeys(channels_of(block_sequence(step.block)))
    return tuple(found)


def has_crusher(found: Steps[Item]) -> bool:
    """Whether a gradient line is needed. A block that is a single box keeps its crushers to itself."""
    return any(isinstance(item.step, Crush) for item in found)


def observe_text(step: Observe) -> str:
    """The name of a point, in lines."""
    return labels.plain("\n".join(textwrap.wrap(step.observe, _NAME_LETTERS)))


def block_text(step: Block, names: Names) -> str:
    """Name of a block in lines, and its parameters."""
    title = "\n".join(textwrap.wrap(labels.plain(step.block.replace("-", " ").replace("_", " ")), 18))
    given = [f"${labels.symbol(n)}$ = {labels.expression(names.resolved(v))}" for n, v in step.with_.items()]
    return "\n".join([title, *given])


def _flat(steps: Steps[Any]) -> Iterator[Any]:
    for step in steps:
        yield step
        if isinstance(step, Repeat):
            yield from _flat(step.steps)
        elif isinstance(step, Together):
            yield from step.together


def _names(sequence: Sequence, outer: dict[str, str], *, inlined: bool = False) -> Names:
    given = {name: text for name, text in sequence.parameters.items() if isinstance(text, str)}
    given |= {name: text for name, text in sequence.bound.items() if isinstance(text, str)}
    for name, value in sequence.bound.items():  # a number has no text: its name stands for it
        if not isinstance(value, str):
            given.pop(name, None)
    cycled = frozenset(() if inlined else sequence.cycle)
    return Names({**given, **outer}, cycled, inlined=inlined)


def _items(sequence: Sequence, names: Names, step: Any, event: int, use: str | None, expand: bool) -> Iterator[Item]:
    use = _use(step) or use
    if isinstance(step, Repeat) or (isinstance(step, Block) and expand):
        inner, inside, steps = sequence, names, step.steps if isinstance(step, Repeat) else ()
        if isinstance(step, Block):
            inner = block_sequence(step.block)
            inside = _names(inner, {n: names.resolved(v) for n, v in step.with_.items()}, inlined=True)
            steps = [each for each in inner.steps if not isinstance(each, (Observe, Acquire))]
        yield Item("open", step, event, 0.0, 0.1, names, sequence)
        for each in steps:
            yield from _items(inner, inside, each, event, use, expand)
        yield Item("close", step, event, 0.0, 0.14 + labels.width(close_text(step), SMALL), names, sequence)
        return
    glyph, text, wide = _size(sequence, names, step)
    yield Item("step", step, event, glyph, max(glyph, text), names, sequence, use, wide=wide)


def _use(step: Any) -> str | None:
    """What a step is for; of pulses at one time, what all of them are for."""
    found = {getattr(part, "use", None) for part in getattr(step, "together", [step])}
    return found.pop() if len(found) == 1 else None


def close_text(step: Repeat | Block) -> str:
    """What stands at the foot of a closing bracket."""
    return f"× {step.repeat}" if isinstance(step, Repeat) else labels.plain(step.block)


def _size(sequence: Sequence, names: Names, step: Any) -> tuple[float, float, bool]:
    """Widths of what takes time and of the texts, and whether a pulse is drawn wide."""
    match step:
        case Pulse():
            wide = _is_wide(sequence, step)
            glyph = 0.5 if step.shape else 0.3 if wide else 0.16
            text = max(
                labels.width(labels.flip_label(step, names), LABEL),
                labels.width(labels.length_label(step, names), SMALL),
            )
            return glyph, text + 0.06, wide
        case Lock():
            text = labels.width(labels.lock_label(step, names), SMALL)
            return max(1.0, text), text + 0.06, False
        case Together():
            sizes = [_size(sequence, names, part) for part in step.together]
            return max(s[0] for s in sizes), max(s[1] for s in sizes), any(s[2] for s in sizes)
        case Delay():
            text = labels.width(labels.expression(names.resolved(step.delay)), LABEL)
            return max(0.6, text + 0.24), text, False
        case Crush():
            return 0.5, labels.width("crush", SMALL), False
        case Observe():
            return 0.0, labels.width(observe_text(step), SMALL) + 0.12, False
        case Acquire():
            return 1.0, labels.width(labels.plain(step.acquire), SMALL) + 0.06, False
        case Block():
            lines = labels.width(block_text(step, names), SMALL)
            return max(0.9, lines + 0.2), 0.0, False
    raise TypeError(type(step).__name__)


def part_width(item: Item, part: Pulse | Lock) -> float:
    """Width of one of several pulses in a cell: a lock is as long as the longest."""
    if isinstance(part, Lock):
        return item.glyph
    return 0.5 if part.shape else 0.3 if item.wide else 0.16


def _is_wide(sequence: Sequence, step: Pulse) -> bool:
    try:
        flips = np.abs(angle(sequence.provisional_scope(), step.pulse))
    except ExpressionError:
        return False
    return bool(np.max(flips, initial=0.0) >= _WIDE)


def _room_for_uses(found: Steps[Item]) -> list[Item]:
    """The items, with cells widened where the name of their use is longer than they are."""
    result = list(found)
    for use, first, last in uses(found):
        span = sum(item.width + _GAP for item in found[first : last + 1])
        lack = labels.width(use, SMALL) + 0.06 - span
        if lack > 0:
            share = lack / (last + 1 - first)
            for index in range(first, last + 1):
                result[index] = replace(result[index], width=result[index].width + share)
    return result


def _wrapped(found: Steps[Item], width: float) -> list[list[Item]]:
    placed: list[list[Item]] = [[]]
    at = 0.0
    for index, item in enumerate(found):
        # an opening bracket stays with what it opens
        ahead = item.width + (found[index + 1].width + _GAP if item.kind == "open" and index + 1 < len(found) else 0)
        if placed[-1] and at + ahead > width and item.kind != "close":
            placed.append([])
            at = 0.0
        placed[-1].append(replace(item, left=at))
        at += item.width + _GAP
    return placed
