"""Robustness maps: labelled, the same as sequences run one by one, and better after optimisation."""

import numpy as np
import pytest

import nmrqb
from nmrqb import design
from nmrqb.errors import ArgumentError
from nmrqb.nmr.distributions import rf_distribution
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.plots.design import robustness_maps
from nmrqb.sequence import Lock, Observe, Pulse, Sequence

PAIR = nmrqb.Sample.load("nematic-pair")
H = PAIR.hamiltonian() / PAIR.energy_unit
RHO0 = nmrqb.gibbs_state(H, 1.0)
RF, OFFSET, COUPLING = np.linspace(0.8, 1.2, 5), np.linspace(-200, 200, 3), [0.9, 1.0]
PLAIN = Sequence(
    "plain", "Hard", (Lock(lock="20 kHz", duration="12.5 us"), Observe(observe="end")), {}, pulses="finite"
)


@pytest.fixture(scope="module")
def optimised():
    ensemble = rf_distribution(0.1, 5) * Ensemble.of(offset=OFFSET)
    objective = design.Ergotropy(RHO0, H)
    return design.optimise(
        PAIR, objective, duration=100e-6, slices=50, start="random", ensemble=ensemble, limit=20e3, iterations=60
    )


@pytest.fixture(scope="module")
def maps(optimised):
    named = {"plain": PLAIN, "optimised": optimised}
    return design.robustness(named, PAIR, "ergotropy", rf=RF, offset=OFFSET, coupling=COUPLING, rho0=RHO0)


def test_every_point_is_the_sequence_on_that_member(maps, optimised):
    assert maps.ergotropy.dims == ("sequence", "rf", "offset", "coupling")
    assert maps.ergotropy.attrs == {"long_name": "ergotropy", "units": "coupling unit"}
    assert maps.offset.attrs["units"] == "Hz"
    for name, sequence in (("plain", PLAIN), ("optimised", optimised.sequence())):
        for rf, offset, coupling in ((0.8, -200.0, 0.9), (1.1, 0.0, 1.0), (1.2, 200.0, 1.0)):
            member = Ensemble.of(rf=[rf], offset=[offset], coupling=[coupling])
            rho = nmrqb.Exact().run(nmrqb.schedule(sequence, PAIR, ensemble=member), RHO0).rho[0, 0]
            found = maps.ergotropy.sel(sequence=name, rf=rf, offset=offset, coupling=coupling, method=None).item()
            assert found == pytest.approx(float(nmrqb.metrics.ergotropy(rho, H)), abs=1e-11)


def test_optimisation_flattens_the_map(maps):
    worst = maps.ergotropy.min(("rf", "offset", "coupling"))
    assert worst.sel(sequence="optimised") > worst.sel(sequence="plain") + 0.03
    spread = maps.ergotropy.std(("rf", "offset", "coupling"))
    assert spread.sel(sequence="optimised") < 0.3 * spread.sel(sequence="plain")


def test_other_metrics_noise_and_thermal_starts():
    quiet = design.robustness(PLAIN, PAIR, "l1_coherence", rf=[0.9, 1.0])
    noisy = design.robustness(PLAIN, PAIR, "l1_coherence", rf=[0.9, 1.0], noise=True)
    assert quiet.l1_coherence.shape == (1, 2, 1, 1)
    assert np.all(noisy.l1_coherence < quiet.l1_coherence)
    own = design.robustness(PLAIN, PAIR, lambda rho: np.einsum("mii->m", rho @ rho).real, rf=[0.9, 1.0], rho0=RHO0)
    purity = design.robustness(PLAIN, PAIR, "purity", rf=[0.9, 1.0], rho0=RHO0)
    np.testing.assert_allclose(own["lambda"], purity.purity, rtol=1e-12)
    stored = design.robustness(PLAIN, PAIR, "stored_energy", rho0=RHO0).stored_energy.item()
    ergotropy = design.robustness(PLAIN, PAIR, "ergotropy", rho0=RHO0).ergotropy.item()
    assert stored == pytest.approx(ergotropy, abs=1e-12)  # a Gibbs state, one member, no noise
    assert design.robustness(PLAIN, PAIR, "concurrence", rho0=RHO0).concurrence.item() >= 0


def test_maps_that_cannot_be_are_refused():
    with pytest.raises(ArgumentError, match=r"metric must be .*did you mean 'ergotropy'\?.*, but is 'ergotrophy'"):
        design.robustness(PLAIN, PAIR, "ergotrophy")
    with pytest.raises(ArgumentError, match=r"rf must be a number or have shape \(n,\), but is of shape \(1, 2\)"):
        design.robustness(PLAIN, PAIR, "purity", rf=[[1.0, 2.0]])
    with pytest.raises(ArgumentError, match=r"rf must be zero or above, but is -0\.1"):
        design.robustness(PLAIN, PAIR, "purity", rf=[-0.1])
    with pytest.raises(ArgumentError, match="offset must be finite, but is nan"):
        design.robustness(PLAIN, PAIR, "purity", offset=[np.nan])
    with pytest.raises(
        ArgumentError, match=r"have at most 1000000 together, but is a grid of \(1001, 1000, 1\) points"
    ):
        design.robustness(PLAIN, PAIR, "purity", rf=np.ones(1001), offset=np.zeros(1000))
    silent = Sequence("silent", "No end", (Pulse(pulse="90 deg"),), {})
    with pytest.raises(ArgumentError, match="but is 'silent', which observes nothing"):
        design.robustness(silent, PAIR, "purity")
    swept = Sequence("swept", "Many", (Pulse(pulse="a"), Observe(observe="end")), {"a": ("10 deg", "20 deg")})
    with pytest.raises(ArgumentError, match="but is 'swept', which is swept"):
        design.robustness(swept, PAIR, "purity")


def test_the_picture_has_all_maps_on_one_scale(maps):
    figure = robustness_maps(maps, "where from", best=0.6422)
    panels = [axes for axes in figure.axes if axes.collections and axes.get_title(loc="left")]
    assert len(panels) == 4
    assert {axes.get_title(loc="left") for axes in panels} >= {
        "(a)  plain",
        "(b)  optimised",
    }
    assert "offset (Hz), coupling × 0.9" in {axes.get_ylabel() for axes in panels}
    scales = {axes.collections[0].get_clim() for axes in panels}
    assert scales == {(float(maps.ergotropy.min()), float(maps.ergotropy.max()))}
    assert panels[2].get_xlabel() == "actual / nominal RF amplitude"
    bar = next(axes for axes in figure.axes if axes.get_ylabel() == "ergotropy (coupling unit)")
    assert bar is not None
    shown = panels[0].collections[0].get_array()
    np.testing.assert_array_equal(shown.reshape(3, 5), maps.ergotropy.values[0, :, :, 0].T)


def test_a_map_of_one_value_can_be_drawn():
    data = design.robustness(PLAIN, PAIR, "purity", rho0=RHO0)
    figure = robustness_maps(data)
    assert any(axes.get_ylabel() == "purity" for axes in figure.axes)
