"""Closed forms against numerics from definitions on random couplings; limits, symmetries, arrays and refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.optimize import minimize_scalar

from nmrqb import Battery
from nmrqb import closed_forms as cf
from nmrqb.errors import ArgumentError
from nmrqb.metrics import capacity, ergotropy, l1_coherence
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.propagation import charging_unitary, lindblad
from nmrqb.spin.states import gibbs_state

# Zero, or not so small that the temperatures at its scale have no reciprocal.
coupling = st.one_of(st.just(0.0), st.floats(-4, 4).filter(lambda c: abs(c) > 1e-100))
batteries = st.builds(Battery, axial=coupling, rhombic=coupling, dm=coupling, ksea=coupling, zeeman=coupling)
temperatures = st.floats(-2, 2).map(lambda power: 10.0**power)
angles = st.floats(-7, 7)
axes = st.sampled_from(["x", "y"])


def size(battery):
    return max(1.0, np.abs(battery.hamiltonian()).max())


def conjugate(U):
    return U.conj().swapaxes(-1, -2)


def charged(battery, T, phi, axis):
    """U zeta U^dagger by numerics: eigendecomposition of H, matrix exponential of the charging Hamiltonian."""
    H_ch = pauli_string(axis.upper() + "I") + pauli_string("I" + axis.upper())
    U = expm(-1j * phi * H_ch)
    return U @ gibbs_state(battery.hamiltonian(), T) @ U.conj().T


@settings(max_examples=150, deadline=None)
@given(batteries, temperatures)
def test_gibbs_state_and_correlators(battery, T):
    rho = gibbs_state(battery.hamiltonian(), T)
    tolerance = 3e-15 * (1 + size(battery) / T)  # the exponents themselves carry that much rounding
    assert np.allclose(cf.gibbs_state(battery, T), rho, rtol=0, atol=tolerance)
    found = cf.correlators(battery, T)
    for value, label in zip(found, ("ZI", "XX", "YY", "ZZ", "XY", "YX"), strict=True):
        assert abs(value - np.trace(rho @ pauli_string(label)).real) < 4 * tolerance
    assert abs(cf.mean_energy(battery, T) - np.trace(rho @ battery.hamiltonian()).real) < 8 * size(battery) * tolerance


@settings(max_examples=150, deadline=None)
@given(batteries, temperatures, angles, axes)
def test_ergotropy_l1_and_power_of_the_charged_state(battery, T, phi, axis):
    H, rho = battery.hamiltonian(), charged(battery, T, phi, axis)
    tolerance = 1e-13 * size(battery) * (1 + size(battery) / T)
    assert np.allclose(cf.charged_state(battery, T, phi, axis), rho, rtol=0, atol=1e-14 * (1 + size(battery) / T))
    assert abs(cf.ergotropy(battery, T, phi, axis) - ergotropy(rho, H)) < tolerance
    assert abs(cf.charging_l1(battery, T, phi, axis) - l1_coherence(rho)) < tolerance
    H_ch = pauli_string(axis.upper() + "I") + pauli_string("I" + axis.upper())
    power = np.trace(-1j * (H_ch @ rho - rho @ H_ch) @ H).real  # d/d(phi) of Tr[rho H]
    assert abs(cf.power(battery, T, phi, axis) - power) < 8 * tolerance
    assert cf.average_power(battery, T, phi, axis) * phi == pytest.approx(
        cf.ergotropy(battery, T, phi, axis), rel=1e-12, abs=tolerance
    )


def best(function, low, high, points=400):
    """Largest value of a function of one angle: a fine grid, then Brent's method around the best point."""
    grid = np.linspace(low, high, points)
    k = int(np.argmax(function(grid)))
    inside = (grid[max(k - 1, 0)], grid[min(k + 1, points - 1)])
    found = minimize_scalar(lambda phi: -function(phi), bounds=inside, method="bounded", options={"xatol": 1e-12})
    return max(-found.fun, function(grid[k])), found.x


@settings(max_examples=60, deadline=None)
@given(batteries, temperatures, axes)
def test_maxima_and_their_times(battery, T, axis):
    tolerance = 1e-10 * size(battery)
    cases = [
        (cf.ergotropy, cf.ergotropy_max, cf.full_charge_angle, np.pi / 2),
        (cf.power, cf.power_max, cf.power_max_angle, np.pi / 2),
        (cf.average_power, cf.average_power_max, cf.average_power_max_angle, 4 * np.pi),
    ]
    for curve, largest, angle, end in cases:
        value, _ = best(lambda phi, f=curve: f(battery, T, phi, axis), 1e-6, end)
        assert largest(battery, T, axis) == pytest.approx(value, abs=tolerance, rel=1e-10)
        at = angle(battery, T, axis)
        if np.isnan(at):
            assert value == 0
        else:
            assert curve(battery, T, at, axis) == pytest.approx(value, abs=tolerance, rel=1e-10)
            earlier = curve(battery, T, np.linspace(0, at * (1 - 1e-3), 300), axis)
            assert np.all(earlier <= value + tolerance)


