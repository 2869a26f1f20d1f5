"""A dask scheduler and its workers as processes of their own, as users start them on a cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

HOST = "127.0.0.1"


@contextmanager
def started(folder, *arguments, **environment):
    """A dask process that stands in a folder, ended with its own children when this closes."""
    command = [sys.executable, "-m", "dask", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        cwd=folder,  # where Python looks for modules first
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def scheduler(folder, **environment):
    """The address of a scheduler in a process of its own."""
    file = folder / "scheduler.json"
    with started(
        folder, "scheduler", "--host", HOST, "--port", 0, "--no-dashboard", "--scheduler-file", file, **environment
    ) as process:
        while not file.exists() or not file.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"], process


def worker(folder, address, **environment):
    """A worker of that scheduler."""
    return started(folder, "worker", address, "--no-dashboard", "--nthreads", 1, "--no-nanny", **environment)
