"""Is there any ergotropy at all, any coherence at all? P-values of the hypotheses that a state is passive or incoherent.

Both hypotheses are linear: the coherences vanish, and the populations of a passive state fall as the energy rises. The
statistic is the squared distance of the estimate from them in units of its own covariance, as in a likelihood ratio. The
coherences contribute a chi-squared variable whatever the populations are. Each step that rises adds the square of its
score; steps that are clearly falling cannot have done so, and the others are taken as level, the case in which a false
alarm is likeliest (Andrews and Soares, Econometrica 78, 119 (2010)). So the p-value is exact in the Gaussian limit both
for a Gibbs state with resolved levels and for the maximally mixed one, and conservative between. Where the covariance
comes from replicas, the coherences' share follows Hotelling's distribution and is carried over to chi-squared by its rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, fdtrc, gammaincc

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.metrics.levels import level_index, same_level
from nmrqb.tomography.cloud import Cloud, noise_axes

#: Steps that fall by more than this many standard deviations are beyond doubt.
_CLEAR = 2.5
#: Normal draws behind the share of the steps; fixed, so that equal data have equal p-values.
_DRAWS = 1024
_CHUNK = 512


@dataclass(frozen=True)
class NullTest:
    """A hypothesis, the statistic (...), its degrees of freedom and the p-value (...): small where data speak against it."""

    hypothesis: str
    statistic: FloatArray
    degrees_of_freedom: int
    p_value: FloatArray


def passivity_test(cloud: Cloud, H: ArrayLike) -> NullTest:
    """The p-value (...) of the hypothesis that no unitary can draw work from the state, relative to H (d, d).

    Levels of H that agree to 1e-12 are one: coherence between them is no work, and their populations have no order.
    Raises ArgumentError unless H is Hermitian and of the cloud's dimension, or where replicas are too few.
    """
    H = checks.hermitian("H", H, cloud.centre.shape[-1])
    energies, vectors = np.linalg.eigh(H)
    level = level_index(energies)
    falls = [(i, j) for i in range(len(level)) for j in range(len(level)) if level[j] == level[i] + 1]
    return _tested(cloud, "passive", vectors, ~same_level(energies), falls)


def incoherence_test(cloud: Cloud, basis: ArrayLike | None = None) -> NullTest:
    """The p-value (...) of the hypothesis that the state is diagonal in a basis: the columns of a unitary, or None.

    Raises ArgumentError unless the basis is unitary and of the cloud's dimension.
    """
    d = cloud.centre.shape[-1]
    V = np.eye(d, dtype=complex) if basis is None else checks.operator("basis", basis, d)
    off = float(np.max(np.abs(V.conj().T @ V - np.eye(d))))
    if off > checks.TOLERANCE:
        raise ArgumentError("basis", f"off by {off:.3g}", "be unitary")
    return _tested(cloud, "incoherent", V, ~np.eye(d, dtype=bool), [])


def _tested(
    cloud: Cloud, hypothesis: str, frame: ComplexArray, absent: np.ndarray, falls: list[tuple[int, int]]
) -> NullTest:
    """The test that elements `absent` (d, d) vanish in a frame and populations fall from i to j in `falls`."""
    d = len(frame)
    shape = cloud.centre.shape[:-2]
    rho = frame.conj().T @ cloud.centre.reshape(-1, d, d) @ frame
    covariance = cloud.covariance.reshape(-1, d * d - 1, d * d - 1)
    i, j = np.nonzero(np.triu(absent))
    if cloud.degrees is not None and cloud.degrees < 2 * len(i) + 2:
        raise ArgumentError("cloud", f"of {cloud.degrees + 1} replicas", f"have at least {2 * len(i) + 3}")
    parts = [
        _chi_squared(
            rho[k : k + _CHUNK], noise_axes(covariance[k : k + _CHUNK], frame), i, j, np.array(falls), cloud.degrees
        )
        for k in range(0, len(rho), _CHUNK)
    ]
    statistic, p = np.concatenate(parts, axis=1) if parts else np.empty((2, 0))
    return NullTest(hypothesis, statistic.reshape(shape), 2 * len(i), p.reshape(shape))


def _chi_squared(
    rho: ComplexArray, axes: ComplexArray, i: np.ndarray, j: np.ndarray, falls: np.ndarray, degrees: int | None
) -> tuple[FloatArray, FloatArray]:
    """Statistic and p-value (B,) of states (B, d, d) with noise axes (B, P, d, d) in the frame of the hypothesis."""
    coherence = np.concatenate([rho[:, i, j].real, rho[:, i, j].imag], axis=1)
    noise = np.concatenate([axes[:, :, i, j].real, axes[:, :, i, j].imag], axis=2)  # (B, P, C)
    inverse = np.linalg.pinv(np.swapaxes(noise, 1, 2) @ noise, hermitian=True)
    half = np.einsum("bc,bce->be", coherence, inverse)
    statistic = _as_chi_squared(np.einsum("be,be->b", half, coherence), noise.shape[2], degrees)
    freedom = noise.shape[2] / 2
    if not len(falls):
        return statistic, gammaincc(freedom, statistic / 2) if freedom else np.ones_like(statistic)
    # what the coherences say of the errors of the populations is taken off them
    first, second = falls.T
    populations, moves = np.einsum("bii->bi", rho).real, np.einsum("bkii->bki", axes).real
    rise, along = populations[:, second] - populations[:, first], moves[:, :, second] - moves[:, :, first]
    rise = rise - np.einsum("be,bke,bks->bs", half, noise, along)
    along = along - noise @ inverse @ (np.swapaxes(noise, 1, 2) @ along)
    scale = np.sqrt(np.sum(along**2, axis=1))
    score = rise / np.maximum(scale, 1e-300)
    correlated = np.random.default_rng(0).normal(size=(_DRAWS, along.shape[1])) @ (along / scale[:, None, :])
    share = np.sum(np.where(score[:, None] > -_CLEAR, np.maximum(correlated, 0) ** 2, 0), axis=2)
    statistic = statistic + np.sum(np.maximum(score, 0) ** 2, axis=1)
    left = np.maximum(statistic[:, None] - share, 0)
    return statistic, gammaincc(freedom, left / 2).mean(axis=1)


def _as_chi_squared(statistic: FloatArray, count: int, degrees: int | None) -> FloatArray:
    """A squared distance in `count` directions, relative to a covariance of so many degrees of freedom, as chi-squared."""
    if degrees is None or count == 0:
        return statistic
    left = degrees - count + 1
    tail = fdtrc(count, left, statistic * left / (count * degrees))
    return np.where(tail > 1e-300, chdtri(count, np.maximum(tail, 1e-300)), statistic)
