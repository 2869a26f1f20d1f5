"""Two hundred runs that are killed, refused, and given failed jobs and wrong counts; and that broken ledgers are caught at it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import environment

SCRIPT = Path(__file__).parent / "faulty_runs.py"
SOUND = {"differs": 0, "twice": 0, "idle": 0, "left": 0}


def outcome(folder, mode, variant, runs):
    command = [sys.executable, "-W", "error", str(SCRIPT), mode, variant, str(runs), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=300)
    assert done.stderr == ""
    assert done.returncode == 0
    return json.loads(done.stdout)


@pytest.mark.slow
def test_two_hundred_runs_with_faults_end_as_undisturbed_ones_with_nothing_handed_in_twice(tmp_path):
    found = outcome(tmp_path, "random", "sound", 200)
    assert found | SOUND == found
    assert found["runs"] == 200
    assert found["kills"] > 210  # some twice or thrice, how many depends on what else the machine does
    assert found["faults"] > 200  # jobs that failed or came back wrong


@pytest.mark.slow
def test_a_run_that_is_killed_before_or_after_any_single_thing_it_does(tmp_path):
    found = outcome(tmp_path, "every", "sound", 1000)
    assert found | SOUND == found
    assert found["kills"] > 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "mode", "runs", "shows"),
    [
        ("late intents", "every", 40, "twice"),
        ("never asks", "every", 40, "twice"),
        ("trusts counts", "random", 10, "differs"),
    ],
)
def test_a_broken_ledger_is_caught(variant, mode, runs, shows, tmp_path):
    assert outcome(tmp_path, mode, variant, runs)[shows] > 0
