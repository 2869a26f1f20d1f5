"""What a spectrometer cannot play is told with its place, what was found, and the nearest that is allowed; both sides of each limit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nmrqb
from nmrqb.errors import InputError, Problem
from nmrqb.files import load_document
from nmrqb.nmr.sample import Coil
from nmrqb.nmr.schema import ReceiverTable
from nmrqb.timeline.limits import hardware_findings, hardware_problems, library_fits

SAMPLE = replace(
    nmrqb.Sample.load("nematic-pair"),
    raster=1e-7,
    duty_cycle=0.5,
    receiver=ReceiverTable(dwell="10 us", points=100, dead_time="10 us"),
)
QUIET = '{ delay = "1 s" }'  # keeps the duty cycle of short sequences low
LIBRARY = sorted(path.stem for path in (Path(__file__).parents[2] / "sequences").glob("*.toml"))


def made(tmp_path, *steps, rest=""):
    path = tmp_path / "plan.toml"
    path.write_text(
        'title = "x"\nsteps = [\n' + "".join(f"  {step},\n" for step in steps) + f'  {{ observe = "end" }},\n]\n{rest}'
    )
    return nmrqb.Sequence.parse(load_document(path, "plan.toml"), "plan", tmp_path)


def found(tmp_path, *steps, rest="", sample=SAMPLE, notes=False):
    sequence = made(tmp_path, *steps, rest=rest)
    return hardware_findings(sequence, sample) if notes else hardware_problems(sequence, sample)


ONE = {
    "delay off the raster": ('{ delay = "1.23 us" }', "raster", "steps[1].delay", "a delay of 1.23 us, which the raster of 100 ns does not hold; the nearest that it holds is 1.2 us"),
    "delay below the raster": ('{ delay = "3 ns" }', "raster", "steps[1].delay", "the nearest that it holds is 100 ns"),
    "pulse off the raster": ('{ pulse = "90 deg", duration = "5.55 us" }', "raster", "steps[1].duration", "a pulse of 5.55 us, which"),
    "slices off the raster": ('{ pulse = "90 deg", duration = "1 ms", shape = "gaussian" }', None, "", ""),
    "slices of a lock": ('{ lock = "1 kHz", duration = "150 us", shape = "sinc" }', "raster", "steps[1].duration", "a pulse of 200 slices, 750 ns each, of 150 us, which the raster of 100 ns does not hold; the nearest that it holds is 160 us"),
    "lock off the raster": ('{ lock = "1 kHz", duration = "0.12345 ms" }', "raster", "steps[1].duration", "the nearest that it holds is 123.5 us"),
    "no delay": ('{ delay = "0 s" }', "length", "steps[1].delay", "a delay of no length; leave the step out, or give it a time"),
    "no lock": ('{ lock = "1 kHz", duration = "0 s" }', "length", "steps[1].duration", "a pulse of no length"),
    "lock too strong": ('{ lock = "60.1 kHz", duration = "1 us" }', "rf limit", "steps[1].lock", "60.1 kHz nutation frequency; at most 60 kHz, the RF limit of sample 'nematic-pair'"),
    "lock at the limit": ('{ lock = "60 kHz", duration = "1 us" }', None, "", ""),
    "pulse too short": ('{ pulse = "90 deg", duration = "4 us" }', "rf limit", "steps[1].duration", "62.5 kHz nutation frequency"),
    "no such channel": ('{ pulse = "90 deg", on = "1h" }', "channel", "steps[1].on", "has no channel '1h'; did you mean '1H'?"),
    "in a repeat": ('{ repeat = 7, steps = [{ delay = "1.23 us" }] }', "raster", "steps[1].steps[0].delay", "the nearest that it holds is 1.2 us"),
    "in repeats of repeats": ('{ repeat = 7, steps = [{ repeat = 3, steps = [{ delay = "1 us" }, { delay = "1.23 us" }] }] }', "raster", "steps[1].steps[0].steps[1].delay", "1.2 us"),
    "too many slices": ('{ repeat = 10000, steps = [{ repeat = 10000, steps = [{ delay = "1 us" }] }] }', "slices", "steps[1]", "100000000 slices"),
}  # fmt: skip


@pytest.mark.parametrize("case", ONE)
def test_one_problem_has_its_place_and_its_remedy(case, tmp_path):
    step, kind, key, says = ONE[case]
    told = found(tmp_path, QUIET, step)
    if kind is None:
        assert told == ()
        return
    (problem,) = told
    assert (problem.kind, problem.key, problem.file, problem.line) == (kind, key, "plan.toml", 4)
    assert says in str(problem)


def test_times_from_the_sample_are_notes_with_what_is_played(tmp_path):
    told = found(
        tmp_path, '{ delay = "1/(6*abs(coupling))" }', '{ delay = "tau/2" }', '{ pulse = "47 deg" }', '{ pulse = "90 deg", duration = "2.001*pulse_90" }', QUIET,
        rest='[parameters]\ntau = "T2/7"', notes=True,
    )  # fmt: skip
    assert all(note.is_note and note.kind == "raster" for note in told)
    assert [(note.key, note.allowed) for note in told] == [
        ("steps[0].delay", "it is played as 166.7 us"),
        ("steps[1].delay", "it is played as 14.2857 ms"),
        ("steps[2].pulse", "it is played as 2.6 us"),
        ("steps[3].duration", "it is played as 10 us"),
    ]
    assert not hardware_problems(made(tmp_path, '{ delay = "1/(6*abs(coupling))" }', QUIET), SAMPLE)


def test_numbers_given_to_a_block_are_problems_and_couplings_given_to_it_are_notes(tmp_path):
    literal, leaning = (
        found(tmp_path, f'{{ block = "broekaert-jeener-charge", with = {{ tau = "{tau}" }} }}', QUIET, notes=True)[0]
        for tau in ("166.66 us", "1/(6*coupling)")
    )
    assert (literal.is_note, leaning.is_note) == (False, True)
    for finding in (literal, leaning):
        assert finding.message.startswith("in block 'broekaert-jeener-charge': found a delay of 166.66")
        assert (finding.key, finding.line) == ("steps[0]", 3)


@pytest.mark.parametrize(
    ("between", "told"),
    [
        ([], "found a pulse that ends 0 ns before it; a delay of at least 10 us is needed, the receiver's dead time"),
        (['{ delay = "9.9 us" }'], "found a pulse that ends 9.9 us before it"),
        (
            ['{ delay = "4 us" }', "{ crush = true }", '{ repeat = 2, steps = [{ delay = "2.9 us" }] }'],
            "ends 9.8 us before it",
        ),
        (['{ delay = "10 us" }'], None),
        (['{ delay = "5 us" }', '{ delay = "5 us" }'], None),
    ],
)
def test_dead_time(between, told, tmp_path):
    problems = found(tmp_path, QUIET, '{ pulse = "90 deg" }', *between, '{ acquire = "fid" }')
    if told is None:
        assert problems == ()
    else:
        (problem,) = problems
        assert (problem.kind, problem.key) == ("dead time", f"steps[{2 + len(between)}].acquire")
        assert told in str(problem)


def test_an_acquisition_without_a_pulse_before_it_or_without_a_dead_time_is_free(tmp_path):
    assert found(tmp_path, '{ acquire = "fid" }', '{ pulse = "90 deg" }', QUIET) == ()
    for receiver in (None, ReceiverTable(dwell="10 us", points=100)):
        bare = replace(SAMPLE, receiver=receiver)
        assert found(tmp_path, QUIET, '{ pulse = "90 deg" }', '{ acquire = "fid" }', sample=bare) == ()


def test_the_dead_time_that_is_told_is_on_the_raster_and_suffices(tmp_path):
    coarse = replace(SAMPLE, raster=3e-6, pulse_90=6e-6)
    (problem,) = found(
        tmp_path, QUIET.replace("1 s", "1.2 s"), '{ pulse = "90 deg" }', '{ acquire = "fid" }', sample=coarse
    )
    assert "at least 12 us" in problem.allowed
    steps = (QUIET.replace("1 s", "1.2 s"), '{ pulse = "90 deg" }', '{ delay = "12 us" }', '{ acquire = "fid" }')
    assert found(tmp_path, *steps, sample=coarse) == ()


def test_duty_cycle(tmp_path):
    train = '{ repeat = 10, steps = [{ pulse = "90 deg" }, { delay = "%s" }] }'
    assert found(tmp_path, train % "5 us") == ()
    (problem,) = found(tmp_path, train % "3 us")
    assert (problem.kind, problem.key) == ("duty cycle", "steps")
    assert (
        "found RF on for 62.5 % of the time (50 us of 80 us); at most 50 % on sample 'nematic-pair', as with 20 us of delays more"
        in str(problem)
    )
    assert found(tmp_path, train % "3 us", '{ delay = "20 us" }') == ()
    assert found(tmp_path, train % "3 us", sample=replace(SAMPLE, duty_cycle=None)) == ()
    # an acquisition of 100 points of 10 us is time without RF
    assert found(tmp_path, train % "3 us", '{ delay = "10 us" }', '{ acquire = "fid" }') == ()
    assert hardware_problems(made(tmp_path, train % "3 us"), SAMPLE, pulses="ideal") == ()


def test_every_limit_is_told_at_once_and_in_each_channel(tmp_path):
    ax = replace(
        nmrqb.Sample.load("chloroform"), raster=1e-6, receiver=ReceiverTable(dwell="10 us", points=10, dead_time="10 us"), rf_limit=20e3, pulse_90=15e-6,
        coils={"13C": Coil(20e-6, 15e3)},
    )  # fmt: skip
    told = found(
        tmp_path, '{ delay = "1.5 us" }', '{ lock = "18 kHz", duration = "10 us" }', '{ pulse = "90 deg", on = "19F" }', '{ delay = "0 s" }', '{ acquire = "a", on = "13C" }', sample=ax,
    )  # fmt: skip
    assert {problem.kind for problem in told} == {"raster", "rf limit", "channel", "length", "dead time"}
    (limit,) = [problem for problem in told if problem.kind == "rf limit"]
    assert "at most 15 kHz" in limit.allowed  # only carbon's coil is too weak


def test_points_of_a_list_are_checked_each(tmp_path):
    (problem,) = found(tmp_path, '{ delay = "tau" }', rest='[parameters]\ntau = ["1 us", "1.04 us", "2 us"]')
    assert "found a delay of 1.04 us" in problem.message
    (note,) = found(tmp_path, '{ delay = "tau" }', rest='[parameters]\ntau = ["0 s", "1 us"]', notes=True)
    assert (note.is_note, note.kind) == (True, "length")
    assert "no length at 1 of 2 points; it is left out there" in str(note)


def test_a_pulse_that_flips_by_nothing_is_left_out(tmp_path):
    (note,) = found(tmp_path, QUIET, '{ pulse = "0 deg" }', notes=True)
    assert (note.is_note, note.kind, note.key) == (True, "length", "steps[1].pulse")


def test_off_raster_by_rounding_only_is_on_it(tmp_path):
    for steps in (3, 7, 10**7 + 1):
        assert found(tmp_path, f'{{ delay = "{steps}*0.1 us" }}') == ()
        assert found(tmp_path, f'{{ delay = "{steps}*0.1 us + 0.001 ns" }}') != () or steps > 10**6


def test_findings_are_problems_and_go_where_problems_go(tmp_path):
    (problem,) = found(tmp_path, QUIET, '{ delay = "1.23 us" }')
    assert isinstance(problem, Problem)
    assert str(InputError((problem,))) == str(problem)


def test_schedule_refuses_what_the_check_finds_of_rf_limits_and_channels(tmp_path):
    for step in ('{ lock = "61 kHz", duration = "1 us" }', '{ pulse = "90 deg", on = "13C" }'):
        sequence = made(tmp_path, QUIET, step)
        with pytest.raises(InputError) as refused:
            nmrqb.schedule(sequence, SAMPLE, pulses="finite")
        assert refused.value.problems == hardware_problems(sequence, SAMPLE)


def test_ideal_pulses_have_no_length_by_intent(tmp_path):
    steps = made(tmp_path, '{ pulse = "90 deg" }', '{ lock = "1 kHz", duration = "0 s" }', QUIET)
    (problem,) = hardware_problems(steps, SAMPLE, pulses="ideal")
    assert problem.key == "steps[1].duration"


@pytest.mark.parametrize("name", LIBRARY)
def test_every_sequence_of_the_library_fits_a_sample_of_it(name):
    sequence = nmrqb.Sequence.load(name)
    fits = library_fits(sequence)
    assert fits
    for sample in fits:
        nmrqb.schedule(sequence, nmrqb.Sample.load(sample), pulses="finite")


@pytest.mark.parametrize("name", LIBRARY)
def test_what_is_noted_to_be_rounded_is_near_what_was_meant(name):
    """A note is about less than half a step of each slice: the check does not excuse what is far off."""
    sequence = nmrqb.Sequence.load(name)
    for sample in map(nmrqb.Sample.load, library_fits(sequence)):
        for note in hardware_findings(sequence, sample):
            assert note.is_note
            assert json.dumps(vars(note))
            assert not np.isnan(note.line)


def test_a_rotation_in_no_time_is_beyond_every_rf_limit(tmp_path):
    text = 'title = "t"\nsteps = [{ pulse = "90 deg", duration = "0 us" }, { observe = "end" }]\n'
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError, match=r"steps\[0\].duration: found a pulse of .* nutation frequency"):
        nmrqb.schedule(nmrqb.Sequence.load(tmp_path / "s.toml"), nmrqb.Sample.load("nematic-pair"))
    (tmp_path / "s.toml").write_text(text.replace("90 deg", "0 deg"))
    nmrqb.schedule(nmrqb.Sequence.load(tmp_path / "s.toml"), nmrqb.Sample.load("nematic-pair"))
