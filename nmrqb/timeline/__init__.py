"""The timeline: all that engines understand of a sample and a sequence."""

from nmrqb.timeline.schedule import schedule
from nmrqb.timeline.simulate import evolve, propagator
from nmrqb.timeline.timeline import Mark, Timeline

__all__ = ["Mark", "Timeline", "evolve", "propagator", "schedule"]
