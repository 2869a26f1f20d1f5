"""What a set of settings or readouts will be worth, before a shot is spent: rank, condition, and the error of any quantity.

The information of one shot follows from the state that is expected; shots add their information up. Errors are those of
an efficient estimator (Cramer and Rao), which maximum likelihood reaches with many shots, and linear inversion too where
the state is close to the maximally mixed one. Close to the boundary of the states positivity helps, and errors come out
smaller than is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.tomography.measurement import Measurement, pauli_measurement
from nmrqb.tomography.nmr_map import ReadoutMap, coefficients, real_parts, state_of
from nmrqb.tomography.settings import Flips

Metric = Callable[[ComplexArray], FloatArray]

#: Directions with less information than this fraction of the most are not seen.
_UNSEEN = 1e-12
#: Share of the maximally mixed state in what is expected: outcomes that are expected never would be infinitely informative.
_UNCERTAIN = 0.01
#: Largest number of spins: the information of each setting is a matrix of 4^N x 4^N.
MAX_SPINS = 4
#: Points of the scatter at which a metric's gradient is taken, in pairs about the expected state.
_POINTS = 64
_STEP = 1e-6
#: Spread along what is not seen where a metric is asked whether it hangs on that.
_IGNORANCE = 0.1


@dataclass(frozen=True, eq=False)
class Design:
    """S settings or readouts with the information (S, P, P) of one shot or scan of each, at the expected state (d, d).

    Information is about the P = 4^N - 1 coefficients of the normalised Pauli basis. singular_values: of the map from
    coefficients to what is measured, those that are not zero, descending.
    """

    names: tuple[str, ...]
    information: FloatArray
    expected: ComplexArray
    singular_values: FloatArray

    @property
    def parameters(self) -> int:
        """4^N - 1, the number of real parameters of a state."""
        return self.information.shape[-1]

    @property
    def rank(self) -> int:
        """Number of independent parameters that are determined."""
        return self.singular_values.size

    @property
    def complete(self) -> bool:
        """Whether the state is determined."""
        return self.rank == self.parameters

    @property
    def condition(self) -> float:
        """Largest over smallest singular value, on what is seen."""
        return float(self.singular_values[0] / self.singular_values[-1])

    def total(self, shots: ArrayLike) -> FloatArray:
        """Information (P, P) of these shots, one number for all settings or one for each. Raises ArgumentError."""
        n = checks.non_negative("shots", shots)
        if n.shape not in ((), (len(self.names),)):
            allowed = f"be one number, or {len(self.names)}, one for each setting"
            raise ArgumentError("shots", f"of shape {n.shape}", allowed)
        return np.einsum("s,spq->pq", np.broadcast_to(n, len(self.names)), self.information)

    def covariance(self, shots: ArrayLike) -> FloatArray:
        """Covariance (P, P) of the coefficients; zero for directions that are not seen."""
        inverse, _ = _inverse(self.total(shots))
        return inverse

    def state_error(self, shots: ArrayLike) -> float:
        """Standard error of the state in Hilbert-Schmidt distance, on what is seen."""
        return float(np.sqrt(np.trace(self.covariance(shots))))

    def observable_error(self, operator: ArrayLike, shots: ArrayLike) -> float:
        """Standard error of Tr[rho O] for a Hermitian O (d, d); infinite where its expectation is not determined."""
        return self.criterion_error(observable_weight(operator, self.expected.shape[-1]), shots)

    def metric_error(self, metric: Metric, shots: ArrayLike, seed: int = 0) -> float:
        """Standard error of a metric of the state, by `metric_weight`; infinite where it hangs on what is not seen."""
        return self.criterion_error(metric_weight(metric, self, shots, seed), shots)

    def criterion_error(self, weight: FloatArray, shots: ArrayLike) -> float:
        """The root of Tr[weight covariance] for a weight (P, P); infinite where the weight reaches what is not seen."""
        inverse, unseen = _inverse(self.total(shots))
        if np.trace(unseen.T @ weight @ unseen) > 1e-9 * max(np.trace(weight), 1e-300):
            return float("inf")
        return float(np.sqrt(max(np.sum(weight * inverse), 0.0)))


def pauli_design(
    settings: Sequence[str] | Measurement, expected: ArrayLike | None = None, readout: Sequence[Flips] = ()
) -> Design:
    """The design of local Pauli settings, or of any measurement, at an expected state (d, d), or else the mixed one.

    readout: as `pauli_measurement` takes it. A hundredth of the maximally mixed state is added to what is expected.
    Raises ArgumentError for settings that are none, for more than MAX_SPINS spins, and for what is no state of them.
    """
    seen = settings if isinstance(settings, Measurement) else pauli_measurement(settings, readout)
    if seen.dimension > 2**MAX_SPINS:
        raise ArgumentError("settings", f"on states of dimension {seen.dimension}", f"be on at most {MAX_SPINS} spins")
    rho = _expected(expected, seen.dimension)
    p = seen.probabilities(rho)
    A = seen.response[..., 1:]
    information = np.einsum("sop,so,soq->spq", A, np.divide(1, p, where=p > 0, out=np.zeros_like(p)), A, optimize=True)
    return Design(seen.names, information, rho, seen.singular_values)


def readout_design(readouts: ReadoutMap, noise: float, expected: ArrayLike | None = None) -> Design:
    """The design of NMR readouts whose lines have real and imaginary parts of standard error `noise` in one scan.

    Noise does not hang on the state; an expected state (d, d) matters to metrics that are not linear. Raises ArgumentError.
    """
    sigma = float(checks.positive("noise", noise))
    d = readouts.lines.operators.shape[-1]
    matrix = real_parts(readouts.amplitudes.swapaxes(1, 2)).swapaxes(1, 2)  # (R, 2L, P)
    information = np.swapaxes(matrix, 1, 2) @ matrix / sigma**2
    names = tuple(readout.name for readout in readouts.readouts)
    return Design(names, information, _expected(expected, d), readouts.singular_values)


def observable_weight(operator: ArrayLike, dimension: int) -> FloatArray:
    """The weight (P, P) of an error that is that of Tr[rho O]. Raises ArgumentError for another dimension."""
    gradient = coefficients(checks.hermitian("operator", operator, dimension))
    return np.outer(gradient, gradient)


def gradient_of(metric: Metric, x: FloatArray) -> FloatArray:
    """Gradient (..., P) of a metric of the state with coefficients x (..., P), by central differences."""
    steps = _STEP * np.eye(x.shape[-1])
    ends = [np.asarray(metric(state_of(x[..., None, :] + sign * steps))) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * _STEP)


def metric_weight(metric: Metric, design: Design, shots: ArrayLike, seed: int = 0) -> FloatArray:
    """The weight (P, P) of a metric's error: its gradient's outer product, averaged over the scatter of the estimate.

    Where the metric is smooth over the scatter this is the delta method. Where it has a kink, as l1 at a vanishing
    coherence or ergotropy at a passive state, the gradient at the expected state alone says nothing; its average gives an
    upper bound of the variance (the Poincare inequality for Gaussian scatter). `metric` takes Hermitian matrices of trace
    1 (..., d, d), of which some may not be positive. Raises ArgumentError where it is not finite on them.
    """
    covariance, unseen = _inverse(design.total(shots))
    covariance = covariance + _IGNORANCE**2 * unseen @ unseen.T
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = np.random.default_rng(seed).standard_normal((_POINTS // 2, design.parameters)) @ root.T
    gradients = gradient_of(metric, coefficients(design.expected) + np.concatenate([drawn, -drawn]))
    if not np.all(np.isfinite(gradients)):
        raise ArgumentError(
            "metric", "not finite near the expected state", "be finite on Hermitian matrices of trace 1"
        )
    return gradients.T @ gradients / len(gradients)


def _expected(expected: ArrayLike | None, dimension: int) -> ComplexArray:
    unity = np.eye(dimension, dtype=np.complex128) / dimension
    if expected is None:
        return unity
    state: ComplexArray = checks.density_matrix("expected", expected, dimension)
    if state.ndim != 2:
        raise ArgumentError("expected", f"of shape {state.shape}", "be one state of shape (d, d)")
    return (1 - _UNCERTAIN) * state + _UNCERTAIN * unity


def _inverse(information: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The inverse on what is seen (P, P), and an orthonormal basis (P, k) of what is not."""
    values, vectors = np.linalg.eigh(information)
    seen = values > _UNSEEN * max(values[-1], 1e-300)
    kept = vectors[:, seen]
    return (kept / values[seen]) @ kept.T, vectors[:, ~seen]
