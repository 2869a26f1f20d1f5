"""Aer as a device: with the sample's noise in the circuits, or with the noise of a machine's qubits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit.library import Measure
from qiskit.providers import BackendV2
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError

from nmrqb.checks import FloatArray
from nmrqb.circuits import execute
from nmrqb.jobs.work import Done, Work


@dataclass(frozen=True, eq=False)
class Aer:
    """Density matrices on one thread. A job is done while it is collected, again in the same way after a kill: its seed is kept.

    confusion: what the simulator's readout does, (2^n, 2^n), row = true outcome.
    """

    name: str
    simulator: AerSimulator
    confusion: FloatArray
    durable: bool = False

    def submit(self, work: Work, tag: str) -> str:  # noqa: ARG002 - a job here has nothing but its work
        """An id that says no more than the key."""
        return work.key

    def find(self, tag: str) -> str | None:  # noqa: ARG002
        """None: nothing outlives this process."""
        return None

    def collect(self, job: str, work: Work, done: Done | None = None) -> NDArray[np.int64]:  # noqa: ARG002
        """Aer's own counts. Raises JobError when they are missing or not what was asked for."""
        return execute.sampled(self.simulator, work, done)

    def probabilities(self, work: Work, done: Done | None = None) -> FloatArray:
        """What infinitely many shots would read, (R, 2^n), readout errors included. Raises RunError."""
        return execute.outcome_probabilities(self.simulator, work, done) @ self.confusion


def noisy(backend: BackendV2, gates: bool, readout: Sequence[float]) -> tuple[AerSimulator, FloatArray]:
    """A simulator with a backend's noise and a confusion matrix of its readout, (2^n, 2^n), row = true outcome.

    gates: whether the backend's own noise acts, its readout with it. readout: chance of a flip that comes on top of it, for
    each qubit. Channels in circuits act in either case.
    """
    n = backend.num_qubits
    target = backend.target
    model = NoiseModel.from_backend(backend) if gates else NoiseModel(list(target.operation_names))
    model.add_basis_gates(list(execute.BASIS))
    own = [_flip(target, k) if gates else 0.0 for k in range(n)]
    extra = list(readout) or [0.0] * n
    flips = [a * (1 - b) + b * (1 - a) for a, b in zip(own, extra, strict=True)]
    for qubit, flip in enumerate(flips):
        if flip:
            model.add_readout_error(ReadoutError(confusion([flip])), [qubit], warnings=False)
    simulator = AerSimulator(method="density_matrix", noise_model=model, max_parallel_threads=1)
    return simulator, confusion(flips)


def confusion(flips: Sequence[float]) -> FloatArray:
    """Matrix (2^n, 2^n) from true to reported outcomes for each qubit's chance of a flip, qubit 0 the highest bit."""
    return reduce(np.kron, [np.array([[1 - flip, flip], [flip, 1 - flip]]) for flip in flips])


def _flip(target: Target, qubit: int) -> float:
    """Reported chance that a readout is wrong, which Aer's model takes for either outcome."""
    for name in target.operation_names:
        if isinstance(target.operation_from_name(name), Measure):
            properties = (target[name] or {}).get((qubit,))
            return float(getattr(properties, "error", None) or 0.0)
    return 0.0
