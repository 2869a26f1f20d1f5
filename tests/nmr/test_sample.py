"""Samples: numbers from physics, the high-temperature limit and its end, and what is refused from Python."""

import numpy as np
import pytest
from scipy.constants import physical_constants

import nmrqb
from nmrqb.errors import ArgumentError
from nmrqb.nmr.noise import Noise
from nmrqb.nmr.nuclei import gyromagnetic_ratio, polarisation
from nmrqb.spin.operators import collective


@pytest.fixture
def pair():
    return nmrqb.Sample.load("nematic-pair")


def test_thermal_polarisation_of_a_proton():
    field = 400.228e6 * 2 * np.pi / physical_constants["proton gyromag. ratio"][0]
    assert polarisation("1H", field, 298.15) == pytest.approx(3.2212e-5, rel=2e-5)


@pytest.mark.parametrize(
    ("isotope", "mhz"), [("1H", 500.13), ("13C", 125.76), ("31P", 202.46), ("19F", 470.6), ("15N", -50.69)]
)
def test_frequencies_at_11_746_tesla(isotope, mhz):
    assert gyromagnetic_ratio(isotope) * 11.746 / (2e6 * np.pi) == pytest.approx(mhz, rel=3e-4)


def test_gypsum_has_its_coupling_from_geometry():
    gypsum = nmrqb.Sample.load("gypsum")
    assert gypsum.coupling == pytest.approx(-30.45e3, rel=3e-4)  # b/2pi at 1.58 angstrom, field along the pair
    assert 1 / (6 * abs(gypsum.coupling)) == pytest.approx(5.5e-6, rel=0.01)  # the preparation delay


def test_unverified_values_are_flagged(pair):
    for sample in (pair, nmrqb.Sample.load("gypsum")):
        assert {"relaxation.T1", "relaxation.T2", "relaxation.T1D", "rf.pulse_90"} <= set(sample.unverified)


def test_high_temperature_state_is_linear_in_p(pair):
    p = pair.polarisation_factor
    assert p == pytest.approx(2 * 4.03e-5, rel=2e-3)  # 500 MHz, 298 K
    np.testing.assert_allclose(pair.thermal_state(), (np.eye(4) + p * collective(2, "z")) / 4, atol=1e-16)


def test_full_polarisation_is_the_pure_product_state(pair):
    np.testing.assert_allclose(pair.with_polarisation(1.0).thermal_state(), np.diag([1, 0, 0, 0]), atol=1e-15)


def test_beyond_the_limit_the_product_state_is_used(pair):
    rho = pair.with_polarisation(0.3).thermal_state()
    np.testing.assert_allclose(np.diag(rho).real, [0.65**2, 0.65 * 0.35, 0.35 * 0.65, 0.35**2], atol=1e-15)


def test_the_two_states_meet_at_the_limit(pair):
    below, above = (pair.with_polarisation(P).thermal_state() for P in (0.000999, 0.001001))
    assert np.abs(below - above).max() < 2e-6


def test_an_amplified_sample_is_the_same_sample_at_another_p(pair):
    loud = pair.amplified(1.0)
    np.testing.assert_allclose(np.diag(loud.linear_state()).real, [0.5, 0.25, 0.25, 0.0], atol=1e-15)
    assert loud.noise.polarisation == (0.5, 0.5)  # relaxation leads back to the amplified state
    with pytest.raises(ArgumentError, match=r"amplified p must .* at most at 1.*is 1\.1"):
        pair.amplified(1.1)


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.0001])
def test_impossible_polarisations_are_refused(pair, bad):
    with pytest.raises(ArgumentError, match=f"polarisation must lie above 0.*{bad}"):
        pair.with_polarisation(bad)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"t1": (0.0,)}, "T1 of spin 0 must be above zero"),
        ({"t2": (2.01,)}, r"T2 of spin 0 must be above zero and at most 2 T1 = 2.0 s, but is 2.01 s"),
        ({"polarisation": (1.5,)}, "polarisation of spin 0 must lie between -1 and 1, but is 1.5"),
        ({"readout": (0.5,)}, "readout error of spin 0 must lie between 0 and 0.5, but is 0.5"),
        ({"t1d": 0.0}, "T1D must be above zero"),
    ],
)
def test_noise_refuses_what_is_no_relaxation(change, match):
    good = {"t1": (1.0,), "t2": (2.0,), "polarisation": (0.0,), "readout": (0.0,)}
    Noise(**good)  # T2 = 2 T1 is the edge, and allowed
    with pytest.raises(ArgumentError, match=match):
        Noise(**{**good, **change})


def test_noise_has_the_lifetimes_it_names():
    noise = Noise((0.7,), (0.3,), (0.2,), (0.0,))
    rho0 = np.array([[0.3, 0.2], [0.2, 0.7]])
    rho = nmrqb.lindblad(np.zeros((2, 2)), noise.jump_operators(), rho0, [0.25])[0]
    assert (rho[0, 0] - rho[1, 1]).real == pytest.approx(0.2 + (-0.4 - 0.2) * np.exp(-0.25 / 0.7), abs=1e-12)
    assert rho[0, 1].real == pytest.approx(0.2 * np.exp(-0.25 / 0.3), abs=1e-12)
