"""`nmrqb sweep` and `nmrqb resume` as users call them: killed, interrupted, on clusters, and given the wrong thing."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_line import CommandLine, complaints, in_process, refused, write_files
from dask_processes import scheduler, worker
from sweep_texts import RANDOM, SWEEP

# one point each, so that there is something to kill
LONG = "chunk = 1\n" + SWEEP.replace("points = 3", "points = 20")


@pytest.fixture
def place(tmp_path, monkeypatch):
    write_files(tmp_path)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "long.toml").write_text(LONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder):
    return {name: (Path(folder) / name).read_bytes() for name in ("data.nc", "figure.png")}


def state(folder):
    return json.loads((Path(folder) / "run.json").read_text())["state"]


def begun(process, folder, chunks):
    """Wait until so many chunks are finished."""
    while len(list(Path(folder).glob("chunks/0*.npz"))) < chunks:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def gone(group):
    """Whether all processes of a group end by themselves, within seconds."""
    for _ in range(200):
        found = subprocess.run(["ps", "-o", "pid=,stat=", "-g", str(group)], capture_output=True, text=True).stdout
        if not [line for line in found.splitlines() if "Z" not in line.split()[1]]:
            return True
        time.sleep(0.05)
    return False


def test_a_sweep_leaves_data_a_figure_and_what_it_was_asked(place, capsys):
    code, out, err = in_process(capsys, "sweep", "sweep.toml", "--seed", 4, "--out", "out")
    assert (code, err) == (0, "")
    assert out.endswith("6 points. Wrote out/: data.nc, figure.png, chunks, inputs.\n")
    assert {p.name for p in (place / "out/inputs").iterdir()} >= {
        "sweep.toml",
        "experiment.toml",
        "sample.toml",
        "sequence.toml",
    }
    assert state("out") == "finished"
    whole = written("out")
    for command in ("resume", "sweep"):
        assert in_process(capsys, command, "out") == (0, "out is finished: there is nothing left to run.\n", "")
    for name in whole:
        (place / "out" / name).unlink()
        (place / "sample.toml").write_text("gone")
        assert in_process(capsys, "resume", "out")[0] == 0
        assert written("out") == whole


def test_check_knows_sweeps(place, capsys):
    (place / "random.toml").write_text(RANDOM)
    code, out, _ = in_process(capsys, "check", "sweep.toml", "random.toml")
    assert code == 0
    assert out.splitlines() == [
        "sweep.toml: a good sweep: experiment at 6 points",
        "random.toml: a good sweep: experiment at 8 points",
    ]
    (place / "sweep.toml").write_text(SWEEP.replace('"200 us"', '"-200 us"'))
    assert "tau = -0.0002 s" in refused(capsys, "check", "sweep.toml")


def test_each_command_says_which_one_is_meant(place, capsys):
    assert refused(capsys, "run", "sweep.toml") == (
        "sweep.toml: this is a sweep, and no experiment; run it with: nmrqb sweep sweep.toml"
    )
    assert refused(capsys, "sweep", "experiment.toml") == (
        "experiment.toml: this is an experiment, and no sweep; run it with: nmrqb run experiment.toml"
    )
    assert in_process(capsys, "run", "experiment.toml", "--engine", "exact", "--out", "run")[0] == 0
    assert (
        refused(capsys, "sweep", "run") == "run: the folder holds a run, and no sweep; go on with it: nmrqb resume run"
    )


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--executor", "proceses"], "--executor: no executor is called 'proceses'; did you mean 'processes'?"),
        (["--workers", "0"], "--workers: found 0; a whole number from 1"),
        (["--workers", "2", "--executor", "serial"], "--workers: found 2 with --executor serial"),
        (["--scheduler", "tcp://a:1", "--workers", "2"], "--workers: found a scheduler beside it"),
        (["--scheduler", "tcp://a:1", "--executor", "processes"], "--executor: found a scheduler beside it"),
        (["--seed", "-1"], "--seed: found -1; a whole number from 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(place, capsys, options, found):
    assert refused(capsys, "sweep", "sweep.toml", *options).startswith(found)


def test_options_that_a_begun_sweep_does_not_take_are_refused(place, capsys):
    (place / "out").mkdir()
    assert refused(capsys, "sweep", "out", "--seed", 1) == "--seed: found a sweep to go on with; leave it out"
    assert refused(capsys, "sweep", "out").startswith("out: no run was begun here")


def test_a_scheduler_that_does_not_answer_leaves_a_sweep_that_goes_on(place, capsys):
    code, _, err = in_process(
        capsys, "sweep", "sweep.toml", "--seed", 4, "--out", "out", "--scheduler", "tcp://127.0.0.1:9"
    )
    (line,) = complaints(err)
    assert code == 1
    assert line.startswith("no dask scheduler answers at 'tcp://127.0.0.1:9'")
    assert line.endswith("then go on with it: nmrqb resume out")
    assert state("out") == "failed"
    assert in_process(capsys, "resume", "out")[0] == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are sent to groups of processes")
def test_kills_and_ctrl_c_leave_a_sweep_that_ends_with_the_same_bytes(place, capsys):
    """SIGKILL for the command alone, whose workers must not outlive it; then Ctrl-C for all; then the rest in one process."""
    nmrqb = CommandLine(None)
    assert in_process(capsys, "sweep", "long.toml", "--seed", 4, "--out", "calm")[0] == 0
    start = {"cwd": place, "start_new_session": True, "env": nmrqb.environment | dict(os.environ)}
    process = nmrqb.start("sweep", "long.toml", "--seed", 4, "--out", "wild", "--workers", 2, **start)
    begun(process, "wild", 3)
    process.kill()
    process.communicate()
    assert gone(process.pid)
    assert state("wild") == "running"
    before = len(list((place / "wild/chunks").iterdir()))
    process = nmrqb.start("sweep", "wild", "--workers", 2, **start)
    begun(process, "wild", before + 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert complaints(err) == ["interrupted; go on with it: nmrqb resume wild"]
    assert process.returncode == 1
    assert gone(process.pid)
    assert state("wild") == "interrupted"
    assert len(list((place / "wild/chunks").iterdir())) < 40
    assert in_process(capsys, "resume", "wild")[0] == 0
    assert written("wild") == written("calm")


@pytest.mark.slow
def test_a_scheduler_of_the_user_with_two_workers_gives_the_same_bytes(place, capsys):
    """`dask scheduler` and two `dask worker` in processes of their own, none of which sees our files."""
    assert in_process(capsys, "sweep", "long.toml", "--seed", 4, "--out", "here")[0] == 0
    far = place / "far"
    far.mkdir()
    with scheduler(far) as (address, _), worker(far, address), worker(far, address):
        code, out, err = in_process(capsys, "sweep", "long.toml", "--seed", 4, "--out", "there", "--scheduler", address)
    assert (code, err) == (0, "")
    assert "40 points." in out
    assert written("there") == written("here")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are sent to groups of processes")
def test_ctrl_c_on_a_local_cluster_is_one_line_and_leaves_no_process(place):
    nmrqb = CommandLine(None)
    start = {"cwd": place, "start_new_session": True, "env": nmrqb.environment | dict(os.environ)}
    process = nmrqb.start("sweep", "long.toml", "--out", "out", "--executor", "dask", "--workers", 2, **start)
    begun(process, "out", 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert complaints(err) == ["interrupted; go on with it: nmrqb resume out"]
    assert gone(process.pid)
