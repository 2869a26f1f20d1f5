"""Gibbs states of the full battery on two unlike spins: exact for every coupling, by one scan or by averaged runs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nmrqb
from nmrqb.errors import ArgumentError
from nmrqb.preparation import (
    broekaert_jeener,
    diagonal_angles,
    diagonal_state,
    eigenbasis_map,
    eigenbasis_populations,
    gibbs_on_ax,
    prepare_gibbs,
    temporal_average,
)
from nmrqb.spin.operators import pauli_string

AX, PAIR, GYPSUM, STAR = (nmrqb.Sample.load(n) for n in ("chloroform", "nematic-pair", "gypsum", "acetonitrile"))
NEGATIVE = replace(AX, scalar=((0, 1, -215.0),))
OTHERS = replace(AX, spins=("31P", "19F"), polarisation=(1.6e-5, 3.8e-5), coils={})  # S more polarised than I
EQUAL = AX.with_polarisation(1e-4)
RNG = np.random.default_rng(5)
BATTERIES = nmrqb.Battery(*RNG.normal(size=(5, 200)))
TEMPERATURES = RNG.uniform(0.3, 3, 200)
EXAMPLE = nmrqb.Battery(axial=1, zeeman=0.4, rhombic=0.25, dm=0.3, ksea=0.15)


def dagger(a):
    return np.conj(np.swapaxes(a, -1, -2))


def gibbs_from_map(battery, temperature):
    V, w = eigenbasis_map(battery), eigenbasis_populations(battery, temperature)
    return (V * w[..., None, :]) @ dagger(V)


def test_the_eigenbasis_map_is_exact():
    error = np.abs(gibbs_from_map(BATTERIES, TEMPERATURES) - BATTERIES.gibbs_state(TEMPERATURES)).max()
    assert error < 2e-15


coupling = st.sampled_from([0.0, -0.0, 1.0, -1.0]) | st.floats(-3, 3)


@given(*[coupling] * 5, st.floats(0.1, 10))
def test_the_eigenbasis_map_has_no_bad_corner(delta, eps, D, G, B, T):
    battery = nmrqb.Battery(delta, eps, D, G, B)
    V, H = eigenbasis_map(battery), battery.hamiltonian()
    rotated = V.conj().T @ H @ V
    np.testing.assert_allclose(rotated, np.diag(np.diag(rotated)), atol=1e-13)
    np.testing.assert_allclose(gibbs_from_map(battery, T), battery.gibbs_state(T), atol=1e-13)


@pytest.mark.parametrize("sample", [AX, NEGATIVE, OTHERS, EQUAL], ids=["chloroform", "J<0", "31P-19F", "equal"])
def test_any_diagonal_state_in_one_scan(sample):
    c1, c2, c12 = np.random.default_rng(2).normal(size=(3, 200))
    preparation = diagonal_state(sample, c1, c2, c12)
    dev = (preparation.report.rho - np.eye(4) / 4) / (sample.polarisation[0] / 2)
    wanted = sum(c[:, None, None] * pauli_string(label) / 2 for c, label in ((c1, "ZI"), (c2, "IZ"), (c12, "ZZ")))
    r = sample.polarisation[1] / sample.polarisation[0]
    k = np.minimum(1 / (np.abs(c1) + np.abs(c12)), r / np.abs(c2))
    np.testing.assert_allclose(preparation.report.pseudo_state, preparation.report.target, atol=3e-15)
    np.testing.assert_allclose(dev, k[:, None, None] * wanted, atol=1e-10)
    assert np.all(preparation.report.is_passive)


def test_the_textbook_angles_of_a_pseudo_pure_state():
    angles = diagonal_angles(1, 1, 1)
    np.testing.assert_allclose(np.degrees(angles[:3]), [60, 45, 45], atol=1e-12)
    assert angles.scale == 0.5


def test_temperature_of_one_spin_alone_needs_no_transfer():
    angles = diagonal_angles(1, 0, 0)
    np.testing.assert_allclose(np.degrees(angles[:3]), [90, 0, 0], atol=1e-6)


@pytest.mark.parametrize("sample", [AX, NEGATIVE, OTHERS, EQUAL], ids=["chloroform", "J<0", "31P-19F", "equal"])
def test_gibbs_states_of_200_random_batteries(sample):
    report = gibbs_on_ax(BATTERIES, TEMPERATURES, sample).report
    np.testing.assert_allclose(report.pseudo_state, BATTERIES.gibbs_state(TEMPERATURES), atol=1e-14)
    np.testing.assert_allclose(report.fidelity, 1, atol=1e-13)
    assert np.all(report.is_passive)
    assert report.spin_temperature is None
    assert np.all(report.pseudo_fraction < sum(sample.polarisation) * 2)
    assert np.all((report.norm_efficiency > 0) & (report.norm_efficiency <= 1 + 1e-12))


def test_a_gibbs_state_on_chloroform_is_charged_as_the_closed_form_says():
    theta = np.linspace(0, 2 * np.pi, 25)
    sequence, report = gibbs_on_ax(EXAMPLE, 1.0, AX)
    strong = AX.amplified(1.0)
    timeline = nmrqb.schedule(sequence.bind(charge=theta), strong)
    rho = nmrqb.Exact().run(timeline, strong.linear_state()).at("charged")[:, 0]
    fraction = report.pseudo_fraction / report.polarisation_factor
    pseudo = np.eye(4) / 4 + (rho - np.eye(4) / 4) / fraction
    W = nmrqb.metrics.ergotropy(pseudo, EXAMPLE.hamiltonian())
    A, C = 1.3228, 0.3467  # derived independently: A sin^2 + C (1 - cos)
    np.testing.assert_allclose(W, A * np.sin(theta) ** 2 + C * (1 - np.cos(theta)), atol=2e-4)


def test_circuits_prepare_the_same_gibbs_state():
    sequence, report = gibbs_on_ax(EXAMPLE, 1.0, AX)
    strong = AX.amplified(1.0)
    states = nmrqb.Shots(shots=None, seed=1).run(nmrqb.schedule(sequence, strong), strong.linear_state())
    fraction = report.pseudo_fraction / report.polarisation_factor
    pseudo = np.eye(4) / 4 + (states.at("gibbs")[0] - np.eye(4) / 4) / fraction
    np.testing.assert_allclose(pseudo, EXAMPLE.gibbs_state(1.0), atol=1e-12)


def test_finite_pulses_and_relaxation_show_in_the_report():
    ideal = gibbs_on_ax(EXAMPLE, 1.0, AX).report.fidelity
    finite = gibbs_on_ax(EXAMPLE, 1.0, AX, pulses="finite").report.fidelity
    noisy = gibbs_on_ax(EXAMPLE, 1.0, AX, pulses="finite", noise=True).report.fidelity
    assert noisy < finite < ideal
    assert noisy > 0.99


def test_runs_that_add_up_to_a_gibbs_state():
    runs = temporal_average(BATTERIES, TEMPERATURES)
    np.testing.assert_allclose(runs.weights.sum(axis=-1), 1, atol=1e-14)
    np.testing.assert_allclose(runs.averaged(runs.states), BATTERIES.gibbs_state(TEMPERATURES), atol=3e-15)
    np.testing.assert_allclose(runs.fidelity, 1, atol=1e-13)
    H = BATTERIES.hamiltonian()
    energies = np.einsum("brij,bji->br", runs.states, H).real
    np.testing.assert_allclose(np.sort(energies, axis=-1), BATTERIES.energies(), atol=1e-13)
    expected = np.einsum("bij,bji->b", BATTERIES.gibbs_state(TEMPERATURES), H).real
    np.testing.assert_allclose(runs.averaged(energies), expected, atol=1e-13)


def test_one_battery_at_many_temperatures():
    T = np.array([0.5, 1.0, 2.0])
    runs = temporal_average(EXAMPLE, T)
    np.testing.assert_allclose(runs.averaged(runs.states), EXAMPLE.gibbs_state(T), atol=1e-15)
    np.testing.assert_allclose(gibbs_on_ax(EXAMPLE, T, AX).report.fidelity, 1, atol=1e-13)


# --- one door, and what it refuses ---


def test_unlike_spins_take_any_battery_and_like_spins_their_own():
    assert prepare_gibbs(EXAMPLE, 1.0, AX).sequence.name == "ax-gibbs"
    preparation = prepare_gibbs(nmrqb.Battery(axial=-0.75), 1.0, GYPSUM)
    assert preparation.sequence.name == "broekaert-jeener"
    assert preparation.report.is_passive


@pytest.mark.parametrize(("sample", "axial"), [(PAIR, 0.75), (PAIR, 2.0), (GYPSUM, -1.3)])
def test_on_like_spins_the_gibbs_state_is_met_to_first_order(sample, axial):
    battery = nmrqb.Battery(axial=axial)
    lost = []
    for T in (10.0, 20.0):
        report = prepare_gibbs(battery, T, sample).report
        np.testing.assert_allclose(report.pseudo_state, (np.eye(4) - battery.hamiltonian() / T) / 4, atol=1e-12)
        lost.append(1 - report.fidelity)
    assert lost[0] / lost[1] == pytest.approx(16, rel=0.3)  # second order in 1/T, squared
    own = broekaert_jeener(sample).report
    assert report.spin_temperature == pytest.approx(own.spin_temperature)


def test_on_like_spins_a_temperature_too_low_for_a_state_is_refused():
    battery = nmrqb.Battery(axial=0.75)  # highest level 1/2
    assert prepare_gibbs(battery, 0.5, PAIR).report.fidelity < 1
    with pytest.raises(ArgumentError, match=r"at least 0\.5.* but is 0\.49"):
        prepare_gibbs(battery, 0.49, PAIR)


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (
            lambda: prepare_gibbs(nmrqb.Battery(axial=0.75, dm=0.3), 1.0, PAIR),
            r"odd under their exchange.* but is 0\.3",
        ),
        (lambda: prepare_gibbs(nmrqb.Battery(axial=0.75, ksea=0.2), 1.0, PAIR), r"ksea must.* but is 0\.2"),
        (lambda: prepare_gibbs(nmrqb.Battery(axial=0.75, zeeman=-0.1), 1.0, PAIR), r"zeeman must.* but is -0\.1"),
        (lambda: prepare_gibbs(nmrqb.Battery(axial=-0.75), 1.0, PAIR), r"axial must .* but is -0\.75"),
        (lambda: gibbs_on_ax(EXAMPLE, 1.0, PAIR), r"unlike spins.*1H\+1H with J = 0 Hz"),
        (lambda: gibbs_on_ax(EXAMPLE, 1.0, STAR), r"13C\+1H\+1H\+1H with J = 136 Hz"),
        (lambda: gibbs_on_ax(EXAMPLE, 0.0, AX), r"above zero, but is 0\.0"),
        (lambda: gibbs_on_ax(BATTERIES, [1.0, 2.0], AX), r"shape \(2,\)"),
        (lambda: diagonal_state(AX, 0, 0, 0), "all 0"),
        (lambda: diagonal_angles(1, 1, 1, 0), r"ratio must differ from 0.* but is 0\.0"),
    ],
)
def test_what_a_sample_cannot_hold_is_refused_with_the_reason(call, found):
    with pytest.raises(ArgumentError, match=found):
        call()
