"""A pulse sequence: events and parameters, read from a file, bound to values, and printed back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from nmrqb import files, units
from nmrqb.errors import InputError, Problem
from nmrqb.files import Document
from nmrqb.sequence.events import Acquire, Observe, walk
from nmrqb.sequence.parameters import Default, Scope, Value
from nmrqb.sequence.schema import Pulses, SequenceFile, shapes_of
from nmrqb.sequence.shapes import KINDS, Shape
from nmrqb.toml_lines import Key
from nmrqb.units import FREQUENCY, TIME

#: Quantities that any sample lends to a sequence's arithmetic.
SAMPLE_NAMES = {
    "coupling": FREQUENCY,
    "J": FREQUENCY,
    "pulse_90": TIME,
    "rf_limit": FREQUENCY,
    "T1": TIME,
    "T2": TIME,
}


@dataclass(frozen=True)
class Sequence:
    """Events in order, with the defaults of their parameters and what was bound over them.

    pulses: whether pulses without a length of their own are "ideal" (zero-length rotations) or "finite" (they take the
    time the sample's coil needs, with every coupling left on). This is the one switch between the two. cycle: for each
    parameter of a phase cycle (and "receiver") its value in each step. shapes: envelopes by the names that pulses use.
    """

    name: str
    title: str
    steps: tuple[Any, ...]
    parameters: Mapping[str, Default]
    pulses: Pulses = "ideal"
    cycle: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    bound: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""
    document: Document = field(default_factory=lambda: Document("", {}, {}), repr=False, compare=False)

    @classmethod
    def load(cls, name: str | Path) -> Sequence:
        """A sequence of the library by name, or a file by path. Raises InputError with file, line and key."""
        path = files.find("sequence", name, files.library("sequences"))
        return cls.parse(files.load_document(path, str(name)), path.stem, path.parent)

    @classmethod
    def parse(cls, document: Document, name: str, folder: Path | None = None) -> Sequence:
        """A sequence from a document, checked as far as it can be without a sample. Raises InputError.

        Shape files named in it are looked for in `folder`, the current one by default.
        """
        table = files.validate(SequenceFile, document)
        sequence = cls(
            name=name,
            title=table.title,
            note=table.note,
            steps=tuple(table.steps),
            parameters={n: v if isinstance(v, str) else tuple(v) for n, v in table.parameters.items()},
            pulses=table.pulses,
            cycle={n: tuple(v) for n, v in table.cycle.items()},
            shapes=shapes_of(document, table, folder or Path()),
            document=document,
        )
        return sequence.checked()

    def bind(self, **parameters: Value) -> Sequence:
        """The sequence with parameters replaced: text as in a file, or numbers or arrays in s, Hz or rad.

        Arrays become leading axes of whatever follows; several arrays broadcast. Raises InputError for a name the sequence
        does not have or a value of the wrong kind.
        """
        for name in parameters:
            if name not in self.parameters:
                hint = files.nearest(name, self.parameters) if self.parameters else "it has no parameters"
                raise InputError((Problem(f"the sequence {self.name!r} has no parameter {name!r}", allowed=hint),))
        return replace(self, bound={**self.bound, **parameters}).checked()

    def checked(self) -> Sequence:
        """The sequence itself, if nothing is wrong with it. Raises InputError with every problem that shows without a sample."""
        from nmrqb.sequence.validate import problems

        found = problems(self)
        if found:
            raise InputError(found)
        return self

    def with_pulses(self, pulses: Pulses) -> Sequence:
        """The same sequence with ideal or with finite pulses."""
        return replace(self, pulses=pulses)

    def scope(self, sample: Mapping[str, units.Quantity]) -> Scope:
        """Values of the parameters over the quantities of one sample.

        Axes: the phase cycle first, then one for each list of the file in its order, then what was bound from Python.
        """
        inner = max((np.ndim(v) for v in self.bound.values() if not isinstance(v, str)), default=0)
        named = [n for n, v in self.parameters.items() if not isinstance(v, str) and n not in self.bound]
        lists: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
        for position, name in enumerate(named):
            texts = self.parameters[name]
            after = len(named) - position - 1 + inner
            lists[name] = (tuple(texts), (len(texts),) + (1,) * after)
        for name, texts in self.cycle.items():
            lists[name] = (texts, (len(texts),) + (1,) * (len(named) + inner))
        defaults = self.parameters if "receiver" not in self.cycle else {**self.parameters, "receiver": "x"}
        return Scope(defaults, self.bound, sample, lists)

    def provisional_scope(self) -> Scope:
        """Values over stand-ins for a sample: of the right kind, but neither their size nor their sign means anything."""
        stand_ins = {name: units.quantity(1.2345, kind) for name, kind in SAMPLE_NAMES.items()}
        return replace(self.scope(stand_ins), final=False)

    def shape(self, name: str) -> Shape:
        """The envelope that a pulse names: one of this file's, or a kind with its defaults. Raises KeyError."""
        if name in self.shapes:
            return self.shapes[name]
        if name in KINDS:
            return Shape(name)
        raise KeyError(name)

    @property
    def marks(self) -> tuple[str, ...]:
        """Names of the points that are observed or acquired, in order."""
        return tuple(mark_name(step) for _, step in walk(self.steps) if isinstance(step, (Observe, Acquire)))

    def problem(self, key: Key, message: str, allowed: str = "") -> Problem:
        """A Problem at a key of this sequence's file."""
        return self.document.problem(key, message, allowed)


def mark_name(step: Observe | Acquire) -> str:
    """The name of a point."""
    return step.observe if isinstance(step, Observe) else step.acquire
