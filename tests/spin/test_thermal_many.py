"""Gibbs states of many spins: exact, by random vectors and as a series, against dense matrices; coverage of the errors."""

import tracemalloc

import numpy as np
import pytest

from nmrqb import Battery, charging_unitary, gibbs_state, metrics
from nmrqb.battery import Cluster
from nmrqb.battery.cluster.gibbs import gibbs
from nmrqb.errors import ArgumentError
from nmrqb.metrics.spectra import ergotropy_ceiling, ergotropy_floor
from nmrqb.spin import thermal
from nmrqb.spin.masks import PauliSum

FULL = Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)


def dense(cluster, T):
    """Energy, ln Z, entropy in bits and the state itself, all from the matrix."""
    M = cluster.hamiltonian()
    rho = gibbs_state(M, T)
    logZ = float(np.log(np.exp(-np.linalg.eigvalsh(M) / T).sum()))
    return np.trace(rho @ M).real, logZ, float(metrics.von_neumann_entropy(rho)), rho


@pytest.mark.parametrize("battery", [FULL, Battery(axial=1.0, zeeman=0.2)])
def test_exact_is_the_matrix(battery):
    cluster, T = Cluster.chain(6, battery), 0.8
    E, logZ, S, rho = dense(cluster, T)
    found = gibbs(cluster, T, "exact")
    assert found.energy() == pytest.approx((E, 0), abs=1e-12)
    assert found.log_partition() == pytest.approx((logZ, 0), abs=1e-12)
    assert found.entropy() == pytest.approx((S, 0), abs=1e-11)
    np.testing.assert_allclose(found.matrix(), rho, atol=1e-13)
    theta = np.array([0.4, 1.7, 3.0])
    U = charging_unitary(6, theta / 2)
    gains = np.einsum("tij,jk,tlk,li->t", U, rho, U.conj(), cluster.hamiltonian(), optimize=True).real - E
    np.testing.assert_allclose(thermal.rotation_curve(found, cluster.pauli_sum(), theta)[0], gains, atol=1e-12)
    one = PauliSum.from_labels(["ZIIIII", "XXIIII"], [0.3, 1.0])
    assert found.expectation(one).value == pytest.approx(np.trace(rho @ one.dense()).real, abs=1e-12)


def test_error_bars_of_random_vectors_cover():
    cluster, T = Cluster.chain(8, Battery(axial=1.0, zeeman=0.2), np.inf), 1.0
    E, logZ, S, _ = dense(cluster, T)
    H = cluster.pauli_sum()
    gain = thermal.rotation_curve(gibbs(cluster, T, "exact"), H, np.array([1.5]))[0][0]
    scores = []
    for seed in range(60):
        made = thermal.typical(H, T, 12, seed)
        values, errors = thermal.rotation_curve(made, H, np.array([1.5]))
        pairs = [(made.energy(), E), (made.log_partition(), logZ), (made.entropy(), S), ((values[0], errors[0]), gain)]
        scores.append([(found[0] - true) / found[1] for found, true in pairs])
    scores = np.array(scores)
    inside = np.mean(np.abs(scores) < 1, axis=0)  # 68 % of 60: one standard error is 6 %
    assert np.all((inside > 0.5) & (inside < 0.88)), inside
    assert np.all(np.abs(scores) < 6)
    assert np.all(np.abs(scores.mean(axis=0)) < 0.6)  # no bias to speak of: 4.6 standard errors of the mean


@pytest.mark.parametrize("n", [9, 12])
def test_random_vectors_cover_what_blocks_give(n):
    cluster = Cluster.chain(n, Battery(axial=1.0, zeeman=0.3), np.inf)
    true = gibbs(cluster, 1.0, "exact")
    found = gibbs(cluster, 1.0, "typical", vectors=8, seed=5)
    for name in ("energy", "log_partition", "entropy"):
        value, error = getattr(found, name)()
        assert abs(value - getattr(true, name)().value) < 3 * error
    assert found.energy().error < 0.02 * n


def test_sixteen_spins_are_chosen_to_be_typical():
    said = []
    found = gibbs(Cluster.chain(16, FULL, np.inf), 2.0, vectors=4, tell=said.append)
    assert isinstance(found, thermal.TypicalThermal)
    assert said[0].startswith("16 spins: 4 random vectors, a sparse matrix; ")
    energy = found.energy()
    # extensive: from 8 to 10 to 16 spins the exact energy grows by the same amount for each spin, to the error
    small = [gibbs(Cluster.chain(n, FULL, np.inf), 2.0, "exact").energy().value for n in (8, 10)]
    assert abs(energy.value - (small[1] + 3 * (small[1] - small[0]))) < 4 * energy.error + 1e-3
    assert energy.error < 0.05 * abs(energy.value)


