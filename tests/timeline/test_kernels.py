"""The exact engine's kernels: exponentials, interpolation within its bound, products of many slices by every route."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from nmrqb.errors import ArgumentError
from nmrqb.nmr import Noise
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.operators import pauli_labels, pauli_sum
from nmrqb.spin.propagation import liouvillian
from nmrqb.timeline import Mark, Timeline, evolve, expanded, kernels, propagator
from nmrqb.timeline.exponentials import _LIMITS, exponentials, unitaries
from nmrqb.timeline.interpolation import MEMBERS, Axis

NORMS = np.concatenate([_LIMITS * (1 - 1e-9), _LIMITS * (1 + 1e-9), [0, 1e-12, 3.0, 30.0, 300.0, 2e4]])


def one_at_a_time(timeline, noise=None):
    """Propagators of a timeline without ensemble, member by member and slice by slice with scipy's expm."""
    d = 2**timeline.n
    total = np.empty((*timeline.shape, *((d, d) if noise is None else (d * d, d * d))), dtype=complex)
    for index in np.ndindex(*timeline.shape):
        U = np.eye(total.shape[-1], dtype=complex)
        for angles, duration in zip(timeline.angles[index], timeline.durations[index], strict=True):
            G = pauli_sum(timeline.labels, angles)
            if noise is None:
                U = expm(-1j * G) @ U
            else:
                jumps = np.sqrt(duration) * noise.jump_operators()
                U = expm(liouvillian(G, jumps)) @ U
        total[index] = U
    return total


@pytest.mark.parametrize("d", [2, 3, 4, 8])
def test_exponentials_of_every_norm_are_exact(d):
    rng = np.random.default_rng(d)
    A = rng.normal(size=(len(NORMS), 2, d, d)) + 1j * rng.normal(size=(len(NORMS), 2, d, d))
    A = A - np.conj(np.swapaxes(A, -1, -2))
    A *= (NORMS[:, None] / np.linalg.norm(A, 2, axis=(-2, -1)))[..., None, None]
    U = unitaries(A, NORMS)
    exact = np.array([[expm(a) for a in row] for row in A])
    error = np.abs(U - exact).max(axis=(1, 2, 3))
    assert np.all(error < 2e-15 * np.maximum(1, NORMS)), error
    np.testing.assert_allclose(U @ np.conj(np.swapaxes(U, -1, -2)), np.broadcast_to(np.eye(d), U.shape), atol=1e-13)
    for k, norm in enumerate(NORMS):  # alone, so that no other degree is about
        np.testing.assert_array_equal(unitaries(A[k : k + 1], NORMS[k : k + 1])[0], U[k], err_msg=f"{norm}")


def test_exponentials_of_real_generators_stay_real():
    rng = np.random.default_rng(5)
    A = rng.normal(size=(len(NORMS), 16, 16))
    A = A - np.swapaxes(A, -1, -2) - 0.2 * np.eye(16)
    A *= (NORMS / np.linalg.norm(A, 2, axis=(-2, -1)))[:, None, None]
    E = exponentials(A, NORMS)
    assert E.dtype == np.float64
    error = np.abs(E - np.array([expm(a) for a in A])).max(axis=(1, 2))
    assert np.all(error < 4e-15 * np.maximum(1, NORMS)), error


