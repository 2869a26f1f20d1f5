"""`nmrqb resume`: the same bytes as an undisturbed run, from the folder alone; and what it says of what it cannot go on with."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import (
    EXPERIMENT,
    SAMPLE,
    SEQUENCE,
    CommandLine,
    complaints,
    environment,
    in_process,
    refused,
    write_files,
)

from nmrqb.circuits.devices import names
from nmrqb.errors import InputError
from nmrqb.experiment import Experiment
from nmrqb.jobs.lock import Lock
from nmrqb.runs import inputs_of

SHORT = EXPERIMENT.replace("points = 3", "points = 2")
#: What a run writes after its inputs, in this order.
ORDER = ("data.nc", "curves.nc", "figure.png", "sequence.png", "report.html")
TOKEN = "an-account-token-5f0c9a7be1d24e8a"


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def told_as(folder, state, **changed):
    """Let run.json say something else."""
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": state, **changed}))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the three files and a run of them that nothing disturbed."""
    from nmrqb.cli import main

    place = write_files(tmp_path_factory.mktemp("finished"), experiment=SHORT)
    before = Path.cwd()
    os.chdir(place)
    try:
        with pytest.raises(SystemExit, match="0"):
            main(["run", "experiment.toml", "--seed", "4", "--out", "out"])
    finally:
        os.chdir(before)
    return place


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """A copy of that run, where the user's own files are gone."""
    shutil.copytree(finished / "out", tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "out"


@pytest.mark.parametrize("done", range(len(ORDER)))
def test_a_run_cut_short_after_any_of_its_files_ends_with_the_same_bytes(done, run, capsys):
    whole = content(run)
    for name in ORDER[done:]:
        (run / name).unlink()
    (run / f".{ORDER[done]}.partial").write_bytes(b"half")  # of another time: nobody's business
    told_as(run, "running")
    code, out, err = in_process(capsys, "resume", "out")
    assert (code, err) == (0, "")
    assert out.startswith("Charging, on few points\n")
    assert out.endswith("Wrote out/: report.html, figure.png, states.png, data.nc, curves.nc, inputs.\n")
    (run / f".{ORDER[done]}.partial").unlink()
    assert content(run) == whole


def test_a_finished_run_says_so_and_is_left_alone(run, capsys):
    whole = content(run)
    assert in_process(capsys, "resume", "out") == (0, "out is finished: there is nothing left to run.\n", "")
    assert content(run) == whole


def test_a_finished_run_whose_report_was_lost_gets_it_back(run, capsys):
    whole = content(run)
    (run / "report.html").unlink()
    assert in_process(capsys, "resume", "out")[0] == 0
    assert content(run) == whole


def test_shapes_profiles_and_names_come_from_the_folder(tmp_path, capsys, monkeypatch):
    """Files that the three name lie elsewhere, under names that say nothing; all of it is gone when the run goes on."""
    given, shapes = tmp_path / "given" / "deep", tmp_path / "given" / "shapes"
    sequence = SEQUENCE.replace(
        '{ pulse = "charge", phase = "x",', '{ pulse = "charge", phase = "x", shape = "mine", duration = "90 us",'
    )
    sequence += '[shapes.mine]\nfile = "../shapes/my shape.txt"\n[shapes.other]\nfile = "../other/my shape.txt"\n'
    experiment = SHORT.replace("sequence.toml", "charging.toml").replace("sample.toml", "../pair.toml")
    experiment += '[ensemble]\nprofile = "../shapes/coil.csv"\n'
    for path, text in {
        given / "mine.toml": experiment,
        given / "charging.toml": sequence,
        given.parent / "pair.toml": SAMPLE,
        shapes / "my shape.txt": "1 0\n3 0\n1 0\n",
        given.parent / "other" / "my shape.txt": "1 0\n1 90\n",
        shapes / "coil.csv": "0.9,1\n1.0,2\n1.1,1\n",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    for out in ("whole", "cut"):
        assert in_process(capsys, "run", "given/deep/mine.toml", "--engine", "exact", "--seed", 1, "--out", out)[0] == 0
    whole = content(tmp_path / "whole")
    assert {name for name in whole if name.startswith("inputs/")} == {
        "inputs/experiment.toml", "inputs/sequence.toml", "inputs/sample.toml",
        "inputs/shape-1-my_shape.txt", "inputs/shape-2-my_shape.txt", "inputs/profile-coil.csv",
    }  # fmt: skip
    assert whole["inputs/sequence.toml"].decode() == sequence
    assert b"[ensemble]\nprofile = &#34;../shapes/coil.csv&#34;" in whole["report.html"]
    assert json.loads(whole["run.json"])["names"] == {"experiment": "mine", "sequence": "charging", "sample": "pair"}
    shutil.rmtree(tmp_path / "given")
    shutil.move(tmp_path / "cut", tmp_path / "moved")
    for name in ORDER:
        (tmp_path / "moved" / name).unlink()
    told_as(tmp_path / "moved", "interrupted")
    monkeypatch.chdir("/")
    assert in_process(capsys, "resume", tmp_path / "moved")[0] == 0
    assert content(tmp_path / "moved") == whole


def test_a_file_that_went_between_reading_and_copying_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path, experiment=SHORT + '[ensemble]\nprofile = "coil.csv"\n'))
    (tmp_path / "coil.csv").write_text("1,1\n")
    experiment = Experiment.load("experiment.toml")
    assert inputs_of(experiment)["profile-coil.csv"] == b"1,1\n"
    (tmp_path / "coil.csv").unlink()
    with pytest.raises(InputError, match=r"coil\.csv: the file cannot be read \(no such file"):
        inputs_of(experiment)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda out: (out / "inputs" / "sample.toml").unlink(), "out/inputs/sample.toml: the file is missing; the run cannot go on without it"),
        (lambda out: (out / "inputs" / "sample.toml").write_text(SAMPLE.replace("1 kHz", "2 kHz")),
         "out/inputs/sample.toml: the file was changed since the run began; put it back, or begin another run with what you have"),
        (lambda out: (out / "run.json").unlink(), "out: no run was begun here; a folder that nmrqb run has written is needed"),
        (lambda out: (out / "run.json").write_text("{"), "out/run.json: the file is not the record of a run; nothing tells how the run was asked for; begin another"),
        (lambda out: (out / "run.json").write_text("[1]"), "out/run.json: the file is not the record of a run; nothing tells how the run was asked for; begin another"),
        (lambda out: told_as(out, "failed", seed="4"), "out/run.json: the file is not the record of a run; nothing tells how the run was asked for; begin another"),
        (lambda out: told_as(out, "failed", seed=-1), "out/run.json: the file is not the record of a run; nothing tells how the run was asked for; begin another"),
        (lambda out: told_as(out, "failed", names={}), "out/run.json: the file is not the record of a run; nothing tells how the run was asked for; begin another"),
        (lambda out: shutil.move(out, out.parent / "our"), "out: no such folder; did you mean our?"),
    ],
)  # fmt: skip
def test_what_a_run_cannot_go_on_with_is_said_in_one_sentence(change, told, run, capsys):
    told_as(run, "running")
    change(run)
    assert refused(capsys, "resume", "out") == told


