"""Gradients of pulses: exact against centred differences, two ways of making slices against each other, symmetries."""

import numpy as np
import pytest
from scipy.linalg import expm

import nmrqb
from nmrqb import design
from nmrqb.design.controls import Generators, generators
from nmrqb.design.grape import Evaluator, scan, times
from nmrqb.design.objectives import soft_minimum
from nmrqb.design.search import roughness
from nmrqb.design.slices import Direct, Series, propagators
from nmrqb.nmr import Noise
from nmrqb.nmr.distributions import rf_distribution
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.operators import collective, pauli_string

PAIR = nmrqb.Sample.load("nematic-pair")
H = PAIR.hamiltonian() / PAIR.energy_unit
RHO0 = nmrqb.gibbs_state(H, 1.0)
ENSEMBLE = rf_distribution(0.1, 2) * Ensemble.of(offset=[-200.0, 150.0], coupling=[1.0, 0.9])
X90 = expm(-0.5j * np.pi * collective(2, "x"))
OBJECTIVES = {
    "ergotropy": design.Ergotropy(RHO0, H),
    "stored energy": design.StoredEnergy(RHO0, H),
    "power": design.Power(RHO0, H, 2e-4),
    "transfer": design.Transfer(RHO0, np.diag([1.0, 0, 0, 0])),
    "gate": design.Gate(X90),
}
SLICES, DT = 12, 6e-6


def pulse(channels=1, slices=SLICES, seed=3):
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.9, 0.9, (slices, channels)), rng.uniform(-np.pi, np.pi, (slices, channels))


def centred(f, array, index, step=2e-3):
    """A derivative from eight values: what it leaves out is of eighth order, so rounding (1e-16/step) is all its error."""
    kept, total = array[index], 0.0
    for k, weight in enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), start=1):
        for sign in (1, -1):
            array[index] = kept + sign * k * step
            total += sign * weight * f()
    array[index] = kept
    return total / step


def assert_gradient(evaluator, a, phase, sharpness=None, every=5):
    _, by_a, by_phase = evaluator.value(a, phase, sharpness)
    size = max(np.abs(by_a).max(), np.abs(by_phase).max())
    for array, slope in ((a, by_a), (phase, by_phase)):
        for index in list(np.ndindex(a.shape))[::every]:
            found = centred(lambda: evaluator.value(a, phase, sharpness)[0], array, index)
            assert abs(found - slope[index]) <= 1e-9 * size  # the demand is 1e-7


@pytest.mark.parametrize("noise", [False, True], ids=["unitary", "Liouville"])
@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("sharpness", [None, 20.0], ids=["average", "worst"])
def test_gradients_are_those_of_centred_differences(name, noise, sharpness):
    system = design.System.of(PAIR, ensemble=ENSEMBLE, noise=noise, limit=20e3)
    assert system.is_covariant
    evaluator = Evaluator(system, OBJECTIVES[name], SLICES, DT)
    assert isinstance(evaluator._propagators, Series)
    assert_gradient(evaluator, *pulse(), sharpness, every=4 if noise else 1)


@pytest.mark.parametrize("noise", [False, True], ids=["unitary", "Liouville"])
def test_gradients_with_a_channel_for_each_spin(noise):
    sample = nmrqb.Sample.load("chloroform")
    system = design.System.of(sample, ensemble=Ensemble.of(rf=[0.95, 1.03]), noise=noise, limit={"1H": 30e3})
    evaluator = Evaluator(system, design.Gate(X90), 6, DT)
    assert isinstance(evaluator._propagators, Series)
    assert_gradient(evaluator, *pulse(2, 6), every=3)


@pytest.mark.parametrize("noise", [False, True], ids=["unitary", "Liouville"])
def test_gradients_of_one_spin(noise):
    x, y, z = (collective(1, axis) for axis in "xyz")
    jumps = np.array([np.sqrt(300.0) * z]) if noise else None
    channel = design.Channel("1H", x, y, 1e5, np.array([0.5, -0.5]))
    system = design.System(np.array([500.0 * z, -300.0 * z]), (channel,), np.ones(2), np.full(2, 0.5), jumps)
    assert system.is_covariant
    objective = design.StoredEnergy(np.diag([0.1, 0.9]), z)
    evaluator = Evaluator(system, objective, SLICES, DT)
    assert isinstance(evaluator._propagators, Series)
    assert_gradient(evaluator, *pulse())


