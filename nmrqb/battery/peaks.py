"""Maxima over time of many smooth curves at once: a grid, then Newton's method on what the grid found.

A curve whose second derivative never falls below -M loses at most M h^2 / 8 between two grid points h apart, so every
grid maximum within that of the best one is polished, and the best polished one wins. Among equal peaks the earliest
counts. Trigonometric polynomials, and sums of moduli of them (whose kinks all point down), are such curves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nmrqb.checks import FloatArray

#: value, slope and curvature of curves `rows` (C,) at times (C,).
Derivatives = Callable[[NDArray[np.intp], FloatArray], tuple[FloatArray, FloatArray, FloatArray]]

#: Peaks closer than this fraction of the curve's own size are equal.
_TIE = 1e-12

_NEWTON_STEPS = 60


def grid_maxima(values: FloatArray, times: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Largest of values (B, T) and the first time it is reached, to _TIE of each curve's size (B,)."""
    best = values.max(axis=-1)
    first = np.argmax(values >= (best - _TIE * size)[:, None], axis=-1)
    return best, times[first]


def refined_maxima(
    values: FloatArray, times: FloatArray, size: FloatArray, curvature: FloatArray, derivatives: Derivatives
) -> tuple[FloatArray, FloatArray]:
    """Largest value between the first and the last time, polished; values (B, T), size and curvature bound M (B,)."""
    best = values.max(axis=-1)
    loss = curvature * np.max(np.diff(times), initial=0.0) ** 2 / 8 + _TIE * size
    rises = np.ones_like(values, dtype=bool)
    rises[:, 1:] = values[:, 1:] > values[:, :-1]
    falls = np.ones_like(rises)
    falls[:, :-1] = values[:, :-1] >= values[:, 1:]
    rows, points = np.nonzero(rises & falls & (values >= (best - loss)[:, None]))
    low, high = times[np.maximum(points - 1, 0)], times[np.minimum(points + 1, times.size - 1)]
    height, when = _polish(rows, low, times[points], high, values[rows, points], derivatives)
    np.maximum.at(best, rows, height)
    equal = height >= (best - _TIE * size)[rows]
    first = np.full(best.shape, np.inf)
    np.minimum.at(first, rows[equal], when[equal])
    return best, first


def _polish(
    rows: NDArray[np.intp],
    low: FloatArray,
    start: FloatArray,
    high: FloatArray,
    height: FloatArray,
    derivatives: Derivatives,
) -> tuple[FloatArray, FloatArray]:
    """Newton's method inside brackets, halving them where it would leave or climb down; never below the start."""
    low, high, time = low.copy(), high.copy(), start.copy()
    active = np.arange(rows.size)
    for _ in range(_NEWTON_STEPS):
        t = time[active]
        _, slope, curvature = derivatives(rows[active], t)
        low[active] = np.where(slope > 0, t, low[active])
        high[active] = np.where(slope > 0, high[active], t)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = t - slope / curvature
        inside = (curvature < 0) & (newton >= low[active]) & (newton <= high[active])
        step = np.where(inside, newton, (low[active] + high[active]) / 2)
        time[active] = np.where(slope == 0, t, step)
        active = active[np.abs(time[active] - t) > 4e-16 * (1 + np.abs(t))]
        if active.size == 0:
            break
    value = derivatives(rows, time)[0]
    # A few ulp below the start is still the peak: the top is flat to rounding, and Newton's time is the better one.
    found = value >= height - _TIE * np.abs(height)
    return np.where(found, value, height), np.where(found, time, start)
