"""From counts to density matrices, and from density matrices to numbers with error bars."""

from nmrqb.tomography.bootstrap import Estimate, estimate, normal_score
from nmrqb.tomography.reconstruct import linear_inversion, nearest_state
from nmrqb.tomography.settings import confusion, pauli_settings, probabilities

__all__ = [
    "Estimate",
    "confusion",
    "estimate",
    "linear_inversion",
    "nearest_state",
    "normal_score",
    "pauli_settings",
    "probabilities",
]
