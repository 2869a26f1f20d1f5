"""What the transmitters play: the events of a sequence on a sample, in order, with lengths, phases and amplitudes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import InputError
from nmrqb.nmr import Sample
from nmrqb.sequence import Sequence
from nmrqb.timeline.builder import Builder
from nmrqb.timeline.schedule import sample_quantities
from nmrqb.timeline.segments import Played, Segment


@dataclass(frozen=True)
class Burst:
    """One pulse of one channel.

    phase: (...,) in rad. envelope: (n,) complex, largest magnitude 1, in slices of equal length; a single slice is a
    rectangular pulse. peak: (...,) largest nutation frequency in Hz. length: (...,) in s. Leading axes are those of the
    Timeline: the phase cycle, then sweeps.
    """

    channel: str
    phase: FloatArray
    envelope: ComplexArray
    peak: FloatArray
    length: FloatArray

    @property
    def is_shaped(self) -> bool:
        """Whether amplitude or phase change within the pulse."""
        return self.envelope.size > 1 and not np.allclose(self.envelope, self.envelope[0], rtol=0, atol=1e-12)


@dataclass(frozen=True)
class Item:
    """One event: pulses (at the same time on their channels), a delay, a crusher, or a mark.

    key: items with equal keys are the same event, as in the rounds of a repeat. step: index of the sequence's step.
    length: (...,) in s, of a delay, or of the longest pulse. bursts, align: of pulses. name: of an observed or acquired
    mark; channel: of an acquired one.
    """

    kind: Literal["pulse", "delay", "crush", "observe", "acquire"]
    key: tuple[str, int]
    step: int = 0
    length: FloatArray | None = None
    bursts: tuple[Burst, ...] = ()
    align: str = "centre"
    name: str = ""
    channel: str = ""


@dataclass(frozen=True)
class Program:
    """Items in order, on the channels of a sample; receiver: (C,) phases in rad of a phase cycle, or None."""

    items: tuple[Item, ...]
    channels: tuple[str, ...]
    receiver: FloatArray | None

    @property
    def marks(self) -> tuple[str, ...]:
        """Names of the observed and acquired marks, in order."""
        return tuple(item.name for item in self.items if item.kind in ("observe", "acquire"))


def program(sequence: Sequence, sample: Sample) -> Program:
    """The program that a sequence with finite pulses comes to on a sample.

    Raises InputError (with file and line) for whatever `schedule` refuses.
    """
    builder = Builder(sequence, sample, sample_quantities(sample), "finite", np.array(1.0))
    builder.build()
    if builder.problems:
        raise InputError(tuple(builder.problems))
    items, done, marks = [], 0, list(builder.marks)
    for segment in [*builder.segments, None]:
        while marks and marks[0].after <= done:
            mark = marks.pop(0)
            channel = sample.spins[mark.groups[0][0]] if mark.kind == "acquire" else ""
            items.append(Item(mark.kind, (f"{mark.kind} {mark.name}", 0), name=mark.name, channel=channel))
        if segment is not None:
            items.append(_item(segment))
            done += segment.slices
    return Program(tuple(items), tuple(dict.fromkeys(sample.spins)), builder.receiver())


def _item(segment: Segment) -> Item:
    key = ("segment", id(segment))
    if not segment.played:
        return Item("delay", key, segment.event, segment.durations[..., 0])
    length = segment.durations.sum(axis=-1)
    bursts = tuple(_burst(played) for played in segment.played)
    return Item("pulse", key, segment.event, length, bursts, segment.align)


def _burst(played: Played) -> Burst:
    wave = played.wave
    turned = wave.rotation * np.exp(-1j * wave.phase)[..., None]  # the envelope, up to its scale and sign
    flat = turned.reshape(-1, turned.shape[-1])
    first = flat[np.argmax(np.abs(flat).max(axis=-1))]
    scale = np.abs(first).max()
    envelope = first / scale if scale else first
    # a pulse by a negative angle is one of opposite phase; the reference row decides the sign of the envelope
    k = int(np.argmax(np.abs(first)))
    sign = np.where(np.real(turned[..., k] * np.conj(first[k])) < 0, np.pi, 0.0)
    if envelope.size == 1 and scale:
        envelope, sign = np.ones(1, dtype=complex), sign + np.angle(first[0])
    return Burst(played.channel, np.mod(wave.phase + sign, 2 * np.pi), envelope, wave.peak, wave.length)
