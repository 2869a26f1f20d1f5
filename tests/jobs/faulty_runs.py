"""Runs of a ledger that are killed: a script that loads everything once, forks its clients, and tells what became of them.

    python faulty_runs.py random|every VARIANT RUNS FOLDER        prints one JSON object

random: each client is killed at a random moment, some more than once, among timeouts, failed jobs and wrong counts.
every: a client is killed before and after every single thing it does to the disk or the service, one after the other.
VARIANT: "sound", or a ledger that is broken on purpose: "late intents", "never asks", "trusts counts".
"""

import json
import os
import pickle
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from remote_service import Remote, Service, chance, on_aer, start

from nmrqb.errors import RunError
from nmrqb.jobs import Ledger, Patience, Work
from nmrqb.jobs.store import Folder

#: Things that a client does: these are where it can be killed between two of them.
STEPS = ("write", "fsync", "rename", "replace", "unlink", "ftruncate")


def works():
    """Four pieces of work of three rows each, the last without open parameters; the first two share a circuit."""
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    circuit.ry(Parameter("b"), 1)
    circuit.measure_all()
    fixed = circuit.assign_parameters([0.3, 1.1])
    rows, shots = np.array([0, 0, 0]), np.array([50, 60, 70])
    swept = [
        Work(f"swept-{k}", (circuit,), rows, (np.array([[k, r] for r in range(3)]) / 3,), shots, k) for k in range(3)
    ]
    return [*swept, Work("fixed", (fixed,), rows, (np.zeros((3, 0)),), shots, 7)]


class Late(Folder):
    """Writes down what it is about to do when it has done it."""

    def add(self, record):
        self.held = [*getattr(self, "held", []), record]
        if record["event"] != "intent":
            for each in self.held:
                super().add(each)
            self.held = []


class Unasking(Remote):
    def find(self, tag):
        return None


def client(service, folder, variant, seed):
    """One process: runs the works, and leaves the counts in a file when it comes to the end."""
    import nmrqb.jobs.ledger as module

    module.Folder = Late if variant == "late intents" else Folder
    if variant == "trusts counts":
        module.checked_counts = lambda found, _: found
    rng = None if seed is None else np.random.default_rng(seed)
    device = (Unasking if variant == "never asks" else Remote)(service, rng)
    patience = Patience(tries=60, jobs=3, first=1e-4, longest=1e-3, seed=seed)
    with Ledger(folder / "jobs", patience) as ledger:
        counts = ledger.run(device, works(), in_flight=2)
    (folder / "counts").write_bytes(pickle.dumps(counts))


def forked(service, folder, variant, seed, *, kill_after=None, kill_at=None):
    """Whether a client came to its end; it is killed after a time in s, or at the n-th of its steps."""
    child = os.fork()
    if not child:
        code = 1
        try:
            if kill_at is not None:
                count_down(kill_at)
            client(service, folder, variant, seed)
            code = 0
        except RunError as error:
            (folder / "told").write_text(str(error))
        finally:
            os._exit(code)
    if kill_after is not None:
        end = time.monotonic() + kill_after
        while time.monotonic() < end:
            if os.waitpid(child, os.WNOHANG)[0]:
                return True
            time.sleep(0.0005)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        raise SystemExit((folder / "told").read_text() if (folder / "told").exists() else "a client failed")
    return True


def count_down(left):
    """Kill this process at the n-th step: even numbers before it, odd ones after it."""

    def counted(function):
        def step(*args, **how):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            result = function(*args, **how)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return result

        return step

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def random_run(service, folder, variant, number, usual):
    """Kills of one run, at moments that its number decides, within a little more than it usually takes."""
    kills = 0
    for attempt in range(1 + int(chance("kills", number) * 3)):
        moment = chance("moment", number, attempt) * 1.2 * usual
        if forked(service, folder, variant, number * 10 + attempt, kill_after=moment):
            return kills
        kills += 1
    forked(service, folder, variant, number * 10 + 9)
    return kills


def every_run(service, folder, variant, number, _):
    kills = int(not forked(service, folder, variant, None, kill_at=number))
    if kills:
        forked(service, folder, variant, None)
    return kills


def warm_up(service, folder):
    """The time that a run takes which nobody kills, once the service is awake."""
    for number in range(4):
        place = folder / f"usual-{number}"
        place.mkdir()
        begun = time.monotonic()
        forked(service, place, "sound", number)
    return time.monotonic() - begun


def judge(service, folder, expected):
    """What is wrong with a run that has ended."""
    found = pickle.loads((folder / "counts").read_bytes())
    lines = [json.loads(line) for line in (folder / "jobs" / "ledger.jsonl").read_text().splitlines()]
    run = lines[0]["run"]
    tags = Counter(tag for tag in service.accepted() if f"-{run}-" in tag)
    good = Counter(tag.rpartition("-")[0] for tag in tags.elements() if service.fate(tag) == "good")
    same = len(found) == len(expected) and all(map(np.array_equal, found, expected))
    left = [path.name for path in (folder / "jobs").iterdir() if "partial" in path.name or path.name == ".lock"]
    return {
        "differs": not same,
        "twice": sum(n > 1 for n in tags.values()) + sum(n > 1 for n in good.values()),
        "idle": len(works()) - len(good),
        "left": len(left),
        "faults": sum(service.fate(tag) != "good" for tag in tags),
    }


def main(mode, variant, runs, folder):
    service = Service(folder / "service", faults=mode == "random")
    server = start(service)
    places, kills = [], 0
    try:
        usual, struck = warm_up(service, folder), 0
        while struck < runs:  # those that were over before their moment are judged, but do not count
            places.append(folder / f"run-{len(places)}")
            places[-1].mkdir()
            one = {"random": random_run, "every": every_run}[mode]
            killed = one(service, places[-1], variant, len(places) - 1, usual)
            kills, struck = kills + killed, struck + (killed > 0)
            if mode == "every" and not killed:  # the run was over before it came to that step
                break
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
    expected = list(map(on_aer(), works()))
    totals = Counter()
    for place in places:
        totals.update(judge(service, place, expected))
    print(json.dumps({"runs": struck, "kills": kills, **totals}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
