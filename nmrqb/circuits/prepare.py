"""Mixed states on circuits: a weighted mixture of pure branches, each of which any hardware can run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import qr
from scipy.optimize import linear_sum_assignment

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.timeline import Mark


@dataclass(frozen=True)
class Branch:
    """One circuit of the mixture: its weight, the basis state it starts in, and the phase of each crusher step.

    crushers: for each crusher, for each of its groups of spins, the angle of the collective z rotation in rad.
    """

    weight: float
    state: int
    crushers: tuple[tuple[float, ...], ...]


#: Weights below this are rounding of a population that is zero; weights closer than this are the same.
_NOTHING = 1e-14
_SAME = 1e-12


def eigenbranches(rho: ComplexArray) -> tuple[FloatArray, ComplexArray | None]:
    """Weights (d,) of a state and the unitary (d, d) that leads from basis states to its eigenstates.

    A diagonal state gives its own populations and None: then X gates on the computational basis are all it takes.
    Otherwise the eigenstates stand at the basis states that they resemble most, with a positive component there, and
    eigenstates of equal weight are chosen to be basis states as far as their span allows: they then need no entangling.
    """
    if np.allclose(rho, np.diag(np.diag(rho)), rtol=0, atol=1e-14):
        return np.clip(np.diag(rho).real, 0, None), None
    weights, vectors = np.linalg.eigh(rho)
    starts = np.flatnonzero(np.diff(weights, prepend=-np.inf) > _SAME)
    parts = [_plain(part) for part in np.split(vectors, starts[1:], axis=1)]
    vectors = np.concatenate(parts, axis=1)
    basis, column = linear_sum_assignment(-(np.abs(vectors) ** 2))
    vectors, weights = vectors[:, column], weights[column]
    phases = np.exp(-1j * np.angle(vectors[basis, basis]))
    return np.clip(weights, 0, None), vectors * phases


def _plain(vectors: ComplexArray) -> ComplexArray:
    """Another orthonormal basis (d, k) of the same span, led by what is nearest to computational basis states."""
    if vectors.shape[1] == 1:
        return vectors
    # pivoting takes the basis state with the largest part in the span, then the largest of what is left
    columns, _, _ = qr(vectors @ vectors.conj().T, pivoting=True)
    return np.asarray(columns[:, : vectors.shape[1]])


def cycle(mark: Mark) -> list[tuple[float, ...]]:
    """The phase cycle of a crusher: N+1 equally spaced collective z rotations for a group of N spins, all combinations.

    Averaged, they keep order zero and cancel orders -N..N exactly; N steps would let order +-N pass.
    """
    return list(product(*([2 * np.pi * k / (len(group) + 1) for k in range(len(group) + 1)] for group in mark.groups)))


def branches(weights: np.ndarray, crushers: tuple[Mark, ...]) -> tuple[Branch, ...]:
    """All branches: basis states of non-zero weight times the steps of every crusher's phase cycle."""
    steps = list(product(*(cycle(mark) for mark in crushers)))
    total = float(np.sum(weights))
    return tuple(
        Branch(float(w) / total / len(steps), state, step)
        for state, w in enumerate(weights)
        if w > _NOTHING
        for step in steps
    )
