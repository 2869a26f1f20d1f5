"""Pauli-X dephasing of the battery (eqs. 19-20): the equations of X states, and the exact solution from |00>.

C_k = sqrt(gamma) sigma_x on each spin is a bit-flip channel: every factor sigma_y or sigma_z decays at 2 gamma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.battery.closed_forms.inputs import broadcast, x_state
from nmrqb.checks import ComplexArray, FloatArray, non_negative, positive
from nmrqb.errors import ArgumentError
from nmrqb.spin.propagation import propagate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.battery.model import Battery


def dephasing_generator(battery: Battery, gamma: ArrayLike) -> FloatArray:
    """The real generator of (v, w) for X states under eqs. (19)-(20) (derived here); shape (..., 6, 6).

    v = (2 Re r14, -2 Im r14, r11 - r44) and w = (2 Re r23, -2 Im r23, r22 - r33); zz = r11 - r22 - r33 + r44 decays on
    its own as exp(-4 gamma t). gamma >= 0 broadcasts against the battery. Raises ArgumentError.
    """
    g = non_negative("gamma", gamma)
    shape = broadcast("gamma", g.shape, battery.shape)
    delta, eps = np.asarray(battery.axial), np.asarray(battery.rhombic)
    D, G, B = np.asarray(battery.dm), np.asarray(battery.ksea), np.asarray(battery.zeeman)
    L = np.zeros((*shape, 6, 6))
    L[..., 0, 0] = L[..., 3, 3] = -2 * g
    L[..., 0, 3] = L[..., 3, 0] = 2 * g
    for k in (1, 2, 4, 5):
        L[..., k, k] = -2 * g
    L[..., 0, 2], L[..., 2, 0] = 4 * G, -4 * G
    L[..., 0, 1], L[..., 1, 0] = -4 * B, 4 * B
    L[..., 1, 2], L[..., 2, 1] = -4 * eps, 4 * eps
    L[..., 3, 5], L[..., 5, 3] = -4 * D, 4 * D
    L[..., 4, 5], L[..., 5, 4] = 4 * delta / 3, -4 * delta / 3
    return L


def dephased_x_state(battery: Battery, rho0: ArrayLike, gamma: ArrayLike, times: ArrayLike) -> ComplexArray:
    """An X state (..., 4, 4) under eqs. (19)-(20) at each of T times; shape (..., T, 4, 4).

    Couplings, gamma and rho0 broadcast; times (T,) ascending, in the inverse energy unit. Raises ArgumentError.
    """
    rho = x_state(rho0)
    L = dephasing_generator(battery, gamma)
    broadcast("rho0", rho.shape[:-2], L.shape[:-2])
    r = [rho[..., k, k].real for k in range(4)]
    double, zero = 2 * rho[..., 0, 3], 2 * rho[..., 1, 2]
    start = np.stack([double.real, -double.imag, r[0] - r[3], zero.real, -zero.imag, r[1] - r[2]], axis=-1)
    v = propagate(L, start, times).real
    t = np.asarray(times, dtype=float)
    zz = (r[0] - r[1] - r[2] + r[3])[..., None] * np.exp(-4 * np.asarray(gamma, dtype=float)[..., None] * t)
    even, odd = (1 + zz) / 4, (1 - zz) / 4
    out = np.zeros((*v.shape[:-1], 4, 4), dtype=complex)
    out[..., 0, 0], out[..., 3, 3] = even + v[..., 2] / 2, even - v[..., 2] / 2
    out[..., 1, 1], out[..., 2, 2] = odd + v[..., 5] / 2, odd - v[..., 5] / 2
    out[..., 0, 3] = (v[..., 0] - 1j * v[..., 1]) / 2
    out[..., 1, 2] = (v[..., 3] - 1j * v[..., 4]) / 2
    out[..., 3, 0], out[..., 2, 1] = out[..., 0, 3].conj(), out[..., 1, 2].conj()
    return out


def dephased_from_00(battery: Battery, gamma: ArrayLike, time: ArrayLike) -> ComplexArray:
    """|00> under eqs. (19)-(20) for B = G = 0 and any Delta, D (derived here); shape (..., 4, 4).

    With u = exp(-2 gamma t): r11, r44 = (1 +- 2u cos(4 eps t) + u^2)/4, r22 = r33 = (1 - u^2)/4, r14 = (i/2) u
    sin(4 eps t), r23 = 0. Couplings, gamma and time broadcast. Raises ArgumentError if B or G is not zero.
    """
    u, phase, shape = _decay_and_phase(battery, gamma, time)
    rho = np.zeros((*shape, 4, 4), dtype=complex)
    rho[..., 0, 0] = (1 + 2 * u * np.cos(phase) + u**2) / 4
    rho[..., 3, 3] = (1 - 2 * u * np.cos(phase) + u**2) / 4
    rho[..., 1, 1] = rho[..., 2, 2] = (1 - u**2) / 4
    rho[..., 0, 3] = 0.5j * u * np.sin(phase)
    rho[..., 3, 0] = -rho[..., 0, 3]
    return rho


def dephased_from_00_l1(battery: Battery, gamma: ArrayLike, time: ArrayLike) -> FloatArray:
    """l1 of that state, exp(-2 gamma t) |sin 4 eps t|; shape (...). Errors as above."""
    u, phase, shape = _decay_and_phase(battery, gamma, time)
    return np.broadcast_to(u * np.abs(np.sin(phase)), shape)


def dephased_from_00_concurrence(battery: Battery, gamma: ArrayLike, time: ArrayLike) -> FloatArray:
    """Concurrence of that state, max(0, u |sin 4 eps t| - (1 - u^2)/2); shape (...). Errors as above."""
    u, phase, shape = _decay_and_phase(battery, gamma, time)
    return np.broadcast_to(np.maximum(u * np.abs(np.sin(phase)) - (1 - u**2) / 2, 0.0), shape)


def entanglement_threshold(gamma: ArrayLike) -> FloatArray:
    """The |eps| above which |00> ever becomes entangled (B = G = 0), gamma/2 (derived here). Raises ArgumentError."""
    return non_negative("gamma", gamma) / 2


def entanglement_death_bound(gamma: ArrayLike) -> FloatArray:
    """The time after which |00> is unentangled whatever eps: asinh(1)/(2 gamma), derived here.

    Raises ArgumentError unless gamma > 0.
    """
    return np.arcsinh(1.0) / (2 * positive("gamma", gamma))


def entanglement_death_time(battery: Battery, gamma: ArrayLike) -> FloatArray:
    """The last time at which |00> is entangled (B = G = 0): the last root of |sin 4 eps t| = sinh 2 gamma t; (...).

    0 where |eps| <= gamma/2 (never entangled). Raises ArgumentError unless gamma > 0, or if B or G is not zero.
    """
    g = positive("gamma", gamma)
    _decay_and_phase(battery, g, 0.0)
    eps = np.abs(np.asarray(battery.rhombic))
    alive = eps > entanglement_threshold(g)
    x_rate = np.where(alive, g / (2 * np.where(alive, eps, 1.0)), 0.5)  # sinh(2 gamma t) = sinh(x_rate x), x = 4 eps t
    lobe = np.floor(np.arcsinh(1.0) / x_rate / np.pi)

    def margin(x: FloatArray) -> FloatArray:
        return np.abs(np.sin(x)) - np.sinh(np.minimum(x_rate * x, 1.0))

    crest = _crest(lobe, x_rate)
    lobe = np.where(margin(crest) > 0, lobe, lobe - 1)  # the last lobe may stay below; the one before never does
    low, high = _crest(lobe, x_rate), (lobe + 1) * np.pi
    for _ in range(60):
        middle = (low + high) / 2
        inside = margin(middle) > 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.where(alive, low / (4 * np.where(alive, eps, 1.0)), 0.0)


def _crest(lobe: FloatArray, rate: FloatArray) -> FloatArray:
    """Where sin(x - lobe pi) - sinh(rate x), concave in the lobe, is largest."""
    low, high = lobe * np.pi, (lobe + 0.5) * np.pi
    for _ in range(60):
        middle = (low + high) / 2
        rising = np.cos(middle - lobe * np.pi) > rate * np.cosh(np.minimum(rate * middle, 20.0))
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    return (low + high) / 2


def _decay_and_phase(
    battery: Battery, gamma: ArrayLike, time: ArrayLike
) -> tuple[FloatArray, FloatArray, tuple[int, ...]]:
    for name in ("zeeman", "ksea"):
        coupling = np.asarray(getattr(battery, name))
        if np.any(coupling != 0):
            raise ArgumentError(name, float(coupling[coupling != 0].flat[0]), "be zero for this closed form")
    g, t = non_negative("gamma", gamma), non_negative("time", time)
    shape = broadcast("time", t.shape, broadcast("gamma", g.shape, battery.shape))
    return np.exp(-2 * g * t), 4 * np.asarray(battery.rhombic) * t, shape
