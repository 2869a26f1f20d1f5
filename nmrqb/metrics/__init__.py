"""What a battery's state is worth: energy, coherence and correlations, each batched over leading axes.

Functions of states take `check=False` to skip the validation of their arrays where a caller has already done it.
"""

from nmrqb.metrics.capacity import capacity
from nmrqb.metrics.coherence import l1_coherence, relative_entropy_of_coherence
from nmrqb.metrics.curves import maximum
from nmrqb.metrics.discord import discord
from nmrqb.metrics.energy import (
    coherent_ergotropy,
    efficiency,
    ergotropy,
    incoherent_ergotropy,
    passive_state,
    stored_energy,
    work,
)
from nmrqb.metrics.entanglement import concurrence
from nmrqb.metrics.entropy import fidelity, mutual_information, purity, von_neumann_entropy
from nmrqb.metrics.evolution import EvolutionMaxima, evolution_maxima
from nmrqb.metrics.many import multiple_quantum_intensities, renyi2
from nmrqb.metrics.power import average_power, ergotropy_power, instantaneous_power, power

__all__ = [
    "EvolutionMaxima",
    "average_power",
    "capacity",
    "coherent_ergotropy",
    "concurrence",
    "discord",
    "efficiency",
    "ergotropy",
    "ergotropy_power",
    "evolution_maxima",
    "fidelity",
    "incoherent_ergotropy",
    "instantaneous_power",
    "l1_coherence",
    "maximum",
    "multiple_quantum_intensities",
    "mutual_information",
    "passive_state",
    "power",
    "purity",
    "relative_entropy_of_coherence",
    "renyi2",
    "stored_energy",
    "von_neumann_entropy",
    "work",
]
