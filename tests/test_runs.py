"""Run folders: what a run leaves, that the same seed leaves the same bytes, and that nothing half-written looks whole."""

import base64
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import time
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr
from command_line import EXPERIMENT, FILES, CommandLine, complaints, in_process, refused, write_files

from nmrqb.errors import InputError, RunError
from nmrqb.jobs.disk import write_whole
from nmrqb.runs import FILES as WRITTEN
from nmrqb.runs import RunFolder, write_netcdf

PNG, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"


@pytest.fixture(scope="session")
def nmrqb(request):
    return CommandLine(request.config)


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Page(HTMLParser):
    """What a browser would see: tags that are open, pictures, tables, text, and addresses that it would fetch."""

    VOID = ("meta", "img", "br", "link", "hr", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.addresses, self.text, self.cells = [], [], [], "", 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.cells += tag == "td"
        if tag == "img":
            self.images.append((values["alt"], values["src"]))
        self.addresses += [values[name] for name in ("href", "src", "action", "srcset", "data") if name in values]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def check_page(text, inputs):
    page = Page(text)
    assert page.open == []
    assert text.startswith("<!doctype html>")
    pictures = [source for _, source in page.images]
    assert len(pictures) == 3  # the sequence, the metrics, the states
    for source in pictures:
        assert source.startswith("data:image/png;base64,")
        picture = base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)
        assert picture.startswith(PNG)
        assert picture.endswith(PNG_END)
    assert all(address.startswith("data:") for address in page.addresses)
    for source in pictures:
        text = text.replace(source, "")
    assert not re.search(r"https?://|//[a-z]+\.|@import|<script|url\(", text)
    for given in inputs:
        assert given in page.text
    assert page.cells > 20


def check_data(path, seed):
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        dataset = dataset.load()
    assert list(dataset["source"].values) == ["theory", "exact", "aer"]
    assert np.allclose(np.degrees(dataset["charge"]), [0, 90, 180])
    for name in ("ergotropy", "stored_energy", "l1_coherence"):
        assert dataset[name].dims == dataset[f"{name}_error"].dims == ("source", "charge")
        assert np.all(np.isfinite(dataset[name]))
        assert np.all(dataset[f"{name}_error"].sel(source=["theory", "exact"]) == 0)
        assert np.any(dataset[f"{name}_error"].sel(source="aer") > 0)
    rho = dataset["rho_real"].values + 1j * dataset["rho_imag"].values
    assert np.allclose(np.trace(rho, axis1=-2, axis2=-1), 1)
    attrs = dataset.attrs
    assert attrs["seed"] == seed
    assert json.loads(attrs["engines"])["aer"]["seed"] == seed
    assert json.loads(attrs["engines"])["aer"]["shots"] == 64
    for kind in ("experiment", "sequence", "sample"):
        assert attrs[f"{kind}_toml"] == FILES[f"{kind}.toml"]
    return json.loads(attrs["versions"])


def check_folder(out, seed):
    assert {path.name for path in out.iterdir()} == {*WRITTEN, "inputs"}
    found = content(out)
    for name, text in FILES.items():
        assert found[f"inputs/{name}"].decode() == text
    record = json.loads(found["run.json"])
    versions = check_data(out / "data.nc", seed)
    assert record == {
        "experiment": "experiment.toml",
        "engine": "all",
        "shots": 64,
        "seed": seed,
        "state": "finished",
        "versions": versions,
        "names": {kind: kind for kind in ("experiment", "sequence", "sample")},
        "inputs": {f"inputs/{name}": hashlib.sha256(text.encode()).hexdigest() for name, text in FILES.items()},
    }
    assert versions["python"] == platform.python_version()
    assert versions["qiskit-aer"] == importlib.metadata.version("qiskit-aer")
    for name in ("figure.png", "sequence.png", "states.png"):
        assert found[name].startswith(PNG)
        assert found[name].endswith(PNG_END)
    check_page(found["report.html"].decode(), FILES.values())


def test_a_run_leaves_all_it_should_and_the_same_seed_leaves_the_same_bytes(tmp_path, nmrqb, capsys, monkeypatch):
    """Two processes with one seed, each in a place of its own, and this one with another seed."""
    seed = 2**63 - 1
    for place in ("one", "two"):
        done = nmrqb("run", "experiment.toml", "--seed", seed, "--out", "out", cwd=write_files(tmp_path / place))
        assert (done.returncode, done.stderr) == (0, "")  # no progress where nobody watches
        assert done.stdout.startswith("Charging, on few points\n")
        assert done.stdout.endswith("Wrote out/: report.html, figure.png, states.png, data.nc, curves.nc, inputs.\n")
        assert "\x1b" not in done.stdout
        assert len(re.findall(r"^ +\d+ .*±", done.stdout, flags=re.MULTILINE)) == 3
    check_folder(tmp_path / "one" / "out", seed)
    one, two = content(tmp_path / "one" / "out"), content(tmp_path / "two" / "out")
    assert {name: hashlib.sha256(data).hexdigest() for name, data in one.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in two.items()
    }
    monkeypatch.chdir(tmp_path / "one")
    assert in_process(capsys, "run", "experiment.toml", "--seed", 0, "--out", "other")[0] == 0
    other = content(tmp_path / "one" / "other")
    assert other["data.nc"] != one["data.nc"]
    assert other["curves.nc"] == one["curves.nc"]  # nothing random in it
    assert refused(capsys, "run", "experiment.toml", "--out", "other") == (
        "other: --out: the folder already holds run.json; another folder for --out; a run is never written over"
    )
    assert content(tmp_path / "one" / "other") == other


