"""What docs/backends.md shows runs as it stands, offline; its table of options has every key there is."""

import re
import shlex
from pathlib import Path

from command_line import in_process

from nmrqb.experiment.schema import ShotsTable

PAGE = (Path(__file__).parent.parent / "docs" / "backends.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_commands_run(tmp_path, monkeypatch, capsys):
    """But for the list, which test_cli_backends.py prints."""
    monkeypatch.chdir(tmp_path)
    (lines,) = blocks("sh")
    commands = [shlex.split(line) for line in lines.splitlines() if line != "nmrqb backends"]
    said = [in_process(capsys, *words[1:]) for words in commands if words[0] == "nmrqb"]
    assert [code for code, *_ in said] == [0, 0, 0]
    assert "Nothing was run" in said[0][1]
    assert "is finished" in said[2][1]


def test_the_example_runs(capsys):
    (code,) = blocks("python")
    exec(compile(code, "backends.md", "exec"), {})
    assert re.search(r"\[\d+, \d+\] 162", capsys.readouterr().out)


def test_every_key_is_explained():
    table = PAGE.split("## Options")[1].split("##")[0]
    explained = set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE))
    assert explained == set(ShotsTable.model_fields)
