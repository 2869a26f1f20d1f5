"""nmrqb compare: tables, figures and a page of one run or of several; what is no run is refused in one sentence."""

import numpy as np
import pytest
import xarray as xr
from command_line import in_process, refused, write_files

from nmrqb import cli, cli_compare
from nmrqb.runs import write_netcdf


@pytest.fixture(scope="module", autouse=True)
def _registered():
    if cli_compare.compare not in {command.callback for command in cli.app.registered_commands}:
        cli.app.command()(cli_compare.compare)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two runs of 60 replicas and an exact one."""
    place = tmp_path_factory.mktemp("runs")
    write_files(place)
    text = (place / "experiment.toml").read_text().replace("replicas = 5", "replicas = 60")
    (place / "experiment.toml").write_text(text.replace("per_setting = 64", "per_setting = 512"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for arguments in (("--seed", 1, "--out", "a"), ("--engine", "spectrometer", "--seed", 2, "--out", "b")):
            with pytest.raises(SystemExit) as left:
                cli.main(["run", "experiment.toml", *map(str, arguments)])
            assert left.value.code == 0
        with pytest.raises(SystemExit):
            cli.main(["run", "experiment.toml", "--engine", "exact", "--out", "plain"])
    return place


def test_two_runs_on_common_axes(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    code, out, err = in_process(capsys, "compare", "a", "b", "--out", "c")
    assert (code, err) == (0, "")
    assert len([line for line in out.splitlines() if " charge = " in line and "disagrees" not in line]) == 8
    assert out.endswith("Wrote c/: compare.html, compare.nc, 5 figures.\n")
    assert "closed form: the paper's eq. (25)" in out
    data = xr.load_dataset(folder / "c" / "compare.nc", engine="h5netcdf")
    assert list(data.source.values) == ["theory", "exact", "aer", "spectrometer"]
    page = (folder / "c" / "compare.html").read_text()
    assert page.count('src="data:image/png;base64,') == 5
    assert "Which metric disagrees with exact" in page
    for name in ("ergotropy", "stored_energy", "l1_coherence", "fidelity", "states"):
        assert (folder / "c" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "c" / "inputs" / "runs.txt").read_text().splitlines() == [str(folder / "a"), str(folder / "b")]


def test_a_file_against_theory(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    code, out, _ = in_process(capsys, "compare", "a/data.nc", "--against", "theory", "--out", "d")
    assert code == 0
    assert "measured against theory" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "--against", "exakt"), "--against: found 'exakt'; did you mean 'exact'?"),
        (("nowhere",), "nowhere: no such folder"),
        (("a/run.json",), "a/run.json: the file is not the data of a run"),
        (("plain",), "plain: the run measured nothing: it is exact"),
        (("bare.nc",), "bare.nc: the file holds no metrics of sources"),
        (("a", "shifted.nc"), "a and shifted.nc, but must be of one experiment, but their exact differs"),
        (("a", "--out", "b"), "b: --out: the folder already holds run.json"),
    ],
)
def test_what_cannot_be_compared_is_refused(folder, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    write_netcdf(xr.Dataset({"x": ("y", np.arange(3.0))}), folder / "bare.nc")
    data = xr.load_dataset(folder / "a" / "data.nc", engine="h5netcdf")
    write_netcdf(data.assign(ergotropy=data.ergotropy + 0.1), folder / "shifted.nc")
    assert message.split(", but must")[0] in refused(capsys, "compare", *arguments)


def test_a_run_without_data_yet_is_refused(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "begun").mkdir(exist_ok=True)
    record = (folder / "a" / "run.json").read_text().replace('"finished"', '"interrupted"')
    (folder / "begun" / "run.json").write_text(record)
    assert "begun: the run is interrupted and has no data yet" in refused(capsys, "compare", "begun")
