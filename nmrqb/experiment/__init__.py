"""An experiment: one sample, one sequence, one sweep, run on engines and reduced to a labelled Dataset."""

from nmrqb.experiment.engines import ENGINES, check_engine
from nmrqb.experiment.experiment import Experiment, versions

__all__ = ["ENGINES", "Experiment", "check_engine", "versions"]
