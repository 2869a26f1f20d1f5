"""What a user gets wrong: each time one sentence that names the place and the remedy, exit code 2 or 1, and nothing left behind."""

import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import EXPERIMENT, FILES, SAMPLE, SEQUENCE, CommandLine, complaints, in_process, refused, write_files
from wounds import LIBRARY, mutated

from nmrqb import Experiment, Sample, Sequence
from nmrqb.errors import InputError
from nmrqb.files import load_document


@pytest.fixture(scope="session")
def nmrqb(request):
    return CommandLine(request.config)


def line_of(text, piece):
    return text[: text.index(piece)].count("\n") + 1


DELAY, PHASE, TAU = 'delay = "tau"', 'phase = "store"', 'tau    = "1/(6*abs(coupling))"'

# (file, what stands there, what is written instead, key that is named, what the sentence says)
#: Mistakes whose line is not that of the text that was changed, but that of this one.
TOLD_AT = {
    "sweep without end": "[sweep.charge]",
    "same mark twice": 'observe = "charged"',
    "one spin, coupled": "between",
    "reserved name": "store  =",
    "name of the sample's": "store  =",
}

WRONG = {
    "unknown key": ("sequence", PHASE, 'phse = "x"', "steps[2].phse", "unknown key 'phse'; did you mean 'phase'?"),
    "unknown event": ("sequence", DELAY, 'dely = "tau"', "steps[1]", "unknown key 'dely'; did you mean 'delay'?"),
    "no event": ("sequence", "{ crush = true }", "{ }", "steps[3]", "a step has exactly one of the keys"),
    "two events": ("sequence", DELAY, DELAY + ", crush = true", "steps[1]", "found delay and crush in one step"),
    "event as text": ("sequence", "{ crush = true }", '"crush"', "steps[3]", "a step is a table such as { delay ="),
    "crusher off": ("sequence", "crush = true", "crush = false", "steps[3].crush", "found false; it can only be true"),
    "wrong unit": ("sequence", DELAY, 'delay = "5 kg"', "steps[1].delay", 'a value in kg where a time is needed, such as "2.5 ms"'),
    "no unit": ("sequence", 'pulse = "45 deg"', 'pulse = "45"', "steps[2].pulse", "a number without a unit where an angle is needed"),
    "no quotes": ("sequence", DELAY, "delay = 0.005", "steps[1].delay", "found 0.005; write text in quotes, with its unit"),
    "unit in other case": ("sequence", DELAY, 'delay = "1/(5 Khz)"', "steps[1].delay", "unknown unit 'Khz'; did you mean 'kHz'?"),
    "negative time": ("sequence", DELAY, 'delay = "-5 ms"', "steps[1].delay", "the negative time -0.005 s in '-5 ms'; a time is zero or longer"),
    "NaN time": ("sequence", DELAY, 'delay = "nan s"', "steps[1].delay", "found 'nan' in 'nan s'; a value must be a finite number"),
    "NaN of TOML": ("sequence", DELAY, "delay = nan", "steps[1].delay", "found nan; write text in quotes"),
    "infinite time": ("sequence", DELAY, 'delay = "inf"', "steps[1].delay", "found 'inf' in 'inf'; a value must be a finite number"),
    "infinite number": ("sequence", DELAY, 'delay = "1e999 s"', "steps[1].delay", "the infinite number '1e999'; a value must be finite"),
    "overflow": ("sequence", DELAY, 'delay = "1e300*1e300 s"', "steps[1].delay", "found inf, but the time must be finite"),
    "division by zero": ("sequence", DELAY, 'delay = "1 s/0"', "steps[1].delay", "'1 s/0' cannot be computed"),
    "root of a negative": ("sequence", DELAY, 'delay = "sqrt(-1)*1 s"', "steps[1].delay", "power 0.5 of a negative value"),
    "undefined parameter": ("sequence", DELAY, 'delay = "2*tua"', "steps[1].delay", "the undefined name 'tua'; did you mean 'tau'?"),
    "a name that is also a unit": ("sequence", DELAY, 'delay = "2*d"', "steps[1].delay", "the undefined name 'd'; allowed: "),
    "missing *": ("sequence", DELAY, 'delay = "2 tau"', "steps[1].delay", "directly before the name 'tau' in '2 tau'; write a *"),
    "decimal comma": ("sequence", DELAY, 'delay = "1,5 ms"', "steps[1].delay", "decimals are written with a point"),
    "open parenthesis": ("sequence", DELAY, 'delay = "(1 ms"', "steps[1].delay", "'(1 ms' ends where a value or a ')' is missing"),
    "code": ("sequence", DELAY, """delay = "__import__('os')" """, "steps[1].delay", "an expression holds numbers, units, names, + - * / ** ( )"),
    "call": ("sequence", DELAY, 'delay = "__import__(1)"', "steps[1].delay", "'__import__', which is no function here; allowed: abs,"),
    "attribute": ("sequence", DELAY, 'delay = "tau.real"', "steps[1].delay", "found '.' in 'tau.real'"),
    "sum of kinds": ("sequence", DELAY, 'delay = "1 ms + 90 deg"', "steps[1].delay", "a time (ms) and an angle (deg) combined in '1 ms + 90 deg'"),
    "unknown phase": ("sequence", PHASE, 'phase = "X"', "steps[2].phase", "the phase 'X'; did you mean 'x'?"),
    "phase of another world": ("sequence", PHASE, 'phase = "z"', "steps[2].phase", "a phase is x, y, -x, -y, an angle"),
    "unknown use": ("sequence", 'use = "charge"', 'use = "charging"', "steps[5].use", "it must be 'prepare', 'charge',"),
    "same mark twice": ("sequence", 'observe = "empty"', 'observe = "charged"', "steps[6].observe", "found 'charged' twice"),
    "odd mark": ("sequence", 'observe = "empty"', 'observe = "1!"', "steps[4].observe", "a name begins with a letter"),
    "circle": ("sequence", TAU, 'tau = "2*theta"\ntheta = "3*tau"', "parameters.tau", "in a circle: tau -> theta -> tau"),
    "error below": ("sequence", TAU, 'base = "5 sec0"\ntau = "2*base"', "parameters.base", "unknown unit 'sec0'"),
    "reserved name": ("sequence", TAU, TAU + '\nx = "1 ms"', "parameters.x", "is not one that arithmetic uses"),
    "name of the sample's": ("sequence", TAU, TAU + '\nT2 = "1 s"', "parameters.T2", "found the parameter name 'T2', which"),
    "number for text": ("sequence", TAU, "tau = 0.1", "parameters.tau", "text in quotes, with its unit"),
    "misspelt title": ("sequence", "title =", "titel =", "titel", "unknown key 'titel'; did you mean 'title'?"),
    "length and rf": ("sequence", PHASE, PHASE + ', duration = "9 us", rf = "3 kHz"', "steps[2].rf", "found a duration and an rf"),
    "isotope": ("sample", '"1H", "1H"', '"H1", "1H"', "spins[0]", "the isotope 'H1'; did you mean '1H'?"),
    "spins as text": ("sample", '["1H", "1H"]', '"1H, 1H"', "spins", "found '1H, 1H'; it must be an array"),
    "one spin, coupled": ("sample", '["1H", "1H"]', '["1H"]', "couplings[0].between", "the sample has only spin 0"),
    "MHz for tesla": ("sample", '"11.744 T"', '"500 MHz"', "field", "a frequency (MHz) where a magnetic field is needed"),
    "below absolute zero": ("sample", '"298.15 K"', '"-300 degC"', "temperature", "found '-300 degC'; it must be above 0"),
    "rad/s for Hz": ("sample", '"1 kHz"', '"1 krad/s"', "couplings[0].dipolar", "a frequency in Hz is this over 2 pi"),
    "one table for many": ("sample", "[[couplings]]", "[couplings]", "couplings", "its header is [[couplings]]"),
    "key in other case": ("sample", "T1 =", "t1 =", "relaxation.t1", "unknown key 't1'; did you mean 'T1'?"),
    "T1 in kg": ("sample", '"1.5 s"', '"5 kg"', "relaxation.T1", "a value in kg where a time is needed"),
    "one T1 of two in kg": ("sample", '"1.5 s"', '["1 s", "5 kg"]', "relaxation.T1[1]", "a value in kg where a time is needed"),
    "a T1 too many": ("sample", '"1.5 s"', '["1 s", "1 s", "1 s"]', "relaxation.T1", "found 3 values for 2 spins"),
    "T2 beyond 2 T1": ("sample", '"200 ms"', '"20 s"', "relaxation.T2", "found 20 s for spin 0; at most 2 T1 = 3 s"),
    "coin-toss readout": ("sample", "error = 0.01", "error = 0.5", "readout.error", "found 0.5; it must be below 0.5"),
    "NaN readout": ("sample", "error = 0.01", "error = nan", "readout.error", "found nan; it must be below 0.5"),
    "per cent in quotes": ("sample", "error = 0.01", 'error = "1 %"', "readout.error", "it must be a number without quotes"),
    "coil too weak": ("sample", '"60 kHz"', '"6 kHz"', "rf.limit", "the 90-degree pulse needs 50000 Hz"),
    "unverified what": ("sample", "[0].dipolar", "[0].dipole", "unverified[0]", "is no key of this file"),
    "close name": ("experiment", '"sample.toml"', '"nematic_pair"', "sample", "no sample is called 'nematic_pair'; did you mean 'nematic-pair'?"),
    "close file": ("experiment", '"sample.toml"', '"samples.toml"', "sample", "no such sample file; did you mean 'sample.toml'?"),
    "unknown parameter": ("experiment", "store =", "stor =", "parameters.stor", "has no parameter 'stor'; did you mean 'store'?"),
    "parameter of another kind": ("experiment", 'store = "y"', 'store = "5 ms"', "parameters.store", "a time (ms) where an angle is needed"),
    "phase as parameter": ("experiment", 'store = "y"', 'store = "z"', "parameters.store", "the phase 'z'; a phase is x, y, -x, -y"),
    "sweep of nothing": ("experiment", "[sweep.charge]", "[sweep.charg]", "sweep.charg", "did you mean 'charge'?"),
    "sweep without unit": ("experiment", '"0 deg"', '"0"', "sweep.charge.from", "a number without a unit where an angle is needed"),
    "sweep without end": ("experiment", 'to = "180 deg"\n', "", "sweep.charge", "from, to and points, or values"),
    "no points": ("experiment", "points = 3", "points = 0", "sweep.charge.points", "found 0; it must be 1 or more"),
    "half a point": ("experiment", "points = 3", "points = 2.5", "sweep.charge.points", "it must be a whole number"),
    "no shots": ("experiment", "per_setting = 64", "per_setting = 0", "shots.per_setting", "found 0; it must be 1 or more"),
    "hard pulses": ("experiment", '"finite"', '"hard"', "pulses", "found 'hard'; it must be 'ideal' or 'finite'"),
    "more than whole": ("experiment", "amplify = 1.0", "amplify = 3", "amplify", "at most at 1"),
    "no such mark": ("experiment", "amplify = 1.0", 'charged = "end"', "charged", "observes no 'end'; one of its points: empty, charged"),
}  # fmt: skip


