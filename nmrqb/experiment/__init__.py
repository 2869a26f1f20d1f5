"""An experiment: one sample, one sequence, one sweep, run on engines and reduced to a labelled Dataset."""

from nmrqb.experiment.experiment import ENGINES, Experiment, versions

__all__ = ["ENGINES", "Experiment", "versions"]
