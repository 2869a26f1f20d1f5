"""Protocol design: couplings made of pulses, optimal charging, and how well both survive a real coil."""

from nmrqb.design.average import AverageHamiltonian, Couplings, average_hamiltonian, couplings, effective_hamiltonian
from nmrqb.design.controls import Channel, System
from nmrqb.design.engineer import engineer, realise
from nmrqb.design.fidelity import gate_infidelity
from nmrqb.design.objectives import Ergotropy, Gate, Objective, Power, StoredEnergy, Transfer
from nmrqb.design.pulses import OptimisedPulse
from nmrqb.design.reach import Reach, reachable
from nmrqb.design.search import optimise

__all__ = [
    "AverageHamiltonian",
    "Channel",
    "Couplings",
    "Ergotropy",
    "Gate",
    "Objective",
    "OptimisedPulse",
    "Power",
    "Reach",
    "StoredEnergy",
    "System",
    "Transfer",
    "average_hamiltonian",
    "couplings",
    "effective_hamiltonian",
    "engineer",
    "gate_infidelity",
    "optimise",
    "reachable",
    "realise",
]
