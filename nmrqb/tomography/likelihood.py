"""Maximum likelihood: the state under which the counts were most likely, with a proof of how close to the best it is.

Derived here: an interior-point method. The log-likelihood plus mu log det rho is concave and keeps rho positive; Newton's
method follows its maximum while mu goes to zero, all members of a batch at once. Whatever the path, the answer comes with
a certificate: by concavity no state has a log-likelihood above this one's by more than the largest eigenvalue of
R = sum (n/p) E less the number of counts (the R of Hradil's R rho R iteration, Phys. Rev. A 55, R1561 (1997)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError, RunError
from nmrqb.spin.operators import number_of_spins, pauli_labels, pauli_stack
from nmrqb.tomography.measurement import Measurement, checked_counts
from nmrqb.tomography.nmr_map import coefficients, state_of
from nmrqb.tomography.reconstruct import nearest_state

#: Nats that may be missing to the greatest log-likelihood, unless told otherwise.
TOLERANCE = 1e-6
#: Rounding of a log-likelihood, relative to the number of counts.
_ROUNDING = 1e-12
#: mu falls by this factor when Newton's decrement says that the path is near, and rises where the start was off it.
_FALL = 0.05
_NEAR, _LOST = 0.3, 10.0
_MAX_STEPS = 200
_HALVINGS = 6
_RIDGE = 1e-16
#: Numbers that one batch may hold in its largest array.
_CHUNK = 2**23


@dataclass(frozen=True)
class LikelihoodFit:
    """States of greatest likelihood rho (..., d, d), their log-likelihoods (...) in nats, and the certificates (...).

    gap: no density matrix has a log-likelihood higher by more than this. log_likelihood leaves out the multinomial
    coefficient, as `Measurement.log_likelihood` does.
    """

    rho: ComplexArray
    log_likelihood: FloatArray
    gap: FloatArray


def maximum_likelihood(counts: ArrayLike, measurement: Measurement, *, tolerance: float = TOLERANCE) -> LikelihoodFit:
    """The density matrices (..., d, d) that make counts (..., S, O) likeliest; where several do, one of them.

    tolerance: bound on what is missing to the greatest log-likelihood, in nats, or 1e-12 of the number of counts where
    that is more. Readout errors and known pulses are part of the measurement, so nothing is inverted and nothing
    becomes negative. Raises ArgumentError for counts of another shape, negative or absent, and RunError where the
    tolerance is not reached.
    """
    n = checked_counts(counts, measurement)
    if not checks.positive("tolerance", tolerance).ndim == 0:
        raise ArgumentError("tolerance", repr(tolerance), "be one number")
    flat = n.reshape(-1, measurement.matrix.shape[0])
    size = max(1, _CHUNK // (measurement.matrix.size + measurement.matrix.shape[1] ** 2))
    rho = np.empty((len(flat), measurement.dimension, measurement.dimension), dtype=complex)
    for first in range(0, len(flat), size):
        rho[first : first + size] = _maximise(flat[first : first + size], measurement, tolerance)
    gap = certificate(rho, n.reshape(-1, *n.shape[-2:]), measurement)
    if np.any(gap > np.maximum(tolerance, _ROUNDING * flat.sum(axis=1))):
        raise RunError(f"the likelihood is known only to within {gap.max():.2g} nats", "ask for a larger tolerance")
    rho = rho.reshape(*n.shape[:-2], *rho.shape[-2:])
    return LikelihoodFit(rho, measurement.log_likelihood(rho, n), gap.reshape(n.shape[:-2]))


def certificate(rho: ArrayLike, counts: ArrayLike, measurement: Measurement) -> FloatArray:
    """What any state's log-likelihood can exceed that of rho (..., d, d) by, at most; (...), in nats; zero at the maximum.

    Counts (..., S, O). Infinite where rho makes an outcome impossible that was seen.
    """
    n, p = np.broadcast_arrays(np.asarray(counts, dtype=float), measurement.probabilities(np.asarray(rho)))
    seen = n > 0
    impossible = np.any(seen & (p <= 0), axis=(-2, -1))
    ratio = np.where(seen & (p > 0), n / np.where(p > 0, p, 1.0), 0.0)
    R = np.tensordot(ratio, measurement.effects, axes=2)
    gap = np.linalg.eigvalsh(R)[..., -1] - n.sum(axis=(-2, -1))
    return np.where(impossible, np.inf, np.maximum(gap, 0.0))


def mixture_likelihood(
    counts: ArrayLike, weights: ArrayLike, measurement: Measurement, *, tolerance: float = TOLERANCE
) -> LikelihoodFit:
    """Maximum likelihood of a weighted mixture from the counts (..., K, S, O) of its K circuits.

    Each circuit has a state of its own and the likelihood is that of all their counts; the mixture
    1/d + sum_k w_k (rho_k - 1/d) inherits the maximum, because it is a function of what was fitted. Weights (K,) sum to 1
    for the branches of a mixed start; the steps of a phase cycle have 1/K, with a minus sign where the receiver
    subtracts: then what is fitted is a deviation, which need not be positive. Raises as `maximum_likelihood`, and
    ArgumentError for weights of another length.
    """
    w = checks.real("weights", weights)
    n = checked_counts(counts, measurement)
    if n.ndim < 3 or w.shape != n.shape[-3:-2]:
        raise ArgumentError("weights", f"of shape {w.shape}", f"have shape {n.shape[-3:-2]}, one for each circuit")
    fit = maximum_likelihood(n, measurement, tolerance=tolerance)
    unity = np.eye(measurement.dimension) / measurement.dimension
    mixed = unity + np.einsum("k,...kij->...ij", w, fit.rho - unity)
    return LikelihoodFit(mixed, fit.log_likelihood.sum(axis=-1), fit.gap.sum(axis=-1))


def _maximise(n: FloatArray, measurement: Measurement, tolerance: float) -> ComplexArray:
    """States (B, d, d) for counts (B, M), the barrier's weight having gone down to what the tolerance allows."""
    allowed = np.maximum(tolerance, _ROUNDING * n.sum(axis=1))
    return state_of(centred(n, measurement, allowed / (2 * measurement.dimension)))


