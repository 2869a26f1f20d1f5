"""The Bayesian mean of a state and samples of its posterior, from counts.

The prior is the Hilbert-Schmidt measure, flat over the convex body of density matrices (Zyczkowski and Sommers, J. Phys. A
34, 7111 (2001)); the likelihood is the exact multinomial one. Their product is log-concave, and so is it along every
line through a state, whose ends follow from eigenvalues. Hit-and-run moves along random lines and draws the place on each
by slice sampling: no step size to tune, no rejection, and the posterior is left exactly invariant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins, pauli_labels, pauli_stack
from nmrqb.tomography.likelihood import Path, centred
from nmrqb.tomography.measurement import Measurement, checked_counts
from nmrqb.tomography.nmr_map import state_of

#: Chains that run beside one another from different starts.
CHAINS = 16
#: Moves between samples and before the first one, per parameter of the state.
_THINNING, _BURN_IN = 3, 40
_SHRINKS = 200
#: Weight of log det rho at the states from which chains start.
_BARRIER = 1.0


@dataclass(frozen=True)
class Posterior:
    """Samples (..., K, d, d) of the posterior, their mean (..., d, d), and r_hat (...).

    r_hat: Gelman and Rubin's comparison of the spread between and within the chains, worst over the coefficients; near
    1 when they agree (below 1.1 in a sound run).
    """

    samples: ComplexArray
    mean: ComplexArray
    r_hat: FloatArray


def posterior(
    counts: ArrayLike, measurement: Measurement, *, samples: int = 1000, seed: int | np.random.Generator | None = None
) -> Posterior:
    """Samples of the posterior of states given counts (..., S, O), under the Hilbert-Schmidt prior, and their mean.

    samples: at least 2 for each of the 16 chains; rounded up to a multiple of 16. Every state is positive, and the mean
    has full rank: it is the estimate of least expected Hilbert-Schmidt distance squared. Raises ArgumentError.
    """
    n = checked_counts(counts, measurement)
    if not isinstance(samples, (int, np.integer)) or isinstance(samples, bool) or samples < 2 * CHAINS:
        raise ArgumentError("samples", repr(samples), f"be a whole number, {2 * CHAINS} or more")
    rng = np.random.default_rng(seed)
    flat = n.reshape(-1, measurement.matrix.shape[0])
    walk = _Walk(measurement, flat, rng)
    P = measurement.matrix.shape[1]
    for _ in range(_BURN_IN * P):
        walk.move()
    kept = []
    for _ in range(-(-int(samples) // CHAINS)):
        for _ in range(_THINNING * P):
            walk.move()
        kept.append(walk.x.reshape(len(flat), CHAINS, P).copy())
    x = np.stack(kept, axis=1)  # (B, step, chain, P)
    rho = state_of(x.reshape(len(flat), -1, P))
    shape = n.shape[:-2]
    found = rho.reshape(*shape, *rho.shape[1:])
    return Posterior(found, found.mean(axis=-3), _r_hat(x).reshape(shape))


def _r_hat(x: FloatArray) -> FloatArray:
    """Worst over the coefficients of x (B, step, chain, P), (B,)."""
    steps = x.shape[1]
    within = x.var(axis=1, ddof=1).mean(axis=1)
    between = x.mean(axis=1).var(axis=1, ddof=1)
    return np.sqrt((steps - 1) / steps + between / np.maximum(within, 1e-300)).max(axis=-1)


class _Walk:
    """Chains (B x CHAINS) of hit-and-run through the states of B sets of counts; x holds where they are."""

    def __init__(self, measurement: Measurement, n: FloatArray, rng: np.random.Generator) -> None:
        d = measurement.dimension
        self.A, self.offset, self.rng, self.d = measurement.matrix, measurement.offset, rng, d
        basis = pauli_stack(pauli_labels(number_of_spins(d))[1:]) / np.sqrt(d)
        self.basis = basis.reshape(len(basis), d * d)
        # within the states, and where the barrier of a flat prior's own curvature makes directions the posterior's shape
        start = centred(n, measurement, _BARRIER)
        information = Path(measurement).information(start, n, _BARRIER)
        roots = np.swapaxes(np.linalg.inv(np.linalg.cholesky(information)), -1, -2)
        self.roots = np.repeat(roots, CHAINS, axis=0)
        self.n, self.x = np.repeat(n, CHAINS, axis=0), np.repeat(start, CHAINS, axis=0)

    def move(self) -> None:
        """One move of every chain."""
        z = self.rng.standard_normal(self.x.shape)
        v = np.einsum("bpq,bq->bp", self.roots, z / np.linalg.norm(z, axis=1, keepdims=True))
        low, high = self._ends(v)
        p, q = self.offset + self.x @ self.A.T, v @ self.A.T
        level = xlogy(self.n, p).sum(axis=1) - self.rng.standard_exponential(len(v))
        t = np.zeros(len(v))
        left = np.arange(len(v))
        for _ in range(_SHRINKS):
            t[left] = low[left] + (high[left] - low[left]) * self.rng.random(left.size)
            at = np.maximum(p[left] + t[left, None] * q[left], 1e-300)
            outside = xlogy(self.n[left], at).sum(axis=1) < level[left]
            left = left[outside]
            if not left.size:
                break
            below = t[left] < 0
            low[left] = np.where(below, t[left], low[left])
            high[left] = np.where(below, high[left], t[left])
        t[left] = 0.0
        self.x += t[:, None] * v

    def _ends(self, v: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How far each chain can go along v (B, P) before its state is no longer positive, to both sides."""
        d = self.d
        values, vectors = np.linalg.eigh(state_of(self.x))
        root = vectors / np.sqrt(np.maximum(values, 1e-14))[:, None, :]
        change = (v @ self.basis).reshape(-1, d, d)
        turned = np.linalg.eigvalsh(np.conj(np.swapaxes(root, -1, -2)) @ change @ root)
        inside = 1 - 1e-9
        return -inside / np.maximum(turned[:, -1], 1e-300), inside / np.maximum(-turned[:, 0], 1e-300)


def bayesian_mean(
    counts: ArrayLike, measurement: Measurement, *, samples: int = 1000, seed: int | np.random.Generator | None = None
) -> ComplexArray:
    """The posterior's mean (..., d, d) under the Hilbert-Schmidt prior, of counts (..., S, O). Raises ArgumentError."""
    checks.non_negative("counts", counts)
    return posterior(counts, measurement, samples=samples, seed=seed).mean