def test_gradients_of_four_spins():
    sample = nmrqb.Sample.load("fluorapatite-chain")
    energy = sample.hamiltonian() / sample.energy_unit
    objective = design.Ergotropy(nmrqb.gibbs_state(energy, 1.0), energy)
    system = design.System.of(sample, ensemble=Ensemble.of(rf=[0.9, 1.1]))
    assert_gradient(Evaluator(system, objective, 6, 2e-6), *pulse(1, 6), every=2)


def x_dephased():
    noise = Noise((1.5, 1.5), (0.2, 0.2), (0.3, 0.3), (0.0, 0.0), x_dephasing=(900.0, 500.0))
    system = design.System.of(PAIR, ensemble=ENSEMBLE, limit=20e3)
    return design.System(system.drift, system.channels, system.rf, system.weights, noise.jump_operators())


def double_quantum():
    channel = design.Channel(
        "DQ", pauli_string("XX") - pauli_string("YY"), pauli_string("XY") + pauli_string("YX"), 3e4
    )
    system = design.System.of(PAIR, ensemble=ENSEMBLE, limit=20e3)
    return design.System(system.drift, (*system.channels, channel), system.rf, system.weights)


@pytest.mark.parametrize("make", [x_dephased, double_quantum])
def test_gradients_where_a_phase_is_more_than_a_turn_about_z(make):
    system = make()
    assert not system.is_covariant
    evaluator = Evaluator(system, OBJECTIVES["ergotropy"], 4, DT)
    assert isinstance(evaluator._propagators, Direct)
    assert_gradient(evaluator, *pulse(len(system.channels), 4), every=1)


@pytest.mark.parametrize("noise", [False, True], ids=["unitary", "Liouville"])
def test_slices_of_the_series_are_exponentials(noise):
    made = generators(design.System.of(PAIR, ensemble=ENSEMBLE, noise=noise, limit=60e3))
    a, phase = pulse()
    a[:3, 0] = [0.0, 1.0, -1.0]
    series, direct = propagators(made, DT), Direct(made, DT)
    P = series.slices(a, phase)
    np.testing.assert_allclose(P, direct.slices(a, phase), atol=1e-13)
    along = a[5, 0] * (np.cos(phase[5, 0]) * made.quadratures[0, 0] + np.sin(phase[5, 0]) * made.quadratures[0, 1])
    for m in range(made.still.shape[0]):
        np.testing.assert_allclose(P[:, :, 5, m], expm(DT * (made.still[m] + made.rf[m] * along)), atol=1e-13)
    rng = np.random.default_rng(0)
    W = rng.standard_normal(P.shape) + 1j * rng.standard_normal(P.shape)
    for one, other in zip(series.pullback(W), direct.pullback(W), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-11 * np.abs(other).max())


def test_derivatives_of_equal_levels_are_their_limit():
    # with no drift and amplitude 0 all levels meet: exp(A) = 1 and the derivative along B is B itself
    B = -1j * collective(2, "x")
    made = Generators(
        np.zeros((1, 4, 4), complex), np.stack([B, -1j * collective(2, "y")])[None], np.ones(1), None, True
    )
    direct = Direct(made, 0.3)
    P = direct.slices(np.zeros((1, 1)), np.zeros((1, 1)))
    np.testing.assert_allclose(P[:, :, 0, 0], np.eye(4), atol=1e-15)
    by_a, by_phase = direct.pullback((0.3 * B)[:, :, None, None])
    assert by_a[0, 0] == pytest.approx(np.linalg.norm(0.3 * B) ** 2, rel=1e-14)
    assert by_phase[0, 0] == 0


