"""Ensembles on timelines: members against samples made one by one, averages, published and derived figures, memory."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.engines import shots
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy, stored_energy
from nmrqb.nmr import Noise
from nmrqb.nmr.distributions import (
    coupling_spread,
    offset_distribution,
    powder,
    quasi_static_noise,
    rf_distribution,
)
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.timeline import Mark, Timeline, evolve, expanded

SEQUENCE = nmrqb.Sequence.load("broekaert-jeener-charge")
PAIR = replace(nmrqb.Sample.load("nematic-pair"), offsets=(30.0, 30.0))
DO = 3 * pauli_string("ZZ") / 4 - sum(pauli_string(2 * a) for a in "XYZ") / 4
MEMBERS = Ensemble.of(
    rf=[1.0, 0.9, 1.2, 1.05],
    offset=[0.0, 100.0, -60.0, 5.0],
    coupling=[1.0, 0.5, -0.5, 1.1],
    weights=[0.4, 0.3, 0.2, 0.1],
)


def member_sample(rf, offset, coupling):
    """The sample one member is: its coil, offsets and couplings, by hand."""
    dipolar = tuple((i, j, d * coupling) for i, j, d in PAIR.dipolar)
    return replace(PAIR, dipolar=dipolar, offsets=tuple(o + offset for o in PAIR.offsets)), rf


def member_timelines(ensemble, noise=False, tau="160 us"):
    for member in zip(ensemble.rf, ensemble.offset, ensemble.coupling, strict=True):
        sample, rf = member_sample(*member)
        sequence = SEQUENCE.bind(charge=np.linspace(0, 2, 3), tau=tau)
        yield nmrqb.schedule(sequence, sample, pulses="finite", rf_scale=rf, noise=noise)


def nominal(ensemble, noise=False):
    sequence = SEQUENCE.bind(charge=np.linspace(0, 2, 3), tau="160 us")
    return nmrqb.schedule(sequence, PAIR, pulses="finite", noise=noise, ensemble=ensemble)


@pytest.mark.parametrize("interpolate", [True, False])
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize(
    "ensemble",
    [MEMBERS, rf_distribution(0.05, 9) * offset_distribution(40.0, members=11) * powder(3)],
    ids=["members", "product"],
)
def test_every_member_is_the_sample_it_stands_for(ensemble, noise, interpolate):
    rho0 = PAIR.thermal_state()
    kept = nmrqb.Exact(keep_members=True, interpolate=interpolate).run(nominal(ensemble, noise), rho0)
    assert kept.rho.shape == (3, len(ensemble), 2, 1, 4, 4)
    for m in range(0, len(ensemble), 1 + len(ensemble) // 20):
        sample, rf = member_sample(ensemble.rf[m], ensemble.offset[m], ensemble.coupling[m])
        sequence = SEQUENCE.bind(charge=np.linspace(0, 2, 3), tau="160 us")
        alone = nmrqb.Exact().run(nmrqb.schedule(sequence, sample, pulses="finite", rf_scale=rf, noise=noise), rho0)
        # 4 rho - 1 is of the order of the polarisation, 1e-5: compare it, and to 1e-10 of that
        scale = PAIR.polarisation_factor
        np.testing.assert_allclose(kept.rho[:, m] / scale, alone.rho / scale, atol=1e-8)


def test_states_are_averaged_before_anything_is_computed_from_them():
    timeline, rho0 = nominal(MEMBERS), PAIR.with_polarisation(0.5).thermal_state()
    average = nmrqb.Exact().run(timeline, rho0)
    kept = nmrqb.Exact(keep_members=True).run(timeline, rho0)
    assert average.rho.shape == (3, 2, 1, 4, 4)
    assert average.info["members"] == 4
    np.testing.assert_allclose(average.rho, np.einsum("m,smk...->sk...", MEMBERS.weights, kept.rho), atol=1e-15)
    H = PAIR.battery().hamiltonian()
    charged = kept.at("charged")[:, :, 0]
    of_average, average_of = ergotropy(average.at("charged")[:, 0], H), MEMBERS.weights @ ergotropy(charged, H).T
    assert np.all(of_average < average_of - 0.01)


def test_propagators_of_members_are_unitary_and_theirs():
    pulses = replace(SEQUENCE, steps=tuple(s for s in SEQUENCE.steps if not hasattr(s, "crush")))
    timeline = nmrqb.schedule(pulses.bind(charge=np.linspace(0, 2, 3)), PAIR, pulses="finite", ensemble=MEMBERS)
    U = nmrqb.Exact().propagator(timeline)
    assert U.shape == (3, 4, 4, 4)
    np.testing.assert_allclose(U @ np.conj(np.swapaxes(U, -1, -2)), np.broadcast_to(np.eye(4), U.shape), atol=1e-12)
    for m in range(4):
        sample, rf = member_sample(MEMBERS.rf[m], MEMBERS.offset[m], MEMBERS.coupling[m])
        tau = f"1/(6*{PAIR.coupling} Hz)"
        alone = nmrqb.schedule(pulses.bind(charge=np.linspace(0, 2, 3), tau=tau), sample, pulses="finite", rf_scale=rf)
        np.testing.assert_allclose(U[:, m], nmrqb.Exact().propagator(alone), atol=1e-10)


def test_expanded_members_are_a_plain_timeline():
    timeline = nominal(MEMBERS)
    plain = expanded(timeline)
    assert plain.ensemble is None
    assert plain.shape == (3, 4)
    rho0 = PAIR.thermal_state()
    np.testing.assert_allclose(evolve(plain, rho0), evolve(timeline, rho0, keep_members=True), atol=1e-14)
    for m, alone in enumerate(member_timelines(MEMBERS)):
        theirs = dict(zip(alone.labels, alone.drift, strict=True))
        ours = dict(zip(plain.labels, plain.drift[m], strict=True))
        for label in {*ours, *theirs}:
            assert ours.get(label, 0.0) == pytest.approx(theirs.get(label, 0.0), abs=1e-9)
    assert expanded(plain) is plain


def test_offsets_by_group_act_on_their_spins():
    labels = ("XI", "IX", "ZZ")
    angles, durations = np.array([[0.4, 0.3, 0.5]]), np.array([0.02])
    timeline = Timeline(labels, angles, durations, (), (0,), groups=((0,), (1,)))
    field = offset_distribution(10.0, members=7, ratio=(1.0, 0.25))
    U = nmrqb.Exact().propagator(replace(timeline, ensemble=field))
    shift = np.pi * 0.02 * field.offset
    by_hand = Timeline(
        (*labels, "ZI", "IZ"),
        np.concatenate([np.tile(angles[0], (7, 1)), shift], axis=1)[:, None],
        np.full((7, 1), 0.02),
        (),
        (0,),
    )
    np.testing.assert_allclose(U, nmrqb.Exact().propagator(by_hand), atol=1e-12)
    with pytest.raises(
        ArgumentError, match=r"ensemble must give one offset for all, or one for each of 2 groups, but is .* 3"
    ):
        replace(timeline, ensemble=Ensemble.of(offset=np.ones((4, 3))))


def test_starts_of_their_own_broadcast_with_sweeps():
    starts = np.array([PAIR.with_polarisation(P).thermal_state() for P in (0.1, 0.2, 0.3)])
    for ensemble in (None, MEMBERS):
        timeline = nominal(ensemble)
        batch = nmrqb.Exact().run(timeline, starts).estimate
        column = nmrqb.Exact().run(timeline, starts[:, None]).estimate
        assert column.shape == (3, 3, 2, 4, 4)
        for k in range(3):
            np.testing.assert_allclose(column[k], nmrqb.Exact().run(timeline, starts[k]).estimate, atol=1e-15)
            np.testing.assert_allclose(batch[k], column[k, k], atol=1e-15)
        with pytest.raises(ArgumentError, match=r"rho0 must broadcast against the timeline's \(3,\), .* \(2,\)"):
            nmrqb.Exact().run(timeline, starts[:2])


def test_blocks_do_not_show(monkeypatch):
    from nmrqb.timeline import simulate

    ensemble = rf_distribution(0.05, 9) * offset_distribution(40.0, members=7)
    for noise in (False, True):
        timeline, starts = nominal(ensemble, noise), np.array([np.eye(4) / 4, np.diag([1, 0, 0, 0])])[:, None]
        whole = nmrqb.Exact().run(timeline, starts).rho
        for size in (1, 4000, 20_000):
            monkeypatch.setattr(simulate, "_BLOCK", size)
            np.testing.assert_allclose(nmrqb.Exact().run(timeline, starts).rho, whole, atol=1e-12)
            np.testing.assert_allclose(nmrqb.Exact().run(timeline, starts[0, 0]).rho, whole[0], atol=1e-12)
        monkeypatch.undo()


def charging(ensemble, phi=0.851):
    """The example of the battery's couplings, charged by an ideal pulse exp(-i phi (X1 + X2)) from its Gibbs state."""
    H = nmrqb.Battery(axial=1.0, zeeman=0.4, rhombic=0.25, dm=0.3, ksea=0.15).hamiltonian()
    rho0 = nmrqb.gibbs_state(H, 1.0)
    marks = (Mark("observe", 1, "charged"),)
    timeline = Timeline(("XI", "IX"), np.full((1, 2), phi), np.zeros(1), marks, (0,), ensemble=ensemble)
    return H, rho0, nmrqb.Exact().run(timeline, rho0).at("charged")[0]


