"""The timeline: all that engines understand of a sample and a sequence."""

from nmrqb.timeline.cycle import cycle_average
from nmrqb.timeline.schedule import sample_quantities, schedule
from nmrqb.timeline.simulate import evolve, propagator
from nmrqb.timeline.timeline import Mark, Timeline, expanded

__all__ = ["Mark", "Timeline", "cycle_average", "evolve", "expanded", "propagator", "sample_quantities", "schedule"]
