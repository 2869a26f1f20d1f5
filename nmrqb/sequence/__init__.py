"""What the coil does: parameters, events, and the sequence file."""

from nmrqb.sequence.events import Crush, Delay, Event, Observe, Pulse
from nmrqb.sequence.sequence import Sequence

__all__ = ["Crush", "Delay", "Event", "Observe", "Pulse", "Sequence"]