def written(folder, case):
    """The files with one mistake in them: the path of the faulty one and the line of the mistake."""
    stem, old, new, key, says = WRONG[case]
    text = FILES[f"{stem}.toml"]
    assert text.count(old) >= 1
    changed = text.replace(old, new, 1)
    write_files(folder, **{stem: changed})
    return folder / f"{stem}.toml", line_of(text, TOLD_AT.get(case, old)), key, says


@pytest.mark.parametrize("case", WRONG)
def test_one_mistake_gives_one_sentence_with_file_line_key_and_remedy(case, tmp_path, capsys):
    path, line, key, says = written(tmp_path, case)
    told = refused(capsys, "check", path)
    assert told.startswith(f"{path}, line {line}: {key}: ")
    assert says in told
    told = refused(capsys, "run", tmp_path / "experiment.toml", "--out", tmp_path / "out")
    assert f"line {line}: {key}: " in told
    assert not (tmp_path / "out").exists()


def test_the_files_without_a_mistake_are_good(tmp_path, capsys):
    write_files(tmp_path)
    code, out, err = in_process(capsys, "check", *(tmp_path / name for name in FILES))
    assert (code, err) == (0, "")
    assert [line.split(": ")[1] for line in out.splitlines()] == [
        "a good sequence",
        "a good sample",
        "a good experiment",
    ]


