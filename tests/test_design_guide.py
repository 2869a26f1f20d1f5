"""The commands of docs/design.md run as they stand, one after the other, in one folder."""

import re
import shlex
from pathlib import Path

from command_line import in_process

import nmrqb
import nmrqb.export
import nmrqb.sequence

GUIDE = (Path(__file__).parent.parent / "docs" / "design.md").read_text(encoding="utf-8")


def test_every_command_of_the_guide_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) >= 9
    for line in commands:
        program, *arguments = shlex.split(line)
        assert program == "nmrqb"
        code, _, err = in_process(capsys, *arguments)
        assert code == 0, f"{line}: {err}"
        assert (tmp_path / arguments[arguments.index("--out") + 1]).exists()
    assert len(list((tmp_path / "tomography").glob("ax-*-parameters.csv"))) == 4


def test_a_written_shape_is_a_pulse_of_a_sequence_file(tmp_path):
    """As docs/files.md says: file = "pulse.shp", beside the sequence."""
    shape = nmrqb.sequence.Shape("sech", 50)
    text = nmrqb.export.bruker_shape(shape.envelope(), title="t", length=1e-3, peak=1e3)
    (tmp_path / "pulse.shp").write_text(text)
    steps = '{ lock = "1 kHz", duration = "1 ms", shape = "soft" }, { observe = "end" }'
    (tmp_path / "read.toml").write_text(f'title = "t"\nsteps = [ {steps} ]\n\n[shapes.soft]\nfile = "pulse.shp"\n')
    (tmp_path / "ours.toml").write_text(
        f'title = "t"\nsteps = [ {steps} ]\n\n[shapes.soft]\nkind = "sech"\npoints = 50\n'
    )
    sample = nmrqb.Sample.load("nematic-pair")
    made = [
        nmrqb.Exact().propagator(nmrqb.schedule(nmrqb.Sequence.load(tmp_path / f"{n}.toml"), sample))
        for n in ("read", "ours")
    ]
    assert abs(made[0] - made[1]).max() < 1e-9
