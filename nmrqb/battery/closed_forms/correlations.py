"""Concurrence and quantum discord of X states and of the Gibbs state (Appendices B and C), and where entanglement ends.

Charging is a product of local rotations (eq. 22), so concurrence and discord of a charged Gibbs state are those of the
Gibbs state at rest, at every phi and for either axis.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

from nmrqb.battery.closed_forms.gibbs import boltzmann_weights, thermal_factors
from nmrqb.battery.closed_forms.inputs import x_state
from nmrqb.checks import ComplexArray, FloatArray, real
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from nmrqb.battery.model import Battery

_GOLDEN = (np.sqrt(5) - 1) / 2
#: Polar angles of the measurement tried before the best one is refined.
_GRID = 33


def x_state_l1(rho: ArrayLike) -> FloatArray:
    """l1 norm of coherence of X states (..., 4, 4): 2(|rho_14| + |rho_23|). Raises ArgumentError unless X states."""
    r = x_state(rho)
    return 2 * (np.abs(r[..., 0, 3]) + np.abs(r[..., 1, 2]))


def x_state_concurrence(rho: ArrayLike) -> FloatArray:
    """Concurrence (eq. C1) of X states (..., 4, 4), shape (...): exact zero where unentangled.

    2 max(0, |rho_14| - sqrt(rho_22 rho_33), |rho_23| - sqrt(rho_11 rho_44)). Raises ArgumentError unless X states.
    """
    r = x_state(rho)
    a, b, c, d = (np.maximum(r[..., k, k].real, 0) for k in range(4))
    double = np.abs(r[..., 0, 3]) - np.sqrt(b) * np.sqrt(c)
    zero = np.abs(r[..., 1, 2]) - np.sqrt(a) * np.sqrt(d)
    return 2 * np.maximum(np.maximum(double, zero), 0.0)


def x_state_discord(rho: ArrayLike, measured: int = 0) -> FloatArray:
    """Quantum discord (eqs. B1-B5) of X states (..., 4, 4) in bits, the spin `measured` by projectors; shape (...).

    The best azimuth aligns with the phases of rho_14 and rho_23; the polar angle is searched over [0, pi/2] (derived
    here; agrees with a search over the full sphere). Raises ArgumentError unless X states, or for another spin.
    """
    return _entropy_offset(rho, measured) + _least_conditional_entropy(*_polar_form(rho, measured))


def x_state_discord_two_candidates(rho: ArrayLike, measured: int = 0) -> FloatArray:
    """Discord of X states if only measurements along z and in the xy plane are tried, in bits; shape (...).

    The usual textbook shortcut. Exact for Bell-diagonal states, an upper bound in general. Errors as above.
    """
    parts = _polar_form(rho, measured)
    ends = [_conditional_entropy(*parts, theta=np.asarray(theta)) for theta in (0.0, np.pi / 2)]
    return _entropy_offset(rho, measured) + np.minimum(*ends)


def gibbs_concurrence(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """Concurrence of the Gibbs state, shape (...): max(0, sqrt(G^2 + eps^2) o - odd, kappa1 i - 2 sqrt(rho_11 rho_44)).

    Written without the cancellation in rho_11 rho_44. Raises ArgumentError unless T > 0.
    """
    return np.maximum(entanglement_margin(battery, temperature), 0.0)


def entanglement_margin(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """The concurrence of the Gibbs state before it is cut at zero: positive exactly if entangled; shape (...)."""
    f = thermal_factors(battery, temperature)
    double = np.hypot(battery.ksea, battery.rhombic) * f.even_response
    return np.maximum(double - f.odd, battery.kappa1 * f.odd_response - np.hypot(f.inverse_norm, double))


def gibbs_discord(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """Quantum discord of the Gibbs state in bits, the same for either spin measured; shape (...)."""
    f = thermal_factors(battery, temperature)
    B = np.asarray(battery.zeeman) * f.even_response
    a, b, d = (f.even - B) / 2, f.odd / 2, (f.even + B) / 2
    w = (np.hypot(battery.ksea, battery.rhombic) * f.even_response + battery.kappa1 * f.odd_response) / 2
    entropy = _entropy(boltzmann_weights(battery, temperature))
    reduced = _entropy(np.stack([a + b, b + d], axis=-1))
    return reduced - entropy + _least_conditional_entropy(a, b, b, d, w)


def cutoff_temperature(battery: Battery) -> FloatArray:
    """The highest temperature at which the Gibbs state is entangled, shape (...); 0 if none is found.

    Searched downward from the spread of the levels (above it the purity is below 1/3, hence no entanglement) to 1e-4
    of it on 512 logarithmic steps, then bisected. Concurrence below 1e-14 (1 + spread/T), which is rounding, counts as
    none. Entanglement may be absent on intervals below the cutoff.
    """
    levels = battery.energies()
    spread = levels[..., -1] - levels[..., 0]
    scale = np.where(spread > 0, spread, 1.0)
    steps = np.geomspace(1.0, 1e-4, 513)

    def entangled(fraction: FloatArray) -> NDArray[np.bool_]:
        # Some batteries (D = G alone) sit exactly on the edge at every temperature: there rounding must not decide.
        return entanglement_margin(battery, scale * fraction) > 1e-14 * (1 + 1 / fraction)

    low, high, found = np.zeros(battery.shape), np.ones(battery.shape), np.zeros(battery.shape, dtype=bool)
    for above, below in itertools.pairwise(steps):
        new = ~found & entangled(below)
        low, high, found = np.where(new, below, low), np.where(new, above, high), found | new
    for _ in range(60):
        middle = np.where(found, (low + high) / 2, 1.0)
        alive = entangled(middle)
        low, high = np.where(alive, middle, low), np.where(alive, high, middle)
    return np.where(found, scale * low, 0.0)


def cutoff_temperature_rhombic(rhombic: ArrayLike) -> FloatArray:
    """The same for Delta = D = B = G = 0: 2 |eps|/asinh(1) = 2.2692 |eps| (derived here). Raises ArgumentError."""
    return 2 * np.abs(real("rhombic", rhombic)) / np.arcsinh(1.0)


def _polar_form(rho: ArrayLike, measured: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Populations with the measured spin first, and |rho_14| + |rho_23|."""
    if measured not in (0, 1):
        raise ArgumentError("measured", measured, "be spin 0 or 1")
    r: ComplexArray = x_state(rho)
    a, b, c, d = (np.maximum(r[..., k, k].real, 0) for k in range(4))
    if measured == 1:
        b, c = c, b
    return a, b, c, d, np.abs(r[..., 0, 3]) + np.abs(r[..., 1, 2])


