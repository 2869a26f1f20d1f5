"""The sequence file: its keys, read strictly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from nmrqb import files
from nmrqb.errors import ArgumentError, InputError
from nmrqb.files import Document, brief
from nmrqb.sequence.events import Event, Text
from nmrqb.sequence.shapes import MAX_POINTS, Shape, read_shape

#: Parameters and shapes of one file. Each parameter may hold as many values as all lists together have points
#: (`validate.MAX_POINTS_OF_LISTS`), so that their number bounds what a file of 1 MB can take: 65 MB.
MAX_PARAMETERS, MAX_SHAPES = 500, 100
#: Beyond any constant of a shape, and below what overflows in its square.
MAX_CONSTANT = 1e9

Pulses = Literal["ideal", "finite"]

#: A parameter is one text or a list of them.
ParameterText = Annotated[
    Annotated[Text, Tag("one")] | Annotated[list[Text], Field(min_length=1, max_length=10_000), Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, list) else "one"),
]


class ShapeTable(BaseModel):
    """An envelope: a kind with its constants, or a file of "amplitude phase" rows."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    kind: str | None = None
    points: int = Field(default=200, ge=1, le=MAX_POINTS)
    file: str | None = None


class SequenceFile(BaseModel):
    """A sequence file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    note: str = ""
    pulses: Pulses = "ideal"
    steps: list[Event] = Field(min_length=1, max_length=10_000)
    parameters: dict[str, ParameterText] = Field(default={}, max_length=MAX_PARAMETERS)
    cycle: dict[str, Annotated[list[Text], Field(min_length=1, max_length=4096)]] = {}
    shapes: dict[str, ShapeTable] = Field(default={}, max_length=MAX_SHAPES)


def shapes_of(document: Document, table: SequenceFile, folder: Path) -> dict[str, Shape]:
    """The envelopes of a file by name. Raises InputError with the line of what is wrong with them."""
    shapes, problems = {}, []
    for name, row in table.shapes.items():
        try:
            shapes[name] = _shape(row, folder)
        except (ValueError, OSError) as error:
            cause = str(error)
            if isinstance(error, (OSError, UnicodeDecodeError)):
                why = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8 text"
                cause = f"the shape file {brief(row.file)} cannot be read ({why})"
            problems.append(document.problem(("shapes", name), cause))
    if problems:
        raise InputError(tuple(problems))
    return shapes


def _shape(row: ShapeTable, folder: Path) -> Shape:
    constants: dict[str, Any] = dict(row.model_extra or {})
    if (row.kind is None) == (row.file is None):
        raise ArgumentError("a shape", "both or neither", "have either a kind or a file")
    if row.file is not None:
        if constants:
            raise ArgumentError("a sampled shape", f"one with {next(iter(constants))}", "have no key but file")
        return replace(read_shape(folder / row.file), file=row.file)
    assert row.kind is not None
    for name, value in constants.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < MAX_CONSTANT:
            raise ArgumentError(
                f"constant {files.brief(name)}", files.brief(value), f"be a number below {MAX_CONSTANT:g}"
            )
    return Shape(row.kind, row.points, {name: float(value) for name, value in constants.items()})