def test_a_run_without_a_seed_takes_a_fresh_one_and_records_it(tmp_path, capsys, monkeypatch):
    """A run that failed can then be run again just so."""
    monkeypatch.chdir(write_files(tmp_path))
    seeds = set()
    for out in ("a", "b"):
        assert in_process(capsys, "run", "experiment.toml", "--engine", "exact", "--out", out)[0] == 0
        seeds.add(json.loads((tmp_path / out / "run.json").read_text())["seed"])
    assert len(seeds) == 2
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_folder_is_named_after_experiment_and_time_when_none_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [RunFolder.create(None, "charge").path for _ in range(5)]
    assert len(set(paths)) == 5
    assert all(re.fullmatch(r"runs/charge-\d{8}-\d{6}(-\d+)?", str(path)) for path in paths)


def test_a_folder_that_holds_a_run_is_never_used_again(tmp_path):
    for name in WRITTEN:
        folder = RunFolder.create(tmp_path / name.replace(".", "-"), "x")
        folder.text(name, "here")
        with pytest.raises(InputError, match=f"already holds {re.escape(name)}"):
            RunFolder.create(folder.path, "x")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    RunFolder.create(tmp_path / "notes", "x")
    assert (tmp_path / "notes" / "notes.txt").read_text() == "mine"


def test_inputs_are_kept_to_the_byte(tmp_path):
    folder = RunFolder.create(tmp_path / "run", "x")
    text = "title = 'é'\r\n# two kinds of line ends\n"
    folder.inputs({"experiment.toml": text.encode()})
    assert (folder.path / "inputs" / "experiment.toml").read_bytes() == text.encode()


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    target = tmp_path / "data.txt"

    def write(path):
        path.write_text("half")
        assert not target.exists()
        assert path.suffix == ".txt"
        os.link(path, tmp_path / "seen")

    write_whole(target, write)
    assert target.samefile(tmp_path / "seen")  # renamed in one go, not copied
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.txt", "seen"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    folder = RunFolder.create(tmp_path / "run", "x")
    folder.text("report.html", "old")

    def write(path):
        path.write_text("half")
        (tmp_path / "run" / "report.html" / "below").write_text("no folder")  # the system refuses

    with pytest.raises(RunError, match=r"report\.html cannot be written \(not a directory\); make room"):
        folder.file("report.html", write)
    assert {path.name for path in folder.path.iterdir()} == {"inputs", "report.html"}
    assert (folder.path / "report.html").read_text() == "old"


def test_netcdf_bytes_depend_on_the_data_alone(tmp_path):
    dataset = xr.Dataset(
        {"a": ("x", np.arange(3.0), {"units": "s"})},
        {"source": ["theory", "aer"]},
        attrs={"title": "é", "seed": 2**63 - 1},
    )
    for name in ("one.nc", "two.nc"):
        write_netcdf(dataset, tmp_path / name)
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()
    with xr.open_dataset(tmp_path / "one.nc", engine="h5netcdf") as read:
        xr.testing.assert_identical(read.load(), dataset)
    write_netcdf(dataset.assign(a=dataset["a"] + 1e-16), tmp_path / "three.nc")
    assert (tmp_path / "one.nc").read_bytes() != (tmp_path / "three.nc").read_bytes()


def test_a_title_that_is_html_stays_text_in_the_report(tmp_path, capsys, monkeypatch):
    title = "<script>alert(1)</script> & <b>"
    monkeypatch.chdir(write_files(tmp_path, experiment=EXPERIMENT.replace("Charging, on few points", title)))
    assert in_process(capsys, "run", "experiment.toml", "--engine", "exact", "--out", "out")[0] == 0
    text = (tmp_path / "out" / "report.html").read_text()
    check_page(text, [title])
    assert "<title>&lt;script&gt;" in text


def test_a_run_that_fails_says_so_in_its_folder(tmp_path, nmrqb):
    """Somebody puts a folder where a file is to be written, while the run computes."""
    out = write_files(tmp_path, experiment=EXPERIMENT.replace("points = 3", "points = 30")) / "out"
    process = nmrqb.start("run", "experiment.toml", "--out", "out", cwd=tmp_path)
    while not (out / "run.json").exists():
        assert process.poll() is None
        time.sleep(0.01)
    (out / "data.nc").mkdir()
    stdout, stderr = process.communicate(timeout=60)
    (told,) = complaints(stderr)
    assert (process.returncode, stdout) == (1, "")
    assert (
        told == "out/data.nc cannot be written (is a directory); make room or mend the folder; "
        "then go on with it: nmrqb resume out"
    )
    record = json.loads((out / "run.json").read_text())
    assert (record["state"], record["reason"]) == (
        "failed",
        told.removesuffix("; then go on with it: nmrqb resume out"),
    )
    assert {path.name for path in out.iterdir()} == {"inputs", "run.json", "data.nc"}
