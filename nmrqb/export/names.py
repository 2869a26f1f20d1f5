"""Names of a pulse program's parameters, as many as TopSpin has: equal values share one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError

#: How many phase lists, lengths and loop counters TopSpin has names for.
MAX_PHASES, MAX_NAMES, MAX_LOOPS = 32, 64, 32
#: What the names stand for.
_KINDS = {
    "p": "lengths of pulses",
    "d": "lengths of delays",
    "ph": "phases",
    "pl": "amplitudes of rectangular pulses",
    "sp": "shaped pulses",
}


@dataclass
class Names:
    """Numbers of one kind of parameter, the same for equal values."""

    letter: str
    taken: frozenset[int]
    most: int
    known: dict[bytes, str] = field(default_factory=dict)

    def of(self, value: FloatArray, key: bytes = b"") -> tuple[str, bool]:
        """The name of a value, and whether it is new. Raises ArgumentError where there are none left."""
        about = key + np.round(np.asarray(value, dtype=float) * 1e13).tobytes()
        if about in self.known:
            return self.known[about], False
        free = [k for k in range(self.most) if k not in self.taken and f"{self.letter}{k}" not in self.known.values()]
        if not free:
            most, kind = self.most - len(self.taken), _KINDS[self.letter]
            allowed = f"have at most {most} different {kind}, as TopSpin has names"
            raise ArgumentError("sequence", "one with more", allowed)
        self.known[about] = f"{self.letter}{free[0]}"
        return self.known[about], True
