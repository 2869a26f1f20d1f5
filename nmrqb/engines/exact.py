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
    """Exponentials of every slice; with noise on the timeline, of its Lindblad generator. Crushers are masks.

    Where the timeline has an ensemble, states are averaged over its members by weight, as the sample is; with
    `keep_members` they come one by one. `interpolate`: members are reached through Chebyshev points where these are fewer,
    which adds an error below 1e-12 (`nmrqb.timeline.kernels.TOLERANCE`); without it every member is propagated.
    """

    keep_members: bool = False
    interpolate: bool = True
    source = "exact"

    def run(self, timeline: Timeline, rho0: ArrayLike, progress: Progress | None = None) -> States:  # noqa: ARG002
        """States at the observed marks, rho (..., mark, 1, d, d), from rho0 (..., d, d); members before the mark if kept.

        The evolution is linear, so rho0 may also be a deviation from equilibrium; where relaxation drives towards a
        polarisation, only a state means something, and that is for the caller to see to.
        `progress` is part of what every engine takes; this one is done before it would have anything to say. Raises
        ArgumentError for a rho0 that does not fit, or a timeline that observes nothing.
        """
        keep, interpolate = self.keep_members, self.interpolate
        rho = timelines.evolve(timeline, rho0, keep_members=keep, interpolate=interpolate)
        rho = timelines.cycle_average(timeline, rho)
        info = {} if timeline.ensemble is None else {"members": len(timeline.ensemble)}
        return States(rho[..., None, :, :], timeline.observed, self.source, info)

    def propagator(self, timeline: Timeline) -> ComplexArray:
        """The unitary of the timeline, (..., d, d); with an ensemble that of every member, (..., M, d, d).

        Raises ArgumentError when the timeline holds a crusher or noise.
        """
        return timelines.propagator(timeline, interpolate=self.interpolate)