ISSUE = (
    "unknown key",
    "wrong unit",
    "negative time",
    "NaN time",
    "infinite time",
    "undefined parameter",
    "code",
    "close name",
)


def test_the_mistakes_of_the_issue_through_a_real_command_line(tmp_path, nmrqb):
    """All of them in one call of `check`, so that every problem of every file must be told, and in its place."""
    wrong = [written(tmp_path / case.replace(" ", "-"), case) for case in ISSUE]
    good = write_files(tmp_path / "good") / "sample.toml"
    done = nmrqb("check", wrong[0][0], good, *(path for path, *_ in wrong[1:]))
    told = complaints(done.stderr)
    assert done.returncode == 2
    assert done.stdout == f"{good}: a good sample: 2 spins, coupling 1 kHz\n"
    assert len(told) == len(ISSUE)
    for line, (path, number, key, says) in zip(told, wrong, strict=True):
        assert line.startswith(f"{path}, line {number}: {key}: ")
        assert says in line


def test_several_mistakes_in_one_file_are_all_told_in_the_order_of_their_lines(tmp_path, capsys):
    text = (
        SEQUENCE.replace(DELAY, 'delay = "5 kg"')
        .replace(PHASE, 'phase = "X"')
        .replace('observe = "empty"', 'observe = "charged"')
    )
    write_files(tmp_path, sequence=text)
    code, _, err = in_process(capsys, "check", tmp_path / "sequence.toml")
    assert code == 2
    assert [re.search(r"line (\d+): ([^:]*)", line).groups() for line in complaints(err)] == [
        ("4", "steps[1].delay"),
        ("5", "steps[2].phase"),
        ("9", "steps[6].observe"),
    ]


