"""Spin-1/2 nuclei and what follows from their gyromagnetic ratios."""

from __future__ import annotations

import math

from scipy.constants import Boltzmann, physical_constants, pi
from scipy.constants import h as planck

from nmrqb.files import nearest

_PROTON = physical_constants["proton gyromag. ratio"][0]

#: Resonance frequency relative to 1H of the bare proton, with the sign of gamma (IUPAC 2001 frequency ratios Xi / 100).
_RATIO = {"1H": 1.0, "13C": 0.25145020, "15N": -0.10136767, "19F": 0.94094011, "29Si": -0.19867187, "31P": 0.40480742}

#: Gyromagnetic ratio of each isotope, rad/(s T). 1H is the CODATA value of the free proton; the others follow from
#: the frequency ratios, which refer to tetramethylsilane: good to a few parts in 1e5.
GYROMAGNETIC_RATIO = {isotope: ratio * _PROTON for isotope, ratio in _RATIO.items()}


def gyromagnetic_ratio(isotope: str) -> float:
    """Gamma in rad/(s T). Raises ValueError naming the nearest known isotope."""
    if isotope not in GYROMAGNETIC_RATIO:
        raise ValueError(f"found the isotope {isotope!r}; {nearest(isotope, GYROMAGNETIC_RATIO)} (spins 1/2)")
    return GYROMAGNETIC_RATIO[isotope]


def larmor_frequency(isotope: str, field: float) -> float:
    """Gamma B / 2 pi in Hz, with the sign of gamma; field in T."""
    return gyromagnetic_ratio(isotope) * field / (2 * pi)


def polarisation(isotope: str, field: float, temperature: float) -> float:
    """Thermal polarisation P = <sigma_z> = tanh(h nu / 2kT) in a field (T) at a temperature (K), as a magnitude.

    The spin-up state |0> is taken as the lower one for either sign of gamma, as NMR's positive p has it.
    """
    frequency = abs(larmor_frequency(isotope, field))
    return math.tanh(planck * frequency / (2 * Boltzmann * temperature))
