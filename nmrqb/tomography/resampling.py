"""Bootstrap replicas of counts, and the intervals that textbooks make of replicas.

Percentile and BCa intervals (Efron, J. Am. Stat. Assoc. 82, 171 (1987)) are here to compare with: for convex functions next
to their bounds they fail, which `nmrqb.tomography.confidence` does not.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.tomography.cloud import expected_frequencies, least_squares
from nmrqb.tomography.functionals import Functional
from nmrqb.tomography.measurement import Measurement, checked_counts


def replicas_of_counts(
    counts: ArrayLike,
    measurement: Measurement,
    replicas: int = 200,
    *,
    kind: Literal["nonparametric", "parametric"] = "nonparametric",
    seed: int | np.random.Generator | None = None,
) -> ComplexArray:
    """The linear inversion of counts (..., S, O) and of `replicas` resampled ones, (..., 1 + R, d, d).

    Resampled from the frequencies themselves, or (parametric) from the probabilities of the nearest state. Raises
    ArgumentError for counts or a measurement that `cloud_of_counts` refuses, fewer than 1 replica or another kind.
    """
    if not isinstance(replicas, (int, np.integer)) or replicas < 1:
        raise ArgumentError("replicas", repr(replicas), "be a whole number above zero")
    if kind not in ("nonparametric", "parametric"):
        raise ArgumentError("kind", repr(kind), "be nonparametric or parametric")
    n = checked_counts(counts, measurement)
    centre = least_squares(n, measurement)
    shots = n.sum(axis=-1)
    if np.any(n != np.round(n)):
        raise ArgumentError("counts", float(n[n != np.round(n)][0]), "be whole numbers to be resampled")
    p = n / shots[..., None] if kind == "nonparametric" else expected_frequencies(centre, shots, measurement)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(shots.astype(int), p, size=(int(replicas), *shots.shape))
    again = least_squares(drawn.astype(float), measurement)
    return np.concatenate([centre[..., None, :, :], np.moveaxis(again, 0, -3)], axis=-3)


def percentile_interval(
    states: ComplexArray, functional: Functional, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Low and high (...): the quantiles of a function over the replicas of states (..., 1 + R, d, d), or over samples of a
    posterior put in their place. Raises ArgumentError for a level outside 0 to 1.
    """
    _check_level(level)
    values = _values(states, functional)[..., 1:]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return low, high


def bca_interval(states: ComplexArray, functional: Functional, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Low and high (...): percentiles corrected for bias and acceleration, from states (..., 1 + R, d, d).

    The acceleration is a sixth of the skewness of the function's linear part, regressed on the replicas. Raises
    ArgumentError for a level outside 0 to 1.
    """
    _check_level(level)
    values = _values(states, functional)
    count = values.shape[-1] - 1
    below = np.sum(values[..., 1:] < values[..., :1], axis=-1)
    bias = ndtri((below + 0.5) / (count + 1))
    off = states[..., 1:, :, :] - states[..., 1:, :, :].mean(axis=-3, keepdims=True)
    flat = off.reshape(*off.shape[:-2], -1).view(float)
    response = values[..., 1:] - values[..., 1:].mean(axis=-1, keepdims=True)
    slope = np.linalg.pinv(flat, rcond=1e-8) @ response[..., None]
    linear = (flat @ slope)[..., 0]
    spread = linear.std(axis=-1)
    acceleration = np.mean(linear**3, axis=-1) / np.maximum(spread, 1e-300) ** 3 / 6
    ends = []
    for score in (ndtri((1 - level) / 2), ndtri((1 + level) / 2)):
        shifted = bias + score
        share = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-3))
        index = np.clip(np.round(share * count - 0.5).astype(int), 0, count - 1)
        ends.append(np.take_along_axis(np.sort(values[..., 1:], axis=-1), index[..., None], axis=-1)[..., 0])
    return ends[0], ends[1]


def _values(states: ComplexArray, functional: Functional) -> FloatArray:
    V = functional.frame
    return functional.of(states if V is None else V.conj().T @ states @ V)


def _check_level(level: float) -> None:
    if not 0 < float(checks.real("level", level)) < 1:
        raise ArgumentError("level", level, "be between 0 and 1")