def centred(n: FloatArray, measurement: Measurement, barrier: ArrayLike) -> FloatArray:
    """Coefficients (B, P) of the states that maximise log-likelihood + barrier log det rho, for counts (B, M).

    Newton steps go down the central path; members that are done leave the batch.
    """
    path = Path(measurement)
    x = _start(n, measurement)
    last = np.broadcast_to(np.asarray(barrier, dtype=float), len(n))
    mu = np.maximum(0.02 * np.sqrt(n.sum(axis=1)), last)
    active, on_path = np.arange(len(n)), np.zeros(len(n), dtype=bool)
    for _ in range(_MAX_STEPS):
        step, decrement = path.newton(x[active], n[active], mu[active])
        x[active] += step
        done = (decrement < 1e-2) & (mu[active] <= last[active])
        on_path[active] |= decrement < _NEAR
        lost = ~on_path[active] & (decrement > _LOST)
        change = np.where(decrement < _NEAR, _FALL, np.where(lost, 1 / _FALL, 1.0))
        mu[active] = np.maximum(change * mu[active], last[active])
        active = active[~done]
        if not active.size:
            break
    return x


def _start(n: FloatArray, measurement: Measurement) -> FloatArray:
    """Coefficients (B, P) of a state of full rank: least squares on the frequencies, made positive and mixed with unity."""
    counts = n.reshape(-1, *measurement.response.shape[:2])
    shots = counts.sum(axis=-1, keepdims=True)
    uniform = measurement.offset.reshape(counts.shape[1:])
    frequencies = np.where(shots > 0, counts / np.where(shots > 0, shots, 1.0), uniform)
    x = (frequencies - uniform).reshape(len(n), -1) @ np.linalg.pinv(measurement.matrix).T
    return 0.9 * coefficients(nearest_state(state_of(x)))


