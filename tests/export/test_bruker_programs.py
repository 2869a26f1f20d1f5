"""Bruker pulse programs: an independent reader finds what the sequence plays, and what has to be set is right."""

import re

import nmrglue
import numpy as np
import pytest

import nmrqb
from nmrqb.export import pulse_program
from nmrqb.export.bruker import phase_list
from nmrqb.tomography.readouts import default_readouts

LIBRARY = {
    "adrf": "nematic-pair",
    "ax-diagonal": "chloroform",
    "ax-gibbs": "chloroform",
    "bb1-180": "nematic-pair",
    "broekaert-jeener": "nematic-pair",
    "broekaert-jeener-charge": "nematic-pair",
    "inept": "chloroform",
    "magic-echo": "nematic-pair",
    "mrev8": "nematic-pair",
    "spin-echo": "nematic-pair",
    "wahuha": "nematic-pair",
}


def made(name, **values):
    return pulse_program(nmrqb.Sequence.load(name).bind(**values), nmrqb.Sample.load(LIBRARY[name]))


@pytest.fixture
def read(tmp_path):
    def reader(text):
        path = tmp_path / "pulseprogram"
        path.write_text(text)
        return nmrglue.bruker.read_pprog(str(path))

    return reader


def played_time(text):
    """Time from the first pulse to the acquisition in s, added up from the program's own lines; loops multiplied out."""
    variables = dict(re.findall(r'"([a-z]+\d+)=([\d.]+)(?:u|m)?"', text))
    scale = {name: 1e-3 if unit == "m" else 1e-6 for name, unit in re.findall(r'"([pd]\d+)=[\d.]+(u|m)"', text)}
    lines = text.split("\n1 ze\n")[1].split("go=2")[0].splitlines()
    start = next(k for k, line in enumerate(lines) if re.search(r"\bd12 ", line)) + 1
    times = [0.0]
    for line in lines[start:]:
        code = line.partition(";")[0]
        if "UNBLKGRAD" in code and "d16" not in code:
            continue
        label = re.match(r"\s*(\d+)\s", code)
        if label:
            times.append(0.0)
            code = code[label.end() :]
        if code.strip().startswith("lo to"):
            count = float(variables[re.search(r"times (l\d+)", code)[1]])
            inner = times.pop()
            times[-1] += inner * count
            continue
        names = re.findall(r"\b([pd]\d+)\b", code)
        names = [n for n in names if n in scale]
        lengths = [float(variables[n]) * scale[n] for n in names if n not in ("p16", "d16")]
        times[-1] += max(lengths, default=0.0)
    return times[0]


@pytest.mark.parametrize("name", LIBRARY)
def test_the_program_lasts_as_long_as_the_timeline(name):
    sequence, sample = nmrqb.Sequence.load(name), nmrqb.Sample.load(LIBRARY[name])
    timeline = nmrqb.schedule(sequence, sample, pulses="finite")
    program = pulse_program(sequence, sample, at=timeline.observed[-1])
    last = next(mark.after for mark in timeline.marks if mark.name == timeline.observed[-1])
    expected = timeline.durations[..., :last].sum(axis=-1).flat[0]
    assert played_time(program.text) == pytest.approx(expected, rel=0, abs=2e-10 * max(len(timeline.events), 5))


def test_an_independent_reader_finds_the_variables_and_loops(read):
    found = read(made("wahuha").text)
    sample = nmrqb.Sample.load("nematic-pair")
    assert found["var"]["p1"] == f"{sample.pulse_90 * 1e6:g}u"
    assert found["var"]["l1"] == "8"
    assert 8 in found["loop"]


def test_the_phase_cycle_is_that_of_the_sequence():
    program = made("broekaert-jeener")
    sequence = nmrqb.Sequence.load("broekaert-jeener")
    turns = {"x": "0", "y": "1", "-x": "2", "-y": "3"}
    lists = dict(re.findall(r"^(ph\d+)=(.*)$", program.text, flags=re.MULTILINE))
    order = re.findall(r"pl1 (ph\d+)\):f1", program.text)
    for name, phases in zip(order, ("first", "second", "third"), strict=True):
        expected = [turns[text] for text in sequence.cycle[phases]]
        expected = expected[:1] if len(set(expected)) == 1 else expected
        assert lists[name].split() == expected
    assert lists["ph31"].split() == [turns[text] for text in sequence.cycle["receiver"]]
    assert next(s.value for s in program.settings if s.name == "ns") == "8"


