"""Bruker pulse programs: an independent reader finds what the sequence plays, and what has to be set is right."""

import re
from dataclasses import replace

import nmrglue
import numpy as np
import pytest

import nmrqb
import nmrqb.design
from nmrqb.export import pulse_program
from nmrqb.export.console import phase_list
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
    assert ";nuc1 : channel f1 [13C]" in text  # what INEPT acquires
    assert ";nuc2 : channel f2 [1H]" in text


NESTED = """
title = "rounds of rounds"
steps = [
  { repeat = 5, steps = [ { repeat = 4, steps = [ { delay = "50 us" }, { pulse = "90 deg" } ] }, { delay = "70 us" } ] },
  { repeat = 3, steps = [ { pulse = "0 deg" }, { delay = "0 us" }, { delay = "20 us" } ] },
  { observe = "end" },
]
"""


def test_every_line_has_one_label_and_silent_events_have_none(tmp_path, read):
    (tmp_path / "nested.toml").write_text(NESTED)
    sequence, sample = nmrqb.Sequence.load(tmp_path / "nested.toml"), nmrqb.Sample.load("nematic-pair")
    text = pulse_program(sequence, sample).text
    lines = text.split("1 ze")[1].split("go=2")[0].splitlines()
    labelled = [line for line in lines if line[:2].isdigit()]
    assert len(labelled) == 3
    assert all(re.fullmatch(r"\d\d d\d+", line) for line in labelled)  # a label, and something that is played
    assert sorted(read(text)["loop"]) == [3, 3, 5]  # four rounds inside: one written out before the loop of three
    timeline = nmrqb.schedule(sequence, sample, pulses="finite")
    assert played_time(text) == pytest.approx(timeline.durations.sum(), abs=2e-9)


@pytest.mark.parametrize(
    ("align", "written"),
    [
        ("start", "(p1:sp1 ph0):f1 (p2:sp2 ph1):f2"),
        ("centre", "(center (p1:sp1 ph0):f1 (p2:sp2 ph1):f2)"),
        ("end", "(ralign (p1:sp1 ph0):f1 (p2:sp2 ph1):f2)"),
    ],
)
def test_pulses_together_stand_as_they_are_aligned(tmp_path, align, written):
    soft = '{ pulse = "90 deg", on = "1H", shape = "gaussian", duration = "200 us" }'
    other = '{ pulse = "90 deg", on = "13C", phase = "y", shape = "hermite", duration = "300 us" }'
    steps = f'[ {{ together = [ {soft}, {other} ], align = "{align}" }}, {{ observe = "end" }} ]'
    (tmp_path / "both.toml").write_text(f'title = "both"\nsteps = {steps}\n')
    sample = nmrqb.Sample.load("chloroform")
    program = pulse_program(nmrqb.Sequence.load(tmp_path / "both.toml"), sample)
    assert f"  {written}\n" in program.text
    assert list(program.shapes) == ["both-sp1.shp", "both-sp2.shp"]
    # each power comes from the reference of its own channel
    for name, index, isotope in (("spw1", 1, "1H"), ("spw2", 2, "13C")):
        ratio = float(re.search(rf'"{name}=plw{index}\*pow\(([\d.]+),2\)"', program.text)[1])
        reference = 1 / (4 * sample.coil(isotope).pulse_90)
        assert next(s.what for s in program.settings if s.name == name).startswith(
            f"shaped pulse on {isotope}, peak nutation {ratio * reference:.6g} Hz"
        )


def test_the_sheet_says_where_carriers_are_set():
    sample = replace(nmrqb.Sample.load("chloroform"), offsets=(120.0, -35.0))
    told = {s.name: s.what for s in pulse_program(nmrqb.Sequence.load("ax-gibbs"), sample).settings}
    assert told["o1"] == "1H: carrier that has spin 0 at +120 Hz"
    assert told["o2"] == "13C: carrier that has spin 1 at -35 Hz"


@pytest.mark.parametrize(("field", "cycles", "taken"), [(0.0, 60, True), (0.4, 7, True), (0.4, 8, False)])
def test_cycles_of_sixteen_pulses_are_loops_where_nothing_changes(field, cycles, taken):
    sample = nmrqb.Sample.load("nematic-pair")
    battery = nmrqb.Battery(axial=1, rhombic=0.25, ksea=0.15, zeeman=field)
    sequence = nmrqb.design.engineer(battery, sample, 10.0, cycles=cycles, speed=0.2, frame="receiver")
    if taken:
        text = pulse_program(sequence, sample).text
        assert (f'"l1={cycles}"' in text) == (field == 0)
        assert len(text.splitlines()) < 100 + 40 * cycles * (field != 0)
    else:  # B gives each cycle four phases of its own
        with pytest.raises(ValueError, match="at most 31 different phases"):
            pulse_program(sequence, sample)


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
    with pytest.raises(ValueError, match="at most 31 different phases, as TopSpin has names, but is one with more"):
        written(32)
