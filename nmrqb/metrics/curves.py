"""Maxima and slopes of curves: sampled ones through a cubic spline, exact ones refined from their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline

from nmrqb import checks
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import FloatArray


def maximum(values: ArrayLike, times: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The greatest value of sampled curves (..., T) and the time (earliest) at which it is reached, both shape (...).

    Between the samples a cubic spline is searched, so the peak need not fall on a sample; its error is of fourth order
    in the spacing. Raises ArgumentError for wrong shapes, values that are not finite, or times that do not increase.
    """
    y, t = sampled(values, times)
    slopes = CubicSpline(t, y, axis=-1)(t, 1)
    peaks, where = hermite_maxima(t, y, slopes)
    best = np.argmax(peaks, axis=-1)[..., None]
    return np.take_along_axis(peaks, best, axis=-1)[..., 0], np.take_along_axis(where, best, axis=-1)[..., 0]


def slope(values: ArrayLike, times: ArrayLike) -> FloatArray:
    """Time derivative of sampled curves (..., T) at the samples, shape (..., T), by a cubic spline (third order).

    Raises ArgumentError for wrong shapes, values that are not finite, or times that do not increase.
    """
    y, t = sampled(values, times)
    return np.asarray(CubicSpline(t, y, axis=-1)(t, 1))


def sampled(values: ArrayLike, times: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Curves (..., T) and their increasing times (T,), T >= 2, checked. Raises ArgumentError."""
    y, t = checks.real("values", values), checks.real("times", times)
    if t.ndim != 1 or t.size < 2:
        raise ArgumentError("times", f"of shape {t.shape}", "have shape (T,) with two samples or more")
    if y.ndim < 1 or y.shape[-1] != t.size:
        raise ArgumentError("values", f"of shape {y.shape}", f"have shape (..., {t.size}), one value for each time")
    steps = np.diff(t)
    if np.any(steps <= 0):
        k = int(np.argmax(steps <= 0))
        raise ArgumentError("times", f"{t[k]:g} then {t[k + 1]:g}", "increase")
    return y, t


def hermite_maxima(t: FloatArray, y: FloatArray, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Greatest value, and where, of the cubic through values and slopes (..., T) in each of the T - 1 intervals."""
    h = np.diff(t)
    start, rise = y[..., :-1], np.diff(y, axis=-1)
    m0, m1 = h * slopes[..., :-1], h * slopes[..., 1:]
    square, cube = 3 * rise - 2 * m0 - m1, m0 + m1 - 2 * rise
    # Roots of 3 cube s^2 + 2 square s + m0, by the form that loses no digits when cube is small.
    root = np.sqrt(np.maximum(square * square - 3 * cube * m0, 0.0))
    q = -(square + np.copysign(root, square))
    zero = np.zeros_like(start)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inner = [np.nan_to_num(s, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0) for s in (q / (3 * cube), m0 / q)]
    best, where = start, zero
    for s in (*inner, zero + 1.0):
        value = start + s * (m0 + s * (square + s * cube))
        higher = value > best
        best, where = np.where(higher, value, best), np.where(higher, s, where)
    return best, t[:-1] + h * where
