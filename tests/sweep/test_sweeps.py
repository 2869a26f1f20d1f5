"""Sweeps: the answer depends on the points and the seed alone, whoever works, and what is finished is not done again."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sweep_tasks
import xarray as xr

from nmrqb.errors import InputError, RunError
from nmrqb.sweep import Cluster, Processes, Serial, grid, random_design, sweep
from nmrqb.sweep.chunk import chunk_size, run_chunk, versions
from nmrqb.sweep.packing import join, pack

GRID = grid({"a": "Hz"}, a=np.arange(6.0), b=[1.0, 2.0, 4.0])
LINE = grid(a=np.arange(10.0), b=[0.0])


def test_a_grid_becomes_axes_with_units():
    found = sweep(sweep_tasks.noisy_sum, GRID, seed=1)
    assert found["total"].dims == ("a", "b")
    assert np.array_equal(found["total"], np.arange(6.0)[:, None] + 10 * np.array([1.0, 2.0, 4.0]))
    assert found["drawn"].dims == ("a", "b", "drawn_1")
    assert found["a"].attrs["units"] == "Hz"


def test_a_task_with_axes_of_its_own_keeps_them():
    found = sweep(sweep_tasks.labelled, GRID, seed=1, chunk=4)
    assert found["power"].dims == ("a", "b", "who")
    assert found["power"].attrs["units"] == "W"
    assert (found.attrs["title"], found.attrs["p"]) == ("Powers", 0.5)
    assert np.array_equal(found["power"].sel(who="theory", b=2.0), found["a"])


def test_random_points_keep_their_parameters_beside_them():
    for how in ("uniform", "sobol", "latin"):
        design = random_design(50, 3, {"a": (0.0, 1.0), "b": (5.0, 2.0)}, how=how)
        found = sweep(sweep_tasks.noisy_sum, design, seed=1)
        assert np.allclose(found["total"], found["a"] + 10 * found["b"])
        assert 0 <= found["a"].min() <= found["a"].max() <= 1
        assert 2 <= found["b"].min() <= found["b"].max() <= 5
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


def test_every_chunk_draws_from_a_seed_of_its_own():
    found = sweep(sweep_tasks.noisy_sum, grid(a=np.arange(40.0), b=[0.0]), seed=7, chunk=1)["drawn"].values
    assert len(np.unique(found)) == found.size


def test_progress_counts_points_to_the_end():
    told = []
    sweep(sweep_tasks.noisy_sum, GRID, seed=1, chunk=4, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 18), (4, 18), (8, 18), (12, 18), (16, 18), (18, 18)]


def test_finished_chunks_are_not_done_again(tmp_path):
    with pytest.raises(ValueError, match="found a = ") as failure:
        sweep(sweep_tasks.failing, LINE, seed=1, chunk=2, folder=tmp_path, identity="t")
    assert failure.value.__notes__ == ["in chunk 3 of the sweep, points 6 to 7"]
    kept = sorted(path.name for path in (tmp_path / "chunks").iterdir())
    assert kept == ["0000000.npz", "0000001.npz", "0000002.npz"]
    before = {name: (tmp_path / "chunks" / name).stat().st_mtime_ns for name in kept}
    told = []
    how = {"seed": 1, "chunk": 2, "folder": tmp_path, "identity": "t"}
    whole = sweep(sweep_tasks.noisy_sum, LINE, progress=lambda *done: told.append(done), **how)
    assert told == [(6, 10), (8, 10), (10, 10)]
    assert {name: (tmp_path / "chunks" / name).stat().st_mtime_ns for name in kept} == before
    assert whole.identical(sweep(sweep_tasks.noisy_sum, LINE, seed=1, chunk=2))


def test_what_others_finished_is_kept_when_one_fails(tmp_path):
    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="found a = 9"):
        sweep(
            sweep_tasks.failing, grid(a=[9.0, 1.0, 2.0, 3.0], b=[0.0]), seed=1, chunk=1, folder=tmp_path, workers=pool
        )
    # the pool may have begun others, but what had come back beside the failure is there
    assert "0000000.npz" not in {path.name for path in (tmp_path / "chunks").iterdir()}


def test_a_folder_of_another_sweep_is_refused(tmp_path):
    sweep(sweep_tasks.noisy_sum, GRID, seed=1, folder=tmp_path)
    for other, found in (
        ({"seed": 2}, r"another sweep \(seed 1, not 2\)"),
        ({"seed": 1, "chunk": 3}, r"another sweep \(chunk 18, not 3\)"),
        ({"seed": 1, "identity": "other"}, r"task sweep_tasks.noisy_sum, not other"),
    ):
        with pytest.raises(InputError, match=found):
            sweep(sweep_tasks.noisy_sum, GRID, folder=tmp_path, **other)
    (tmp_path / "sweep.json").write_text("[]")
    with pytest.raises(InputError, match="holds another sweep; go on with"):
        sweep(sweep_tasks.noisy_sum, GRID, seed=1, folder=tmp_path)


def test_a_damaged_chunk_is_named(tmp_path):
    sweep(sweep_tasks.noisy_sum, LINE, seed=1, chunk=2, folder=tmp_path)
    file = tmp_path / "chunks" / "0000003.npz"
    good = file.read_bytes()
    for bad in (b"", good[:100], good[:200] + b"x" * 40 + good[240:], good[:-30]):
        file.write_bytes(bad)
        with pytest.raises(RunError, match=r"chunk 3 of the sweep is damaged .*remove its file"):
            sweep(sweep_tasks.noisy_sum, LINE, seed=1, chunk=2, folder=tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file.*cannot be written"):
        sweep(sweep_tasks.noisy_sum, GRID, seed=1, folder=tmp_path / "file")
    (tmp_path / "chunks" / "0000000.npz").mkdir(parents=True)
    with pytest.raises(RunError, match=r"0000000.npz cannot be written .*make room"):
        sweep(sweep_tasks.noisy_sum, GRID, seed=1, folder=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="files are limited in size by a system call")
def test_a_full_disk_costs_the_chunk_that_found_no_room(tmp_path):
    import resource

    how = {"seed": 1, "chunk": 2, "folder": tmp_path}
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    try:
        with pytest.raises(RunError, match=r"0000000.npz cannot be written \(file too large\); make room"):
            sweep(sweep_tasks.noisy_sum, LINE, **how)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert list((tmp_path / "chunks").iterdir()) == []
    assert sweep(sweep_tasks.noisy_sum, LINE, **how).identical(sweep(sweep_tasks.noisy_sum, LINE, seed=1, chunk=2))


def test_a_chunk_keeps_what_it_is_given_and_joins_with_others():
    data = xr.Dataset({"a": ("point", [1.0, np.nan]), "flag": ("point", [True, False]), "unit": ((), "Hz")})
    assert join([pack(data)]).identical(data)
    assert pack(data) == pack(data.copy(deep=True))
    assert join([pack(data), pack(data)])["a"].sizes == {"point": 4}
    for other, found in (
        (data.assign(unit="kHz"), "'unit' .* not the same in all chunks"),
        (data.drop_vars("flag"), r"with \['a', 'unit'\]"),
        (data.assign(a=(("point", "x"), np.zeros((2, 3)))), "the same at all points"),
    ):
        with pytest.raises(ValueError, match=found):
            join([pack(data), pack(other)])


def test_a_worker_of_other_versions_that_came_late_is_refused():
    values = {"a": np.zeros(1), "b": np.zeros(1)}
    assert run_chunk(sweep_tasks.noisy_sum, values, 1, 0, versions())
    with pytest.raises(RunError, match=r"a worker has other versions \(nmrqb .*, not 99.0\); install the same"):
        run_chunk(sweep_tasks.noisy_sum, values, 1, 0, versions() | {"nmrqb": "99.0"})


def test_chunks_are_neither_small_nor_many():
    sizes = [chunk_size(None, n) for n in (1, 20, 2560, 2561, 10_000, 10_000_000)]
    assert sizes == [1, 20, 20, 21, 79, 2000]
    assert chunk_size(7, 5) == 5


def answers(value):
    return lambda values, rng: value


def test_bad_sweeps_are_refused_with_what_was_found():
    for call, found in (
        (lambda: grid(a=[]), r"a must .*\(0,\)"),
        (lambda: grid(a=[1.0, np.nan]), "nan"),
        (lambda: grid(), "without parameters"),
        (lambda: grid(point=[1.0]), "parameter 'point'"),
        (lambda: grid(a=np.zeros(10_000), b=np.zeros(10_000)), "100000000 points"),
        (lambda: random_design(0, 1, {"a": (0, 1)}), "points must .* is 0"),
        (lambda: random_design(5, 1, {}), "ranges must"),
        (lambda: random_design(5, 1, {"a": (0, 1, 2)}), r"a must .*\(3,\)"),
        (lambda: random_design(5, 1, {"a": (0, 1)}, how="grid"), "'grid'"),
        (lambda: sweep(sweep_tasks.noisy_sum, GRID, seed=-1), "seed must .* is -1"),
        (lambda: sweep(sweep_tasks.noisy_sum, GRID, seed=True), "seed must .* is True"),
        (lambda: sweep(sweep_tasks.noisy_sum, GRID, seed=1, chunk=0), "chunk must .* is 0"),
        (lambda: sweep(answers({"x": np.zeros(19)}), GRID, seed=1), "18 points, but is one for 19 points"),
        (lambda: sweep(answers({"x": 1.0}), GRID, seed=1), "'x' .* single value"),
        (lambda: sweep(answers({}), GRID, seed=1), "answer .* empty"),
        (lambda: sweep(answers(None), GRID, seed=1), "answer .* NoneType"),
        (lambda: sweep(answers(xr.Dataset({"x": ("time", np.zeros(18))})), GRID, seed=1), "is one for no points"),
        (lambda: sweep(answers({"a": np.zeros(18)}), GRID, seed=1), "other names .* 'a'"),
        (lambda: sweep(answers({"x": np.zeros(18, complex)}), GRID, seed=1), "'x' .* complex128"),
        (lambda: sweep(answers(xr.Dataset({"x": ("point", np.zeros(18))}, attrs={"f": len})), GRID, seed=1), "plain"),
        (lambda: Processes(0), "workers must .* is 0"),
        (lambda: Cluster(workers=0), "workers must .* is 0"),
    ):
        with pytest.raises(ValueError, match=found):
            call()


def test_serial_is_what_is_meant_without_workers():
    assert sweep(sweep_tasks.noisy_sum, GRID, seed=7, workers=Serial()).identical(
        sweep(sweep_tasks.noisy_sum, GRID, seed=7)
    )


HARNESS = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
import sweep_tasks
from nmrqb.runs import write_netcdf
from nmrqb.sweep import grid, sweep

def run(folder):
    data = sweep(sweep_tasks.slow, grid(a=np.arange(240.0), b=[0.5]), seed=5, chunk=4, folder=folder)
    write_netcdf(data, folder / "data.nc")

calm, wild = Path(sys.argv[1]) / "calm", Path(sys.argv[1]) / "wild"
run(calm)
rng, kills = np.random.default_rng(3), 0
while not (wild / "data.nc").exists():
    child = os.fork()
    if not child:
        run(wild)
        os._exit(0)
    seen = len(list(wild.glob("chunks/0*.npz")))
    while len(list(wild.glob("chunks/0*.npz"))) <= seen and not (wild / "data.nc").exists():
        time.sleep(0.001)
    time.sleep(float(rng.uniform(0, 0.03)))
    if kills < 20:
        os.kill(child, signal.SIGKILL)
        kills += 1
    os.waitpid(child, 0)
print(kills)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="processes are forked")
def test_a_killed_sweep_that_goes_on_ends_with_the_same_bytes(tmp_path):
    """The whole sweep is killed at random moments, twenty times at most, and goes on from its folder each time."""
    found = subprocess.run([sys.executable, "-c", HARNESS, tmp_path], capture_output=True, text=True, check=True)
    assert int(found.stdout) >= 10
    calm, wild = tmp_path / "calm", tmp_path / "wild"
    assert (wild / "data.nc").read_bytes() == (calm / "data.nc").read_bytes()
    for name in (path.name for path in (calm / "chunks").iterdir()):
        assert (wild / "chunks" / name).read_bytes() == (calm / "chunks" / name).read_bytes()
