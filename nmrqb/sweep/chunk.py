"""A chunk of a sweep: some of its points, worked on anywhere, with random numbers of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import nmrqb
from nmrqb.errors import ArgumentError, RunError
from nmrqb.sweep.design import Design
from nmrqb.sweep.packing import pack

#: A task gets the values of some points, (n,) each, and a generator of its own; it returns arrays (n, ...) by name, or a
#: Dataset with the dimension "point".
Task = Callable[[Mapping[str, np.ndarray], np.random.Generator], Mapping[str, Any] | xr.Dataset]

#: Chunks that a sweep is cut into where its size is not told, and points of one at least and at most: enough to spread,
#: few enough to keep, small enough to lose.
CHUNKS, LEAST, MOST = 128, 20, 2000


def chunk_size(asked: int | None, points: int) -> int:
    """Points of one chunk. Raises ArgumentError for a size below 1."""
    if asked is None:
        return min(points, max(LEAST, min(MOST, math.ceil(points / CHUNKS))))
    if not isinstance(asked, (int, np.integer)) or isinstance(asked, bool) or asked < 1:
        raise ArgumentError("chunk", asked, "be a whole number, 1 or more")
    return int(min(asked, points))


@dataclass(frozen=True)
class Chunks:
    """A sweep cut into chunks of `size` points; the last one may be shorter."""

    task: Task
    design: Design
    seed: int
    size: int

    def __len__(self) -> int:
        """Number of chunks."""
        return math.ceil(len(self.design) / self.size)

    def bounds(self, number: int) -> tuple[int, int]:
        """The first point of a chunk, and the one after its last."""
        return number * self.size, min((number + 1) * self.size, len(self.design))

    def points(self, number: int) -> int:
        """How many points a chunk has."""
        first, end = self.bounds(number)
        return end - first

    def submit(self, pool: Executor, number: int) -> Future[bytes]:
        """Hand a chunk to an executor."""
        values = self.design.part(*self.bounds(number))
        return pool.submit(run_chunk, self.task, values, self.seed, number, versions())


def versions() -> dict[str, str]:
    """What a chunk's numbers rest on, wherever it is worked on."""
    return {"nmrqb": nmrqb.__version__, "numpy": np.__version__}


def run_chunk(
    task: Task, values: Mapping[str, np.ndarray], seed: int, number: int, expected: Mapping[str, str]
) -> bytes:
    """One chunk, wherever this is called: the task's answer as `pack` has it.

    expected: versions that are needed. Raises whatever the task raises, RunError where versions are others, ArgumentError
    for an answer that has not one entry for each point.
    """
    other = [f"{name} {was}, not {expected[name]}" for name, was in versions().items() if was != expected[name]]
    if other:
        remedy = "install the same versions on all workers, for numbers may differ otherwise"
        raise RunError(f"a worker has other versions ({'; '.join(other)})", remedy)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    return pack(_checked(_dataset(task(values, rng)), values))


def _dataset(answer: Any) -> xr.Dataset:
    if isinstance(answer, xr.Dataset):
        return answer
    if not isinstance(answer, Mapping) or not answer:
        found = "empty" if isinstance(answer, Mapping) else f"a {type(answer).__name__}"
        raise ArgumentError("the answer of the task", found, "be a Dataset, or arrays by name")
    arrays = {str(name): np.asarray(value) for name, value in answer.items()}
    return xr.Dataset({name: (_dims(name, a), a) for name, a in arrays.items()})


def _dims(name: str, array: np.ndarray) -> tuple[str, ...]:
    if not array.ndim:
        raise ArgumentError(f"{name!r} in the answer of the task", "a single value", "have one entry for each point")
    return ("point", *(f"{name}_{k}" for k in range(1, array.ndim)))


def _checked(answer: xr.Dataset, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """The answer, fit to be kept and put together with others. Raises ArgumentError."""
    n = len(next(iter(values.values())))
    if answer.sizes.get("point") != n:
        found = f"one for {answer.sizes.get('point', 'no')} points"
        raise ArgumentError("the answer of the task", found, f"have one entry for each of {n} points")
    for name, variable in answer.variables.items():
        if str(name) in values:
            found = f"one that holds {name!r}"
            raise ArgumentError("the answer of the task", found, "have other names than the parameters")
        if variable.dtype.kind not in "biufU":
            allowed = "hold real numbers, truth values or text (a complex number is two variables)"
            raise ArgumentError(f"{name!r} in the answer of the task", f"of type {variable.dtype}", allowed)
    return answer
