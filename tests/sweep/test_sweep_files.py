"""The sweep file: what its keys come to, and what is refused, with file and line, before anything runs."""

import random

import numpy as np
import pytest
from command_line import EXPERIMENT, ROOT, write_files
from sweep_texts import RANDOM, SWEEP
from wounds import mutated

from nmrqb.errors import InputError
from nmrqb.experiment import Experiment
from nmrqb.files import document
from nmrqb.sweep import Processes, sweep
from nmrqb.sweep.schema import SweepPlan


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("files"))


def planned(place, text):
    return SweepPlan.parse(document(text, "sweep.toml"), "sweep", place)


def done(plan, seed=3, **how):
    return sweep(plan.task, plan.design(seed), seed=seed, chunk=plan.table.chunk, **how)


def test_keys_of_the_sample_and_parameters_become_axes_beside_those_of_the_experiment(place):
    plan = planned(place, SWEEP)
    found = done(plan)
    assert plan.points == 6
    assert dict(found["ergotropy"].sizes) == {"sample.relaxation.T2": 3, "tau": 2, "source": 2, "charge": 3}
    assert found["sample.relaxation.T2"].values.tolist() == [100, 200, 300]
    assert found["sample.relaxation.T2"].attrs["units"] == "ms"
    assert found["tau"].attrs["units"] == "s"
    # T2 = 200 ms is what the file of the sample says itself
    experiment = Experiment.load(place / "experiment.toml")
    for tau in (1e-4, 2e-4):
        direct = experiment.at_points({"tau": np.array([tau])}).run("exact")
        same = found.sel({"sample.relaxation.T2": 200}).sel(tau=tau, method="nearest")
        np.testing.assert_allclose(
            same["ergotropy"], direct["ergotropy"].isel(point=0).transpose("source", "charge"), atol=1e-12
        )
    noisy = found["ergotropy"].sel(source="exact").values
    assert np.all(np.ptp(noisy, axis=0).max(axis=1) > 1e-5)  # T2 acts
    assert np.ptp(found["ergotropy"].sel(source="theory").values, axis=0).max() < 1e-12  # but not on theory


def test_points_drawn_from_ranges_are_those_of_the_seed(place):
    plan = planned(place, RANDOM)
    found = done(plan)
    assert found["ergotropy"].sizes["point"] == 8
    values = found["sample.couplings.0.dipolar"].values
    assert np.all((values >= 0.5) & (values <= 1.5))
    assert found["sample.couplings.0.dipolar"].attrs["units"] == "kHz"
    assert np.all((found["charge"] > np.radians(80)) & (found["charge"] < np.radians(100)))
    assert found.identical(done(planned(place, RANDOM)))
    assert not np.array_equal(done(plan, 4)["charge"], found["charge"])
    direct = Experiment.load(place / "experiment.toml")
    sample = direct.sample.parse(
        document(direct.sample.source.replace('"1 kHz"', f'"{values[5]:.17g} kHz"'), "sample.toml"), "sample"
    )
    lone = Experiment.parse(direct.document, "experiment", place, sample=sample)
    lone = lone.at_points({"charge": found["charge"].values[5:6]}).run("exact")
    np.testing.assert_allclose(found["ergotropy"].isel(point=5), lone["ergotropy"].isel(point=0).squeeze(), rtol=1e-12)


def test_keys_of_the_experiment_that_are_whole_numbers_stay_so(place):
    text = 'title = "t"\nexperiment = "experiment.toml"\nengine = "aer"\n[sweep."experiment.shots.per_setting"]\n'
    plan = planned(place, text + 'values = ["64", "1024", "65536"]')
    assert plan.task.overrides[0].whole
    found = done(plan)
    errors = found["ergotropy_error"].sel(source=found["source"].values[-1]).mean("charge")
    assert errors[0] > errors[1] > errors[2] > 0
    with pytest.raises(InputError, match=r"line 4: sweep.'experiment.shots.per_setting': found 68.5; whole numbers"):
        planned(place, text + 'from = "64"\nto = "73"\npoints = 3')
    drawn = text.replace("[sweep.", "points = 5\n[random.") + 'from = "64"\nto = "99"\n'
    values = planned(place, drawn.replace('"aer"', '"exact"')).design(1).values["experiment.shots.per_setting"]
    assert np.array_equal(values, np.round(values))


