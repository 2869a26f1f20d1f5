"""The events of a pulse sequence, as they are written: values stay text until a sample gives them numbers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from nmrqb import units


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f"found {value!r}; write text in quotes, with its unit, such as {units.TIME.example} or {units.ANGLE.example}"
        )
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

    crush: Literal[True]


class Observe(_Event):
    """A point at which the state is wanted, by name."""

    observe: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9 _-]*$", max_length=40)


EVENT_KEYS = ("pulse", "delay", "crush", "observe")


def _which(value: Any) -> str | None:
    if isinstance(value, BaseModel):
        return f"<{type(value).__name__}>"
    named = [key for key in EVENT_KEYS if isinstance(value, dict) and key in value]
    return f"<{named[0].capitalize()}>" if len(named) == 1 else None


Event = Annotated[
    Annotated[Pulse, Tag("<Pulse>")]
    | Annotated[Delay, Tag("<Delay>")]
    | Annotated[Crush, Tag("<Crush>")]
    | Annotated[Observe, Tag("<Observe>")],
    Discriminator(
        _which,
        custom_error_type="event_kind",
        custom_error_message="found no event or several in one; a step has exactly one of the keys "
        + ", ".join(EVENT_KEYS),
    ),
]
