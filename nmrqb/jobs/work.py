"""What is handed to a device as one job, and what a device must be able to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nmrqb.errors import JobError

Done = Callable[[int], None]  # circuits finished since the last call


@dataclass(frozen=True)
class Work:
    """One job: measured circuits, each run at one or more rows of angles.

    key: names the work by its content, device and seed, the same in every process that describes the same run; letters,
    digits, "-", "_" and ".", at most 100. circuits: what the device runs, each measured in full. rows: (R,) index of the
    circuit of each row. angles: for each circuit the values of its parameters, (rows of that circuit, P), in the order of
    its parameters; P is 0 where nothing is left open. shots: (R,) of each row. seed: for devices that simulate.
    """

    key: str
    circuits: tuple[Any, ...]
    rows: NDArray[np.int64]
    angles: tuple[NDArray[np.float64], ...]
    shots: NDArray[np.int64]
    seed: int


class Device(Protocol):
    """Where circuits run. Counts are (R, 2^n), outcomes numbered with spin 0 as the highest bit.

    `durable`: jobs live on elsewhere when this process dies; where they do not, work is simply done again with its seed.
    """

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def durable(self) -> bool:
        """Whether jobs outlive this process."""
        ...

    def submit(self, work: Work, tag: str) -> str:
        """Hand work in under a tag of ours and return the job's id. Raises TransientError or RunError."""
        ...

    def find(self, tag: str) -> str | None:
        """Id of the job that was handed in under this tag, by any process, or None. Raises TransientError or RunError."""
        ...

    def collect(self, job: str, work: Work, done: Done | None = None) -> NDArray[np.int64]:
        """Wait for the job and return its counts, checked. Raises TransientError, or JobError when the job is lost."""
        ...


def checked_counts(found: Any, work: Work) -> NDArray[np.int64]:
    """Counts (R, 2^n) as int64. Raises JobError for what cannot be the counts of this work: another shape, sums that miss the shots."""
    counts = np.asarray(found)
    if counts.ndim != 2 or len(counts) != len(work.rows) or not np.issubdtype(counts.dtype, np.integer):
        raise JobError(f"found {counts.dtype} counts of shape {counts.shape} for {len(work.rows)} rows of circuits")
    if np.any(counts < 0):
        raise JobError(f"found the negative count {counts.min()}")
    sums = counts.sum(axis=1)
    if np.any(wrong := sums != work.shots):
        row = int(np.argmax(wrong))
        raise JobError(f"found {sums[row]} counts in row {row}, where {work.shots[row]} shots were asked for")
    return counts.astype(np.int64)
