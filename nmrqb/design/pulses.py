"""An optimised pulse: shapes for a sequence, and the record of how they were found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.sequence import Lock, Observe, Sequence, Shape, Together


@dataclass(frozen=True, eq=False)
class OptimisedPulse:
    """A pulse by its envelope on each channel, and how it was found.

    w: (S, C), share of each channel's RF limit, exp(i phase) included. channels: names. limits: (C,) in Hz. duration: s.
    value: of the objective, without the penalty on roughness, and `start` that of the first pulse. bound: the most that
    unitaries allow on one member. history: (iterations + 1,), what was maximised: value over the objective's scale less
    the penalty; a change of stage (worst case) starts anew with a sharper minimum. gradient_norm: largest slope of that
    by any amplitude or phase that may still move. members: (M,), value of every member by itself. metrics: further
    numbers by name. message: why the search ended; `converged` unless it ran out of iterations.
    """

    w: ComplexArray
    channels: tuple[str, ...]
    limits: FloatArray
    duration: float
    value: float
    start: float
    bound: float
    history: FloatArray
    gradient_norm: float
    members: FloatArray
    iterations: int
    converged: bool
    message: str
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def slices(self) -> int:
        """Number of slices S."""
        return int(self.w.shape[0])

    @property
    def shapes(self) -> dict[str, Shape]:
        """A sampled shape for each channel; a channel without RF has a rectangular one, of peak 0."""
        made = {}
        for name, column in zip(self.channels, self.w.T, strict=True):
            made[name] = (
                Shape("sampled", samples=tuple(column.tolist()))
                if np.any(column)
                else Shape("rectangular", self.slices)
            )
        return made

    @property
    def shape(self) -> Shape:
        """The shape of a pulse on one channel. Raises ArgumentError where there are several: see `shapes`."""
        self._single()
        return self.shapes[self.channels[0]]

    @property
    def peaks(self) -> dict[str, float]:
        """Largest nutation frequency of each channel in Hz."""
        largest = np.abs(self.w).max(axis=0) * self.limits
        return {name: float(value) for name, value in zip(self.channels, largest, strict=True)}

    @property
    def peak(self) -> float:
        """Largest nutation frequency in Hz of a pulse on one channel. Raises ArgumentError where there are several."""
        self._single()
        return self.peaks[self.channels[0]]

    def event(self, name: str = "optimised", use: Any = "charge") -> Lock | Together:
        """The pulse as a step of a sequence whose `shapes` are `named(name)`."""
        locks = [
            Lock(
                lock=f"{self.peaks[c]!r} Hz",
                duration=f"{self.duration!r} s",
                on=(c,),
                shape=_key(name, c, self.channels),
                use=use,
            )
            for c in self.channels
        ]
        return locks[0] if len(locks) == 1 else Together(together=list(locks))

    def named(self, name: str = "optimised") -> dict[str, Shape]:
        """Shapes by the names that `event` uses."""
        return {_key(name, c, self.channels): shape for c, shape in self.shapes.items()}

    def sequence(self, name: str = "optimised", observe: str = "charged") -> Sequence:
        """A sequence of this pulse alone, then an observation."""
        steps = (self.event(name), Observe(observe=observe))
        return Sequence(name, "An optimised pulse", steps, {}, pulses="finite", shapes=self.named(name))

    def _single(self) -> None:
        if len(self.channels) > 1:
            found = f"on {', '.join(self.channels)}"
            raise ArgumentError("the pulse", found, "be on one channel to have one shape; use shapes and peaks")


def _key(name: str, channel: str, channels: tuple[str, ...]) -> str:
    return name if len(channels) == 1 else f"{name}-{channel}"
