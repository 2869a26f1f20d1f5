"""Bruker pulse programs: a sequence on a sample as text that TopSpin compiles, its shape files, and what has to be set."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.export.folding import Loop, folded
from nmrqb.export.played import single
from nmrqb.export.shapes import bruker_shape
from nmrqb.nmr import Sample
from nmrqb.sequence import Sequence
from nmrqb.timeline.program import Burst, Item, Program, program
from nmrqb.tomography.readouts import Readout

#: How many phase lists and lengths TopSpin has names for.
MAX_PHASES, MAX_NAMES = 32, 64
#: Names that mean something by custom: gradient pulse, relaxation delay, disk, power switching, gradient recovery.
_TAKEN_PULSES, _TAKEN_DELAYS = frozenset({0, 16}), frozenset({0, 1, 11, 12, 16})
_GRADIENT, _RECOVERY, _SWITCH = "1m", "200u", "20u"
#: Steps into which TopSpin divides the circle for phases that are no whole degrees.
_FINE = 65536


@dataclass(frozen=True)
class Setting:
    """One parameter of the console: its name, value and unit, and what it is for. values: (points,) where it is swept."""

    name: str
    value: str
    unit: str
    what: str
    values: FloatArray | None = None


@dataclass(frozen=True)
class PulseProgram:
    """Text of the pulse program, shape files by name, and the settings that belong to it."""

    name: str
    text: str
    shapes: Mapping[str, str]
    settings: tuple[Setting, ...]

    def sheet(self) -> str:
        """The settings as a CSV table; where lengths are swept, `sweep` has a column for each of them."""
        rows = [(s.name, "swept" if s.values is not None else s.value, s.unit, s.what) for s in self.settings]
        return "".join(",".join(_quoted(cell) for cell in row) + "\n" for row in [_HEADER, *rows])

    def sweep(self) -> str:
        """Swept lengths in us, one row for each point, as a CSV table; "" where nothing is swept."""
        swept = [s for s in self.settings if s.values is not None]
        if not swept:
            return ""
        columns = [np.asarray(s.values) for s in swept]
        rows = [",".join(f"{column[k] * 1e6:.4f}" for column in columns) for k in range(columns[0].size)]
        return "\n".join([",".join(f"{s.name}_us" for s in swept), *rows]) + "\n"


_HEADER = ("parameter", "value", "unit", "meaning")


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


@dataclass
class _Names:
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
            allowed = f"use at most {self.most - len(self.taken)} different values of {self.letter}"
            raise ArgumentError("sequence", f"one that needs more {self.letter} than TopSpin has", allowed)
        self.known[about] = f"{self.letter}{free[0]}"
        return self.known[about], True


class _Writer:
    """Goes through the items once and collects lines, parameters and shapes."""

    def __init__(self, sequence: Sequence, sample: Sample, played: Program, mark: str) -> None:
        self.sequence, self.sample, self.played, self.mark = sequence, sample, played, mark
        stop = next(item for item in played.items if item.name == mark and item.kind in ("observe", "acquire"))
        detected = stop.channel or played.channels[0]  # TopSpin records on channel f1
        order = sorted(played.channels, key=lambda name: name != detected)
        self.channel = {name: f"f{k}" for k, name in enumerate(order, start=1)}
        self.reference = {name: 1 / (4 * sample.coil(name).pulse_90) for name in played.channels}
        self.pulses = _Names("p", _TAKEN_PULSES, MAX_NAMES)
        self.delays = _Names("d", _TAKEN_DELAYS, MAX_NAMES)
        self.phases = _Names("ph", frozenset({31}), MAX_PHASES)
        self.powers = _Names("pl", frozenset(range(len(played.channels) + 1)), MAX_NAMES)
        self.shaped = _Names("sp", frozenset({0}), MAX_NAMES)
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
        self._items(folded(items[:end], lambda item: item.key))
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
            self.lines.append("  4u BLKGRAD")
        else:
            self.lines[last] = "  d16 BLKGRAD"

    def _items(self, items: Rows[Item | Loop[Item]]) -> None:
        for item in items:
            if isinstance(item, Loop):
                self._loop(item)
            else:
                self._item(item)

    def _loop(self, loop: Loop[Item]) -> None:
        self.loops += 1
        label, name = 10 + self.loops, f"l{self.loops}"
        self.assignments.append(f'"{name}={loop.times}"')
        first = len(self.lines)
        self._items(loop.items)
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
        if not np.any(length):
            return
        name, new = self.delays.of(length)
        if new:
            self.settings.append(self._length(name, length, f"delay of step {item.step + 1}"))
        self.lines.append(f"  {name}")

    def _bursts(self, bursts: Rows[Burst], align: str) -> str:
        groups = [self._burst(burst) for burst in bursts if np.any(self._points(burst.length))]
        if len(groups) < 2:
            return groups[0] if groups else "; a pulse that flips by nothing"
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
        steps = receiver.size
        levels = " ".join(f"pl{k}:f{k}" for k in range(1, len(self.channel) + 1))
        references = [
            Setting(
                f"plw{index[1:]}",
                "calibrate",
                "W",
                f"{name}: power at which a rectangular 90 deg pulse takes {self.sample.coil(name).pulse_90 * 1e6:g} us "
                f"({self.reference[name]:.6g} Hz)",
            )
            for name, index in self.channel.items()
        ]
        settings = [
            Setting("ns", str(steps), "", f"a multiple of {steps}, the steps of the phase cycle"),
            Setting("ds", "0", "", "dummy scans"),
            Setting("d1", self._recycle(), "s", "relaxation delay, five times the longest T1"),
            *(Setting(f"nuc{index[1:]}", name, "", f"channel {index}") for name, index in self.channel.items()),
            *references,
            *self.settings,
        ]
        if self.gradients:
            self.assignments += [f'"p16={_GRADIENT}"', f'"d16={_RECOVERY}"']
            settings += [
                Setting(
                    "gpz1", "calibrate", "%", "crusher gradient, strong enough to dephase; it keeps coherence order 0"
                ),
                Setting("p16", "1000", "us", "length of the crusher; couplings act meanwhile, which is not simulated"),
                Setting("d16", "200", "us", "recovery after the crusher"),
            ]
        name = self.sequence.name if readout is None else f"{self.sequence.name}-{_file_name(readout.name)}"
        fixed = [s for s in self.settings if s.unit == "us" and s.values is None]
        lengths = [f'"{s.name}={s.value.rstrip("0").rstrip(".")}u"' for s in fixed]
        head = [
            f"; {name}",
            f"; {_ascii(self.sequence.title)}",
            f"; written by nmrqb for the sample {self.sample.name}",
        ]
        body = [
            "#include <Avance.incl>",
            *(["#include <Grad.incl>"] if self.gradients else []),
            "",
            '"d11=30m"',
            f'"d12={_SWITCH}"',
            *lengths,
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
            "",
            *(f"{name}={text}" for name, text in self.phase_lists.items()),
            f"ph31={phase_list(receiver)}",
            "",
            *(
                f";{s.name} : {_ascii(s.what)}{'' if s.values is not None else f' [{s.value} {s.unit}]'}"
                for s in settings
            ),
        ]
        return PulseProgram(name, "\n".join([*head, "", *body]) + "\n", dict(self.shapes), tuple(settings))

    def _recycle(self) -> str:
        noise = self.sample.noise
        return "calibrate" if noise is None else f"{5 * max(noise.t1):g}"


def phase_list(phases: FloatArray) -> str:
    """Phases in rad as TopSpin writes them: quarter turns, whole degrees, or steps of 360/65536 degrees."""
    degrees = np.mod(np.degrees(np.asarray(phases, dtype=float)), 360)
    for unit, prefix in ((90.0, ""), (1.0, "(360) "), (360 / _FINE, f"({_FINE}) ")):
        counts = degrees / unit
        if prefix.startswith(f"({_FINE}") or np.allclose(counts, np.round(counts), rtol=0, atol=1e-7):
            turn = round(360 / unit)
            return prefix + " ".join(str(int(c)) for c in np.mod(np.round(counts), turn))
    raise AssertionError("the finest unit takes all")


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)


def _ascii(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "replace").decode()


def _quoted(cell: str) -> str:
    return f'"{cell}"' if any(c in cell for c in ',"\n') else cell
