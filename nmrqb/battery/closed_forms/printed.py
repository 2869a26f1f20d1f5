"""What the paper prints where it is wrong, beside the corrected forms: eqs. (6), (13)-(18), (D1) and (D2).

Kept so that anyone can see how far off each is; nothing else in the package uses them. All take the battery and the
temperature and broadcast like the corrected forms; they may be complex, negative or NaN, as the printed formula is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.battery.closed_forms.gibbs import thermal_factors
from nmrqb.battery.closed_forms.inputs import angle_for, temperature_for
from nmrqb.battery.closed_forms.spectrum import energies, odd_phase_as_printed
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.battery.model import Battery
    from nmrqb.checks import ComplexArray, FloatArray


def boltzmann_weights_as_printed(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """F_s of eq. (6) as printed, exp(-nu_s/T): the factor 1/Z is missing, so they do not sum to 1; shape (..., 4).

    Infinite where the exponential overflows.
    """
    T = temperature_for(battery, temperature)
    with np.errstate(over="ignore"):
        return np.exp(-energies(battery) / T[..., None])


def gibbs_eigenvalues_odd_as_printed(battery: Battery, temperature: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """phi_1, phi_2 of eq. (13) as printed: e(cosh S -+ kappa1 kappa2 sinh S)/(2N), each (...).

    Wrong: kappa1 kappa2 does not belong under the root. They may be negative or exceed 1; right if kappa1 kappa2 = 1.
    """
    f = thermal_factors(battery, temperature)
    root = battery.kappa1 * battery.kappa2 * (battery.kappa1 * f.odd_response)
    return (f.odd - root) / 2, (f.odd + root) / 2


def gibbs_eigenvalues_even_as_printed(battery: Battery, temperature: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """phi_3, phi_4 of eq. (14) as printed: (cosh J -+ kappa1 kappa2 sinh J)/(2N), each (...). Wrong as eq. (13) is."""
    f = thermal_factors(battery, temperature)
    root = battery.kappa1 * battery.kappa2 * (battery.kappa2 * f.even_response)
    return (f.even - root) / 2, (f.even + root) / 2


def gibbs_eigenvectors_odd_as_printed(battery: Battery) -> tuple[ComplexArray, ComplexArray]:
    """phi_1, phi_2 of eqs. (15)-(16) as printed, each (..., 4): alpha is eta, printed wrong (2iD for 3iD)."""
    alpha = odd_phase_as_printed(battery)
    xi = 1 / np.sqrt(1 + np.abs(alpha) ** 2)
    first, second = (np.zeros((*battery.shape, 4), dtype=complex) for _ in range(2))
    first[..., 1], first[..., 2] = xi * alpha, xi
    second[..., 1], second[..., 2] = -xi * alpha, xi
    return first, second


def gibbs_eigenvectors_even_as_printed(battery: Battery, temperature: ArrayLike) -> tuple[ComplexArray, ComplexArray]:
    """phi_3, phi_4 of eqs. (17)-(18) as printed, each (..., 4).

    Wrong through L: as printed it is e kappa2 sinh S/sinh J; the eigenvectors need L = kappa2. NaN where kappa1, kappa2
    or G - i eps vanishes.
    """
    f = thermal_factors(battery, temperature)
    eps, G, B = (np.asarray(c) for c in (battery.rhombic, battery.ksea, battery.zeeman))
    with np.errstate(invalid="ignore", divide="ignore"):
        length = battery.kappa2 * (battery.kappa1 * f.odd_response) / (battery.kappa2 * f.even_response)
        states = []
        for sign in (1, -1):
            amplitude = -1j * (B + sign * length) / (G - 1j * eps)
            norm = 1 / np.sqrt(1 + np.abs(amplitude) ** 2)
            state = np.zeros((*amplitude.shape, 4), dtype=complex)
            state[..., 0], state[..., 3] = norm * amplitude, norm
            states.append(state)
    return states[0], states[1]


def capacity_as_printed(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """Q of eq. (D1) as printed, shape (...): said to be eq. (27), is in fact <00|H|00> - Tr[H zeta] (`capacity_paper`).

    [2 U1 (3B + 2 Delta) e + 6 B V2 + 2 Q1 U2 e + 6 Q2 V1]/(3 (U1 e + V2)), U1 = cosh S, U2 = sinh S, V1 = sinh J,
    V2 = cosh J, Q1 = kappa1, Q2 = kappa2.
    """
    f = thermal_factors(battery, temperature)
    delta, B = np.asarray(battery.axial), np.asarray(battery.zeeman)
    k1, k2 = battery.kappa1, battery.kappa2
    U1, U2, V1, V2 = f.odd, k1 * f.odd_response, k2 * f.even_response, f.even  # each over N, U with its factor e
    return (2 * U1 * (3 * B + 2 * delta) + 6 * B * V2 + 2 * k1 * U2 + 6 * k2 * V1) / (3 * (U1 + V2))


def ergotropy_as_printed(
    battery: Battery, temperature: ArrayLike, phi: ArrayLike, partition: str = "gibbs"
) -> ComplexArray:
    """The xi of eq. (D2) as transcribed, complex, shape (...); phi = Omega t.

    Wrong for the charging of eq. (21). What it computes (derived here): Tr[(Uy^dagger z Uy - z) H'] for Pauli-Y
    charging Uy, where H' is not Hermitian (elements 23 and 32 are both -2 Delta/3 + 2iD), z = exp(-H'/T)/Tr exp(-H'/T).
    At D = 0 that is the true ergotropy of Pauli-Y charging; for D != 0 it is complex. The paper leaves Z undefined:
    partition = "gibbs" takes Z = Tr exp(-H/T), "own" takes Tr exp(-H'/T), with which the identity is exact.
    """
    if partition not in ("gibbs", "own"):
        raise ArgumentError("partition", repr(partition), 'be "gibbs" or "own"')
    angle = angle_for(battery, temperature, phi)
    T = temperature_for(battery, temperature)
    delta, D = np.asarray(battery.axial), np.asarray(battery.dm)
    eps, G, B = np.asarray(battery.rhombic), np.asarray(battery.ksea), np.asarray(battery.zeeman)
    J, a, b = 2 * battery.kappa2 / T, 4 * delta / (3 * T), 2 * battery.kappa1 / (3 * T)
    top = np.maximum(J, a + b)
    f = thermal_factors(battery, T)  # every term of the bracket is over N here, hence over Z exp(2 Delta/3T)/2
    lone = np.exp(2 * (delta - 1j * D) / T - top) / _scaled_norm(J, a, b, top)
    s1, s2 = np.sin(angle) ** 2, np.sin(2 * angle) ** 2
    x = delta - 1j * D - eps
    bracket = 2 * B**2 - eps * x - eps * x * np.cos(2 * angle) + 2 * G**2
    value = x * s2 * (lone - f.even) + 2 * s1 * bracket * f.even_response
    if partition == "gibbs":
        return value
    own = f.even + (np.exp(a + (2 * delta / 3 - 2j * D) / T - top) + np.exp(a - (2 * delta / 3 - 2j * D) / T - top)) / (
        2 * _scaled_norm(J, a, b, top)
    )
    return value / own


def _scaled_norm(J: FloatArray, a: FloatArray, b: FloatArray, top: FloatArray) -> FloatArray:
    """N exp(-top)."""
    return (np.exp(J - top) + np.exp(-J - top) + np.exp(a + b - top) + np.exp(a - b - top)) / 2
