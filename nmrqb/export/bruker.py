"""Bruker pulse programs: a sequence on a sample as text that TopSpin compiles, its shape files, and what has to be set."""

from __future__ import annotations

from collections.abc import Sequence as Rows

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.export.console import PulseProgram, Setting, file_name, phase_list
from nmrqb.export.folding import Loop, folded, opened
from nmrqb.export.names import MAX_LOOPS, MAX_NAMES, MAX_PHASES, Names
from nmrqb.export.played import single
from nmrqb.export.shapes import bruker_shape, one_line
from nmrqb.nmr import Sample
from nmrqb.sequence import Sequence
from nmrqb.timeline.program import Burst, Item, Program, program
from nmrqb.tomography.readouts import Readout

#: Names that mean something by custom: gradient pulse, relaxation delay, disk, power switching, gradient recovery.
_TAKEN_PULSES, _TAKEN_DELAYS = frozenset({0, 16}), frozenset({0, 1, 11, 12, 16})
_GRADIENT, _RECOVERY, _SWITCH = "1m", "200u", "20u"
_CRUSHER = (
    Setting("gpz1", "calibrate", "%", "crusher gradient, strong enough to dephase; it keeps coherence order 0"),
    Setting("p16", "1000", "us", "length of the crusher; couplings act meanwhile, which is not simulated"),
    Setting("d16", "200", "us", "recovery after the crusher"),
)


def pulse_program(
    sequence: Sequence, sample: Sample, *, at: str | None = None, readout: Readout | None = None
) -> PulseProgram:
    """The pulse program of a sequence with finite pulses on a sample.

    at: the mark at which the signal is recorded: by default the first acquired one, or else the last observed. readout: a
    pulse on each channel before that, for tomography. Every channel has its reference: a rectangular 90-degree pulse of the
    sample's length, at plw1 on channel 1 and so on; all other powers are computed from these in the program.
    Raises InputError for whatever `schedule` refuses; ArgumentError for a mark that is not there, phases that are swept, and
    more lengths or phase lists than TopSpin has names for.
    """
    played = program(sequence, sample)
    writer = _Writer(sequence, sample, played, _mark(played, at))
    writer.write(readout)
    return writer.finished(readout)


def _mark(played: Program, at: str | None) -> str:
    if not played.marks:
        raise ArgumentError("sequence", "one without a mark", "observe or acquire something, to say where to record")
    if at is None:
        acquired = [item.name for item in played.items if item.kind == "acquire"]
        return acquired[0] if acquired else played.marks[-1]
    if at not in played.marks:
        raise ArgumentError("at", repr(at), f"be one of the sequence's marks ({', '.join(played.marks)})")
    return at