@settings(max_examples=60, deadline=None)
@given(batteries, temperatures, axes)
def test_largest_l1_over_a_whole_period(battery, T, axis):
    grid = cf.charging_l1(battery, T, np.linspace(0, np.pi, 2001), axis)
    found = cf.charging_l1_max(battery, T, axis)
    assert np.all(grid <= found.l1 + 1e-13)
    assert found.l1 - grid.max() < 1e-4  # a grid of pi/2000 misses a smooth or kinked top by no more
    assert cf.charging_l1(battery, T, found.phi, axis) == pytest.approx(found.l1, abs=1e-12)
    assert 0 <= found.phi <= np.pi / 4


@settings(max_examples=100, deadline=None)
@given(batteries, temperatures)
def test_capacities(battery, T):
    H, rho = battery.hamiltonian(), gibbs_state(battery.hamiltonian(), T)
    tolerance = 1e-13 * size(battery) * (1 + size(battery) / T)
    closed = {
        "ground": cf.capacity_ground(battery),
        "paper": cf.capacity_paper(battery, T),
        "gap": cf.capacity_gap(battery),
        "orbit": cf.capacity_orbit(battery, T),
    }
    for kind, value in closed.items():
        assert abs(value - capacity(H, rho, kind)) < tolerance
    for axis in "xy":
        assert cf.ergotropy_max(battery, T, axis) <= closed["orbit"] + tolerance


@settings(max_examples=100, deadline=None)
@given(batteries, temperatures, angles)
def test_y_charging_is_x_charging_of_the_turned_battery(battery, T, phi):
    turned = Battery(battery.axial, -battery.rhombic, battery.dm, -battery.ksea, battery.zeeman)
    turn = np.diag(np.exp(-0.25j * np.pi * np.array([2, 0, 0, -2])))  # exp(-i pi/4 (Z1 + Z2))
    scale = size(battery)
    assert np.allclose(turn @ battery.hamiltonian() @ turn.conj().T, turned.hamiltonian(), rtol=0, atol=1e-15 * scale)
    for function in (cf.ergotropy, cf.power, cf.charging_l1):
        assert function(battery, T, phi, "y") == pytest.approx(function(turned, T, phi, "x"), abs=1e-13 * scale)


@settings(deadline=None)
@given(batteries, temperatures, angles, st.sampled_from([(-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1)]), axes)
def test_ergotropy_sees_only_squares_of_dm_ksea_and_zeeman(battery, T, phi, signs, axis):
    d, g, b = signs
    mirrored = Battery(battery.axial, battery.rhombic, d * battery.dm, g * battery.ksea, b * battery.zeeman)
    here, there = (cf.ergotropy(one, T, phi, axis) for one in (battery, mirrored))
    assert here == pytest.approx(there, rel=1e-12, abs=1e-13)


@settings(deadline=None)
@given(st.lists(angles, max_size=4), axes)
def test_charging_unitary(phi, axis):
    U = cf.charging_unitary(phi, axis)
    assert np.allclose(U, charging_unitary(2, phi, axis), rtol=0, atol=1e-15)
    for one, angle in zip(U, phi, strict=True):
        assert np.allclose(one, expm(-1j * angle * cf.charging_hamiltonian(axis)), rtol=0, atol=1e-13)


@settings(max_examples=100, deadline=None)
@given(batteries)
def test_corrected_eigenvectors(battery):
    V, E = cf.eigenvectors(battery), cf.energies(battery)
    assert np.allclose(V.conj().T @ V, np.eye(4), rtol=0, atol=1e-15)
    assert np.allclose(battery.hamiltonian() @ V, V * E, rtol=0, atol=1e-14 * size(battery))
    eta = cf.odd_phase(battery)
    assert abs(eta) == pytest.approx(1, abs=1e-15)
    assert np.allclose(V[1:3, 1], np.array([eta, 1]) / np.sqrt(2), rtol=0, atol=1e-15)


@settings(max_examples=100, deadline=None)
@given(batteries, temperatures)
def test_eigenvectors_of_the_gibbs_state(battery, T):
    rho = cf.gibbs_state(battery, T)
    values = [*cf.gibbs_eigenvalues_odd(battery, T), *cf.gibbs_eigenvalues_even(battery, T)]
    vectors = [*cf.gibbs_eigenvectors_odd(battery), *cf.gibbs_eigenvectors_even(battery)]
    for value, vector in zip(values, vectors, strict=True):
        assert np.allclose(rho @ vector, value * vector, rtol=0, atol=1e-14 * (1 + size(battery) / T))


