"""The sample file: its keys, read strictly, and their values in SI units."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from nmrqb import units
from nmrqb.files import brief
from nmrqb.units import ExpressionError, Kind

#: Smallest and largest magnitude beside zero of each kind, far beyond any laboratory: squares and products of them, and what
#: is divided by them, stay far from the ends of floating-point numbers. SI units.
RANGES = {
    units.TIME: (1e-15, 1e15),
    units.FREQUENCY: (1e-15, 1e15),
    units.LENGTH: (1e-15, 1e3),
    units.FIELD: (1e-12, 1e6),
    units.TEMPERATURE: (1e-12, 1e12),
}


def _number(value: Any, kind: Kind, above: float | None) -> float:
    if not isinstance(value, str):
        raise ValueError(f"found {brief(value)}; a {kind.name} is text with a unit, such as {kind.example}")
    try:
        number = float(units.read(value, kind))
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    if above is not None and number <= above:
        raise ValueError(f"found {value!r}; it must be above {above:g}")
    least, most = RANGES[kind]
    if number and not least <= abs(number) <= most:
        unit = units.registry().Unit(kind.unit)
        raise ValueError(f"found {value!r}; its magnitude must lie between {least:g} and {most:g} {unit:~}")
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
#: Events in a second, for all spins or for each; what is below zero is refused with the record that they make.
Rates = Annotated[
    Annotated[Frequency, Tag("one")] | Annotated[list[Frequency], Tag("each")],
    Discriminator(lambda value: "each" if isinstance(value, list) else "one"),
]
Nutation = Annotated[float, _reader(units.FREQUENCY, above=0)]
Length = Annotated[float, _reader(units.LENGTH)]
MagneticField = Annotated[float, _reader(units.FIELD, above=0)]
Temperature = Annotated[float, _reader(units.TEMPERATURE, above=0)]


class Table(BaseModel):
    """A table of a file: unknown keys are refused, and so are values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class CouplingTable(Table):
    """A coupling in Hz: dipolar (d/2pi) or scalar (J), between two spins by number, or all spins of two isotopes."""

    between: list[int] | None = Field(default=None, min_length=2, max_length=2)
    of: list[str] | None = Field(default=None, min_length=2, max_length=2)
    dipolar: Frequency | None = None
    J: Frequency | None = None


class ChainTable(Table):
    """Dipolar couplings of an even chain, in the order of the spins: that of neighbours (Hz), falling as distance^-power."""

    nearest: Frequency
    power: float = Field(default=3.0, ge=0, le=12)


class GeometryTable(Table):
    """Positions (m) and field direction, from which every dipolar coupling follows."""

    positions: list[Annotated[list[Length], Field(min_length=3, max_length=3)]]
    field_direction: list[float] = Field(min_length=3, max_length=3)


class RelaxationTable(Table):
    """T1 and T2 of every spin and the lifetime of dipolar order, in s; how far fields are shared; where relaxation leads.

    T1D stands on record until dipolar_order is "T1D". dephasing_correlation: 0 to 1, for like spins. fixed_point
    "hamiltonian" is the Gibbs state of couplings and offsets at spin_temperature (K). See `nmrqb.nmr.noise.Noise`.
    """

    T1: Durations
    T2: Durations
    T1D: Duration | None = None
    dipolar_order: Literal["independent", "T1D"] = "independent"
    dephasing_correlation: float = Field(default=0.0, ge=0, le=1)
    fixed_point: Literal["zeeman", "hamiltonian"] = "zeeman"
    spin_temperature: Temperature | None = None


class NoiseTable(Table):
    """Noise that is driven: X-dephasing gamma of each spin, and that of one coil for each isotope, in 1/s ("20 Hz" is 20/s)."""

    x_dephasing: Rates | None = None
    x_dephasing_collective: Frequency = 0.0


class ChannelTable(Table):
    """One channel of the probe: length of a 90-degree pulse (s) and the largest nutation frequency (Hz)."""

    pulse_90: Duration
    limit: Nutation


class RFTable(ChannelTable):
    """The probe: a channel for every isotope, with others for those named in `channels`.

    raster: times are multiples of it (s). duty_cycle: largest share of a sequence's time with RF on (0 to 1).
    """

    channels: dict[str, ChannelTable] = {}
    raster: Duration | None = None
    duty_cycle: float | None = Field(default=None, gt=0, le=1)


class ReceiverTable(Table):
    """How a decay is recorded: dwell time and dead time (s), points, noise of a point relative to the full signal."""

    dwell: Duration
    points: int = Field(ge=1, le=1_000_000)
    dead_time: Duration | None = None
    noise: float = Field(default=0.0, ge=0)


class ReadoutTable(Table):
    """Chance that the readout of a qubit is flipped."""

    error: float = Field(ge=0, lt=0.5)


def _shift(value: Any) -> Any:
    """A chemical shift written "7.26 ppm" as its number; what is no text passes on."""
    if not isinstance(value, str):
        return value
    number, unit = value.strip().removesuffix("ppm"), value.strip().endswith("ppm")
    try:
        return float(number) if unit else int("")
    except ValueError:
        raise ValueError(f'found {brief(value)}; a shift is a number in ppm, such as 7.26 or "7.26 ppm"') from None


class SampleFile(Table):
    """A sample file."""

    title: str
    note: str = ""
    spins: list[str] = Field(min_length=1, max_length=40)
    field: MagneticField | None = None
    temperature: Temperature | None = None
    polarisation: float | None = Field(default=None, ge=0, le=1)
    offsets: list[Frequency] | None = None
    shifts: list[Annotated[float, BeforeValidator(_shift), Field(ge=-1e6, le=1e6)]] | None = None
    unverified: list[str] = []
    couplings: list[CouplingTable] = []
    geometry: GeometryTable | None = None
    chain: ChainTable | None = None
    relaxation: RelaxationTable | None = None
    noise: NoiseTable | None = None
    rf: RFTable
    receiver: ReceiverTable | None = None
    readout: ReadoutTable | None = None


def per_spin(value: float | list[float], n: int) -> tuple[float, ...]:
    """One value for all spins, or a list with one for each. Raises ValueError."""
    values = value if isinstance(value, list) else [value] * n
    if len(values) != n:
        raise ValueError(f"found {len(values)} values for {n} spins")
    return tuple(values)
