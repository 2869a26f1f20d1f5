"""Preparations: what to do to a sample in equilibrium so that it becomes a battery's Gibbs state, and how well it did."""

from nmrqb.preparation.ax import (
    DiagonalAngles,
    diagonal_angles,
    diagonal_state,
    eigenbasis_map,
    eigenbasis_populations,
    gibbs_on_ax,
)
from nmrqb.preparation.collective import CollectiveLimit, collective_limit
from nmrqb.preparation.dipolar import adrf, attainable, broekaert_jeener, steepest_delay, unitary_bound
from nmrqb.preparation.gibbs import prepare_gibbs
from nmrqb.preparation.report import Preparation, PreparationReport, assess
from nmrqb.preparation.temporal import TemporalAverage, temporal_average

__all__ = [
    "CollectiveLimit",
    "DiagonalAngles",
    "Preparation",
    "PreparationReport",
    "TemporalAverage",
    "adrf",
    "assess",
    "attainable",
    "broekaert_jeener",
    "collective_limit",
    "diagonal_angles",
    "diagonal_state",
    "eigenbasis_map",
    "eigenbasis_populations",
    "gibbs_on_ax",
    "prepare_gibbs",
    "steepest_delay",
    "temporal_average",
    "unitary_bound",
]
