"""What is said of a sequence on a sample: a Problem with its kind, and the place of a step that it is said of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nmrqb.errors import Problem
from nmrqb.sequence import Sequence
from nmrqb.toml_lines import Key

#: What a finding is about.
Kind = Literal["value", "rf limit", "dead time", "duty cycle", "raster", "length", "slices", "channel", "block"]


@dataclass(frozen=True)
class Finding(Problem):
    """A Problem of one kind. A note is no obstacle: it says what a spectrometer makes of what is written."""

    kind: str = "value"
    is_note: bool = False


@dataclass(frozen=True)
class Place:
    """Where a step stands: its key in the outer sequence's file, and the block that it comes from, if any."""

    sequence: Sequence
    key: Key
    block: str = ""

    def finding(self, kind: Kind, part: Key, message: str, allowed: str = "", *, is_note: bool = False) -> Finding:
        """A Finding at a key of this step; steps of a block are told of where the block stands."""
        key = self.key if self.block else (*self.key, *part)
        message = f"in block {self.block!r}: {message}" if self.block else message
        found = self.sequence.problem(key, message, allowed)
        return Finding(found.message, found.file, found.line, found.key, found.allowed, kind, is_note)