def test_a_table_that_a_file_leaves_out_is_made(tmp_path):
    place = write_files(tmp_path, experiment=EXPERIMENT.split("[shots]")[0])
    plan = planned(place, SWEEP.split("[sweep")[0] + '[sweep."experiment.shots.per_setting"]\nvalues = ["5", "6"]')
    assert plan.task.overrides[0].whole
    assert plan.points == 2


def test_workers_need_no_files_not_even_a_profile_of_the_coil(tmp_path, monkeypatch):
    experiment = EXPERIMENT + '[ensemble]\nprofile = "coil.csv"\n'
    place = write_files(tmp_path / "given", experiment=experiment)
    (place / "coil.csv").write_text("0.9,1\n1.0,2\n1.1,1\n")
    plan = planned(place, SWEEP)
    expected = done(plan)
    monkeypatch.chdir(tmp_path)
    for file in place.iterdir():
        file.unlink()
    assert done(plan, workers=Processes(1)).identical(expected)


def test_the_same_sweep_by_any_chunks_has_the_same_exact_numbers(place):
    whole = done(planned(place, SWEEP))
    for chunk in (1, 4):
        parts = done(planned(place, f"chunk = {chunk}\n" + SWEEP))
        np.testing.assert_allclose(parts["ergotropy"], whole["ergotropy"], atol=1e-13)


