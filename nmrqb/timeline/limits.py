"""What a spectrometer could not play of a sequence on a sample: raster, dead time, duty cycle, lengths.

All of it is read off the segments that also make the Timeline, with pulses as long as the coil needs them. The RF limit,
channels, and the size of a sequence are checked while segments are made, and come along.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from nmrqb import files
from nmrqb.checks import FloatArray
from nmrqb.nmr import Sample
from nmrqb.sequence import Sequence
from nmrqb.sequence.schema import Pulses
from nmrqb.timeline.builder import Builder
from nmrqb.timeline.findings import Finding, Place
from nmrqb.timeline.schedule import sample_quantities
from nmrqb.timeline.segments import Played, Segment

#: Times closer than this share of a raster step to a multiple of it are on it: text gives them in decimals.
ON_RASTER = 1e-6


def hardware_problems(sequence: Sequence, sample: Sample, *, pulses: Pulses = "finite") -> tuple[Finding, ...]:
    """Everything that keeps a sequence from being played on a sample, in the order of its steps; empty when nothing does.

    pulses: "finite", as a coil plays them, or "ideal". Beside what `schedule` refuses: a time off the raster, a pulse or
    delay of no length, a pulse that ends within the receiver's dead time before an acquisition, RF on for more than the
    duty cycle's share of the time. Limits that the sample does not give are not checked.
    """
    return tuple(finding for finding in hardware_findings(sequence, sample, pulses=pulses) if not finding.is_note)


def hardware_findings(sequence: Sequence, sample: Sample, *, pulses: Pulses = "finite") -> tuple[Finding, ...]:
    """The problems, and notes beside them: times that follow from the sample and are rounded to its raster.

    A time that the file gives as a number is a problem when it is off the raster, for whoever wrote it can write another.
    One computed from couplings or from the sample's pulse lengths has no round value; that it is rounded is a note.
    """
    builder = Builder(sequence, sample, sample_quantities(sample), pulses, np.array(1.0))
    builder.build()
    found = [Finding(**vars(p)) if not isinstance(p, Finding) else p for p in builder.problems]
    segments = list({id(segment): segment for segment in builder.segments}.values())
    for segment in segments:
        found += _lengths(segment, pulses)
        if sample.raster is not None:
            found += _raster(segment, sample.raster)
    found += _dead_time(builder)
    if not builder.problems:
        found += _duty_cycle(builder)
    return tuple(dict.fromkeys(found))  # channels of one pulse often have one and the same fault


def library_fits(sequence: Sequence) -> tuple[str, ...]:
    """Names of the samples of the library on which a sequence has no problem."""
    known = sorted({path.stem for folder in files.library("samples") for path in folder.glob("*.toml")})
    return tuple(name for name in known if not hardware_problems(sequence, Sample.load(name)))


def _lengths(segment: Segment, pulses: Pulses) -> Iterator[Finding]:
    """Pulses and delays of no length. A pulse that flips by nothing, and a list with zeros in it, are only noted."""
    timed = [p for p in segment.played if pulses == "finite" or p.part != "pulse"]  # others have no length by intent
    parts = [(p.place, p.part, p.wave.length, "pulse") for p in timed]
    if not segment.played:
        parts = [(segment.place, "delay", segment.durations[..., 0], "delay")]
    for place, part, length, what in parts:
        zero = np.asarray(length) == 0
        if np.all(zero) and part in ("pulse", "rf"):
            yield place.finding(
                "length", (part,), "found a pulse that flips by nothing", "it is left out", is_note=True
            )
        elif np.all(zero):
            yield place.finding(
                "length", (part,), f"found a {what} of no length", "leave the step out, or give it a time"
            )
        elif np.any(zero):
            text = f"found a {what} of no length at {np.count_nonzero(zero)} of {zero.size} points"
            yield place.finding("length", (part,), text, "it is left out there", is_note=True)


def _raster(segment: Segment, raster: float) -> Iterator[Finding]:
    if not segment.played:
        yield from _off(segment.place, "delay", segment.durations[..., 0], 1, raster, segment.computed, "a delay")
    for pulse in segment.played:
        if not pulse.wave.is_ideal:
            yield from _off_pulse(pulse, raster)


def _off_pulse(pulse: Played, raster: float) -> Iterator[Finding]:
    slices = pulse.wave.rotation.shape[-1]
    what = "a pulse" if slices == 1 else f"a pulse of {slices} slices"
    yield from _off(pulse.place, pulse.part, pulse.wave.length, slices, raster, pulse.computed, what)


def _off(
    place: Place, part: str, lengths: FloatArray, slices: int, raster: float, computed: bool, what: str
) -> Iterator[Finding]:
    """That lengths, or the slices they are divided into, are no multiples of the raster; the worst of them is told."""
    steps = np.atleast_1d(lengths) / (slices * raster)
    off = np.abs(steps - np.round(steps))
    off[off <= ON_RASTER + 1e-12 * steps] = 0
    worst = int(np.argmax(off))
    if not off.flat[worst]:
        return
    length, step = float(np.atleast_1d(lengths).flat[worst]), slices * raster
    nearest = max(round(steps.flat[worst]), 1) * step
    of = f", {_time(length / slices)} each," if slices > 1 else ""
    message = f"found {what}{of} of {_time(length)}, which the raster of {_time(raster)} does not hold"
    told = f"it is played as {_time(nearest)}" if computed else f"the nearest that it holds is {_time(nearest)}"
    yield place.finding("raster", (part,), message, told, is_note=computed)


def _dead_time(builder: Builder) -> Iterator[Finding]:
    """Pulses that end too close before an acquisition: what is between them is a delay, or none."""
    receiver = builder.sample.receiver
    if receiver is None or not receiver.dead_time or not builder.acquired:
        return
    acquired = {count: place for place, count in builder.acquired}
    delays = {id(s): None if s.played else s.durations[..., 0] for s in builder.segments}
    gap: FloatArray = np.array(np.inf)
    for index in range(len(builder.segments) + 1):
        if (place := acquired.get(index)) is not None and np.any(gap < receiver.dead_time * (1 - 1e-9)):
            message = f"found a pulse that ends {_time(float(np.min(gap)))} before it"
            least = _on(receiver.dead_time, builder.sample.raster)
            allowed = f"a delay of at least {_time(least)} is needed, the receiver's dead time"
            yield place.finding("dead time", ("acquire",), message, allowed)
        if index < len(builder.segments):
            delay = delays[id(builder.segments[index])]
            gap = np.array(0.0) if delay is None else gap + delay


def _duty_cycle(builder: Builder) -> Iterator[Finding]:
    """Time with RF on over all the time of one scan, acquisitions among it and the wait between scans not."""
    sample, on, off = builder.sample, np.array(0.0), np.array(0.0)
    if sample.duty_cycle is None:
        return
    counts = Counter(id(segment) for segment in builder.segments)
    for segment in {id(segment): segment for segment in builder.segments}.values():
        time = counts[id(segment)] * segment.durations.sum(axis=-1)
        on, off = (on + time, off) if segment.played else (on, off + time)
    if sample.receiver is not None:
        off = off + len(builder.acquired) * sample.receiver.points * sample.receiver.dwell
    on, whole = np.broadcast_arrays(on, on + off)
    share = np.divide(on, whole, out=np.zeros(whole.shape), where=whole > 0)
    worst = np.unravel_index(int(np.argmax(share)), share.shape)
    if share[worst] > sample.duty_cycle * (1 + 1e-9):
        message = (
            f"found RF on for {100 * share[worst]:.3g} % of the time ({_time(on[worst])} of {_time(whole[worst])})"
        )
        more = _on(on[worst] / sample.duty_cycle - whole[worst], sample.raster)
        allowed = (
            f"at most {100 * sample.duty_cycle:.3g} % on sample {sample.name!r}, as with {_time(more)} of delays more"
        )
        yield Place(builder.sequence, ("steps",)).finding("duty cycle", (), message, allowed)


def _on(time: float, raster: float | None) -> float:
    """The first multiple of the raster that is no shorter than a time."""
    return time if raster is None else float(np.ceil(time / raster - ON_RASTER) * raster)


def _time(seconds: float) -> str:
    """A time in the unit that suits it, to nine digits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if abs(seconds) * factor >= 1:
            return f"{seconds * factor:.9g} {unit}"
    return f"{seconds * 1e9:.9g} ns"
