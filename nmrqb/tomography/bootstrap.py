"""Numbers with error bars from replicas, for metrics that noise pushes upward.

Ergotropy and l1 are convex, so the value at a noisy estimate is too large, most of all where the truth sits at a kink or a
minimum. Two devices, both derived here, keep the numbers honest: the bias is measured at a denoised centre and taken off;
and the distance from a prediction is judged by what the same measurement would have given had the prediction been true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from nmrqb.checks import ComplexArray, FloatArray

Metric = Callable[[ComplexArray], FloatArray]

#: Off-diagonal elements below this many standard errors count as absent when the bias is measured.
SIGNIFICANT = 2.0

#: Replicas that stand in for all of them where the correction itself is repeated to find its spread.
_INNER = 40


@dataclass(frozen=True)
class Estimate:
    """A metric's value (...,) and its standard error (...,); the error is NaN where there are no replicas."""

    value: FloatArray
    error: FloatArray


def estimate(states: ComplexArray, metric: Metric) -> Estimate:
    """Bias-corrected value and standard error of a metric over replicas, from rho (..., replica, d, d).

    The replicas' scatter is carried to a denoised centre (insignificant coherences removed): there the metric's mean shift
    is its bias. The error is the standard deviation of that whole procedure, correction included, over scattered copies of
    the centre. A value slightly below a metric's natural bound is possible, as it must be for an unbiased estimate of
    something at that bound.
    """
    plain = states[..., 0, :, :]
    scatter = states[..., 1:, :, :] - states[..., :1, :, :]
    if scatter.shape[-3] == 0:
        return Estimate(metric(plain), np.full(plain.shape[:-2], np.nan))
    copies = denoised(plain, scatter)[..., None, :, :] + scatter
    again = _corrected(copies, scatter[..., None, :_INNER, :, :], metric)
    return Estimate(_corrected(plain, scatter, metric), again.std(axis=-1, ddof=1))


def _corrected(rho: ComplexArray, scatter: ComplexArray, metric: Metric) -> FloatArray:
    """The metric at rho (..., d, d) less its bias under the scatter (..., R, d, d)."""
    centre = denoised(rho, scatter)
    return metric(rho) - metric(centre[..., None, :, :] + scatter).mean(axis=-1) + metric(centre)


def denoised(rho: ComplexArray, scatter: ComplexArray) -> ComplexArray:
    """The estimate (..., d, d) without the off-diagonal elements that its scatter (..., R, d, d) could have made."""
    spread = np.sqrt(np.mean(np.abs(scatter) ** 2, axis=-3) / 2)  # of the real or the imaginary part
    diagonal = np.eye(rho.shape[-1], dtype=bool)
    return np.where(diagonal | (np.abs(rho) > SIGNIFICANT * spread), rho, 0)


def normal_score(states: ComplexArray, prediction: ComplexArray, metric: Metric) -> FloatArray:
    """How many standard deviations the measured metric lies from a predicted state's, shape (...,).

    The replicas' scatter is carried to the predicted state (..., d, d): that is what the measurement would have given, were
    the prediction true, bias and kinks and all. The rank of the measured value among those becomes a normal
    score, standard normal under the prediction for any metric; beyond the last replica the distance in standard
    deviations stands in. NaN without replicas.
    """
    measured = metric(states[..., 0, :, :])
    scatter = states[..., 1:, :, :] - states[..., :1, :, :]
    count = scatter.shape[-3]
    if count == 0:
        return np.full(np.shape(measured), np.nan)
    values = metric(prediction[..., None, :, :] + scatter)
    deviation = values - measured[..., None]
    below = np.sum(deviation < 0, axis=-1) + 0.5 * np.sum(deviation == 0, axis=-1)
    score = ndtri((below + 0.5) / (count + 1))
    spread = values.std(axis=-1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (measured - values.mean(axis=-1)) / spread
    outside = (below < 0.75) | (below > count - 0.75)
    beyond = np.sign(distance) * np.maximum(np.abs(distance), np.abs(score))
    return np.where(outside & np.isfinite(distance), beyond, score)
