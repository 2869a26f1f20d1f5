"""Charging the Gibbs state by a transverse field: ergotropy, power, their maxima and the times of these.

phi = Omega t; powers are per Omega; axis "x" is the paper's eq. (21), axis "y" the field along sigma_y. Every function
broadcasts over couplings, temperature and phi, and raises ArgumentError unless T > 0, phi is finite and the axis is
"x" or "y". All follow from xi = 4 A sin^2(phi) + C sin^2(2 phi) (derived here; replaces eq. D2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmrqb.battery.closed_forms.gibbs import gibbs_state, thermal_factors
from nmrqb.battery.closed_forms.inputs import angle_for, as_charged_along_x
from nmrqb.checks import ComplexArray, FloatArray, real
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_string

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.battery.model import Battery


class ErgotropyCoefficients(NamedTuple):
    """xi = 4 A sin^2(phi) + C sin^2(2 phi), with A >= 0 and A + C >= 0; each of shape (...), in the unit of H."""

    A: FloatArray  # from B, G and D; zero without them
    C: FloatArray


def charging_hamiltonian(axis: str = "x") -> ComplexArray:
    """H_ch/Omega of eq. (21): sigma_x (x) 1 + 1 (x) sigma_x, or the same with sigma_y; (4, 4). Raises ArgumentError."""
    if axis not in ("x", "y"):
        raise ArgumentError("axis", repr(axis), 'be "x" or "y"')
    return pauli_string(axis.upper() + "I") + pauli_string("I" + axis.upper())


def charging_unitary(phi: ArrayLike, axis: str = "x") -> ComplexArray:
    """U_ch of eq. (22), shape (..., 4, 4): the elements cos^2, -sin^2 and -(i/2) sin(2 phi). Correct as printed.

    For axis "y" the same turned by pi/2 about z: elements cos^2, sin^2 and -+(1/2) sin(2 phi), all real.
    """
    angle = real("phi", phi)
    if axis not in ("x", "y"):
        raise ArgumentError("axis", repr(axis), 'be "x" or "y"')
    a, b, c = np.cos(angle) ** 2, -(np.sin(angle) ** 2), -0.5j * np.sin(2 * angle)
    rows = [[a, c, c, b], [c, a, b, c], [c, b, a, c], [b, c, c, a]]
    U = np.stack([np.stack(np.broadcast_arrays(*row), axis=-1) for row in rows], axis=-2).astype(complex)
    if axis == "y":
        turn = np.array([1, 1j, 1j, -1])  # exp(-i pi/4 (Z1 + Z2)) up to a phase
        U = turn[:, None] * U * turn.conj()
    return U


def charged_state(battery: Battery, temperature: ArrayLike, phi: ArrayLike, axis: str = "x") -> ComplexArray:
    """The charged Gibbs state U zeta U^dagger, shape (..., 4, 4).

    Eq. (28) has U^dagger zeta U, which is this at -phi; no metric of the paper tells them apart.
    """
    U = charging_unitary(angle_for(battery, temperature, phi), axis)
    return U @ gibbs_state(battery, temperature) @ np.conj(np.swapaxes(U, -1, -2))


def ergotropy_coefficients(battery: Battery, temperature: ArrayLike, axis: str = "x") -> ErgotropyCoefficients:
    """A and C of the ergotropy (derived here):

    A = [(B^2 + G^2) sinh J/kappa2 + 3 D^2 e sinh S/kappa1]/N
    C = (Delta + eps) [e (cosh S + Delta sinh S/kappa1) - (cosh J - eps sinh J/kappa2)]/N, eps -> -eps for axis "y".
    """
    turned = as_charged_along_x(battery, axis)
    f = thermal_factors(turned, temperature)
    delta, eps = np.asarray(turned.axial), np.asarray(turned.rhombic)
    D, G, B = np.asarray(turned.dm), np.asarray(turned.ksea), np.asarray(turned.zeeman)
    A = (B**2 + G**2) * f.even_response + 3 * D**2 * f.odd_response
    C = (delta + eps) * (f.odd + delta * f.odd_response - f.even + eps * f.even_response)
    return ErgotropyCoefficients(A, C)


def ergotropy(battery: Battery, temperature: ArrayLike, phi: ArrayLike, axis: str = "x") -> FloatArray:
    """xi(phi), shape (...): the ergotropy (eq. 25) and the stored energy of the charged Gibbs state, which are equal.

    Replaces eq. (D2). Depends on B, D and G only through their squares.
    """
    angle = angle_for(battery, temperature, phi)
    A, C = ergotropy_coefficients(battery, temperature, axis)
    return 4 * np.sin(angle) ** 2 * (A + C * np.cos(angle) ** 2)


def power(battery: Battery, temperature: ArrayLike, phi: ArrayLike, axis: str = "x") -> FloatArray:
    """Instantaneous power per Omega, d xi/d phi = 4 A sin(2 phi) + 2 C sin(4 phi); shape (...)."""
    angle = angle_for(battery, temperature, phi)
    A, C = ergotropy_coefficients(battery, temperature, axis)
    return 4 * np.sin(2 * angle) * (A + C * np.cos(2 * angle))


def average_power(battery: Battery, temperature: ArrayLike, phi: ArrayLike, axis: str = "x") -> FloatArray:
    """Average power per Omega since the start, xi/phi; 0 at phi = 0 (its limit); shape (...)."""
    angle = angle_for(battery, temperature, phi)
    A, C = ergotropy_coefficients(battery, temperature, axis)
    return 4 * np.sin(angle) * np.sinc(angle / np.pi) * (A + C * np.cos(angle) ** 2)


def ergotropy_max(battery: Battery, temperature: ArrayLike, axis: str = "x") -> FloatArray:
    """Largest xi over phi: (A + C)^2/C where C > A, else 4A; shape (...)."""
    A, C = ergotropy_coefficients(battery, temperature, axis)
    return np.where(C > A, (A + C) ** 2 / np.where(C > A, C, 1.0), 4 * A)


def full_charge_angle(battery: Battery, temperature: ArrayLike, axis: str = "x") -> FloatArray:
    """The earliest phi = Omega tau at which xi is largest, shape (...); NaN where xi vanishes at all times.

    (1/2) arccos(-A/C) where C > A, else pi/2. The paper's tau = pi/(4 Omega) holds exactly if A = 0, that is
    B = G = D = 0; any of them makes the charge take longer, up to pi/(2 Omega).
    """
    A, C = ergotropy_coefficients(battery, temperature, axis)
    ratio = np.where(C > A, A / np.where(C > A, C, 1.0), 1.0)
    return np.where((A == 0) & (C == 0), np.nan, np.arccos(-ratio) / 2)


def power_max(battery: Battery, temperature: ArrayLike, axis: str = "x") -> FloatArray:
    """Largest instantaneous power per Omega, 4 sqrt(1 - x^2)(A + C x), x = 2C/(A + sqrt(A^2 + 8 C^2)); shape (...)."""
    A, C = ergotropy_coefficients(battery, temperature, axis)
    x = _cosine_of_power_max(A, C)
    return 4 * np.sqrt(1 - x**2) * (A + C * x)


def power_max_angle(battery: Battery, temperature: ArrayLike, axis: str = "x") -> FloatArray:
    """The phi of the largest power, shape (...): pi/8 if B = G = D = 0; NaN where xi vanishes at all times."""
    A, C = ergotropy_coefficients(battery, temperature, axis)
    return np.where((A == 0) & (C == 0), np.nan, np.arccos(_cosine_of_power_max(A, C)) / 2)


def average_power_max(battery: Battery, temperature: ArrayLike, axis: str = "x") -> FloatArray:
    """Largest average power per Omega, max xi/phi; shape (...)."""
    A, C = ergotropy_coefficients(battery, temperature, axis)
    angle = _average_power_angle(A, C)
    return 4 * np.sin(angle) ** 2 * (A + C * np.cos(angle) ** 2) / angle


def average_power_max_angle(battery: Battery, temperature: ArrayLike, axis: str = "x") -> FloatArray:
    """The phi of the largest average power, shape (...); NaN where xi vanishes at all times.

    No closed form exists: the root of phi xi'(phi) = xi(phi), which lies between the angles of the largest power and of
    the largest xi and is the only one there, because xi is concave between them.
    """
    A, C = ergotropy_coefficients(battery, temperature, axis)
    return np.where((A == 0) & (C == 0), np.nan, _average_power_angle(A, C))


def _cosine_of_power_max(A: FloatArray, C: FloatArray) -> FloatArray:
    """cos(2 phi) at the largest power; hypot, and 0 where A = C = 0, keep it defined for couplings of any size."""
    bottom = A + np.hypot(A, np.sqrt(8.0) * C)
    return np.where(bottom > 0, 2 * C / np.where(bottom > 0, bottom, 1.0), 0.0)


def _average_power_angle(A: FloatArray, C: FloatArray) -> FloatArray:
    """The root of phi xi' - xi between the angles of P_max and xi_max: bisection, then Newton inside the bracket."""
    size = np.hypot(A, C)
    a, c = (np.where(size > 0, v / np.where(size > 0, size, 1.0), v) for v in (A, C))
    low = np.arccos(_cosine_of_power_max(a, c)) / 2
    high = np.arccos(-np.where(c > a, a / np.where(c > a, c, 1.0), 1.0)) / 2

    def excess(phi: FloatArray) -> FloatArray:
        return phi * 4 * np.sin(2 * phi) * (a + c * np.cos(2 * phi)) - 4 * np.sin(phi) ** 2 * (a + c * np.cos(phi) ** 2)

    for _ in range(12):
        middle = (low + high) / 2
        rising = excess(middle) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    phi = (low + high) / 2
    for _ in range(4):
        slope = phi * 8 * (a * np.cos(2 * phi) + c * np.cos(4 * phi))
        step = np.where(slope < 0, excess(phi) / np.where(slope < 0, slope, 1.0), 0.0)
        phi = np.clip(phi - step, low, high)
    return phi
