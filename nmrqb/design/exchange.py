"""The exchange of a star battery as a sequence: XY from Ising J, in as many steps as wanted."""

from __future__ import annotations

from dataclasses import replace

from nmrqb.errors import ArgumentError
from nmrqb.sequence import Block, Repeat, Sequence

#: Steps of nine events each, which a sequence can hold.
MAX_STEPS = 1000


def exchange(steps: int) -> Sequence:
    """The library's `star-charge` with this many steps of the symmetric product formula, instead of two.

    Each is `star-xy`, 2 pi J (SxIx + SyIy) for time/steps; parameters `chargers` and `time` as there. Raises ArgumentError
    unless steps is a whole number from 1 to MAX_STEPS.
    """
    if isinstance(steps, bool) or steps != int(steps) or not 1 <= steps <= MAX_STEPS:
        raise ArgumentError("steps", steps, f"be a whole number from 1 to {MAX_STEPS}")
    found = Sequence.load("star-charge")
    step = Block.model_validate({"block": "star-xy", "with": {"time": f"time/{int(steps)}"}, "use": "charge"})
    changed = tuple(Repeat(repeat=int(steps), steps=[step]) if isinstance(s, Repeat) else s for s in found.steps)
    title = f"Charging a star's centre from the protons around it, steps of the exchange: {int(steps)}"
    return replace(found, name=f"star-charge-{int(steps)}", title=title, note="", steps=changed).checked()