@pytest.mark.parametrize("tolerance", [1e-6, 1e-12, 1e-15])
def test_chebyshev_points_serve_their_reach_and_are_not_many_too_many(tolerance):
    """On exp(i tau x), the worst function of its reach."""
    x = np.linspace(-1, 1, 2001)
    axis = Axis.of(x[:, None])
    for tau in (1e-4, 0.01, 0.3, 1.0, 5.0, 40.0, 200.0):
        (n,) = axis.nodes(np.array([tau]), tolerance)
        errors = []
        for points in (n, max(n - 5 - n // 8, 1)):
            nodes = axis.at((points,))[:, 0]
            errors.append(
                np.abs(axis.transfer((points,), MEMBERS) @ np.exp(1j * tau * nodes) - np.exp(1j * tau * x)).max()
            )
        assert errors[0] < max(tolerance, 2e-14 + 2e-16 * tau)
        assert errors[1] > min(tolerance, 1e-14) or n <= 2


def test_transfers_are_exact_for_polynomials():
    axis = Axis.of(np.linspace(3, 5, 11)[:, None])
    for old, new in product((1, 2, 5, 8), (8, 9, 20)):

        def f(x, degree=old - 1):
            return np.polynomial.chebyshev.chebval(x - 4, np.arange(1.0, degree + 2))

        values = f(axis.at((old,))[:, 0])
        np.testing.assert_allclose(axis.transfer((old,), (new,)) @ values, f(axis.at((new,))[:, 0]), atol=1e-12)
        np.testing.assert_allclose(axis.transfer((old,), MEMBERS) @ values, f(axis.parameters[:, 0]), atol=1e-12)


def test_an_axis_finds_its_directions():
    u, v = np.linspace(-1, 1, 9), np.linspace(0, 1, 9) ** 2
    still = np.ones(9)
    assert Axis.of(np.column_stack([1 + 0.1 * u, still, still])).directions == 1
    correlated = Axis.of(np.column_stack([1 + 0.1 * u, still, -30 * u]))
    assert correlated.directions == 1
    np.testing.assert_allclose(correlated.at((3,))[:, 2], -300 * (correlated.at((3,))[:, 0] - 1), atol=1e-12)
    assert Axis.of(np.column_stack([1 + u, 1 + v, u])).directions == 2
    assert Axis.of(np.column_stack([u, v, u * v, u + v])).directions == 0
    assert Axis.of(np.column_stack([u, v]), interpolate=False).directions == 0
    alike = Axis.of(np.full((9, 3), 0.3))
    np.testing.assert_array_equal(alike.at((1,)), [[0.3, 0.3, 0.3]])


LABELS = {n: tuple(label for label in pauli_labels(n) if 0 < n - label.count("I") <= 2) for n in (1, 2, 3)}


@st.composite
def timelines(draw, noisy=False):
    n = draw(st.integers(1, 2 if noisy else 3))
    slices = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = tuple(rng.permutation(LABELS[n])[: draw(st.integers(1, len(LABELS[n])))])
    lead = draw(st.sampled_from([(), (3,), (2, 1)]))
    size = draw(st.sampled_from([1e-3, 0.05, 1.0]))
    angles = size * rng.normal(size=(*lead, slices, len(labels)))
    durations = np.abs(size * rng.normal(size=(*lead, slices)))
    if draw(st.booleans()):  # what repeats, and what a sweep leaves alone
        angles[..., slices // 2 :, :] = angles[..., :1, :]
        durations[..., slices // 2 :] = durations[..., :1]
    if lead and draw(st.booleans()):
        angles[..., : slices // 3, :] = angles[:1, ..., : slices // 3, :]
        durations[..., : slices // 3] = durations[:1, ..., : slices // 3]
    groups = (tuple(range(n)),) if n < 3 or draw(st.booleans()) else ((0, 2), (1,))
    spread = draw(st.sampled_from([0.01, 0.3]))
    rf = Ensemble.of(rf=1 + spread * rng.uniform(-1, 1, draw(st.integers(1, 30))))
    offset = Ensemble.of(
        offset=spread * rng.normal(size=(draw(st.integers(1, 30)), draw(st.sampled_from([1, len(groups)]))))
    )
    both = Ensemble.of(rf=1 + spread * rng.uniform(-1, 1, 40), coupling=rng.normal(size=40))
    ensemble = draw(st.sampled_from([rf, offset, both, rf * offset, Ensemble.of(coupling=[1.0, -0.5]) * rf]))
    return Timeline(labels, angles, durations, (), (0,) * slices, groups=groups, ensemble=ensemble)


@settings(max_examples=40)
@given(timelines())
def test_any_timeline_by_interpolation_member_by_member_and_one_at_a_time(timeline):
    """Whatever the labels, with repeats, sweeps and any ensemble: all routes to a propagator are one."""
    fast, plain = (propagator(timeline, interpolate=i) for i in (True, False))
    assert fast.shape == (*timeline.shape, len(timeline.ensemble), 2**timeline.n, 2**timeline.n)
    np.testing.assert_allclose(fast, plain, atol=2e-12)
    np.testing.assert_allclose(propagator(expanded(timeline)), plain, atol=2e-12)
    members = [0, len(timeline.ensemble) - 1]
    chosen = expanded(timeline)
    few = Timeline(
        chosen.labels, chosen.angles[..., members, :, :], chosen.durations[..., members, :], (), timeline.events
    )
    np.testing.assert_allclose(fast[..., members, :, :], one_at_a_time(few), atol=2e-12)


@settings(max_examples=15)
@given(timelines(noisy=True), st.booleans())
def test_any_timeline_with_noise_by_interpolation_and_one_at_a_time(timeline, crush):
    n, d = timeline.n, 2**timeline.n
    noise = Noise((0.7,) * n, (0.5,) * n, (0.4,) * n, (0.0,) * n)
    middle = timeline.slices // 2
    crusher = (Mark("crush", middle, groups=timeline.groups),) if crush else ()
    marks = (Mark("observe", middle, "middle"), *crusher, Mark("observe", timeline.slices, "end"))
    whole = Timeline(
        timeline.labels,
        timeline.angles,
        timeline.durations,
        marks,
        timeline.events,
        noise,
        groups=timeline.groups,
        ensemble=timeline.ensemble,
    )
    rng = np.random.default_rng(1)
    rho = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))  # not even Hermitian: evolution is linear
    kept = evolve(whole, rho, keep_members=True)
    np.testing.assert_allclose(kept, evolve(whole, rho, keep_members=True, interpolate=False), atol=2e-12)
    plain = expanded(timeline)
    m = len(timeline.ensemble) - 1
    cut = [
        one_at_a_time(
            Timeline(plain.labels, plain.angles[..., m, s, :], plain.durations[..., m, s], (), timeline.events[s]),
            noise,
        )
        for s in (slice(None, middle), slice(middle, None))
    ]
    first = (cut[0] @ rho.reshape(-1, 1)).reshape(*timeline.shape, d, d)
    from nmrqb.timeline.simulate import crusher_mask

    between = first * crusher_mask(n, crusher[0]) if crush else first
    second = (cut[1] @ between.reshape(*timeline.shape, d * d, 1)).reshape(*timeline.shape, d, d)
    np.testing.assert_allclose(kept[..., m, 0, :, :], first, atol=2e-12)
    np.testing.assert_allclose(kept[..., m, 1, :, :], second, atol=2e-12)
    average = np.einsum("m,...mkij->...kij", timeline.ensemble.weights, kept)
    np.testing.assert_allclose(evolve(whole, rho), average, atol=1e-13)


@pytest.mark.parametrize("slices", [1, 2, 3, 7, 8, 9, 33])
def test_slices_apply_in_order(slices):
    rng = np.random.default_rng(slices)
    timeline = Timeline(("X", "Y", "Z"), rng.normal(size=(slices, 3)), np.zeros(slices), (), (0,) * slices)
    np.testing.assert_allclose(propagator(timeline), one_at_a_time(timeline), atol=1e-13)


def long_one(slices=600):
    rng = np.random.default_rng(7)
    angles = 0.02 * rng.normal(size=(slices, 6))
    ensemble = Ensemble.of(rf=np.linspace(0.9, 1.1, 25)) * Ensemble.of(offset=np.linspace(-3, 3, 17))
    labels = ("XX", "ZZ", "XI", "IX", "IY", "ZI")
    return Timeline(labels, angles, np.full(slices, 1e-3), (), (0,) * slices, groups=((0, 1),), ensemble=ensemble)


@pytest.mark.parametrize("portion", [1, 5_000, 2**40])
def test_portions_do_not_show(monkeypatch, portion):
    whole = propagator(long_one())
    monkeypatch.setattr(kernels, "PORTION", portion)
    np.testing.assert_allclose(propagator(long_one()), whole, atol=1e-12)


def test_a_long_shape_on_many_members_keeps_to_the_stated_tolerance():
    timeline = long_one(2000)
    plain = expanded(timeline)
    members = [0, 100, 424]
    few = Timeline(plain.labels, plain.angles[members], plain.durations[members], (), plain.events)
    error = np.linalg.norm(propagator(timeline)[members] - one_at_a_time(few), 2, axis=(-2, -1))
    assert error.max() < kernels.TOLERANCE


def test_a_tolerance_that_is_wide_costs_accuracy(monkeypatch):
    """The tolerance is what limits the error, not chance: widened, it shows."""
    from nmrqb.timeline import simulate

    plain = propagator(long_one(), interpolate=False)
    monkeypatch.setattr(simulate, "TOLERANCE", 1e-3)
    error = np.abs(propagator(long_one()) - plain).max()
    assert 1e-11 < error < 1e-3


def test_what_repeats_is_expanded_once(monkeypatch):
    """A cycle of 33 slices run 64 times is expanded as one cycle, and pairs of pairs as few times as they differ."""
    rng = np.random.default_rng(3)
    cycle = rng.normal(size=(33, 3))
    timeline = Timeline(("XX", "ZI", "IY"), np.tile(cycle, (64, 1)), np.tile(np.ones(33), 64), (), (0,) * (33 * 64))
    counted = []
    original = kernels.Slices.matrices
    monkeypatch.setattr(
        kernels.Slices, "matrices", lambda self, grid: counted.append(len(self.angles)) or original(self, grid)
    )
    U = propagator(timeline)
    assert counted == [33]
    once = Timeline(timeline.labels, cycle, np.ones(33), (), (0,) * 33)
    np.testing.assert_allclose(U, np.linalg.matrix_power(one_at_a_time(once), 64), atol=1e-12)


def test_a_sweep_of_one_pulse_leaves_the_rest_of_the_sequence_computed_once(monkeypatch):
    rng = np.random.default_rng(4)
    angles = np.broadcast_to(0.1 * rng.normal(size=(50, 3)), (20, 30, 50, 3)).copy()
    angles[..., 40, 0] += np.linspace(0, 1, 30)
    timeline = Timeline(("XX", "ZI", "IY"), angles, np.ones((20, 30, 50)), (), (0,) * 50)
    counted = []
    original = kernels.Slices.matrices
    monkeypatch.setattr(
        kernels.Slices, "matrices", lambda self, grid: counted.append(self.durations.shape) or original(self, grid)
    )
    U = propagator(timeline)
    assert sorted(counted) == [(1, 1, 30), (9, 1, 1), (40, 1, 1)]
    few = Timeline(timeline.labels, angles[3, ::29], timeline.durations[3, ::29], (), timeline.events)
    np.testing.assert_allclose(U[7, ::29], one_at_a_time(few), atol=1e-13)


def test_an_empty_timeline_does_nothing():
    empty = Timeline(("XI",), np.zeros((4, 0, 1)), np.zeros((4, 0)), (Mark("observe", 0, "now"),), ())
    np.testing.assert_array_equal(propagator(empty), np.broadcast_to(np.eye(4), (4, 4, 4)))
    np.testing.assert_array_equal(evolve(empty, np.eye(4) / 4), np.broadcast_to(np.eye(4) / 4, (4, 1, 4, 4)))
    with pytest.raises(ArgumentError, match="observe at least one point, but is one without an observe mark"):
        evolve(Timeline(("XI",), np.zeros((0, 1)), np.zeros(0), (), ()), np.eye(4) / 4)


@pytest.mark.parametrize("slices", [1, 2, 3, 5])
def test_marks_before_the_first_slice_and_behind_the_last(slices):
    angles = np.random.default_rng(slices).normal(size=(4, slices, 3))
    marks = (Mark("observe", 0, "first"), Mark("observe", slices, "last"))
    timeline = Timeline(("XI", "IX", "ZZ"), angles, np.ones((4, slices)), marks, tuple(range(slices)))
    start = np.diag([1.0, 0, 0, 0])
    states = evolve(timeline, start)
    U = propagator(timeline)
    np.testing.assert_allclose(states[:, 0], np.broadcast_to(start, (4, 4, 4)), atol=1e-14)
    np.testing.assert_allclose(states[:, 1], U @ start @ U.conj().swapaxes(-1, -2), atol=1e-12)