class _Writer:
    """Goes through the items once and collects lines, parameters and shapes."""

    def __init__(self, sequence: Sequence, sample: Sample, played: Program, mark: str) -> None:
        self.sequence, self.sample, self.played, self.mark = sequence, sample, played, mark
        stop = next(item for item in played.items if item.name == mark and item.kind in ("observe", "acquire"))
        detected = stop.channel or played.channels[0]  # TopSpin records on channel f1
        order = sorted(played.channels, key=lambda name: name != detected)
        self.channel = {name: f"f{k}" for k, name in enumerate(order, start=1)}
        self.reference = {name: 1 / (4 * sample.coil(name).pulse_90) for name in played.channels}
        self.pulses = Names("p", _TAKEN_PULSES, MAX_NAMES)
        self.delays = Names("d", _TAKEN_DELAYS, MAX_NAMES)
        self.phases = Names("ph", frozenset({31}), MAX_PHASES)
        self.powers = Names("pl", frozenset(range(len(played.channels) + 1)), MAX_NAMES)
        self.shaped = Names("sp", frozenset({0}), MAX_NAMES)
        self.lines: list[str] = []
        self.settings: list[Setting] = []
        self.assignments: list[str] = []
        self.phase_lists: dict[str, str] = {}
        self.shapes: dict[str, str] = {}
        self.gradients = False
        self.loops = 0

    def write(self, readout: Readout | None) -> None:
        items = self.played.items
        end = next(k for k, item in enumerate(items) if item.name == self.mark and item.kind in ("observe", "acquire"))
        self._items(folded([item for item in items[:end] if self._is_played(item)], lambda item: item.key))
        self.lines.append(f'  ; the state "{self.mark}"')
        if readout is not None:
            self._readout(readout)
        if self.gradients:
            self._block_gradients()

    def _block_gradients(self) -> None:
        """Switch the gradients off with the last recovery, which takes no time more, or after a loop that uses them."""
        last = max(k for k, line in enumerate(self.lines) if line.strip() == "d16")
        looped = any("lo to" in line for line in self.lines[last:])
        if looped:
            self.lines.append("  4u BLKGRAD  ; so much longer than simulated")
        else:
            self.lines[last] = "  d16 BLKGRAD"

    def _items(self, items: Rows[Item | Loop[Item]]) -> None:
        for item in items:
            if isinstance(item, Loop):
                self._loop(item)
            else:
                self._item(item)

    def _is_played(self, item: Item) -> bool:
        """Whether an item takes a line of the program: delays and pulses of no length do not."""
        lengths = [item.length] if item.kind == "delay" else [burst.length for burst in item.bursts]
        return item.kind not in ("delay", "pulse") or any(np.any(self._points(np.asarray(x))) for x in lengths)

    def _loop(self, loop: Loop[Item]) -> None:
        self.loops += 1
        if self.loops >= MAX_LOOPS:
            raise ArgumentError("sequence", "one that needs more loops than TopSpin counts", f"use under {MAX_LOOPS}")
        label, name = 10 + self.loops, f"l{self.loops}"
        self.assignments.append(f'"{name}={loop.times}"')
        first = len(self.lines)
        self._items(opened(loop.items))
        self.lines[first] = f"{label} {self.lines[first].strip()}"
        self.lines.append(f"  lo to {label} times {name}")

    def _item(self, item: Item) -> None:
        if item.kind == "delay":
            self._delay(item)
        elif item.kind == "pulse":
            self.lines.append("  " + self._bursts(item.bursts, item.align))
        elif item.kind == "crush":
            self.gradients = True
            self.lines += ["  p16:gp1", "  d16"]
        else:
            self.lines.append(f'  ; the state "{item.name}"')

    def _delay(self, item: Item) -> None:
        length = self._points(np.asarray(item.length))
        name, new = self.delays.of(length)
        if new:
            self.settings.append(self._length(name, length, f"delay of step {item.step + 1}"))
        self.lines.append(f"  {name}")

    def _bursts(self, bursts: Rows[Burst], align: str) -> str:
        groups = [self._burst(burst) for burst in bursts if np.any(self._points(burst.length))]
        if len(groups) < 2:
            return groups[0]
        if align == "start":
            return " ".join(groups)
        return f"({'center' if align == 'centre' else 'ralign'} {' '.join(groups)})"

    def _burst(self, burst: Burst) -> str:
        length, peak = self._points(burst.length), self._points(burst.peak)
        name, new = self.pulses.of(length, burst.channel.encode())
        if new:
            self.settings.append(self._length(name, length, f"pulse on {burst.channel}"))
        phase = self._phase(burst.phase)
        power = self._shape(burst, length, peak) if burst.is_shaped else self._power(burst.channel, peak)
        between = f":{power} " if burst.is_shaped else f" {power} "
        return f"({name}{between}{phase}):{self.channel[burst.channel]}"

    def _power(self, channel: str, peak: FloatArray) -> str:
        """The power level of a rectangular pulse: the channel's reference, or one computed from it."""
        played = peak[peak > 0]  # a pulse that flips by nothing at one point of a sweep has no amplitude there
        if not np.allclose(played, played[0], rtol=1e-9, atol=0):
            found = f"a pulse on {channel} whose amplitude is swept from {played.min():.6g} to {played.max():.6g} Hz"
            raise ArgumentError("sequence", f"one with {found}", "sweep lengths at a fixed amplitude to be one program")
        reference, level = self.reference[channel], float(played[0])
        index = int(self.channel[channel][1:])
        if abs(level / reference - 1) < 1e-9:
            return f"pl{index}"
        name, new = self.powers.of(np.array(level), channel.encode())
        if new:
            self._level(f"plw{name[2:]}", channel, level, "rectangular pulse")
        return name

    def _level(self, name: str, channel: str, level: float, what: str) -> None:
        reference, index = self.reference[channel], self.channel[channel][1:]
        ratio = level / reference
        self.assignments.append(f'"{name}=plw{index}*pow({ratio:.9g},2)"')
        attenuation = -20 * np.log10(ratio)
        how = f"{abs(attenuation):.3f} dB {'more' if attenuation > 0 else 'less'} attenuation than plw{index}"
        about = f"{what} on {channel}, peak nutation {level:.6g} Hz: {how}"
        self.settings.append(Setting(name, f"plw{index} * {ratio**2:.9g}", "W", about))

    def _shape(self, burst: Burst, length: FloatArray, peak: FloatArray) -> str:
        level, time = single(peak, "amplitude"), single(length, "length")
        name, new = self.shaped.of(np.array(level), burst.channel.encode() + np.round(burst.envelope, 12).tobytes())
        if new:
            file = f"{self.sequence.name}-{name}.shp"
            title = f"{self.sequence.name}, shaped pulse {name} on {burst.channel}"
            flip = 2 * np.pi * level * time * float(abs(np.mean(burst.envelope)))
            self.shapes[file] = bruker_shape(burst.envelope, title=title, length=time, peak=level, flip=flip)
            self.settings.append(Setting(f"spnam{name[2:]}", file, "", f"shape file, {burst.envelope.size} rows"))
            self.settings.append(Setting(f"spoffs{name[2:]}", "0", "Hz", "the shape holds all of its phase"))
            self._level(f"spw{name[2:]}", burst.channel, level, "shaped pulse")
        return name

    def _phase(self, phase: FloatArray) -> str:
        steps = 1 if self.played.receiver is None else self.played.receiver.size
        values = np.mod(np.asarray(phase, dtype=float), 2 * np.pi)
        cycled = values.reshape(1, -1) if self.played.receiver is None else self._by_step(values, steps)
        if not np.allclose(np.exp(1j * cycled), np.exp(1j * cycled[:, :1]), rtol=0, atol=1e-9):
            raise ArgumentError("sequence", "one that sweeps the phase of a pulse", "bind phases to one value")
        each = cycled[:, 0]
        each = each[:1] if np.allclose(each, each[0], rtol=0, atol=1e-12) else each
        name, _ = self.phases.of(np.round(each, 9))
        self.phase_lists[name] = phase_list(each)
        return name

    def _by_step(self, values: FloatArray, steps: int) -> FloatArray:
        """Values by step of the phase cycle, which is the first of all leading axes where an array has it."""
        if values.ndim and values.shape[0] == steps:
            return values.reshape(steps, -1)
        return np.broadcast_to(values.reshape(1, -1), (steps, values.size))

    def _points(self, values: FloatArray) -> FloatArray:
        """Values over the swept points; a phase cycle changes no lengths. Raises ArgumentError where it does."""
        found = np.asarray(values, dtype=float)
        receiver = self.played.receiver
        if receiver is not None and found.ndim and found.shape[0] in (1, receiver.size):
            if not np.allclose(found, found[:1], rtol=1e-12, atol=0):
                raise ArgumentError("sequence", "one whose phase cycle changes a length", "cycle phases only")
            found = found[0]
        return found.ravel() if np.ptp(found) else found.ravel()[:1]

    def _length(self, name: str, length: FloatArray, what: str) -> Setting:
        if length.size > 1:
            return Setting(name, "", "us", f"{what}, swept", length)
        raster = self.sample.raster
        if raster is not None and abs(length[0] / raster - round(length[0] / raster)) > 1e-6:
            what += f"; off the raster of {raster * 1e9:g} ns"
        return Setting(name, f"{length[0] * 1e6:.4f}", "us", what)

    def _readout(self, readout: Readout) -> None:
        parts = []
        for flip, phase, name in zip(readout.flips, readout.phases, self.played.channels, strict=True):
            length = np.array(flip / (2 * np.pi * self.reference[name]))
            if flip:
                level = np.array(self.reference[name])
                parts.append(Burst(name, np.array(phase), np.ones(1, dtype=complex), level, length))
        if parts:
            self.lines.append(f"  {self._bursts(parts, 'centre')}  ; readout {readout.name}")

    def finished(self, readout: Readout | None) -> PulseProgram:
        receiver = np.zeros(1) if self.played.receiver is None else self.played.receiver
        if self.gradients:
            self.assignments += [f'"p16={_GRADIENT}"', f'"d16={_RECOVERY}"']
        name = self.sequence.name if readout is None else f"{self.sequence.name}-{file_name(readout.name)}"
        settings = [*self._acquisition(receiver.size), *self.settings, *(_CRUSHER if self.gradients else ())]
        told = (
            f";{s.name} : {one_line(s.what)}" + ("" if s.values is not None else f" [{f'{s.value} {s.unit}'.strip()}]")
            for s in settings
        )
        text = [
            f"; {name}",
            f"; {one_line(self.sequence.title)}",
            f"; written by nmrqb for the sample {self.sample.name}",
            "",
            *self._program(),
            "",
            *(f"{name}={phases}" for name, phases in self.phase_lists.items()),
            f"ph31={phase_list(receiver)}",
            "",
            *told,
        ]
        return PulseProgram(name, "\n".join(text) + "\n", dict(self.shapes), tuple(settings))

    def _program(self) -> list[str]:
        """The program proper, from its includes to its end."""
        levels = " ".join(f"pl{k}:f{k}" for k in range(1, len(self.channel) + 1))
        fixed = [s for s in self.settings if s.unit == "us" and s.values is None]
        return [
            "#include <Avance.incl>",
            *(["#include <Grad.incl>"] if self.gradients else []),
            "",
            '"d11=30m"',
            f'"d12={_SWITCH}"',
            *(f'"{s.name}={s.value.rstrip("0").rstrip(".")}u"' for s in fixed),
            *self.assignments,
            "",
            "1 ze",
            "2 d11",
            "  d1",
            f"  d12 {levels}",
            *(["  50u UNBLKGRAD"] if self.gradients else []),
            *self.lines,
            "  go=2 ph31",
            "  d11 mc #0 to 2 F0(zd)",
            "exit",
        ]

    def _acquisition(self, steps: int) -> list[Setting]:
        """What every program needs: scans, recycle delay, and nucleus, carrier and reference power of each channel."""
        made = [
            Setting("ns", str(steps), "", f"a multiple of {steps}, the steps of the phase cycle"),
            Setting("ds", "0", "", "dummy scans"),
            Setting("d1", self._recycle(), "s", "relaxation delay, five times the longest T1"),
        ]
        made += [Setting(f"nuc{index[1:]}", name, "", f"channel {index}") for name, index in self.channel.items()]
        for name, index in self.channel.items():
            spins = [k for k, isotope in enumerate(self.sample.spins) if isotope == name]
            where = ", ".join(f"spin {k} at {self.sample.offsets[k]:+g} Hz" for k in spins)
            made.append(Setting(f"o{index[1:]}", "calibrate", "Hz", f"{name}: carrier that has {where}"))
        for name, index in self.channel.items():
            width, nutation = self.sample.coil(name).pulse_90 * 1e6, self.reference[name]
            about = f"{name}: power at which a rectangular 90 deg pulse takes {width:g} us ({nutation:.6g} Hz)"
            made.append(Setting(f"plw{index[1:]}", "calibrate", "W", about))
        return made

    def _recycle(self) -> str:
        noise = self.sample.noise
        return "calibrate" if noise is None else f"{5 * max(noise.t1):g}"
