"""Measured against predicted: residuals, scores, chi-squared and fidelities, of one run or of several on common axes."""

from nmrqb.compare.agreement import (
    PREDICTIONS,
    Agreement,
    Fidelity,
    Prediction,
    check_prediction,
    compare,
    described,
    disagreements,
    fidelities,
    in_unit,
    in_words,
    measured_sources,
    metric_names,
    residuals,
    verdicts,
    with_error,
)
from nmrqb.compare.closed_forms import ClosedForm, closed_form
from nmrqb.compare.joined import joined

__all__ = [
    "PREDICTIONS",
    "Agreement",
    "ClosedForm",
    "Fidelity",
    "Prediction",
    "check_prediction",
    "closed_form",
    "compare",
    "described",
    "disagreements",
    "fidelities",
    "in_unit",
    "in_words",
    "joined",
    "measured_sources",
    "metric_names",
    "residuals",
    "verdicts",
    "with_error",
]
