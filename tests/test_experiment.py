"""An experiment from file to labelled Dataset, on every engine."""

import json
from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.compare import compare
from nmrqb.errors import ArgumentError, InputError

FEW = """
title = "A short charging curve"
sample = "nematic-pair"
sequence = "broekaert-jeener-charge"
pulses = "finite"
amplify = 1.0
{more}
[sweep.charge]
values = ["0 deg", "45 deg", "90 deg"]
[shots]
per_setting = 512
replicas = 40
"""


def experiment(folder, more=""):
    (folder / "few.toml").write_text(FEW.format(more=more))
    return nmrqb.Experiment.load(folder / "few.toml")


@pytest.fixture(scope="module")
def dataset():
    return nmrqb.Experiment.load("charge").run(seed=5)


def test_the_default_experiment_is_the_papers_proposal(dataset):
    assert dataset.sizes == {"source": 3, "charge": 25, "mark": 2, "level": 2, "row": 4, "column": 4}
    assert list(dataset.source.values) == ["theory", "exact", "aer"]
    np.testing.assert_allclose(np.degrees(dataset.charge), np.linspace(0, 360, 25), atol=1e-10)
    for name in ("ergotropy", "stored_energy", "l1_coherence"):
        assert {name, f"{name}_error", f"{name}_z"} <= set(dataset.data_vars)
        assert dataset[name].attrs["units"] in ("|d| p", "1 p")


def test_theory_is_the_closed_form(dataset):
    """From -DO, p = 1: W = 9/16 sin^2 theta in units of d (derived here), empty at 0, 180 and 360 degrees."""
    theory = dataset.sel(source="theory")
    expected = 9 / 16 * np.sin(dataset.charge.values) ** 2
    np.testing.assert_allclose(theory.ergotropy, expected, atol=1e-12)
    np.testing.assert_allclose(theory.stored_energy, expected, atol=1e-12)
    empty = theory.sel(mark="empty").isel(charge=0)
    rho = empty.rho_real.values + 1j * empty.rho_imag.values
    assert nmrqb.metrics.ergotropy(rho, nmrqb.Sample.load("nematic-pair").battery().hamiltonian()) == pytest.approx(
        0, abs=1e-12
    )


def test_aer_agrees_with_the_exact_engine(dataset):
    for row in compare(dataset):
        assert row.points == 25
        assert row.p_value > 1e-3
        assert abs(row.worst_z) < 4


def test_what_was_run_is_on_record(dataset):
    attrs = dataset.attrs
    assert attrs["seed"] == 5
    assert attrs["polarisation_factor_run"] == 1.0
    assert attrs["polarisation_factor"] == pytest.approx(8.05e-5, rel=1e-2)
    assert {"nmrqb", "qiskit", "qiskit-aer", "numpy"} <= set(json.loads(attrs["versions"]))
    assert json.loads(attrs["engines"])["aer"]["split_bound"] < 1e-5
    for kind in ("experiment", "sample", "sequence"):
        assert "title" in attrs[f"{kind}_toml"]


def test_results_per_p_do_not_depend_on_p(tmp_path):
    loud = experiment(tmp_path).run("exact")
    quiet = experiment(tmp_path, "noise = false").run("exact")
    (tmp_path / "real.toml").write_text(FEW.format(more="noise = false").replace("amplify = 1.0", ""))
    real = nmrqb.Experiment.load(tmp_path / "real.toml").run("exact")
    np.testing.assert_allclose(real.ergotropy, quiet.ergotropy, atol=1e-9)
    np.testing.assert_allclose(loud.sel(source="theory").ergotropy, quiet.sel(source="theory").ergotropy, atol=1e-12)
    assert real.attrs["divided_by"] == pytest.approx(8.05e-5, rel=1e-2)


def test_a_polarised_sample_is_run_in_its_full_product_state(tmp_path):
    pure = experiment(tmp_path, "polarisation = 1.0\nnoise = false").run("exact").sel(source="theory")
    assert pure.attrs["reported_per"] == "nothing"
    assert pure.attrs["divided_by"] == 1.0
    # 90x - tau - 45y on |00>, crusher, then nothing: rho from the matrices themselves
    sample = nmrqb.Sample.load("nematic-pair").with_polarisation(1.0)
    bound = nmrqb.Sequence.load("broekaert-jeener-charge").bind(charge=0.0)
    rho = nmrqb.Exact().run(nmrqb.schedule(bound, sample), np.diag([1.0, 0, 0, 0])).at("charged")[0]
    expected = nmrqb.metrics.ergotropy(rho, sample.battery().hamiltonian())
    assert float(pure.ergotropy.isel(charge=0)) == pytest.approx(float(expected), abs=1e-12)


