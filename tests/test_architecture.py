"""The house: imports point down, the package stays light, style and types hold, the README says what CI runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def tool(*arguments: str) -> subprocess.CompletedProcess:
    scripts = Path(sys.executable).parent
    return subprocess.run([scripts / arguments[0], *arguments[1:]], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    "command",
    [("lint-imports",), ("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=["imports", "lint", "format", "types"],
)
def test_tools_are_content(command):
    done = tool(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_nmrqb_loads_neither_qiskit_nor_matplotlib():
    code = "import sys, nmrqb; print(*sorted({m.split('.')[0] for m in sys.modules} & {'qiskit', 'qiskit_aer', 'matplotlib', 'xarray', 'pint'}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_exact_engine_needs_neither_qiskit_nor_matplotlib():
    code = (
        "import sys, nmrqb; s = nmrqb.Sample.load('nematic-pair'); q = nmrqb.Sequence.load('broekaert-jeener-charge'); "
        "nmrqb.Exact().run(nmrqb.schedule(q, s), s.thermal_state()); "
        "print(*sorted({m.split('.')[0] for m in sys.modules} & {'qiskit', 'qiskit_aer', 'matplotlib'}))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_promised_name_is_there():
    import nmrqb

    for name in nmrqb.__all__:
        assert getattr(nmrqb, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = nmrqb.nonsense


def test_ci_runs_exactly_the_two_commands_of_the_readme():
    commands = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text(), flags=re.DOTALL)[:2]
    script = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert script == [line for command in commands for line in command.splitlines()]


def test_no_machine_path_stands_in_the_project():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    bad = re.compile(r"(?<![\w.:/])/(work|farm|root|tmp|home)/")
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".toml", ".md", ".html", ""} and path.is_file() and path != Path(__file__):
            assert not bad.search(path.read_text(errors="ignore")), name
