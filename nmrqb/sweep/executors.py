"""Where chunks of a sweep are worked on: this process, several processes, or a dask cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import nmrqb
from nmrqb.errors import ArgumentError, InputError, Problem, RunError


class Workers(Protocol):
    """Something that opens an executor, and opens another when that one breaks."""

    def open(self) -> AbstractContextManager[Executor]:
        """An executor to hand chunks to. Raises RunError where there is none."""
        ...


class _Here(Executor):
    """Calls at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is told to whoever asks for the result
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class Serial:
    """One chunk after the other, in this process."""

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """An executor that works where it is called."""
        yield _Here()


@dataclass(frozen=True)
class Processes:
    """Worker processes of this machine; each imports the package anew, so a script needs `if __name__ == "__main__":`.

    Raises ArgumentError for a number of workers below 1.
    """

    workers: int

    def __post_init__(self) -> None:
        if not isinstance(self.workers, int) or self.workers < 1:
            raise ArgumentError("workers", self.workers, "be a whole number, 1 or more")

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """A pool of processes; chunks that wait are dropped when it closes."""
        pool = ProcessPoolExecutor(self.workers, mp_context=multiprocessing.get_context("spawn"))
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class Cluster:
    """A dask cluster: the user's own by the address of its scheduler, or one on this machine with some workers.

    timeout: for the scheduler to answer, in s. Raises ArgumentError for a number of workers below 1.
    """

    scheduler: str | None = None
    workers: int = 2
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not isinstance(self.workers, int) or self.workers < 1:
            raise ArgumentError("workers", self.workers, "be a whole number, 1 or more")

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """An executor on the cluster's workers. Raises RunError when the scheduler or its workers cannot be used."""
        distributed = _distributed()
        with _quiet(), self._client(distributed) as client:
            _check_workers(client, self.timeout)
            # every chunk is its own task: dask must not take two of them for the same by their arguments
            yield client.get_executor(pure=False, retries=0)

    @contextmanager
    def _client(self, distributed: Any) -> Iterator[Any]:
        if self.scheduler is None:
            how = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": 0}
            with (
                distributed.LocalCluster(n_workers=self.workers, **how) as cluster,
                distributed.Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = distributed.Client(self.scheduler, timeout=self.timeout)
        except (OSError, TimeoutError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            remedy = "start one with `dask scheduler`, or leave --scheduler out for workers of this machine"
            raise RunError(f"no dask scheduler answers at {self.scheduler!r} ({reason})", remedy) from None
        with client:
            yield client


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        allowed = "install it: pip install 'nmrqb[dask]'"
        raise InputError((Problem("dask.distributed is not installed", key="--executor", allowed=allowed),)) from None
    return distributed


@contextmanager
def _quiet() -> Iterator[None]:
    """What dask logs of workers that come and go is not the user's business: the sweep says what it lost."""
    import logging

    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _check_workers(client: Any, timeout: float) -> None:
    """That there are workers, and that they run what runs here. Raises RunError."""
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError:
        remedy = "start some with `dask worker ADDRESS`"
        raise RunError(f"the scheduler at {client.scheduler.address} has no workers", remedy) from None
    here = _versions()
    for address, found in client.run(_versions_there).items():
        other = [
            f"{name} {found.get(name) or 'missing'} there, {was} here"
            for name, was in here.items()
            if found.get(name) != was
        ]
        if other:
            remedy = "install the same versions on all workers, for numbers may differ otherwise"
            raise RunError(f"the worker {address} has other versions ({'; '.join(other)})", remedy)


def _versions() -> dict[str, str]:
    import importlib.metadata
    import platform

    python = ".".join(platform.python_version_tuple()[:2])
    return {"nmrqb": nmrqb.__version__, "python": python} | {
        name: importlib.metadata.version(name) for name in ("numpy", "scipy")
    }


def _worker_versions() -> dict[str, str]:
    """The versions on a worker, where the package may be missing: built on what every Python has."""
    import importlib
    import importlib.metadata
    import platform

    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in ("numpy", "scipy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    try:
        found["nmrqb"] = importlib.import_module("nmrqb").__version__
    except ImportError:
        found["nmrqb"] = ""
    return found


def _by_value(function: Any) -> Any:
    """A function that travels with its code: a worker without the package must be able to call it."""
    import types

    return types.FunctionType(function.__code__, {"__name__": "__main__", "__builtins__": __builtins__}, "versions")


_versions_there = _by_value(_worker_versions)
