"""Ordinary sequences on stars: sectors of total spin against matrices, circuits and the formula; XY from pulses."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.battery.star import StarBattery, battery_ergotropy
from nmrqb.circuits.reduced import reduced_cost, reduced_states, spin_counts
from nmrqb.design.exchange import MAX_STEPS, exchange
from nmrqb.errors import ArgumentError
from nmrqb.files import document
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.states import partial_trace, polarised_state, product_state
from nmrqb.timeline import evolve
from nmrqb.timeline import star as star_module
from nmrqb.timeline.star import star_states

SMALL, TEN, THIRTEEN, LARGE = (
    nmrqb.Sample.load(n)
    for n in ("acetonitrile", "trimethyl-phosphite", "tetramethylsilane", "tetrakis-trimethylsilyl-silane")
)
CHARGE = nmrqb.Sequence.load("star-charge")


def line(sample, steps, **values):
    return nmrqb.schedule(exchange(steps).bind(chargers=sample.n - 1, **values), sample)


def charged(states):
    """P_e at the last mark."""
    return states[..., -1, 1, 1].real


@pytest.mark.parametrize(
    ("sample", "steps", "expected"),
    [
        (SMALL, 1, 0.995),
        (SMALL, 2, 0.9998),
        (TEN, 1, 0.954),
        (TEN, 2, 0.9985),
        (LARGE, 1, 0.924),
        (LARGE, 2, 0.998),
        (LARGE, 3, 0.9997),
    ],
    ids=lambda x: getattr(x, "name", x),
)
def test_steps_that_a_full_charge_takes(sample, steps, expected):
    digits = 5e-4 if expected < 0.999 else 5e-5
    assert charged(star_states(line(sample, steps), (1, 1))) == pytest.approx(expected, abs=digits)


def test_the_product_formula_is_of_second_order():
    missing = [1 - charged(star_states(line(THIRTEEN, n), (1, 1))) for n in (4, 8, 16)]
    # what is missed of a population at its maximum goes as the square of the error, 1/n^4
    assert missing[0] / missing[1] == pytest.approx(16, rel=0.1)
    assert missing[1] / missing[2] == pytest.approx(16, rel=0.05)


@pytest.mark.parametrize("sample", [SMALL, TEN], ids=lambda s: s.name)
def test_many_steps_are_the_formula_for_any_polarisations(sample):
    star = sample.star()
    times = np.array([0.3, 0.8]) * star.full_charge_time
    # positive P is the lower level; the sequence inverts the chargers
    found = charged(star_states(line(sample, 24, time=times), (0.9, 0.4)))
    np.testing.assert_allclose(found, star.excitation(times, 0.4, -0.9), atol=2e-5)


@pytest.mark.parametrize("pulses", ["ideal", "finite"])
@pytest.mark.parametrize("P", [(1.0, 1.0), (0.3, 0.7)])
def test_sectors_are_the_exact_engine(pulses, P):
    timeline = nmrqb.schedule(CHARGE, replace(SMALL, offsets=(20.0, -31.0, -31.0, -31.0)), pulses=pulses)
    rho0 = product_state(polarised_state(P[0]), *[polarised_state(P[1])] * 3)
    exact = partial_trace(nmrqb.Exact().run(timeline, rho0).estimate, [0])
    np.testing.assert_allclose(star_states(timeline, P), exact, atol=1e-12)


def test_sweeps_and_members_of_an_ensemble_are_leading_axes():
    members = Ensemble.of(rf=[0.95, 1.0, 1.04])
    values = {"time": np.array([1e-3, 2e-3])}
    rho0 = SMALL.with_polarisation(1.0).thermal_state()
    timeline = nmrqb.schedule(CHARGE.bind(**values), SMALL, ensemble=members)
    found = star_states(timeline, (1, 1))
    assert found.shape == (2, 3, 2, 2, 2)
    np.testing.assert_allclose(found, partial_trace(evolve(timeline, rho0, keep_members=True), [0]), atol=1e-11)


def test_couplings_among_the_chargers_do_not_show():
    pairs = tuple((i, j, value) for (i, j), value in {(1, 2): -12.0, (1, 3): 5.0, (2, 3): 31.0}.items())
    coupled = replace(SMALL, scalar=(*SMALL.scalar, *pairs))
    np.testing.assert_allclose(star_states(line(coupled, 2), (1, 1)), star_states(line(SMALL, 2), (1, 1)), atol=1e-13)
    exact = nmrqb.Exact().run(line(coupled, 2), coupled.with_polarisation(1.0).thermal_state()).estimate
    np.testing.assert_allclose(star_states(line(coupled, 2), (1, 1)), partial_trace(exact, [0]), atol=1e-11)


@pytest.mark.parametrize("P", [1.0, 0.3], ids=["statevector", "density_matrix"])
def test_circuits_are_the_sectors(P):
    timeline = line(SMALL, 2)
    assert reduced_cost(timeline, P).method == ("statevector" if P == 1 else "density_matrix")
    np.testing.assert_allclose(reduced_states(timeline, P), star_states(timeline, (P, P)), atol=1e-12)


def test_ten_qubits_run_on_aer_and_their_battery_is_read_alone():
    timeline = line(TEN, 2)
    cost = reduced_cost(timeline, 1.0)
    assert (cost.method, cost.n, cost.bytes) == ("statevector", 10, 2 * 16 * 2**10)
    assert cost.two_qubit_gates == 2 * 3 * 9
    rho = reduced_states(timeline, 1.0)
    np.testing.assert_allclose(rho, star_states(timeline, (1, 1)), atol=1e-12)
    counts = spin_counts(timeline, 1.0, "charged", 4096, seed=5)
    assert counts.sum(axis=-1).tolist() == [4096] * 3
    r = (counts[:, 0] - counts[:, 1]) / 4096
    expected = [2 * rho[1, 1, 0].real, 2 * rho[1, 1, 0].imag, (rho[1, 0, 0] - rho[1, 1, 1]).real]
    np.testing.assert_allclose(r, expected, atol=5 / 64)
    assert (np.linalg.norm(r) - r[2]) / 2 == pytest.approx(float(battery_ergotropy(rho[1])), abs=0.02)


def test_eleven_qubits_are_a_star_with_ten_chargers():
    spins = ("31P", *("1H",) * 10)
    star = replace(
        TEN,
        spins=spins,
        scalar=tuple((0, k, 10.5) for k in range(1, 11)),
        offsets=(0.0,) * 11,
        polarisation=(1.0,) * 11,
    )
    timeline = line(star, 2)
    np.testing.assert_allclose(reduced_states(timeline, 1.0), star_states(timeline, (1, 1)), atol=1e-12)


def test_states_of_other_spins_and_their_order():
    timeline = line(SMALL, 1)
    exact = nmrqb.Exact().run(timeline, SMALL.with_polarisation(1.0).thermal_state()).estimate
    both = reduced_states(timeline, 1.0, spins=(0, 2))
    np.testing.assert_allclose(both, partial_trace(exact, [0, 2]), atol=1e-12)
    swapped = reduced_states(timeline, 1.0, spins=(2, 0)).reshape(-1, 2, 2, 2, 2).transpose(0, 2, 1, 4, 3)
    np.testing.assert_allclose(swapped.reshape(-1, 4, 4), both, atol=1e-12)


def test_counts_along_x_and_y_have_their_signs():
    """Turned by 40 degrees about x: r = (0, -sin 40, cos 40)."""
    text = 'title = "t"\nsteps = [{ pulse = "40 deg", phase = "x" }, { observe = "turned" }]'
    turned = nmrqb.Sequence.parse(document(text, "turned.toml"), "turned")
    counts = spin_counts(nmrqb.schedule(turned, SMALL), 1.0, "turned", 4000, seed=1)
    r = (counts[:, 0] - counts[:, 1]) / 4000
    np.testing.assert_allclose(r, [0, -np.sin(np.radians(40)), np.cos(np.radians(40))], atol=0.08)


def test_the_spectrometer_reads_the_battery_with_and_without_a_pulse():
    """Populations by a 90-degree read, coherence by none, on the carbon's channel alone."""
    sample = SMALL.amplified(0.5)
    timeline = nmrqb.schedule(CHARGE, sample)
    reader = nmrqb.Spectrometer(readouts=("0 0", "90x 0"), detect=(0,), scans=64, seed=1, replicas=2)
    found = partial_trace(reader.run(timeline, sample.linear_state()).estimate, [0])
    exact = partial_trace(nmrqb.Exact().run(timeline, sample.linear_state()).estimate, [0])
    np.testing.assert_allclose(found, exact, atol=3e-4)
    assert exact[1, 1, 1].real - exact[0, 1, 1].real > 0.1


