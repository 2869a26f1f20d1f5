"""A timeline watched while it runs: at the marks it is the exact engine, in between the closed forms of the pair."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy, purity
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Repeat
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.timeline import Mark
from nmrqb.timeline.monitor import MAX_POINTS, monitor

CHARGE = nmrqb.Sequence.load("broekaert-jeener-charge")
CYCLED = nmrqb.Sequence.load("broekaert-jeener")
SAMPLE = nmrqb.Sample.load("nematic-pair")
START, H = SAMPLE.thermal_state(), SAMPLE.hamiltonian()
X, Z = (pauli_string(2 * a) / 4 for a in "XZ")
DO = 3 * Z - sum(pauli_string(2 * a) for a in "XYZ") / 4
DQ = X - pauli_string("YY") / 4
QX = (pauli_string("XZ") + pauli_string("ZX")) / 2
IY, IZ = collective(2, "y"), collective(2, "z")
ENSEMBLE = Ensemble.of(rf=[0.95, 1.0, 1.04])
MANY = replace(CHARGE, steps=(Repeat(repeat=9, steps=list(CHARGE.steps[:4])), *CHARGE.steps[4:]))


def deviation(states):
    """(4 rho - 1)/p."""
    return (4 * states - np.eye(4)) / SAMPLE.polarisation_factor


@pytest.mark.parametrize("points", [1, 7])
@pytest.mark.parametrize("sequence", [CHARGE, CYCLED, MANY], ids=["charge", "cycle", "repeat"])
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("ensemble", [None, ENSEMBLE], ids=["one", "ensemble"])
def test_at_the_marks_it_is_the_exact_engine(sequence, noise, ensemble, points):
    timeline = nmrqb.schedule(sequence, SAMPLE, pulses="finite", noise=noise, ensemble=ensemble)
    exact = nmrqb.Exact().run(timeline, START)
    watched = monitor(timeline, START, H, points=points)
    assert tuple(watched.marks) == timeline.observed
    scale = SAMPLE.polarisation_factor
    for mark in timeline.observed:
        np.testing.assert_allclose(watched.at(mark) / scale, exact.at(mark)[0] / scale, atol=2e-11)
    np.testing.assert_allclose(np.trace(watched.states, axis1=1, axis2=2), 1, atol=1e-13)
    np.testing.assert_allclose(watched.states, np.conj(np.swapaxes(watched.states, 1, 2)), atol=1e-14)
    assert watched.times[-1] == pytest.approx(timeline.durations.reshape(-1, timeline.slices)[0].sum())
    assert np.all(np.diff(watched.times) >= 0)


def test_one_run_of_a_sweep_is_that_run():
    tau, charge = np.linspace(1e-5, 3e-4, 4)[:, None], np.linspace(0, 3, 3)
    timeline = nmrqb.schedule(CHARGE.bind(tau=tau, charge=charge), SAMPLE)
    exact = nmrqb.Exact().run(timeline, START).at("charged")
    for index in ((0, 0), (3, 1), (-1, 2), (2,), ()):
        whole = (*index, 0, 0)[:2]
        watched = monitor(timeline, START, H, index=index, points=3)
        np.testing.assert_allclose(watched.at("charged"), exact[whole][0], atol=1e-14)


def test_a_cycle_is_added_up_and_the_rest_is_indexed():
    timeline = nmrqb.schedule(CYCLED.bind(tau=np.array([1e-5, 2e-4])), SAMPLE)
    exact = nmrqb.Exact().run(timeline, START).at("read")
    watched = monitor(timeline, START, H, index=(1,))
    np.testing.assert_allclose(watched.at("read"), exact[1, 0], atol=1e-14)


def test_one_step_of_a_cycle_is_what_the_spins_go_through():
    timeline = nmrqb.schedule(CYCLED.bind(tau=np.array([1e-5, 2e-4])), SAMPLE)
    signs = np.cos(timeline.receiver)
    runs = [monitor(timeline, START, H, index=(1,), step=step, points=3) for step in range(8)]
    added = monitor(timeline, START, H, index=(1,), points=3)
    mean = np.mean([sign * deviation(run.states) for sign, run in zip(signs, runs, strict=True)], axis=0)
    np.testing.assert_allclose(deviation(added.states), mean, atol=1e-9)
    np.testing.assert_allclose(deviation(added.states)[0], 0, atol=1e-9)  # the receiver takes turns
    np.testing.assert_allclose(runs[5].states[0], START)
    np.testing.assert_allclose(monitor(nmrqb.schedule(CHARGE, SAMPLE), START, H, step=0).states[0], START)


def test_the_way_to_dipolar_order_is_the_closed_form():
    """-Iy cos(3 d t/2) + Qx sin(3 d t/2), then Qx cos 2a + (DQ - DO) sin 2a along the pulse; the crusher leaves -DO."""
    watched = monitor(nmrqb.schedule(CHARGE, SAMPLE), START, H, points=20)
    dev = deviation(watched.states)

    def along(event):
        chosen = watched.events == event
        return watched.fractions[chosen][:, None, None], dev[chosen]

    f, first = along(0)
    assert f.size == 21
    np.testing.assert_allclose(first, IZ * np.cos(f * np.pi / 2) - IY * np.sin(f * np.pi / 2), atol=1e-10)
    f, free = along(1)
    phi = f * np.pi / 2
    np.testing.assert_allclose(free, -IY * np.cos(phi) + QX * np.sin(phi), atol=1e-10)
    f, second = along(2)
    a = f * np.pi / 4
    np.testing.assert_allclose(second, QX * np.cos(2 * a) + (DQ - DO) * np.sin(2 * a), atol=1e-10)
    np.testing.assert_allclose(dev[watched.crushed == 1][0], -DO, atol=1e-10)
    np.testing.assert_allclose(watched.at("empty"), watched.states[watched.crushed == 1][0])
    # single-quantum weight is kept through the delay: what becomes antiphase stays of order one
    per_p = watched.orders * 4 / SAMPLE.polarisation_factor
    np.testing.assert_allclose(per_p[watched.events == 1], [[0, 1, 0, 1, 0]] * 21, atol=1e-9)
    np.testing.assert_allclose(per_p[watched.crushed == 1][0], [0, 0, np.sqrt(1.5), 0, 0], atol=1e-9)
    unit = SAMPLE.polarisation_factor * SAMPLE.energy_unit
    assert watched.ergotropy[watched.marks["empty"]] / unit == pytest.approx(0, abs=1e-10)
    assert watched.energy[watched.marks["empty"]] / unit == pytest.approx(-3 / 8, abs=1e-10)  # -Tr(DO^2)/4


def test_what_is_read_off_the_states():
    timeline = nmrqb.schedule(CHARGE, SAMPLE, noise=True)
    start = SAMPLE.with_polarisation(0.3).thermal_state()
    watched = monitor(timeline, start, H, points=5)
    np.testing.assert_allclose((watched.orders**2).sum(axis=1), purity(watched.states) - 1 / 4, atol=1e-13)
    np.testing.assert_allclose(watched.orders, watched.orders[:, ::-1], atol=1e-14)
    np.testing.assert_allclose(watched.populations.sum(axis=1), 1)
    np.testing.assert_allclose(watched.ergotropy, ergotropy(watched.states, H))
    np.testing.assert_allclose(watched.energy, [np.trace(rho @ H).real for rho in watched.states])


@pytest.mark.parametrize("points", [1, 2, 5, 40])
def test_events_are_sampled_at_the_number_of_points_from_beginning_to_end(points):
    timeline = nmrqb.schedule(MANY, SAMPLE, pulses="finite")
    watched = monitor(timeline, START, H, points=points)
    for event in set(timeline.events):
        fractions = watched.fractions[watched.events == event]
        assert (fractions[0], fractions[-1]) == (0, pytest.approx(1))
        assert np.all(np.diff(fractions) >= 0)
        assert points < len(fractions) <= 2 * points + 9 * 2 + 1 + 27  # 27 slices of the nine rounds, crushers twice
    assert watched.crushed[-1] == 9
    assert np.all(np.diff(watched.crushed) <= 1)


def test_nothing_but_marks_is_one_state():
    timeline = nmrqb.schedule(CHARGE, SAMPLE)
    bare = replace(
        timeline,
        angles=timeline.angles[:0],
        durations=timeline.durations[:0],
        events=(),
        marks=(Mark("observe", 0, "start"), Mark("crush", 0, groups=((0, 1),)), Mark("observe", 0, "crushed")),
    )
    rho = (np.eye(4) + collective(2, "x") / 10) / 4
    watched = monitor(bare, rho, H)
    np.testing.assert_allclose(watched.at("start"), rho)
    np.testing.assert_allclose(watched.at("crushed"), np.eye(4) / 4)
    assert (len(watched.times), watched.events.tolist()) == (2, [-1, -1])


@pytest.mark.parametrize(
    "change, says",
    [
        ({"points": 0}, "points.*0"),
        ({"points": 1.5}, r"points.*1\.5"),
        ({"points": MAX_POINTS + 1}, f"points.*{MAX_POINTS + 1}"),
        ({"index": (0,)}, r"index.*\(0,\)"),
        ({"step": 1}, "step.*1"),
        ({"step": -1}, "step.*-1"),
        ({"rho0": np.eye(2) / 2}, r"rho0.*\(2, 2\)"),
        ({"rho0": np.eye(4)[None] / 4}, r"rho0.*\(1, 4, 4\)"),
        ({"H": np.eye(4)[None]}, r"H.*\(1, 4, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused(change, says):
    timeline = nmrqb.schedule(CHARGE, SAMPLE)
    given = {"rho0": START, "H": H, "points": 2, **change}
    with pytest.raises(ArgumentError, match=says):
        monitor(timeline, **given)


def test_an_index_outside_and_an_unknown_mark_are_refused():
    timeline = nmrqb.schedule(CHARGE.bind(tau=[1e-4, 2e-4]), SAMPLE)
    with pytest.raises(ArgumentError, match=r"index.*\(2,\)"):
        monitor(timeline, START, H, index=(2,))
    watched = monitor(timeline, START, H, index=(1,), points=1)
    with pytest.raises(ArgumentError, match=r"empty, charged.*'full'"):
        watched.at("full")
