"""Walks through the steps of a sequence on one sample, and collects slices, marks and every problem found on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nmrqb import units
from nmrqb.checks import FloatArray
from nmrqb.errors import Problem
from nmrqb.files import nearest
from nmrqb.nmr import Sample
from nmrqb.sequence import Acquire, Block, Crush, Delay, Lock, Observe, Pulse, Repeat, Sequence, Shape, Together
from nmrqb.sequence.parameters import PHASES, Scope
from nmrqb.sequence.readers import step_values
from nmrqb.sequence.schema import Pulses
from nmrqb.sequence.validate import block_scope, block_sequence
from nmrqb.spin.operators import on_spin
from nmrqb.timeline import waveforms
from nmrqb.timeline.timeline import Mark
from nmrqb.timeline.waveforms import Waveform
from nmrqb.toml_lines import Key
from nmrqb.units import ExpressionError


@dataclass(frozen=True)
class Segment:
    """Slices of one event: rotation on each single-spin label (..., n) in rad, durations (..., n) in s."""

    rotation: Mapping[str, FloatArray]
    durations: FloatArray
    event: int

    @property
    def slices(self) -> int:
        """Number of slices n."""
        return int(self.durations.shape[-1])


@dataclass
class Builder:
    """The state of one walk. `segments`, `marks` and `problems` are its outcome."""

    sequence: Sequence
    sample: Sample
    quantities: Mapping[str, units.Quantity]
    pulses: Pulses
    rf_scale: FloatArray
    problems: list[Problem] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def build(self) -> None:
        """Go through all steps."""
        scope = self.sequence.scope(self.quantities)
        for index, step in enumerate(self.sequence.steps):
            _Walk(self, self.sequence, scope, index).step(("steps", index), step)

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

    @property
    def done(self) -> int:
        """Slices so far."""
        return sum(segment.slices for segment in self.segments)


@dataclass(frozen=True)
class _Walk:
    """One sequence (the outer one, or a block in it) on the way through its steps; `event` is the outer step."""

    builder: Builder
    sequence: Sequence
    scope: Scope
    event: int
    inside: tuple[Key, ...] = ()  # where the block stands in the outer sequence

    def step(self, key: Key, step: Any) -> None:
        builder, sample = self.builder, self.builder.sample
        match step:
            case Delay():
                if (values := self._values(key, step)) is not None:
                    self._add({}, np.asarray(values["delay"])[..., None])
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
                for _ in range(step.repeat):
                    for index, inner in enumerate(step.steps):
                        self.step((*key, "steps", index), inner)
                    if builder.problems:  # the next round would tell the same again
                        return
            case Block():
                self._block(key, step)

    def _block(self, key: Key, step: Block) -> None:
        inner = block_sequence(step.block)
        try:
            scope = block_scope(step, inner, self.scope)
        except ExpressionError as error:
            self._refuse((*key, "with"), f"{error} (sample {self.builder.sample.name!r})")
            return
        walk = replace(self, sequence=inner, scope=scope, inside=(*self.inside, key))
        for index, each in enumerate(inner.steps):
            walk.step(("steps", index), each)

    def _acquire(self, key: Key, step: Acquire) -> None:
        groups = self._spins(key, None if step.on is None else (step.on,))
        if groups is not None and step.on is None and len(groups) > 1:
            self._refuse((*key, "acquire"), "found several kinds of spin", f"on = one of {', '.join(self._channels())}")
        elif groups is not None:
            self.builder.marks.append(Mark("acquire", self.builder.done, step.acquire, groups=groups))

    def _values(self, key: Key, step: Any) -> dict[str, Any] | None:
        values = {}
        for part, (text, read) in step_values(step).items():
            try:
                values[part] = read(self.scope, text)
            except ExpressionError as error:
                self._refuse((*key, part), f"{error} (sample {self.builder.sample.name!r})")
                return None
        return values

    def _pulses(self, parts: list[tuple[Key, Pulse | Lock]], align: str) -> None:
        made = [self._waveforms(key, step) for key, step in parts]
        if any(each is None for each in made):
            return
        all_ = [w for each in made for w in each or ()]
        ideal = [w.is_ideal for w in all_]
        if any(ideal) and not all(ideal):
            allowed = "a duration or an rf for the others, or finite pulses throughout"
            self._refuse(parts[0][0][:-2], "found pulses with and without a length at the same time", allowed)
            return
        rotations, durations = waveforms.merged(all_, align)
        rotation: dict[str, FloatArray] = {}
        n, scale = self.builder.sample.n, 0.5 * self.builder.rf_scale[..., None]
        for w, angles in zip(all_, rotations, strict=True):
            for k in w.spins:
                rotation[on_spin(n, k, "X")] = scale * angles.real
                rotation[on_spin(n, k, "Y")] = scale * angles.imag
        self._add(rotation, durations)

    def _waveforms(self, key: Key, step: Pulse | Lock) -> list[Waveform] | None:
        """One waveform for each channel of a pulse; None where something is wrong with it."""
        values, groups = self._values(key, step), self._spins(key, step.on)
        if values is None or groups is None:
            return None
        shape = self.sequence.shape(step.shape) if step.shape else Shape("rectangular", 1)
        made = []
        for spins in groups:
            coil = self.builder.sample.coil(self.builder.sample.spins[spins[0]])
            if isinstance(step, Lock):
                wave = waveforms.from_amplitude(
                    spins, values["lock"], values["phase"], shape.envelope(), values["duration"]
                )
            else:
                length = self._length(values, shape, coil.pulse_90)
                wave = waveforms.from_flip(spins, values["pulse"], values["phase"], shape.envelope(), length)
            if np.any(wave.peak > coil.limit * (1 + 1e-9)):
                part = next(k for k in ("rf", "lock", "duration", "pulse") if k in values)
                peak = float(np.max(wave.peak))
                found = f"{peak / 1e3:.6g} kHz" if np.isfinite(peak) else "infinite"
                allowed = f"at most {coil.limit / 1e3:g} kHz, the RF limit of sample {self.builder.sample.name!r}"
                self._refuse((*key, part), f"found a pulse of {found} nutation frequency", allowed)
                return None
            made.append(wave)
        return made

    def _length(self, values: dict[str, Any], shape: Shape, pulse_90: float) -> FloatArray:
        """How long a pulse given by its flip angle lasts, in s."""
        if "duration" in values:
            return np.asarray(values["duration"])
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
                self._refuse((*key, "on"), message, nearest(name, self._channels()))
                return None
        return tuple(group for group in sample.groups if sample.spins[group[0]] in channels)

    def _channels(self) -> list[str]:
        return list(dict.fromkeys(self.builder.sample.spins))

    def _add(self, rotation: dict[str, FloatArray], durations: FloatArray) -> None:
        self.builder.segments.append(Segment(rotation, durations, self.event))

    def _refuse(self, key: Key, message: str, allowed: str = "") -> None:
        if self.inside:
            message = f"in block {self.sequence.name!r}: {message}"
            key, sequence = self.inside[0], self.builder.sequence
        else:
            sequence = self.sequence
        self.builder.problems.append(sequence.problem(key, message, allowed))