def test_the_spectrometer_runs_the_same_experiment(tmp_path):
    found = experiment(tmp_path).run("spectrometer", seed=3)
    assert list(found.source.values) == ["theory", "exact", "spectrometer"]
    z = found.stored_energy_z.sel(source="spectrometer").values
    assert np.all(np.abs(z) < 4)
    assert np.all(found.ergotropy_error.sel(source="spectrometer") > 0)


def test_an_ensemble_of_rf_amplitudes_costs_ergotropy(tmp_path):
    plain = experiment(tmp_path).run("exact").sel(source="exact")
    spread = experiment(tmp_path, "[ensemble]\nrf = 0.05\nmembers = 9").run("exact").sel(source="exact")
    loss = (plain.ergotropy - spread.ergotropy).isel(charge=2)
    assert 1e-3 < float(loss) < 0.02
    # for small spreads the loss goes as their square
    half = experiment(tmp_path, "[ensemble]\nrf = 0.025\nmembers = 9").run("exact").sel(source="exact")
    assert float(loss / (plain.ergotropy - half.ergotropy).isel(charge=2)) == pytest.approx(4, rel=0.1)


def test_measured_profiles_powders_and_slow_noise_are_ensembles_too(tmp_path):
    plain = experiment(tmp_path).run("exact").sel(source="exact")
    (tmp_path / "coil.csv").write_text("factor, weight\n0.9, 1\n1.0, 2\n1.1, 1\n")
    by_file = experiment(tmp_path, '[ensemble]\nprofile = "coil.csv"').run("exact").sel(source="exact")
    low, high = (nmrqb.Ensemble.of(rf=[f]) for f in (0.9, 1.1))
    base = experiment(tmp_path)
    parts = [replace(base, ensemble=e).run("exact").sel(source="exact") for e in (low, high)]
    energy = 0.5 * plain.stored_energy + 0.25 * parts[0].stored_energy + 0.25 * parts[1].stored_energy
    np.testing.assert_allclose(by_file.stored_energy, energy, atol=1e-6)
    for table in ("powder = 24", 'quasi_static = "30 Hz"', "powder = 12\nrf = 0.02\nmembers = 3"):
        spread = experiment(tmp_path, f"[ensemble]\n{table}").run("exact").sel(source="exact")
        assert float(spread.ergotropy.isel(charge=2)) < float(plain.ergotropy.isel(charge=2))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("polarisation = 2.0", "polarisation"),
        ("amplify = 1.5\n", "amplify"),
        ("[ensemble]\nmembers = 3", "found no spread"),
        ('[ensemble]\nrf = 0.1\nprofile = "coil.csv"', "ensemble.profile"),
        ('[ensemble]\noffset = "5 ms"', "ensemble.offset"),
        ('[sweep.tau]\nfrom = "1 us"\nto = "2 us"\npoints = 100000', "found 300000 points"),
        ('[sweep.tau]\nstart = "1 us"\nstop = "2 us"\npoints = 3', "unknown key 'start'"),
        ('charged = "full"', "observes no 'full'"),
        ('[parameters]\ntao = "1 ms"', "has no parameter 'tao'; did you mean 'tau'"),
    ],
)
def test_bad_experiments_are_refused_at_their_line(tmp_path, more, message):
    if "amplify" in more:
        (tmp_path / "few.toml").write_text(FEW.format(more="").replace("amplify = 1.0", more))
    else:
        (tmp_path / "few.toml").write_text(FEW.format(more=more))
    with pytest.raises(InputError, match=r"few\.toml, line") as refused:
        nmrqb.Experiment.load(tmp_path / "few.toml")
    assert message in str(refused.value)


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(InputError, match="no engine is called 'ear'; did you mean 'aer'"):
        experiment(tmp_path).run("ear")
    with pytest.raises(ArgumentError, match="hold at least one measured source"):
        compare(experiment(tmp_path).run("exact"))
