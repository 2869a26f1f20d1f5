"""`nmrqb run` on a machine far away, killed at random moments, and `nmrqb resume`: a script that loads everything once.

    python resumed_runs.py RUNS FOLDER        prints one JSON object

The engine is ibm:NAME as the command line takes it. Only the account and the network are not there: in their place stand
a folder and a process that measures on qubits of a fake backend with its noise (see `remote_service`).
"""

import io
import json
import os
import signal
import sys
import time
from collections import Counter
from contextlib import redirect_stdout, suppress
from pathlib import Path

import numpy as np
from command_line import EXPERIMENT, write_files
from remote_service import Remote, Service, chance, start

import nmrqb.jobs
from nmrqb.circuits.devices import machine
from nmrqb.circuits.devices.aer import Aer, noisy
from nmrqb.circuits.devices.cut import Cut
from nmrqb.cli import main as command
from nmrqb.jobs import Ledger, Patience

TOKEN = "an-account-token-5f0c9a7be1d24e8a"


class Pair(Cut):
    """Two qubits of a fake backend that take a hundred circuits at once."""

    @property
    def max_circuits(self):
        return 100


def pair():
    return Pair(machine.fake_backend("torino"), (92, 99))


def noisy_pair():
    """What measures work on the pair with its noise."""
    backend = pair()
    simulator, confusion = noisy(backend, gates=True, readout=())
    return lambda work: Aer("pair", simulator, confusion).collect("", work)


class Hasty(Ledger):
    """A ledger of no long waits."""

    def __init__(self, folder):
        super().__init__(folder, Patience(tries=60, first=1e-3, longest=1e-2))


def pretend(service, seed):
    """The command line's way to IBM leads to the service."""
    backend = pair()
    device = Remote(service, np.random.default_rng(seed))
    machine.connect = lambda name: (backend, service)
    machine.Runtime = lambda *_: device
    nmrqb.jobs.Ledger = Hasty


def forked(service, place, seed, *arguments, kill_when=None):
    """Exit code of a command, its output in files; None where it was killed, soon after a file like this was there."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.chdir(place)
            for stream, name in ((1, "out.txt"), (2, "err.txt")):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
            pretend(service, seed)
            command([str(argument) for argument in arguments])
        except SystemExit as leaving:
            code = leaving.code
        finally:
            os._exit(code)
    if kill_when is not None:
        while not any((place / "out").glob(kill_when)):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.WEXITSTATUS(status)
            time.sleep(0.001)
        time.sleep(0.02 * chance("moment", seed, kill_when))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


RUN = ("run", "experiment.toml", "--engine", "ibm:pretend", "--seed", "11", "--out", "out")


def content(folder):
    """What must be the same: all but tags, which are a run's own, angles, which are what they are mod 2 pi, and dead locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("ledger.jsonl", ".lock") and not path.name.endswith(".work.npz")
    }


#: Files in the order in which a run writes them: it is killed soon after one of them, and again after a later one.
MOMENTS = ("run.json", "jobs/ledger.jsonl", "jobs/*.npy", "jobs/*-3.npy", "data.nc", "curves.nc", "figure.png")


def disturbed(service, place, number):
    """Kill a run and its resumption, take its files away from where they were, and let it end."""
    first = number % 5
    kills = forked(service, place, number, *RUN, kill_when=MOMENTS[first]) is None
    for name in ("experiment", "sequence", "sample"):
        (place / f"{name}.toml").unlink()
    if number % 2:
        kills += forked(service, place, number + 100, "resume", "out", kill_when=MOMENTS[first + 2]) is None
    assert forked(service, place, number + 1000, "resume", "out") == 0, (place / "err.txt").read_text()
    return kills


def warm_up(folder):
    """Load and draw what every client needs, once."""
    pair()
    write_files(folder)
    with redirect_stdout(io.StringIO()), suppress(SystemExit):
        command(["run", str(folder / "experiment.toml"), "--engine", "exact", "--out", str(folder / "out")])


def main(runs, folder):
    os.environ["QISKIT_IBM_TOKEN"] = TOKEN
    experiment = EXPERIMENT.replace("points = 3", "points = 2")
    warm_up(folder / "warm")
    service = Service(folder / "service", faults=True)
    server = start(service, noisy_pair)
    kills = 0
    try:
        quiet = write_files(folder / "quiet", experiment=experiment)
        assert forked(service, quiet, 5, *RUN) == 0, (quiet / "err.txt").read_text()
        for number in range(runs):
            place = write_files(folder / f"run-{number}", experiment=experiment)
            kills += disturbed(service, place, number)
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
    expected = content(quiet / "out")
    places = [folder / f"run-{number}" for number in range(runs)]
    accepted = service.accepted()
    good = Counter(tag.rpartition("-")[0] for tag in accepted if service.fate(tag) == "good")
    leaks = [str(path) for path in folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    found = {
        "files": len(expected),
        "jobs": sum(name.endswith(".npy") for name in expected),
        "kills": kills,
        "differs": [place.name for place in places if content(place / "out") != expected],
        "twice": sum(n > 1 for n in Counter(accepted).values()) + sum(n > 1 for n in good.values()),
        "leaks": leaks,
        "finished": sum("is finished" in (place / "out.txt").read_text() for place in places),
        "faults": sum(service.fate(tag) != "good" for tag in accepted),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
