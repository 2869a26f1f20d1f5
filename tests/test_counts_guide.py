"""The commands and the Python of docs/counts.md run as they stand, on counts that are there."""

import re
import shlex
from pathlib import Path

import numpy as np
from command_line import in_process

from nmrqb import Battery, charging_unitary
from nmrqb.tomography import Counts, counts_text, pauli_settings, probabilities, read_counts

GUIDE = (Path(__file__).parent.parent / "docs" / "counts.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def some_counts(folder):
    battery = Battery(axial=1, rhombic=0.5, dm=0.3)
    U = charging_unitary(2, 0.5)
    rho = U @ battery.gibbs_state(0.7) @ U.conj().T
    n = np.random.default_rng(1).multinomial(1024, probabilities(rho, pauli_settings(2)))
    (folder / "counts.json").write_text(counts_text(Counts(pauli_settings(2), n), "json"), encoding="utf-8")


def test_every_command_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    some_counts(tmp_path)
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 5
    said = ""
    for line in commands:
        program, *arguments = shlex.split(line)
        assert program == "nmrqb"
        code, out, err = in_process(capsys, *arguments)
        assert (code, err) == (0, ""), line
        said += out
    for number in re.search(r"For the first line: (\d+), (\d+) and (\d+) shots, and (\d+)", GUIDE).groups():
        assert number in said
    assert (tmp_path / "found" / "data.nc").exists()


def test_its_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    some_counts(tmp_path)
    (program,) = blocks("python")
    names = {}
    exec(program, names)
    assert names["samples"].shape[-2:] == (4, 4)
    assert names["fit"].gap < 1e-5


def test_its_file_of_counts_is_read(tmp_path):
    (text,) = blocks("csv") or [re.search(r"```\n(# bit_order.*?)```", GUIDE, flags=re.DOTALL)[1]]
    (tmp_path / "some.csv").write_text(text.replace('# shots: {"XX": 4096, "XY": 2048}\n', ""), encoding="utf-8")
    found = read_counts(tmp_path / "some.csv", partial=True)
    np.testing.assert_array_equal(found.values, [[1021, 0, 1033, 0]])  # qiskit's strings are turned round