def test_series_at_high_temperature():
    cluster = Cluster.chain(6, FULL)
    for T in (20.0, 60.0):
        E, logZ, S, rho = dense(cluster, T)
        made = gibbs(cluster, T, "series")
        assert abs(made.energy().value - E) < made.energy().error
        assert abs(made.log_partition().value - logZ) < made.log_partition().error
        assert abs(made.entropy().value - S) < made.entropy().error
        one = PauliSum.from_labels(["ZZIIII", "ZIIIII"], [1.0, 0.4])
        found = made.expectation(one)
        assert abs(found.value - np.trace(rho @ one.dense()).real) < found.error
    # the error falls as the next power of 1/T, so it is the order it says
    misses = [abs(gibbs(cluster, T, "series").energy().value - dense(cluster, T)[0]) for T in (20.0, 60.0)]
    assert misses[0] / misses[1] == pytest.approx(3**4, rel=0.3)


def test_a_chain_of_sixty_spins_by_series():
    made = gibbs(Cluster.chain(60, FULL, np.inf), 40.0)
    assert isinstance(made, thermal.SeriesThermal)
    square = 59 * (2 * 0.25**2 + 2 * 0.3**2 + 2 * 0.15**2 + 6 / 9) + 60 * 0.16
    assert made.energy().value == pytest.approx(-square / 40, rel=0.03)


def test_the_series_is_taken_unasked_only_where_it_converges():
    cluster, few = Cluster.chain(10, FULL, np.inf), 1e6  # bytes, too few for levels and vectors
    with pytest.raises(ArgumentError, match=r"temperature must be higher for the series, .* take 6\.55 MB, but is 1$"):
        gibbs(cluster, 1.0, limit=few)
    assert gibbs(cluster, 1.0, "series").last_share > 0.1
    said = []
    state = gibbs(cluster, 30.0, limit=few, tell=said.append)
    assert isinstance(state, thermal.SeriesThermal)
    assert state.last_share < 0.1
    assert "series" in said[0]
    assert "kB" in said[0]
    with pytest.raises(ArgumentError, match=r"memory must be .* for the square of .* Pauli strings"):
        gibbs(cluster, 30.0, "series", limit=1e5)


def test_ergotropy_lies_between_a_pulse_and_the_ceiling():
    for n, T in ((4, 0.5), (6, 1.5)):
        source = Cluster.chain(n, Battery(axial=0.3, rhombic=0.2, zeeman=0.8))
        H = Cluster.chain(n, Battery(axial=1.0, ksea=0.3, zeeman=-0.6)).pauli_sum()  # the field is reversed
        state = gibbs(source, T)
        rho, M = state.matrix(), H.dense()
        exact = float(metrics.ergotropy(rho, M))
        energy = float(np.trace(rho @ M).real)
        floor = ergotropy_floor(state, H)
        ceiling = ergotropy_ceiling(energy, state.entropy().value, np.linalg.eigvalsh(M))
        assert 0.5 * exact < floor.value <= exact + 1e-12
        assert exact <= ceiling + 1e-9
        assert floor.error == 0
    # spins without couplings: a half turn draws all there is, and Gibbs states hold nothing
    free = PauliSum.from_labels(["ZII", "IZI", "IIZ"], [0.5] * 3)
    assert ergotropy_floor(thermal.exact(free.times(-1.0), 1.0), free).value == pytest.approx(
        3 * np.tanh(0.5), abs=1e-12
    )
    assert ergotropy_floor(thermal.exact(free, 1.0), free).value == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("method, n", [("exact", 9), ("typical", 12), ("series", 12)])
def test_memory_is_predicted_within_a_fifth(method, n):
    cluster = Cluster.chain(n, FULL, 3 if method == "series" else np.inf)
    told = []
    T = 50.0 if method == "series" else 1.0  # hot states take fewer polynomials, and so less than was told
    gibbs(cluster, T, method, vectors=6, tell=told.append)
    number, unit = told[0].rsplit("; ")[-1].split()
    predicted = float(number) * {"kB": 1e3, "MB": 1e6}[unit]
    tracemalloc.start()
    try:
        gibbs(cluster, T, method, vectors=6).energy()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert predicted == pytest.approx(peak, rel=0.2)


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda c: gibbs(c, 0.0), "temperature must be above zero, but is 0"),
        (lambda c: gibbs(c, 1.0, "guess"), "method must be one of exact, typical, series, but is 'guess'"),
        (lambda c: gibbs(c, 1.0, "typical", vectors=1), "count must be 2 random vectors or more.*but is 1"),
        (lambda c: gibbs(c, 1.0, "exact", limit=1e3), "memory must be .* for all levels of 6 spins"),
        (lambda c: gibbs(c, 1.0, "typical", limit=1e3), "memory must be .* for 16 random vectors of 6 spins"),
    ],
)
def test_refusals(call, match):
    with pytest.raises(ArgumentError, match=match):
        call(Cluster.chain(6, FULL))
    assert gibbs(Cluster.chain(6, FULL), 1.0, "typical", vectors=2).energy().error > 0
