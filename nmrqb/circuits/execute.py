"""Running circuits on Aer: saved states, exact probabilities, and Aer's own counts, with angles bound as they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.library import SaveProbabilities
from qiskit_aer.noise import NoiseModel, ReadoutError

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.devices.counted import checked, reordered
from nmrqb.circuits.order import reversed_spins
from nmrqb.errors import JobError, RunError
from nmrqb.jobs.work import Done, Work

Progress = Callable[[int], None]

#: Circuits handed to Aer at once: large enough to be quick, small enough to report progress.
_BATCH = 60

#: What circuits with the sample's noise are made of; a noise model that did not know them would have them unrolled.
BASIS = ("r", "rz", "rxx", "ryy", "rzz", "x", "h", "sdg", "unitary", "superop", "set_density_matrix")

_LABEL = "outcomes"


def simulator(readout: Sequence[float] = ()) -> AerSimulator:
    """Aer's density-matrix method on one thread, with the given chance of a flipped readout for each qubit."""
    model = None
    if any(readout):
        model = NoiseModel(basis_gates=list(BASIS))
        for qubit, error in enumerate(readout):
            model.add_readout_error(ReadoutError([[1 - error, error], [error, 1 - error]]), [qubit])
    return AerSimulator(method="density_matrix", noise_model=model, max_parallel_threads=1)


def saved_states(
    circuits: Sequence[QuantumCircuit], marks: Sequence[str], progress: Progress | None = None
) -> ComplexArray:
    """Density matrices saved at each mark of each circuit, shape (circuit, mark, d, d), spin 0 leftmost. Raises RunError."""
    backend = simulator()
    found = []
    for start in range(0, len(circuits), _BATCH):
        batch = list(circuits[start : start + _BATCH])
        result = backend.run(batch, shots=1).result()
        for k in range(len(batch)):
            data = _data(result, k, start + k, RunError)
            found.append([reversed_spins(np.asarray(data[mark])) for mark in marks])
        if progress:
            progress(len(batch))
    return np.array(found)


def sampled(backend: AerSimulator, work: Work, progress: Done | None = None) -> NDArray[np.int64]:
    """Aer's own counts of every row, (R, 2^n), outcomes numbered with spin 0 as the highest bit.

    Rows of equal shots run together; rows of none are not run. Raises JobError when counts are missing, which Aer also does
    where it reports success, or are not those asked for.
    """
    n = work.circuits[0].num_clbits
    found = np.zeros((len(work.rows), 2**n), dtype=np.int64)
    for number in np.unique(work.shots[work.shots > 0]):
        for first, rows, batch, binds in _batches(work, work.shots == number, work.circuits):
            seed = int(np.random.SeedSequence([work.seed, int(number), first]).generate_state(1)[0] % 2**31)
            result = backend.run(batch, shots=int(number), seed_simulator=seed, parameter_binds=binds).result()
            for position, row in enumerate(rows):
                data = _data(result, position, row, JobError)
                if "counts" not in data:
                    raise JobError(f"Aer gave no counts for circuit {row} ({result.results[position].status})")
                for outcome, seen in data["counts"].items():
                    found[row, int(outcome, 16)] = seen
            if progress:
                progress(len(rows))
    return checked(reordered(found), work.shots, "Aer")


def outcome_probabilities(backend: AerSimulator, work: Work, progress: Done | None = None) -> FloatArray:
    """Probability of every outcome of every row, (R, 2^n), before the readout errs; the gates' noise is in it. Raises RunError."""
    n = work.circuits[0].num_clbits
    saving = tuple(_saving(circuit) for circuit in work.circuits)
    found = np.zeros((len(work.rows), 2**n))
    for _, rows, batch, binds in _batches(work, np.ones(len(work.rows), dtype=bool), saving):
        result = backend.run(batch, shots=1, parameter_binds=binds).result()
        for position, row in enumerate(rows):
            found[row] = np.asarray(_data(result, position, row, RunError)[_LABEL])
        if progress:
            progress(len(rows))
    found = np.clip(reordered(found), 0, None)
    return found / found.sum(axis=-1, keepdims=True)


def _batches(
    work: Work, wanted: NDArray[np.bool_], circuits: Sequence[QuantumCircuit]
) -> Iterator[tuple[int, NDArray[np.int64], list[QuantumCircuit], Any]]:
    """Wanted rows in what Aer takes at once: the first row, the rows, their circuits and the values of open parameters."""
    open_ = np.array([circuit.num_parameters > 0 for circuit in circuits])[work.rows]
    for c in np.unique(work.rows[wanted & open_]):
        mine = np.flatnonzero(work.rows == c)
        chosen = np.flatnonzero(wanted[mine])
        for start in range(0, chosen.size, _BATCH):
            some = chosen[start : start + _BATCH]
            values = work.angles[c][some]
            binds = [dict(zip(circuits[c].parameters, values.T.tolist(), strict=True))]
            yield int(mine[some[0]]), mine[some], [circuits[c]], binds
    fixed = np.flatnonzero(wanted & ~open_)
    for start in range(0, fixed.size, _BATCH):
        rows = fixed[start : start + _BATCH]
        yield int(rows[0]), rows, [circuits[work.rows[row]] for row in rows], None


def _saving(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with its final measurements replaced by their probabilities, ordered by classical bit."""
    found, measured = QuantumCircuit(*circuit.qregs, *circuit.cregs, global_phase=circuit.global_phase), {}
    for step in circuit.data:
        if step.operation.name == "measure":
            measured[circuit.find_bit(step.clbits[0]).index] = step.qubits[0]
        else:
            found._append(step)
    qubits = [measured[k] for k in range(circuit.num_clbits)]
    found.append(SaveProbabilities(len(qubits), _LABEL), qubits)
    return found


def _data(result: Any, position: int, row: int, kind: type[RunError]) -> dict[str, Any]:
    if position >= len(result.results):
        raise kind(f"Aer gave no result for circuit {row} ({result.status})")
    if not result.results[position].success:
        raise kind(f"Aer did not finish circuit {row} ({result.results[position].status})")
    return dict(result.data(position))