@pytest.mark.parametrize("slices", [1, 2, 3, 10, 17])
def test_products_of_all_first_slices(slices):
    rng = np.random.default_rng(1)
    P = rng.standard_normal((3, 3, slices, 2)) + 1j * rng.standard_normal((3, 3, slices, 2))
    X, expected = scan(P), np.eye(3)
    for s in range(slices):
        expected = P[:, :, s, 1] @ expected
        np.testing.assert_allclose(X[:, :, s + 1, 1], expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(times(P, P)[:, :, 0, 0], P[:, :, 0, 0] @ P[:, :, 0, 0], rtol=1e-13, atol=1e-13)


def test_values_are_those_of_exponentials_of_the_whole_hamiltonian():
    system = design.System.of(PAIR, ensemble=ENSEMBLE, limit=20e3)
    a, phase = pulse()
    evaluator = Evaluator(system, OBJECTIVES["ergotropy"], SLICES, DT)
    states = evaluator.states(a, phase)
    for m in range(system.members):
        U = np.eye(4)
        for x, p in zip(a[:, 0], phase[:, 0], strict=True):
            along = np.cos(p) * collective(2, "x") + np.sin(p) * collective(2, "y")
            U = expm(-1j * DT * (system.drift[m] + system.rf[m] * 2 * np.pi * 20e3 * x * along)) @ U
        np.testing.assert_allclose(states[m], U @ RHO0 @ U.conj().T, atol=1e-13)
    average = np.tensordot(system.weights, states, 1)
    value = evaluator.value(a, phase)[0]
    assert value == pytest.approx(float(nmrqb.metrics.ergotropy(average, H)), abs=1e-13)
    assert OBJECTIVES["power"].bound == pytest.approx(OBJECTIVES["stored energy"].bound / 2e-4)
    stored = Evaluator(system, OBJECTIVES["stored energy"], SLICES, DT).value(a, phase)[0]
    assert stored == pytest.approx(float(nmrqb.metrics.stored_energy(average, RHO0, H)), abs=1e-13)
    power = Evaluator(system, OBJECTIVES["power"], SLICES, DT).value(a, phase)[0]
    assert power == pytest.approx(stored / 2e-4, rel=1e-12)


def test_the_soft_minimum_lies_just_above_the_least():
    values = np.array([0.3, 0.31, 0.9])
    for sharpness in (10.0, 1e3):
        value, share = soft_minimum(values, sharpness)
        assert values.min() <= value <= values.min() + np.log(3) / sharpness
        assert share.sum() == pytest.approx(1)
    assert soft_minimum(values, 1e4)[1][0] == pytest.approx(1, abs=1e-12)


def test_the_ergotropy_of_degenerate_populations_has_a_subgradient():
    # at the mixed state ergotropy, convex, is zero in all directions' worst: its subgradients bound it from below
    objective = design.Ergotropy(RHO0, H)
    mixed = np.eye(4) / 4
    value, A = objective._of_states(mixed)
    assert value == pytest.approx(0, abs=1e-15)
    rng = np.random.default_rng(2)
    for _ in range(20):
        M = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
        M = M + M.conj().T
        M -= np.trace(M) / 4 * np.eye(4)
        step = 0.05 * M / np.linalg.norm(M)
        assert objective._of_states(mixed + step)[0] >= np.trace(A @ step).real - 1e-14
    assert objective.is_degenerate(mixed)
    assert not objective.is_degenerate(np.diag([0.4, 0.3, 0.2, 0.1]))


def test_roughness_and_its_slope():
    a, phase = pulse(2)
    w = a * np.exp(1j * phase)
    value, slope = roughness(a, phase)
    assert value == pytest.approx(SLICES * np.sum(np.abs(np.diff(w, axis=0)) ** 2))
    both = np.concatenate([a.ravel(), phase.ravel()])

    def of(z):
        return roughness(z[: a.size].reshape(a.shape), z[a.size :].reshape(a.shape))[0]

    for k in range(0, both.size, 7):
        up, down = both.copy(), both.copy()
        up[k] += 1e-5
        down[k] -= 1e-5
        assert slope[k] == pytest.approx((of(up) - of(down)) / 2e-5, abs=1e-6)
    # of one wave, however finely it is cut, roughness is the same: the mean of |dw/du|^2
    for slices in (200, 800):
        u = (np.arange(slices) + 0.5)[:, None] / slices
        assert roughness(np.sin(np.pi * u), 0 * u)[0] == pytest.approx(np.pi**2 / 2, rel=6 / slices)
