"""What the coil does: parameters, shapes, events, and the sequence file."""

from nmrqb.sequence.events import Acquire, Block, Crush, Delay, Event, Lock, Observe, Pulse, Repeat, Together
from nmrqb.sequence.sequence import Sequence
from nmrqb.sequence.shapes import Shape

__all__ = [
    "Acquire",
    "Block",
    "Crush",
    "Delay",
    "Event",
    "Lock",
    "Observe",
    "Pulse",
    "Repeat",
    "Sequence",
    "Shape",
    "Together",
]