def test_other_versions_are_refused_where_circuits_may_differ_and_told_of_elsewhere(run, capsys):
    whole, versions = content(run), json.loads((run / "run.json").read_text())["versions"]
    told_as(run, "running", versions={**versions, "qiskit": "2.1.0"})
    told = refused(capsys, "resume", "out")
    assert told.startswith("versions: the run was begun with qiskit 2.1.0, now ")
    assert told.endswith("install what it was begun with, or begin another run")
    told_as(run, "running", versions={**versions, "scipy": "1.2.3"})
    code, _, err = in_process(capsys, "resume", "out")
    (line,) = complaints(err)
    assert code == 0
    assert line.startswith("the run was begun with scipy 1.2.3, now ")
    assert line.endswith("its end may differ in the last digits")
    assert content(run)["data.nc"] == whole["data.nc"]
    assert json.loads((run / "run.json").read_text())["versions"]["scipy"] == "1.2.3"  # what it was begun with stays


def test_a_second_process_is_refused_and_changes_nothing(run, capsys):
    told_as(run, "running")
    before = content(run)
    with Lock(run):
        code, out, err = in_process(capsys, "resume", "out")
        assert (code, out) == (1, "")
        assert complaints(err) == [f"out is in use by process {os.getpid()}; wait until it has ended, or end it"]
        (run / ".lock").unlink()
    assert content(run) == before


