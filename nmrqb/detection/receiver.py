"""The receiver: how a signal is sampled, and what the electronics add to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError

Seed = int | np.random.Generator | None


@dataclass(frozen=True)
class Receiver:
    """Sampling and imperfections of a quadrature receiver.

    dwell: time between points in s, so that the spectrum is 1/dwell wide. points: complex points taken. dead_time: from
    the state to the first point, in s. noise: standard deviation of the real part, and of the imaginary part, of one
    point of one scan. scans: how many are averaged; the signal stays, the noise falls as 1/sqrt(scans).
    image, image_phase: quadrature image, s -> s + image exp(i image_phase) conj(s): a mirror line at minus the offset.
    dc: complex offset, a spike at zero. phase: of the receiver in rad, s -> s exp(i phase).
    Order: phase, image, dc, noise. Raises ArgumentError for values outside their range.
    """

    dwell: float
    points: int
    dead_time: float = 0.0
    noise: float = 0.0
    scans: int = 1
    image: float = 0.0
    image_phase: float = 0.0
    dc: complex = 0.0
    phase: float = 0.0

    def __post_init__(self) -> None:
        if not (self.dwell > 0 and math.isfinite(self.dwell)):
            raise ArgumentError("dwell", f"{self.dwell} s", "be finite and above zero")
        for name in ("points", "scans"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
                raise ArgumentError(name, value, "be a whole number, 1 or more")
        for name, unit in (("dead_time", " s"), ("noise", "")):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise ArgumentError(name, f"{value}{unit}", "be finite and zero or above")
        if not 0 <= self.image < 1:
            raise ArgumentError("image", self.image, "lie at 0 or above and below 1, as a fraction of the line")
        for name in ("image_phase", "phase", "dc"):
            if not np.isfinite(getattr(self, name)):
                raise ArgumentError(name, getattr(self, name), "be finite")

    @property
    def times(self) -> FloatArray:
        """Time of each point after the state, shape (points,), in s."""
        return self.dead_time + self.dwell * np.arange(self.points, dtype=float)

    @property
    def width(self) -> float:
        """Spectral width 1/dwell in Hz; lines beyond half of it fold back in at the other end."""
        return 1 / self.dwell

    @property
    def averaged_noise(self) -> float:
        """Standard deviation of the real (and of the imaginary) part of a point after averaging the scans."""
        return self.noise / math.sqrt(self.scans)

    def record(self, signal: ComplexArray, seed: Seed = None) -> ComplexArray:
        """What the receiver makes of an ideal signal (..., points): phase, image, dc and noise, in this order."""
        if self.phase:
            signal = signal * np.exp(1j * self.phase)
        if self.image:
            signal = signal + self.image * np.exp(1j * self.image_phase) * np.conj(signal)
        if self.dc:
            signal = signal + self.dc
        if self.noise:
            parts = np.random.default_rng(seed).standard_normal((2, *signal.shape))
            signal = signal + self.averaged_noise * (parts[0] + 1j * parts[1])
        return signal
