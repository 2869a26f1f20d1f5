"""A sweep of 10,000 points on a dask cluster of this machine with two workers, against one process."""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "sweep"))  # workers find tasks there too
import sweep_tasks

from nmrqb.sweep import Cluster, grid, sweep
from nmrqb.sweep.executors import spawning

POINTS, ROUNDS = 10_000, 3
DESIGN = grid(a=np.arange(float(POINTS)), b=[0.5])


def half(first):
    """Half of the work with nothing around it."""
    sweep_tasks.busy({"a": DESIGN.values["a"][first : first + POINTS // 2]}, sweep_tasks.MILLISECONDS)


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def processor_time(client):
    """What this process, where scheduler and client are, and the workers have used of processors."""
    return time.process_time() + sum(client.run(time.process_time).values())


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two workers need two processors")
def test_two_dask_workers_do_a_sweep_in_little_more_than_half_the_time(monkeypatch):
    """Work of 1.05 ms of processor time a point, by one process, by the cluster, and by two bare processes in one round.

    What two processes can gain depends on what else the machine does. So the cluster is held to two bare processes that
    share the work in the same round: it loses at most an eighth to them (in the better of the rounds, for others come and go), which is a factor of 1.75 where they reach 2; and
    wherever they reach 1.95 the plain factor is held to 1.7 as well. Whatever the load, processor time of the sweep beyond
    that of the work is bounded: twice the work's over all of it is the factor that two free processors allow. The cluster
    stands before the clock starts.
    """
    import distributed

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (Path(__file__).parents[2], *sys.path[:1]))))
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    rounds = {"serial": [], "dask": [], "bare": [], "used": []}
    with spawning():
        bare = ProcessPoolExecutor(2, get_context("spawn"))
        list(bare.map(len, ["", ""]))
    with bare, distributed.LocalCluster(**how) as cluster, distributed.Client(cluster) as client:
        workers = Cluster(cluster.scheduler_address, timeout=60)
        warm = grid(a=np.arange(100.0), b=[0.5])
        expected = sweep(sweep_tasks.noisy_sum, DESIGN, seed=1)
        sweep(sweep_tasks.millisecond, warm, seed=1, chunk=5, workers=workers)
        list(bare.map(sweep_tasks.busy, [warm.values] * 4, [0.1] * 4))
        for _ in range(ROUNDS):
            found = []
            rounds["serial"].append(timed(lambda: sweep(sweep_tasks.millisecond, DESIGN, seed=1)))
            before = processor_time(client)
            rounds["dask"].append(
                timed(lambda: found.append(sweep(sweep_tasks.millisecond, DESIGN, seed=1, workers=workers)))  # noqa: B023
            )
            rounds["used"].append(processor_time(client) - before)
            rounds["bare"].append(timed(lambda: list(bare.map(half, [0, POINTS // 2]))))
            assert found[0].identical(expected)
    serial, dask, two = (np.array(rounds[name]) for name in ("serial", "dask", "bare"))
    plain, ideal, share = float(np.median(serial / dask)), float(np.median(serial / two)), float(np.max(two / dask))
    allowed = 2 * POINTS * sweep_tasks.MILLISECONDS * 1e-3 / float(np.median(rounds["used"]))
    print(f"\nsweep of {POINTS} points: dask {plain:.2f} x serial, two bare processes {ideal:.2f} x, share {share:.3f}")
    print(f"processor time allows {allowed:.2f} x on two free processors")
    assert share >= 0.875
    assert allowed >= 1.7
    if ideal >= 1.95:
        assert plain >= 1.7
