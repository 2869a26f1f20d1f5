"""Steps of a sequence written from numbers, to the last digit that matters."""

from __future__ import annotations

from typing import Any

from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Observe, Sequence
from nmrqb.sequence.schema import Pulses

#: The mark at the end of what this room writes.
MARK = "engineered"


def angle_text(radians: float) -> str:
    """An angle as text in degrees."""
    degrees = radians * 57.29577951308232
    near = round(degrees, 10)
    return f"{near if abs(degrees - near) < 1e-14 * max(1.0, abs(degrees)) else degrees:.16g} deg"


def time_text(seconds: float, sample: Sample) -> str:
    """A time as a multiple of the inverse coupling of the sample, which a raster then rounds instead of refusing."""
    name, value = ("J", sample.scalar_coupling) if sample.scalar_coupling else ("coupling", sample.coupling)
    return f"{seconds * abs(value):.16g}/abs({name})"


def rf_text(rf: float | None) -> str | None:
    """A nutation frequency in Hz as text, where a pulse has its own."""
    return None if rf is None else f"{rf!r} Hz"


def width_parameter(pulses: Pulses, rf: float | None) -> dict[str, str]:
    """The parameter `width`, the length of a 90-degree pulse that windows are shortened by; none for ideal pulses."""
    if pulses == "ideal":
        return {}
    return {"width": "pulse_90" if rf is None else f"{1 / (4 * rf)!r} s"}


def written(name: str, title: str, note: str, steps: list[Any], parameters: dict[str, str], pulses: Pulses) -> Sequence:
    """The sequence of these steps, with its mark at the end."""
    done = (*steps, Observe(observe=MARK))
    return Sequence(name, title, done, parameters, pulses=pulses, note=note).checked()


def check_pulses(pulses: str, rf: float | None, sample: Sample) -> None:
    """Raises ArgumentError for pulses of no known kind, or pulses that a coil of the sample does not take."""
    if pulses not in ("ideal", "finite"):
        raise ArgumentError("pulses", repr(pulses), 'be "ideal" or "finite"')
    if rf is not None and not 0 < rf < float("inf"):
        raise ArgumentError("rf", f"{rf} Hz", "be a nutation frequency above zero")
    if rf is not None and pulses == "ideal":
        raise ArgumentError("rf", f"{rf:g} Hz", 'be left out with ideal pulses, or pulses be "finite"')
    for isotope in dict.fromkeys(sample.spins) if pulses == "finite" else ():
        coil = sample.coil(isotope)
        needed = rf if rf is not None else 1 / (4 * coil.pulse_90)
        if needed > coil.limit * (1 + 1e-9):
            allowed = f"be at most {coil.limit / 1e3:g} kHz, the RF limit of {isotope} on sample {sample.name!r}"
            raise ArgumentError("rf", f"{needed / 1e3:g} kHz", allowed)
