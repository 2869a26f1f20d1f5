"""Worker processes of the tests start quickly: what they import is compiled once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def worker_environment(tmp_path_factory):
    """What worker processes find around them; their modules are compiled here, for Python may be told to keep nothing."""
    changed = {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}", "OMP_NUM_THREADS": "1"}
    if sys.dont_write_bytecode:
        changed["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("bytecode"))
    kept = {name: os.environ.get(name) for name in (*changed, "PYTHONDONTWRITEBYTECODE")}
    os.environ.update(changed)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if sys.dont_write_bytecode:
        subprocess.run([sys.executable, "-c", "import distributed, sweep_tasks, nmrqb.sweep.schema"], check=True)
    yield
    for name, value in kept.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