@settings(max_examples=40, deadline=None)
@given(batteries, st.one_of(st.just(0.0), st.floats(1e-9, 1)), temperatures, st.sampled_from(["00", "gibbs"]))
def test_x_state_dephasing_is_the_lindblad_equation(battery, gamma, T, start):
    rho0 = np.diag([1.0, 0, 0, 0]) if start == "00" else gibbs_state(battery.hamiltonian(), T)
    jumps = [np.sqrt(gamma) * pauli_string(label) for label in ("XI", "IX")]
    times = [0.0, 0.3, 1.1, 4.0]
    expected = lindblad(battery.hamiltonian(), jumps, rho0, times)
    assert np.allclose(cf.dephased_x_state(battery, rho0, gamma, times), expected, rtol=0, atol=1e-11)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 1), st.floats(0, 8))
def test_dephasing_of_00_without_field_and_ksea(delta, eps, D, gamma, t):
    battery = Battery(axial=delta, rhombic=eps, dm=D)
    rho = cf.dephased_from_00(battery, gamma, t)
    expected = cf.dephased_x_state(battery, np.diag([1.0, 0, 0, 0]), gamma, [t])[0]
    assert np.allclose(rho, expected, rtol=0, atol=1e-12)
    assert cf.dephased_from_00_l1(battery, gamma, t) == pytest.approx(cf.x_state_l1(rho), abs=1e-14)
    assert cf.dephased_from_00_concurrence(battery, gamma, t) == pytest.approx(cf.x_state_concurrence(rho), abs=1e-14)


@settings(deadline=None)
@given(st.floats(0.05, 1), st.floats(0.2, 80).filter(lambda ratio: abs(ratio - 1) > 1e-3))
def test_entanglement_of_00_ends_when_it_should(gamma, ratio):
    battery = Battery(rhombic=ratio * cf.entanglement_threshold(gamma), axial=1.0)
    last, bound = cf.entanglement_death_time(battery, gamma), cf.entanglement_death_bound(gamma)
    times = np.linspace(0, 1.5 * bound, 60001)
    alive = times[cf.dephased_from_00_concurrence(battery, gamma, times) > 0]
    assert last < bound
    if ratio < 1:
        assert last == 0
        assert alive.size == 0
    else:
        assert np.all(alive <= last + 1e-12)
        assert cf.dephased_from_00_concurrence(battery, gamma, last * (1 - 1e-9)) > 0


def test_cutoff_temperatures():
    rhombic = np.array([-10, -1, 0.1, 0.5])
    assert np.allclose(
        cf.cutoff_temperature(Battery(rhombic=rhombic)), cf.cutoff_temperature_rhombic(rhombic), rtol=1e-12
    )
    assert cf.cutoff_temperature(Battery(zeeman=1.0)) == 0  # product states at every temperature
    assert cf.cutoff_temperature(Battery()) == 0


@settings(max_examples=60, deadline=None)
@given(batteries)
def test_nothing_is_entangled_above_the_cutoff(battery):
    cutoff = cf.cutoff_temperature(battery)
    hotter = max(float(cutoff), 1e-3) * np.geomspace(1 + 1e-9, 1e4, 400)
    rounding = 2e-14 * (1 + cf.capacity_gap(battery) / hotter)
    assert np.all(cf.gibbs_concurrence(battery, hotter) <= rounding)
    if cutoff > 0:
        assert cf.gibbs_concurrence(battery, cutoff * (1 - 1e-6)) > 0, cutoff


# ---- limits, extremes, arrays, refusals -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["axial", "rhombic", "dm", "ksea", "zeeman"])
@pytest.mark.parametrize("T", [0.01, 1.0, 100.0])
def test_removable_singularities_are_continuous(name, T):
    """At kappa1 = 0 and kappa2 = 0 the value is the limit of the values beside it."""
    near, at = Battery(**{name: 1e-9}), Battery()
    functions = [lambda b: cf.gibbs_state(b, T), lambda b: cf.ergotropy(b, T, 0.3), lambda b: cf.charging_l1(b, T, 0.3),
                 lambda b: cf.capacity_paper(b, T), lambda b: cf.gibbs_discord(b, T)]  # fmt: skip
    for function in functions:
        assert np.allclose(function(near), function(at), rtol=0, atol=1e-6)
        assert np.all(np.isfinite(function(at)))


