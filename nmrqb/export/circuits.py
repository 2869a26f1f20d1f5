"""A sequence as circuits in OpenQASM 3: one file for each point, step of its phase cycle and step of its crushers' cycles."""

from __future__ import annotations

import math

import numpy as np

from nmrqb.circuits import branches, compile_circuit
from nmrqb.circuits.qasm import to_qasm3
from nmrqb.errors import ArgumentError
from nmrqb.timeline import Timeline, expanded

#: Files that one sequence may come to.
MAX_FILES = 1000


def qasm_files(timeline: Timeline, name: str, at: str | None = None) -> dict[str, str]:
    """Text of each circuit by its file name; every circuit starts in |0...0> and measures all spins along z at a mark.

    at: the mark, by default the last observed one. Circuits of one sequence are averaged with equal weights over the steps
    of its crushers (and added up with the receiver's phase over those of its phase cycle). Raises ArgumentError for a
    sequence that observes nothing, an unknown mark, or one of more than MAX_FILES circuits.
    """
    if not timeline.observed:
        raise ArgumentError("sequence", "one without a mark", "observe something, to say where to measure")
    mark = timeline.observed[-1] if at is None else at
    if mark not in timeline.observed:
        raise ArgumentError("at", repr(at), f"be one of the sequence's marks ({', '.join(timeline.observed)})")
    whole = expanded(timeline)
    ground = np.eye(2**whole.n)[0]
    steps = branches(ground, whole.crushers)
    total = math.prod(whole.shape) * len(steps)
    if total > MAX_FILES:
        raise ArgumentError("sequence", f"one of {total} circuits", f"come to at most {MAX_FILES} circuits")
    setting = "Z" * whole.n
    digits = len(str(total - 1))
    made: dict[str, str] = {}
    for index in np.ndindex(*whole.shape):
        for branch in steps:
            circuit = compile_circuit(whole, index, branch, measure=(mark, setting))
            number = f"-{len(made):0{digits}d}" if total > 1 else ""
            made[f"{name}{number}.qasm"] = to_qasm3(circuit)
    return made
