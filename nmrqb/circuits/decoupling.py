"""Dynamical decoupling on device circuits, and the slow noise that it is for.

A detuning that holds still during a circuit and differs from shot to shot is refocused by pi pulses, as a spin echo does;
noise without memory (T1, T2) is not. Aer's device noise has no memory, so the slow part is added here, on delays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Delay, ParameterExpression
from qiskit.circuit.library import XGate
from qiskit.transpiler import PassManager, Target, TransformationPass
from qiskit.transpiler.exceptions import TranspilerError
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDelay, PadDynamicalDecoupling

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}


def scheduled(circuit: QuantumCircuit, target: Target) -> QuantumCircuit:
    """A device circuit with its idle times written out as delays (as late as possible), and no pulses added.

    circuit: already compiled to the target. Raises ArgumentError for delays whose length is an open parameter, or a target that
    does not give the lengths of its gates.
    """
    _bound(circuit)
    return _timed(circuit, target, PadDelay(target=target))


def decouple(circuit: QuantumCircuit, target: Target, pulses: int = 2) -> QuantumCircuit:
    """A device circuit whose idle times and delays hold evenly spaced pi pulses, wherever they fit.

    circuit: already compiled to the target. pulses: of each idle stretch, even, so that the ideal circuit stays the same;
    the first and last stand half a gap from its ends (Carr and Purcell). Raises ArgumentError for an odd number, a target
    without an X gate or that does not give the lengths of its gates, or delays whose length is an open parameter.
    """
    if not isinstance(pulses, (int, np.integer)) or pulses < 2 or pulses % 2:
        raise ArgumentError("pulses", repr(pulses), "be an even whole number, 2 or more")
    if "x" not in target.operation_names:
        raise ArgumentError("target", f"one with {', '.join(sorted(target.operation_names))}", "have an X gate")
    _bound(circuit)
    gap = 1 / pulses
    padding = PadDynamicalDecoupling(
        target=target,
        dd_sequence=[XGate()] * pulses,
        spacing=[gap / 2, *[gap] * (pulses - 1), gap / 2],
        skip_reset_qubits=False,
    )
    return _timed(circuit, target, padding)


def static_detunings(rms: float, qubits: int, members: int, seed: int) -> FloatArray:
    """Detunings in Hz, (members, qubits): Gaussian of standard deviation `rms`, independent from qubit to qubit.

    Members come in pairs of opposite sign, so that their mean is zero. Raises ArgumentError for an rms below 0 or fewer
    than one member or qubit.
    """
    width = float(checks.non_negative("rms", rms))
    for name, value in (("members", members), ("qubits", qubits)):
        if value < 1:
            raise ArgumentError(name, value, "be 1 or more")
    half = np.random.default_rng(seed).normal(size=((members + 1) // 2, qubits))
    return width * np.concatenate([half, -half])[:members]


def detuned(circuit: QuantumCircuit, detunings: ArrayLike, dt: float | None = None) -> QuantumCircuit:
    """The circuit as a member with the given detunings (Hz, one for each qubit) runs it: a z rotation after every delay.

    The rotation is 2 pi x detuning x length. dt: the device's clock period in s, for delays counted in it. Gates are short
    beside delays and stay as they are. Raises ArgumentError for another number of detunings, a delay in dt where none is
    given, or delays whose length is an open parameter.
    """
    offsets = checks.real("detunings", detunings)
    if offsets.shape != (circuit.num_qubits,):
        raise ArgumentError(
            "detunings", f"of shape {offsets.shape}", f"have one entry for each of {circuit.num_qubits} qubits"
        )
    _bound(circuit)
    found = circuit.copy_empty_like()
    for step in circuit.data:
        found.append(step)
        if isinstance(step.operation, Delay):
            time = _seconds(step.operation, dt)
            qubit = circuit.find_bit(step.qubits[0]).index
            if time and offsets[qubit]:
                found.rz(2 * np.pi * offsets[qubit] * time, qubit)
    return found


def idle_time(circuit: QuantumCircuit, dt: float | None = None) -> Sequence[float]:
    """Seconds that each qubit spends in delays."""
    times = [0.0] * circuit.num_qubits
    for step in circuit.data:
        if isinstance(step.operation, Delay):
            times[circuit.find_bit(step.qubits[0]).index] += _seconds(step.operation, dt)
    return times


def _seconds(delay: Delay, dt: float | None) -> float:
    if delay.unit in _SECONDS:
        return float(delay.duration) * _SECONDS[delay.unit]
    if dt is None:
        raise ArgumentError("dt", None, "be the device's clock period in s, because the circuit counts delays in it")
    return float(delay.duration) * dt


def _timed(circuit: QuantumCircuit, target: Target, padding: TransformationPass) -> QuantumCircuit:
    try:
        return PassManager([ALAPScheduleAnalysis(target=target), padding]).run(circuit)
    except TranspilerError as error:
        allowed = "give the lengths of all its gates, so that idle times are known"
        raise ArgumentError("target", f"one that does not ({error.message})", allowed) from None


def _bound(circuit: QuantumCircuit) -> None:
    for step in circuit.data:
        if isinstance(step.operation, Delay) and isinstance(step.operation.duration, ParameterExpression):
            found = f"one with a delay of {step.operation.duration}"
            raise ArgumentError("circuit", found, "have delays of known length; bind their parameters first")
