"""From a sequence and a sample to a Timeline: the one place where a sequence is interpreted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks, units
from nmrqb.checks import FloatArray
from nmrqb.errors import InputError, Problem
from nmrqb.nmr import Sample
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Crush, Delay, Observe, Pulse, Sequence
from nmrqb.sequence.parameters import Scope
from nmrqb.sequence.sequence import Pulses, Reader, step_values
from nmrqb.spin.operators import on_spin
from nmrqb.timeline.timeline import Mark, Timeline
from nmrqb.units import FREQUENCY, TIME, ExpressionError


def schedule(
    sequence: Sequence,
    sample: Sample,
    *,
    pulses: Pulses | None = None,
    noise: bool = False,
    rf_scale: ArrayLike = 1.0,
    ensemble: Ensemble | None = None,
) -> Timeline:
    """The Timeline of a sequence on a sample.

    pulses: "ideal" or "finite", over what the sequence says. noise: whether the sample's noise acts during timed slices.
    rf_scale: actual over nominal RF amplitude; an array becomes leading axes, broadcast with those of bound parameters.
    ensemble: members of the sample that differ in RF amplitude, offset or coupling; the timeline carries them factored.
    Raises InputError (with file and line) for values the sample cannot take: a negative time, a pulse beyond the RF limit,
    noise asked of a sample without any. Raises ArgumentError for an rf_scale that is not finite or is negative.
    """
    builder = _Builder(sequence, sample, pulses or sequence.pulses, checks.non_negative("rf_scale", rf_scale))
    for index, step in enumerate(sequence.steps):
        builder.add(index, step)
    if noise and sample.noise is None:
        builder.problems.append(
            Problem(
                "noise is asked for", file=f"sample {sample.name!r}", key="relaxation", allowed="a table with T1 and T2"
            )
        )
    if builder.problems:
        raise InputError(tuple(builder.problems))
    return builder.timeline(noise=noise, ensemble=ensemble)


def sample_quantities(sample: Sample) -> Mapping[str, units.Quantity]:
    """What a sample lends to the arithmetic of a sequence."""
    names = {
        "coupling": units.quantity(sample.coupling, FREQUENCY),
        "pulse_90": units.quantity(sample.pulse_90, TIME),
        "rf_limit": units.quantity(sample.rf_limit, FREQUENCY),
    }
    if sample.noise:
        names |= {"T1": units.quantity(sample.noise.t1[0], TIME), "T2": units.quantity(sample.noise.t2[0], TIME)}
    return names


@dataclass
class _Builder:
    sequence: Sequence
    sample: Sample
    pulses: Pulses
    rf_scale: FloatArray
    problems: list[Problem] = field(default_factory=list)
    slices: list[tuple[dict[str, FloatArray], FloatArray, int]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scope: Scope = self.sequence.scope(sample_quantities(self.sample))
        labels, coefficients = self.sample.terms()
        self.drift = dict(zip(labels, coefficients, strict=True))

    def add(self, index: int, step: Any) -> None:
        values = {key: self._read(index, key, text, read) for key, (text, read) in step_values(step).items()}
        if any(value is None for value in values.values()):
            return
        match step:
            case Delay():
                self._slice(index, {}, values["delay"])
            case Pulse():
                self._pulse(index, values)
            case Crush():
                self.marks.append(Mark("crush", len(self.slices), groups=self.sample.groups))
            case Observe():
                self.marks.append(Mark("observe", len(self.slices), step.observe))

    def _read(self, index: int, key: str, text: str, read: Reader) -> Any:
        try:
            return read(self.scope, text)
        except ExpressionError as error:
            self.problems.append(self.sequence.problem(("steps", index, key), f"{error} (sample {self.sample.name!r})"))
            return None

    def _pulse(self, index: int, values: dict[str, Any]) -> None:
        angle, phase = values["pulse"], values["phase"]
        rf, duration = self._amplitude(index, values)
        if np.any(rf > self.sample.rf_limit * (1 + 1e-9)):
            key = next(k for k in ("rf", "duration", "pulse") if k in values)
            message = f"found a pulse of {np.max(rf) / 1e3:.6g} kHz nutation frequency"
            allowed = f"at most {self.sample.rf_limit / 1e3:g} kHz, the RF limit of sample {self.sample.name!r}"
            self.problems.append(self.sequence.problem(("steps", index, key), message, allowed))
            return
        half = 0.5 * self.rf_scale * angle
        rotation = {}
        for k in range(self.sample.n):
            rotation[on_spin(self.sample.n, k, "X")] = half * np.cos(phase)
            rotation[on_spin(self.sample.n, k, "Y")] = half * np.sin(phase)
        self._slice(index, rotation, duration)

    def _amplitude(self, index: int, values: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Nutation frequency (Hz) and length (s) of a pulse; an ideal one has neither."""
        angle = np.abs(values["pulse"])
        if "duration" in values:
            if "rf" in values:
                message = "found both a duration and an rf"
                self.problems.append(
                    self.sequence.problem(("steps", index, "rf"), message, "one of the two: each gives the other")
                )
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(angle == 0, 0.0, angle / (2 * np.pi * values["duration"])), values["duration"]
        if "rf" in values or self.pulses == "finite":
            rf = values.get("rf", np.array(1 / (4 * self.sample.pulse_90)))
            return rf, angle / (2 * np.pi * rf)
        return np.zeros(()), np.zeros(np.shape(angle))

    def _slice(self, index: int, rotation: dict[str, FloatArray], duration: FloatArray) -> None:
        angles = {label: coefficient * duration for label, coefficient in self.drift.items()}
        for label, value in rotation.items():
            angles[label] = angles.get(label, 0.0) + value
        self.slices.append((angles, duration, index))

    def timeline(self, *, noise: bool, ensemble: Ensemble | None = None) -> Timeline:
        used = [*self.drift, *(label for angles, _, _ in self.slices for label in angles)]
        labels = tuple(dict.fromkeys(used)) or ("I" * self.sample.n,)
        shapes = [np.shape(a) for angles, duration, _ in self.slices for a in (*angles.values(), duration)]
        try:
            lead = np.broadcast_shapes(*shapes) if shapes else ()
        except ValueError:
            found = f"found parameters of shapes {sorted({s for s in shapes if s})}"
            raise InputError(
                (
                    Problem(
                        found,
                        file=f"sequence {self.sequence.name!r}",
                        allowed="arrays that broadcast against each other",
                    ),
                )
            ) from None
        angles = np.zeros((*lead, len(self.slices), len(labels)))
        durations = np.zeros((*lead, len(self.slices)))
        for s, (terms, duration, _) in enumerate(self.slices):
            durations[..., s] = duration
            for label, value in terms.items():
                angles[..., s, labels.index(label)] = value
        events = tuple(event for _, _, event in self.slices)
        return Timeline(
            labels,
            angles,
            durations,
            tuple(self.marks),
            events,
            noise=self.sample.noise if noise else None,
            drift=np.array([self.drift.get(label, 0.0) for label in labels]),
            groups=self.sample.groups,
            ensemble=ensemble,
        )