def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path, experiment=SHORT))
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, err = in_process(capsys, "run", "experiment.toml", "--engine", "fake:torino", "--shots", 81, "--dry-run")
    rows = dict(line.split("  ", 1) for line in out.splitlines()[1:9])
    rows = {name: value.strip() for name, value in rows.items()}
    assert (code, err) == (0, "")
    # two points, two marks, nine settings, 81 shots each; three eigenstates beside three steps of the crusher's cycle at most
    assert int(rows["circuits"]) % 36 == 0
    assert int(rows["shots"].replace(" ", "")) == 36 * 81
    assert 1 <= int(rows["2-qubit gates"]) <= 4
    assert float(rows["machine time"].split()[0]) > 0
    assert out.endswith("Nothing was run, and nothing written.\n")
    assert in_process(capsys, "run", "experiment.toml", "--engine", "exact", "--dry-run")[1] == (
        "experiment on exact runs no circuits: it costs nothing but time here.\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_engine_that_is_not_there_is_refused_before_a_folder_is_made(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path))
    assert "did you mean 'torino'?" in refused(
        capsys, "run", "experiment.toml", "--engine", "fake:torinno", "--out", "out"
    )
    assert "fake:NAME" in refused(capsys, "run", "experiment.toml", "--engine", "qasm", "--out", "out")
    for missing, engine, told in (
        (
            "account_configured",
            "ibm:fez",
            "ibm:fez needs an IBM Quantum account, and none is configured; set QISKIT_IBM",
        ),
        ("runtime_installed", "ibm:fez", "pip install 'nmrqb[ibm]'"),
        (
            "runtime_installed",
            "fake:torino",
            "fake:torino needs qiskit-ibm-runtime, which is not installed; install it",
        ),
    ):
        monkeypatch.setattr(names, missing, lambda: False)
        code, out, err = in_process(capsys, "run", "experiment.toml", "--engine", engine, "--out", "out")
        assert (code, out) == (1, "")
        assert told in complaints(err)[0]
    assert not (tmp_path / "out").exists()


def test_counts_of_a_local_engine_are_kept_and_not_drawn_again(tmp_path, capsys, monkeypatch):
    """Killed after its circuits: what they gave is on disk, and the run goes on from there."""
    experiment = SHORT.replace("replicas = 5", 'replicas = 5\nsampling = "counts"')
    monkeypatch.chdir(write_files(tmp_path, experiment=experiment))
    assert in_process(capsys, "run", "experiment.toml", "--engine", "aer", "--seed", 5, "--out", "out")[0] == 0
    out = tmp_path / "out"
    whole = content(out)
    assert any(name.startswith("jobs/") and name.endswith(".npy") for name in whole)
    for name in ORDER:
        (out / name).unlink()
    told_as(out, "running")
    monkeypatch.setattr("nmrqb.circuits.execute.sampled", None)  # nothing may be sampled any more
    assert in_process(capsys, "resume", "out")[0] == 0
    assert content(out) == whole


def test_no_token_is_written_or_said(tmp_path):
    """Not in a run, nor in one that fails with the token in its words, nor when the machine is asked for."""
    write_files(tmp_path, experiment=SHORT)
    shell = {**environment(), "QISKIT_IBM_TOKEN": TOKEN, "HOME": str(tmp_path / "home"), "NMRQB_DEBUG": ""}
    before = (
        "import nmrqb.engines.shots as shots, os\n"
        "from nmrqb.errors import RunError\n"
        "def fail(*_, **__): raise RunError('refused: Bearer ' + os.environ['QISKIT_IBM_TOKEN'], 'ask')\n"
        "shots.open_machine = fail\n"
    )
    nmrqb = CommandLine(None)
    done = nmrqb("run", "experiment.toml", "--engine", "aer", "--out", "out", cwd=tmp_path, before=before, env=shell)
    assert done.returncode == 1
    assert complaints(done.stderr) == ["refused: Bearer ***; ask; then go on with it: nmrqb resume out"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["reason"] == "refused: Bearer ***; ask"
    assert not [name for name, data in content(tmp_path).items() if TOKEN.encode() in data]
    assert TOKEN not in done.stdout + done.stderr


def test_ctrl_c_leaves_a_run_that_goes_on(tmp_path, finished):
    """Real processes: stopped while it computes, it says how to go on, and ends with the bytes of an undisturbed run."""
    nmrqb, place = CommandLine(None), write_files(tmp_path, experiment=SHORT)
    before = (
        "import nmrqb.experiment.experiment as module, os, signal\n"
        "run = module.Experiment.run\n"
        "def stopped(*args, **how):\n    os.kill(os.getpid(), signal.SIGINT); return run(*args, **how)\n"
        "module.Experiment.run = stopped\n"
    )
    done = nmrqb("run", "experiment.toml", "--seed", 4, "--out", "out", cwd=place, before=before)
    assert (done.returncode, done.stdout) == (1, "")
    assert complaints(done.stderr) == ["interrupted; go on with it: nmrqb resume out"]
    assert json.loads((place / "out" / "run.json").read_text())["state"] == "interrupted"
    done = nmrqb("resume", "out", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert content(place / "out") == content(finished / "out")


def test_ctrl_c_while_python_loads_is_one_line(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, os, signal\n"
        "class Struck:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Struck())\n"
    )
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    for command in (["-m", "nmrqb"], ["-c", "from nmrqb.__main__ import main; main()"]):
        done = subprocess.run(
            [sys.executable, *command, "--version"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "nmrqb: interrupted\n")


@pytest.mark.slow
def test_runs_on_a_machine_far_away_end_the_same_after_kills(tmp_path):
    """`nmrqb run --engine ibm:NAME` and `nmrqb resume`, with account and network replaced by a folder and a process."""
    script = Path(__file__).parent / "jobs" / "resumed_runs.py"
    shell = environment()
    shell["PYTHONPATH"] += os.pathsep + str(Path(__file__).parent)
    command = [sys.executable, "-W", "error", str(script), "5", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=shell, timeout=400)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["differs"], found["twice"], found["leaks"]) == ([], 0, [])
    assert found["kills"] >= 6  # of seven: one may come too late
    assert found["jobs"] == 4
    assert found["faults"] > 0
