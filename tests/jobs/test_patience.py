"""Trying again: how long it waits, how often, and that what is no passing fault is not tried again."""

import os
import subprocess
import sys

import numpy as np
import pytest

from nmrqb.errors import ArgumentError, RunError, TransientError, redacted
from nmrqb.jobs import Ledger, Patience
from nmrqb.jobs.lock import Lock


def failing(times, error=TransientError):
    left = [error("busy")] * times

    def action():
        if left:
            raise left.pop()
        return "done"

    return action


def test_waits_double_up_to_the_longest_and_scatter():
    waits = []
    patience = Patience(tries=12, first=0.5, longest=20.0, seed=3, sleep=waits.append)
    assert patience.call(failing(11)) == "done"
    full = np.minimum(20.0, 0.5 * 2.0 ** np.arange(11))
    share = np.array(waits) / full
    assert np.all((share >= 0.5) & (share < 1))
    assert np.ptp(share) > 0.2
    again = []
    Patience(tries=12, first=0.5, longest=20.0, seed=3, sleep=again.append).call(failing(11))
    assert again == waits
    other = []
    Patience(tries=12, first=0.5, longest=20.0, sleep=other.append).call(failing(11))
    assert other != waits


def test_patience_ends_after_as_many_tries_as_it_has():
    patience = Patience(tries=3, sleep=lambda _: None)
    assert patience.call(failing(2)) == "done"
    with pytest.raises(RunError, match=r"busy \(tried 3 times\)"):
        patience.call(failing(3))
    with pytest.raises(RunError, match=r"^busy$"):
        Patience(tries=1).call(failing(1))


def test_what_does_not_pass_is_raised_at_once():
    waits = []
    with pytest.raises(RunError, match=r"^busy$"):
        Patience(sleep=waits.append).call(failing(1, RunError))
    assert waits == []


def test_faults_with_long_waiting_between_them_do_not_add_up(monkeypatch):
    clock = iter(np.arange(0.0, 1e6, 70.0))  # every call holds for longer than the longest wait
    monkeypatch.setattr("nmrqb.jobs.patience.time.monotonic", lambda: next(clock))
    assert Patience(tries=3, longest=60.0, sleep=lambda _: None).call(failing(50)) == "done"


@pytest.mark.parametrize(("bad", "told"), [({"tries": 0}, "tries must be 1 or more, but is 0"), ({"jobs": 0}, "jobs must"),
    ({"first": -1.0}, "first must lie between 0"), ({"first": 2.0, "longest": 1.0}, "but is 2.0"), ({"longest": np.inf}, "inf")])  # fmt: skip
def test_patience_that_makes_no_sense_is_refused(bad, told):
    with pytest.raises(ArgumentError, match=told):
        Patience(**bad)
    assert Patience(tries=1, jobs=1, first=0.0, longest=0.0).call(failing(0)) == "done"


def test_a_folder_is_one_process_s_at_a_time(tmp_path):
    with Lock(tmp_path):
        with pytest.raises(RunError, match=f"is in use by process {os.getpid()}; wait until it has ended"):
            Lock(tmp_path)
        assert (tmp_path / ".lock").exists()
    assert not (tmp_path / ".lock").exists()
    with Lock(tmp_path):
        pass


def test_a_lock_left_by_a_process_that_was_killed_holds_nobody_up(tmp_path):
    code = "import sys, os, signal; from pathlib import Path; from nmrqb.jobs.lock import Lock; lock = Lock(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60)
    assert done.returncode == -9
    assert (tmp_path / ".lock").exists()
    with Lock(tmp_path):
        assert (tmp_path / ".lock").read_text().strip() == str(os.getpid())


def test_two_ledgers_in_one_folder_are_told_apart(tmp_path):
    first, second = Ledger(tmp_path), Ledger(tmp_path)
    first.run(None, [])
    with first:
        first._store.counts("x")  # opens the folder
        with pytest.raises(RunError, match="in use by process"):
            second._store.counts("x")
    second._store.counts("x")
    second.close()


def test_only_what_is_named_like_a_secret_is_hidden(monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("SHORT_TOKEN", "charge")
    monkeypatch.setenv("EDITOR_OF_CHOICE", "charging-pulse")
    assert redacted("0123456789abcdef: charge, charging-pulse") == "***: charge, charging-pulse"
