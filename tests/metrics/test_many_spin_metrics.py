"""Measures of many spins against density matrices."""

import numpy as np
import pytest

from nmrqb import metrics
from nmrqb.errors import ArgumentError
from nmrqb.metrics.many import (
    multiple_quantum_intensities,
    pure_l1_coherence,
    pure_multiple_quantum_intensities,
    pure_relative_entropy_of_coherence,
    pure_renyi2,
    renyi2,
)
from nmrqb.spin.operators import coherence_order
from nmrqb.spin.states import partial_trace, pure_state

rng = np.random.default_rng(7)
PSI = rng.normal(size=(3, 16)) + 1j * rng.normal(size=(3, 16))
PSI /= np.linalg.norm(PSI, axis=-1, keepdims=True)
RHO = pure_state(PSI)
MIXED = 0.6 * RHO + 0.4 * np.eye(16) / 16


def test_pure_states_against_their_matrices():
    np.testing.assert_allclose(pure_l1_coherence(PSI), metrics.l1_coherence(RHO), atol=1e-12)
    entropy = metrics.relative_entropy_of_coherence(RHO)
    np.testing.assert_allclose(pure_relative_entropy_of_coherence(PSI), entropy, atol=1e-10)
    np.testing.assert_allclose(pure_multiple_quantum_intensities(PSI), multiple_quantum_intensities(RHO), atol=1e-13)
    for spins in ([0], [1, 3], [0, 1, 3]):
        reduced = partial_trace(RHO, spins)
        np.testing.assert_allclose(pure_renyi2(PSI, spins), -np.log2(metrics.purity(reduced)), atol=1e-12)


def test_intensities_by_order():
    found = multiple_quantum_intensities(MIXED)
    orders = coherence_order(4)
    for k, order in enumerate(range(-4, 5)):
        np.testing.assert_allclose(
            found[:, k], np.sum(np.abs(MIXED) ** 2 * (orders == order), axis=(-2, -1)), atol=1e-14
        )
    np.testing.assert_allclose(found.sum(axis=-1), metrics.purity(MIXED))


def test_known_values():
    cat = np.zeros(16)
    cat[[0, -1]] = np.sqrt(0.5)
    np.testing.assert_allclose(pure_multiple_quantum_intensities(cat)[[0, 4, 8]], [0.25, 0.5, 0.25])
    assert pure_renyi2(cat, [2]) == pytest.approx(1)
    assert renyi2(np.eye(4) / 4) == pytest.approx(2)
    assert renyi2(pure_state(cat)) == pytest.approx(0, abs=1e-14)
    assert pure_l1_coherence(np.full(8, 8**-0.5)) == pytest.approx(7)


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: pure_renyi2(PSI, []), r"spins must name some, but not all.*\[\]"),
        (lambda: pure_renyi2(PSI, [0, 1, 2, 3]), r"\[0, 1, 2, 3\]"),
        (lambda: pure_renyi2(PSI, [4]), r"\[4\]"),
        (lambda: pure_l1_coherence(2 * PSI), "psi must be normalised, but is of norm 2"),
        (lambda: pure_l1_coherence(np.full(4, np.nan)), "psi must be finite"),
        (lambda: multiple_quantum_intensities(np.eye(4)), "trace"),
        (lambda: pure_l1_coherence(np.ones(3) / 3**0.5), "dimension must be a power of two.*3"),
    ],
)
def test_refusals(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()
