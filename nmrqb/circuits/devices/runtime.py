"""IBM's machines through qiskit-ibm-runtime, as single jobs, in a batch or in a session; its local mode runs simulators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2

from nmrqb.circuits.devices import names
from nmrqb.circuits.devices.counted import checked, reordered
from nmrqb.errors import JobError, RunError, TransientError, redacted
from nmrqb.jobs.work import Done, Work

Execution = Literal["job", "batch", "session"]


@dataclass(eq=False)
class Runtime:
    """A backend of qiskit-ibm-runtime, or a simulator in its local mode.

    service: gives jobs back by id and tag; None in local mode, whose jobs die with the process. execution: "job" queues
    every job by itself, "batch" and "session" open one when the first job is handed in, so that a run that has everything
    opens none. All circuits of a job have the same shots: the client-side Sampler takes no other.
    """

    backend: BackendV2
    service: Any = None
    execution: Execution = "job"
    jobs: dict[str, Any] = field(default_factory=dict, repr=False)
    mode: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The backend's name."""
        return str(self.backend.name)

    @property
    def durable(self) -> bool:
        """Whether jobs are kept elsewhere."""
        return self.service is not None

    def submit(self, work: Work, tag: str) -> str:
        """Hand in as one job. Raises TransientError when the service cannot be reached, RunError when it refuses."""
        (shots,) = np.unique(work.shots)
        with _faults(self.name), self._reopened():
            sampler = _sampler()(mode=self._mode())
            sampler.options.environment.job_tags = [tag]
            if self.service is None:
                sampler.options.simulator.seed_simulator = work.seed % 2**31
            job = sampler.run(_pubs(work), shots=int(shots))
            number = str(job.job_id())
        self.jobs[number] = job
        return number

    def find(self, tag: str) -> str | None:
        """Id of the newest job under a tag. Raises TransientError or RunError."""
        if self.service is None:
            return None
        with _faults(self.name):
            found = self.service.jobs(limit=1, job_tags=[tag])
        return str(found[0].job_id()) if found else None

    def collect(self, job: str, work: Work, done: Done | None = None) -> NDArray[np.int64]:
        """Counts of every row. Raises TransientError, or JobError for a job that failed, was cancelled or is not known."""
        if job not in self.jobs and self.service is None:
            raise JobError(f"{self.name} does not know the job {job} any more")
        with _faults(self.name):
            held = self.jobs.get(job) or self.service.job(job)
            result = held.result()
        n = work.circuits[0].num_clbits
        if len(result) != len(_places(work)):
            raise JobError(f"{self.name} gave {len(result)} results for {len(_places(work))} circuits in job {job}")
        counts = np.zeros((len(work.rows), 2**n), dtype=np.int64)
        for rows, found in zip(_places(work), result, strict=True):
            counts[rows] = _counted(found, n, len(rows))
        if done is not None:
            done(len(work.rows))
        return checked(reordered(counts), work.shots, self.name)

    def close(self) -> None:
        """Close the batch or session, if one was opened; its jobs run on."""
        if self.mode is not None:
            with _faults(self.name):
                self.mode.close()
            self.mode = None

    @contextmanager
    def _reopened(self) -> Iterator[None]:
        """A batch or session that fails to take a job may be closed: the next try opens a new one."""
        try:
            yield
        except Exception:
            self.mode = None
            raise

    def _mode(self) -> Any:
        if self.execution == "job":
            return self.backend
        if self.mode is None:
            from qiskit_ibm_runtime import Batch, Session

            self.mode = (Batch if self.execution == "batch" else Session)(backend=self.backend)
        return self.mode


def connect(name: str) -> tuple[BackendV2, Any]:
    """A backend of IBM's by name, and its service, with a token from the environment or the account saved on this machine.

    Raises RunError when qiskit-ibm-runtime or an account is missing or the name is unknown, TransientError when the network is.
    """
    names.need_runtime(f"ibm:{name}")
    names.need_account(f"ibm:{name}")
    from qiskit_ibm_runtime import QiskitRuntimeService

    given = {"token": names.token(), "instance": names.instance()}
    how = {key: value for key, value in given.items() if value}
    if "token" in how:
        how["channel"] = "ibm_quantum_platform"
    with _faults(f"ibm:{name}"):
        service = QiskitRuntimeService(**how)
        return service.backend(name), service


def _sampler() -> Any:
    try:
        from qiskit_ibm_runtime.executor_sampler import Sampler
    except ImportError:  # before 0.50
        from qiskit_ibm_runtime import SamplerV2 as Sampler
    return Sampler


def _places(work: Work) -> list[NDArray[np.int64]]:
    """Rows of each pub: all rows of a circuit with open parameters, else each row by itself."""
    places: list[NDArray[np.int64]] = []
    for c, circuit in enumerate(work.circuits):
        rows = np.flatnonzero(work.rows == c)
        places += [rows] if circuit.num_parameters else [rows[k : k + 1] for k in range(rows.size)]
    return places


def _pubs(work: Work) -> list[Any]:
    found: list[Any] = []
    for rows in _places(work):
        c = int(work.rows[rows[0]])
        found.append((work.circuits[c], work.angles[c]) if work.circuits[c].num_parameters else (work.circuits[c],))
    return found


def _counted(result: Any, n: int, rows: int) -> NDArray[np.int64]:
    """Counts (rows, 2^n), qubit 0 the lowest bit, from the one register of a result. Raises JobError where there is none."""
    registers = list(result.data.values())
    if len(registers) != 1 or registers[0].num_bits != n:
        raise JobError(f"found {len(registers)} registers of counts, where one of {n} bits was measured")
    packed = registers[0].array.reshape(rows, registers[0].num_shots, -1).astype(np.int64)
    outcomes = packed @ (256 ** np.arange(packed.shape[-1])[::-1])
    return np.stack([np.bincount(row, minlength=2**n) for row in outcomes])


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Faults of the runtime as ours, without tokens.

    Only a job that the service says has failed, was cancelled or never was is a JobError, since those are handed in anew;
    what the network or an overloaded service did is a TransientError, and the rest a RunError.
    """
    from qiskit_ibm_runtime import exceptions

    lost = (
        exceptions.RuntimeJobFailureError,
        exceptions.RuntimeInvalidStateError,
        exceptions.RuntimeJobNotFound,
        exceptions.RuntimeJobMaxTimeoutError,
    )
    try:
        yield
    except (QiskitError, ValueError, OSError) as error:
        text = redacted(getattr(error, "message", "") or str(error))
        if isinstance(error, OSError) or _passing(error):
            raise TransientError(f"{name} cannot be reached ({text})") from None
        if isinstance(error, lost):
            raise JobError(f"{name} lost a job ({text})") from None
        raise RunError(f"{name} failed ({text})") from None


def _passing(error: BaseException | None) -> bool:
    """Whether something under an error was a fault that passes: no answer (-1), too many requests, the service's own.

    The runtime raises its own errors `from None`, so that the answer's status is in their context only.
    """
    while error is not None:
        if isinstance(error, OSError):
            return True
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            return status < 0 or status == 429 or status >= 500
        error = error.__cause__ or error.__context__
    return False
