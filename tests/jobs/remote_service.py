"""A remote service that is real enough to lose things on: a process of its own that runs jobs on Aer, and a folder between.

A job is accepted when its request has been moved into `queue`; it is then run, whoever handed it in and whether they live
or not. Which jobs fail, and which come back with wrong counts, their tags decide.
"""

import os
import pickle
import signal
import time
import zlib
from functools import partial

import numpy as np

from nmrqb.errors import JobError, TransientError


def chance(*parts):
    """A number in [0, 1) that the parts decide."""
    return np.random.default_rng(zlib.crc32(repr(parts).encode())).random()


def names(folder):
    return [path.name for path in folder.iterdir()]


class Service:
    """The folder: what was accepted, and what came of it. `faults` makes jobs fail; the third of a piece of work never does."""

    def __init__(self, folder, faults):
        self.folder, self.faults = folder, faults
        for name in ("desk", "queue", "taken", "results"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def fate(self, tag):
        """What becomes of a job: "good", "failed" or "wrong"."""
        if not self.faults or tag.endswith("-3"):
            return "good"
        return {0: "failed", 1: "wrong"}.get(int(chance("fate", tag) * 6), "good")

    def accepted(self):
        """Tags of all jobs that were ever accepted, one entry for each job."""
        return [name.split("__")[0] for place in ("queue", "taken") for name in names(self.folder / place)]

    def serve(self, make):
        """Run what is in the queue with what `make` makes, until killed or the parent is gone."""
        measure, parent = make(), os.getppid()
        while os.getppid() == parent:
            waiting = sorted(names(self.folder / "queue"))
            for name in waiting:
                self._do(measure, name)
            if not waiting:
                time.sleep(0.001)

    def _do(self, measure, name):
        tag, job = name.split("__")
        work = pickle.loads((self.folder / "queue" / name).read_bytes())
        (self.folder / "queue" / name).rename(self.folder / "taken" / name)
        counts = measure(work)
        if self.fate(tag) == "wrong":
            counts[-1, 0] += 1
        done = self.folder / "desk" / f"{job}.npy"
        np.save(done, counts)
        done.rename(self.folder / "results" / f"{job}.npy")


def on_aer():
    """What measures work on an ideal Aer."""
    from qiskit_aer import AerSimulator

    return partial(measured, AerSimulator(method="density_matrix", max_parallel_threads=1))


def measured(aer, work):
    """Counts of each row on Aer, (R, 2^n), as it numbers outcomes."""
    seen = dict.fromkeys(range(len(work.circuits)), 0)
    counts = np.zeros((len(work.rows), 2 ** work.circuits[0].num_qubits), dtype=np.int64)
    for row, (circuit, shots) in enumerate(zip(work.rows, work.shots, strict=True)):
        bound = work.circuits[circuit].assign_parameters(work.angles[circuit][seen[circuit]])
        seen[circuit] += 1
        data = aer.run(bound, shots=int(shots), seed_simulator=work.seed + row).result().data(0)
        for outcome, number in data["counts"].items():
            counts[row, int(outcome, 16)] = number
    return counts


class Remote:
    """What a client holds. With `rng`, requests are refused or their answers lost at random."""

    name, durable = "remote", True

    def __init__(self, service, rng=None):
        self.service, self.rng = service, rng

    def _flaky(self, what):
        if self.rng is not None and self.rng.random() < 0.12:
            raise TransientError(f"{what} timed out")

    def submit(self, work, tag):
        self._flaky("the request")
        job = f"job-{os.getpid()}-{time.monotonic_ns()}"
        desk = self.service.folder / "desk" / f"{tag}__{job}"
        desk.write_bytes(pickle.dumps(work))
        desk.rename(self.service.folder / "queue" / desk.name)
        self._flaky("the answer")  # the job is accepted all the same
        return job

    def find(self, tag):
        self._flaky("the search")
        for place in ("queue", "taken"):  # in the order in which requests move
            for name in names(self.service.folder / place):
                if name.startswith(f"{tag}__"):
                    return name.split("__")[1]
        return None

    def collect(self, job, work, done=None):
        self._flaky("the connection")
        result = self.service.folder / "results" / f"{job}.npy"
        while not result.exists():
            time.sleep(0.001)
        (tag,) = [name.split("__")[0] for name in names(self.service.folder / "taken") if name.endswith(f"__{job}")]
        if self.service.fate(tag) == "failed":
            raise JobError("the machine was calibrated meanwhile")
        return np.load(result)


def start(service, make=on_aer):
    """The service in a process of its own, with what `make` makes there to measure work; returns its process id."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            service.serve(make)
        finally:
            os._exit(0)
    return child
