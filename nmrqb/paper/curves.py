"""The data of the figures as xarray Datasets, one function for each kind of figure, and their NetCDF files."""

from nmrqb.paper.curves_charging import charging, maxima, split
from nmrqb.paper.curves_resources import dephasing, thermal
from nmrqb.paper.curves_rounds import noisy_charging, rounds
from nmrqb.paper.dataset import write

__all__ = ["charging", "dephasing", "maxima", "noisy_charging", "rounds", "split", "thermal", "write"]
