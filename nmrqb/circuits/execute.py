"""Running circuits on Aer: saved states, or Aer's own counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError

from nmrqb.checks import ComplexArray
from nmrqb.errors import RunError

Progress = Callable[[int], None]

#: Circuits handed to Aer at once: large enough to be quick, small enough to report progress.
_BATCH = 60


def simulator(readout: Sequence[float] = ()) -> AerSimulator:
    """Aer's density-matrix method on one thread, with the given chance of a flipped readout for each qubit."""
    model = None
    if any(readout):
        model = NoiseModel(basis_gates=["r", "rz", "rxx", "ryy", "rzz", "x", "h", "sdg", "unitary", "superop"])
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
            if not result.results[k].success:
                raise RunError(f"Aer did not finish circuit {start + k} ({result.results[k].status})")
            data = result.data(k)
            found.append([_big_endian(np.asarray(data[mark])) for mark in marks])
        if progress:
            progress(len(batch))
    return np.array(found)


def counts(
    circuits: Sequence[QuantumCircuit],
    shots: Sequence[int],
    readout: Sequence[float],
    seed: int,
    progress: Progress | None = None,
) -> np.ndarray:
    """Aer's own counts of each measured circuit, shape (circuit, 2^N), outcomes numbered with spin 0 as the highest bit.

    Circuits of equal shots run together. Raises RunError when counts are missing or their sum is not what was asked for.
    """
    backend = simulator(readout)
    n = circuits[0].num_qubits
    found = np.zeros((len(circuits), 2**n), dtype=np.int64)
    wanted = np.asarray(shots)
    for group, number in enumerate(np.unique(wanted[wanted > 0])):
        members = np.flatnonzero(wanted == number)
        for start in range(0, members.size, _BATCH):
            chosen = members[start : start + _BATCH]
            run_seed = int(np.random.SeedSequence([seed, group, start]).generate_state(1)[0] % 2**31)
            result = backend.run([circuits[k] for k in chosen], shots=int(number), seed_simulator=run_seed).result()
            for position, k in enumerate(chosen):
                if "counts" not in result.data(position):
                    raise RunError(f"Aer gave no counts for circuit {k} ({result.results[position].status})")
                for outcome, number_seen in result.data(position)["counts"].items():
                    found[k, _reverse(int(outcome, 16), n)] = number_seen
                if found[k].sum() != number:
                    raise RunError(
                        f"Aer gave {found[k].sum()} counts for circuit {k}, but {number} shots were asked for"
                    )
            if progress:
                progress(len(chosen))
    return found


def _big_endian(rho: ComplexArray) -> ComplexArray:
    """Qiskit counts qubit 0 as the least significant bit; here spin 0 is the leftmost factor."""
    n = rho.shape[0].bit_length() - 1
    order = [*range(n - 1, -1, -1), *range(2 * n - 1, n - 1, -1)]
    return rho.reshape((2,) * (2 * n)).transpose(order).reshape(rho.shape)


def _reverse(outcome: int, n: int) -> int:
    return int(format(outcome, f"0{n}b")[::-1], 2)
