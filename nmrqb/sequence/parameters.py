"""Parameters of a sequence: names with values that may depend on each other and on the sample."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmrqb import units
from nmrqb.files import brief, closest, nearest
from nmrqb.units import ANGLE, ExpressionError, Kind

PHASES = {"x": 0.0, "y": np.pi / 2, "-x": np.pi, "-y": 3 * np.pi / 2}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAX_CHAIN = 40

#: What a parameter may be bound to: text as in a file, or numbers in SI and rad.
Value = str | float | NDArray[np.float64]
#: How a file gives a parameter: one text, or a list of them that makes an axis of its own.
Default = str | tuple[str, ...]


def check_name(name: str) -> None:
    """Raises ExpressionError for a name that arithmetic could not tell from something else."""
    if not NAME.fullmatch(name) or name in units.RESERVED:
        raise ExpressionError(
            f"found the parameter name {brief(name)}; a name has letters, digits and _, and is not one that arithmetic "
            "uses, such as sqrt, pi, x or y"
        )


def is_phase(default: Default) -> bool:
    """Whether a parameter holds the phase of a pulse, as its default shows."""
    return (default if isinstance(default, str) else default[0]).strip() in PHASES


class DependencyError(ExpressionError):
    """The value of another parameter is wrong, which has been told already."""


@dataclass
class Scope:
    """Values of all parameters over one sample, computed on first use.

    defaults: the text of each parameter as the file has it; it also fixes the kind a bare number is taken in.
    bound: values that replace defaults (quantities too). sample: quantities the sample lends. lists: parameters with a
    value for each step of a list or phase cycle: their texts, and the shape that puts them on their axis.
    """

    defaults: Mapping[str, Default]
    bound: Mapping[str, Any]
    sample: Mapping[str, units.Quantity]
    lists: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = field(default_factory=dict)
    final: bool = True  # False while the sample's quantities are stand-ins, whose size and sign mean nothing
    _done: dict[str, Any] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _failed: set[str] = field(default_factory=set)
    _numbers: dict[tuple[str, str], NDArray[np.float64]] = field(
        default_factory=dict
    )  # single ones only: lists are long

    def value(self, text: str, kind: Kind) -> NDArray[np.float64]:
        """A text of the sequence in the inner unit of `kind`, any shape. Raises ExpressionError."""
        if (known := self._numbers.get((text, kind.name))) is not None:
            return known
        value = units.to_kind(self._evaluate(text), kind)
        if value.ndim == 0:
            self._numbers[text, kind.name] = value
        return value

    def phase(self, text: str) -> NDArray[np.float64]:
        """A phase in rad: a literal such as "-y", an angle, or a parameter that holds either. Raises ExpressionError."""
        return np.array(PHASES[text.strip()]) if text.strip() in PHASES else self.value(self._phase_text(text), ANGLE)

    def _phase_text(self, text: str) -> str:
        """The text, unless a name in it is unknown: then the remedy is told that fits a phase."""
        known = {*self.defaults, *self.sample, *units.RESERVED}
        if units.names_in(text) <= known:
            return text
        meant = closest(text.strip(), [*PHASES, *self.defaults])
        allowed = (
            f"did you mean {meant!r}?" if meant else 'a phase is x, y, -x, -y, an angle such as "90 deg" or a parameter'
        )
        raise ExpressionError(f"found the phase {text!r}; {allowed}")

    def parameter(self, name: str) -> units.Quantity:
        """The value of one parameter. Raises ExpressionError for an unknown name or a circle of definitions.

        Whoever needs a parameter that has already failed in this scope gets a DependencyError.
        """
        if name in self._done:
            return self._done[name]
        if name not in self.defaults:
            raise ExpressionError(f"found the undefined name {name!r}; {nearest(name, [*self.defaults, *self.sample])}")
        if name in self._failed:
            raise DependencyError(f"parameter {name!r} has no value")
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise ExpressionError(f"found parameters that define each other in a circle: {circle}")
        if len(self._open) >= _MAX_CHAIN:
            raise ExpressionError(f"found parameters that build on each other more than {_MAX_CHAIN} deep")
        self._open.append(name)
        try:
            value = self._given(name)
        except ExpressionError:
            self._failed.add(name)
            raise
        finally:
            self._open.pop()
        self._done[name] = value
        return value

    def _given(self, name: str) -> units.Quantity:
        if name not in self.bound and name in self.lists:
            texts, shape = self.lists[name]
            values = [self._text(name, text) for text in texts]
            kind = units.kind_of(values[0])
            if kind is None:
                raise ExpressionError(f"found a list of values in {values[0].units}; it must be of a kind known here")
            return units.quantity(np.array([units.to_kind(v, kind) for v in values]).reshape(shape), kind)
        given = self.bound.get(name, self.defaults[name])
        if isinstance(given, units.registry().Quantity):
            return given
        return self._text(name, given) if isinstance(given, str) else self._number(name, given)

    def _text(self, name: str, text: str) -> units.Quantity:
        if text.strip() in PHASES:
            return units.quantity(PHASES[text.strip()], ANGLE)
        return self._evaluate(self._phase_text(text) if is_phase(self.defaults[name]) else text)

    def _number(self, name: str, given: Any) -> units.Quantity:
        """A bare number from Python takes the kind of the parameter's default."""
        first = {name: text if isinstance(text, str) else text[0] for name, text in self.defaults.items()}
        # over stand-ins: the kind of a default does not depend on the sample, and its value may not exist on this one
        stand_ins = {n: units.quantity(1.2345, kind) for n, q in self.sample.items() if (kind := units.kind_of(q))}
        default = Scope(first, {}, stand_ins).parameter(name)
        kind = units.kind_of(default)
        if kind is None:
            raise ExpressionError(f"parameter {name!r} is in {default.units}; give it as text with its unit")
        try:
            array = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            raise ExpressionError(
                f"found {given!r} for parameter {name!r}; a number, an array or text is needed"
            ) from None
        if not np.all(np.isfinite(array)):
            raise ExpressionError(
                f"found {array[~np.isfinite(array)].flat[0]} for parameter {name!r}, but it must be finite"
            )
        return units.quantity(array, kind)

    def _evaluate(self, text: str) -> units.Quantity:
        used = {name: self.parameter(name) for name in units.names_in(text) if name in self.defaults}
        return units.evaluate(text, {**self.sample, **used}, known=self.defaults)
