"""Levels and eigenvectors of the battery: the paper's eq. (5), corrected and as printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nmrqb.battery.model import Battery
    from nmrqb.checks import ComplexArray, FloatArray


def energies(battery: Battery) -> FloatArray:
    """nu_1, nu_2, nu_3, nu_4 of eq. (5), in that order (not sorted); shape (..., 4).

    -2(Delta + kappa1)/3, -2(Delta - kappa1)/3, 2(Delta - 3 kappa2)/3, 2(Delta + 3 kappa2)/3. Correct as printed.
    """
    return battery._levels()


def eigenvectors(battery: Battery) -> ComplexArray:
    """psi_1 ... psi_4 of eq. (5) as columns, orthonormal, for the levels of `energies`; shape (..., 4, 4).

    Corrected: eta = (3iD - Delta)/kappa1 and chi_1, chi_2 exchanged; a regular branch where eq. (5) is 0/0.
    """
    return battery._vectors()


def odd_phase(battery: Battery) -> ComplexArray:
    """The eta of eq. (5), corrected: (3iD - Delta)/kappa1, of modulus 1; -1 (the limit Delta -> 0+) at kappa1 = 0."""
    delta, D = np.asarray(battery.axial) + 0.0, np.asarray(battery.dm) + 0.0
    return np.where(battery.kappa1 > 0, np.exp(1j * np.arctan2(3 * D, -delta + 0.0)), -1.0)


def odd_phase_as_printed(battery: Battery) -> ComplexArray:
    """The eta of eq. (5) as printed, (2iD - Delta)/kappa1: wrong, for the element 23 of H is 2(3iD - Delta)/3.

    Its modulus is not 1 and psi_1, psi_2 are then no eigenvectors, unless D = 0. NaN at kappa1 = 0.
    """
    delta, D = np.asarray(battery.axial), np.asarray(battery.dm)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (2j * D - delta) / battery.kappa1


def even_amplitudes(battery: Battery) -> tuple[ComplexArray, ComplexArray]:
    """delta_1, delta_2 of eq. (5): the weight of |00> beside |11> in psi_3 and psi_4. Correct as printed.

    i(kappa2 - B)/(G - i eps) and -i(kappa2 + B)/(G - i eps). NaN or infinite where G = epsilon = 0 (there the
    eigenvectors are |00> and |11>; use `eigenvectors`).
    """
    eps, G, B = (np.asarray(c) for c in (battery.rhombic, battery.ksea, battery.zeeman))
    k2 = battery.kappa2
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = 1j / (G - 1j * eps)
        return (k2 - B) * scale, -(k2 + B) * scale


def eigenvectors_as_printed(battery: Battery) -> ComplexArray:
    """psi_1 ... psi_4 of eq. (5) exactly as printed, as columns; shape (..., 4, 4).

    Wrong in two ways: eta has 2iD for 3iD, so psi_1 and psi_2 are no eigenvectors unless D = 0 (q normalises them all
    the same); and psi_3 carries chi_2 and psi_4 carries chi_1, which leaves them unnormalised unless B = 0.
    NaN where kappa1 = 0 or G = epsilon = 0.
    """
    eta = odd_phase_as_printed(battery)
    delta1, delta2 = even_amplitudes(battery)
    with np.errstate(invalid="ignore", over="ignore"):
        q = 1 / np.sqrt(1 + np.abs(eta) ** 2)
        chi1, chi2 = (1 / np.sqrt(1 + np.abs(d) ** 2) for d in (delta1, delta2))
        vectors = np.zeros((*battery.shape, 4, 4), dtype=complex)
        vectors[..., 1, 0], vectors[..., 2, 0] = -q * eta, q
        vectors[..., 1, 1], vectors[..., 2, 1] = q * eta, q
        vectors[..., 0, 2], vectors[..., 3, 2] = chi2 * delta1, chi2
        vectors[..., 0, 3], vectors[..., 3, 3] = chi1 * delta2, chi1
    return vectors
