"""Circuits of many spins: what Aer takes for them, and charging by products of two-spin gates.

What is wanted of them is energies, by a few measured settings; states are out of reach for tomography.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import Kraus, SuperOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError

from nmrqb.circuits.channels import spin_channel
from nmrqb.circuits.compile import compile_circuit
from nmrqb.circuits.devices import open_machine
from nmrqb.circuits.prepare import Branch
from nmrqb.circuits.settings import _tail, measured_bodies
from nmrqb.circuits.trotter import trotter
from nmrqb.errors import ArgumentError, JobError
from nmrqb.jobs import Ledger, Work
from nmrqb.nmr.noise import Noise
from nmrqb.spin import memory
from nmrqb.timeline import Timeline

METHODS = ("statevector", "density_matrix", "trajectories")

#: Seconds for one gate, measured with Aer 0.18 on one core (N = 4 to 16): on a density matrix for each of 4^n elements; on one
#: trajectory for each of 2^n amplitudes, and for the gate itself.
_ELEMENT, _AMPLITUDE, _GATE = 1.8e-8, 7e-9, 1e-6


@dataclass(frozen=True)
class Simulation:
    """How Aer will run circuits: method, bytes of its state and of what is kept, and seconds for all circuits and shots."""

    n: int
    method: str
    bytes: float
    seconds: float
    two_qubit_gates: int = 0

    def __str__(self) -> str:
        return f"{self.n} qubits on Aer: {self.method}; {memory.size_text(self.bytes)}, about {self.seconds:.2g} s"


def choose(
    n: int,
    gates: int,
    circuits: int,
    shots: int,
    *,
    noisy: bool,
    kept: float = 0.0,
    after: float = 0.0,
    method: str | None = None,
    limit: float | None = None,
) -> Simulation:
    """The quickest method that fits: state vectors without noise; with noise density matrices or, for many spins, trajectories.

    gates: in one circuit, channels counted. kept: bytes of results beside the state; after: of what is made of them. Raises ArgumentError for
    a method that noise rules out, or with the bytes where nothing fits.
    """
    vector, matrix = (max(2 * memory.COMPLEX * size + kept, after) for size in (2.0**n, 4.0**n))
    each = gates * circuits
    options = {
        "statevector": Simulation(n, "statevector", vector, each * (_GATE + _AMPLITUDE * 2.0**n)),
        "density_matrix": Simulation(n, "density_matrix", matrix, each * (_GATE + _ELEMENT * 4.0**n)),
        "trajectories": Simulation(n, "trajectories", vector, each * shots * (_GATE + _AMPLITUDE * 2.0**n)),
    }
    if method is not None and method not in METHODS:
        raise ArgumentError("method", repr(method), f"be one of {', '.join(METHODS)}")
    if noisy and method == "statevector":
        raise ArgumentError("method", "'statevector'", "be density_matrix or trajectories where noise acts")
    open_ = METHODS[1:] if noisy else METHODS if method else METHODS[:1]
    found = [options[name] for name in open_ if method in (None, name)]
    least = min(found, key=lambda s: s.bytes)
    memory.require(f"{n} qubits by {least.method}", least.bytes, limit, "take fewer spins")
    return min((s for s in found if s.bytes <= memory.allowed(limit)), key=lambda s: s.seconds)


def bodies(
    timeline: Timeline, start: int, product: float, noise: Noise | None, steps: int
) -> tuple[list[QuantumCircuit], float]:
    """For each time of a one-slice timeline (T, 1, K) the circuit from the basis state `start`, and the largest product bound.

    noise: T1, T2 and X-dephasing of each spin act between the pieces of `steps` equal steps, half at either end.
    """
    count = steps if noise is not None else 1
    plain = Timeline(timeline.labels, timeline.angles / count, timeline.durations / count, (), timeline.events)
    cut = trotter(plain, product / count)
    found = []
    for t in range(len(timeline.durations)):
        step = compile_circuit(plain, (t,), Branch(1.0, 0, ()), cut=cut)
        circuit = compile_circuit(_nothing(plain), (0,), Branch(1.0, start, ()))
        time = float(plain.durations[t, 0])
        if noise is not None:
            _relax(circuit, noise, time / 2)
        for k in range(count):
            circuit.compose(step, inplace=True)
            if noise is not None:
                _relax(circuit, noise, time if k < count - 1 else time / 2)
        found.append(circuit)
    return found, float(np.max(cut.bound, initial=0.0)) * count


def _nothing(timeline: Timeline) -> Timeline:
    return Timeline(timeline.labels, np.zeros((1, 0, len(timeline.labels))), np.zeros((1, 0)), (), ())


def _relax(circuit: QuantumCircuit, noise: Noise, time: float) -> None:
    """Every spin's own relaxation, as Kraus operators, which state vectors can follow; probabilities below 1e-8 are lost."""
    for k in range(circuit.num_qubits):
        r1 = 1 / noise.t1[k]
        x = noise.x_dephasing[k] if noise.x_dephasing else 0.0
        channel = spin_channel(r1, 1 / noise.t2[k], x, noise.polarisation[k], time)
        d = 2  # row-major to column-major vectors
        restacked = channel.reshape(d, d, d, d).transpose(1, 0, 3, 2).reshape(d * d, d * d)
        circuit.append(Kraus(SuperOp(restacked)).to_instruction(), [k])


