"""Sweeps on dask.distributed: workers of this machine, or a cluster of the user's own by the address of its scheduler."""

from __future__ import annotations

import gc
import logging
import platform
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nmrqb.errors import InputError, Problem, RunError
from nmrqb.sweep.executors import Team, check_workers, spawning
from nmrqb.sweep.remote import unsealed, versions_there

#: What dask logs of workers that come and go is not the user's business: the sweep says what it lost.
_SILENT = logging.CRITICAL + 1
_SAME = "install the same versions everywhere, for numbers may differ otherwise"


@dataclass(frozen=True)
class Cluster:
    """A dask cluster: the user's own by the address of its scheduler, or one on this machine with some workers.

    Workers need the package and whatever the task is made of, in the versions that are here; the scheduler needs neither.
    timeout: for the scheduler to answer and the first worker to come, in s. Raises ArgumentError for a number of workers
    below 1.
    """

    scheduler: str | None = None
    workers: int = 2
    timeout: float = 10.0

    def __post_init__(self) -> None:
        check_workers(self.workers)

    @contextmanager
    def open(self) -> Iterator[Team]:
        """An executor on the cluster's workers. Raises RunError when the scheduler or its workers cannot be used."""
        distributed = _distributed()
        with _quiet(), self._client(distributed) as client:
            _check(client, self.timeout)
            threads = sum(client.nthreads().values())
            yield Team(_Sealed(client), max(128, 2 * threads), lambda: client.status == "running")

    @contextmanager
    def _client(self, distributed: Any) -> Iterator[Any]:
        if self.scheduler is None:
            how = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0, "silence_logs": _SILENT}
            with spawning():
                cluster = _started(lambda: distributed.LocalCluster(n_workers=self.workers, processes=True, **how))
            with cluster, _started(lambda: distributed.Client(cluster)) as client:
                yield client
            return
        try:
            _knock(self.scheduler, self.timeout)
            client = _started(lambda: distributed.Client(self.scheduler, timeout=self.timeout))
        except (OSError, TimeoutError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            remedy = "start one with `dask scheduler`, or leave its address out for workers of this machine"
            raise RunError(f"no dask scheduler answers at {self.scheduler!r} ({reason})", remedy) from None
        with client:
            yield client


def _knock(address: str, timeout: float) -> None:
    """Raises OSError where nobody listens at a TCP address: a client that fails to connect leaves a loop behind."""
    from distributed.comm.addressing import get_address_host_port

    if address.startswith(("tcp://", "tls://")) or "://" not in address:
        host, port = get_address_host_port(address, strict=True)
        end = time.monotonic() + timeout
        while True:
            try:
                with socket.create_connection((host, port), timeout=max(timeout, 0.1)):
                    return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


def _started(make: Callable[[], Any]) -> Any:
    """What `make` starts. Garbage is not collected meanwhile: in the thread of a new loop, an old client's end would wait for
    ever, and dask asserts after ten seconds that the loop has begun.
    """
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        return make()
    except AssertionError:
        raise RunError("dask does not start on this machine", "try again, or use processes") from None
    finally:
        if enabled:
            gc.enable()


class _Sealed(Executor):
    """A client's executor whose scheduler sees nothing but bytes: it would need all modules of the task otherwise."""

    def __init__(self, client: Any) -> None:
        # every chunk is its own task: dask must not take two of them for the same by their arguments
        self._pool = client.get_executor(pure=False, retries=0)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if kwargs:
            raise TypeError("arguments by name are not sent")
        from distributed.protocol import pickle  # it sends functions of a script with their code

        return self._pool.submit(unsealed, pickle.dumps((fn, args)))


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        allowed = "install it: pip install 'nmrqb[dask]'"
        raise InputError((Problem("dask.distributed is not installed", key="--executor", allowed=allowed),)) from None
    return distributed


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask logs nothing meanwhile."""
    logger = logging.getLogger("distributed")
    loggers = [logger, *(logging.getLogger(n) for n in logging.root.manager.loggerDict if n.startswith("distributed."))]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(_SILENT)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="(?s).*Mismatched versions")  # told below, as an error
            yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)


def _check(client: Any, timeout: float) -> None:
    """That there are workers, and that they run what runs here. Raises RunError."""
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError:
        remedy = "start some with `dask worker ADDRESS`"
        raise RunError(f"the scheduler at {client.scheduler.address} has no workers", remedy) from None
    _check_python(client.get_versions())
    here = versions_there()
    for address, found in client.run(versions_there, on_error="return").items():
        if isinstance(found, Mapping):  # and no error of a worker that is gone by now
            _compare(f"the worker {address}", found, here)


def _check_python(found: Mapping[str, Any]) -> None:
    """That no code is sent to a Python that reads it otherwise. Raises RunError."""
    here = ".".join(platform.python_version_tuple()[:2])
    others = {"the dask scheduler": found["scheduler"]} | {f"the worker {a}": v for a, v in found["workers"].items()}
    for who, about in others.items():
        python = ".".join(about["host"]["python"].split(".")[:2])
        _compare(who, {"Python": python}, {"Python": here})


def _compare(who: str, found: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Raises RunError, with all that differs."""
    if not found.get("nmrqb", "there"):
        raise RunError(f"{who} has no package nmrqb", "install the one that is here on all workers")
    other = [
        f"{name} {found.get(name) or 'missing'} there, {was} here" for name, was in here.items() if found[name] != was
    ]
    if other:
        raise RunError(f"{who} has other versions ({'; '.join(other)})", _SAME)
