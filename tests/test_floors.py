"""The lowest versions that pyproject.toml allows are installed and run the core tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENGINES = [f"tests/engines/test_{name}.py" for name in ("engines_agree", "noise_agrees", "acquire")]
CORE = (
    "tests/test_conventions.py",
    "tests/timeline",
    "tests/nmr",
    *ENGINES,
    "tests/test_cli.py",
    "tests/test_cli_backends.py",
)


@pytest.mark.slow
def test_the_floors_hold(tmp_path):
    uv, python = Path(sys.executable).parent / "uv", tmp_path / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, tmp_path], check=True)
    tools = ["pytest", "pytest-xdist", "hypothesis", "qutip"]
    install = [uv, "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct"]
    install += ["--only-binary", "ibm-platform-services"]  # the sources of some of its versions do not build any more
    tested = [
        line
        for line in (ROOT / "pyproject.toml").read_text().splitlines()
        if line.strip().startswith('"') and ">=" in line
    ]
    extras = [item for item in (line.strip().strip('",') for line in tested) if item.split(">=")[0] in tools]
    subprocess.run([*install, f"{ROOT}[ibm]", *extras], check=True)
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [python, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow", *CORE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
