"""Physical quantities in text: "2.5 ms", "1/(6*coupling)". Parsed once, at the edge; inside everything is SI and rad.

The arithmetic is a small grammar of its own over pint's units. Nothing is ever evaluated as code.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pint
from numpy.typing import NDArray

from nmrqb.files import brief, closest, nearest

Quantity = (
    Any  # a pint.Quantity with float or array magnitude; pint's own type is generic in ways that do not help here
)


@dataclass(frozen=True)
class Kind:
    """A physical kind: its name in messages, its unit inside, and text that shows how it is written."""

    name: str
    unit: str
    example: str


TIME = Kind("time", "second", '"2.5 ms"')
FREQUENCY = Kind("frequency", "hertz", '"215 Hz"')
ANGLE = Kind("angle", "radian", '"90 deg"')
LENGTH = Kind("length", "meter", '"1.58 angstrom"')
FIELD = Kind("magnetic field", "tesla", '"11.74 T"')
TEMPERATURE = Kind("temperature", "kelvin", '"298 K"')
NUMBER = Kind("plain number", "", '"0.5"')
KINDS = (TIME, FREQUENCY, ANGLE, LENGTH, FIELD, TEMPERATURE, NUMBER)

#: Units that a mistyped one is held against.
_USUAL_UNITS = (
    "s",
    "ms",
    "us",
    "ns",
    "min",
    "Hz",
    "kHz",
    "MHz",
    "deg",
    "rad",
    "T",
    "mT",
    "K",
    "degC",
    "angstrom",
    "nm",
    "m",
)
#: Units that a number is divided by where a rate is written as "20/s".
_UNITS_OF_RATES = frozenset({"s", "ms", "us", "ns", "min"})
_MAX_TEXT, _MAX_DEPTH = 400, 40


class ExpressionError(ValueError):
    """Text that is not a quantity, or not of the kind wanted; the message says what was found and what is allowed."""


@lru_cache(maxsize=1)
def registry() -> pint.UnitRegistry[Any]:
    """The one unit registry."""
    return pint.UnitRegistry(cache_folder=None)


def quantity(value: Any, kind: Kind) -> Quantity:
    """A number that is already in the inner unit of its kind."""
    return registry().Quantity(value, kind.unit)


def kind_of(value: Quantity) -> Kind | None:
    """The kind of a quantity, or None where it is none of ours. A bare number is NUMBER, never an angle."""
    return _kind_of_units(value.units)


@lru_cache(maxsize=1024)
def _kind_of_units(units: Any) -> Kind | None:
    return next((kind for kind in KINDS if _base_units(units) == _base_units(registry().Unit(kind.unit))), None)


@lru_cache(maxsize=1024)
def _base_units(units: Any) -> frozenset[tuple[str, Any]]:
    """What units come down to. The radian is among it, which tells an angle from a number, and rad/s from Hz."""
    return frozenset(registry().Quantity(1, registry().get_root_units(units, check_nonmult=False)[1]).unit_items())


def _described(units: Any) -> str:
    """What a value in these units is, for messages."""
    kind, shown = _kind_of_units(units), f"{units:~}"
    if not shown:
        return "a number without a unit"
    if kind in (None, NUMBER):
        angular = _kind_of_units(units / registry().radian) is FREQUENCY
        return (
            f"an angular frequency ({shown}; a frequency in Hz is this over 2 pi)" if angular else f"a value in {shown}"
        )
    return f"{_article(kind)} {kind.name} ({shown})"


def _article(kind: Kind) -> str:
    return "an" if kind.name[0] in "aeiou" else "a"


def check_kind(value: Quantity, kind: Kind) -> None:
    """Raises ExpressionError for a quantity of another kind."""
    if kind_of(value) is not kind:
        needed = f"{_article(kind)} {kind.name} is needed, such as {kind.example}"
        raise ExpressionError(f"found {_described(value.units)} where {needed}")


def to_kind(value: Quantity, kind: Kind) -> NDArray[np.float64]:
    """Magnitude of a quantity in the inner unit of `kind`. Raises ExpressionError for another kind or a non-finite value."""
    check_kind(value, kind)
    with np.errstate(all="ignore"):
        magnitude = np.asarray(value.to(kind.unit or "dimensionless").magnitude, dtype=float)
    if not np.all(np.isfinite(magnitude)):
        raise ExpressionError(f"found {magnitude[~np.isfinite(magnitude)].flat[0]}, but the {kind.name} must be finite")
    return magnitude


def read(text: str, kind: Kind, names: Mapping[str, Quantity] | None = None) -> NDArray[np.float64]:
    """Value of a text in the inner unit of `kind`: read("2.5 ms", TIME) is 0.0025. Raises ExpressionError."""
    return to_kind(evaluate(text, names or {}), kind)


def evaluate(text: str, names: Mapping[str, Quantity], known: Collection[str] = ()) -> Quantity:
    """Value of an arithmetic expression with units and names. Raises ExpressionError.

    known: names that have no value here but that a message may offer.
    """
    if len(text) > _MAX_TEXT:
        raise ExpressionError(f"found an expression of {len(text)} characters; at most {_MAX_TEXT} are allowed")
    tokens = _tokens(text)
    with np.errstate(all="ignore"):
        if not any(token in names or token in known for token in tokens):
            with suppress(ExpressionError):  # told below, where the names are known that a message may offer
                return _constant(text)
        return _Parser(text, names, known).value()


@lru_cache(maxsize=2**14)
def _constant(text: str) -> Quantity:
    """Value of an expression without names; files repeat theirs, and are gone through more than once."""
    return _Parser(text, {}).value()


def names_in(text: str) -> set[str]:
    """Names that stand in an expression and are not written as the unit of a number."""
    try:
        tokens = _tokens(text)
    except ExpressionError:
        return set()
    return {t for before, t in zip(["", *tokens], tokens, strict=False) if _is_name(t) and not _is_number(before)}


_TOKEN = re.compile(
    r"\s*(?:([0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)|([^\W0-9]\w*|°|%)|(\*\*|[-+*/(),^]))"
)


def _is_number(token: str) -> bool:
    return token[:1] in tuple("0123456789.")


def _is_name(token: str) -> bool:
    return bool(token) and not _is_number(token) and token[0] not in "-+*/(),^"


@lru_cache(maxsize=2**14)
def _tokens(text: str) -> tuple[str, ...]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            raise ExpressionError(
                f"found {text[at:].strip()[:1]!r} in {text!r}; an expression holds numbers, units, names, + - * / ** ( )"
            )
        tokens.append(match.group().strip())
        at = match.end()
    return tuple(tokens)


def _power(value: Quantity, exponent: float) -> Quantity:
    if np.any(np.asarray(value.magnitude) < 0) and not exponent.is_integer():
        raise ExpressionError(f"found the power {exponent:g} of a negative value, which is no real number")
    return value**exponent


def _in_radian(value: Quantity) -> Any:
    return value.to("dimensionless").magnitude


_FUNCTIONS: dict[str, tuple[int, Any]] = {
    "sqrt": (1, lambda x: _power(x, 0.5)),
    "abs": (1, abs),
    "sin": (1, lambda x: quantity(np.sin(_in_radian(x)), NUMBER)),
    "cos": (1, lambda x: quantity(np.cos(_in_radian(x)), NUMBER)),
    "tan": (1, lambda x: quantity(np.tan(_in_radian(x)), NUMBER)),
    "asin": (1, lambda x: quantity(np.arcsin(_in_radian(x)), ANGLE)),
    "acos": (1, lambda x: quantity(np.arccos(_in_radian(x)), ANGLE)),
    "atan": (1, lambda x: quantity(np.arctan(_in_radian(x)), ANGLE)),
    "exp": (1, lambda x: quantity(np.exp(_in_radian(x)), NUMBER)),
    "log": (1, lambda x: quantity(np.log(_in_radian(x)), NUMBER)),
    "min": (2, lambda a, b: np.minimum(a, b)),
    "max": (2, lambda a, b: np.maximum(a, b)),
}
_CONSTANTS = {"pi": np.pi}
RESERVED = frozenset({*_FUNCTIONS, *_CONSTANTS, "x", "y", "inf", "nan"})


class _Parser:
    """expression = term {(+|-) term}; term = factor {(*|/) factor}; factor = [-] power; power = atom [** factor];
    atom = number [unit [** factor]] {(*|/) unit [** factor]} | name | function(expression, ...) | (expression).

    A unit takes the exponent behind it, so that "20 s^-1" is 20/s and "3 ms^2" is 3 square milliseconds. A number is
    divided by a unit of time that stands behind it: "20/s".
    """

    def __init__(self, text: str, names: Mapping[str, Quantity], known: Collection[str] = ()) -> None:
        self.text, self.names, self.others = text, names, known
        self.after_unit = -1  # index of the token behind the last unit
        self.tokens, self.at, self.depth = _tokens(text), 0, -1
        if not self.tokens:
            raise ExpressionError("found no value")

    def value(self) -> Quantity:
        try:
            result = self._expression()
        except pint.DimensionalityError as error:
            raise self._misfit(registry().Unit(error.units1), registry().Unit(error.units2)) from None
        except (ArithmeticError, TypeError, ValueError, AttributeError) as error:  # pint's own errors are among them
            if isinstance(error, ExpressionError):
                raise
            raise ExpressionError(f"{self.text!r} cannot be computed ({str(error).splitlines()[0]})") from None
        if self._peek() == ",":
            raise ExpressionError(f"found ',' in {self.text!r}; decimals are written with a point")
        if self._peek():
            raise ExpressionError(f"found {self._peek()!r} after a complete value in {self.text!r}")
        return result

    def _misfit(self, a: Any, b: Any) -> ExpressionError:
        return ExpressionError(f"found {_described(a)} and {_described(b)} combined in {self.text!r}, which do not fit")

    def _fitting(self, a: Quantity, b: Quantity) -> Quantity:
        """The second of two values that are to be added or compared: an angle and a number are not, though pint would."""
        if _base_units(a.units) != _base_units(b.units):
            raise self._misfit(a.units, b.units)
        return b

    def _is_known(self, name: str) -> bool:
        return name in self.names or name in self.others or name in _CONSTANTS

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        if not token:
            raise ExpressionError(f"{self.text!r} ends where a value or a ')' is missing")
        self.at += 1
        return token

    def _expression(self) -> Quantity:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ExpressionError(f"found more than {_MAX_DEPTH} nested parentheses")
        value = self._term()
        while self._peek() in ("+", "-"):
            plus = self._take() == "+"
            other = self._fitting(value, self._term())
            value = value + other if plus else value - other
        self.depth -= 1
        return value

    def _term(self) -> Quantity:
        value = self._factor()
        while self._peek() in ("*", "/"):
            divide, unit = self._take() == "/", self._bare_unit()
            factor = self._factor() if unit is None else unit
            value = value / factor if divide else value * factor
        return value

    def _bare_unit(self) -> Quantity | None:
        """The s of "2 rad/s": a unit without a number, which a unit and then * or / may bring, or a number and / as in "20/s".

        Behind a number only units of time are taken so: "2/d" is no rate but a coupling that has no value here.
        """
        token = self._peek()
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        rate = _is_number(self.tokens[self.at - 2]) and self.tokens[self.at - 1] == "/" and token in _UNITS_OF_RATES
        if not (self.after_unit == self.at - 1 or rate) or not _is_name(token) or self._is_known(token):
            return None
        if following == "(":
            return None
        try:
            unit = self._unit(token)
        except ExpressionError:
            return None
        self._take()
        return self._raised(1.0, unit)

    def _raised(self, number: float, unit: Any) -> Quantity:
        """A number of a unit, with the exponent that may stand behind it and belongs to the unit."""
        if self._peek() in ("**", "^"):
            unit = unit ** self._exponent()
        self.after_unit = self.at
        return registry().Quantity(number, unit)

    def _factor(self) -> Quantity:
        negative = False
        while self._peek() in ("-", "+"):
            negative ^= self._take() == "-"
        value = self._atom()
        if self._peek() in ("**", "^"):
            value = _power(value, self._exponent())
        return -value if negative else value

    def _exponent(self) -> float:
        self._take()
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ExpressionError(f"found more than {_MAX_DEPTH} nested powers")
        exponent = to_kind(self._factor(), NUMBER)
        self.depth -= 1
        if exponent.ndim or abs(exponent) > 12:
            raise ExpressionError(f"found the exponent {exponent}; it must be one number between -12 and 12")
        return float(exponent)

    def _atom(self) -> Quantity:
        token = self._take()
        if token == "(":
            value = self._expression()
            self._expect(")")
            return value
        if _is_number(token):
            return self._with_unit(self._finite(token))
        if not _is_name(token):
            raise ExpressionError(f"found {token!r} where a value should stand in {self.text!r}")
        if self._peek() == "(":
            return self._call(token)
        if token in self.names:
            return self.names[token]
        if token in _CONSTANTS:
            return self._with_unit(_CONSTANTS[token])
        if token.lower() in ("nan", "inf", "infinity"):
            raise ExpressionError(f"found {token!r} in {self.text!r}; a value must be a finite number")
        hint = nearest(token, {*self.names, *self.others, *_CONSTANTS})
        if token in _USUAL_UNITS:
            hint += f"; as a unit it stands directly behind its number, as in {f'5 {token}'!r}"
        raise ExpressionError(f"found the undefined name {token!r}; {hint}")

    @staticmethod
    def _finite(token: str) -> float:
        number = float(token)
        if number == float("inf"):
            raise ExpressionError(f"found the infinite number {brief(token)}; a value must be finite")
        return number

    def _with_unit(self, number: float) -> Quantity:
        if not _is_name(self._peek()):
            return quantity(number, NUMBER)
        return self._raised(number, self._unit(self._take()))

    def _call(self, name: str) -> Quantity:
        if name not in _FUNCTIONS:
            raise ExpressionError(f"found {name!r}, which is no function here; {nearest(name, _FUNCTIONS)}")
        count, function = _FUNCTIONS[name]
        self._expect("(")
        arguments = [self._expression()]
        while self._peek() == ",":
            self._take()
            arguments.append(self._expression())
        self._expect(")")
        if len(arguments) != count:
            raise ExpressionError(f"found {name} with {len(arguments)} arguments; it takes {count}")
        if count == 2:
            self._fitting(*arguments)
        return function(*arguments)

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise ExpressionError(f"found {self.tokens[self.at - 1]!r} where {token!r} should stand in {self.text!r}")

    def _unit(self, name: str) -> Any:
        if self._is_known(name):
            raise ExpressionError(
                f"found a number directly before the name {name!r} in {self.text!r}; write a * between them"
            )
        try:
            return registry().parse_units({"°": "degree", "%": "percent"}.get(name, name))
        except (pint.UndefinedUnitError, ValueError, AttributeError, TypeError, AssertionError):
            meant = closest(name, _USUAL_UNITS)
            hint = f"did you mean {meant!r}?" if meant else f"units are {', '.join(_USUAL_UNITS)} and the like"
            raise ExpressionError(f"found the unknown unit {name!r}; {hint}") from None