def _entropy_offset(rho: ArrayLike, measured: int) -> FloatArray:
    """S(measured spin) - S(rho) in bits."""
    r = x_state(rho)
    a, b, c, d, _ = _polar_form(rho, measured)
    even = np.hypot((a - d) / 2, np.abs(r[..., 0, 3]))
    odd = np.hypot((b - c) / 2, np.abs(r[..., 1, 2]))
    spectrum = np.stack([(a + d) / 2 + even, (a + d) / 2 - even, (b + c) / 2 + odd, (b + c) / 2 - odd], axis=-1)
    return _entropy(np.stack([a + b, c + d], axis=-1)) - _entropy(spectrum)


def _entropy(probabilities: FloatArray) -> FloatArray:
    p = np.maximum(probabilities, 0.0)
    return -xlogy(p, p).sum(axis=-1) / np.log(2)


def _conditional_entropy(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, w: FloatArray, *, theta: FloatArray
) -> FloatArray:
    """Mean entropy of the other spin, in bits, after a projection at polar angle theta of the measured one."""
    total = np.zeros(())
    for sign in (1, -1):
        p = ((a + b + c + d) + sign * np.cos(theta) * (a + b - c - d)) / 2
        r = np.hypot(((a - b + c - d) + sign * np.cos(theta) * (a - b - c + d)) / 2, w * np.sin(theta))
        up, down = (p + r) / 2, np.maximum((p - r) / 2, 0.0)
        total = total + xlogy(p, p) - xlogy(up, up) - xlogy(down, down)
    return total / np.log(2)


def _least_conditional_entropy(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, w: FloatArray) -> FloatArray:
    """The smallest conditional entropy over theta in [0, pi/2]: a grid, then golden section around its best point."""
    parts = np.broadcast_arrays(a, b, c, d, w)
    best, theta = np.full(parts[0].shape, np.inf), np.zeros(parts[0].shape)
    grid = np.linspace(0, np.pi / 2, _GRID)
    for trial in grid:
        value = _conditional_entropy(*parts, theta=np.asarray(trial))
        theta, best = np.where(value < best, trial, theta), np.minimum(value, best)
    low, high = np.maximum(theta - grid[1], 0), np.minimum(theta + grid[1], np.pi / 2)
    for _ in range(40):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        keep_left = _conditional_entropy(*parts, theta=left) <= _conditional_entropy(*parts, theta=right)
        low, high = np.where(keep_left, low, left), np.where(keep_left, right, high)
    return np.minimum(best, _conditional_entropy(*parts, theta=(low + high) / 2))