@pytest.mark.parametrize(
    ("sigma", "worth", "stored"),
    [
        (0.0, 1.6922, 1.6922),
        (0.01, 1.6914, 1.6918),
        (0.02, 1.6890, 1.6907),
        (0.05, 1.6721, 1.6829),
        (0.1, 1.6139, 1.6556),
    ],
)
def test_rf_inhomogeneity_costs_charging_little(sigma, worth, stored):
    """Figures found independently of this package; the pulse is the best one, so that the loss is of second order."""
    H, rho0, rho = charging(rf_distribution(sigma))
    assert ergotropy(rho, H) == pytest.approx(worth, abs=6e-5)
    assert stored_energy(rho, rho0, H) == pytest.approx(stored, abs=6e-5)


def test_stored_energy_under_rf_inhomogeneity_against_its_closed_form():
    """W = A sin^2 theta + C (1 - cos theta) averaged over theta ~ normal, derived here: cos k theta -> e^(-k^2 s^2/2) cos."""
    phi, sigma = 0.7, 0.08
    H, rho0, _ = charging(None)
    W = [stored_energy(charging(None, x)[2], rho0, H) for x in (np.pi / 4, np.pi / 2)]
    C, A = W[1] / 2, W[0] - W[1] / 2
    theta, spread = 2 * phi, 2 * phi * sigma
    expected = A * (1 - np.exp(-2 * spread**2) * np.cos(2 * theta)) / 2 + C * (
        1 - np.exp(-(spread**2) / 2) * np.cos(theta)
    )
    _, _, rho = charging(rf_distribution(sigma), phi)
    assert stored_energy(rho, rho0, H) == pytest.approx(expected, abs=1e-10)


