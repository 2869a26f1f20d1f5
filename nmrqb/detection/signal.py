"""The free induction decay as data: complex points in time, and what is known of how they were taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError


@dataclass(frozen=True)
class Fid:
    """Complex points s(t) = Tr[rho(t) F_+]: a line at a positive offset turns as exp(+2 pi i nu t).

    signal: (..., N). dwell: time between points in s. start: time of the first point in s, counted from the state;
    above zero behind a dead time, below zero where a digital filter's build-up comes before the signal.
    carrier: frequency of zero offset in Hz, or None. carrier_ppm: shift at zero offset. nucleus: such as "1H".
    noise: standard deviation of the real (and of the imaginary) part of a point, or None where unknown.
    info: where it comes from. Raises ArgumentError for shapes and values that do not fit.
    """

    signal: ComplexArray
    dwell: float
    start: float = 0.0
    carrier: float | None = None
    carrier_ppm: float = 0.0
    nucleus: str = ""
    noise: float | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "signal", np.asarray(self.signal, dtype=complex))
        if self.signal.ndim < 1 or self.signal.shape[-1] < 1:
            raise ArgumentError(
                "signal", f"of shape {self.signal.shape}", "have shape (..., N) with at least one point"
            )
        if not np.all(np.isfinite(self.signal)):
            raise ArgumentError("signal", "an array with NaN or infinity", "be finite")
        if not (self.dwell > 0 and math.isfinite(self.dwell)):
            raise ArgumentError("dwell", f"{self.dwell} s", "be finite and above zero")
        if not math.isfinite(self.start):
            raise ArgumentError("start", f"{self.start} s", "be finite")
        if self.carrier is not None and not (self.carrier > 0 and math.isfinite(self.carrier)):
            raise ArgumentError("carrier", f"{self.carrier} Hz", "be finite and above zero, or None")
        if not (math.isfinite(self.carrier_ppm) and self.carrier_ppm > -1e6):
            raise ArgumentError("carrier_ppm", self.carrier_ppm, "be a chemical shift in ppm")
        if self.noise is not None and not (self.noise >= 0 and math.isfinite(self.noise)):
            raise ArgumentError("noise", self.noise, "be zero or above, or None")

    @property
    def points(self) -> int:
        """Number of points N."""
        return self.signal.shape[-1]

    @property
    def width(self) -> float:
        """Spectral width 1/dwell in Hz."""
        return 1 / self.dwell

    @property
    def times(self) -> FloatArray:
        """Time of each point in s, shape (N,)."""
        return self.start + self.dwell * np.arange(self.points, dtype=float)

    @property
    def reference(self) -> float | None:
        """Frequency of 0 ppm in Hz, or None without a carrier."""
        return None if self.carrier is None else self.carrier / (1 + 1e-6 * self.carrier_ppm)

    def after(self, time: float) -> Fid:
        """The points at `time` (s) and later. Raises ArgumentError where there are none."""
        first = math.ceil((time - self.start) / self.dwell - 1e-9)
        if first >= self.points:
            raise ArgumentError("time", f"{time} s", f"lie before the last point at {self.times[-1]:g} s")
        first = max(first, 0)
        return replace(self, signal=self.signal[..., first:], start=self.start + first * self.dwell)

    def with_signal(self, signal: ComplexArray) -> Fid:
        """Other points taken in the same way."""
        return replace(self, signal=signal)
