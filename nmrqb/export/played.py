"""The shaped pulses that a sequence plays on a sample, each once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Sequence
from nmrqb.timeline.program import Burst, program


@dataclass(frozen=True)
class ShapedPulse:
    """A shaped pulse of one channel: envelope (n,) of largest magnitude 1, length in s, peak nutation frequency in Hz."""

    channel: str
    envelope: ComplexArray
    length: float
    peak: float


def shaped_pulses(sequence: Sequence, sample: Sample) -> tuple[ShapedPulse, ...]:
    """The shaped pulses of a sequence on a sample, equal ones once, in order.

    Raises InputError for whatever `schedule` refuses, ArgumentError for one whose length or amplitude is swept.
    """
    found: dict[tuple[str, bytes, float, float], ShapedPulse] = {}
    for item in program(sequence, sample).items:
        for burst in item.bursts:
            if burst.is_shaped:
                pulse = _fixed(burst)
                key = (pulse.channel, np.round(pulse.envelope, 12).tobytes(), pulse.length, pulse.peak)
                found.setdefault(key, pulse)
    return tuple(found.values())


def _fixed(burst: Burst) -> ShapedPulse:
    return ShapedPulse(burst.channel, burst.envelope, single(burst.length, "length"), single(burst.peak, "amplitude"))


def single(values: FloatArray, what: str) -> float:
    """The one value that all points share. Raises ArgumentError where they differ."""
    found = np.asarray(values, dtype=float).ravel()
    if not np.allclose(found, found[0], rtol=1e-9, atol=0):
        raise ArgumentError("sequence", f"one that sweeps the {what} of a shaped pulse", "bind it to one value")
    return float(found[0])
