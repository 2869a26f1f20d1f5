"""Exact maxima of a charging whose generator is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.metrics.curves import hermite_maxima
from nmrqb.metrics.power import flow
from nmrqb.spin.propagation import spectral

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray

#: Samples per period of the fastest oscillation in the first search, peaks that are refined, Newton steps for each.
_PER_PERIOD, _CANDIDATES, _STEPS = 24, 4, 6
#: Peaks of the interpolated grid this close to the best (relative to the range) are refined; equal ones differ by less.
_CLOSE, _EQUAL = 1e-4, 1e-12


@dataclass(frozen=True)
class EvolutionMaxima:
    """Greatest stored energy, power and average power, and when each is first reached; arrays of shape (...)."""

    energy: FloatArray
    energy_time: FloatArray
    power: FloatArray
    power_time: FloatArray
    average_power: FloatArray
    average_power_time: FloatArray


def evolution_maxima(generator: ArrayLike, rho0: ArrayLike, H: ArrayLike, duration: float) -> EvolutionMaxima:
    """Exact maxima over 0 <= t <= duration of W(t) = Tr[(rho(t) - rho0) H], dW/dt and W/t, all shape (...).

    generator (..., d^2, d^2), rho0 and H (..., d, d) broadcast. W is a sum of exponentials, known with all its
    derivatives: a grid finds the peaks and Newton's method finishes them. From a passive state under a unitary W is
    the ergotropy. The earliest of equal maxima is reported (equal to 1e-12). Raises ArgumentError for wrong shapes,
    rho0 no density matrix, H not Hermitian or a duration that is not above zero.
    """
    length = checks.positive("duration", duration)
    if length.ndim:
        raise ArgumentError("duration", f"of shape {length.shape}", "be one number")
    rho, H, _ = flow(rho0, H, generator, check=True)
    curve = _Energy(np.asarray(generator, dtype=complex), rho, H)
    fastest = float(np.max(np.abs(curve.spectrum.values), initial=0.0))
    grid = np.linspace(0.0, float(length), 33 + int(_PER_PERIOD * fastest * float(length) / (2 * np.pi)))
    samples = curve.at(grid)
    found = [_refined(curve, samples, grid, quantity) for quantity in ("energy", "power", "average")]
    return EvolutionMaxima(*(part for pair in found for part in pair))


class _Energy:
    """W(t) = Tr[H (rho(t) - rho0)] and its first three derivatives at any times."""

    def __init__(self, L: ComplexArray, rho0: ComplexArray, H: ComplexArray) -> None:
        self.generator = L
        self.vector = rho0.reshape(*rho0.shape[:-2], -1)
        self.functional = np.conj(H).reshape(*H.shape[:-2], -1)  # Tr[H rho] = sum of conj(H) * rho, elementwise
        self.spectrum = spectral(L)
        left = (self.functional[..., None, :] @ self.spectrum.vectors)[..., 0, :]
        self.amplitudes = left * (self.spectrum.inverse @ self.vector[..., None])[..., 0]

    def at(self, t: FloatArray) -> list[FloatArray]:
        """W, W', W'' and W''' at times (T,) shared by all members or (..., T); each of shape (..., T)."""
        if not np.all(self.spectrum.sound):
            return self._by_exponentials(t)
        rates = self.spectrum.values[..., None, :]
        exponent = rates * t[..., None]
        growth = np.exp(exponent)
        terms = [np.expm1(exponent), rates * growth, rates**2 * growth, rates**3 * growth]
        return [(term @ self.amplitudes[..., None])[..., 0].real for term in terms]

    def _by_exponentials(self, t: FloatArray) -> list[FloatArray]:
        L = self.generator[..., None, :, :]
        state = (expm(L * t[..., None, None]) @ self.vector[..., None, :, None])[..., 0]
        vectors = [state - self.vector[..., None, :]]
        for _ in range(3):
            state = (L @ state[..., None])[..., 0]
            vectors.append(state)
        return [np.sum(self.functional[..., None, :] * x, axis=-1).real for x in vectors]


def _quantity(name: str, W: list[FloatArray], t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Energy, power or average power with its first and second derivative."""
    if name == "energy":
        return W[0], W[1], W[2]
    if name == "power":
        return W[1], W[2], W[3]
    start = t == 0
    safe = np.where(start, 1.0, t)
    average = np.where(start, W[1], W[0] / safe)
    first = np.where(start, W[2] / 2, (W[1] - average) / safe)
    return average, first, np.where(start, W[3] / 3, (W[2] - 2 * first) / safe)


def _refined(curve: _Energy, samples: list[FloatArray], grid: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Greatest value of a quantity over the span of the grid and the earliest time of it, shape (...)."""
    value, first, _ = _quantity(name, samples, grid)
    peaks, where = hermite_maxima(grid, value, first)
    best = np.max(peaks, axis=-1, keepdims=True)
    close = peaks >= best - _CLOSE * np.ptp(value, axis=-1, keepdims=True)
    chosen = np.argsort(~close, axis=-1, kind="stable")[..., :_CANDIDATES]
    chosen = np.concatenate([chosen, np.argmax(peaks, axis=-1)[..., None]], axis=-1)
    t = np.take_along_axis(where, chosen, axis=-1)
    low, high = np.maximum(t - grid[1], 0.0), np.minimum(t + grid[1], grid[-1])
    now = _quantity(name, curve.at(t), t)
    for _ in range(_STEPS):
        value, first, second = now
        step = np.where(second < 0, -first / np.where(second < 0, second, 1.0), 0.0)
        trial = np.clip(t + step, low, high)
        there = _quantity(name, curve.at(trial), trial)
        # Close to the top the value is flat to rounding, while its slope still tells where the top is.
        better = (there[0] >= value) | (np.abs(step) < 1e-3 * grid[1])
        t = np.where(better, trial, t)
        now = (np.where(better, there[0], value), np.where(better, there[1], first), np.where(better, there[2], second))
    best = np.max(now[0], axis=-1, keepdims=True)
    earliest = np.argmax(now[0] >= best - _EQUAL * np.abs(best), axis=-1)[..., None]
    return best[..., 0], np.take_along_axis(t, earliest, axis=-1)[..., 0]
