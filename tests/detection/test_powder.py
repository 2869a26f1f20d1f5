"""Pake doublets: horns, edges and shape, from arrays of couplings, in frequency and in time."""

import numpy as np
import pytest
from detection_systems import FX, pair

from nmrqb.battery.dipolar import dipolar_constant
from nmrqb.detection import (
    Lines,
    Receiver,
    apodised,
    broadened,
    detector,
    fid,
    line_density,
    orientations,
    spectrum,
    transitions,
)
from nmrqb.errors import ArgumentError
from nmrqb.nmr.nuclei import GYROMAGNETIC_RATIO
from nmrqb.spin.operators import collective, pauli_string

B = 10e3  # b/2pi in Hz


def unlike(b, cos):
    """Secular Hamiltonian of unlike spins: 2 d IzSz with d = b (3 cos^2 - 1)/2."""
    return 2 * np.pi * (b * (3 * cos**2 - 1))[:, None, None] * pauli_string("ZZ") / 4


def powder(kind, n, axis):
    cos, weights = orientations(n)
    if kind == "like":
        lines = transitions(pair(B * (3 * cos**2 - 1) / 2), FX, detector(2))
    else:
        lines = transitions(unlike(B, cos), collective(2, "x", [0]), detector(2, [0]))
    return line_density(lines, weights, axis)


def horns_and_edges(shape):
    """Distance of the two highest points, and of the ends of the spectrum at a fiftieth of the edges' height."""
    nu, real = shape.frequency, shape.values.real
    left, right = nu < 0, nu > 0
    horns = nu[right][np.argmax(real[right])] - nu[left][np.argmax(real[left])]
    seen = nu[real > 0.02 * real[np.argmin(np.abs(nu))]]
    return horns, seen[-1] - seen[0]


def test_the_dipolar_constant_of_two_protons():
    gamma = GYROMAGNETIC_RATIO["1H"]
    assert -dipolar_constant(gamma, gamma, 1e-10) / (2 * np.pi) == pytest.approx(120.120e3, rel=1e-5)


@pytest.mark.parametrize("kind, horn, edge", [("like", 1.5, 3.0), ("unlike", 1.0, 2.0)])
def test_horns_and_edges_of_a_pake_doublet(kind, horn, edge):
    shape = powder(kind, 20_000, np.linspace(-20e3, 20e3, 2001))
    horns, edges = horns_and_edges(shape)
    assert horns == pytest.approx(horn * B, abs=2 * shape.spacing)
    assert edges == pytest.approx(edge * B, abs=2 * shape.spacing)


def test_the_density_is_that_of_an_even_cos_theta():
    shape = powder("like", 50_000, np.linspace(-20e3, 20e3, 801))
    nu = shape.frequency

    # nu = +-(3/4) b (1 - 3 c^2) with c even on 0..1: density 1/|dnu/dc| = 1/(4.5 b c), derived here
    def branch(nu):
        c = np.sqrt(np.clip((1 - nu / (0.75 * B)) / 3, 1e-12, None))
        return np.where((nu < 0.75 * B) & (nu > -1.5 * B), 1 / (4.5 * B * c), 0)

    expected = branch(nu) + branch(-nu)
    smooth = np.all([np.abs(np.abs(nu) - singular * B) > 300 for singular in (0.75, 1.5)], axis=0)
    # transitions of Fx under F_+ have an area of 2 in all, one on either branch
    np.testing.assert_allclose(shape.values.real[smooth], expected[smooth], rtol=0.01, atol=1e-9)
    assert shape.values.real.sum() * shape.spacing == pytest.approx(2, rel=1e-9)


def test_time_and_frequency_give_the_same_powder():
    cos, weights = orientations(1500)
    receiver = Receiver(dwell=1 / 40e3, points=512)
    signal = fid(FX, pair(B * (3 * cos**2 - 1) / 2), detector(2), receiver, weights=weights)
    by_time = spectrum(apodised(signal, gaussian=400.0), size=1000)
    lines = transitions(pair(B * (3 * cos**2 - 1) / 2), FX, detector(2))
    by_line = broadened(line_density(lines, weights, by_time.frequency), gaussian=400.0)
    np.testing.assert_allclose(by_time.values.real, by_line.values.real, atol=5e-3 * by_line.values.real.max())
    assert np.sum(by_line.values.real) * by_line.spacing == pytest.approx(2)