def test_a_thousand_mistakes_are_counted_but_not_all_told(tmp_path, capsys):
    path = tmp_path / "sequence.toml"
    path.write_text(SEQUENCE + "".join(f"[z{k}]\n" for k in range(1000)))
    code, _, err = in_process(capsys, "check", path)
    assert code == 2
    assert len(complaints(err)) == 101
    assert "900 more problems" in err


def test_a_pulse_beyond_the_rf_limit_is_refused_before_anything_is_written(tmp_path, nmrqb):
    write_files(tmp_path, sequence=SEQUENCE.replace(PHASE, f'{PHASE}, rf = "100 kHz"'))
    done = nmrqb("run", "experiment.toml", "--out", "out", cwd=tmp_path)
    (told,) = complaints(done.stderr)
    assert done.returncode == 2
    assert done.stdout == ""
    assert told == (
        "sequence.toml, line 5: steps[2].rf: found a pulse of 100 kHz nutation frequency; "
        "at most 60 kHz, the RF limit of sample 'sample'"
    )
    assert not (tmp_path / "out").exists()


def test_a_pulse_at_the_rf_limit_is_taken(tmp_path, capsys):
    for how, code in (
        ('rf = "60 kHz"', 0),
        ('duration = "2.0834 us"', 0),
        ('duration = "2.08 us"', 2),
    ):  # 1/(8 x 60 kHz)
        write_files(tmp_path, sequence=SEQUENCE.replace(PHASE, f"{PHASE}, {how}"))
        assert in_process(capsys, "check", tmp_path / "experiment.toml")[0] == code


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("chrage", "no experiment is called 'chrage'; did you mean 'charge'?"),
        ("expermient.toml", "expermient.toml: no such experiment file; did you mean 'experiment.toml'?"),
        ("no/such.toml", "no/such.toml: no such experiment file; a path leads to the TOML file of an experiment"),
        ("./", "./: this is a folder, not a file"),
        ("x" * 300 + ".toml", "the file cannot be read (file name too long)"),
        ("\udcff.toml", "\\udcff.toml: no such experiment file"),
        ("a\nb\x1b[31m.toml", "a b\\x1b[31m.toml: no such experiment file"),
    ],
)
def test_a_missing_file_is_named_with_the_closest_one(name, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path))
    assert says in refused(capsys, "run", name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


BINARY = {
    "empty": (b"", "this is none of the files known here; a sample has spins"),
    "not UTF-8": (b'title = "x"\nnote = "90\xb0"\n', "line 2: the file is not UTF-8 text"),
    "UTF-16": (SEQUENCE.encode("utf-16"), "line 1: the file is not UTF-8 text"),
    "null bytes": (b"\x00" * 10, "line 1: not TOML: "),
    "above 1 MB": (b"#" * 1_000_001, "larger than 1 MB; a sample, sequence or experiment has at most 1 MB"),
    "deep arrays": (b"a = " + b"[" * 400 + b"]" * 400, "line 1: the file is nested more than 16 levels deep"),
    "deeper arrays": (b"\na = " + b"[" * 100_000 + b"]" * 100_000, "the file is nested more than 16 levels deep"),
    "deep keys": (b'title = "x"\n' + b"a." * 300_000 + b"a = 1", "line 2: the file is nested more than 16 levels deep"),
    "deep header": (b"[" + b"'a' . " * 40 + b"b]", "line 1: the file is nested more than 16 levels deep"),
    "endless integer": (b"a = " + b"9" * 5000, "holds a number that is too long to read"),
    "not TOML": (b'title = "x"\nsteps\n', "line 2: not TOML: expected '=' after a key in a key/value pair; a line reads: key = value"),
    "open quote": (b'title = "x\nsteps = []\n', "line 1: not TOML: illegal character '\\n'; a text ends with its quote"),
    "open table": (b'title = "x"\nsteps = [\n  { crush = true\n]\n', "line 3: not TOML: unclosed inline table"),
    "key twice": (b'title = "x"\ntitle = "y"\n', "line 2: not TOML: cannot overwrite a value; each key is written once"),
    "curly quotes": ('title = "x"\nnote = “y”\n'.encode(), "line 2: not TOML: invalid value; quotes are straight"),
    "word without quotes": (b"title = battery\n", "line 1: not TOML: invalid value; text stands in quotes"),
    "key like a union member": (b'title = "x"\n"<Pulse>" = 1\nsteps = [{ observe = "a" }]', "line 2: '<Pulse>': unknown key '<Pulse>'; did you mean 'pulses'?"),
    "key that a terminal obeys": (b'title = "x"\n"\\u001b[31m\\n" = 1\nsteps = [{ observe = "a" }]', "line 2: '\\x1b[31m\\n': unknown key"),
}  # fmt: skip


@pytest.mark.parametrize("case", BINARY)
def test_files_that_are_none_of_ours(case, tmp_path, capsys):
    content, says = BINARY[case]
    path = tmp_path / "file.toml"
    path.write_bytes(content)
    began = time.process_time()
    told = refused(capsys, "check", path)
    assert told.startswith(f"{path}, {says}" if says.startswith("line") else str(path))
    assert says in told
    assert time.process_time() - began < 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_of_windows_are_read(encoding, ending, tmp_path, capsys):
    path = tmp_path / "sequence.toml"
    path.write_bytes(SEQUENCE.replace("\n", ending).encode(encoding))
    assert in_process(capsys, "check", path)[0] == 0
    path.write_bytes(SEQUENCE.replace("\n", ending).replace(DELAY, 'delay = "5 kg"').encode(encoding))
    assert refused(capsys, "check", path).startswith(f"{path}, line 4: steps[1].delay: ")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--shots", "0"], "--shots: found 0; a whole number from 1 to 10000000 is needed"),
        (["--shots", "10000001"], "--shots: found 10000001; a whole number from 1 to"),
        (["--seed", "-1"], "--seed: found -1; a whole number from 0 to 9223372036854775807 is needed"),
        (["--seed", "9223372036854775808"], "--seed: found 9223372036854775808; a whole number from 0 to"),
        (["--shots", "many"], "'--shots': "),
        (["--engine", "ear"], "--engine: no engine is called 'ear'; did you mean 'aer'?"),
        (["--engine", "zz"], "--engine: no engine is called 'zz'; allowed: aer, exact"),
        (["--shtos", "3"], "--shtos"),
    ],
)
def test_options_out_of_range_are_refused_before_anything_is_written(options, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path))
    assert says in refused(capsys, "run", "experiment.toml", "--out", "out", *options)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("place", ["sample.toml/out", "/proc/out", "/dev/null/out", "x" * 300])
