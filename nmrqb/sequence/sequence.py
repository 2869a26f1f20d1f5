"""A pulse sequence: events and parameters, read from a file and bound to values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nmrqb import files, units
from nmrqb.errors import InputError, Problem
from nmrqb.files import Document
from nmrqb.sequence.events import Delay, Event, Observe, Pulse
from nmrqb.sequence.parameters import DependencyError, Scope, Value, check_name
from nmrqb.toml_lines import Key
from nmrqb.units import ANGLE, FREQUENCY, TIME, ExpressionError

Pulses = Literal["ideal", "finite"]

#: Quantities that any sample lends to a sequence's arithmetic.
SAMPLE_NAMES = {"coupling": FREQUENCY, "pulse_90": TIME, "rf_limit": FREQUENCY, "T1": TIME, "T2": TIME}


class SequenceFile(BaseModel):
    """A sequence file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    note: str = ""
    pulses: Pulses = "ideal"
    steps: list[Event] = Field(min_length=1, max_length=10_000)
    parameters: dict[str, str] = {}


@dataclass(frozen=True)
class Sequence:
    """Events in order, with the defaults of their parameters and what was bound over them.

    pulses: whether pulses without a length of their own are "ideal" (zero-length rotations) or "finite" (they take the
    time the sample's coil needs, with every coupling left on). This is the one switch between the two.
    """

    name: str
    title: str
    steps: tuple[Any, ...]
    parameters: Mapping[str, str]
    pulses: Pulses = "ideal"
    bound: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""
    document: Document = field(default_factory=lambda: Document("", {}, {}), repr=False, compare=False)

    @classmethod
    def load(cls, name: str | Path) -> Sequence:
        """A sequence of the library by name, or a file by path. Raises InputError with file, line and key."""
        path = files.find("sequence", name, files.library("sequences"))
        return cls.parse(files.load_document(path, str(name)), path.stem)

    @classmethod
    def parse(cls, document: Document, name: str) -> Sequence:
        """A sequence from a document, checked as far as it can be without a sample. Raises InputError."""
        table = files.validate(SequenceFile, document)
        sequence = cls(
            name=name,
            title=table.title,
            note=table.note,
            steps=tuple(table.steps),
            parameters=dict(table.parameters),
            pulses=table.pulses,
            document=document,
        )
        problems = sequence.problems()
        if problems:
            raise InputError(problems)
        return sequence

    def bind(self, **parameters: Value) -> Sequence:
        """The sequence with parameters replaced: text as in a file, or numbers or arrays in s, Hz or rad.

        Arrays become leading axes of whatever follows; several arrays broadcast. Raises InputError for a name the sequence
        does not have or a value of the wrong kind.
        """
        for name in parameters:
            if name not in self.parameters:
                hint = files.nearest(name, self.parameters) if self.parameters else "it has no parameters"
                raise InputError((Problem(f"the sequence {self.name!r} has no parameter {name!r}", allowed=hint),))
        bound = replace(self, bound={**self.bound, **parameters})
        problems = bound.problems()
        if problems:
            raise InputError(problems)
        return bound

    def with_pulses(self, pulses: Pulses) -> Sequence:
        """The same sequence with ideal or with finite pulses."""
        return replace(self, pulses=pulses)

    def scope(self, sample: Mapping[str, units.Quantity]) -> Scope:
        """Values of the parameters over the quantities of one sample."""
        return Scope(self.parameters, self.bound, sample)

    def provisional_scope(self) -> Scope:
        """Values over stand-ins for a sample: of the right kind, but neither their size nor their sign means anything."""
        return replace(self.scope(self._stand_ins()), final=False)

    @staticmethod
    def _stand_ins() -> dict[str, units.Quantity]:
        return {name: units.quantity(1.2345, kind) for name, kind in SAMPLE_NAMES.items()}

    @property
    def marks(self) -> tuple[str, ...]:
        """Names of the points that are observed, in order."""
        return tuple(step.observe for step in self.steps if isinstance(step, Observe))

    def problems(self) -> tuple[Problem, ...]:
        """Everything wrong that shows without a sample: names, kinds, signs of what does not depend on one."""
        found: list[Problem] = []
        # stand-ins of the right kind: what depends on a sample has its sign and size checked when one is there
        scope, defaults = self.scope(self._stand_ins()), replace(self, bound={}).scope(self._stand_ins())
        leaning = self._leaning()
        for name in self.parameters:
            found += self._try(("parameters", name), partial(self._parameter, name, scope, defaults, name in leaning))
        if found:
            return tuple(found)
        provisional = self.provisional_scope()
        for index, step in enumerate(self.steps):
            for key, (text, read) in step_values(step).items():
                use = provisional if units.names_in(text) & leaning else scope
                found += self._try(("steps", index, key), partial(read, use, text))
            if isinstance(step, Pulse) and step.duration is not None and step.rf is not None:
                allowed = "one of the two is enough: each gives the other"
                found.append(self.problem(("steps", index, "rf"), "found a duration and an rf", allowed))
        found += self._marks()
        return tuple(found)

    def _parameter(self, name: str, scope: Scope, defaults: Scope, leaning: bool) -> None:
        check_name(name)
        if name in scope.sample:
            raise ExpressionError(f"found the parameter name {name!r}, which the sample already gives")
        value = scope.parameter(name)
        if not np.all(np.isfinite(value.magnitude)) and not leaning:
            raise ExpressionError(f"found {value:~} for parameter {name!r}, but it must be finite")
        if name in self.bound:
            kind = units.kind_of(defaults.parameter(name))
            if kind is not None:
                units.check_kind(value, kind)

    def _leaning(self) -> set[str]:
        """The sample's names, and the parameters whose values lean on them."""
        texts = {name: self.bound.get(name, default) for name, default in self.parameters.items()}
        uses = {name: units.names_in(text) for name, text in texts.items() if isinstance(text, str)}
        leaning, grown = set(SAMPLE_NAMES), True
        while grown:
            more = {name for name, used in uses.items() if name not in leaning and used & leaning}
            leaning, grown = leaning | more, bool(more)
        return leaning

    def _marks(self) -> list[Problem]:
        found, seen = [], set()
        for index, step in enumerate(self.steps):
            if isinstance(step, Observe):
                if step.observe in seen:
                    found.append(
                        self.problem(
                            ("steps", index, "observe"),
                            f"found {step.observe!r} twice",
                            "a name of its own for each point",
                        )
                    )
                seen.add(step.observe)
        if not seen:
            found.append(self.problem(("steps",), "nothing is observed", 'a step such as { observe = "charged" }'))
        return found

    def _try(self, key: Key, read: Any) -> list[Problem]:
        try:
            read()
        except DependencyError:
            return []
        except ExpressionError as error:
            return [self.problem(key, str(error))]
        return []

    def problem(self, key: Key, message: str, allowed: str = "") -> Problem:
        """A Problem at a key of this sequence's file."""
        return self.document.problem(key, message, allowed)


