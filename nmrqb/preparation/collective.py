"""What pulses that treat two like spins alike can and cannot prepare."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nmrqb.battery import Battery
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError


class CollectiveLimit(NamedTuple):
    """The coldest linear Gibbs state (1 - beta H)/4 of a like pair: beta per polarisation factor p, and its norm (...).

    norm_efficiency: |beta H| over |p F_z|.
    """

    inverse_temperature: FloatArray
    norm_efficiency: FloatArray


def collective_limit(battery: Battery) -> CollectiveLimit:
    """The largest beta that collective pulses and the couplings of a like pair can reach from (1 + p F_z)/4.

    Both keep the singlet apart, whose energy is 0 without DM coupling and whose weight stays 1/4; among the three triplet
    levels F_z has the eigenvalues 1, 0, -1, so that beta = p (e_max - e_min)/Tr[H^2] (derived here). Raises ArgumentError
    for a DM coupling, which is odd under exchange of the spins where every collective operation is even, and for a
    Hamiltonian of zero.
    """
    refuse_dm(battery)
    energies = battery.energies()
    square = np.sum(energies**2, axis=-1)
    if np.any(square == 0):
        raise ArgumentError("battery", "one without any coupling", "have a Hamiltonian other than 0")
    beta = (energies[..., -1] - energies[..., 0]) / square
    return CollectiveLimit(beta, beta * np.sqrt(square / 2))


def refuse_dm(battery: Battery) -> None:
    """Raises ArgumentError for a battery with a DM coupling, to be prepared on like spins."""
    D = np.asarray(battery.dm)
    if np.any(D != 0):
        allowed = (
            "be 0 on like spins: the coupling is odd under their exchange and every collective operation even, so no "
            "pulse on both makes it; take unlike spins, such as the sample chloroform"
        )
        raise ArgumentError("D (dm)", float(D[D != 0].flat[0]), allowed)
