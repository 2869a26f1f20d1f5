"""Protocol design: couplings made of pulses, optimal charging, and how well both survive a real coil."""

from nmrqb.design.controls import Channel, System
from nmrqb.design.engineer import engineer, realise
from nmrqb.design.fidelity import gate_infidelity
from nmrqb.design.objectives import Ergotropy, Gate, Objective, Power, StoredEnergy, Transfer
from nmrqb.design.pulses import OptimisedPulse
from nmrqb.design.reach import Reach, reachable
from nmrqb.design.search import optimise

__all__ = [
    "Channel",
    "Ergotropy",
    "Gate",
    "Objective",
    "OptimisedPulse",
    "Power",
    "Reach",
    "StoredEnergy",
    "System",
    "Transfer",
    "engineer",
    "gate_infidelity",
    "optimise",
    "reachable",
    "realise",
]
