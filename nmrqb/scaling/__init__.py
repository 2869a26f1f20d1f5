"""How charging grows with the number of spins, and with what is held fixed."""

from nmrqb.scaling.chargers import Charger, charger
from nmrqb.scaling.fits import Exponent, exponent
from nmrqb.scaling.program import charging_timeline
from nmrqb.scaling.pulse import Peak, best_average_power
from nmrqb.scaling.resources import resources
from nmrqb.scaling.superabsorption import cavity_peak

__all__ = [
    "Charger",
    "Exponent",
    "Peak",
    "best_average_power",
    "cavity_peak",
    "charger",
    "charging_timeline",
    "exponent",
    "resources",
]
