"""A sequence printed as the file that reads back to it."""

from __future__ import annotations

import json
from typing import Any

from nmrqb.errors import ArgumentError
from nmrqb.sequence.parameters import NAME
from nmrqb.sequence.sequence import Sequence
from nmrqb.sequence.shapes import Shape


def to_toml(sequence: Sequence) -> str:
    """The file of a sequence, one line for each step; parsing it gives an equal sequence.

    Text bound to parameters takes the place of their defaults. Raises ArgumentError where numbers were bound from Python,
    or a shape is sampled, for which a sequence file has no place.
    """
    lines = [f"title = {_text(sequence.title)}"]
    if sequence.note:
        lines.append(f"note = {_text(sequence.note)}")
    if sequence.pulses != "ideal":
        lines.append(f"pulses = {_text(sequence.pulses)}")
    lines += ["", "steps = [", *(f"  {_value(_event(step))}," for step in sequence.steps), "]"]
    parameters = {name: _bound(sequence, name) for name in sequence.parameters}
    for title, table in (("parameters", parameters), ("cycle", dict(sequence.cycle))):
        if table:
            lines += ["", f"[{title}]", *(f"{_key(name)} = {_value(value)}" for name, value in table.items())]
    for name, shape in sequence.shapes.items():
        lines += ["", f"[shapes.{_key(name)}]", *(f"{_key(k)} = {_value(v)}" for k, v in _shape(name, shape).items())]
    return "\n".join(lines) + "\n"


def _bound(sequence: Sequence, name: str) -> Any:
    given = sequence.bound.get(name, sequence.parameters[name])
    if not isinstance(given, (str, tuple)):
        raise ArgumentError(f"parameter {name!r}", "bound to a number", "be bound to text with its unit to be printed")
    return given


def _shape(name: str, shape: Shape) -> dict[str, Any]:
    if shape.kind == "sampled":
        if shape.file:
            return {"file": shape.file}
        raise ArgumentError(f"shape {name!r}", "sampled", "be one of the named kinds to be printed")
    return {"kind": shape.kind, "points": shape.points, **shape.constants}


def _event(step: Any) -> dict[str, Any]:
    """The keys of a step that say something, in the order of their definition."""
    keys: dict[str, Any] = {}
    for name, info in type(step).model_fields.items():
        value = getattr(step, name)
        if info.is_required() or value != info.get_default(call_default_factory=True):
            keys[info.alias or name] = value
    return keys


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items()) + " }"
    return _value(_event(value))


def _key(name: str) -> str:
    return name if NAME.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    # a basic string of TOML takes JSON's escapes; DEL is the one control character that JSON leaves bare
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
