"""The l1 norm of coherence (eqs. 29, A2) of the Gibbs state at rest and while charged, in closed form (derived here).

Every function broadcasts over couplings, temperature and phi = Omega t and raises ArgumentError as in `charging`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmrqb.battery.closed_forms.gibbs import Correlators, correlators
from nmrqb.battery.closed_forms.inputs import angle_for, as_charged_along_x

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.battery.model import Battery
    from nmrqb.checks import FloatArray

#: Angles tried before the largest l1 is refined; its finest structure in theta has period pi/2.
_GRID = 49


class L1Maximum(NamedTuple):
    """The largest l1 norm of coherence over charging time and the earliest phi = Omega t of it; each of shape (...)."""

    l1: FloatArray
    phi: FloatArray


def gibbs_l1(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """l1 of the Gibbs state, 2(|rho_14| + |rho_23|); shape (...)."""
    return _l1(correlators(battery, temperature), np.zeros(()))


def charging_l1(battery: Battery, temperature: ArrayLike, phi: ArrayLike, axis: str = "x") -> FloatArray:
    """l1 in the computational basis after charging by phi; shape (...).

    With theta = 2 phi, c = cos theta, g = yy - zz and y = yy - g sin^2 theta:
    l1 = [|xx - y - i(xy + yx)c| + |xx + y + i(xy - yx)c|
          + |sin theta| sum over q in (xy, yx) and both signs of sqrt(q^2 + (z +- g c)^2)]/2.
    For B = G = D = 0 this is max(|xx|, |y|) + |g sin 2 theta|, at most 3.
    """
    angle = angle_for(battery, temperature, phi)
    return _l1(correlators(as_charged_along_x(battery, axis), temperature), 2 * angle)


def charging_l1_max(battery: Battery, temperature: ArrayLike, axis: str = "x") -> L1Maximum:
    """The largest l1 over charging time, by search over phi in [0, pi/4] (l1 repeats beyond, mirrored).

    A grid, then golden section around its best point: the value is good to about 1e-14 of l1, the angle to 1e-8 at a
    smooth maximum.
    """
    state = correlators(as_charged_along_x(battery, axis), temperature)
    shape = np.broadcast_shapes(*(part.shape for part in state))
    best, theta = np.full(shape, -1.0), np.zeros(shape)
    grid = np.linspace(0, np.pi / 2, _GRID)
    for trial in grid:
        value = _l1(state, np.asarray(trial))
        better = value > best + 1e-14
        best, theta = np.where(better, value, best), np.where(better, trial, theta)
    low, high = np.maximum(theta - grid[1], 0), np.minimum(theta + grid[1], np.pi / 2)
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        keep_left = _l1(state, left) >= _l1(state, right)
        low, high = np.where(keep_left, low, left), np.where(keep_left, right, high)
    middle = (low + high) / 2
    refined = _l1(state, middle)
    return L1Maximum(np.maximum(best, refined), np.where(refined > best, middle, theta) / 2)


def _l1(state: Correlators, theta: FloatArray) -> FloatArray:
    c, s = np.cos(theta), np.abs(np.sin(theta))
    g = state.yy - state.zz
    y = state.yy - g * s**2
    outer = np.hypot(state.xx - y, (state.xy + state.yx) * c) + np.hypot(state.xx + y, (state.xy - state.yx) * c)
    plus, minus = state.z + g * c, state.z - g * c
    single = sum(np.hypot(q, r) for q in (state.xy, state.yx) for r in (plus, minus))
    return (outer + s * single) / 2
