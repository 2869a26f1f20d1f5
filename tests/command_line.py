"""The real command line, for tests: in a process of its own, or in this one where that shows the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SEQUENCE = """\
title = "Preparation, then a charging pulse"
steps = [
  { pulse = "90 deg", phase = "x",     use = "prepare" },
  { delay = "tau" },
  { pulse = "45 deg", phase = "store", use = "prepare" },
  { crush = true },
  { observe = "empty" },
  { pulse = "charge", phase = "x",     use = "charge" },
  { observe = "charged" },
]

[parameters]
tau    = "1/(6*abs(coupling))"
store  = "y"
charge = "90 deg"
"""

SAMPLE = """\
title = "Proton pair in a nematic"
spins = ["1H", "1H"]
field = "11.744 T"
temperature = "298.15 K"
unverified = ["couplings[0].dipolar"]

[[couplings]]
between = [0, 1]
dipolar = "1 kHz"

[relaxation]
T1 = "1.5 s"
T2 = "200 ms"

[rf]
pulse_90 = "5 us"
limit = "60 kHz"

[readout]
error = 0.01
"""

EXPERIMENT = """\
title = "Charging, on few points"
sample = "sample.toml"
sequence = "sequence.toml"
pulses = "finite"
amplify = 1.0

[parameters]
store = "y"

[sweep.charge]
from = "0 deg"
to = "180 deg"
points = 3

[shots]
per_setting = 64
replicas = 5
"""

FILES = {"sequence.toml": SEQUENCE, "sample.toml": SAMPLE, "experiment.toml": EXPERIMENT}


def write_files(folder, **changed):
    """The three files in a folder, some of them replaced (by stem)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(changed.get(name.removesuffix(".toml"), text))
    return folder


def environment(config=None):
    """That of a user who stands anywhere; compiled modules are kept for the next process where Python would not keep them."""
    found = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    found.pop("PYTHONUNBUFFERED", None)  # what is printed leaves late, as it does for most
    cache = getattr(config, "cache", None)
    if cache is not None and found.pop("PYTHONDONTWRITEBYTECODE", None):
        found["PYTHONPYCACHEPREFIX"] = str(cache.mkdir("bytecode"))
    return found


class CommandLine:
    """`python -m nmrqb` in real processes."""

    def __init__(self, config):
        self.environment = environment(config)

    def start(self, *arguments, before="", **how):
        """A process; `before` is code that it runs first."""
        code = ["-m", "nmrqb"] if not before else ["-c", f"{before}\nfrom nmrqb.cli import main\nmain()"]
        command = [sys.executable, *code, *map(str, arguments)]
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": self.environment, **how}
        return subprocess.Popen(command, **how)

    def __call__(self, *arguments, **how):
        with self.start(*arguments, **how) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def in_process(capsys, *arguments):
    """(exit code, standard output, standard error) of the command line, called in this process."""
    from nmrqb.cli import main

    capsys.readouterr()
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    return (leaving.value.code, *capsys.readouterr())


def complaints(err):
    """Lines on standard error; each one is a whole sentence of ours."""
    lines = err.splitlines()
    assert all(line.startswith("nmrqb: ") and len(line) > 20 for line in lines), err
    assert "Traceback" not in err
    assert "NMRQB_DEBUG" not in err
    return [line.removeprefix("nmrqb: ") for line in lines]


def refused(capsys, *arguments):
    """The one complaint about bad input, when nothing was said on standard output."""
    code, out, err = in_process(capsys, *arguments)
    (line,) = complaints(err)
    assert (code, out) == (2, "")
    return line
