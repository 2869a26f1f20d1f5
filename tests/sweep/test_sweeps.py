"""Sweeps: the answer depends on the points and the seed alone, whoever works, dies, or is told to go on."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sweep_tasks
import xarray as xr

from nmrqb.errors import InputError, RunError
from nmrqb.sweep import Cluster, Processes, Serial, grid, random_design, sweep
from nmrqb.sweep.executors import _worker_versions

GRID = grid({"a": "Hz"}, a=np.arange(6.0), b=[1.0, 2.0, 4.0])


def test_a_grid_becomes_axes_with_units():
    found = sweep(sweep_tasks.noisy_sum, GRID, seed=1)
    assert found["total"].dims == ("a", "b")
    assert np.array_equal(found["total"], np.arange(6.0)[:, None] + 10 * np.array([1.0, 2.0, 4.0]))
    assert found["drawn"].dims == ("a", "b", "drawn_1")
    assert found["a"].attrs["units"] == "Hz"


def test_random_points_keep_their_parameters_beside_them():
    for how in ("uniform", "sobol", "latin"):
        design = random_design(50, 3, {"a": (0.0, 1.0), "b": (5.0, 2.0)}, how=how)
        found = sweep(sweep_tasks.noisy_sum, design, seed=1)
        assert np.allclose(found["total"], found["a"] + 10 * found["b"])
        assert found["a"].min() >= 0
        assert found["a"].max() <= 1
        assert found["b"].min() >= 2
        assert found["b"].max() <= 5
        again = random_design(50, 3, {"a": (0.0, 1.0), "b": (5.0, 2.0)}, how=how)
        assert np.array_equal(again.values["a"], design.values["a"])
        assert not np.array_equal(random_design(50, 4, {"a": (0.0, 1.0)}, how=how).values["a"], design.values["a"])


def test_latin_and_sobol_fill_a_range_more_evenly_than_chance():
    from scipy.stats import qmc

    ranges = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    made = {how: random_design(64, 5, ranges, how=how).values for how in ("uniform", "sobol", "latin")}
    gaps = {how: qmc.discrepancy(np.stack(list(v.values()), axis=-1)) for how, v in made.items()}
    assert gaps["sobol"] < gaps["uniform"] / 2
    assert gaps["latin"] < gaps["uniform"]


@pytest.mark.parametrize("chunk", [1, 4, 7, 100])
def test_whoever_works_gives_the_same_numbers(chunk):
    serial = sweep(sweep_tasks.noisy_sum, GRID, seed=7, chunk=chunk)
    with ThreadPoolExecutor(3) as pool:
        assert sweep(sweep_tasks.noisy_sum, GRID, seed=7, chunk=chunk, workers=pool).identical(serial)
    assert not sweep(sweep_tasks.noisy_sum, GRID, seed=8, chunk=chunk)["drawn"].equals(serial["drawn"])


def test_processes_of_any_number_give_the_same_numbers():
    serial = sweep(sweep_tasks.noisy_sum, GRID, seed=7, chunk=2, workers=Serial())
    assert sweep(sweep_tasks.noisy_sum, GRID, seed=7, chunk=2, workers=Processes(2)).identical(serial)


def test_progress_counts_points_to_the_end():
    told = []
    sweep(sweep_tasks.noisy_sum, GRID, seed=1, chunk=4, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 18), (4, 18), (8, 18), (12, 18), (16, 18), (18, 18)]


def test_finished_chunks_are_not_done_again(tmp_path):
    with pytest.raises(ValueError, match="found a = "):
        sweep(sweep_tasks.failing, grid(a=np.arange(10.0), b=[0.0]), seed=1, chunk=2, folder=tmp_path, identity="t")
    kept = sorted(path.name for path in (tmp_path / "chunks").iterdir())
    assert kept == ["000000.nc", "000001.nc", "000002.nc"]
    before = {name: (tmp_path / "chunks" / name).stat().st_mtime_ns for name in kept}
    whole = sweep(
        sweep_tasks.noisy_sum, grid(a=np.arange(10.0), b=[0.0]), seed=1, chunk=2, folder=tmp_path, identity="t"
    )
    assert {name: (tmp_path / "chunks" / name).stat().st_mtime_ns for name in kept} == before
    assert whole.identical(sweep(sweep_tasks.noisy_sum, grid(a=np.arange(10.0), b=[0.0]), seed=1, chunk=2))


def test_a_folder_of_another_sweep_is_refused(tmp_path):
    sweep(sweep_tasks.noisy_sum, GRID, seed=1, folder=tmp_path)
    for other in ({"seed": 2}, {"seed": 1, "chunk": 3}, {"seed": 1, "identity": "other"}):
        with pytest.raises(InputError, match="holds another sweep"):
            sweep(sweep_tasks.noisy_sum, GRID, folder=tmp_path, **other)


def test_workers_that_always_die_end_the_sweep_with_a_sentence():
    with pytest.raises(RunError, match=r"workers died 8 times in a row at chunk 0"):
        sweep(sweep_tasks.deadly, grid(a=[1.0]), seed=1, workers=Processes(1))


def test_bad_sweeps_are_refused_with_what_was_found():
    for call, found in (
        (lambda: grid(a=[]), r"a must .*\(0,\)"),
        (lambda: grid(a=[1.0, np.nan]), "nan"),
        (lambda: grid(), "without parameters"),
        (lambda: grid(a=np.zeros(10_000), b=np.zeros(10_000)), "100000000 points"),
        (lambda: random_design(0, 1, {"a": (0, 1)}), "points must .* is 0"),
        (lambda: random_design(5, 1, {}), "ranges must"),
        (lambda: random_design(5, 1, {"a": (0, 1)}, how="grid"), "'grid'"),
        (lambda: sweep(sweep_tasks.noisy_sum, GRID, seed=-1), "seed must .* is -1"),
        (lambda: sweep(sweep_tasks.noisy_sum, GRID, seed=1, chunk=0), "chunk must .* is 0"),
        (lambda: sweep(sweep_tasks.misshapen, GRID, seed=1), r"\(19,\).*for 18 points"),
        (lambda: Processes(0), "workers must .* is 0"),
        (lambda: Cluster(workers=0), "workers must .* is 0"),
    ):
        with pytest.raises(ValueError, match=found):
            call()


def test_a_scheduler_that_does_not_answer_is_named():
    with pytest.raises(RunError, match=r"no dask scheduler answers at 'tcp://127.0.0.1:9'.*dask scheduler"):
        sweep(sweep_tasks.noisy_sum, GRID, seed=1, workers=Cluster("tcp://127.0.0.1:9", timeout=0.5))
    with pytest.raises(RunError, match="'nonsense'"):
        sweep(sweep_tasks.noisy_sum, GRID, seed=1, workers=Cluster("nonsense", timeout=0.5))


def test_versions_are_compared_where_they_are():
    here = _worker_versions()
    assert set(here) == {"nmrqb", "python", "numpy", "scipy"}
    assert here["numpy"] == np.__version__


@pytest.mark.slow
def test_twenty_killed_workers_change_no_number_and_a_worker_of_other_versions_is_refused(monkeypatch):
    """On a real dask cluster: workers are killed at random moments while the sweep runs."""
    import distributed

    design = grid(a=np.arange(4000.0), b=[0.5])
    expected = sweep(sweep_tasks.noisy_sum, design, seed=5, chunk=20)
    rng = np.random.default_rng(11)
    killed: list[int] = []
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    with distributed.LocalCluster(**how) as cluster:
        stop = threading.Event()

        def murder():
            while not stop.is_set() and len(killed) < 20:
                time.sleep(float(rng.uniform(0.05, 0.4)))
                alive = [w for w in cluster.workers.values() if w.process is not None and w.process.pid]
                if alive:
                    pid = alive[int(rng.integers(len(alive)))].process.pid
                    if pid not in killed:
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)

        killer = threading.Thread(target=murder)
        killer.start()
        rounds = 0
        while len(killed) < 20 and rounds < 40:
            found = sweep(
                sweep_tasks.slow, design, seed=5, chunk=20, workers=Cluster(cluster.scheduler_address, timeout=60)
            )
            assert found.identical(expected)
            rounds += 1
        stop.set()
        killer.join()
        assert len(killed) == 20
        monkeypatch.setattr(np, "__version__", np.__version__)
        monkeypatch.setattr("nmrqb.__version__", "99.0")
        with pytest.raises(RunError, match=r"other versions \(nmrqb .* there, 99.0 here\)"):
            sweep(sweep_tasks.noisy_sum, GRID, seed=5, workers=Cluster(cluster.scheduler_address, timeout=60))


@pytest.mark.slow
def test_a_killed_sweep_that_goes_on_ends_with_the_same_bytes(tmp_path):
    """The whole process group is killed at random moments, then the sweep goes on from its folder."""
    script = (
        "import sys, numpy as np, sweep_tasks\nfrom pathlib import Path\nfrom nmrqb.sweep import Processes, grid, sweep\n"
        "from nmrqb.runs import write_netcdf\n"
        "if __name__ == '__main__':\n"
        "    folder = Path(sys.argv[1])\n"
        "    data = sweep(sweep_tasks.slow, grid(a=np.arange(400.0), b=[0.5]), seed=5, chunk=8, folder=folder)\n"
        "    write_netcdf(data, folder / 'data.nc')\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script]
    subprocess.run([*command, tmp_path / "calm"], env=environment, check=True)
    rng = np.random.default_rng(3)
    kills = 0
    for _ in range(12):
        process = subprocess.Popen([*command, tmp_path / "wild"], env=environment, start_new_session=True)
        seen = len(list((tmp_path / "wild" / "chunks").glob("0*.nc"))) if (tmp_path / "wild" / "chunks").exists() else 0
        while process.poll() is None:  # until it has done something more, then at a random moment
            now = len(list((tmp_path / "wild" / "chunks").glob("0*.nc"))) if (tmp_path / "wild").exists() else 0
            if now > seen:
                time.sleep(float(rng.uniform(0, 0.1)))
                break
            time.sleep(0.005)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
        if (tmp_path / "wild" / "data.nc").exists():
            break
    subprocess.run([*command, tmp_path / "wild"], env=environment, check=True)
    assert kills >= 3
    assert (tmp_path / "wild" / "data.nc").read_bytes() == (tmp_path / "calm" / "data.nc").read_bytes()
    with xr.open_dataset(tmp_path / "wild" / "data.nc", engine="h5netcdf") as data:
        assert data["total"].shape == (400, 1)
