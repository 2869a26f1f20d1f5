"""Maximum likelihood: certified, never beaten, exact where the answer is known; readout, phase cycles and mixtures in the model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmrqb.errors import ArgumentError, RunError
from nmrqb.spin.operators import collective
from nmrqb.spin.propagation import unitary
from nmrqb.tomography import (
    certificate,
    confusion,
    linear_inversion,
    maximum_likelihood,
    mixture_likelihood,
    nearest_state,
    pauli_measurement,
    pauli_settings,
    probabilities,
)

NINE = pauli_settings(2)
SEEDS = st.integers(0, 2**32 - 1)


def random_states(seed, n, rank, count=1):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(count, 2**n, rank)) + 1j * rng.normal(size=(count, 2**n, rank))
    rho = a @ a.conj().swapaxes(-1, -2)
    return rho / np.trace(rho, axis1=-2, axis2=-1)[:, None, None]


def drawn(measurement, rho, shots, seed):
    p = np.clip(measurement.probabilities(rho), 0, None)
    return np.random.default_rng(seed).multinomial(shots, p / p.sum(axis=-1, keepdims=True))


@settings(max_examples=20)
@given(
    SEEDS, st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2), (2, 4), (3, 2)]), st.sampled_from([3, 100, 10**4, 10**6])
)
def test_the_answer_is_a_state_and_certified(seed, kind, shots):
    n, rank = kind
    measurement = pauli_measurement(pauli_settings(n), [(0.01, 0.04)] * n)
    rho = random_states(seed, n, rank, 3 if n < 3 else 1)
    counts = drawn(measurement, rho, shots, seed)
    fit = maximum_likelihood(counts, measurement)
    assert np.linalg.eigvalsh(fit.rho).min() > 0
    np.testing.assert_allclose(np.trace(fit.rho, axis1=-2, axis2=-1), 1, atol=1e-12)
    bound = np.maximum(1e-6, 1e-12 * counts.sum(axis=(-2, -1)))
    assert np.all(fit.gap <= bound)
    np.testing.assert_array_equal(certificate(fit.rho, counts, measurement), fit.gap)
    others = [
        rho,
        nearest_state(
            linear_inversion(counts @ np.linalg.inv(confusion([(0.01, 0.04)] * n)) / shots, pauli_settings(n))
        ),
    ]
    others += [0.999 * fit.rho + 0.001 * other for other in others]
    for other in others:
        assert np.all(measurement.log_likelihood(other, counts) <= fit.log_likelihood + bound)


def test_the_certificate_bounds_what_is_missing():
    """Between a state and the best one lies no more than the certificate says, and near the best it is not much more."""
    measurement = pauli_measurement(NINE)
    counts = drawn(measurement, random_states(4, 2, 2), 1000, 4)
    best = maximum_likelihood(counts, measurement)
    for mix in (0.3, 0.03, 1e-4):
        state = (1 - mix) * best.rho + mix * np.eye(4) / 4
        missing = best.log_likelihood - measurement.log_likelihood(state, counts)
        assert missing <= certificate(state, counts, measurement)
        assert missing > 0
    pure = np.diag([1.0, 0, 0, 0])
    assert certificate(pure, counts, measurement) == np.inf  # makes impossible what was seen


def test_where_the_frequencies_are_those_of_a_state_it_is_found():
    """A likelihood is greatest where the probabilities are the frequencies, if a state has them."""
    measurement = pauli_measurement(NINE, [0.02, (0.0, 0.07)])
    rho = random_states(7, 2, 4, 5)
    counts = 10**6 * measurement.probabilities(rho)
    np.testing.assert_allclose(maximum_likelihood(counts, measurement).rho, rho, atol=2e-6)


def test_one_spin_measured_along_its_axis():
    """Up k times out of n along z, half and half along x and y: rho_00 = k/n."""
    counts = [[50, 50], [50, 50], [80, 20]]
    rho = maximum_likelihood(counts, pauli_measurement(("X", "Y", "Z"))).rho
    np.testing.assert_allclose(rho, np.diag([0.8, 0.2]), atol=1e-6)


def test_outcomes_without_a_count_and_settings_without_shots():
    measurement = pauli_measurement(NINE)
    counts = 1000 * measurement.probabilities(np.diag([1.0, 0, 0, 0]))
    np.testing.assert_allclose(maximum_likelihood(counts, measurement).rho, np.diag([1, 0, 0, 0]), atol=1e-4)
    counts[3] = 0
    assert maximum_likelihood(counts, measurement).gap < 1e-6
    alone = maximum_likelihood([[10, 0, 0, 30]], pauli_measurement(("ZZ",)))  # much of the state is left open
    np.testing.assert_allclose(np.diag(alone.rho).real, [0.25, 0, 0, 0.75], atol=1e-5)


def test_the_measurement_agrees_with_probabilities_and_its_effects():
    readout = [0.03, (0.01, 0.08)]
    measurement = pauli_measurement(NINE, readout)
    rho = random_states(3, 2, 4, 6)
    p = probabilities(rho, NINE) @ confusion(readout)
    np.testing.assert_allclose(measurement.probabilities(rho), p, atol=1e-14)
    np.testing.assert_allclose(np.einsum("soij,bji->bso", measurement.effects, rho).real, p, atol=1e-14)
    np.testing.assert_allclose(measurement.effects.sum(axis=1), np.broadcast_to(np.eye(4), (9, 4, 4)), atol=1e-14)
    assert (measurement.rank, measurement.complete) == (15, True)
    assert (pauli_measurement(NINE[:8]).rank, pauli_measurement(NINE[:8]).complete) == (14, False)


def test_phase_cycles_that_turn_the_state_are_in_the_model():
    """ZZ behind collective pulses of several phases: what a phase-cycled readout measures, all of one state."""
    rng = np.random.default_rng(8)
    zz = pauli_measurement(("ZZ",))
    pulses = [unitary(sum(rng.normal() * collective(2, a, (k,)) for a in "xyz" for k in range(2))) for _ in range(9)]
    cycle = zz.after(pulses[0], "/0").joined(*(zz.after(U, f"/{k}") for k, U in enumerate(pulses[1:], start=1)))
    rho = random_states(1, 2, 3)[0]
    for k, U in enumerate(pulses):
        turned = probabilities(U @ rho @ U.conj().T, ("ZZ",))
        np.testing.assert_allclose(cycle.probabilities(rho)[k : k + 1], turned, atol=1e-13)
    assert cycle.complete
    found = maximum_likelihood(1e7 * cycle.probabilities(rho), cycle).rho
    np.testing.assert_allclose(found, rho, atol=1e-4)
    with pytest.raises(ArgumentError, match="stands twice"):
        zz.joined(zz)


def test_mixtures_are_fitted_circuit_by_circuit():
    measurement = pauli_measurement(NINE, [0.02, 0.02])
    branches, weights = random_states(2, 2, 1, 3), np.array([0.5, 0.3, 0.2])
    counts = drawn(measurement, np.stack([branches] * 40), (4000 * weights)[:, None].astype(int), 5)
    fit = mixture_likelihood(counts, weights, measurement)
    assert fit.rho.shape == (40, 4, 4)
    rho = np.einsum("k,kij->ij", weights, branches)
    error = np.linalg.norm(fit.rho - rho, axis=(-2, -1))
    pooled = maximum_likelihood(counts.sum(axis=1), measurement)
    assert (
        error.mean() < np.linalg.norm(pooled.rho - rho, axis=(-2, -1)).mean()
    )  # it knows that branches are nearly pure
    each = maximum_likelihood(counts, measurement)
    np.testing.assert_allclose(fit.log_likelihood, each.log_likelihood.sum(axis=1))


def test_steps_of_a_phase_cycle_that_the_receiver_subtracts():
    measurement = pauli_measurement(NINE)
    steps = random_states(6, 2, 4, 2)
    fit = mixture_likelihood(1e6 * measurement.probabilities(steps), [0.5, -0.5], measurement)
    np.testing.assert_allclose(fit.rho, np.eye(4) / 4 + (steps[0] - steps[1]) / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.ones((8, 4)), r"counts must have shape \(\.\.\., 9, 4\), but is of shape \(8, 4\)"),
        (np.zeros((9, 4)), "hold at least one count, but is all zero"),
        (-np.ones((9, 4)), "counts must be zero or above, but is -1"),
        (np.full((9, 4), np.nan), "counts must be finite, but is nan"),
    ],
)
def test_counts_that_are_none_are_refused(counts, message):
    with pytest.raises(ArgumentError, match=message):
        maximum_likelihood(counts, pauli_measurement(NINE))


def test_other_arguments_are_refused():
    measurement = pauli_measurement(NINE)
    with pytest.raises(ArgumentError, match="tolerance must be above zero, but is 0"):
        maximum_likelihood(np.ones((9, 4)), measurement, tolerance=0)
    with pytest.raises(ArgumentError, match=r"weights must have shape \(2,\), one for each circuit"):
        mixture_likelihood(np.ones((2, 9, 4)), [1.0], measurement)
    with pytest.raises(ArgumentError, match="on 6 spins"):
        pauli_measurement(["XXXXXX"])
    with pytest.raises(ArgumentError, match="readout must hold one entry for each of 2 spins, but is of length 3"):
        pauli_measurement(NINE, [0.1, 0.1, 0.1])
    with pytest.raises(ArgumentError, match=r"readout\[0\] must leave a difference between the outcomes"):
        confusion([(0.3, 0.7)])
    with pytest.raises(ArgumentError, match=r"readout\[1\] must be a chance from 0 to 1, or two of them, but is 1.2"):
        confusion([0.0, 1.2])


def test_an_answer_that_is_not_good_enough_is_refused(monkeypatch):
    """Whatever becomes of the path, the certificate decides."""
    counts = np.arange(36).reshape(9, 4)
    measurement = pauli_measurement(NINE)
    assert maximum_likelihood(counts, measurement).gap < 1e-6
    monkeypatch.setattr("nmrqb.tomography.likelihood._MAX_STEPS", 4)
    with pytest.raises(RunError, match=r"only to within .* nats; ask for a larger tolerance"):
        maximum_likelihood(counts, measurement)
    assert maximum_likelihood(counts, measurement, tolerance=100.0).gap < 100


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 9), st.floats(0, 6), st.sampled_from(["spread", "holes", "one outcome"]))
def test_counts_that_no_state_explains_have_a_best_state_too(seed, size, decades, kind):
    """Any settings, any counts: far from every state, on its boundary, or open in many directions."""
    rng = np.random.default_rng(seed)
    measurement = pauli_measurement([NINE[k] for k in rng.permutation(9)[:size]])
    counts = rng.multinomial(int(10**decades), rng.dirichlet(np.full(4, 10 ** rng.uniform(-2, 1)), size=size))
    if kind == "one outcome":
        counts = np.eye(4, dtype=int)[rng.integers(4, size=size)] * int(10**decades)
    if kind == "holes":
        counts[rng.random(counts.shape) < 0.7] = 0
        counts[0, 0] += 1
    assert maximum_likelihood(counts, measurement).gap <= max(1e-6, 1e-12 * counts.sum())
