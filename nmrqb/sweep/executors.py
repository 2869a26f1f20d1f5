"""Where chunks of a sweep are worked on: in this process, in several, or by an executor of the user's own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Protocol

from nmrqb.errors import ArgumentError, RunError

#: Variables by which libraries of linear algebra are told how many threads to take: with a process for each core, one.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Team:
    """An executor at work. ahead: chunks handed to it before one has come back. alive: whether answers may still come."""

    executor: Executor
    ahead: int
    alive: Callable[[], bool] = lambda: True


class Workers(Protocol):
    """Something that opens an executor, and opens another when that one breaks."""

    def open(self) -> AbstractContextManager[Team]:
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
    def open(self) -> Iterator[Team]:
        """An executor that works where it is called: each chunk is kept before the next begins."""
        yield Team(_Here(), 1)


@dataclass
class Given:
    """An executor of the user's own, which is neither closed nor opened anew."""

    executor: Executor
    _used: bool = False

    @contextmanager
    def open(self) -> Iterator[Team]:
        """The executor. Raises RunError the second time, for then it broke."""
        if self._used:
            raise RunError("the executor given broke", "open another, and go on with the folder of the sweep")
        self._used = True
        yield Team(self.executor, 64)


@dataclass(frozen=True)
class Processes:
    """Worker processes of this machine; each imports the package anew, so a script needs `if __name__ == "__main__":`.

    When one dies, those at work beside it are ended as well, and all begin anew. Raises ArgumentError for a number of
    workers below 1.
    """

    workers: int

    def __post_init__(self) -> None:
        check_workers(self.workers)

    @contextmanager
    def open(self) -> Iterator[Team]:
        """A pool of processes. They end when it closes: at once if by an error or Ctrl-C, or if this process is killed."""
        context = multiprocessing.get_context("spawn")
        alive, held = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(self.workers, context, _begin, (alive,))
        try:
            with spawning():
                pool.submit(int)  # starts the processes
            yield Team(pool, 2 * self.workers)
        except BaseException:
            held.close()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            held.close()
            alive.close()


def check_workers(workers: int) -> None:
    """Raises ArgumentError."""
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise ArgumentError("workers", workers, "be a whole number, 1 or more")


@contextmanager
def spawning() -> Iterator[None]:
    """Processes that are started meanwhile take one thread each, and leave Ctrl-C to this one."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update({name: "1" for name, value in before.items() if value is None})
    mask = None
    if os.name == "posix":  # what is blocked here is blocked in them
        resource_tracker.ensure_running()  # it unblocks the signal when it starts
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin(alive: Connection) -> None:
    """What a worker does first: it leaves Ctrl-C to its parent, and sees to it that it does not outlive that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: Connection) -> None:
    """Wait until nobody holds the other end of a pipe, then end this process."""
    with suppress(EOFError, OSError):
        alive.recv()
    os._exit(1)
