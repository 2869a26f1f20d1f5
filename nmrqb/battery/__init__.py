"""The ideal battery: two spins with five couplings or many with these on their pairs, where these come from, and what follows in closed form."""

from nmrqb.battery.charging import ChargingCurve, ChargingMaxima, charge, charging_maxima
from nmrqb.battery.cluster import Cluster
from nmrqb.battery.cycles import extraction_unitary, run_rounds
from nmrqb.battery.model import Battery, PauliCoefficients

__all__ = [
    "Battery",
    "ChargingCurve",
    "ChargingMaxima",
    "Cluster",
    "PauliCoefficients",
    "charge",
    "charging_maxima",
    "extraction_unitary",
    "run_rounds",
]
