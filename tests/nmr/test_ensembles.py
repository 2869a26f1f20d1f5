"""Ensembles and their distributions: moments and averages that are known, and what is refused."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import jv

from nmrqb.errors import ArgumentError, InputError
from nmrqb.nmr import distributions
from nmrqb.nmr.distributions import (
    coupling_spread,
    offset_distribution,
    powder,
    quasi_static_noise,
    read_rf_profile,
    rf_distribution,
    rf_profile,
    rf_skewed,
)
from nmrqb.nmr.ensembles import Ensemble


def mean(ensemble, values):
    return ensemble.weights @ values


@pytest.mark.parametrize(
    "ensemble",
    [
        rf_distribution(0.05),
        rf_skewed(0.1),
        rf_profile([0.9, 1.0], [1, 3]),
        offset_distribution(3.0),
        offset_distribution(3.0, "lorentzian"),
        coupling_spread(0.1),
        powder(7),
        powder(34, "zcw"),
        powder(4, asymmetry=0.3),
        quasi_static_noise(2.0, 5, groups=2),
        quasi_static_noise(2.0, 50, seed=1),
        rf_distribution(0.02, 3) * offset_distribution(1.0, members=4) * powder(5),
    ],
)
def test_weights_add_up_to_one_and_every_quantity_has_one_entry_for_each_member(ensemble):
    assert ensemble.weights.sum() == pytest.approx(1, abs=1e-12)
    assert np.all(ensemble.weights >= 0)
    assert len(ensemble) == ensemble.weights.size == ensemble.rf.size == ensemble.coupling.size
    assert ensemble.offset.shape[0] == len(ensemble)


def test_a_gaussian_has_the_moments_of_a_normal_distribution():
    sigma = 0.07
    x = rf_distribution(sigma, 6).rf - 1
    w = rf_distribution(sigma, 6).weights
    moments = [w @ x**k / sigma**k for k in range(12)]
    np.testing.assert_allclose(moments, [1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0], atol=1e-9)
    assert coupling_spread(0.2).weights @ (coupling_spread(0.2).coupling - 1) ** 2 == pytest.approx(0.04)


def test_a_gaussian_of_offsets_decays_as_a_gaussian():
    line = offset_distribution(3.0, members=31, centre=10.0)
    t = np.linspace(0, 0.2, 21)
    signal = line.weights @ np.exp(2j * np.pi * line.offset[:, None] * t)
    np.testing.assert_allclose(signal, np.exp(-2 * (np.pi * 3.0 * t) ** 2 + 20j * np.pi * t), atol=1e-9)


@pytest.mark.parametrize(("members", "within"), [(21, 0.073), (51, 0.047), (101, 0.0345), (401, 0.018)])
def test_a_lorentzian_of_offsets_decays_exponentially_as_well_as_stated(members, within):
    width = 2.5
    line = offset_distribution(width, "lorentzian", members)
    t = np.linspace(0, 3 / (np.pi * width), 301)
    error = np.abs(line.weights @ np.exp(2j * np.pi * line.offset[:, None] * t) - np.exp(-np.pi * width * t)).max()
    assert 0.9 * within < error < within


def test_a_skewed_profile_has_the_width_and_the_moments_of_two_half_gaussians():
    fwhm, asymmetry = 0.1, 3.0
    ensemble = rf_skewed(fwhm, asymmetry, 40)
    low, high = (fwhm / np.sqrt(2 * np.log(2)) * a / (1 + asymmetry) for a in (asymmetry, 1))
    assert np.sqrt(2 * np.log(2)) * (low + high) == pytest.approx(fwhm)
    x = ensemble.rf - 1
    assert mean(ensemble, x) == pytest.approx(np.sqrt(2 / np.pi) * (high - low), abs=1e-6)
    variance = (1 - 2 / np.pi) * (high - low) ** 2 + low * high  # John, Commun. Stat. Theory Methods 11, 879 (1982)
    assert mean(ensemble, x**2) - mean(ensemble, x) ** 2 == pytest.approx(variance, rel=1e-4)
    assert mean(ensemble, x < 0) == pytest.approx(asymmetry / (1 + asymmetry), rel=1e-6)
    symmetric = rf_skewed(fwhm, 1.0, 40)
    assert mean(symmetric, symmetric.rf) == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(rf_skewed(0.0).rf, 1)


def test_powders_have_the_moments_of_the_second_legendre_polynomial():
    for ensemble, error in ((powder(5), 1e-14), (powder(610, "zcw"), 1e-5)):
        assert mean(ensemble, ensemble.coupling) == pytest.approx(0, abs=error)
        assert mean(ensemble, ensemble.coupling**2) == pytest.approx(1 / 5, abs=error)
        assert mean(ensemble, ensemble.coupling**3) == pytest.approx(2 / 35, abs=2 * error)


@pytest.mark.parametrize("grid", ["gauss", "zcw"])
def test_a_biaxial_powder_has_the_second_moment_of_its_tensor(grid):
    ensemble = powder(610 if grid == "zcw" else 12, grid, asymmetry=0.6)
    assert mean(ensemble, ensemble.coupling) == pytest.approx(0, abs=1e-5)
    assert mean(ensemble, ensemble.coupling**2) == pytest.approx((1 + 0.6**2 / 3) / 5, abs=2e-5)


def test_the_signal_of_a_powder_of_pairs_is_that_of_the_pake_doublet():
    d = 2 * np.pi
    t = np.linspace(0, 3, 13)
    ensemble = powder(40)
    signal = np.cos(1.5 * d * ensemble.coupling * t[:, None]) @ ensemble.weights
    exact = [
        quad(lambda c, x=x: np.cos(1.5 * d * (1.5 * c * c - 0.5) * x), 0, 1, epsabs=1e-12, limit=200)[0] for x in t
    ]
    np.testing.assert_allclose(signal, exact, atol=1e-11)
    zcw = powder(987, "zcw")
    np.testing.assert_allclose(np.cos(1.5 * d * zcw.coupling * t[:, None]) @ zcw.weights, exact, atol=1e-4)


def test_a_wholly_biaxial_average_about_the_equator_is_a_bessel_function():
    """At b = 90 deg the azimuths alone spread eta cos(2a)/2: the points of the Gauss grid average it as J0 does."""
    ensemble = powder(9, asymmetry=1.0)
    first = slice(0, 9)  # the row of points nearest the equator
    cosine = np.polynomial.legendre.leggauss(18)[0][9]
    spread = ensemble.coupling[first] - (1.5 * cosine**2 - 0.5)
    average = np.mean(np.exp(3j * spread / (1 - cosine**2)))
    assert average == pytest.approx(jv(0, 1.5), abs=1e-10)


def test_couplings_of_a_powder_count_from_the_angle_at_which_the_sample_states_its_own():
    np.testing.assert_allclose(powder(6, angle=np.pi / 2).coupling, -2 * powder(6).coupling, atol=1e-14)
    with pytest.raises(ArgumentError, match=r"angle must not be the magic angle.* is 0\.9553"):
        powder(6, angle=np.arccos(np.sqrt(1 / 3)))
    powder(6, angle=0.956)


@pytest.mark.parametrize(("members", "near"), [(20, "13 or 21"), (22, "21 or 34"), (4, "3 or 5")])
def test_zcw_points_come_in_fibonacci_numbers(members, near):
    with pytest.raises(ArgumentError, match=f"members must be a Fibonacci number .* {near}, but is {members}"):
        powder(members, "zcw")
    assert [len(powder(n, "zcw")) for n in (1, 2, 3, 5, 8, 13, 21)] == [1, 2, 3, 5, 8, 13, 21]


def test_zcw_points_cover_the_sphere_evenly():
    cosine, azimuth = distributions._zcw(144)
    xyz = np.stack([np.sqrt(1 - cosine**2) * np.cos(azimuth), np.sqrt(1 - cosine**2) * np.sin(azimuth), cosine])
    np.testing.assert_allclose(xyz @ xyz.T / 144, np.eye(3) / 3, atol=1e-3)
    apart = np.arccos(np.clip(xyz.T @ xyz, -1, 1)) + 10 * np.eye(144)
    assert apart.min() > 0.4 * np.sqrt(4 * np.pi / 144)


def test_quasi_static_noise_is_one_gaussian_for_each_group():
    ensemble = quasi_static_noise(2.0, 6, groups=3)
    assert ensemble.shape == (6, 6, 6)
    assert ensemble.offset.shape == (216, 3)
    covariance = np.einsum("m,mi,mj->ij", ensemble.weights, ensemble.offset, ensemble.offset)
    np.testing.assert_allclose(covariance, 4 * np.eye(3), atol=1e-12)
    drawn = quasi_static_noise(2.0, 20_000, groups=2, seed=4)
    assert drawn.shape == (20_000,)
    np.testing.assert_allclose(np.cov(drawn.offset.T), 4 * np.eye(2), atol=0.15)
    again, other = (quasi_static_noise(2.0, 10, seed=s).offset for s in (4, 5))
    np.testing.assert_array_equal(again, quasi_static_noise(2.0, 10, seed=4).offset)
    assert np.abs(again - other).max() > 0


def test_offsets_of_a_field_scale_with_the_ratio_of_each_group():
    ensemble = offset_distribution(2.0, members=5, ratio=(1.0, 0.25145))
    np.testing.assert_allclose(ensemble.offset[:, 1], 0.25145 * ensemble.offset[:, 0], rtol=1e-14)
    assert ensemble.groups == 2


def test_a_product_runs_over_all_pairs_of_members_the_last_fastest():
    a = Ensemble.of(rf=[0.9, 1.1], coupling=[1.0, 2.0], weights=[0.25, 0.75])
    b = Ensemble.of(rf=[1.0, 2.0, 3.0], offset=[5.0, 6.0, 7.0])
    product = a * b
    assert product.shape == (2, 3)
    assert len(product) == 6
    np.testing.assert_allclose(product.rf, [0.9, 1.8, 2.7, 1.1, 2.2, 3.3])
    np.testing.assert_array_equal(product.offset, [5, 6, 7, 5, 6, 7])
    np.testing.assert_array_equal(product.coupling, [1, 1, 1, 2, 2, 2])
    np.testing.assert_allclose(product.weights, np.repeat([0.25, 0.75], 3) / 3)
    by_group = product * Ensemble.of(offset=[[1.0, -1.0]])
    np.testing.assert_array_equal(by_group.offset, np.array([[6, 4], [7, 5], [8, 6]] * 2))


@pytest.mark.parametrize("members", [1, 2, 5, 7, 50, 104, 105, 1000])
def test_parts_are_the_whole(members):
    whole = rf_distribution(0.01, 5) * offset_distribution(1.0, members=7) * powder(3)
    parts = list(whole.parts(members))
    assert max(len(part) for part in parts) <= members
    assert sum(len(part) for part in parts) == len(whole)
    assert sum(part.weights.sum() for part in parts) == pytest.approx(1)
    rows = [np.column_stack([e.rf, e.offset, e.coupling, e.weights]) for e in parts]
    together, alone = np.concatenate(rows), np.column_stack([whole.rf, whole.offset, whole.coupling, whole.weights])
    np.testing.assert_allclose(*(m[np.lexsort(m.T)] for m in (together, alone)), atol=1e-15)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"rf": [1.0, -0.1]}, r"rf must be zero or above, but is -0\.1"),
        ({"rf": [1.0, np.nan]}, "rf must be finite, but is nan"),
        ({"offset": [np.inf]}, "offset must be finite, but is inf"),
        (
            {"rf": [1.0, 1.1], "offset": [1.0, 2.0, 3.0]},
            r"one entry for each member, but is of shapes \(2,\), \(3, 1\)",
        ),
        ({"rf": [1.0, 1.1], "weights": [1.0]}, r"one entry for each member, .* weights \(1,\)"),
        ({"rf": [[1.0]]}, r"one entry for each member, but is of shapes \(1, 1\)"),
        ({"rf": [1.0, 1.1], "weights": [0.5, 0.6]}, "weights must add up to 1, but is an array adding to 1.1"),
        ({"rf": [1.0, 1.1], "weights": [1.5, -0.5]}, r"weights must be zero or above, but is -0\.5"),
        ({"rf": []}, "members must be one or more, but is 0"),
    ],
)
def test_members_that_do_not_fit_are_refused(given, match):
    with pytest.raises(ArgumentError, match=match):
        Ensemble.of(**given)


def test_what_lies_on_the_edge_is_taken():
    edge = Ensemble.of(rf=[0.0, 1.0], weights=[0.0, 1.0 + 0.9e-9])
    assert edge.weights.sum() == 1
    assert len(Ensemble.of()) == 1


def test_distributions_over_different_groups_do_not_multiply():
    two, three = (Ensemble.of(offset=np.ones((1, n))) for n in (2, 3))
    with pytest.raises(
        ArgumentError, match="ensemble must give offsets to one number of groups, but is one of 2 and 3"
    ):
        _ = two * three
    assert (two * Ensemble.of(offset=[4.0])).offset.tolist() == [[5.0, 5.0]]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: rf_distribution(-0.1), r"sigma must be zero or above, but is -0\.1"),
        (lambda: rf_distribution(0.2, 11), r"sigma must be at most 0\.19.* with 11 members.* is 0\.2"),
        (lambda: rf_distribution(0.1, 0), "members must be 1 or more, but is 0"),
        (lambda: rf_skewed(0.1, 0.0), r"asymmetry must be above zero, but is 0\.0"),
        (lambda: rf_skewed(0.36, 2.0), r"fwhm must be at most 0\.353.* is 0\.36"),
        (lambda: rf_skewed(0.1, members=1), "members must be 2 or more, but is 1"),
        (lambda: rf_profile([1.0], [0.0]), r"weight must add up to more than zero, but is 0\.0"),
        (lambda: rf_profile([1.0, 1.1], [1.0, -1.0]), r"weight must be zero or above, but is -1\.0"),
        (lambda: offset_distribution(1.0, "square"), "shape must be .*'square'"),
        (lambda: offset_distribution(-1.0), r"width must be zero or above, but is -1\.0"),
        (lambda: offset_distribution(1.0, "lorentzian", 1), "members must be 2 or more, but is 1"),
        (lambda: coupling_spread(-1.0), r"sigma must be zero or above, but is -1\.0"),
        (lambda: powder(5, "hex"), "grid must be .*'hex'"),
        (lambda: powder(0), "members must be 1 or more, but is 0"),
        (lambda: powder(5, asymmetry=1.1), r"asymmetry must lie between 0 and 1, but is 1\.1"),
        (lambda: quasi_static_noise(-1.0), r"sigma must be zero or above, but is -1\.0"),
        (lambda: quasi_static_noise(1.0, groups=0), "groups must be 1 or more, but is 0"),
        (lambda: quasi_static_noise(1.0, seed=-1), "seed must be zero or above, but is -1"),
    ],
)
def test_impossible_distributions_are_refused(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()


def test_the_widest_distributions_are_taken():
    assert rf_distribution(0.19, 11).rf.min() > 0
    assert rf_skewed(0.353, 2.0).rf.min() > 0
    assert len(powder(5, asymmetry=1.0)) == 25


PROFILE = "factor, weight\n# mapped with a nutation experiment\n0.9, 1\n\n1.0, 6\n1.05, 1\n"


def test_a_measured_profile_is_read_from_a_file(tmp_path):
    path = tmp_path / "profile.csv"
    path.write_text(PROFILE)
    ensemble = read_rf_profile(path)
    np.testing.assert_array_equal(ensemble.rf, [0.9, 1.0, 1.05])
    np.testing.assert_array_equal(ensemble.weights, [0.125, 0.75, 0.125])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (PROFILE + "1.1\n", r"line 7: found '1\.1'; two numbers"),
        (PROFILE + "1.1, 1, 2\n", "line 7: found '1.1, 1, 2'"),
        (PROFILE + "-0.1, 1\n", r"line 7: found '-0\.1, 1'; two numbers, each zero or more"),
        (PROFILE + "1.1, nan\n", "line 7: found '1.1, nan'"),
        ("0.9; 1\n", "line 1: found '0.9; 1'"),
        ("factor, weight\nfactor, weight\n", "line 2: found 'factor, weight'"),
        ("factor, weight\n", "found no rows; two columns"),
        ("1.0, 0\n", "found no weight above zero"),
    ],
)
def test_a_file_that_is_no_profile_is_refused_with_its_line(tmp_path, text, match):
    path = tmp_path / "profile.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        read_rf_profile(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_rf_profile(tmp_path / "none.csv")


def test_fine_powders_take_no_cube_of_their_points():
    """Thousands of orientations in a moment, and the second moment of P2, 1/5, exactly."""
    many = powder(4000)
    assert many.weights @ many.coupling**2 == pytest.approx(0.2, rel=1e-10)
    assert many.weights @ many.coupling == pytest.approx(0, abs=1e-10)
