"""Fidelity of a measured state with a predicted one, with an interval that stays below one.

Noise takes any estimate away from the prediction, and making a state of the estimate first takes it further: fidelities of
nearest states are too small. Taken of the unprojected estimate the fidelity with a pure state is linear, and with others
smooth, so that only a bias of second order remains. The interval inverts tests as those of other metrics do
(`nmrqb.tomography.confidence`), along the ray that leads from the prediction through the estimate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.tomography.cloud import Cloud
from nmrqb.tomography.confidence import Interval, intervals
from nmrqb.tomography.functionals import Functional
from nmrqb.tomography.reconstruct import nearest_state

#: States at a time: each has a functional of its own, and these many are simulated as one batch.
_AT_ONCE = 32
_POINTS = 120
#: The ray leads from the prediction towards the state nearest to what lies this many times as far as the estimate, so that
#: candidates beyond the estimate are states too; its unit is so many times the distance of the estimate.
_FAR, _BEYOND = 30.0, 1.5
#: Eigenvalues below this are rounding, whose root would not be.
_ROUNDING = 1e-15


def fidelity_intervals(cloud: Cloud, prediction: ArrayLike, levels: ArrayLike = (0.68, 0.95)) -> tuple[Interval, ...]:
    """Intervals of the (squared, Uhlmann) fidelity of each state of a cloud (...) with predicted states (..., d, d).

    The estimate of each has its bias taken off and is clipped to at most one. Raises ArgumentError for what is no state,
    shapes that do not broadcast to those of the cloud, and levels that `intervals` refuses.
    """
    d = cloud.centre.shape[-1]
    sigma = checks.density_matrix("prediction", prediction, d)
    shape = cloud.centre.shape[:-2]
    sigma = np.broadcast_to(sigma, cloud.centre.shape).reshape(-1, d, d)
    rho, covariance = cloud.centre.reshape(-1, d, d), cloud.covariance.reshape(-1, d * d - 1, d * d - 1)
    parts = [
        intervals(
            Cloud(rho[k : k + _AT_ONCE], covariance[k : k + _AT_ONCE]), _infidelity(sigma[k : k + _AT_ONCE]), levels
        )
        for k in range(0, len(rho), _AT_ONCE)
    ]
    answers = []
    for each in zip(*parts, strict=True):
        low, high, sided, value = (
            np.concatenate([getattr(one, name) for one in each]).reshape(shape)
            for name in ("low", "high", "one_sided", "estimate")
        )
        low, high = np.minimum(low, high), np.maximum(low, high)
        answers.append(Interval(1 - high, 1 - low, each[0].level, sided, np.minimum(1 - value, 1.0)))
    return tuple(answers)


def _infidelity(sigma: ComplexArray) -> Functional:
    """One minus the fidelity with states (B, d, d), of matrices (B, M, d, d) that need not be positive."""
    values, vectors = np.linalg.eigh(sigma)
    root = (vectors * np.sqrt(np.clip(values, 0, None))[:, None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))

    def plain(rho: ComplexArray) -> FloatArray:
        between = root[:, None] @ rho @ root[:, None]
        kept = np.linalg.eigvalsh(between)
        return 1 - np.sum(np.sqrt(np.where(kept > _ROUNDING, kept, 0.0)), axis=-1) ** 2

    def ray(rho: ComplexArray, axes: ComplexArray) -> tuple[ComplexArray, ComplexArray]:  # noqa: ARG001
        far = nearest_state(sigma + _FAR * (rho - sigma)) - sigma
        sizes = [np.linalg.norm(each, axis=(-2, -1), keepdims=True) for each in (rho - sigma, far)]
        return sigma, far * np.minimum(1, _BEYOND * sizes[0] / np.maximum(sizes[1], 1e-300))

    return Functional(
        "infidelity",
        lambda rho: plain(nearest_state(rho)),
        0.0,
        1.0,
        None,
        lambda rho, spread: plain(rho),  # noqa: ARG005
        ray,
        points=_POINTS,
    )
