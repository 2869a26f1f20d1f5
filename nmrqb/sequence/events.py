"""The events of a pulse sequence, as they are written: values stay text until a sample gives them numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from nmrqb import units
from nmrqb.files import brief, closest
from nmrqb.toml_lines import Key


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


def _channels(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f'found {brief(value)}; a channel is an isotope such as "1H", or a list of them')
    if len(set(names)) < len(names):
        raise ValueError(f"found {brief(value)}; each channel is named once")
    return tuple(names)


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_mark)]
Channels = Annotated[tuple[str, ...], BeforeValidator(_channels)]
Use = Literal["prepare", "charge", "crush", "store", "extract", "read"]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Pulse(_Event):
    """A pulse by its flip angle: `pulse` the angle, `phase` its axis, `on` the channels (all of them by default).

    The phase is "x", "y", "-x", "-y", an angle, or a parameter that holds one. A pulse is ideal (no length) or finite as
    the sequence says; one with a `duration` or a nutation frequency `rf` is always finite, and a shaped one needs either:
    `shape` names an envelope, and rf is then its peak.
    """

    pulse: Text
    phase: Text = "x"
    on: Channels | None = None
    shape: Text | None = None
    duration: Text | None = None
    rf: Text | None = None
    use: Use | None = None


class Lock(_Event):
    """A pulse by its amplitude: `lock` the (peak) nutation frequency, for a `duration`: spin locks, ramps, adiabatic pulses."""

    lock: Text
    duration: Text
    phase: Text = "x"
    on: Channels | None = None
    shape: Text | None = None
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

    observe: Name


class Acquire(_Event):
    """A point at which a free induction decay is recorded, by name, of the spins of one channel."""

    acquire: Name
    on: Text | None = None


class Together(_Event):
    """Pulses at the same time, on different channels; shorter ones stand at the centre, the start or the end of the longest."""

    together: list[Part] = Field(min_length=2, max_length=8)
    align: Literal["centre", "start", "end"] = "centre"


class Repeat(_Event):
    """Steps that are gone through a number of times."""

    repeat: int = Field(ge=1, le=10_000)
    steps: list[Event] = Field(min_length=1, max_length=1000)


class Block(_Event):
    """The steps of another sequence, by its name in the library, with values for its parameters in `with`.

    What that sequence observes by itself is left out; `use` is what all its steps are for, where they do not say.
    """

    block: Name
    with_: dict[str, Text] = Field(default_factory=dict, alias="with")
    use: Use | None = None


EVENT_KEYS = ("pulse", "lock", "delay", "crush", "observe", "acquire", "together", "repeat", "block")


def _one_event(value: Any, keys: tuple[str, ...] = EVENT_KEYS) -> Any:
    """Refuses what is no single event, before the union of events would complain of each of its members."""
    if isinstance(value, BaseModel):
        return value
    kinds = f"a step has exactly one of the keys {', '.join(keys)}"
    if not isinstance(value, dict):
        raise ValueError(f"found {brief(value)}; a step is a table such as {{ delay = {units.TIME.example} }}")
    named = [key for key in keys if key in value]
    if len(named) > 1:
        raise ValueError(f"found {' and '.join(named)} in one step; {kinds}")
    for key in () if named else value:
        if meant := closest(key, keys):
            raise ValueError(f"unknown key {brief(key)}; did you mean {meant!r}?")
    if not named:
        raise ValueError(f"found no event in {brief(value)}; {kinds}")
    return value


def _one_pulse(value: Any) -> Any:
    return _one_event(value, ("pulse", "lock"))


def _which(value: Any) -> str | None:
    if isinstance(value, BaseModel):
        return f"<{type(value).__name__}>"
    return next((f"<{key.capitalize()}>" for key in EVENT_KEYS if key in value), None)


Part = Annotated[
    Annotated[Pulse, Tag("<Pulse>")] | Annotated[Lock, Tag("<Lock>")],
    Discriminator(_which),
    BeforeValidator(_one_pulse),
]
Event = Annotated[
    Annotated[Pulse, Tag("<Pulse>")]
    | Annotated[Lock, Tag("<Lock>")]
    | Annotated[Delay, Tag("<Delay>")]
    | Annotated[Crush, Tag("<Crush>")]
    | Annotated[Observe, Tag("<Observe>")]
    | Annotated[Acquire, Tag("<Acquire>")]
    | Annotated[Together, Tag("<Together>")]
    | Annotated[Repeat, Tag("<Repeat>")]
    | Annotated[Block, Tag("<Block>")],
    Discriminator(_which),
    BeforeValidator(_one_event),
]
Together.model_rebuild()
Repeat.model_rebuild()


def walk(steps: tuple[Any, ...] | list[Any], key: Key = ("steps",)) -> Iterator[tuple[Key, Any]]:
    """Every step with its key in the file, containers before what they contain. Blocks are not entered."""
    for index, step in enumerate(steps):
        here = (*key, index)
        yield here, step
        if isinstance(step, Repeat):
            yield from walk(step.steps, (*here, "steps"))
        elif isinstance(step, Together):
            yield from walk(step.together, (*here, "together"))
