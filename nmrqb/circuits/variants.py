"""What mitigation does to every circuit of a run: folded copies to extrapolate from, twirls, pulses in idle times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from nmrqb.circuits.decoupling import decouple
from nmrqb.circuits.twirl import twirl
from nmrqb.circuits.zne import extrapolation_weights, fold

Mitigation = Literal["readout", "zne", "dd", "twirl"]

#: How often every two-qubit gate stands in the circuits that are extrapolated from, and twirls that share the shots.
FACTORS, TWIRLS = (1, 3, 5), 8


@dataclass(frozen=True)
class Variant:
    """One version of every circuit.

    weight: with which its frequencies count; all add up to 1, and extrapolation makes some negative. factor: times that
    every two-qubit gate stands there. twirl: number of its random Pauli frame, None for none. copies: twirls that share the
    shots. decouple: pi pulses in idle times.
    """

    weight: float = 1.0
    factor: int = 1
    twirl: int | None = None
    copies: int = 1
    decouple: bool = False

    def of(self, circuit: QuantumCircuit, target: Target | None) -> QuantumCircuit:
        """A circuit in a device's gates in this version. Raises ArgumentError for a circuit that cannot have one."""
        if self.factor > 1:
            circuit = fold(circuit, self.factor)
        if self.twirl is not None:
            (circuit,) = twirl(circuit, 1, np.random.default_rng([self.twirl, self.factor]), target)
        if self.decouple and target is not None:
            circuit = decouple(circuit, target)
        return circuit


def variants(mitigation: Sequence[Mitigation]) -> tuple[Variant, ...]:
    """All versions that these switches ask for; one that changes nothing when they ask for none."""
    factors: Sequence[int] = (1,)
    weights = np.ones(1)
    if "zne" in mitigation:
        factors, weights = FACTORS, extrapolation_weights(FACTORS)
    twirls: Sequence[int | None] = range(TWIRLS) if "twirl" in mitigation else (None,)
    copies = len(twirls)
    return tuple(
        Variant(float(weight) / copies, factor, number, copies, "dd" in mitigation)
        for factor, weight in zip(factors, weights, strict=True)
        for number in twirls
    )
