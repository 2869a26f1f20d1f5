"""From counts to density matrices, and from density matrices to numbers with error bars."""

from nmrqb.tomography.allocation import allocate
from nmrqb.tomography.bayes import Posterior, bayesian_mean, posterior
from nmrqb.tomography.bootstrap import Estimate, estimate, normal_score
from nmrqb.tomography.cloud import Cloud, cloud_of_counts, cloud_of_replicas
from nmrqb.tomography.confidence import Interval, interval, intervals
from nmrqb.tomography.counts import Counts
from nmrqb.tomography.counts_files import counts_text, read_counts
from nmrqb.tomography.design import Design, gradient_of, metric_weight, pauli_design, readout_design
from nmrqb.tomography.direct import direct_expectation
from nmrqb.tomography.energy_basis import (
    EnergyBasis,
    ShotsNeeded,
    energy_basis,
    energy_basis_measurement,
    ergotropy_bounds,
    shots_needed,
)
from nmrqb.tomography.fidelity import fidelity_intervals
from nmrqb.tomography.functionals import (
    Functional,
    concurrence_of,
    discord_of,
    ergotropy_of,
    expectation_of,
    l1_of,
    purity_of,
)
from nmrqb.tomography.goodness import Goodness, goodness_of_fit
from nmrqb.tomography.grouping import covers, energy_settings, local_paulis, pauli_terms, settings_for
from nmrqb.tomography.likelihood import LikelihoodFit, certificate, maximum_likelihood, mixture_likelihood
from nmrqb.tomography.measurement import Measurement, pauli_measurement
from nmrqb.tomography.nmr_lines import DetectedLines, resolved_lines
from nmrqb.tomography.nmr_map import ReadoutMap, best_sets, readout_map
from nmrqb.tomography.nmr_report import ReadoutReport, readout_report
from nmrqb.tomography.null_tests import NullTest, incoherence_test, passivity_test
from nmrqb.tomography.readouts import Readout, default_readouts, readout_candidates
from nmrqb.tomography.reconstruct import linear_inversion, nearest_state
from nmrqb.tomography.resampling import bca_interval, percentile_interval, replicas_of_counts
from nmrqb.tomography.settings import confusion, pauli_settings, probabilities

__all__ = [
    "Cloud",
    "Counts",
    "Design",
    "DetectedLines",
    "EnergyBasis",
    "Estimate",
    "Functional",
    "Goodness",
    "Interval",
    "LikelihoodFit",
    "Measurement",
    "NullTest",
    "Posterior",
    "Readout",
    "ReadoutMap",
    "ReadoutReport",
    "ShotsNeeded",
    "allocate",
    "bayesian_mean",
    "bca_interval",
    "best_sets",
    "certificate",
    "cloud_of_counts",
    "cloud_of_replicas",
    "concurrence_of",
    "confusion",
    "counts_text",
    "covers",
    "default_readouts",
    "direct_expectation",
    "discord_of",
    "energy_basis",
    "energy_basis_measurement",
    "energy_settings",
    "ergotropy_bounds",
    "ergotropy_of",
    "estimate",
    "expectation_of",
    "fidelity_intervals",
    "goodness_of_fit",
    "gradient_of",
    "incoherence_test",
    "interval",
    "intervals",
    "l1_of",
    "linear_inversion",
    "local_paulis",
    "maximum_likelihood",
    "metric_weight",
    "mixture_likelihood",
    "nearest_state",
    "normal_score",
    "passivity_test",
    "pauli_design",
    "pauli_measurement",
    "pauli_settings",
    "pauli_terms",
    "percentile_interval",
    "posterior",
    "probabilities",
    "purity_of",
    "read_counts",
    "readout_candidates",
    "readout_design",
    "readout_map",
    "readout_report",
    "replicas_of_counts",
    "resolved_lines",
    "settings_for",
    "shots_needed",
]
