"""Anyone's BackendV2 as a device: circuits go through `run`, counts come back as bit strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2

from nmrqb.circuits.devices.counted import checked, ordered
from nmrqb.errors import JobError, RunError, TransientError
from nmrqb.jobs.work import Done, Work


@dataclass(frozen=True, eq=False)
class Provided:
    """A backend object of any provider, run through `backend.run(circuits, shots=...)` and `get_counts`.

    Not through Qiskit's BackendSamplerV2, which reads nothing but zeros from backends that do not keep single shots. A job
    outlives the process where the backend can give it back by `retrieve_job`.
    """

    backend: BackendV2
    jobs: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The backend's own name."""
        return str(self.backend.name)

    @property
    def durable(self) -> bool:
        """Whether jobs can be had back by another process."""
        return callable(getattr(self.backend, "retrieve_job", None))

    def submit(self, work: Work, tag: str) -> str:  # noqa: ARG002 - a BackendV2 knows no tags
        """Run bound circuits, all with the same shots. Raises TransientError when the backend cannot be reached, RunError."""
        (shots,) = np.unique(work.shots)
        try:
            job = self.backend.run(bound(work), shots=int(shots))
            number = str(job.job_id())
        except OSError as error:
            raise TransientError(f"{self.name} cannot be reached ({error})") from error
        except QiskitError as error:
            raise RunError(f"{self.name} refused the circuits ({error.message})") from error
        self.jobs[number] = job
        return number

    def find(self, tag: str) -> str | None:  # noqa: ARG002
        """None: a BackendV2 knows no tags."""
        return None

    def collect(self, job: str, work: Work, done: Done | None = None) -> NDArray[np.int64]:
        """Counts of every row. Raises TransientError, or JobError for a job that failed or has no counts."""
        try:
            held = self.jobs.get(job) or self._retrieved(job)
            result = held.result()
            counts = [result.get_counts(k) for k in range(len(work.rows))]
        except OSError as error:
            raise TransientError(f"{self.name} cannot be reached ({error})") from error
        except (QiskitError, KeyError, IndexError) as error:
            reason = getattr(error, "message", str(error))
            raise JobError(f"{self.name} gave no counts for job {job} ({reason})") from error
        if done is not None:
            done(len(work.rows))
        n = work.circuits[0].num_clbits
        return checked(np.array([ordered(each, n) for each in counts]), work.shots, self.name)

    def _retrieved(self, job: str) -> Any:
        if not self.durable:
            raise JobError(f"{self.name} does not know the job {job} any more")
        return self.backend.retrieve_job(job)


def bound(work: Work) -> list[QuantumCircuit]:
    """The circuit of every row with its angles put in."""
    place = [0] * len(work.circuits)
    found = []
    for c in work.rows.tolist():
        circuit = work.circuits[c]
        if circuit.num_parameters:
            values: Sequence[float] = work.angles[c][place[c]].tolist()
            circuit = circuit.assign_parameters(dict(zip(circuit.parameters, values, strict=True)))
        place[c] += 1
        found.append(circuit)
    return found
