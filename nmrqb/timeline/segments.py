"""Segments: what a step comes to on a sample before it is a row of the Timeline, and how long that may become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nmrqb.checks import FloatArray
from nmrqb.sequence.shapes import MAX_POINTS
from nmrqb.timeline.findings import Finding, Place
from nmrqb.timeline.waveforms import Waveform

#: Slices (and crushers) in the longest timeline: eight of the longest shapes, or 10 000 rounds of a cycle of 26 steps.
MAX_SLICES = 8 * MAX_POINTS
#: Numbers in the largest timeline that a file may ask for, slices x labels x points of its lists and phase cycle: 128 MB.
#: Arrays bound from Python are not counted: who makes them knows their size.
MAX_NUMBERS = 2**24
#: Steps gone through, those of a block each time it stands in a sequence (rounds of a repeat once): a second of them.
MAX_WALK = 5000
#: Blocks inside of blocks. Circles are found when files are read; this stops one that was closed since.
MAX_BLOCKS = 8


@dataclass(frozen=True)
class Played:
    """One pulse as one channel's coil plays it; `part` is the key that sets its length, `computed` whether that takes the
    sample's quantities.
    """

    place: Place
    part: str
    channel: str
    wave: Waveform
    computed: bool


@dataclass(frozen=True)
class Segment:
    """Slices of one event: rotation on each single-spin label (..., n) in rad, durations (..., n) in s.

    place: the step in its file. played: the pulses, and `align` how those of unlike length stand to each other; a segment
    without any is a delay, and then `computed` says whether its length takes the sample's quantities.
    """

    rotation: Mapping[str, FloatArray]
    durations: FloatArray
    event: int
    place: Place
    played: tuple[Played, ...] = ()
    computed: bool = False
    align: str = "centre"

    @property
    def slices(self) -> int:
        """Number of slices n."""
        return int(self.durations.shape[-1])


class OversizeError(Exception):
    """A walk through the steps is given up; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def check_slices(place: Place, slices: int) -> None:
    """Raises OversizeError for a timeline of more than MAX_SLICES slices or crushers."""
    if slices > MAX_SLICES:
        found = f"found {slices} slices or crushers"
        raise OversizeError(place.finding("slices", (), found, f"a sequence has at most {MAX_SLICES}"))


def check_numbers(place: Place, numbers: int) -> None:
    """Raises OversizeError for a timeline of more than MAX_NUMBERS numbers."""
    if numbers > MAX_NUMBERS:
        found = f"found {numbers} numbers (slices x terms x points of lists and phase cycle)"
        raise OversizeError(place.finding("slices", (), found, f"a sequence makes at most {MAX_NUMBERS}"))
