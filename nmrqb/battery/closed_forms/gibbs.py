"""The Gibbs state in closed form: the paper's eqs. (6)-(18), corrected where needed (as printed: `printed.py`).

Everything rests on five thermal factors, computed with the largest exponential taken out, so that no temperature
overflows, and with sinh(x)/x in place of quotients that are 0/0 at kappa1 = 0 or kappa2 = 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmrqb.battery.closed_forms.inputs import temperature_for
from nmrqb.battery.closed_forms.spectrum import eigenvectors, energies

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.battery.model import Battery
    from nmrqb.checks import ComplexArray, FloatArray


class ThermalFactors(NamedTuple):
    """With J = 2 kappa2/T, S = 2 kappa1/(3T), e = exp(4 Delta/(3T)), N = cosh J + e cosh S; all of shape (...)."""

    even: FloatArray  # cosh J / N, the population of |00> and |11> together
    odd: FloatArray  # e cosh S / N, the population of |01> and |10> together
    even_response: FloatArray  # sinh J / (kappa2 N)
    odd_response: FloatArray  # e sinh S / (kappa1 N)
    inverse_norm: FloatArray  # 1 / N


class Correlators(NamedTuple):
    """The Gibbs state is (1 + z(ZI + IZ) + xx XX + yy YY + zz ZZ + xy XY + yx YX)/4; all of shape (...)."""

    z: FloatArray
    xx: FloatArray
    yy: FloatArray
    zz: FloatArray
    xy: FloatArray
    yx: FloatArray


def thermal_factors(battery: Battery, temperature: ArrayLike) -> ThermalFactors:
    """The five factors all Gibbs quantities are made of. Raises ArgumentError unless T > 0 (as all functions here)."""
    T = temperature_for(battery, temperature)
    delta = np.asarray(battery.axial)
    J, S, a = 2 * battery.kappa2 / T, 2 * battery.kappa1 / (3 * T), 4 * delta / (3 * T)
    top = np.maximum(J, a + S)
    even, odd = np.exp(J - top), np.exp(a + S - top)
    even_cosh, odd_cosh = even * (1 + np.exp(-2 * J)) / 2, odd * (1 + np.exp(-2 * S)) / 2
    norm = even_cosh + odd_cosh
    return ThermalFactors(
        even_cosh / norm,
        odd_cosh / norm,
        2 / T * even * _half_sinhc(J) / norm,
        2 / (3 * T) * odd * _half_sinhc(S) / norm,
        np.exp(-top) / norm,
    )


def _half_sinhc(x: FloatArray) -> FloatArray:
    """exp(-x) sinh(x)/x = (1 - exp(-2x))/(2x) for x >= 0, with its limit 1 at 0."""
    safe = np.where(x > 0, x, 1.0)
    return np.where(x > 0, -np.expm1(-2 * safe) / (2 * safe), 1.0)


def log_partition_function(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """The logarithm of Z = Tr exp(-H/T) = 2 exp(-2 Delta/(3T)) N: the Z that eq. (6) leaves out; shape (...)."""
    T = temperature_for(battery, temperature)
    levels = -energies(battery) / T[..., None]
    top = levels.max(axis=-1)
    return top + np.log(np.exp(levels - top[..., None]).sum(axis=-1))


def boltzmann_weights(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """F_s = exp(-nu_s/T)/Z of eq. (6), in the order of eq. (5); shape (..., 4).

    Corrected: the paper prints exp(-nu_s/T) without 1/Z.
    """
    T = temperature_for(battery, temperature)
    levels = -energies(battery) / T[..., None]
    weights = np.exp(levels - levels.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def gibbs_state(battery: Battery, temperature: ArrayLike) -> ComplexArray:
    """The Gibbs state of eq. (7), from the elements (8)-(12); shape (..., 4, 4). Correct as printed."""
    p00, p11 = gibbs_population_00(battery, temperature), gibbs_population_11(battery, temperature)
    double, zero = gibbs_coherence_00_11(battery, temperature), gibbs_coherence_01_10(battery, temperature)
    rho = np.zeros((*p00.shape, 4, 4), dtype=complex)
    rho[..., 0, 0], rho[..., 3, 3] = p00, p11
    rho[..., 1, 1] = rho[..., 2, 2] = gibbs_population_01(battery, temperature)
    rho[..., 0, 3], rho[..., 3, 0] = double, np.conj(double)
    rho[..., 1, 2], rho[..., 2, 1] = zero, np.conj(zero)
    return rho


def gibbs_population_00(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """<00|zeta|00> of eq. (8), shape (...). Correct as printed (its J T is 2 kappa2)."""
    f = thermal_factors(battery, temperature)
    return (f.even - np.asarray(battery.zeeman) * f.even_response) / 2


def gibbs_coherence_00_11(battery: Battery, temperature: ArrayLike) -> ComplexArray:
    """<00|zeta|11> of eq. (9), shape (...): i(G + i eps) sinh J/(2 kappa2 N). Correct as printed."""
    amplitude = 1j * np.asarray(battery.ksea) - np.asarray(battery.rhombic)
    return amplitude * thermal_factors(battery, temperature).even_response / 2


def gibbs_population_01(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """<01|zeta|01> = <10|zeta|10> of eq. (10), shape (...). Correct as printed."""
    return thermal_factors(battery, temperature).odd / 2


def gibbs_coherence_01_10(battery: Battery, temperature: ArrayLike) -> ComplexArray:
    """<01|zeta|10> of eq. (11), shape (...): e (Delta - 3iD) sinh S/(2 kappa1 N). Correct as printed."""
    amplitude = np.asarray(battery.axial) - 3j * np.asarray(battery.dm)
    return amplitude * thermal_factors(battery, temperature).odd_response / 2


def gibbs_population_11(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """<11|zeta|11> of eq. (12), shape (...). Correct as printed."""
    f = thermal_factors(battery, temperature)
    return (f.even + np.asarray(battery.zeeman) * f.even_response) / 2


def gibbs_eigenvalues_odd(battery: Battery, temperature: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """phi_1, phi_2 of eq. (13), corrected: e exp(-S)/(2N) and e exp(S)/(2N), each (...).

    The paper has kappa1 kappa2 under the root; without it the root is e sinh S.
    """
    weights = boltzmann_weights(battery, temperature)
    return weights[..., 1], weights[..., 0]


def gibbs_eigenvalues_even(battery: Battery, temperature: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """phi_3, phi_4 of eq. (14), corrected: exp(-J)/(2N) and exp(J)/(2N), each (...).

    The paper has kappa1 kappa2 under the root; without it the root is sinh J.
    """
    weights = boltzmann_weights(battery, temperature)
    return weights[..., 3], weights[..., 2]


def gibbs_eigenvectors_odd(battery: Battery) -> tuple[ComplexArray, ComplexArray]:
    """phi_1 = psi_2 and phi_2 = psi_1 of eqs. (15)-(16), each (..., 4), with eta corrected (alpha equals eta)."""
    vectors = eigenvectors(battery)
    return vectors[..., 1], vectors[..., 0]


def gibbs_eigenvectors_even(battery: Battery) -> tuple[ComplexArray, ComplexArray]:
    """phi_3 = psi_4 and phi_4 = psi_3 of eqs. (17)-(18), each (..., 4), corrected: the paper's L must be kappa2."""
    vectors = eigenvectors(battery)
    return vectors[..., 3], vectors[..., 2]


def correlators(battery: Battery, temperature: ArrayLike) -> Correlators:
    """The Gibbs state on Pauli strings (derived here from eqs. 7-12), each of shape (...)."""
    f = thermal_factors(battery, temperature)
    delta, D = np.asarray(battery.axial), np.asarray(battery.dm)
    eps, G, B = np.asarray(battery.rhombic), np.asarray(battery.ksea), np.asarray(battery.zeeman)
    o, i = f.even_response, f.odd_response
    return Correlators(
        -B * o, delta * i - eps * o, delta * i + eps * o, f.even - f.odd, -G * o - 3 * D * i, -G * o + 3 * D * i
    )


def mean_energy(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """Tr[H zeta], shape (...): (2 Delta/3)(even - odd) - 2 kappa2^2 o - (2/3) kappa1^2 i (derived here)."""
    weights = boltzmann_weights(battery, temperature)
    return (energies(battery) * weights).sum(axis=-1)
