"""Exponents: the slope of log y against log n, with its standard error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.errors import ArgumentError


class Exponent(NamedTuple):
    """y = factor n^value by least squares in the logarithms; error: standard error of value from the scatter about the line.

    The scatter is no noise but curvature: the error says how well one power describes these n, not what comes at larger n.
    """

    value: float
    error: float
    factor: float


def exponent(n: ArrayLike, y: ArrayLike) -> Exponent:
    """The fit to y (N,) > 0 at n (N,) > 0, N >= 3. Raises ArgumentError."""
    x, found = np.log(checks.positive("n", n)), np.log(checks.positive("y", y))
    if x.ndim != 1 or x.shape != found.shape or x.size < 3:
        raise ArgumentError(
            "n", f"of shape {x.shape} beside y of shape {found.shape}", "hold three numbers or more, as y"
        )
    if np.ptp(x) == 0:
        raise ArgumentError("n", f"always {np.exp(x[0]):g}", "hold different numbers")
    away = x - x.mean()
    slope = float(away @ found / (away @ away))
    rest = found - found.mean() - slope * away
    error = float(np.sqrt(rest @ rest / (x.size - 2) / (away @ away)))
    return Exponent(slope, error, float(np.exp(found.mean() - slope * x.mean())))
