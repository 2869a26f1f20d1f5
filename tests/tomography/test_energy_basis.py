"""Populations in the energy basis: unbiased energies, bounds of the ergotropy that hold and are attained, and what is saved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from nmrqb import Battery, charging_unitary, gibbs_state, preparation
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy, incoherent_ergotropy, purity
from nmrqb.tomography import direct_expectation, energy_settings, pauli_measurement
from nmrqb.tomography.energy_basis import energy_basis, energy_basis_measurement, ergotropy_bounds, shots_needed

BATTERY = Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
H = BATTERY.hamiltonian()
ENERGIES, VECTORS = np.linalg.eigh(H)
GIBBS = gibbs_state(H, 0.8)
U = charging_unitary(2, 0.7)
CHARGED = U @ GIBBS @ U.conj().T
SEED = st.integers(0, 2**32 - 1)


def random_state(rng, d=4):
    a = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    rho = a @ np.diag(rng.dirichlet(np.full(d, 0.5))) @ a.conj().T
    return rho / np.trace(rho).real


def counts(rho, shots, experiments, readout=(), seed=1):
    p = energy_basis_measurement(H, readout).probabilities(rho).clip(0)
    return np.random.default_rng(seed).multinomial(shots, p / p.sum(), size=(experiments, 1))


def test_the_setting_sees_the_levels():
    p = energy_basis_measurement(H).probabilities(CHARGED)[0]
    np.testing.assert_allclose(p, np.diag(VECTORS.conj().T @ CHARGED @ VECTORS).real, atol=1e-12)
    # and the map that prepares Gibbs states undoes it: its populations come back
    V = preparation.ax.eigenbasis_map(BATTERY)
    levels = np.diag(V.conj().T @ H @ V)
    np.testing.assert_allclose(V.conj().T @ H @ V, np.diag(levels), atol=1e-12)
    np.testing.assert_allclose(np.sort(levels.real), ENERGIES, atol=1e-12)


@pytest.mark.parametrize("readout", [(), (0.02, (0.01, 0.05))])
def test_the_energy_is_unbiased_and_its_error_right(readout):
    found = energy_basis(counts(CHARGED, 200, 4000, readout), H, readout)
    truth = np.trace(CHARGED @ H).real
    spread = found.energy.value.std()
    assert abs(found.energy.value.mean() - truth) < 4 * spread / np.sqrt(4000)
    assert np.sqrt(np.mean(found.energy.error**2)) == pytest.approx(spread, rel=0.05)
    np.testing.assert_allclose(found.populations.sum(axis=-1), 1)
    if not readout:
        variance = np.diag(VECTORS.conj().T @ CHARGED @ VECTORS).real @ ENERGIES**2 - truth**2
        assert spread == pytest.approx(np.sqrt(variance / 200), rel=0.05)


@given(SEED)
@settings(max_examples=80, deadline=None)
def test_every_ergotropy_lies_between_the_bounds(seed):
    rng = np.random.default_rng(seed)
    rho = random_state(rng)
    p = np.diag(VECTORS.conj().T @ rho @ VECTORS).real
    p = p / p.sum()
    low, high = ergotropy_bounds(p, ENERGIES)
    tight = ergotropy_bounds(p, ENERGIES, float(purity(rho)))
    xi = ergotropy(rho, H)
    assert low - 1e-10 <= xi <= tight[1] + 1e-9
    assert tight[1] <= high + 1e-9
    assert low == pytest.approx(float(incoherent_ergotropy(rho, H)), abs=1e-9)


@given(SEED)
@settings(max_examples=20, deadline=None)
def test_the_upper_bound_is_the_least_that_a_solver_finds(seed):
    """Least passive energy over spectra that majorize the populations, by sequential quadratic programming."""
    rng = np.random.default_rng(seed)
    e, p = np.sort(rng.normal(size=4)), rng.dirichlet(np.full(4, rng.choice([0.3, 1, 3])))
    least = np.sum(p**2)
    P = least + (1 - least) * rng.random()
    falling = np.sort(p)[::-1]
    constraints = [
        {"type": "eq", "fun": lambda r: r.sum() - 1},
        {"type": "ineq", "fun": lambda r: P - r @ r},
        {"type": "ineq", "fun": lambda r: (np.cumsum(r) - np.cumsum(falling))[:3]},
        {"type": "ineq", "fun": lambda r: -np.diff(r)},
    ]
    how = {"bounds": [(0, 1)] * 4, "method": "SLSQP", "options": {"maxiter": 500, "ftol": 1e-14}}
    solved = minimize(lambda r: r @ e, falling, constraints=constraints, **how)
    assert ergotropy_bounds(p, e, P)[1] == pytest.approx(p @ e - solved.fun, abs=1e-6)


def test_both_bounds_are_attained():
    p = np.array([0.2, 0.1, 0.3, 0.4])
    low, high = ergotropy_bounds(p, ENERGIES)
    pure = VECTORS @ np.outer(np.sqrt(p), np.sqrt(p)) @ VECTORS.conj().T
    assert ergotropy(pure, H) == pytest.approx(high)
    assert ergotropy((VECTORS * p) @ VECTORS.conj().T, H) == pytest.approx(low)
    assert ergotropy_bounds(p, ENERGIES, 1.0)[1] == pytest.approx(high)
    assert ergotropy_bounds(p, ENERGIES, 0.0 + np.sum(p**2))[1] == pytest.approx(low)


def test_ergotropy_is_the_stored_energy_after_a_unitary_from_a_passive_start():
    """So that energies suffice, from one setting or from five."""
    stored = np.trace((CHARGED - GIBBS) @ H).real
    assert ergotropy(CHARGED, H) == pytest.approx(stored)
    before, after = (energy_basis(counts(rho, 100_000, 1, seed=s), H).energy for s, rho in ((2, GIBBS), (3, CHARGED)))
    error = float(np.hypot(before.error, after.error)[0])
    assert abs(after.value[0] - before.value[0] - stored) < 4 * error
    five = energy_settings(H)
    assert len(five) == 5
    p = pauli_measurement(five).probabilities(CHARGED)
    local = direct_expectation(np.random.default_rng(4).multinomial(20_000, p), five, H)
    assert abs(local.value - np.trace(CHARGED @ H).real) < 4 * local.error


def test_the_shots_that_are_saved():
    need = shots_needed(CHARGED, H, 0.01)
    assert need.energy_basis <= need.local <= need.local_even <= 1.02 * need.tomography_energy
    truth = np.trace(CHARGED @ H).real
    for shots in (need.energy_basis,):
        found = energy_basis(counts(CHARGED, shots, 400, seed=5), H).energy.value
        assert np.sqrt(np.mean((found - truth) ** 2)) == pytest.approx(0.01, rel=0.12)
    half = shots_needed(CHARGED, H, 0.005)
    assert half.energy_basis == pytest.approx(4 * need.energy_basis, rel=1e-3)


def test_batches_are_no_loops():
    p = np.random.default_rng(6).dirichlet(np.ones(4), size=(3, 5))
    P = np.linspace(0.3, 1, 5)
    low, high = ergotropy_bounds(p, ENERGIES, P)
    assert low.shape == high.shape == (3, 5)
    for i, j in np.ndindex(3, 5):
        assert high[i, j] == pytest.approx(float(ergotropy_bounds(p[i, j], ENERGIES, P[j])[1]), abs=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ergotropy_bounds([0.5, 0.6], [0.0, 1.0]), "add up to one, but is 1.1"),
        (lambda: ergotropy_bounds([0.5, 0.5], [1.0, 0.0]), "rising order"),
        (lambda: ergotropy_bounds([0.5, 0.5], [0.0, 1.0, 2.0]), "have 3 entries"),
        (lambda: ergotropy_bounds([0.5, 0.5], [0.0, 1.0], 1.2), "between 1/2 and 1, but is 1.2"),
        (lambda: energy_basis(np.array([[1, 0, 0, 0]]), H), "at least two shots, but is 1"),
        (lambda: energy_basis_measurement(np.eye(3)), r"2\^N"),
        (lambda: shots_needed(CHARGED, H, 0.0), "error must"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