def test_no_overflow_anywhere():
    """Warnings are errors here: couplings up to 1000, temperatures down to 0.01 and up to 100, every combination."""
    big = np.array([-1000.0, -1.0, 0.0, 1.0, 1000.0])
    grid = np.meshgrid(big, big, big, big, big, [0.01, 1.0, 100.0], indexing="ij")
    battery, T = Battery(*grid[:5]), grid[5]
    for function in (cf.gibbs_state, cf.ergotropy_max, cf.power_max, cf.gibbs_concurrence, cf.capacity_paper,
                     cf.capacity_orbit, cf.log_partition_function, cf.average_power_max, cf.gibbs_l1,
                     cf.capacity_as_printed):  # fmt: skip
        assert np.all(np.isfinite(function(battery, T)))
    assert np.all(np.isfinite(cf.ergotropy_as_printed(battery, T, 0.3)))
    assert np.all(np.isfinite(cf.charging_l1(battery, T, 0.3)))


def test_everything_broadcasts():
    battery = Battery(axial=np.array([0.5, 1.0, 2.0])[:, None, None], zeeman=0.3, rhombic=0.1)
    T, phi = np.array([0.5, 1.0])[:, None], np.array([0.1, 0.2, 0.3, 0.4])
    for function in (cf.ergotropy, cf.power, cf.average_power, cf.charging_l1):
        whole = function(battery, T, phi)
        assert whole.shape == (3, 2, 4)
        assert whole[2, 1, 3] == pytest.approx(float(function(Battery(2.0, 0.1, zeeman=0.3), 1.0, 0.4)), rel=1e-14)
    flat = Battery(axial=np.array([0.5, 1.0, 2.0])[:, None], zeeman=0.3, rhombic=0.1)
    for function in (cf.ergotropy_max, cf.full_charge_angle, cf.power_max, cf.average_power_max, cf.gibbs_discord,
                     cf.gibbs_concurrence, cf.gibbs_l1, cf.capacity_paper, cf.mean_energy):  # fmt: skip
        assert function(flat, T[:, 0]).shape == (3, 2)
    states = cf.gibbs_state(flat, T[:, 0])
    assert cf.x_state_discord(states, 1).shape == (3, 2)
    assert cf.dephased_x_state(flat, states, 0.2, [0.0, 1.0, 2.0]).shape == (3, 2, 3, 4, 4)
    assert cf.cutoff_temperature(flat).shape == (3, 1)
    assert cf.entanglement_death_time(Battery(rhombic=[0.5, 1.0]), [[0.1], [0.2]]).shape == (2, 2)


def test_refusals():
    battery = Battery(axial=1, zeeman=0.25)
    with pytest.raises(ArgumentError, match="temperature must be above zero, but is -1"):
        cf.ergotropy(battery, -1.0, 0.1)
    with pytest.raises(ArgumentError, match='axis must be "x" or "y", but is \'z\''):
        cf.ergotropy(battery, 1.0, 0.1, axis="z")
    with pytest.raises(ArgumentError, match='axis must be "x" or "y", but is \'z\''):
        cf.charging_unitary(0.1, axis="z")
    with pytest.raises(ArgumentError, match="phi must be finite, but is nan"):
        cf.power(battery, 1.0, np.nan)
    with pytest.raises(ArgumentError, match=r"phi must broadcast .* \(2,\), but is of shape \(3,\)"):
        cf.ergotropy(Battery(axial=[1, 2]), 1.0, [1, 2, 3])
    with pytest.raises(ArgumentError, match=r"temperature must broadcast .* but is of shape \(3,\)"):
        cf.gibbs_state(Battery(axial=[1, 2]), [1, 2, 3])
    with pytest.raises(ArgumentError, match=r"zeeman must be zero .* but is 0\.25"):
        cf.dephased_from_00(battery, 0.2, 1.0)
    with pytest.raises(ArgumentError, match=r"ksea must be zero .* but is 0\.5"):
        cf.entanglement_death_time(Battery(ksea=0.5), 0.2)
    with pytest.raises(ArgumentError, match=r"gamma must be above zero, but is 0\.0"):
        cf.entanglement_death_bound(0.0)
    with pytest.raises(ArgumentError, match=r"gamma must be zero or above, but is -0\.1"):
        cf.dephasing_generator(battery, -0.1)
    with pytest.raises(ArgumentError, match="measured must be spin 0 or 1, but is 2"):
        cf.x_state_discord(np.eye(4) / 4, measured=2)
    tilted = np.eye(4) / 4 + 0.01 * np.kron([[0, 1], [1, 0]], np.eye(2))
    with pytest.raises(ArgumentError, match=r"rho must be an X state, but is one with \|element\| 0\.01"):
        cf.x_state_concurrence(tilted)
    with pytest.raises(ArgumentError, match='partition must be "gibbs" or "own", but is \'none\''):
        cf.ergotropy_as_printed(battery, 1.0, 0.1, partition="none")
