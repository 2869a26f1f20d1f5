"""The ideal battery: two spins with five couplings, where these come from, and what follows in closed form."""

from nmrqb.battery.model import Battery, PauliCoefficients

__all__ = ["Battery", "PauliCoefficients"]