@pytest.mark.parametrize("lorentzian, gaussian", [(700.0, 0.0), (0.0, 700.0)])
def test_broadening_gives_one_line_its_width(lorentzian, gaussian):
    axis = np.linspace(-20e3, 20e3, 4001)
    line = line_density(Lines(np.array([[120.0]]), np.array([[1.0 + 0j]])), [1.0], axis)
    real = broadened(line, lorentzian, gaussian).values.real
    assert real.sum() * 10 == pytest.approx(1)
    above = axis[real > real.max() / 2]
    assert above[-1] - above[0] == pytest.approx(700.0, abs=21)
    assert axis[np.argmax(real)] == 120.0


def test_lines_between_points_keep_area_and_centre_and_lines_outside_are_lost():
    axis = np.linspace(0, 10, 11)
    lines = Lines(np.array([[3.25, 10.0], [-0.1, 10.1]]), np.array([[1.0 + 2j, 0.5], [7.0, 7.0]]))
    density = line_density(lines, [1.0, 3.0], axis).values
    assert density.sum() == pytest.approx((1.5 + 2j) / 4)
    np.testing.assert_allclose(density[[3, 4, 10]], np.array([0.75 * (1 + 2j), 0.25 * (1 + 2j), 0.5]) / 4)


def test_orientations_are_even_over_the_sphere():
    cos, weights = orientations(1000)
    assert weights.sum() == pytest.approx(1)
    assert weights @ cos**2 == pytest.approx(1 / 3, abs=1e-6)


@pytest.mark.parametrize("n", [0, 2.5])
def test_no_orientations_are_refused(n):
    with pytest.raises(ArgumentError, match=f"n must be a whole number of orientations, 1 or more, but is {n}"):
        orientations(n)


LINES = Lines(np.zeros((2, 3)), np.ones((2, 3), dtype=complex))


@pytest.mark.parametrize(
    "weights, axis, message",
    [
        ([1.0], [0, 1], r"weights must fit the members of lines \(2, 3\), but is of shape \(1,\)"),
        ([0.0, 0.0], [0, 1], "weights must fit"),
        ([1.0, -1.0], [0, 1], "weights must be zero or above, but is -1.0"),
        ([1.0, 1.0], [0], r"axis must have 2 points or more, but is of shape \(1,\)"),
        ([1.0, 1.0], [0, 1, 3], "axis must ascend in even steps, but is 1 then 3"),
        ([1.0, 1.0], [1, 0, -1], "axis must ascend in even steps, but is 1 then 0"),
    ],
)
def test_densities_that_do_not_fit_are_refused(weights, axis, message):
    with pytest.raises(ArgumentError, match=message):
        line_density(LINES, weights, axis)


def test_a_negative_broadening_is_refused():
    with pytest.raises(ArgumentError, match=r"gaussian must be zero or above, but is -1\.0"):
        broadened(line_density(LINES, [1, 1], [0, 1]), gaussian=-1.0)


def test_lines_of_many_members_are_not_merged():
    with pytest.raises(
        ArgumentError, match=r"lines must belong to one member, of shape \(K,\), but is of shape \(2, 3\)"
    ):
        LINES.merged()
    with pytest.raises(ArgumentError, match="tolerance must be zero or above, but is -1 Hz"):
        Lines(np.zeros(2), np.ones(2, dtype=complex)).merged(-1)


def test_merging_adds_what_is_close_and_drops_what_is_weak():
    lines = Lines(np.array([5.0, 1.0, 1.0 + 1e-8, 9.0, 7.0, 7.0]), np.array([1, 2, 1, 1e-12, 1j, -1j]))
    merged = lines.merged()
    np.testing.assert_allclose(merged.frequency, [1.0, 5.0])
    np.testing.assert_allclose(merged.amplitude, [3, 1])
