"""From counts to density matrices, and from density matrices to numbers with error bars."""

from nmrqb.tomography.bootstrap import Estimate, estimate, normal_score
from nmrqb.tomography.nmr_lines import DetectedLines, resolved_lines
from nmrqb.tomography.nmr_map import ReadoutMap, best_sets, readout_map
from nmrqb.tomography.nmr_report import ReadoutReport, readout_report
from nmrqb.tomography.readouts import Readout, default_readouts, readout_candidates
from nmrqb.tomography.reconstruct import linear_inversion, nearest_state
from nmrqb.tomography.settings import confusion, pauli_settings, probabilities

__all__ = [
    "DetectedLines",
    "Estimate",
    "Readout",
    "ReadoutMap",
    "ReadoutReport",
    "best_sets",
    "confusion",
    "default_readouts",
    "estimate",
    "linear_inversion",
    "nearest_state",
    "normal_score",
    "pauli_settings",
    "probabilities",
    "readout_candidates",
    "readout_map",
    "readout_report",
    "resolved_lines",
]
