"""A sweep from its points to one Dataset: in chunks, each with a seed of its own, whoever works on them and in what order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import nmrqb
from nmrqb.errors import ArgumentError, NmrqbError, RunError
from nmrqb.results import Progress
from nmrqb.sweep.design import Design
from nmrqb.sweep.executors import Serial, Workers
from nmrqb.sweep.store import Memory, SweepStore

#: A task gets the values of some points, (n,) each, and a generator of its own; it returns arrays (n, ...) by name, or a
#: Dataset with the dimension "point".
Task = Callable[[Mapping[str, np.ndarray], np.random.Generator], Mapping[str, Any] | xr.Dataset]

#: Chunks that a sweep is cut into at most, and points of one at least, unless told: enough to spread, few enough to keep.
CHUNKS, POINTS = 128, 20
#: Chunks handed out at once, and how often in a row workers may die without finishing any.
_WINDOW, _PATIENCE = 64, 8


def sweep(
    task: Task,
    design: Design,
    *,
    seed: int,
    workers: Workers | Executor | None = None,
    chunk: int | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
    identity: str = "",
) -> xr.Dataset:
    """A task at every point of a design, as one labelled Dataset: the axes of a grid, or "point" with each parameter along it.

    The points are cut into chunks of `chunk` (by default POINTS or more, so that there are at most CHUNKS), and chunk k draws from the seed
    (seed, k): the numbers do not depend on who works, how many, or in what order. workers: Serial (the default), Processes,
    Cluster, or any concurrent.futures executor. A worker that dies costs its chunk, which is done again elsewhere.
    folder: where finished chunks are kept; a sweep that was cut short goes on from them, and ends with the same bytes.
    identity: names the task, so that a folder is not mixed with chunks of another; by default its qualified name.
    Raises ArgumentError for what is no sweep, whatever the task raises, InputError for a folder of another sweep, RunError
    when workers die again and again.
    """
    size = _size(chunk, len(design))
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError("seed", seed, "be a whole number, zero or more")
    count = -(-len(design) // size)
    store = Memory() if folder is None else SweepStore.open(folder, _plan(task, design, int(seed), size, identity))
    todo = [k for k in range(count) if not store.done(k)]
    points = [min(size, len(design) - k * size) for k in range(count)]
    done = len(design) - sum(points[k] for k in todo)
    if progress is not None:
        progress(done, len(design))
    for number, data in _finished(task, design, int(seed), size, todo, workers):
        store.keep(number, data)
        done += points[number]
        if progress is not None:
            progress(done, len(design))
    whole = xr.concat([store.chunk(k) for k in range(count)], dim="point", combine_attrs="override")
    return _labelled(whole, design).assign_attrs(seed=int(seed), chunk=size, nmrqb=nmrqb.__version__)


def _size(chunk: int | None, points: int) -> int:
    if chunk is None:
        return min(points, max(POINTS, -(-points // CHUNKS)))
    if not isinstance(chunk, (int, np.integer)) or chunk < 1:
        raise ArgumentError("chunk", chunk, "be a whole number, 1 or more")
    return int(min(chunk, points))


def _plan(task: Task, design: Design, seed: int, size: int, identity: str) -> dict[str, Any]:
    """What makes two sweeps the same."""
    digest = hashlib.sha256()
    for name, values in design.values.items():
        digest.update(name.encode() + np.ascontiguousarray(values, dtype=float).tobytes())
    name = identity or f"{getattr(task, '__module__', '')}.{getattr(task, '__qualname__', type(task).__qualname__)}"
    versions = {"nmrqb": nmrqb.__version__, "numpy": np.__version__}
    about = {"task": name, "points": len(design), "parameters": list(design.values), "values": digest.hexdigest()}
    return {**about, "seed": seed, "chunk": size, "versions": versions}


def run_chunk(task: Task, values: Mapping[str, np.ndarray], seed: int, number: int) -> xr.Dataset:
    """One chunk, wherever this is called: the task's answer as a Dataset with the dimension "point".

    Raises whatever the task raises, or ArgumentError for an answer that has not one entry for each point.
    """
    n = len(next(iter(values.values())))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    answer = task(values, rng)
    if not isinstance(answer, xr.Dataset):
        arrays = {name: np.asarray(value) for name, value in answer.items()}
        dims = {name: ("point", *(f"{name}_{k}" for k in range(1, a.ndim))) for name, a in arrays.items() if a.ndim}
        wrong = {name: a.shape for name, a in arrays.items() if a.shape[:1] != (n,)}
        if wrong:
            raise ArgumentError("task", f"one that answers with shapes {wrong} for {n} points", "give arrays (n, ...)")
        return xr.Dataset({name: (dims[name], a) for name, a in arrays.items()})
    if answer.sizes.get("point") != n:
        found = f"one that answers with {answer.sizes.get('point')} points for {n}"
        raise ArgumentError("task", found, "give a Dataset with a dimension point")
    return answer


def _finished(
    task: Task, design: Design, seed: int, size: int, todo: list[int], workers: Workers | Executor | None
) -> Iterator[tuple[int, xr.Dataset]]:
    """Chunks as they are finished; executors that break are opened anew."""
    left, deaths = list(todo), 0
    while left:
        before = len(left)
        with _opened(workers) as pool:
            for number, future in _handed_out(pool, task, design, seed, size, list(left)):
                try:
                    data = future.result()
                except Exception as error:
                    if not _is_death(error):
                        raise
                    continue
                left.remove(number)
                yield number, data
        deaths = deaths + 1 if len(left) == before else 0
        if left and isinstance(workers, Executor):
            raise RunError("the executor given broke", "open another, and go on with the folder of the sweep")
        if deaths >= _PATIENCE:
            remedy = "give them more memory or smaller chunks, and go on with it"
            raise RunError(f"workers died {deaths} times in a row at chunk {left[0]}", remedy)


def _handed_out(
    pool: Executor, task: Task, design: Design, seed: int, size: int, left: list[int]
) -> Iterator[tuple[int, Future[Any]]]:
    """Futures of chunks as they end, a window of them at work at a time; it stops where the executor takes no more."""
    waiting: dict[Future[Any], int] = {}
    queue = iter(left)
    broken = False
    while True:
        while len(waiting) < _WINDOW and not broken:
            number = next(queue, None)
            if number is None:
                break
            values = design.part(number * size, (number + 1) * size)
            try:
                waiting[pool.submit(run_chunk, task, values, seed, number)] = number
            except Exception as error:
                if not _is_death(error):
                    raise
                broken = True
        if not waiting:
            return
        ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in ended:
            yield waiting.pop(future), future


def _is_death(error: BaseException) -> bool:
    """Whether an error tells of a worker or its connection, and not of the task."""
    if isinstance(error, NmrqbError):
        return False
    if isinstance(error, (BrokenExecutor, CancelledError)):
        return True
    return type(error).__module__.startswith("distributed") and type(error).__name__ in _DASK_DEATHS


_DASK_DEATHS = {"KilledWorker", "CommClosedError", "FutureCancelledError", "WorkerClosedError", "FutureLostError"}


def _opened(workers: Workers | Executor | None) -> AbstractContextManager[Executor]:
    if isinstance(workers, Executor):
        return nullcontext(workers)
    return (workers or Serial()).open()


def _labelled(whole: xr.Dataset, design: Design) -> xr.Dataset:
    """Points as the axes of their grid, or as one dimension with every parameter along it."""

    def about(name: str) -> dict[str, str]:
        return {"units": design.units[name]} if name in design.units else {}

    if not design.axes:
        return whole.assign_coords({name: ("point", v, about(name)) for name, v in design.values.items()})
    shape, names = [axis.size for axis in design.axes.values()], list(design.axes)
    made: dict[str, Any] = {}
    for name, variable in whole.variables.items():
        if "point" not in variable.dims:
            made[str(name)] = variable
            continue
        if str(name) == "point":
            continue
        moved = variable.transpose("point", ...)
        dims = (*names, *moved.dims[1:])
        made[str(name)] = (dims, moved.values.reshape(*shape, *moved.shape[1:]), moved.attrs)
    coordinates = {str(name): made.pop(str(name)) for name in whole.coords if str(name) in made}
    axes = {name: (name, axis, about(name)) for name, axis in design.axes.items()}
    return xr.Dataset(made, {**coordinates, **axes}, whole.attrs)
