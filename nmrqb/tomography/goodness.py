"""Do the counts fit any state at all? A test against drift, leakage, crosstalk and a wrong model of the readout.

Settings of tomography see more than a state has parameters: 27 free frequencies against 15 for two spins. The contrasts
between settings that every state sets to zero give a chi-squared statistic, which is the likelihood ratio in the Gaussian
limit. Errors that are alike in all settings leave those contrasts alone, but may push the estimate out of the states;
its distance from them, squared and in units of the noise, is added, and its share is known from a simulation at the nearest
state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.tomography.cloud import Cloud, cloud_of_counts, expected_frequencies, noise_axes, normal_points
from nmrqb.tomography.measurement import Measurement, checked_counts
from nmrqb.tomography.reconstruct import nearest_state
from nmrqb.tomography.spectra import descending_eigenvalues

_POINTS = 240
_CHUNK = 128


@dataclass(frozen=True)
class Goodness:
    """How well counts fit a state; arrays (...).

    consistency: chi-squared of the contrasts between settings, with `degrees_of_freedom`. positivity: squared distance of
    the estimate from the states in units of the noise. p_value: of both together; worst: the setting (its index) that
    contributes most to the misfit.
    """

    consistency: FloatArray
    degrees_of_freedom: int
    positivity: FloatArray
    p_value: FloatArray
    worst: np.ndarray


def goodness_of_fit(counts: ArrayLike, measurement: Measurement) -> Goodness:
    """Test whether counts (..., S, O) may come from one state under the measurement's model.

    Raises ArgumentError for counts of another shape, negative or absent in a setting, for a measurement that does not
    determine the state, and for one that leaves nothing to test.
    """
    cloud = cloud_of_counts(counts, measurement)
    contrasts = _contrasts(measurement)
    if not len(contrasts):
        raise ArgumentError(
            "measurement", "without redundancy", "have more free frequencies than the state has parameters"
        )
    n = checked_counts(counts, measurement)
    shots = n.sum(axis=-1)
    p = expected_frequencies(cloud.centre, shots, measurement)
    residual = (n / shots[..., None]).reshape(*n.shape[:-2], -1) @ contrasts.T
    C = contrasts.reshape(len(contrasts), *p.shape[-2:])
    mean = np.einsum("...so,cso->...sc", p, C)
    roots = np.sqrt(p / shots[..., None])[..., None] * (np.moveaxis(C, 0, -1) - mean[..., None, :])
    roots = roots.reshape(*n.shape[:-2], -1, len(contrasts))
    inverse = np.linalg.pinv(np.swapaxes(roots, -1, -2) @ roots, hermitian=True)
    consistency = np.einsum("...c,...cd,...d->...", residual, inverse, residual)
    positivity, p_value = _positivity(cloud, consistency, len(contrasts))
    off = (n - shots[..., None] * p) ** 2 / np.maximum(shots[..., None] * p, 1e-300)
    return Goodness(consistency, len(contrasts), positivity, p_value, np.argmax(off.sum(axis=-1), axis=-1))


def _contrasts(measurement: Measurement) -> FloatArray:
    """Orthonormal rows (C, S x O) that no state and no normalisation of a setting can move from zero."""
    S, outcomes = measurement.response.shape[:2]
    seen = np.concatenate([measurement.matrix, np.repeat(np.eye(S), outcomes, axis=0)], axis=1)
    left, values, _ = np.linalg.svd(seen)
    rank = int(np.sum(values > 1e-9 * values[0]))
    return np.ascontiguousarray(left[:, rank:].T)


def _positivity(cloud: Cloud, consistency: FloatArray, freedom: int) -> tuple[FloatArray, FloatArray]:
    """Squared distance (...) from the states, and the p-value (...) of it and the consistency together."""
    d = cloud.centre.shape[-1]
    shape = cloud.centre.shape[:-2]
    rho, covariance = cloud.centre.reshape(-1, d, d), cloud.covariance.reshape(-1, d * d - 1, d * d - 1)
    distance, p = np.empty(len(rho)), np.empty(len(rho))
    points = normal_points(d * d - 1, _POINTS)
    for k in range(0, len(rho), _CHUNK):
        part = slice(k, k + _CHUNK)
        variance = np.trace(covariance[part], axis1=1, axis2=2)[:, None] / covariance.shape[-1]
        axes = noise_axes(covariance[part])
        noise = (points @ axes.reshape(*axes.shape[:2], -1)).reshape(len(axes), len(points), d, d)
        share = _outside(nearest_state(rho[part])[:, None] + noise) / variance
        distance[part] = _outside(rho[part]) / variance[:, 0]
        total = consistency.reshape(-1)[part] + distance[part]
        p[part] = gammaincc(freedom / 2, np.maximum(total[:, None] - share, 0) / 2).mean(axis=1)
    return distance.reshape(shape), p.reshape(shape)


def _outside(matrices: ComplexArray) -> FloatArray:
    """Squared Hilbert-Schmidt distance (...) of Hermitian matrices (..., d, d) of trace 1 from the nearest states."""
    values = descending_eigenvalues(matrices)
    shift = (np.cumsum(values, axis=-1) - 1) / np.arange(1, values.shape[-1] + 1)
    keep = np.sum(values > shift, axis=-1, keepdims=True)
    kept = np.clip(values - np.take_along_axis(shift, keep - 1, axis=-1), 0, None)
    return np.sum((values - kept) ** 2, axis=-1)