GRID = SWEEP.partition("[sweep.tau]")[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SWEEP.replace("tau]", "tua]"), r"line 9: sweep.tua: the sequence 'sequence' has no parameter 'tua'; did you mean 'tau'"),
        (SWEEP.replace("relaxation.T2", "relaxtion.T2"), r"line 4: .*unknown key 'relaxtion'"),
        (SWEEP.replace("relaxation.T2", "relaxation.T9"), r"line 4: sweep.'sample.relaxation.T9': unknown key"),
        (SWEEP.replace("relaxation.T2", "couplings.3.dipolar"), r"line 4: .*3 is no entry of a list of 1"),
        (SWEEP.replace("relaxation.T2", "couplings.x"), r"line 4: .*'x' is no entry of a list of 1"),
        (SWEEP.replace("relaxation.T2", "title.T2"), r"line 4: .*'T2' is looked for in what is no table"),
        (SWEEP.replace("sample.relaxation.T2", "experiment.sweep.charge.points"), r"line 4: .*sweep the parameter: \[sweep.charge\]"),
        (SWEEP.replace('"300 ms"', '"300 s"'), r"line 4: .*found the units \['ms', 's'\]"),
        (SWEEP.replace('"300 ms"', '"many"'), r"line 6: .*found 'many'; a number with its unit"),
        (SWEEP.replace('"300 ms"', '"1e999 ms"'), r"line 6: .*found '1e999 ms'"),
        (SWEEP.replace('"100 ms"', '"-100 ms"'), r"line 4: sweep.'sample.relaxation.T2': found '-100 ms'; it must be above 0"),
        (SWEEP.replace('"300 ms"', '"9000 ms"'), r"line 4: sweep.'sample.relaxation.T2': found 9 s for spin 0; at most 2 T1"),
        (SWEEP.replace("points = 3", ""), r"line 4: .*evenly spaced or a list"),
        (SWEEP.replace("points = 3", 'points = 3\nvalues = ["1 ms"]'), r"line 4: .*evenly spaced or a list"),
        (SWEEP.replace("points = 3", "points = 0"), r"line 7: .*points"),
        (SWEEP.replace('"200 us"', '"200 Hz"'), r"line 10: sweep.tau.values: found a frequency \(Hz\)"),
        (SWEEP.replace('"200 us"', '"-200 us"'), r"line 4: sweep: with .*tau = -0.0002 s: .*-"),
        (SWEEP + "[random.charge]\nfrom = '0 deg'\nto = '1 deg'", r"found both of \[sweep.NAME\] and \[random.NAME\]"),
        (SWEEP.split("[sweep")[0], r"found neither of \[sweep.NAME\] and \[random.NAME\]"),
        ("points = 4\n" + SWEEP, r"line 1: points: found points beside a grid"),
        ('how = "sobol"\n' + SWEEP, r"line 1: how: found how beside a grid"),
        (RANDOM.replace("points = 8\n", ""), r"found no points; .* points = 1000"),
        (RANDOM.replace('"80 deg"', '"80 ms"'), r"line 10: random.charge.from: found a time \(ms\)"),
        (RANDOM.replace("charge]", "chrage]"), r"line 9: random.chrage: .*did you mean 'charge'"),
        (RANDOM.replace('"0.5 kHz"', '"500 Hz"'), r"line 5: random.*found the units \['Hz', 'kHz'\]"),
        (RANDOM.replace("points = 8", 'points = 8\nhow = "guess"'), r"line 4: how: .*guess"),
        ('engine = "exakt"\n' + SWEEP, r"line 1: engine: no engine is called 'exakt'; did you mean 'exact'"),
        ('engine = "ibm:ibm_torino"\n' + SWEEP, r"line 1: engine: .*no machine that has to be paid for; .*nmrqb run"),
        ("chunk = 0\n" + SWEEP, r"line 1: chunk: .*0"),
        (SWEEP.replace("experiment.toml", "experimnt.toml"), r"line 2: experiment: .*did you mean 'experiment.toml'"),
        ("speed = 3\n" + SWEEP, r"line 1: .*unknown key 'speed'"),
        (EXPERIMENT, r"this is an experiment, and no sweep; run it with: nmrqb run sweep.toml"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(place, text, found):
    with pytest.raises(InputError, match=found) as refusal:
        planned(place, text)
    assert all(str(problem).startswith("sweep.toml") for problem in refusal.value.problems)


def test_ends_that_fit_one_by_one_but_not_together_are_found(place):
    """T2 may not be longer than 2 T1: only one corner of four is refused."""
    text = GRID.replace("300 ms", "900 ms") + '[sweep."sample.relaxation.T1"]\nvalues = ["{} ms", "2000 ms"]\n'
    planned(place, text.format(450))
    with pytest.raises(InputError, match=r"found 0.9 s for spin 0; at most 2 T1 = 0.898 s"):
        planned(place, text.format(449))


def test_of_many_parameters_the_ends_are_tried_one_by_one(place):
    from nmrqb.sweep.schema import _corners

    ends = {str(k): np.array([0.0, 1.0]) for k in range(8)}
    tried = list(_corners(ends))
    assert len(tried) == 18
    assert all({c[name] for c in tried} == {0.0, 1.0} for name in ends)
    assert len(list(_corners({k: ends[k] for k in "012"}))) == 8


def test_an_experiment_says_of_a_sweep_how_it_is_run(place):
    with pytest.raises(InputError, match=r"sweep.toml: this is a sweep, and no experiment; run it with: nmrqb sweep"):
        Experiment.parse(document(SWEEP, "sweep.toml"), "sweep", place)


def blocks(language):
    text = (ROOT / "docs" / "sweep.md").read_text(encoding="utf-8")
    return [part.split("```")[0] for part in text.split(f"```{language}\n")[1:]]


def test_the_guide_s_files_are_good(place):
    plans = [planned(place, text) for text in blocks("toml")]
    assert [plan.points for plan in plans] == [75, 2000]


def test_wounds_of_a_file_are_told_and_never_a_traceback(place):
    rng = random.Random(5)
    told = 0
    for number in range(150):
        text = mutated((SWEEP, RANDOM)[number % 2], rng)
        try:
            planned(place, text)
        except InputError:
            told += 1
    assert told > 50