def test_phases_are_written_as_coarsely_as_they_can_be():
    assert phase_list(np.radians([0, 90, 180, 270])) == "0 1 2 3"
    assert phase_list(np.radians([0, 45, 359])) == "(360) 0 45 359"
    fine = phase_list(np.radians([104.478, 313.433]))
    assert fine.startswith("(65536) ")
    values = [int(v) * 360 / 65536 for v in fine.split()[1:]]
    assert np.allclose(values, [104.478, 313.433], rtol=0, atol=360 / 65536 / 2)
    assert phase_list(np.array([2 * np.pi - 1e-12])) == "0"


def test_a_shaped_pulse_has_its_power_from_the_reference():
    program = made("adrf")
    sample = nmrqb.Sample.load("nematic-pair")
    peak = min(10 * abs(sample.coupling), sample.rf_limit)
    ratio = peak * 4 * sample.pulse_90
    written = float(re.search(r'"spw1=plw1\*pow\(([\d.]+),2\)"', program.text)[1])
    assert written == pytest.approx(ratio, rel=1e-8)
    assert list(program.shapes) == ["adrf-sp1.shp"]
    assert "(p2:sp1 " in program.text
    about = next(s.what for s in program.settings if s.name == "spw1")
    assert f"{-20 * np.log10(ratio):.3f} dB more attenuation" in about


def test_swept_lengths_become_a_table():
    sample = nmrqb.Sample.load("nematic-pair")
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge").bind(charge=np.radians([0, 90, 180]))
    program = pulse_program(sequence, sample)
    lines = program.sweep().splitlines()
    assert lines[0] == "p3_us"
    assert np.allclose([float(x) for x in lines[1:]], [0, sample.pulse_90 * 1e6, 2e6 * sample.pulse_90], atol=1e-4)
    assert "p3,swept,us" in program.sheet()


def test_a_swept_phase_is_refused():
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge").bind(store=np.radians([0, 90]))
    with pytest.raises(ValueError, match="sweeps the phase"):
        pulse_program(sequence, nmrqb.Sample.load("nematic-pair"))


def test_readouts_come_last_and_the_detected_channel_is_f1():
    sample = nmrqb.Sample.load("chloroform")
    for readout in default_readouts(sample.groups):
        text = pulse_program(nmrqb.Sequence.load("ax-gibbs"), sample, readout=readout).text
        pulses = [line for line in text.split("go=2")[0].splitlines() if "; readout" in line]
        assert len(pulses) == (0 if readout.name == "II" else 1)
    text = pulse_program(nmrqb.Sequence.load("inept"), sample).text
    acquired = nmrqb.schedule(nmrqb.Sequence.load("inept"), sample).marks[-1]
    if acquired.kind == "acquire":
        isotope = sample.spins[acquired.groups[0][0]]
        assert f";nuc1 : channel f1 [{isotope} ]" in text


def test_an_unknown_mark_is_refused_by_name():
    with pytest.raises(ValueError, match="'nix'"):
        pulse_program(nmrqb.Sequence.load("adrf"), nmrqb.Sample.load("nematic-pair"), at="nix")


def test_more_phase_lists_than_there_are_names_are_refused(tmp_path):
    sample, path = nmrqb.Sample.load("nematic-pair"), tmp_path / "many.toml"

    def written(count):
        steps = ", ".join(f'{{ pulse = "90 deg", phase = "{k} deg" }}' for k in range(1, count + 1))
        path.write_text(f'title = "many"\nsteps = [ {steps}, {{ observe = "end" }} ]\n')
        return pulse_program(nmrqb.Sequence.load(path), sample).text

    assert "ph30=(360) 31" in written(31)  # ph31 is the receiver's
    with pytest.raises(ValueError, match="more ph than TopSpin has"):
        written(32)
