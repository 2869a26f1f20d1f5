"""The command line where nothing is wrong: help, checks, listings, pipes. What is wrong is in test_bad_input.py."""

import os
import re
import subprocess
import sys

import pytest
from command_line import FILES, ROOT, SEQUENCE, CommandLine, complaints, environment, in_process, refused, write_files
from wounds import LIBRARY

import nmrqb as package


@pytest.fixture(scope="session")
def nmrqb(request):
    return CommandLine(request.config)


def commands():
    from nmrqb.cli import app

    return [command.callback.__name__ for command in app.registered_commands]


def test_version(capsys):
    assert in_process(capsys, "--version") == (0, f"nmrqb {package.__version__}\n", "")


def test_without_a_command_there_is_help_and_no_success(capsys):
    code, out, err = in_process(capsys)
    assert (code, err) == (2, "")
    assert out == in_process(capsys, "--help")[1]
    assert all(command in out for command in commands())


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", commands())
def test_help_of_every_command_says_what_it_does_and_takes(command, flag, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = in_process(capsys, command, flag)
    assert (code, err) == (0, "")
    assert re.search(rf"Usage: nmrqb {command} .*[A-Z]", out)
    assert re.search(r"^ [A-Z][^\n]{30,}\.", out, flags=re.MULTILINE)  # what it does
    options = re.findall(r"(--[a-z-]+)\s+[^\n]*?\s{2,}([A-Z'\"][^\n]*?)\s*│", out)
    assert ("--help", "Show this message and exit.") in options
    assert all(len(text) > 10 for _, text in options)


@pytest.mark.parametrize(
    "arguments", [["rn"], ["nosuch"], ["run"], ["check"], ["show"], ["run", "a", "b"], ["--nosuch"]]
)
def test_a_command_that_cannot_be_understood_points_to_its_help(arguments, capsys):
    assert re.search(r"; see nmrqb( run| check| show)? --help$", refused(capsys, *arguments))


def test_a_misspelt_command_is_recognised(capsys):
    assert "'run'" in refused(capsys, "rn")


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_file_of_the_library_is_good(path, capsys):
    code, out, err = in_process(capsys, "check", path)
    assert (code, err) == (0, "")
    assert out.startswith(f"{path}: a good {path.parent.name.removesuffix('s')}: ")


def test_check_takes_many_files_and_tells_of_all(tmp_path, capsys):
    one, two = (
        write_files(tmp_path / "one"),
        write_files(tmp_path / "two", sequence=SEQUENCE.replace('"tau"', '"5 kg"')),
    )
    bad, missing = two / "sequence.toml", tmp_path / "missing.toml"
    code, out, err = in_process(
        capsys, "check", missing, one / "sample.toml", bad, two / "experiment.toml", one / "experiment.toml"
    )
    assert code == 2
    assert [line.split(":")[0] for line in out.splitlines()] == [str(one / "sample.toml"), str(one / "experiment.toml")]
    assert [re.split(r"[:,]", line)[0] for line in complaints(err)] == [str(missing), str(bad), str(bad)]


def of(kind):
    return [path for path in LIBRARY if path.parent.name == kind]


@pytest.mark.parametrize("path", of("sequences"), ids=lambda path: path.stem)
def test_show_lists_and_draws_every_sequence(path, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = in_process(capsys, "show", path.stem)
    assert (code, err) == (0, "")
    drawn = tmp_path / f"{path.stem}.png"
    assert out.endswith(f"Drew {drawn.name}\n")
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert drawn.read_bytes().endswith(b"IEND\xaeB`\x82")
    numbered = re.findall(r"^\s*(\d+)\s+\w+", out, flags=re.MULTILINE)
    assert len(numbered) >= len(package.Sequence.load(path).steps)
    assert [path.name for path in tmp_path.iterdir()] == [drawn.name]


@pytest.mark.parametrize("path", of("samples"), ids=lambda path: path.stem)
def test_show_lists_every_sample_by_name_and_by_path(path, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = in_process(capsys, "show", path.stem)
    assert (code, err) == (0, "")
    assert "spins" in out
    assert "polarisation P" in out
    assert in_process(capsys, "show", path)[1] == out
    assert not list(tmp_path.iterdir())


def test_show_takes_a_sample_that_has_what_the_sequence_asks_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path, sequence=SEQUENCE.replace("1/(6*abs(coupling))", "1/(2*abs(J))")))
    code, out, _ = in_process(capsys, "show", "sequence.toml", "--out", "a.png")
    assert code == 0
    assert re.search(r"\(times on (?!nematic-pair)[a-z-]+, ", out)
    assert "'1/(2*abs(J))' cannot be computed" in refused(capsys, "show", "sequence.toml", "--sample", "nematic-pair")


def test_show_gives_the_times_of_the_sample_that_is_asked_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path))
    slow = (tmp_path / "sample.toml").read_text().replace('"1 kHz"', '"-100 Hz"')
    (tmp_path / "slow.toml").write_text(slow)
    for sample, tau in (("sample.toml", 1e6 / 6 / 1000), ("slow.toml", 1e6 / 6 / 100)):
        code, out, _ = in_process(capsys, "show", "sequence.toml", "--sample", sample, "--out", f"{sample}.svg")
        assert code == 0
        shown = float(re.search(r"delay +tau +([0-9.]+) µs", out).group(1))
        assert shown == pytest.approx(tau, rel=1e-5)
        assert (tmp_path / f"{sample}.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sequence.toml", "--out", "a.jpg"], "--out: found 'a.jpg'; a name ending in .png, .pdf or .svg"),
        (
            ["sequence.toml", "--out", "sample.toml/a.png"],
            "sample.toml/a.png: --out: cannot be written (not a directory)",
        ),
        (["sequence.toml", "--sample", "gypsm"], "no sample is called 'gypsm'; did you mean 'gypsum'?"),
        (["gypsm"], "did you mean 'gypsum'?"),
        (
            ["experiment.toml"],
            "experiment.toml: this is an experiment; a sequence (with steps) or a sample (with spins) can be shown",
        ),
        (
            ["negative.toml", "--sample", "nematic-pair"],
            "negative.toml, line 4: steps[1].delay: found the negative time -0.001 s in 'tau'",
        ),
        (
            ["relaxing.toml", "--sample", "quiet.toml"],
            "relaxing.toml, line 4: steps[1].delay: found the undefined name 'T2'",
        ),
    ],
)
def test_what_cannot_be_shown_is_said_and_not_half_shown(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path))
    (tmp_path / "negative.toml").write_text(SEQUENCE.replace("1/(6*abs(coupling))", "-1/coupling"))
    (tmp_path / "relaxing.toml").write_text(SEQUENCE.replace('delay = "tau"', 'delay = "T2"'))
    quiet = re.sub(r"\[relaxation\].*?\n\n", "", FILES["sample.toml"], flags=re.DOTALL)
    (tmp_path / "quiet.toml").write_text(quiet)
    before = sorted(tmp_path.iterdir())
    assert says in refused(capsys, "show", *arguments)
    assert sorted(tmp_path.iterdir()) == before