def order(sample, rho):
    """Dipolar order per polarisation factor of states (..., d, d)."""
    return np.einsum("...ij,ji->...", 4 * rho / sample.polarisation_factor, DO).real / np.trace(DO @ DO).real


def test_a_powder_of_isolated_pairs_keeps_61_percent_of_zeeman_order():
    """Norm efficiency of Broekaert-Jeener over all orientations at the best common delay: .611, derived independently."""
    sample, grid = replace(PAIR, offsets=(0.0, 0.0)), powder(24)
    delays = np.linspace(0.1e-3, 0.4e-3, 61)
    timeline = nmrqb.schedule(SEQUENCE.bind(tau=delays), sample, ensemble=grid)
    found = nmrqb.Exact(keep_members=True).run(timeline, sample.thermal_state()).at("empty")[..., 0, :, :]
    d = 2 * np.pi * sample.coupling * grid.coupling
    per_member = order(sample, found)
    np.testing.assert_allclose(np.abs(per_member), np.abs(np.sin(1.5 * d * delays[:, None])), atol=1e-9)
    Fz = collective(2, "z")
    norm = np.sqrt(np.trace(DO @ DO).real / np.trace(Fz @ Fz).real)
    efficiency = np.abs(per_member * d @ grid.weights) / np.sqrt(d**2 @ grid.weights) * norm
    assert efficiency.max() == pytest.approx(0.611, abs=5e-4)
    assert 0 < np.argmax(efficiency) < 60
    aligned = Ensemble.of(coupling=1.0)
    best = nmrqb.schedule(SEQUENCE, sample, ensemble=aligned)
    one = order(sample, nmrqb.Exact().run(best, sample.thermal_state()).at("empty")[0])
    assert abs(one) * norm == pytest.approx(np.sqrt(3) / 2, abs=1e-9)


