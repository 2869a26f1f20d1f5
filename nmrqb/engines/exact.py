"""Exact spin dynamics: the engine every other one is held against."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from nmrqb import timeline as timelines
from nmrqb.checks import ComplexArray
from nmrqb.results import Progress, States
from nmrqb.timeline import Timeline


@dataclass(frozen=True)
class Exact:
    """Matrix exponentials of every slice; with noise on the timeline, of its Lindblad generator. Crushers are masks."""

    source = "exact"

    def run(self, timeline: Timeline, rho0: ArrayLike, progress: Progress | None = None) -> States:  # noqa: ARG002
        """States at the observed marks, rho (..., mark, 1, d, d), from rho0 (..., d, d). Raises ArgumentError.

        `progress` is part of what every engine takes; this one is done before it would have anything to say.
        """
        rho = timelines.evolve(timeline, rho0)
        return States(rho[..., None, :, :], timeline.observed, self.source)

    def propagator(self, timeline: Timeline) -> ComplexArray:
        """The unitary of the timeline, (..., d, d). Raises ArgumentError when it holds a crusher or noise."""
        return timelines.propagator(timeline)