def test_titles_are_text_and_no_markup(tmp_path, capsys):
    title = "[/b] a [red]b[/red] :smile: {x}"
    write_files(tmp_path, sample=FILES["sample.toml"].replace("Proton pair in a nematic", title))
    assert title in in_process(capsys, "show", tmp_path / "sample.toml")[1]


# --- streams that close, fill up or know few letters: real ones -----------------------------------------------------------


def test_output_into_head(tmp_path, nmrqb):
    path = write_files(tmp_path) / "sample.toml"
    process = nmrqb.start("check", *[path] * 300, bufsize=1)
    head = subprocess.run(["head", "-1"], stdin=process.stdout, capture_output=True, text=True)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0
    assert head.stdout == f"{path}: a good sample: 2 spins, coupling 1 kHz\n"


@pytest.mark.parametrize("arguments", [["show", "gypsum"], ["--help"], ["check", "sample.toml"]])
def test_a_reader_that_has_left_before_anything_is_written(arguments, tmp_path, nmrqb):
    end, start = os.pipe()
    os.close(end)
    done = nmrqb(*arguments, cwd=write_files(tmp_path), stdout=start)
    os.close(start)
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_output_is_no_failure(tmp_path, nmrqb):
    write_files(tmp_path)
    command = f"{sys.executable} -m nmrqb show sample.toml >&-"
    done = subprocess.run(command, shell=True, cwd=tmp_path, env=nmrqb.environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_letters_that_the_terminal_does_not_know(tmp_path, nmrqb):
    known = {**nmrqb.environment, "PYTHONIOENCODING": "ascii"}
    done = nmrqb("show", "sample.toml", cwd=write_files(tmp_path), env=known)
    assert (done.returncode, done.stderr) == (0, "")
    assert "90\\xb0 pulse" in done.stdout


def test_the_command_line_starts_without_the_slow_libraries():
    code = (
        "import sys; from nmrqb.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: print(*sorted({m.split('.')[0] for m in sys.modules} & {'qiskit', 'matplotlib', 'xarray', 'pint', 'scipy'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"nmrqb {package.__version__}\n\n"
