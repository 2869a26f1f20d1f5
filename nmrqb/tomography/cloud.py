"""What tomography knows of a state: an unbiased estimate and the covariance of its errors, in the Gaussian limit.

Linear inversion is unbiased and, being a mean over many shots, nearly Gaussian; noise and covariance are all that intervals
and tests need of an experiment, whether it counted photons of a device or lines of a spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins, pauli_labels, pauli_stack
from nmrqb.tomography.measurement import Measurement, checked_counts
from nmrqb.tomography.nmr_map import coefficients, state_of
from nmrqb.tomography.reconstruct import nearest_state

#: Counts that the maximally mixed state adds to each outcome where the variance is estimated.
_PRIOR = 0.5
#: Added to covariances before their roots are taken, relative to the mean variance.
_JITTER = 1e-10
#: How often normal points are brought to unit covariance and back to their radii.
_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Cloud:
    """Unbiased estimates (..., d, d), Hermitian but not always positive, and the covariance (..., P, P) of their errors.

    The covariance is that of the coefficients Tr[rho P] / sqrt(d) of the P = d^2 - 1 Pauli strings, the identity left out.
    degrees: of freedom, where it was estimated from replicas; None where it is known from a model.
    """

    centre: ComplexArray
    covariance: FloatArray
    degrees: int | None = None

    def __sub__(self, other: Cloud) -> Cloud:
        """The difference of two independent estimates."""
        degrees = [d for d in (self.degrees, other.degrees) if d is not None]
        return Cloud(self.centre - other.centre, self.covariance + other.covariance, min(degrees, default=None))


def cloud_of_counts(counts: ArrayLike, measurement: Measurement) -> Cloud:
    """Least squares on the frequencies of counts (..., S, O), and the multinomial covariance at the nearest state.

    The readout errors of the measurement are undone exactly. Raises ArgumentError for counts of another shape, negative
    or absent in one of the settings, and for a measurement that does not determine the state.
    """
    n = checked_counts(counts, measurement)
    shots = n.sum(axis=-1)
    centre = least_squares(n, measurement)
    p = expected_frequencies(centre, shots, measurement)
    inverse = np.linalg.pinv(measurement.matrix).reshape(-1, *measurement.response.shape[:2])
    rows = np.moveaxis(inverse, 0, -1)  # (S, O, P)
    means = np.einsum("...so,sop->...sp", p, rows)
    roots = np.sqrt(p / shots[..., None])[..., None] * (rows - means[..., None, :])
    roots = roots.reshape(*n.shape[:-2], -1, roots.shape[-1])
    return Cloud(centre, np.swapaxes(roots, -1, -2) @ roots)


def least_squares(counts: FloatArray, measurement: Measurement) -> ComplexArray:
    """The estimates (..., d, d) of counts (..., S, O), without covariance. Raises ArgumentError as `cloud_of_counts`."""
    shots = counts.sum(axis=-1)
    if np.any(shots <= 0):
        raise ArgumentError("counts", "without a count in one setting", "hold at least one count in each setting")
    if not measurement.complete:
        P = measurement.matrix.shape[1]
        raise ArgumentError("measurement", f"of rank {measurement.rank}", f"determine all {P} parameters")
    uniform = measurement.offset.reshape(measurement.response.shape[:2])
    x = (counts / shots[..., None] - uniform).reshape(*counts.shape[:-2], -1) @ np.linalg.pinv(measurement.matrix).T
    return state_of(x)


def expected_frequencies(estimate: ComplexArray, shots: FloatArray, measurement: Measurement) -> FloatArray:
    """Frequencies (..., S, O) that the state nearest to an estimate (..., d, d) predicts, none of them zero.

    shots (..., S): the fewer, the more the maximally mixed state weighs in, as half a count for each outcome.
    """
    uniform = measurement.offset.reshape(measurement.response.shape[:2])
    likely = np.maximum(measurement.probabilities(nearest_state(estimate)), 0)
    weight = (_PRIOR * measurement.outcomes / (shots + _PRIOR * measurement.outcomes))[..., None]
    return (1 - weight) * likely / likely.sum(axis=-1, keepdims=True) + weight * uniform


def cloud_of_replicas(states: ArrayLike) -> Cloud:
    """The first of states (..., 1 + R, d, d) as the estimate, and the covariance of the R others about their mean.

    The replicas should be of the unprojected estimate. Raises ArgumentError for fewer than two of them.
    """
    rho = checks.hermitian("states", states)
    if rho.ndim < 3 or rho.shape[-3] < 3:
        raise ArgumentError("states", f"of shape {rho.shape}", "have shape (..., 1 + R, d, d) with R of 2 or more")
    x = coefficients(rho[..., 1:, :, :])
    x = x - x.mean(axis=-2, keepdims=True)
    degrees = x.shape[-2] - 1
    return Cloud(rho[..., 0, :, :], np.swapaxes(x, -1, -2) @ x / degrees, degrees)


def noise_axes(covariance: FloatArray, frame: ComplexArray | None = None) -> ComplexArray:
    """Matrices G (..., P, d, d) with noise = sum_k z_k G_k for standard normal z, in the basis of `frame`'s columns."""
    P = covariance.shape[-1]
    mean = np.trace(covariance, axis1=-2, axis2=-1)[..., None, None] / P
    root = np.linalg.cholesky(covariance + (_JITTER * mean + 1e-300) * np.eye(P))
    basis = _basis(P)
    d = basis.shape[-1]
    if frame is not None:
        basis = frame.conj().T @ basis @ frame
    flat = np.swapaxes(root, -1, -2) @ basis.reshape(P, d * d)
    return flat.reshape(*flat.shape[:-1], d, d)


def _basis(P: int) -> ComplexArray:
    """The normalised Pauli strings without the identity, (P, d, d)."""
    d = round(np.sqrt(P + 1))
    return pauli_stack(pauli_labels(number_of_spins(d))[1:]) / np.sqrt(d)


@lru_cache(maxsize=16)
def normal_points(dimension: int, count: int) -> FloatArray:
    """About `count` points (R, dimension) that stand for a standard normal variable better than random ones do.

    Orthogonal directions in both senses, with radii from the quantiles of the chi distribution: means of odd functions
    vanish, the covariance is exactly unity and the spread of quadratic functions is nearly right. The same at every call,
    so that what is computed from them is smooth in the state.
    """
    rng = np.random.default_rng(dimension)
    blocks = max(1, round(count / (2 * dimension)))
    number = blocks * dimension
    radii = chi.ppf((np.arange(number) + 0.5) / number, dimension).reshape(dimension, blocks)
    turned = [np.linalg.qr(rng.normal(size=(dimension, dimension)))[0] for _ in range(blocks)]
    z = np.concatenate([q * rng.permutation(radii[:, k])[:, None] for k, q in enumerate(turned)])
    lengths = np.linalg.norm(z, axis=1, keepdims=True)
    for _ in range(_ROUNDS):  # unit covariance and the radii, in turn; the covariance has the last word
        z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / number)).T
        z = z * lengths / np.linalg.norm(z, axis=1, keepdims=True)
    z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / number)).T
    points = np.concatenate([z, -z])
    points.setflags(write=False)
    return points
