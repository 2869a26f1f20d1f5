"""Intervals for functions of a measured state that hold as often as they say, at the bounds of the function too.

By inversion of tests, derived here. For each candidate value a state that has it is taken from the ray that leads from the
nearest null state (passive, incoherent, maximally mixed) through the estimate; what the experiment would give in that state
is simulated in the Gaussian limit with one fixed set of normal points; and the candidate belongs to the interval when the
statistic that was measured lies in the acceptance region of Feldman and Cousins. Near a bound the region opens to one
side, so that the interval is one-sided there and never empty. `experiments/coverage.py` measures how often it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.special import ndtri

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.tomography.cloud import Cloud, noise_axes, normal_points
from nmrqb.tomography.functionals import Functional, part_spread
from nmrqb.tomography.unified import normal_score_of, quantile, unified_region

#: Candidate values that are simulated, and values in between at which acceptance is decided.
_NODES, _FINE = 6, 129
#: Places on the ray where its candidate values are looked up; how far beyond the estimate the ray may lead.
_PLACES, _REACH = 33, 60.0
#: Spreads below and above the estimate that the candidates cover.
_BELOW, _ABOVE = 3.5, 4.5
#: Spreads below this part of a function's range are none.
_KNOWN = 1e-9
#: Numbers that one batch may hold in its largest array.
_CHUNK = 2**17


@dataclass(frozen=True)
class Interval:
    """low <= value <= high with a confidence `level`; arrays (...).

    one_sided: whether an end is the function's own bound, so that only the other says anything. estimate: the value
    with its bias taken off, not clipped: where the truth is at the bound it lies beyond it half of the time.
    """

    low: FloatArray
    high: FloatArray
    level: float
    one_sided: np.ndarray
    estimate: FloatArray
    method: str = "test inversion"


def interval(cloud: Cloud, functional: Functional, level: float = 0.95) -> Interval:
    """Confidence interval of a function of the state behind each estimate of a cloud (...). Raises ArgumentError."""
    return intervals(cloud, functional, (level,))[0]


def intervals(cloud: Cloud, functional: Functional, levels: ArrayLike = (0.68, 0.95)) -> tuple[Interval, ...]:
    """Intervals of several levels from one simulation. Raises ArgumentError unless levels are between 0.5 and 0.999."""
    values = np.atleast_1d(checks.real("level", levels))
    if np.any((values < 0.5) | (values > 0.999)):
        raise ArgumentError("level", float(values[(values < 0.5) | (values > 0.999)][0]), "be from 0.5 to 0.999")
    d = cloud.centre.shape[-1]
    shape = cloud.centre.shape[:-2]
    rho, covariance = cloud.centre.reshape(-1, d, d), cloud.covariance.reshape(-1, d * d - 1, d * d - 1)
    kernel = _gaussian if functional.linear else _inverted
    points = normal_points(d * d - 1, functional.points)
    size = len(rho) if functional.linear else max(1, _CHUNK // (len(points) * d * d))
    parts = [
        kernel(rho[k : k + size], covariance[k : k + size], functional, values, points)
        for k in range(0, len(rho), max(size, 1))
    ]
    if not parts:
        parts = [np.empty((1 + 2 * len(values), 0))]
    found = np.concatenate(parts, axis=-1).reshape(-1, *shape)
    estimate = found[0]
    rounding = 1e-9 * (functional.high - functional.low) if np.isfinite(functional.high - functional.low) else 0.0
    answers = []
    for k, level in enumerate(values):
        low, high = found[1 + 2 * k], found[2 + 2 * k]
        # an estimate far outside the states leaves no value that would explain it: the interval ends at the bound
        low = np.where(low <= functional.low + rounding, functional.low, np.minimum(low, functional.high))
        high = np.where(high >= functional.high - rounding, functional.high, np.maximum(high, low))
        at_bound = (low <= functional.low) | (high >= functional.high)
        method = "Gaussian" if functional.linear else "test inversion"
        answers.append(Interval(low, high, float(level), at_bound, estimate, method))
    return tuple(answers)


def _gaussian(
    rho: ComplexArray, covariance: FloatArray, functional: Functional, levels: FloatArray, points: FloatArray
) -> FloatArray:
    """Estimate, and low and high for each level, (1 + 2L, B), of a linear function."""
    del points
    axes = noise_axes(covariance, functional.frame)
    value = functional.of(_framed(rho, functional))
    spread = np.sqrt(np.sum(functional.of(axes) ** 2, axis=-1))
    ends = [value + sign * ndtri((1 + level) / 2) * spread for level in levels for sign in (-1, 1)]
    return np.clip(np.stack([value, *ends]), functional.low, functional.high)


def _framed(rho: ComplexArray, functional: Functional) -> ComplexArray:
    V = functional.frame
    return rho if V is None else V.conj().T @ rho @ V


def _inverted(
    rho: ComplexArray, covariance: FloatArray, functional: Functional, levels: FloatArray, points: FloatArray
) -> FloatArray:
    """Estimate, and low and high for each level, (1 + 2L, B), by inversion of tests."""
    test = _Test(functional, _framed(rho, functional), noise_axes(covariance, functional.frame), points)
    m, mean, spread, skewness = test.fine()
    T = test.measured[:, None]
    estimate = _estimate(m, mean, T)
    low, high = functional.low, functional.high
    to_low = np.maximum(-normal_score_of((low - m) / spread, skewness) + normal_score_of(np.zeros_like(m), skewness), 0)
    to_high = np.maximum(
        normal_score_of((high - m) / spread, skewness) - normal_score_of(np.zeros_like(m), skewness), 0
    )
    ends = [estimate]
    for level in levels:
        a, b = unified_region(to_low, float(level))
        c, d = unified_region(to_high, float(level))
        from_low = to_low <= to_high
        lower, upper = np.where(from_low, a, -d), np.where(from_low, b, -c)
        ends += _ends(m, T - mean - spread * quantile(upper, skewness), T - mean - spread * quantile(lower, skewness))
    return np.stack(ends)


def _estimate(m: FloatArray, mean: FloatArray, T: FloatArray) -> FloatArray:
    """The value whose mean statistic is the one measured; beyond the candidates, shifted by the bias at the last."""
    bias = mean - m
    excess = T - mean  # falls through zero at the estimate
    index = np.clip(np.sum(excess > 0, axis=1) - 1, 0, m.shape[1] - 2)[:, None]
    here, there = (np.take_along_axis(excess, index + k, axis=1) for k in (0, 1))
    step = np.where(here != there, here / np.where(here != there, here - there, 1.0), 0.0)
    inside = (excess[:, :1] > 0) & (excess[:, -1:] <= 0)
    left, right = (np.take_along_axis(m, index + k, axis=1) for k in (0, 1))
    beyond = T - np.where(excess[:, :1] <= 0, bias[:, :1], bias[:, -1:])
    return np.where(inside, left + np.clip(step, 0, 1) * (right - left), beyond)[:, 0]


def _ends(m: FloatArray, above: FloatArray, below: FloatArray) -> list[FloatArray]:
    """First and last candidate (B,) with above <= 0 <= below, to where these cross zero between candidates."""
    accepted = (above <= 0) & (below >= 0)
    nearest = np.argmin(np.maximum(above, -below), axis=1)
    none = ~np.any(accepted, axis=1)
    first = np.where(none, nearest, np.argmax(accepted, axis=1))
    last = np.where(none, nearest, m.shape[1] - 1 - np.argmax(accepted[:, ::-1], axis=1))
    return [
        _crossing(m, above, np.maximum(first - 1, 0), first),
        _crossing(m, below, np.minimum(last + 1, m.shape[1] - 1), last),
    ]


def _crossing(m: FloatArray, f: FloatArray, outside: np.ndarray, inside: np.ndarray) -> FloatArray:
    rows = np.arange(len(m))
    out, here = f[rows, outside], f[rows, inside]
    step = np.where(out * here < 0, out / np.where(out != here, out - here, 1.0), 1.0)
    return m[rows, outside] + step * (m[rows, inside] - m[rows, outside])


class _Test:
    """What the experiment would give along the ray of each member of a batch."""

    def __init__(self, functional: Functional, rho: ComplexArray, axes: ComplexArray, points: FloatArray) -> None:
        self.of, self.low, self.high = functional.of, functional.low, functional.high
        assert functional.ray is not None
        self.null, self.direction = functional.ray(rho, axes)
        self.axes, self.exact = axes, functional.moments
        if self.exact is None:
            self.noise = (points @ axes.reshape(*axes.shape[:2], -1)).reshape(len(rho), len(points), *rho.shape[1:])
        parts = part_spread(axes)
        given = functional.statistic
        self.statistic: Callable[[ComplexArray], FloatArray] = (
            self.of if given is None else (lambda states: given(states, parts))
        )
        self.measured = self.statistic(rho[:, None])[:, 0]

    def at(self, places: FloatArray) -> ComplexArray:
        """States (B, K, d, d) on the ray at places (B, K): 0 is the null state and 1 the estimate without noise."""
        return self.null[:, None] + places[..., None, None] * self.direction[:, None]

    def moments(self, place: FloatArray, stride: int = 1) -> FloatArray:
        """Mean, spread and skewness (3, B) of the statistic at one place (B,) each, from every stride-th point."""
        if self.exact is not None:
            return self.exact(self.at(place[:, None])[:, 0], self.axes)
        values = self.statistic(self.at(place[:, None]) + self.noise[:, ::stride])
        mean = values.mean(axis=1)
        off = values - mean[:, None]
        square = off * off
        spread = np.sqrt(square.mean(axis=1)) + 1e-300
        return np.stack([mean, spread, (square * off).mean(axis=1) / np.maximum(spread, 1e-90) ** 3])

    def fine(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Candidate values (B, F) in rising order and the moments of the statistic at them."""
        places = self._places()
        m = self.of(self.at(places))
        mean, spread, skewness = np.moveaxis(np.stack([self.moments(s) for s in places.T]), 0, -1)
        weights = _refinement(_NODES, _FINE)
        values = m @ weights
        variance = np.maximum(spread**2 @ weights, 0.25 * np.min(spread, axis=1, keepdims=True) ** 2)
        known = _KNOWN * (self.high - self.low)  # a statistic that never moves still needs a unit
        return values, values + (mean - m) @ weights, np.maximum(np.sqrt(variance), known), skewness @ weights

    def _places(self) -> FloatArray:
        """Places (B, K) whose values cover what can be the truth."""
        ones = np.ones(len(self.null))
        value = self.of(self.at(ones[:, None]))[:, 0]
        here, null = self.moments(ones, 4), self.moments(0 * ones, 4)
        guess, spread = self.measured - (here[0] - value), np.maximum(here[1], null[1])
        top = np.maximum(np.minimum(guess + _ABOVE * spread, self.high), self.low + 3 * spread)
        bottom = np.minimum(np.clip(guess - _BELOW * spread, self.low, self.high), top - 1e-3 * spread)
        slope = np.maximum((self.of(self.at(1.05 * ones[:, None]))[:, 0] - value) / 0.05, 1e-300)
        reach = np.clip(1 + (top - value) / slope, 1.05, _REACH)
        for _ in range(3):
            reach = np.where(self.of(self.at(reach[:, None]))[:, 0] < top, 1.5 * reach, reach)
        places = reach[:, None] * np.linspace(0, 1, _PLACES) ** 1.5
        values = np.maximum.accumulate(self.of(self.at(places)), axis=1)
        wanted = bottom[:, None] + (top - bottom)[:, None] * np.linspace(0, 1, _NODES)
        return _inverse(values, places, wanted)


def _inverse(values: FloatArray, places: FloatArray, wanted: FloatArray) -> FloatArray:
    """Places (B, K) where rising values (B, N) reach the wanted ones (B, K), the last such place on a level stretch."""
    index = np.sum(values[:, :, None] <= wanted[:, None, :], axis=1) - 1
    index = np.clip(index, 0, values.shape[1] - 2)
    below, above = (np.take_along_axis(values, index + k, axis=1) for k in (0, 1))
    start, end = (np.take_along_axis(places, index + k, axis=1) for k in (0, 1))
    step = np.where(above > below, (wanted - below) / np.where(above > below, above - below, 1.0), 0.0)
    return start + np.clip(step, 0, 1) * (end - start)


@lru_cache(maxsize=8)
def _refinement(nodes: int, fine: int) -> FloatArray:
    """Matrix (nodes, fine) of the cubic spline through values at equally spaced nodes."""
    return np.asarray(CubicSpline(np.arange(nodes), np.eye(nodes))(np.linspace(0, nodes - 1, fine))).T
