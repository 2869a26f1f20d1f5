"""Workers that die, are missing, differ, or are told to stop: processes of this machine and real dask clusters."""

import gc
import os
import signal
import sys
import threading
import time
from concurrent.futures import Executor, Future
from contextlib import contextmanager

import numpy as np
import pytest
import sweep_tasks
from dask_processes import HOST, scheduler, worker

from nmrqb.errors import RunError
from nmrqb.sweep import Cluster, Processes, grid, sweep
from nmrqb.sweep.executors import Team

SHORT = grid(a=np.arange(6.0), b=[1.0, 2.0])


def stub(folder, text):
    """A folder that holds another package of our name."""
    package = folder / "stub" / "nmrqb"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(text)
    return str(package.parent)


def test_processes_of_any_number_give_the_same_numbers_and_are_all_counted():
    serial = sweep(sweep_tasks.noisy_sum, SHORT, seed=7, chunk=2)
    told = []
    how = {"seed": 7, "chunk": 2, "progress": lambda *done: told.append(done)}
    assert sweep(sweep_tasks.noisy_sum, SHORT, workers=Processes(2), **how).identical(serial)
    assert told == [(n, 12) for n in range(0, 13, 2)]


def test_a_process_that_dies_costs_its_chunk(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_DEATHS", str(tmp_path))
    design = grid(a=[1.0, 2.0, 3.0], b=[0.5])
    found = sweep(sweep_tasks.deadly_once, design, seed=3, chunk=1, workers=Processes(1))
    assert (tmp_path / "2").exists()
    assert found.identical(sweep(sweep_tasks.noisy_sum, design, seed=3, chunk=1))


@pytest.mark.slow
def test_workers_that_always_die_end_the_sweep_with_a_sentence():
    with pytest.raises(RunError, match=r"workers died 4 times in a row at chunk 0; give them more memory"):
        sweep(sweep_tasks.deadly, grid(a=[1.0]), seed=1, workers=Processes(1))


def test_an_executor_that_breaks_is_not_opened_anew():
    from concurrent.futures import Executor, Future
    from concurrent.futures.process import BrokenProcessPool

    class Broken(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.set_exception(BrokenProcessPool("gone"))
            return future

    with pytest.raises(RunError, match="the executor given broke; open another"):
        sweep(sweep_tasks.noisy_sum, SHORT, seed=1, workers=Broken())


def test_a_scheduler_that_does_not_answer_is_named():
    for address in (f"tcp://{HOST}:9", "nonsense"):
        with pytest.raises(RunError, match=f"no dask scheduler answers at '{address}'.*`dask scheduler`"):
            sweep(sweep_tasks.noisy_sum, SHORT, seed=1, workers=Cluster(address, timeout=0.5))


@pytest.mark.slow
def test_a_cluster_without_workers_or_with_others_is_refused_with_what_to_do(tmp_path):
    """A scheduler that has no package is no obstacle; workers without it, with another, or without the task's modules are."""
    other, none = stub(tmp_path / "old", '__version__ = "99.0"'), stub(tmp_path / "none", "raise ImportError")
    with scheduler(tmp_path, PYTHONPATH=none) as (address, process):
        cluster = Cluster(address, timeout=60)
        with pytest.raises(RunError, match=r"scheduler at tcp.* has no workers; start some with `dask worker ADDRESS`"):
            sweep(sweep_tasks.noisy_sum, SHORT, seed=1, workers=Cluster(address, timeout=0.5))
        with (
            worker(tmp_path, address, PYTHONPATH=none),
            pytest.raises(RunError, match=r"worker tcp.* has no package nmrqb; install"),
        ):
            sweep(sweep_tasks.noisy_sum, SHORT, seed=1, workers=cluster)
        with (
            worker(tmp_path, address, PYTHONPATH=other),
            pytest.raises(RunError, match=r"other versions \(nmrqb 99.0 there, .* here\); install the same"),
        ):
            sweep(sweep_tasks.noisy_sum, SHORT, seed=1, workers=cluster)
        with worker(tmp_path, address):
            assert sweep(sweep_tasks.noisy_sum, SHORT, seed=1, workers=cluster).identical(
                sweep(sweep_tasks.noisy_sum, SHORT, seed=1)
            )
            with pytest.raises(RunError, match="no module 'not_to_be_found_anywhere'; workers need"):
                sweep(sweep_tasks.missing_module, SHORT, seed=1, workers=cluster)
            with pytest.raises(ValueError, match="found a = 9"):
                sweep(sweep_tasks.failing, grid(a=[9.0], b=[0.0]), seed=1, workers=cluster)
            end = threading.Timer(0.3, os.killpg, (process.pid, signal.SIGKILL))
            end.start()
            with pytest.raises(RunError, match=f"no dask scheduler answers at '{address}'"):
                sweep(
                    sweep_tasks.slow,
                    grid(a=np.arange(1000.0), b=[0.5]),
                    seed=1,
                    workers=Cluster(address, timeout=1),
                )
            end.join()


def test_python_of_another_version_is_refused():
    from nmrqb.sweep.cluster import _check_python

    here = {"host": {"python": ".".join(map(str, sys.version_info))}}
    _check_python({"scheduler": here, "workers": {"tcp://a:1": here}})
    other = {"host": {"python": "3.9.1.final.0"}}
    with pytest.raises(RunError, match=r"the worker tcp://a:1 has other versions \(Python 3.9 there, 3\.\d+ here\)"):
        _check_python({"scheduler": here, "workers": {"tcp://a:1": other}})
    with pytest.raises(RunError, match=r"the dask scheduler has other versions \(Python 3.9 there"):
        _check_python({"scheduler": other, "workers": {}})


@pytest.mark.slow
def test_twenty_killed_workers_of_a_dask_cluster_change_no_number_and_lose_none():
    """Each kill hits one of two workers at a random moment of a sweep that is under way."""
    import dask
    import distributed

    design = grid(a=np.arange(800.0), b=[0.5])
    expected = sweep(sweep_tasks.noisy_sum, design, seed=5, chunk=10)
    rng, killed, under_way, over = np.random.default_rng(11), [], threading.Event(), threading.Event()

    def kill(cluster):
        while len(killed) < 20 and not over.is_set():
            time.sleep(float(rng.uniform(0.02, 0.3)))
            processes = [w.process.pid for w in cluster.workers.values() if w.process is not None and w.process.pid]
            alive = [pid for pid in processes if pid not in killed]
            if alive and under_way.is_set():
                pid = alive[int(rng.integers(len(alive)))]
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    # workers that are forked from one that has loaded all are back sooner
    fast = {"distributed.worker.multiprocessing-method": "forkserver"}
    with dask.config.set(fast), distributed.LocalCluster(**how) as cluster:
        killer = threading.Thread(target=kill, args=(cluster,))
        killer.start()
        try:
            for _ in range(40):
                last = len(killed)
                progress = lambda done, total: under_way.set() if 0 < done < total else under_way.clear()  # noqa: E731
                found = sweep(
                    sweep_tasks.slow,
                    design,
                    seed=5,
                    chunk=10,
                    progress=progress,
                    workers=Cluster(cluster.scheduler_address, timeout=60),
                )
                assert found.identical(expected), f"after {last} to {len(killed)} kills"
                if len(killed) == 20:
                    break
        finally:
            over.set()
            killer.join()
    assert len(set(killed)) == 20


def test_no_garbage_is_collected_while_dask_starts():
    from nmrqb.sweep.cluster import _started

    assert _started(gc.isenabled) is False
    assert gc.isenabled()

    def refuse():
        raise AssertionError

    with pytest.raises(RunError, match="dask does not start"):
        _started(refuse)
    assert gc.isenabled()


def test_answers_that_cannot_come_any_more_are_not_waited_for(monkeypatch):
    """As when a scheduler dies and its client never says so: the futures stay as they are."""

    class Silent(Executor):
        def submit(self, *_):
            return Future()

    class Gone:
        @contextmanager
        def open(self):
            yield Team(Silent(), 4, lambda: False)

    monkeypatch.setattr("nmrqb.sweep.plan._GLANCE", 0.01)
    with pytest.raises(RunError, match="workers died 4 times in a row at chunk 0"):
        sweep(sweep_tasks.noisy_sum, SHORT, seed=1, workers=Gone())
