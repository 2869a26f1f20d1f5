"""The four things called the battery's capacity (eqs. 27, D1, the spectral gap, the unitary orbit), in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.battery.closed_forms.gibbs import boltzmann_weights, mean_energy, thermal_factors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.battery.model import Battery
    from nmrqb.checks import FloatArray


def capacity_ground(battery: Battery) -> FloatArray:
    """Eq. (27) read literally, <11|H|11> - <00|H|00> = -4B; shape (...). Zero without a field, negative for B > 0."""
    return np.broadcast_to(-4 * np.asarray(battery.zeeman), battery.shape) + 0.0


def capacity_paper(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """Eq. (D1), which is <00|H|00> - Tr[H zeta] and not eq. (27); shape (...). May be negative; no bound on ergotropy.

    2B + (4 Delta/3) e cosh S/N + (2/3) kappa1 e sinh S/N + 2 kappa2 sinh J/N. Raises ArgumentError unless T > 0.
    """
    f = thermal_factors(battery, temperature)
    delta, B = np.asarray(battery.axial), np.asarray(battery.zeeman)
    thermal = 2 * battery.kappa1**2 * f.odd_response / 3 + 2 * battery.kappa2**2 * f.even_response
    return 2 * B + 4 * delta * f.odd / 3 + thermal


def capacity_gap(battery: Battery) -> FloatArray:
    """The spectral gap nu_max - nu_min, shape (...): the capacity of a pure state."""
    levels = battery.energies()
    return levels[..., -1] - levels[..., 0]


def capacity_orbit(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """The capacity of the Gibbs state over its unitary orbit, sum_k nu_k (p_k ascending - p_k descending); shape (...).

    Yang et al., Phys. Rev. Lett. 131, 030402 (2023); the largest ergotropy any unitary could charge.
    """
    weights, levels = boltzmann_weights(battery, temperature), np.sort(battery.energies(), axis=-1)
    best = (levels * np.sort(weights, axis=-1)).sum(axis=-1)
    return best - mean_energy(battery, temperature)
