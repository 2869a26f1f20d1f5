"""What leaves the computer: shape files, pulse programs with their parameters, circuits and data."""

from nmrqb.export.bruker import pulse_program
from nmrqb.export.console import PulseProgram
from nmrqb.export.played import ShapedPulse, shaped_pulses
from nmrqb.export.shapes import bruker_shape, csv_shape, varian_shape
from nmrqb.export.tables import timeline_dataset

__all__ = [
    "PulseProgram",
    "ShapedPulse",
    "bruker_shape",
    "csv_shape",
    "pulse_program",
    "shaped_pulses",
    "timeline_dataset",
    "varian_shape",
]
