"""The events of a pulse sequence, as they are written: values stay text until a sample gives them numbers."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag

from nmrqb import units
from nmrqb.files import brief, closest


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f"found {brief(value)}; write text in quotes, with its unit, such as {units.TIME.example} or {units.ANGLE.example}"
        )
    return value


def _mark(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9 _-]{0,39}", value):
        raise ValueError(
            f"found {brief(value)}; a name begins with a letter and has up to 40 letters, digits, spaces, _ and -"
        )
    return value


def _true(value: Any) -> bool:
    if value is not True:
        raise ValueError(f"found {brief(value)}; it can only be true, and a step without a crusher is left out")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Use = Literal["prepare", "charge", "crush", "store", "extract", "read"]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Pulse(_Event):
    """A rectangular pulse: `pulse` is its flip angle and `phase` its axis, both text.

    The phase is "x", "y", "-x", "-y", an angle, or a parameter that holds one. A pulse is ideal (no length) or finite as
    the sequence says; one with a `duration` or a nutation frequency `rf` is always finite.
    """

    pulse: Text
    phase: Text = "x"
    duration: Text | None = None
    rf: Text | None = None
    use: Use | None = None


class Delay(_Event):
    """Free evolution for a time."""

    delay: Text
    use: Use | None = None


class Crush(_Event):
    """A crusher gradient: of each kind of spin, only coherence of total order zero survives."""

    crush: Annotated[bool, BeforeValidator(_true)]


class Observe(_Event):
    """A point at which the state is wanted, by name."""

    observe: Annotated[str, BeforeValidator(_mark)]


EVENT_KEYS = ("pulse", "delay", "crush", "observe")


def _one_event(value: Any) -> Any:
    """Refuses what is no single event, before the union of events would complain of each of its members."""
    if isinstance(value, BaseModel):
        return value
    kinds = f"a step has exactly one of the keys {', '.join(EVENT_KEYS)}"
    if not isinstance(value, dict):
        raise ValueError(f"found {brief(value)}; a step is a table such as {{ delay = {units.TIME.example} }}")
    named = [key for key in EVENT_KEYS if key in value]
    if len(named) > 1:
        raise ValueError(f"found {' and '.join(named)} in one step; {kinds}")
    for key in () if named else value:
        if meant := closest(key, EVENT_KEYS):
            raise ValueError(f"unknown key {brief(key)}; did you mean {meant!r}?")
    if not named:
        raise ValueError(f"found no event in {brief(value)}; {kinds}")
    return value


def _which(value: Any) -> str | None:
    if isinstance(value, BaseModel):
        return f"<{type(value).__name__}>"
    return next((f"<{key.capitalize()}>" for key in EVENT_KEYS if key in value), None)


Event = Annotated[
    Annotated[Pulse, Tag("<Pulse>")]
    | Annotated[Delay, Tag("<Delay>")]
    | Annotated[Crush, Tag("<Crush>")]
    | Annotated[Observe, Tag("<Observe>")],
    Discriminator(_which),
    BeforeValidator(_one_event),
]
