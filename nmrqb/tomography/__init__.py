"""From counts to density matrices, and from density matrices to numbers with error bars."""

from nmrqb.tomography.bootstrap import Estimate, estimate, normal_score
from nmrqb.tomography.grouping import covers, energy_settings, local_paulis, pauli_terms, settings_for
from nmrqb.tomography.likelihood import LikelihoodFit, certificate, maximum_likelihood, mixture_likelihood
from nmrqb.tomography.measurement import Measurement, pauli_measurement
from nmrqb.tomography.nmr_lines import DetectedLines, resolved_lines
from nmrqb.tomography.nmr_map import ReadoutMap, best_sets, readout_map
from nmrqb.tomography.nmr_report import ReadoutReport, readout_report
from nmrqb.tomography.readouts import Readout, default_readouts, readout_candidates
from nmrqb.tomography.reconstruct import linear_inversion, nearest_state
from nmrqb.tomography.settings import confusion, pauli_settings, probabilities

__all__ = [
    "DetectedLines",
    "Estimate",
    "LikelihoodFit",
    "Measurement",
    "Readout",
    "ReadoutMap",
    "ReadoutReport",
    "best_sets",
    "certificate",
    "confusion",
    "covers",
    "default_readouts",
    "energy_settings",
    "estimate",
    "linear_inversion",
    "local_paulis",
    "maximum_likelihood",
    "mixture_likelihood",
    "nearest_state",
    "normal_score",
    "pauli_measurement",
    "pauli_settings",
    "pauli_terms",
    "probabilities",
    "readout_candidates",
    "readout_map",
    "readout_report",
    "resolved_lines",
    "settings_for",
]