def test_b1_errors_cost_dipolar_order_a_squared_cosine_and_spread_averages_it():
    sample, delta = replace(PAIR, offsets=(0.0, 0.0)), np.array([0.0, 0.05, 0.1, 0.2])
    timeline = nmrqb.schedule(SEQUENCE, sample, ensemble=Ensemble.of(rf=1 + delta))
    kept = nmrqb.Exact(keep_members=True).run(timeline, sample.thermal_state()).at("empty")[:, 0]
    np.testing.assert_allclose(np.abs(order(sample, kept)), [1, 0.99384, 0.97553, 0.90451], atol=6e-6)
    # cos^2(pi delta/2) = (1 + cos(pi delta))/2, averaged over a normal delta
    spread = nmrqb.schedule(SEQUENCE, sample, ensemble=rf_distribution(0.08))
    average = nmrqb.Exact().run(spread, sample.thermal_state()).at("empty")[0]
    assert abs(order(sample, average)) == pytest.approx((1 + np.exp(-((np.pi * 0.08) ** 2) / 2)) / 2, abs=1e-9)


def free(ensemble, times, labels=("ZI", "IZ"), rates=(0.0, 0.0)):
    """Signal <F_x> of free evolution after a 90-degree pulse, over `times`, as 1 at the start."""
    angles = np.zeros((len(times), 1, len(labels))) + np.array(rates) * times[:, None, None]
    timeline = Timeline(
        labels, angles, times[:, None], (Mark("observe", 1, "end"),), (0,), groups=((0,), (1,)), ensemble=ensemble
    )
    Fx = collective(2, "x")
    rho = nmrqb.Exact().run(timeline, (np.eye(4) + Fx) / 4).estimate[:, 0]
    return 2 * np.einsum("tij,ji->t", rho, Fx).real


def test_offsets_spread_the_signal_away_and_an_echo_brings_it_back():
    times = np.linspace(0, 0.3, 7)
    np.testing.assert_allclose(
        free(offset_distribution(2.0, members=31), times), np.exp(-2 * (np.pi * 2.0 * times) ** 2), atol=1e-9
    )
    lorentzian = free(offset_distribution(2.0, "lorentzian", 101), times)
    np.testing.assert_allclose(lorentzian, np.exp(-2 * np.pi * times), atol=0.035)
    wait, echo = np.full((3,), 0.15), np.array([0.0, np.pi / 2, 0.0])
    timeline = Timeline(
        ("XI", "IX"),
        np.stack([echo, echo], axis=-1),
        wait * np.array([1, 0, 1]),
        (Mark("observe", 1, "away"), Mark("observe", 3, "back")),
        (0, 1, 2),
        groups=((0, 1),),
        ensemble=offset_distribution(4.0, members=31),
    )
    Fx = collective(2, "x")
    away, back = (2 * np.trace(rho @ Fx).real for rho in nmrqb.Exact().run(timeline, (np.eye(4) + Fx) / 4).estimate)
    assert away == pytest.approx(np.exp(-2 * (np.pi * 4.0 * 0.15) ** 2), abs=1e-6)
    assert back == pytest.approx(1, abs=1e-12)


def test_couplings_that_spread_dephase_the_antisymmetric_doublet():
    """<F_x> under H_D goes as cos(3 d t/2); a normal spread of d multiplies it by exp(-(3 d s t/2)^2/2)."""
    d, s, times = 2 * np.pi * 50.0, 0.1, np.linspace(0, 0.05, 9)
    rates = d / 4 * np.array([-1.0, -1.0, 2.0])
    signal = free(coupling_spread(s, 31), times, ("XX", "YY", "ZZ"), rates)
    np.testing.assert_allclose(signal, np.cos(1.5 * d * times) * np.exp(-((1.5 * d * s * times) ** 2) / 2), atol=1e-9)


