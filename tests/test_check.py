"""`nmrqb check`: sequences on a sample, notes, and records for programs."""

import json

import pytest
from command_line import FILES, ROOT, SEQUENCE, in_process, refused, write_files


def test_without_a_sample_the_samples_of_the_library_are_named(tmp_path, capsys):
    path = (
        write_files(tmp_path, sequence=SEQUENCE.replace('"tau" }', '"tau" }, { delay = "1/abs(J)" }')) / "sequence.toml"
    )
    code, out, err = in_process(capsys, "check", path)
    assert (code, err) == (0, "")
    names = [name.stem for name in sorted((ROOT / "samples").glob("*.toml")) if "\nJ = " in name.read_text()]
    assert {"acetonitrile", "chloroform"} <= set(names)
    assert out == f"{path}: a good sequence: 8 steps, observed at empty, charged; fits {', '.join(names)}\n"
    path.write_text(SEQUENCE.replace('phase = "store"', 'phase = "store", on = "15N"'))
    assert in_process(capsys, "check", path)[1].endswith("; fits no sample of the library\n")


def test_with_a_sample_notes_follow_what_is_good(tmp_path, capsys):
    path = write_files(tmp_path) / "sequence.toml"
    code, out, err = in_process(capsys, "check", path, "--sample", "nematic-pair")
    assert (code, err) == (0, "")
    good, note = out.splitlines()
    assert good.endswith("; fits nematic-pair")
    assert (
        note
        == f"note: {path}, line 4: steps[1].delay: found a delay of 166.666667 us, which the raster of 50 ns does not hold; it is played as 166.65 us"
    )


def test_a_sample_file_without_raster_says_nothing_of_it(tmp_path, capsys):
    path = write_files(tmp_path) / "sequence.toml"
    code, out, _ = in_process(capsys, "check", path, "--sample", tmp_path / "sample.toml")
    assert (code, len(out.splitlines())) == (0, 1)


def test_problems_on_a_sample_are_refusals(tmp_path, capsys):
    path = write_files(tmp_path, sequence=SEQUENCE.replace('delay = "tau"', 'delay = "1.01 us"')) / "sequence.toml"
    told = refused(capsys, "check", path, "--sample", "nematic-pair")
    assert (
        told
        == f"{path}, line 4: steps[1].delay: found a delay of 1.01 us, which the raster of 50 ns does not hold; the nearest that it holds is 1 us"
    )
    assert "no sample is called 'gypsm'; did you mean 'gypsum'?" in refused(capsys, "check", path, "--sample", "gypsm")


def test_records_for_programs(tmp_path, capsys):
    bad = write_files(tmp_path / "bad", sequence=SEQUENCE.replace('"tau"', '"5 kg"')) / "sequence.toml"
    off = (
        write_files(tmp_path / "off", sequence=SEQUENCE.replace('"tau" }', '"tau" }, { delay = "1.01 us" }'))
        / "sequence.toml"
    )
    sample = tmp_path / "off" / "sample.toml"
    code, out, err = in_process(
        capsys, "check", "--json", bad, off, sample, tmp_path / "none.toml", "--sample", "nematic-pair"
    )
    assert (code, err) == (2, "")
    records = json.loads(out)
    assert [(r["kind"], r["is_note"], r["file"], r["line"], r["key"]) for r in records] == [
        ("file", False, str(bad), 4, "steps[1].delay"),
        ("raster", True, str(off), 4, "steps[1].delay"),
        ("raster", False, str(off), 4, "steps[2].delay"),
        ("file", False, str(tmp_path / "none.toml"), None, ""),
    ]
    assert all(set(r) == {"kind", "is_note", "message", "file", "line", "key", "allowed"} for r in records)
    assert records[2]["allowed"] == "the nearest that it holds is 1 us"


@pytest.mark.parametrize("options", [[], ["--sample", "nematic-pair"]])
def test_records_of_what_is_good(options, tmp_path, capsys):
    write_files(tmp_path)
    code, out, err = in_process(capsys, "check", "--json", *(tmp_path / name for name in FILES), *options)
    assert (code, err) == (0, "")
    assert all(record["is_note"] for record in json.loads(out))
    assert len(json.loads(out)) == bool(options)


def test_a_record_even_of_a_sample_that_is_not_there(tmp_path, capsys):
    path = write_files(tmp_path) / "sequence.toml"
    code, out, err = in_process(capsys, "check", "--json", path, "--sample", "gypsm")
    assert (code, err) == (2, "")
    assert [record["message"] for record in json.loads(out)] == ["no sample is called 'gypsm'"]


def test_shape_files_are_looked_for_beside_the_sequence(tmp_path, capsys):
    text = (
        SEQUENCE.replace('phase = "store"', 'phase = "store", shape = "own", duration = "1 ms"')
        + '[shapes.own]\nfile = "own.txt"\n'
    )
    path = write_files(tmp_path, sequence=text) / "sequence.toml"
    assert "cannot be read" in refused(capsys, "check", path)
    (tmp_path / "own.txt").write_text("1 0\n2 0\n1 90\n")
    assert in_process(capsys, "check", path)[0] == 0