Reader = Callable[[Scope, str], np.ndarray]


def step_values(step: Any) -> dict[str, tuple[str, Reader]]:
    """The values that a step holds as text, by key, each with the function that reads it (raising ExpressionError)."""
    if isinstance(step, Delay):
        return {"delay": (step.delay, time)}
    if not isinstance(step, Pulse):
        return {}
    values: dict[str, tuple[str, Reader]] = {"pulse": (step.pulse, angle), "phase": (step.phase, phase)}
    if step.duration is not None:
        values["duration"] = (step.duration, time)
    if step.rf is not None:
        values["rf"] = (step.rf, nutation)
    return values


def angle(scope: Scope, text: str) -> np.ndarray:
    """A flip angle in rad. Raises ExpressionError."""
    return scope.value(text, ANGLE)


def phase(scope: Scope, text: str) -> np.ndarray:
    """The phase of a pulse in rad. Raises ExpressionError."""
    return scope.phase(text)


def time(scope: Scope, text: str) -> np.ndarray:
    """A time in s, zero or longer. Raises ExpressionError."""
    value = scope.value(text, TIME)
    if scope.final and np.any(value < 0):
        raise ExpressionError(
            f"found the negative time {value[value < 0].flat[0]:.6g} s in {text!r}; a time is zero or longer"
        )
    return value


def nutation(scope: Scope, text: str) -> np.ndarray:
    """A nutation frequency w1/2pi in Hz, above zero. Raises ExpressionError."""
    value = scope.value(text, FREQUENCY)
    if scope.final and np.any(value <= 0):
        raise ExpressionError(
            f"found the nutation frequency {value[value <= 0].flat[0]:.6g} Hz in {text!r}; it must be above zero"
        )
    return value