def test_quasi_static_noise_of_two_spins_dephases_each_by_itself():
    times = np.linspace(0, 0.1, 5)
    single = np.exp(-2 * (np.pi * 3.0 * times) ** 2)
    np.testing.assert_allclose(free(quasi_static_noise(3.0, 21, groups=2), times), single, atol=1e-9)
    drawn = free(quasi_static_noise(3.0, 4000, groups=2, seed=11), times)
    np.testing.assert_allclose(drawn, single, atol=4 / np.sqrt(4000))
    timeline = Timeline(
        ("ZI",), np.zeros((1, 1)), np.full(1, 0.1), (Mark("observe", 1, "end"),), (0,), groups=((0,), (1,)),
        ensemble=quasi_static_noise(3.0, 21, groups=2),
    )  # fmt: skip
    start = np.full((4, 4), 0.25)
    rho = nmrqb.Exact().run(timeline, start).estimate[0]
    c = single[-1]
    np.testing.assert_allclose(4 * rho, np.kron([[1, c], [c, 1]], [[1, c], [c, 1]]), atol=1e-9)


NOISE = Noise((1.0, 1.0), (0.1, 0.2), (0.0, 0.0), (0.0, 0.0))


@pytest.mark.parametrize(("noise", "interpolate"), [(None, True), (None, False), (NOISE, True)])
def test_slices_and_members_never_stand_in_memory_together(noise, interpolate):
    """800 slices of 2 spins on 1071 members: one array of their angles alone would be 62 MB, of propagators 220 MB."""
    slices = 800
    angles = 0.002 * np.random.default_rng(0).normal(size=(slices, 9))
    labels = ("XX", "YY", "ZZ", "XI", "IX", "YI", "IY", "ZI", "IZ")
    ensemble = Ensemble.of(rf=np.linspace(0.9, 1.1, 51)) * Ensemble.of(offset=np.linspace(-100, 100, 21))
    marks = (Mark("observe", slices, "end"),)
    timeline = Timeline(
        labels, angles, np.full(slices, 1e-6), marks, (0,) * slices, noise, groups=((0, 1),), ensemble=ensemble
    )
    start = np.diag([1.0, 0, 0, 0])
    tracemalloc.start()
    try:
        nmrqb.Exact(interpolate=interpolate).run(timeline, start)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 25e6


def small_timeline(noise=False):
    timeline = nmrqb.schedule(
        SEQUENCE.bind(charge=np.array([0.6, 1.4])), PAIR.amplified(1.0), pulses="finite", noise=noise, ensemble=MEMBERS
    )
    return timeline, PAIR.amplified(1.0).linear_state()


@pytest.mark.parametrize("noise", [False, True])
def test_circuits_average_over_the_same_members(noise):
    timeline, start = small_timeline(noise)
    exact = nmrqb.Exact().run(timeline, start)
    aer = nmrqb.Shots(shots=None).run(timeline, start)
    assert aer.rho.shape == exact.rho.shape
    np.testing.assert_allclose(aer.rho, exact.rho, atol=1e-10 if not noise else 2e-5)


@pytest.mark.parametrize("sampling", ["state", "counts"])
def test_shots_on_members_scatter_about_the_average(sampling):
    timeline, start = small_timeline()
    timeline = replace(timeline, angles=timeline.angles[0], durations=timeline.durations[0])
    exact = nmrqb.Exact().run(timeline, start).estimate
    engine = nmrqb.Shots(shots=3000, seed=5, sampling=sampling, estimator="linear", replicas=50)
    found = engine.run(timeline, start)
    z = np.abs(found.estimate - exact) / np.maximum(found.replicas.std(axis=-3), 1e-6)
    assert np.sqrt(np.mean(z[np.abs(z) > 0] ** 2)) < 1.6
    np.testing.assert_array_equal(engine.run(timeline, start).rho, found.rho)


def test_circuits_refuse_more_members_than_they_can_run():
    timeline, start = small_timeline()
    limit = shots.MAX_MEMBERS
    many = replace(timeline, ensemble=Ensemble.of(rf=np.linspace(0.9, 1.1, limit + 1)))
    with pytest.raises(
        ArgumentError, match=f"ensemble must have at most {limit} members .*, but is one of {limit + 1}"
    ):
        nmrqb.Shots(shots=None).run(many, start)
    edge = replace(
        timeline,
        ensemble=Ensemble.of(rf=np.linspace(0.9, 1.1, limit)),
        angles=timeline.angles[0],
        durations=timeline.durations[0],
    )
    np.testing.assert_allclose(
        nmrqb.Shots(shots=None).run(edge, start).rho, nmrqb.Exact().run(edge, start).rho, atol=1e-10
    )
