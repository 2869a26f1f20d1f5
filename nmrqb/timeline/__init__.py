"""The timeline: all that engines understand of a sample and a sequence."""

from nmrqb.timeline.schedule import sample_quantities, schedule
from nmrqb.timeline.simulate import evolve, propagator
from nmrqb.timeline.timeline import Mark, Timeline, expanded

__all__ = ["Mark", "Timeline", "evolve", "expanded", "propagator", "sample_quantities", "schedule"]
