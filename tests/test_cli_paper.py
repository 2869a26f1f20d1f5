"""The commands about the paper: figures with their data, errata with their verdicts, and what they refuse."""

import pytest
import xarray as xr

from nmrqb.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    output = capsys.readouterr()
    return end.value.code, output.out, output.err


def test_a_figure_leaves_pictures_and_data(tmp_path, capsys):
    code, out, err = run(capsys, "figure", "5", "--out", str(tmp_path / "new" / "folder"))
    assert (code, err) == (0, "")
    paths = sorted(p.name for p in (tmp_path / "new" / "folder").iterdir())
    assert paths == ["figure_05.nc", "figure_05.pdf", "figure_05.png"]
    assert all(name in out for name in paths)
    with xr.open_dataset(tmp_path / "new" / "folder" / "figure_05.nc", engine="h5netcdf") as data:
        assert all("units" in data[name].attrs for name in data.data_vars)


def test_several_figures_are_drawn_by_several_processes(tmp_path, capsys):
    code, _, err = run(capsys, "figure", "split", "9", "--out", str(tmp_path))
    assert (code, err) == (0, "")
    assert {p.stem for p in tmp_path.glob("*.pdf")} == {"figure_09", "figure_split"}


@pytest.mark.parametrize(("name", "hint"), [("33", "did you mean '3'?"), ("spilt", "did you mean 'split'?")])
def test_an_unknown_figure_is_refused_by_name(name, hint, tmp_path, capsys):
    code, out, err = run(capsys, "figure", name, "--out", str(tmp_path))
    assert (code, out) == (2, "")
    assert err.startswith(f"nmrqb: no figure is called '{name}'")
    assert hint in err


@pytest.mark.parametrize("command", [("figure", "5"), ("errata",)])
def test_what_cannot_be_written_is_said(command, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, out, err = run(capsys, *command, "--out", str(tmp_path / "file" / "below"))
    assert (code, out) == (2, "")
    assert "--out: " in err
    assert err.count("\n") == 1


def test_errata_prints_every_entry_and_writes_the_document(tmp_path, capsys):
    code, out, _ = run(capsys, "errata", "--out", str(tmp_path / "errata.md"))
    assert code == 0
    for item in ("(5) eta", "(13)", "(D1)", "(D2)"):
        assert item in out
    document = (tmp_path / "errata.md").read_text()
    assert "as transcribed" in document
    assert document.count("\n| ") > 90