def test_a_sample_is_a_star_or_says_why_not():
    assert SMALL.star() == StarBattery(3, 136.0)
    assert LARGE.star() == StarBattery(36, 2.5)
    assert nmrqb.Sample.load("chloroform").star() == StarBattery(1, 215.0)
    for sample, match in (
        (nmrqb.Sample.load("gypsum"), "be a star, .* is one with 1 dipolar couplings"),
        (nmrqb.Sample.load("methyl-fluoride"), r"be a star, .* is 5 spins \(13C, 1H, 19F\)"),
        (replace(SMALL, scalar=SMALL.scalar[:2]), r"13C has the couplings \[136\.0, 136\.0\] Hz to 3 spins"),
        (replace(SMALL, scalar=(*SMALL.scalar[:2], (0, 3, 135.0))), r"\[135\.0, 136\.0, 136\.0\] Hz to 3 spins"),
    ):
        with pytest.raises(ArgumentError, match=match):
            sample.star()


@pytest.mark.parametrize("steps", [0, MAX_STEPS + 1, 1.5])
def test_steps_that_no_sequence_has(steps):
    with pytest.raises(ArgumentError, match=rf"steps must be a whole number from 1 to 1000, but is {steps}"):
        exchange(steps)


@pytest.mark.parametrize(
    ("timeline", "match"),
    [
        (nmrqb.schedule(CHARGE, SMALL, noise=True), "be unitary.* is one with noise"),
        (nmrqb.schedule(nmrqb.Sequence.load("ax-diagonal"), SMALL), "be unitary.* is one with a crusher"),
        (
            nmrqb.schedule(CHARGE, replace(SMALL, scalar=SMALL.scalar[:2])),
            "treat all outer spins alike, but is one with unlike ZZ",
        ),
        (
            nmrqb.schedule(CHARGE, replace(SMALL, offsets=(0.0, 1.0, 1.0, 2.0))),
            "alike, but is one with unlike Z on them",
        ),
        (nmrqb.schedule(CHARGE, replace(SMALL, dipolar=((1, 2, 3.0),))), "spins 1 and 2 that is no J I.I"),
    ],
)
def test_timelines_that_have_no_sectors(timeline, match):
    with pytest.raises(ArgumentError, match=match):
        star_states(timeline, (1, 1))