def test_an_unwritable_output_folder_is_refused(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(write_files(tmp_path))
    told = refused(capsys, "run", "experiment.toml", "--out", place)
    assert told.startswith(f"{place}: --out: cannot be written (")
    assert told.endswith("a folder that you may write to is needed")


def test_an_unwritable_output_folder_through_a_real_command_line(tmp_path, nmrqb):
    write_files(tmp_path)
    done = nmrqb("run", "experiment.toml", "--out", "sample.toml/out", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaints(done.stderr) == [
        "sample.toml/out: --out: cannot be written (not a directory); a folder that you may write to is needed"
    ]
    assert (tmp_path / "sample.toml").read_text() == SAMPLE


LONG = EXPERIMENT.replace("points = 3", "points = 2000").replace("replicas = 5", 'replicas = 5\nsampling = "counts"')


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def state(folder):
    return json.loads((folder / "run.json").read_text())["state"]


def test_ctrl_c_in_the_middle_of_a_run(tmp_path, nmrqb):
    out = write_files(tmp_path, experiment=LONG) / "out"
    process = nmrqb.start("run", "experiment.toml", "--out", "out", cwd=tmp_path)
    wait_for((out / "run.json").exists, process)
    assert state(out) == "running"
    time.sleep(1.0)  # well inside of the computation
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stdout == ""
    assert complaints(stderr) == ["interrupted; go on with it: nmrqb resume out"]
    assert state(out) == "interrupted"
    assert sorted(path.name for path in out.rglob("*")) == [
        "experiment.toml", "inputs", "run.json", "sample.toml", "sequence.toml",
    ]  # fmt: skip


def test_ctrl_c_before_there_is_a_folder(tmp_path, nmrqb):
    """While Python still loads what a run needs."""
    write_files(tmp_path)
    os.mkfifo(tmp_path / "ready")
    told = "from nmrqb.cli import main\nopen('ready', 'w').close()"
    process = nmrqb.start("run", "experiment.toml", "--out", "out", cwd=tmp_path, before=told)
    (tmp_path / "ready").open().close()
    time.sleep(0.15)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (1, "", "nmrqb: interrupted\n")
    assert not (tmp_path / "out").exists()


def test_ctrl_c_while_python_executes_text(tmp_path):
    """Python -m would die of the signal: it remembers a Ctrl-C that fell into text it was executing."""
    (tmp_path / "struck.py").write_text(
        "import nmrqb.cli\n"
        "def app(**_):\n    exec('raise KeyboardInterrupt')\n"
        "nmrqb.cli.app = app\n"
        "import nmrqb.__main__\n"
        "nmrqb.__main__.main()\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    command = [sys.executable, "-m", "struck"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "nmrqb: interrupted\n")


def test_a_kill_leaves_a_run_that_says_it_is_running(tmp_path, nmrqb):
    out = write_files(tmp_path, experiment=LONG) / "out"
    process = nmrqb.start("run", "experiment.toml", "--out", "out", cwd=tmp_path)
    wait_for((out / "run.json").exists, process)
    process.kill()
    process.communicate()
    assert state(out) == "running"
    assert not {"data.nc", "report.html"} & {path.name for path in out.iterdir()}


@pytest.mark.parametrize(("limit", "stops_at"), [(100, "inputs/sequence.toml"), (2000, "data.nc")])
def test_a_disk_that_fills_up_leaves_nothing_that_looks_whole(limit, stops_at, tmp_path, nmrqb):
    """A real one: the system lets no file grow beyond the limit."""
    tiny = 'title = "t"\nsample = "nematic-pair"\nsequence = "sequence.toml"\n[sweep.charge]\nvalues = ["1 deg"]'
    out = write_files(tmp_path, experiment=tiny) / "out"
    before = f"import resource, sys; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    done = nmrqb("run", "experiment.toml", "--engine", "exact", "--out", "out", cwd=tmp_path, before=before)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != limit
    assert done.returncode == 1
    assert done.stdout == ""
    then = "; then go on with it: nmrqb resume out" if stops_at == "data.nc" else ", and run it again"
    told = f"out/{stops_at} cannot be written (file too large); make room or mend the folder{then}"
    assert complaints(done.stderr) == [told]
    left = {str(path.relative_to(out)) for path in out.rglob("*")}
    assert not {"data.nc", "report.html", "figure.png", stops_at} & left
    assert not [name for name in left if "partial" in name]
    if limit > 1000:
        assert state(out) == "failed"


def test_a_full_device_behind_a_pipe_is_told_and_no_success(tmp_path, nmrqb):
    path = write_files(tmp_path) / "sample.toml"
    with Path("/dev/full").open("w") as full:
        done = nmrqb("check", path, stdout=full)
    assert done.returncode == 1
    assert complaints(done.stderr) == ["the output cannot be written (No space left on device)"]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_wounded_files_are_accepted_or_refused_but_never_anything_else(path, tmp_path):
    text, rng, accepted = path.read_text(), random.Random(path.stem), 0
    copy, copies = tmp_path / "copy.toml", max(150, 3500 // len(LIBRARY))
    for _ in range(copies):
        copy.write_text(mutated(text, rng))
        began = time.process_time()
        try:
            document = load_document(copy)
            if path.parent.name == "experiments":
                Experiment.parse(document, "copy", copy.parent)
            else:
                {"samples": Sample, "sequences": Sequence}[path.parent.name].parse(document, "copy")
            accepted, told = accepted + 1, ["a good file"]
        except InputError as refused:
            told = [str(problem) for problem in refused.problems]
        assert told
        assert not any("\n" in line for line in told)
        assert time.process_time() - began < 3, copy.read_text()
    assert 0 < accepted < copies / 2  # the wounds are real ones, and not all of them are deadly


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_check_of_wounded_files_says_yes_or_no(path, tmp_path, capsys):
    text, rng = path.read_text(), random.Random(path.name)
    for _ in range(max(10, 150 // len(LIBRARY))):
        copy = tmp_path / "copy.toml"
        copy.write_text(mutated(text, rng))
        code, out, err = in_process(capsys, "check", copy)
        assert (code, bool(out), bool(complaints(err))) in ((0, True, False), (2, False, True)), copy.read_text()
