"""The sample file: its keys, read strictly, and their values in SI units."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from nmrqb import units
from nmrqb.files import brief
from nmrqb.units import ExpressionError, Kind


def _number(value: Any, kind: Kind, above: float | None) -> float:
    if not isinstance(value, str):
        raise ValueError(f"found {brief(value)}; {kind.name}s are text with a unit, such as {kind.example}")
    try:
        number = float(units.read(value, kind))
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    if above is not None and number <= above:
        raise ValueError(f"found {value!r}; it must be above {above:g}")
    return number


def _reader(kind: Kind, *, above: float | None = None) -> Any:
    return BeforeValidator(lambda value: _number(value, kind, above))


Duration = Annotated[float, _reader(units.TIME, above=0)]
#: For all spins, or an array with one for each; the two are told apart first, so that what is wrong has one complaint.
Durations = Annotated[
    Annotated[Duration, Tag("one")] | Annotated[list[Duration], Tag("each")],
    Discriminator(lambda value: "each" if isinstance(value, list) else "one"),
]
Frequency = Annotated[float, _reader(units.FREQUENCY)]
Nutation = Annotated[float, _reader(units.FREQUENCY, above=0)]
Length = Annotated[float, _reader(units.LENGTH)]
MagneticField = Annotated[float, _reader(units.FIELD, above=0)]
Temperature = Annotated[float, _reader(units.TEMPERATURE, above=0)]


class Table(BaseModel):
    """A table of a file: unknown keys are refused, and so are values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class CouplingTable(Table):
    """A dipolar coupling d/2pi (Hz) between two spins."""

    between: list[int] = Field(min_length=2, max_length=2)
    dipolar: Frequency


class GeometryTable(Table):
    """Positions (m) and field direction, from which every dipolar coupling follows."""

    positions: list[Annotated[list[Length], Field(min_length=3, max_length=3)]]
    field_direction: list[float] = Field(min_length=3, max_length=3)


class RelaxationTable(Table):
    """T1 and T2 of every spin, and the lifetime of dipolar order, in s."""

    T1: Durations
    T2: Durations
    T1D: Duration | None = None


class RFTable(Table):
    """The coil: length of a 90-degree pulse (s) and the largest nutation frequency (Hz)."""

    pulse_90: Duration
    limit: Nutation


class ReadoutTable(Table):
    """Chance that the readout of a qubit is flipped."""

    error: float = Field(ge=0, lt=0.5)


class SampleFile(Table):
    """A sample file."""

    title: str
    note: str = ""
    spins: list[str] = Field(min_length=1, max_length=40)
    field: MagneticField | None = None
    temperature: Temperature | None = None
    polarisation: float | None = Field(default=None, ge=0, le=1)
    offsets: list[Frequency] | None = None
    unverified: list[str] = []
    couplings: list[CouplingTable] = []
    geometry: GeometryTable | None = None
    relaxation: RelaxationTable | None = None
    rf: RFTable
    readout: ReadoutTable | None = None


def per_spin(value: float | list[float], n: int) -> tuple[float, ...]:
    """One value for all spins, or a list with one for each. Raises ValueError."""
    values = value if isinstance(value, list) else [value] * n
    if len(values) != n:
        raise ValueError(f"found {len(values)} values for {n} spins")
    return tuple(values)
