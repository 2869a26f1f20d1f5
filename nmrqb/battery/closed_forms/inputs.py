"""What every closed form accepts: a battery, a temperature, an angle, a charging axis - checked once, here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray, density_matrix, positive, real
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.battery.model import Battery


def temperature_for(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """Temperatures above zero that broadcast against the battery. Raises ArgumentError."""
    T = positive("temperature", temperature)
    broadcast("temperature", T.shape, battery.shape)
    return T


def angle_for(battery: Battery, temperature: ArrayLike, phi: ArrayLike) -> FloatArray:
    """Finite angles that broadcast against battery and temperature. Raises ArgumentError."""
    angle = real("phi", phi)
    broadcast("phi", angle.shape, broadcast("temperature", np.shape(temperature), battery.shape))
    return angle


def broadcast(name: str, shape: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of two. Raises ArgumentError in the name of the first."""
    try:
        return np.broadcast_shapes(shape, other)
    except ValueError:
        raise ArgumentError(name, f"of shape {shape}", f"broadcast against shape {other}") from None


def as_charged_along_x(battery: Battery, axis: str) -> Battery:
    """The battery that answers to Pauli-X charging as this one answers to charging along `axis`.

    The z rotation by pi/2 takes sigma_x to sigma_y and H(Delta, epsilon, D, G, B) to H(Delta, -epsilon, D, -G, B)
    (derived here). It is diagonal, so it leaves energies, l1 and all correlations alone. Raises ArgumentError unless
    axis is "x" or "y".
    """
    if axis == "x":
        return battery
    if axis == "y":
        return replace(battery, rhombic=-np.asarray(battery.rhombic), ksea=-np.asarray(battery.ksea))
    raise ArgumentError("axis", repr(axis), 'be "x" or "y"')


def x_state(rho: ArrayLike) -> ComplexArray:
    """A two-spin density matrix with entries on its two diagonals only. Raises ArgumentError."""
    state = density_matrix("rho", rho, 4)
    off = np.abs(state[..., (0, 0, 1, 2), (1, 2, 3, 3)])
    if np.any(off > 1e-8):
        raise ArgumentError("rho", f"one with |element| {off.max():.3g} off its two diagonals", "be an X state")
    return state