def check_local(noise: Noise) -> None:
    """Raises ArgumentError for noise that spins have in common, which is not written for many spins."""
    common = noise.dephasing_correlation or noise.x_dephasing_collective or noise.dipolar_order == "t1d"
    if common or noise.fixed_point != "zeeman":
        raise ArgumentError(
            "noise", "shared by spins", "be each spin's own (T1, T2, X-dephasing) on circuits of many spins"
        )


def counts_on_aer(
    circuits: Sequence[QuantumCircuit],
    settings: Sequence[str],
    shots: int,
    seed: int,
    simulation: Simulation,
    readout: Sequence[float] = (),
    progress: Callable[[int, int], Any] | None = None,
) -> NDArray[np.int64]:
    """Counts (circuit, setting, 2^n), spin 0 the highest bit. Raises JobError where Aer gives none."""
    model = None
    if any(readout):
        model = NoiseModel()
        for qubit, error in enumerate(readout):
            model.add_readout_error(ReadoutError([[1 - error, error], [error, 1 - error]]), [qubit])
    method = "statevector" if simulation.method == "trajectories" else simulation.method
    simulator = AerSimulator(method=method, noise_model=model, max_parallel_threads=1)
    n = simulation.n
    found = np.zeros((len(circuits), len(settings), 2**n), dtype=np.int64)
    for c, body in enumerate(circuits):
        whole = [body.copy() for _ in settings]
        for circuit, setting in zip(whole, settings, strict=True):
            circuit.add_register(*_tail(setting).cregs)
            circuit.compose(_tail(setting), range(n), range(n), inplace=True)
        result = simulator.run(whole, shots=shots, seed_simulator=(seed + c) % 2**31).result()
        for s in range(len(settings)):
            data = result.data(s)
            if "counts" not in data:  # it happens that Aer reports success all the same
                raise JobError(f"Aer gave no counts for circuit {c} ({result.results[s].status})")
            for outcome, seen in data["counts"].items():
                found[c, s, int(f"{int(outcome, 16):0{n}b}"[::-1], 2)] = seen
        if progress:
            progress(c + 1, len(circuits))
    return found


def counts_on_machine(
    backend: Any,
    circuits: Sequence[QuantumCircuit],
    settings: Sequence[str],
    shots: int,
    seed: int,
    ledger: Ledger | None,
) -> tuple[NDArray[np.int64], tuple[int, ...], int]:
    """Counts (circuit, setting, 2^n) on a machine's best line of qubits, these qubits, and two-qubit gates of the longest."""
    n = circuits[0].num_qubits
    machine = open_machine(backend, n)
    written = measured_bodies(circuits, settings, machine)
    flat = tuple(circuit for row in written for circuit in row)
    rows = np.arange(len(flat))
    per_row = np.full(rows.size, shots, dtype=np.int64)
    work = Work(f"energy-{n}-{len(flat)}-{shots}-{seed}", flat, rows, (np.zeros((1, 0)),) * rows.size, per_row, seed)
    counts = (Ledger() if ledger is None else ledger).run(machine.device, (work,), None)[0]
    gates = max(circuit.num_nonlocal_gates() for circuit in flat)
    return np.asarray(counts).reshape(len(circuits), len(settings), -1), machine.qubits, gates
