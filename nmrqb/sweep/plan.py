"""A sweep from its points to one Dataset: in chunks, each with a seed of its own, whoever works on them and in what order."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import nmrqb
from nmrqb.errors import ArgumentError, NmrqbError, RunError
from nmrqb.results import Progress
from nmrqb.sweep.chunk import Chunks, Task, chunk_size, versions
from nmrqb.sweep.design import Design
from nmrqb.sweep.executors import Given, Serial, Team, Workers
from nmrqb.sweep.packing import join
from nmrqb.sweep.store import Memory, SweepStore

#: How often in a row workers may die without finishing any chunk.
_PATIENCE = 4
#: Seconds after which somebody looks whether the workers are still there.
_GLANCE = 2.0
#: What dask raises for workers and connections that are gone; its exceptions have no common base.
_DASK_DEATHS = {"KilledWorker", "CommClosedError", "FutureCancelledError", "WorkerClosedError", "FutureLostError"}


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

    The points are cut into chunks of `chunk` (by default so many that there are about 128 chunks of 20 to 2000), and chunk
    k draws from the seed (seed, k): the numbers do not depend on who works, how many, or in what order. workers: Serial (the
    default), Processes, Cluster, or any concurrent.futures executor. A worker that dies costs its chunk, which is done again.
    folder: where finished chunks are kept; a sweep that was cut short goes on from them, and ends with the same bytes.
    progress: called with the points done, by all workers, and all points, after each chunk. identity: names the task, so
    that a folder is not mixed with chunks of another; by default the task's own attribute `identity`, or its qualified name.
    Raises ArgumentError for what is no sweep, whatever the task raises, InputError for a folder of another sweep, RunError
    when workers die again and again.
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise ArgumentError("seed", seed, "be a whole number, zero or more")
    chunks = Chunks(task, design, int(seed), chunk_size(chunk, len(design)))
    store = Memory() if folder is None else SweepStore.open(folder, _plan(chunks, identity))
    todo = [k for k in range(len(chunks)) if not store.done(k)]
    done = len(design) - sum(map(chunks.points, todo))
    if progress is not None:
        progress(done, len(design))
    team: Workers = Given(workers) if isinstance(workers, Executor) else workers or Serial()
    with closing(_finished(chunks, todo, team)) as finished:
        for number, data in finished:
            store.keep(number, data)
            done += chunks.points(number)
            if progress is not None:
                progress(done, len(design))
    whole = join(store.chunk(k) for k in range(len(chunks)))
    return _labelled(whole, design).assign_attrs(seed=int(seed), chunk=chunks.size, nmrqb=nmrqb.__version__)


def _plan(chunks: Chunks, identity: str) -> dict[str, Any]:
    """What makes two sweeps the same."""
    task, design = chunks.task, chunks.design
    digest = hashlib.sha256()
    for name, values in design.values.items():
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(values, dtype=float).tobytes())
    known = f"{getattr(task, '__module__', '')}.{getattr(task, '__qualname__', type(task).__qualname__)}"
    return {
        "task": identity or getattr(task, "identity", "") or known,
        "points": len(design),
        "parameters": list(design.values),
        "values": digest.hexdigest()[:16],
        "seed": chunks.seed,
        "chunk": chunks.size,
        "versions": versions(),
    }


def _finished(chunks: Chunks, todo: list[int], workers: Workers) -> Generator[tuple[int, bytes], None, None]:
    """Chunks as they are finished; executors that break are opened anew, and what was lost with them is done again."""
    left, deaths = dict.fromkeys(todo), 0
    while left:
        before = len(left)
        with workers.open() as team, closing(_ended(team, chunks, list(left))) as ended:
            for number, future in ended:
                data = _answer(future, chunks, number)
                if data is not None:
                    del left[number]
                    yield number, data
        deaths = deaths + 1 if len(left) == before else 0
        if deaths >= _PATIENCE:
            remedy = "give them more memory or smaller chunks, and go on with it"
            raise RunError(f"workers died {deaths} times in a row at chunk {next(iter(left))}", remedy)


def _answer(future: Future[bytes], chunks: Chunks, number: int) -> bytes | None:
    """What came of a chunk, or None where who worked on it died. Raises what the task raised, with its points."""
    try:
        return future.result()
    except Exception as error:
        if _is_death(error):
            return None
        first, end = chunks.bounds(number)
        error.add_note(f"in chunk {number} of the sweep, points {first} to {end - 1}")
        if isinstance(error, ModuleNotFoundError):
            remedy = "workers need the package and the modules of the task, where they find them"
            raise RunError(f"a worker has no module {error.name!r}", remedy) from error
        raise


def _ended(team: Team, chunks: Chunks, left: list[int]) -> Generator[tuple[int, Future[bytes]], None, None]:
    """Futures of chunks as they end, those that succeeded first, some at work at a time.

    It stops where the executor takes no more; what still waits when it is closed is called off.
    """
    waiting: dict[Future[bytes], int] = {}
    queue = iter(left)
    try:
        while True:
            while len(waiting) < team.ahead and (number := next(queue, None)) is not None:
                try:
                    waiting[chunks.submit(team.executor, number)] = number
                except Exception as error:
                    if not _is_death(error):
                        raise
                    queue = iter(())
            if not waiting:
                return
            ended, _ = wait(waiting, timeout=_GLANCE, return_when=FIRST_COMPLETED)
            if not ended and not team.alive():
                return  # whoever would answer is gone, and took the answers along
            for future in sorted(ended, key=lambda f: (_failed(f), waiting[f])):
                yield waiting.pop(future), future
    finally:
        for future in waiting:
            future.cancel()


def _failed(future: Future[Any]) -> bool:
    return future.cancelled() or future.exception() is not None


def _is_death(error: BaseException) -> bool:
    """Whether an error tells of a worker or its connection, and not of the task."""
    if isinstance(error, NmrqbError):
        return False
    if isinstance(error, (BrokenExecutor, CancelledError)):
        return True
    return type(error).__module__.startswith("distributed") and type(error).__name__ in _DASK_DEATHS


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