class Path:
    """Newton steps for f(x) = sum n log p(x) + mu log det rho(x) of one measurement, x being Pauli coefficients."""

    def __init__(self, measurement: Measurement) -> None:
        d = measurement.dimension
        self.A, self.offset = measurement.matrix, measurement.offset
        basis = pauli_stack(pauli_labels(number_of_spins(d))[1:]) / np.sqrt(d)
        self.columns = basis.reshape(len(basis), d * d).T  # (d^2, P)
        small = self.A.size * self.A.shape[1] <= 2**21
        self.squares = (self.A[:, :, None] * self.A[:, None, :]).reshape(len(self.A), -1) if small else None

    def newton(self, x: FloatArray, n: FloatArray, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The step (B, P), kept inside the states, and Newton's decrement (B,): how far off the path, in units of mu."""
        p = self.offset + x @ self.A.T
        root, inverse = self._inverse(x)
        gradient = (n / p) @ self.A + mu[:, None] * np.real(inverse.reshape(len(x), -1) @ self.columns.conj())
        hessian = self._curvature(n / p**2) + mu[:, None, None] * self._barrier(inverse)
        # what the settings leave open has a curvature that may drown in that of the boundary: kept off zero
        ridge = _RIDGE * np.trace(hessian, axis1=1, axis2=2)[:, None, None] * np.eye(hessian.shape[-1])
        step = np.linalg.solve(hessian + ridge, gradient[..., None])[..., 0]
        decrement = np.sqrt(np.maximum(np.einsum("bp,bp->b", gradient, step) / mu, 0.0))
        far = decrement > _NEAR
        if np.any(far):
            step[far] *= self._length(root[far], step[far], p[far], n[far], mu[far])[:, None]
        return step, decrement

    def information(self, x: FloatArray, n: FloatArray, mu: float) -> FloatArray:
        """Minus the second derivative of f at x, (B, P, P)."""
        return self._curvature(n / (self.offset + x @ self.A.T) ** 2) + mu * self._barrier(self._inverse(x)[1])

    def _inverse(self, x: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """K and K^dagger K = rho^-1, each (B, d, d)."""
        values, vectors = np.linalg.eigh(state_of(x))
        root = np.conj(np.swapaxes(vectors, -1, -2)) / np.sqrt(np.maximum(values, 1e-300))[..., None]
        return root, np.conj(np.swapaxes(root, -1, -2)) @ root

    def _curvature(self, weights: FloatArray) -> FloatArray:
        """sum_m w_m a_m a_m^T, (B, P, P)."""
        if self.squares is not None:
            return (weights @ self.squares).reshape(len(weights), self.A.shape[1], -1)
        return (self.A.T * weights[:, None, :]) @ self.A

    def _barrier(self, inverse: ComplexArray) -> FloatArray:
        """Tr[rho^-1 B_i rho^-1 B_j], (B, P, P)."""
        d = inverse.shape[-1]
        kron = np.einsum("bij,bkl->bikjl", inverse, np.swapaxes(inverse, -1, -2)).reshape(-1, d * d, d * d)
        return np.real(self.columns.conj().T @ (kron @ self.columns))

    def _length(self, root: ComplexArray, step: FloatArray, p: FloatArray, n: FloatArray, mu: FloatArray) -> FloatArray:
        """How much of the step (B, P) to take, up to three times, for the greatest f along it; f is concave there."""
        d = root.shape[-1]
        change = (step @ self.columns.T).reshape(-1, d, d)
        bend = np.linalg.eigvalsh(root @ change @ np.conj(np.swapaxes(root, -1, -2)))
        slope = step @ self.A.T
        low, high = np.zeros(len(step)), np.minimum(3.0, 0.99 / np.maximum(-bend[:, 0], 1e-300))
        for _ in range(_HALVINGS):
            middle = ((low + high) / 2)[:, None]
            rising = (
                np.sum(n * slope / (p + middle * slope), axis=1) + mu * np.sum(bend / (1 + middle * bend), axis=1) > 0
            )
            low, high = np.where(rising, middle[:, 0], low), np.where(rising, high, middle[:, 0])
        return low + (high - low) / 2
