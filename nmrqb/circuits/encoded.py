"""A charging experiment in the [[4,2,2]] code on a machine: mean and stored energy with their errors, and the share of shots kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit

from nmrqb import checks
from nmrqb.battery import Battery
from nmrqb.checks import FloatArray
from nmrqb.circuits import code422
from nmrqb.circuits.devices import Machine
from nmrqb.circuits.prepare import eigenbranches
from nmrqb.circuits.readout import ReadoutCalibration, calibrated, calibration_circuits
from nmrqb.errors import ArgumentError
from nmrqb.jobs import Ledger, Work
from nmrqb.spin.states import gibbs_state

_REPLICAS = 200


@dataclass(frozen=True)
class EncodedCharge:
    """What the code says of a charged battery, in the battery's energy unit.

    energy: Tr[rho H]. stored: energy minus that of the ideal starting state. error: standard error of both, by bootstrap over
    all counts, calibration included. acceptance: share of shots that passed the parity check, in the bases X, Y and Z.
    circuits: run in all, calibration included. shots: of all circuits together.
    """

    energy: float
    stored: float
    error: float
    acceptance: tuple[float, float, float]
    circuits: int
    shots: int


def charge_encoded(
    battery: Battery,
    temperature: float,
    phi: float,
    machine: Machine,
    *,
    time: float = 0.0,
    steps: int = 0,
    shots: int = 4096,
    seed: int = 0,
    readout: bool = True,
    ledger: Ledger | None = None,
) -> EncodedCharge:
    """The battery's Gibbs state, charged to phi = Omega t about x, then `steps` steps of exp(-i H time/steps), in the code.

    machine: of four qubits (`open_machine("fake:torino", 4)`). time in inverse energy units; a step whose terms do not commute
    is a symmetric product of second order. shots: of each of the three bases, shared among the eigenstates by weight. readout:
    undo the readout error, by 16 calibration circuits of `shots` shots each, before shots are selected. ledger: through which
    the job is handed in, so that it outlives this process; one in memory when left out. Raises ArgumentError
    for a DM or KSEA coupling, a machine of another size, a time without steps, or fewer than 100 shots; RunError when the
    machine fails.
    """
    circuits, weights = _circuits(battery, temperature, phi, time, steps)
    if machine.qubits and len(machine.qubits) != 4:
        raise ArgumentError("machine", f"one of {len(machine.qubits)} qubits", "have four qubits for the code")
    if shots < 100:
        raise ArgumentError("shots", shots, "be 100 or more, so that every eigenstate gets some")
    measured = [code422.measure(circuit, letter) for letter in "XYZ" for circuit in circuits]
    extra = calibration_circuits(4) if readout else []
    share = np.maximum(np.round(weights * shots), 1).astype(np.int64)
    each = np.concatenate([np.tile(share, 3), np.full(len(extra), shots)])
    native = tuple(machine.native([*measured, *extra]))
    asked = (machine.name, battery.coefficients.values.tolist(), temperature, phi, time, steps, shots, seed, readout)
    key = f"encoded-{hashlib.sha256(repr(asked).encode()).hexdigest()[:24]}"
    work = Work(key, native, np.arange(len(native)), tuple(np.zeros((1, 0)) for _ in native), each, seed)
    (counts,) = (ledger or Ledger()).run(machine.device, [work])
    seen = counts[: len(measured)].reshape(3, len(weights), 16).astype(float)
    calibration = calibrated(counts[len(measured) :]) if readout else None

    def energy(found: FloatArray, known: ReadoutCalibration | None) -> tuple[float, tuple[float, ...]]:
        mixed = np.einsum("lko,k->lo", found / found.sum(axis=-1, keepdims=True), weights)
        mixed = mixed if known is None else known.correct(mixed)
        decoded = {letter: code422.decode(mixed[k], letter) for k, letter in enumerate("XYZ")}
        return float(code422.energy(battery, decoded)), tuple(float(d.acceptance) for d in decoded.values())

    value, kept = energy(seen, calibration)
    rng = np.random.default_rng(seed)
    replicas = []
    for _ in range(_REPLICAS):
        drawn = rng.multinomial(np.broadcast_to(share, seen.shape[:-1]), seen / seen.sum(axis=-1, keepdims=True))
        replicas.append(energy(drawn.astype(float), None if calibration is None else calibration.resampled(rng))[0])
    start = np.trace(battery.gibbs_state(temperature) @ battery.hamiltonian()).real
    x, y, z = kept
    return EncodedCharge(
        value, value - float(start), float(np.std(replicas, ddof=1)), (x, y, z), len(native), int(each.sum())
    )


def _circuits(
    battery: Battery, temperature: float, phi: float, time: float, steps: int
) -> tuple[list[QuantumCircuit], FloatArray]:
    """One unmeasured circuit for each eigenstate, and their weights."""
    terms = code422.couplings(battery)
    span = float(checks.real("time", time))
    angle = float(checks.real("phi", phi))
    if steps < 0 or (steps == 0 and span):
        raise ArgumentError("steps", steps, "be 0 without evolution, and 1 or more with it")
    weights, vectors = eigenbranches(gibbs_state(battery.hamiltonian(), temperature))
    columns = np.eye(4, dtype=complex) if vectors is None else vectors
    circuits = []
    for k in range(4):
        # rounding must not hide that an eigenstate lives on |00>, |11> or on |01>, |10> alone
        circuit = code422.encode(np.where(abs(columns[:, k]) < 1e-12, 0, columns[:, k]))
        if angle:
            circuit.barrier()
            code422.evolve(circuit, {"XI": angle, "IX": angle})
        for _ in range(steps):
            circuit.barrier()
            code422.evolve(circuit, {label: span / steps * value for label, value in terms.items()})
        circuit.barrier()
        circuits.append(circuit)
    return circuits, weights / weights.sum()
