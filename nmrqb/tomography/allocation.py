"""How many shots each setting should get, so that the error of what is wanted becomes smallest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.tomography.design import Design, metric_weight, observable_weight

#: Settings whose share is below this get nothing.
_NEGLIGIBLE = 1e-4
#: The squared error is within this fraction of the smallest possible.
_ACCURACY = 1e-4
_MAX_STEPS = 20_000
#: Metrics are weighed at the scatter of the allocation itself: that is found by repeating it.
_ROUNDS = 2


def allocate(
    design: Design,
    total: int,
    *,
    observable: ArrayLike | None = None,
    metric: Callable[[ComplexArray], FloatArray] | None = None,
    least: int = 0,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Shots (S,), whole numbers that add up to `total`, with the smallest error of what is asked for.

    observable: a Hermitian matrix (d, d), whose expectation is wanted: where each of its terms is seen by one setting this
    is Neyman's rule, shots in proportion to standard deviations. metric: a function of states, weighed by
    `metric_weight`. With neither, the Hilbert-Schmidt error of the state. least: of every setting, so that nothing goes
    unseen. The programme is convex; it is solved by the multiplicative algorithm (Yu, Ann. Stat. 38, 1593 (2010)) to
    1e-4 of the squared error by the general equivalence theorem. Raises ArgumentError where the design does not
    determine what is asked for, and for fewer shots than the settings need.
    """
    if observable is not None and metric is not None:
        raise ArgumentError("metric", "given beside an observable", "be the only quantity asked for")
    for name, value, bound in (("total", total, 1), ("least", least, 0)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < bound:
            raise ArgumentError(name, repr(value), f"be a whole number, {bound} or more")
    size = len(design.names)
    if total < least * size:
        raise ArgumentError("total", total, f"be at least {least * size}, {least} for each of {size} settings")
    if metric is None:
        dimension = design.expected.shape[-1]
        weight = np.eye(design.parameters) if observable is None else observable_weight(observable, dimension)
        return _whole(_shares(design, weight), int(total), int(least))
    even = shares = np.full(size, 1 / size)
    for _ in range(_ROUNDS):
        shares = _shares(design, metric_weight(metric, design, np.maximum(total * shares, 1.0), seed))
    # where a metric is stationary its weight is the scatter's alone, and shares that suit one scatter make another
    if design.metric_error(metric, total * even, seed) <= design.metric_error(metric, total * shares, seed):
        shares = even
    return _whole(shares, int(total), int(least))


def _shares(design: Design, weight: FloatArray) -> FloatArray:
    """Shares (S,) of the shots that minimise Tr[weight M^-1], M being the sum of shares times information."""
    if not np.isfinite(design.criterion_error(weight, 1)):
        raise ArgumentError("settings", "such that what is asked for is not determined", "see all that it hangs on")
    if not np.trace(weight) > 0:
        raise ArgumentError("observable or metric", "the same for all states", "depend on the state")
    F = design.information
    shares = np.full(len(F), 1 / len(F))
    ridge = 1e-13 * np.trace(F.sum(axis=0)) * np.eye(design.parameters)
    values, vectors = np.linalg.eigh(weight)
    columns = vectors[:, values > 1e-14 * values[-1]] * np.sqrt(values[values > 1e-14 * values[-1]])
    for _ in range(_MAX_STEPS):
        solved = np.linalg.solve(np.einsum("s,spq->pq", shares, F) + ridge, columns)
        use = np.einsum("pk,spq,qk->s", solved, F, solved, optimize=True)  # minus the derivative by each share
        mean = shares @ use
        if use.max() <= (1 + _ACCURACY) * mean:
            break
        shares = shares * np.sqrt(use)
        shares /= shares.sum()
    return shares


def _whole(shares: FloatArray, total: int, least: int) -> NDArray[np.int64]:
    """Whole shots in these proportions that add up to the total: rounded down, the largest remainders rounded up."""
    kept = np.where(shares < _NEGLIGIBLE * shares.max(), 0.0, shares)
    floor = np.maximum(least, (kept > 0).astype(int))
    if floor.sum() > total:
        raise ArgumentError("total", total, f"be at least {floor.sum()}: so many settings are needed")
    exact = kept / kept.sum() * total
    while np.any(short := exact < floor):  # settings at their floor leave the proportions to the others
        exact = np.where(short, floor, exact)
        free = exact > floor
        exact = np.where(free, exact * (total - exact[~free].sum()) / exact[free].sum(), exact)
    shots = np.floor(exact + 1e-9).astype(np.int64)
    rest = total - int(shots.sum())
    shots[np.argsort(shots - exact, kind="stable")[:rest]] += 1
    return shots
