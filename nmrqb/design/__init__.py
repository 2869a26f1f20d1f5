"""Protocol design: couplings made of pulses, optimal charging, and how well both survive a real coil."""

from nmrqb.design.average import AverageHamiltonian, Couplings, average_hamiltonian, couplings, effective_hamiltonian
from nmrqb.design.budget import Budget, BudgetRow, budget
from nmrqb.design.charging import compare_charging
from nmrqb.design.controls import Channel, System
from nmrqb.design.engineer import engineer, realise
from nmrqb.design.exchange import exchange
from nmrqb.design.extraction import Extraction, extraction
from nmrqb.design.fidelity import gate_infidelity
from nmrqb.design.maps import robustness
from nmrqb.design.objectives import Ergotropy, Gate, Objective, Power, StoredEnergy, Transfer
from nmrqb.design.pulses import OptimisedPulse
from nmrqb.design.reach import Reach, reachable
from nmrqb.design.search import optimise

__all__ = [
    "AverageHamiltonian",
    "Budget",
    "BudgetRow",
    "Channel",
    "Couplings",
    "Ergotropy",
    "Extraction",
    "Gate",
    "Objective",
    "OptimisedPulse",
    "Power",
    "Reach",
    "StoredEnergy",
    "System",
    "Transfer",
    "average_hamiltonian",
    "budget",
    "compare_charging",
    "couplings",
    "effective_hamiltonian",
    "engineer",
    "exchange",
    "extraction",
    "gate_infidelity",
    "optimise",
    "reachable",
    "realise",
    "robustness",
]