def test_thirty_six_chargers_reach_what_the_formula_says():
    star = LARGE.star()
    found = charged(star_states(line(LARGE, 4, time=0.5 * star.full_charge_time), (1e-3, 1e-3)))
    assert (2 * found - 1) / 1e-3 == pytest.approx(
        float(star.linear_polarisation(0.5 * star.full_charge_time)), abs=2e-3
    )


def test_bounds_of_memory_and_polarisation(monkeypatch):
    timeline = line(LARGE, 1)
    for P, match in (((1, 1.1), r"polarisation must lie between -1 and 1, but is 1\.1"), ((1,), "be two numbers")):
        with pytest.raises(ArgumentError, match=match):
            star_states(timeline, P)
    needed = 4 * 16 * 74**2
    monkeypatch.setattr(star_module, "MAX_BYTES", needed - 1)
    with pytest.raises(ArgumentError, match="is one of 1 points on 37 spins"):
        star_states(timeline, (1, 1))
    monkeypatch.setattr(star_module, "MAX_BYTES", needed)
    assert star_states(timeline, (1, 1)).shape == (2, 2, 2)


def test_circuits_refuse_what_they_do_not_hold():
    timeline = line(SMALL, 1)
    for call, match in (
        (lambda: reduced_states(line(LARGE, 1), 1.0), r"memory must be 4\.4 TB or more for 37 qubits by statevector"),
        (lambda: reduced_states(line(THIRTEEN, 1), 0.5, limit=1e9), "2.15 GB or more for 13 qubits by density_matrix"),
        (lambda: reduced_states(timeline, -1.01), r"polarisation must lie between -1 and 1, but is -1\.01"),
        (lambda: reduced_states(timeline, (1, 1)), r"polarisation must be one number, or one for each of 4"),
        (
            lambda: reduced_states(timeline, 1.0, spins=(4,)),
            "spins must be different numbers from 0 to 3, but is \\[4\\]",
        ),
        (lambda: reduced_states(nmrqb.schedule(CHARGE, SMALL, noise=True), 1.0), "is one with noise"),
        (lambda: spin_counts(timeline, 1.0, "end", 10, 1), "mark must be one of start, charged, but is 'end'"),
        (lambda: spin_counts(timeline, 1.0, "charged", 0, 1), "shots must be a whole number, 1 or more, but is 0"),
    ):
        with pytest.raises(ArgumentError, match=match):
            call()
    needed = 2 * 16 * 4**4
    with pytest.raises(ArgumentError, match="for 4 qubits by density_matrix"):
        reduced_cost(timeline, 0.5, limit=needed - 1)
    assert reduced_cost(timeline, 0.5, limit=needed).bytes == needed
