"""What is asked of a search, checked against what coil, spectrometer and shape files take."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design import starts
from nmrqb.design.controls import System
from nmrqb.design.objectives import Objective, Power
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Shape


def checked_length(
    system: System, sample: Sample | System, objective: Objective, duration: float, slices: int
) -> float:
    """The duration in s, once all that bounds it is met. Raises ArgumentError."""
    if objective.dimension != system.dimension:
        found = f"for dimension {objective.dimension}"
        raise ArgumentError("objective", found, f"act on the system's dimension {system.dimension}")
    length = number("duration", duration, checks.positive)
    if isinstance(objective, Power) and not np.isclose(objective.duration, length, rtol=1e-9):
        found = f"{objective.duration * 1e6:g} us beside a pulse of {length * 1e6:g} us"
        raise ArgumentError("duration of the power", found, "be that of the pulse")
    step = length / slices
    raster = sample.raster if isinstance(sample, Sample) else None
    if raster is not None and step < raster * (1 - 1e-9):
        found = f"{length * 1e6:g} us in {slices} slices"
        raise ArgumentError("duration", found, f"give slices of {raster * 1e9:g} ns or more, the sample's raster")
    fastest = max(c.limit for c in system.channels)
    longest = np.pi * slices / fastest
    if length > longest * (1 + 1e-9):
        found, allowed = f"{length * 1e6:g} us", f"be at most {longest * 1e6:.6g} us with {slices} slices"
        raise ArgumentError("duration", found, f"{allowed}: the RF limit may turn a spin by half a turn in each")
    return length


def whole(name: str, value: object, least: int, allowed: str, most: float = np.inf) -> int:
    """A whole number from `least` to `most`. Raises ArgumentError, which says what is `allowed`."""
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not least <= value <= most or value != np.floor(value):  # type: ignore[operator,call-overload]
        raise ArgumentError(name, value, allowed)
    return int(value)  # type: ignore[call-overload]


def number(name: str, value: ArrayLike, check: Callable[[str, ArrayLike], FloatArray] = checks.non_negative) -> float:
    """One number that passes a check. Raises ArgumentError."""
    found = check(name, value)
    if found.ndim:
        raise ArgumentError(name, f"of shape {found.shape}", "be one number")
    return float(found)


def start_of(
    start: object, flip: float, duration: float, slices: int, system: System, rng: np.random.Generator
) -> ComplexArray:
    """Shares of the limit on each channel, (S, C)."""
    names = [c.name for c in system.channels]
    if isinstance(start, str):
        if start not in starts.STARTS:
            raise ArgumentError("start", repr(start), f"be one of {', '.join(starts.STARTS)}, or a shape")
        angle = number("flip", flip, checks.real)
        if start == "random":
            return np.stack([starts.random(slices, rng) for _ in names], axis=-1)
        make = starts.hard if start == "hard" else starts.bb1
        return np.stack([make(angle, duration, slices, c.limit) for c in system.channels], axis=-1)
    if isinstance(start, Shape):
        return np.stack([starts.of_shape(start, slices)] * len(names), axis=-1)
    if isinstance(start, Mapping):
        missing = [name for name in names if name not in start]
        if missing:
            raise ArgumentError("start", f"without {missing[0]!r}", "have a shape for every channel")
        return np.stack([starts.of_shape(start[name], slices) for name in names], axis=-1)
    try:
        w = np.asarray(start, dtype=complex)
    except (TypeError, ValueError):
        raise ArgumentError(
            "start", type(start).__name__, f"be one of {', '.join(starts.STARTS)}, or a shape"
        ) from None
    if w.shape != (slices, len(names)) or not np.all(np.isfinite(w)) or np.abs(w).max() > 1 + 1e-9:
        found = f"of shape {w.shape}" + (f" with |w| up to {np.abs(w).max():g}" if w.size else "")
        raise ArgumentError("start", found, f"be of shape {(slices, len(names))} with |w| at most 1")
    return w
