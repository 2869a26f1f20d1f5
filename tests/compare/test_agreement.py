"""Comparisons of made-up runs with known disagreements, of real ones with the paper's closed forms, and on common axes."""

import numpy as np
import pytest
import xarray as xr

import nmrqb
from nmrqb.compare import closed_form, compare, disagreements, fidelities, joined, measured_sources, residuals, verdicts
from nmrqb.errors import ArgumentError

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
per_setting = 1024
replicas = 60
"""


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    path = tmp_path_factory.mktemp("few") / "few.toml"
    path.write_text(FEW.format(more=""))
    return nmrqb.Experiment.load(path)


@pytest.fixture(scope="module")
def run(experiment):
    return experiment.run(seed=3)


def made(shift=0.0, points=25, seed=0, name="aer", scale=1.0):
    """One metric whose scores scatter by `scale` about `shift`, with an error of 0.02 at each point."""
    rng = np.random.default_rng(seed)
    z = shift + scale * rng.normal(size=points)
    x, predicted = np.linspace(0, 1, points), np.linspace(0, 2, points)
    values = np.stack([predicted, predicted + 0.02 * z])
    dims = ("source", "tau")
    return xr.Dataset(
        {
            "ergotropy": (dims, values, {"units": "|d| p", "long_name": "ergotropy", "symbol": "xi"}),
            "ergotropy_error": (dims, np.stack([np.zeros(points), np.full(points, 0.02)])),
            "ergotropy_z": (dims, np.stack([np.full(points, np.nan), z])),
        },
        {"source": ["exact", name], "tau": ("tau", x, {"units": "s"})},
    )


def test_the_numbers_of_a_comparison_are_those_of_its_scores():
    data = made(seed=4)
    (row,) = compare(data)
    z = data.ergotropy_z.sel(source="aer").values
    assert (row.points, row.degrees_of_freedom, row.against, row.units) == (25, 25, "exact", "|d| p")
    assert row.chi_squared == pytest.approx(np.sum(z**2))
    assert row.mean_z == pytest.approx(z.sum() / 5)
    assert row.residual == pytest.approx(0.02 * z.mean())
    assert row.residual_error == pytest.approx(0.02 / 5)
    k = int(np.argmax(np.abs(z)))
    assert row.worst_residual == pytest.approx(0.02 * z[k])
    assert row.worst_at == (("tau", data.tau.values[k]),)
    np.testing.assert_allclose(residuals(data, "ergotropy", "aer"), 0.02 * z, atol=1e-12)


def test_a_right_prediction_is_called_wrong_as_seldom_as_it_should_be():
    wrong = sum(bool(disagreements(compare(made(seed=k)), 0.1)) for k in range(400))
    assert (
        20 <= wrong <= 62
    )  # 40 at 10 %, at most four standard deviations above; twice the smaller p is a little strict


@pytest.mark.parametrize(("shift", "scale"), [(1.2, 1.0), (0.0, 2.0)])
def test_a_wrong_prediction_is_found_by_shift_or_by_scatter(shift, scale):
    found = [bool(disagreements(compare(made(shift, seed=k, scale=scale)))) for k in range(50)]
    assert np.mean(found) > 0.9


def test_what_disagrees_is_said_in_words():
    data = made(3.0, seed=1)
    (said,) = verdicts(data, compare(data))
    for part in ("ergotropy of aer disagrees with exact", "25 degrees of freedom", "+0.06", "|d| p", "at tau = "):
        assert part in said
    good = made(seed=1)
    assert verdicts(good, compare(good)) == ["No metric of aer disagrees with exact (at 1% for all of them together)."]


def test_a_run_carries_intervals_scores_against_theory_and_tests(run):
    aer = run.sel(source="aer")
    for name in ("ergotropy", "stored_energy", "l1_coherence", "fidelity", "fidelity_to_theory"):
        low, high = aer[f"{name}_low"], aer[f"{name}_high"]
        assert low.dims == ("charge", "level")
        assert np.all(low <= high)
        assert np.all(low.sel(level=0.95) <= low.sel(level=0.68))
        assert np.all(high.sel(level=0.95) >= high.sel(level=0.68))
        held = (low.sel(level=0.95) <= run[name].sel(source="exact")) & (
            high.sel(level=0.95) >= run[name].sel(source="exact")
        )
        assert held.sum() >= 2
    assert aer.ergotropy_one_sided.sel(level=0.95).values[0] == 1  # the empty battery
    assert aer.ergotropy_one_sided.sel(level=0.95).values[2] == 0
    assert aer.p_passive[0] > 1e-3
    assert aer.p_passive[2] < 1e-6
    exact = run.sel(source="exact")
    np.testing.assert_array_equal(exact.ergotropy_low.sel(level=0.95), exact.ergotropy_high.sel(level=0.68))
    np.testing.assert_allclose(exact.ergotropy_low.sel(level=0.95), exact.ergotropy, atol=1e-12)
    assert np.all(np.isnan(exact.p_passive))
    theory = compare(run, "theory")
    assert [row.against for row in theory] == ["theory"] * 3
    assert all(row.p_value > 1e-4 for row in theory)
    assert (aer.rho_real_error > 0).sum() > 10


def test_few_replicas_make_no_intervals(tmp_path):
    (tmp_path / "few.toml").write_text(FEW.format(more="").replace("replicas = 60", "replicas = 20"))
    data = nmrqb.Experiment.load(tmp_path / "few.toml").run(seed=1).sel(source="aer")
    assert np.all(np.isnan(data.ergotropy_low))
    assert np.all(np.isnan(data.p_passive))
    assert np.all(data.ergotropy_error > 0)


def test_the_fidelity_with_the_prediction_is_summed_up(run):
    (row,) = fidelities(run)
    assert (row.source, row.against, row.points) == ("aer", "exact", 3)
    assert 0.98 < row.low <= row.lowest <= 1
    assert row.low <= row.high <= 1
    assert fidelities(made()) == []


def test_theory_is_the_papers_closed_form_where_it_holds(run, experiment):
    form = closed_form(run)
    assert form.axis == "x"
    assert form.temperature == np.inf
    found = form.at(run.charge.values)
    for name in ("ergotropy", "stored_energy", "l1_coherence"):
        np.testing.assert_allclose(found[name], run[name].sel(source="theory"), atol=1e-8)
    np.testing.assert_allclose(found["ergotropy"], 9 / 16 * np.sin(run.charge.values) ** 2, atol=1e-8)  # derived here


@pytest.mark.parametrize("spoil", ["sign", "mark", "state"])
def test_no_closed_form_is_drawn_where_none_holds(run, spoil):
    other = run.copy(deep=True)
    if spoil == "sign":  # a reference that is charged instead of passive
        for part in ("rho_real", "rho_imag"):
            other[part] = 2 * xr.DataArray(np.eye(4) / 4 * (part == "rho_real"), dims=("row", "column")) - other[part]
    elif spoil == "mark":
        other.attrs["charged"] = "empty"
    else:
        other["rho_real"].loc[{"source": "theory", "mark": "charged"}] *= 0.99
    assert closed_form(other) is None


def test_runs_are_joined_on_common_axes(run, experiment):
    again = experiment.run(seed=4)
    one = joined({"first": run, "second": again})
    assert list(one.source.values) == ["theory", "exact", "aer", "aer (2)"]
    np.testing.assert_array_equal(one.ergotropy.sel(source="aer (2)"), again.ergotropy.sel(source="aer"))
    assert len(compare(one)) == 6
    long = again.assign_coords(source=["theory", "exact", "fake:somewhere-far-away"])
    assert list(joined({"first": run, "second": long}).source.values)[2:] == ["aer", "fake:somewhere-far-away"]
    part = joined({"first": run, "second": again.isel(charge=[0, 2])})
    assert np.isnan(part.ergotropy.sel(source="aer (2)").values[1])
    assert compare(part)[3].points == 2
    assert compare(part)[:3] == compare(one)[:3]
    assert measured_sources(part) == ["aer", "aer (2)"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda data: data.rename(charge="tip"), "which sweep charge and tip"),
        (lambda data: data.drop_vars("l1_coherence_z"), "the same metrics in the same units"),
        (lambda data: data.assign(ergotropy=data.ergotropy + 1e-3), "first and second, but must be of one experiment"),
    ],
)
def test_runs_of_other_experiments_are_refused(run, other, message):
    with pytest.raises(ArgumentError, match="first and second") as refused:
        joined({"first": run, "second": other(run)})
    assert message.rpartition(", but must")[0] in str(refused.value)


def test_a_prediction_in_which_runs_differ_is_dropped_unless_it_is_asked_for(run):
    other = run.copy(deep=True)
    other.ergotropy.loc[{"source": "exact"}] += 1e-3
    one = joined({"first": run, "second": other}, "theory")
    assert list(one.source.values) == ["theory", "aer", "aer (2)"]
    with pytest.raises(ArgumentError, match="their exact differs"):
        joined({"first": run, "second": other}, "exact")


def test_what_cannot_be_compared_is_refused(run):
    with pytest.raises(ArgumentError, match="hold at least one measured source"):
        compare(run.sel(source=["theory", "exact"]))
    with pytest.raises(ArgumentError, match="'nature'"):
        compare(run, "nature")
    with pytest.raises(ArgumentError, match="'theory'"):
        compare(made(), "theory")
    with pytest.raises(ArgumentError, match="without ergotropy_z_theory"):
        compare(run.drop_vars("ergotropy_z_theory"), "theory")
