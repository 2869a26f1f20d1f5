"""Rotations of one spin, as the pulses that make them: axes in the xy plane only, no rotation about z for free.

Rotations are SU(2) matrices (2, 2), known up to a sign; R_phi(theta) = exp(-i theta (X cos phi + Y sin phi)/2) is a pulse.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.spin.operators import PAULI

#: Quaternion components below this are rounding.
NOTHING = 1e-13


class Turn(NamedTuple):
    """One pulse: flip angle and phase in rad."""

    angle: float
    phase: float


def z_turn(angle: float) -> ComplexArray:
    """Rz(g) = exp(-i g Z/2), (2, 2)."""
    return np.diag(np.exp([-0.5j * angle, 0.5j * angle]))


def turn(angle: float, phase: float) -> ComplexArray:
    """R_phi(theta), (2, 2)."""
    axis = np.cos(phase) * PAULI["X"] + np.sin(phase) * PAULI["Y"]
    return np.cos(angle / 2) * PAULI["I"] - 1j * np.sin(angle / 2) * axis


def quaternion(rotation: ComplexArray) -> FloatArray:
    """(w, x, y, z) of w - i (x X + y Y + z Z), for a 2x2 unitary with its phase taken off."""
    special = rotation / np.sqrt(np.linalg.det(rotation))
    return np.array(
        [
            special.trace().real / 2,
            -special[0, 1].imag / 2 - special[1, 0].imag / 2,
            special[1, 0].real / 2 - special[0, 1].real / 2,
            special[1, 1].imag / 2 - special[0, 0].imag / 2,
        ]
    )


def is_about_z(rotation: ComplexArray) -> bool:
    """Whether a rotation is about z alone, by any angle."""
    _, x, y, _ = quaternion(rotation)
    return bool(np.hypot(x, y) < NOTHING)


def one_turn(rotation: ComplexArray) -> tuple[Turn | None, float]:
    """The pulse and then the angle g with Rz(g) R_phi(theta) = rotation, 0 <= theta <= pi; None where theta is 0."""
    w, x, y, z = quaternion(rotation)
    g = 2 * np.arctan2(z, w) if np.hypot(w, z) >= NOTHING else 0.0  # after 180 degrees any g would do
    size = np.hypot(x, y)
    if size < NOTHING:
        return None, float(g)
    # Rz(-g) turns the axis back by g/2
    return Turn(float(2 * np.arctan2(size, np.hypot(w, z))), float(np.arctan2(y, x) - g / 2)), float(g)


def exact_turns(rotation: ComplexArray) -> list[Turn]:
    """The pulses, two at most, first one first, that make a rotation with nothing left about z.

    Any rotation is R_phi(pi) R_chi(theta) with phi the azimuth of its axis; about z alone, two pulses of 180 degrees
    whose phases differ by half the angle (derived here).
    """
    w, x, y, z = quaternion(rotation)
    size = np.hypot(x, y)
    if size < NOTHING and abs(z) < NOTHING:
        return []
    phase = float(np.arctan2(y, x)) if size >= NOTHING else float(np.arctan2(z, w))
    if abs(z) < NOTHING:
        return _in_plane(w, x, y)
    # the phase is chosen so that what comes before has no part about z
    w, x, y, _ = quaternion(turn(-np.pi, phase) @ rotation)
    return [*_in_plane(w, x, y), Turn(float(np.pi), phase)]


def _in_plane(w: float, x: float, y: float) -> list[Turn]:
    """The pulse of a quaternion without z, none where it does not turn."""
    size = float(np.hypot(x, y))
    if size < NOTHING:
        return []
    sign = 1.0 if w >= 0 else -1.0
    return [Turn(float(2 * np.arctan2(size, abs(w))), float(np.arctan2(sign * y, sign * x)))]
