"""Acceptance regions that turn by themselves from two-sided to one-sided where a parameter meets its bound.

Feldman and Cousins, Phys. Rev. D 57, 3873 (1998): outcomes are accepted in the order of their likelihood ratio against
the best parameter that is allowed. Here for a unit normal variable whose mean is bounded, and for variables that a
monotone map makes normal: Pearson's type III with given mean, spread and skewness, by the Wilson-Hilferty cube root.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from nmrqb.checks import FloatArray

#: Beyond this distance from the bound, in standard deviations, the region is the central one.
_FAR = 4.0
_SKEWNESS = 2.8
#: A score that nothing falls below.
_NEVER = -12.0


def unified_region(distance: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Lower and upper end of the accepted scores (z of the true mean is 0), for a bound `distance` >= 0 below the mean."""
    table, low, high = _table(level)
    return np.interp(distance, table, low), np.interp(distance, table, high)


@lru_cache(maxsize=32)
def _table(level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distances, and the ends of the region at each; the probability between the ends is `level` everywhere."""
    distance = np.concatenate([np.linspace(0, 0.2, 21)[:-1], np.linspace(0.2, _FAR, 120)])
    below, above = np.zeros_like(distance), np.full_like(distance, 8.0)
    for _ in range(60):
        high = (below + above) / 2
        short = ndtr(high) - ndtr(_partner(high, distance)) < level
        below, above = np.where(short, high, below), np.where(short, above, high)
    return distance, np.maximum(_partner(above, distance), _NEVER), above


def _partner(high: FloatArray, distance: FloatArray) -> FloatArray:
    """The lower score whose likelihood ratio equals that of the upper one."""
    far = np.maximum(distance, 1e-12)
    return np.where(high <= distance, -high, -(high**2 + distance**2) / (2 * far))


def quantile(score: FloatArray, skewness: FloatArray) -> FloatArray:
    """The standardised variable of a skewness at a normal score."""
    g = _usable(skewness)
    return 2 / g * (np.maximum(1 + g * score / 6 - g**2 / 36, 0) ** 3 - 1)


def normal_score_of(value: FloatArray, skewness: FloatArray) -> FloatArray:
    """The normal score of a standardised variable of a skewness: the inverse of `quantile`."""
    g = _usable(skewness)
    return 6 / g * (np.cbrt(1 + g * value / 2) - 1 + g**2 / 36)


def _usable(skewness: FloatArray) -> FloatArray:
    g = np.clip(skewness, -_SKEWNESS, _SKEWNESS)
    return np.where(np.abs(g) < 1e-4, 1e-4, g)
