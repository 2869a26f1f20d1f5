"""Walks through the steps of a sequence on one sample, and collects slices, marks and every problem found on the way."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nmrqb import units
from nmrqb.checks import FloatArray
from nmrqb.errors import Problem
from nmrqb.files import MAX_PROBLEMS, nearest
from nmrqb.nmr import Sample
from nmrqb.sequence import Acquire, Block, Crush, Delay, Lock, Observe, Pulse, Repeat, Sequence, Shape, Together
from nmrqb.sequence.parameters import PHASES, DependencyError, Scope
from nmrqb.sequence.readers import step_values
from nmrqb.sequence.schema import Pulses
from nmrqb.sequence.validate import block_scope, block_sequence, leaning
from nmrqb.spin.operators import on_spin
from nmrqb.timeline import waveforms
from nmrqb.timeline.findings import Kind, Place
from nmrqb.timeline.segments import MAX_BLOCKS, MAX_WALK, OversizeError, Played, Segment, check_numbers, check_slices
from nmrqb.timeline.timeline import Mark
from nmrqb.timeline.waveforms import Waveform
from nmrqb.toml_lines import Key
from nmrqb.units import ExpressionError

#: A channel, its waveform, and that one's largest nutation frequency in Hz, for each channel of a pulse.
Waves = list[tuple[str, Waveform, float]]


@dataclass
class Builder:
    """The state of one walk. `segments`, `marks` and `problems` are its outcome.

    A segment of a repeat stands in `segments` once for each round, the same object each time. acquired: the place of each
    acquisition, and the number of segments before it. done: slices so far.
    """

    sequence: Sequence
    sample: Sample
    quantities: Mapping[str, units.Quantity]
    pulses: Pulses
    rf_scale: FloatArray
    problems: list[Problem] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    acquired: list[tuple[Place, int]] = field(default_factory=list)
    done: int = 0
    # of each pulse in each scope, for sequences repeat their pulses; the scope is kept, for its id is the key
    waves: dict[tuple[int, Any], tuple[Scope, Waves]] = field(default_factory=dict)
    numbers: int = 0  # in all arrays of segments so far
    steps: int = 0  # gone through so far

    def build(self) -> None:
        """Go through all steps, until problems or slices become too many."""
        scope, leans = self.sequence.scope(self.quantities), leaning(self.sequence)
        try:
            for index, step in enumerate(self.sequence.steps):
                _Walk(self, self.sequence, scope, index, leans).step(("steps", index), step)
        except OversizeError as error:
            self.problems.append(error.finding)

    def receiver(self) -> FloatArray | None:
        """Phase of the receiver in each step of the phase cycle in rad, (C,), or None without a cycle."""
        if not self.sequence.cycle:
            return None
        count = len(next(iter(self.sequence.cycle.values())))
        return np.array([PHASES[text.strip()] for text in self.sequence.cycle.get("receiver", ("x",) * count)])

    @property
    def axes_after_cycle(self) -> int:
        """Leading axes behind that of the phase cycle."""
        bound = self.sequence.bound
        lists = sum(not isinstance(v, str) and name not in bound for name, v in self.sequence.parameters.items())
        return lists + max((np.ndim(v) for v in bound.values() if not isinstance(v, str)), default=0)

    def written(self, shape: tuple[int, ...]) -> int:
        """Points of a shape that stand in the file (lists, phase cycle), and not in arrays bound from Python."""
        inner = max((np.ndim(v) for v in self.sequence.bound.values() if not isinstance(v, str)), default=0)
        return math.prod(shape[: max(len(shape) - inner, 0)])


@dataclass(frozen=True)
class _Walk:
    """One sequence (the outer one, or a block in it) on the way through its steps; `event` is the outer step."""

    builder: Builder
    sequence: Sequence
    scope: Scope
    event: int
    leaning: frozenset[str]  # names whose values take the sample's quantities
    inside: tuple[Key, ...] = ()  # where the block stands in the outer sequence

    def step(self, key: Key, step: Any) -> None:
        builder, sample = self.builder, self.builder.sample
        builder.steps += 1
        if builder.steps > MAX_WALK:
            message = f"found more than {MAX_WALK} steps, with those of blocks"
            raise OversizeError(self._place(key).finding("slices", (), message, "a repeat makes many of few"))
        match step:
            case Delay():
                if (values := self._values(key, step)) is not None:
                    self._add(key, {}, np.asarray(values["delay"])[..., None], computed=self._leans(step.delay))
            case Pulse() | Lock():
                self._pulses([(key, step)], "centre")
            case Together():
                self._pulses([((*key, "together", i), part) for i, part in enumerate(step.together)], step.align)
            case Crush():
                builder.marks.append(Mark("crush", builder.done, groups=sample.groups))
            case Observe() if not self.inside:
                builder.marks.append(Mark("observe", builder.done, step.observe))
            case Acquire() if not self.inside:
                self._acquire(key, step)
            case Repeat():
                self._repeat(key, step)
            case Block():
                self._block(key, step)

    def _repeat(self, key: Key, step: Repeat) -> None:
        """Go through the steps once, and take what they made for each round: all rounds are alike."""
        builder = self.builder
        segments, marks, done = len(builder.segments), len(builder.marks), builder.done
        for index, inner in enumerate(step.steps):
            self.step((*key, "steps", index), inner)
        slices, crushers = builder.done - done, builder.marks[marks:]
        if builder.problems:
            return
        total = step.repeat * max(slices, len(crushers), len(builder.segments) - segments)
        check_slices(self._place(key), total)
        builder.segments += builder.segments[segments:] * (step.repeat - 1)
        builder.done += slices * (step.repeat - 1)
        for k in range(1, step.repeat):
            builder.marks += [replace(mark, after=mark.after + k * slices) for mark in crushers]

    def _block(self, key: Key, step: Block) -> None:
        if len(self.inside) >= MAX_BLOCKS:
            self._refuse(key, f"found blocks more than {MAX_BLOCKS} deep in each other", kind="block")
            return
        inner = block_sequence(step.block)
        try:
            scope = block_scope(step, inner, self.scope)
        except ExpressionError as error:
            self._refuse((*key, "with"), f"{error} (sample {self.builder.sample.name!r})")
            return
        # stand-ins with the same leaning as what `with` gives, whose names mean nothing inside
        given = {name: "coupling" if self._leans(text) else "1" for name, text in step.with_.items()}
        leans = leaning(replace(inner, bound=given))
        walk = replace(self, sequence=inner, scope=scope, leaning=leans, inside=(*self.inside, key))
        for index, each in enumerate(inner.steps):
            walk.step(("steps", index), each)

    def _acquire(self, key: Key, step: Acquire) -> None:
        groups = self._spins(key, None if step.on is None else (step.on,))
        if groups is not None and step.on is None and len(groups) > 1:
            allowed = f"on = one of {', '.join(self._channels())}"
            self._refuse((*key, "acquire"), "found several kinds of spin", allowed, kind="channel")
        elif groups is not None:
            self.builder.acquired.append((self._place(key), len(self.builder.segments)))
            self.builder.marks.append(Mark("acquire", self.builder.done, step.acquire, groups=groups))

    def _values(self, key: Key, step: Any) -> dict[str, Any] | None:
        values = {}
        for part, (text, read) in step_values(step).items():
            try:
                values[part] = read(self.scope, text)
            except DependencyError:  # what it comes from has been told
                return None
            except ExpressionError as error:
                self._refuse((*key, part), f"{error} (sample {self.builder.sample.name!r})")
                return None
        return values

    def _pulses(self, parts: list[tuple[Key, Pulse | Lock]], align: str) -> None:
        key = parts[0][0] if len(parts) == 1 else parts[0][0][:-2]
        made = [self._played(part, step) for part, step in parts]
        if any(each is None for each in made):
            return
        played = tuple(p for each in made for p in each or ())
        all_ = [p.wave for p in played]
        ideal = [w.is_ideal for w in all_]
        if any(ideal) and not all(ideal):
            allowed = "a duration or an rf for the others, or finite pulses throughout"
            self._refuse(key, "found pulses with and without a length at the same time", allowed, kind="length")
            return
        numbers = sum(w.rotation.shape[-1] for w in all_) * self.builder.written(waveforms.leading(all_)) * len(all_)
        check_numbers(self._place(key), numbers)
        rotations, durations = waveforms.merged(all_, align)
        rotation: dict[str, FloatArray] = {}
        n, scale = self.builder.sample.n, 0.5 * self.builder.rf_scale[..., None]
        for w, angles in zip(all_, rotations, strict=True):
            for k in w.spins:
                rotation[on_spin(n, k, "X")] = scale * angles.real
                rotation[on_spin(n, k, "Y")] = scale * angles.imag
        self._add(key, rotation, durations, played, align=align)

    def _played(self, key: Key, step: Pulse | Lock) -> list[Played] | None:
        """One waveform for each channel of a pulse; None where something is wrong with it."""
        known = self.builder.waves.get((id(self.scope), step))
        waves = self._waves(key, step) if known is None else known[1]
        if waves is None:
            return None
        self.builder.waves[id(self.scope), step] = (self.scope, waves)
        keys = step_values(step)
        part = next(k for k in ("duration", "rf", "pulse", "lock") if k in keys)
        computed = part != "duration" or self._leans(step.duration or "")
        for channel, _, peak in waves:
            self._check_limit(key, keys, channel, peak)
        return [Played(self._place(key), part, channel, wave, computed) for channel, wave, _ in waves]

    def _waves(self, key: Key, step: Pulse | Lock) -> Waves | None:
        values, groups = self._values(key, step), self._spins(key, step.on)
        if values is None or groups is None:
            return None
        shape = self.sequence.shape(step.shape) if step.shape else Shape("rectangular", 1)
        shapes = [np.shape(value) for value in values.values()]
        try:
            points = self.builder.written(np.broadcast_shapes(*shapes))
        except ValueError:
            self._refuse(
                key, f"found values of shapes {sorted(set(shapes))}", "arrays that broadcast against each other"
            )
            return None
        check_numbers(self._place(key), points * shape.points)
        made = []
        for spins in groups:
            channel = self.builder.sample.spins[spins[0]]
            wave = self._wave(step, values, shape, spins)
            made.append((channel, wave, float(np.max(wave.peak, initial=0.0))))
        return made

    def _wave(self, step: Pulse | Lock, values: dict[str, Any], shape: Shape, spins: tuple[int, ...]) -> Waveform:
        envelope = shape.envelope()
        if isinstance(step, Lock):
            return waveforms.from_amplitude(spins, values["lock"], values["phase"], envelope, values["duration"])
        length = self._length(values, shape, self.builder.sample.coil(self.builder.sample.spins[spins[0]]).pulse_90)
        return waveforms.from_flip(spins, values["pulse"], values["phase"], envelope, length)

    def _check_limit(self, key: Key, keys: Collection[str], channel: str, peak: float) -> None:
        limit = self.builder.sample.coil(channel).limit
        if peak <= limit * (1 + 1e-9):
            return
        part = next(k for k in ("rf", "lock", "duration", "pulse") if k in keys)
        found = f"{peak / 1e3:.6g} kHz" if np.isfinite(peak) else "infinite"
        allowed = f"at most {limit / 1e3:g} kHz, the RF limit of sample {self.builder.sample.name!r}"
        self._refuse((*key, part), f"found a pulse of {found} nutation frequency", allowed, kind="rf limit")

    def _length(self, values: dict[str, Any], shape: Shape, pulse_90: float) -> FloatArray:
        """How long a pulse given by its flip angle lasts, in s."""
        if "duration" in values:
            # a rotation in no time takes infinite RF: only a pulse that does not rotate may last for nothing
            none = (np.asarray(values["duration"]) == 0) & (np.asarray(values["pulse"]) != 0)
            return np.where(none, np.finfo(float).tiny, values["duration"])
        if "rf" in values or self.builder.pulses == "finite":
            rf = values.get("rf", 1 / (4 * pulse_90))
            return np.asarray(np.abs(values["pulse"]) / (2 * np.pi * rf * shape.area()))
        return np.zeros(np.shape(values["pulse"]))

    def _spins(self, key: Key, channels: tuple[str, ...] | None) -> tuple[tuple[int, ...], ...] | None:
        """The spins of each channel named; all groups where none is."""
        sample = self.builder.sample
        if channels is None:
            return sample.groups
        for name in channels:
            if name not in self._channels():
                message = f"the sample {sample.name!r} has no channel {name!r}"
                self._refuse((*key, "on"), message, nearest(name, self._channels()), kind="channel")
                return None
        return tuple(group for group in sample.groups if sample.spins[group[0]] in channels)

    def _channels(self) -> list[str]:
        return list(dict.fromkeys(self.builder.sample.spins))

    def _leans(self, text: str) -> bool:
        return bool(units.names_in(text) & self.leaning)

    def _add(
        self,
        key: Key,
        rotation: dict[str, FloatArray],
        durations: FloatArray,
        played: tuple[Played, ...] = (),
        *,
        computed: bool = False,
        align: str = "centre",
    ) -> None:
        segment = Segment(rotation, durations, self.event, self._place(key), played, computed, align)
        builder = self.builder
        builder.segments.append(segment)
        builder.done += segment.slices
        check_slices(segment.place, builder.done)
        arrays = (durations, *rotation.values())
        builder.numbers += segment.slices * sum(builder.written(np.shape(array)[:-1]) for array in arrays)
        check_numbers(segment.place, builder.numbers)

    def _place(self, key: Key) -> Place:
        if self.inside:
            return Place(self.builder.sequence, self.inside[0], self.sequence.name)
        return Place(self.sequence, key)

    def _refuse(self, key: Key, message: str, allowed: str = "", kind: Kind = "value") -> None:
        finding = self._place(key).finding(kind, (), message, allowed)
        if len(self.builder.problems) >= MAX_PROBLEMS:
            raise OversizeError(
                self._place(()).finding(kind, (), "there may be more problems in the steps that follow")
            )
        self.builder.problems.append(finding)
