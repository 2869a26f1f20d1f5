"""Before a shot is spent: settings, rank, condition and errors; and the shots that make an error smallest."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nmrqb
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy, l1_coherence, purity
from nmrqb.spin.operators import pauli_string, pauli_sum
from nmrqb.tomography import (
    allocate,
    covers,
    direct_expectation,
    energy_settings,
    linear_inversion,
    local_paulis,
    maximum_likelihood,
    pauli_design,
    pauli_measurement,
    pauli_settings,
    pauli_terms,
    probabilities,
    readout_design,
    readout_map,
    resolved_lines,
    settings_for,
)

NINE = pauli_settings(2)
H = nmrqb.Battery(axial=1, rhombic=0.5, dm=0.3, ksea=0.2, zeeman=0.1).hamiltonian()
U = nmrqb.charging_unitary(2, 0.5)
CHARGED = U @ nmrqb.gibbs_state(H, 0.7) @ U.conj().T


def drawn(rho, names, shots, experiments, seed):
    p = probabilities(rho, names)
    return np.random.default_rng(seed).multinomial(shots, p, size=(experiments, len(names)))


def test_the_general_battery_needs_five_settings_for_its_energy():
    assert set(energy_settings(H)) == {"XX", "YY", "ZZ", "XY", "YX"}
    assert set(energy_settings(nmrqb.Battery(axial=1, zeeman=2).hamiltonian())) == {"XX", "YY", "ZZ"}
    assert energy_settings(nmrqb.Battery(zeeman=1).hamiltonian()) == ("ZZ",)


def test_five_settings_serve_the_energy_of_a_chain_of_any_length():
    for n in (3, 5, 8):
        labels = [
            "I" * k + bond + "I" * (n - k - 2) for k in range(n - 1) for bond in ("XX", "YY", "ZZ", "XY", "YX", "ZI")
        ]
        found = settings_for(labels)
        assert len(found) == 5
        assert all(any(covers(setting, label) for setting in found) for label in labels)


@given(st.integers(1, 5), st.integers(1, 3))
def test_overlapping_settings_cover_all_marginals_with_few(n, weight):
    weight = min(weight, n)
    labels = local_paulis(n, weight)
    found = settings_for(labels)
    assert all(any(covers(setting, label) for setting in found) for label in labels)
    assert 3**weight <= len(found) <= 3**n
    if weight == 2 and n == 3:
        assert len(found) == 9  # an orthogonal array: no fewer can do it, and 27 is what the full state takes
    assert len(labels) == sum(1 for letters in product("IXYZ", repeat=n) if 0 < n - letters.count("I") <= weight)


def test_terms_add_up_to_the_operator():
    labels, values = pauli_terms(np.stack([H, 2 * H]))
    assert set(labels) == {"XX", "YY", "ZZ", "XY", "YX", "ZI", "IZ"}
    np.testing.assert_allclose(pauli_sum(labels, values), [H, 2 * H], atol=1e-14)


def test_errors_of_the_nine_settings_at_the_mixed_state_are_known_in_closed_form():
    """A correlator is seen by one setting, a single spin by three: variances 1/n and 1/(3n) of <P>, x_P = <P>/2."""
    design = pauli_design(NINE)
    assert (design.rank, design.complete) == (15, True)
    assert design.condition == pytest.approx(np.sqrt(3))
    assert design.state_error(400) == pytest.approx(np.sqrt((9 + 6 / 3) / 4 / 400))
    assert design.observable_error(pauli_string("XY"), 400) == pytest.approx(1 / 20)
    assert design.observable_error(pauli_string("XI"), 400) == pytest.approx(1 / np.sqrt(1200))
    # a flip of chance e shrinks the sign of each spin by 1 - 2 e
    noisy = pauli_design(NINE, readout=[0.1, 0.2])
    assert noisy.observable_error(pauli_string("XY"), 400) == pytest.approx(1 / 20 / (0.8 * 0.6))
    five = pauli_design(energy_settings(H))
    assert (five.rank, five.complete) == (11, False)
    assert np.isfinite(five.observable_error(H, 100))
    assert five.observable_error(pauli_string("XZ"), 100) == np.inf
    assert five.metric_error(lambda rho: purity(rho, check=False), 100) == np.inf


def test_three_spins():
    design = pauli_design(pauli_settings(3))
    assert design.rank == 63
    # of weight w a string is seen by 3^(3-w) settings
    assert design.state_error(100) == pytest.approx(np.sqrt((27 + 27 / 3 + 9 / 9) / 8 / 100))
    pairs = pauli_design(settings_for(local_paulis(3, 2)))
    assert pairs.rank == 63 - 27 + 9
    for label in local_paulis(3, 2):
        assert np.isfinite(pairs.observable_error(pauli_string(label), 10))


@pytest.mark.parametrize("shots", [2000, tuple(500 + 400 * k for k in range(9))])
def test_expected_errors_are_those_of_maximum_likelihood(shots):
    warm = U @ nmrqb.gibbs_state(H, 3.0) @ U.conj().T  # well inside the states: near their edge positivity helps
    design, experiments = pauli_design(NINE, warm), 600
    counts = drawn(warm, NINE, shots, experiments, seed=1)
    rho = maximum_likelihood(counts, pauli_measurement(NINE)).rho
    assert np.sqrt(np.mean(np.linalg.norm(rho - warm, axis=(1, 2)) ** 2)) == pytest.approx(
        design.state_error(shots), rel=0.06
    )
    for metric in (lambda r: ergotropy(r, H, check=False), lambda r: l1_coherence(r, check=False)):
        assert metric(rho).std() == pytest.approx(design.metric_error(metric, shots), rel=0.12)
    energy = np.einsum("bij,ji->b", rho, H).real
    assert energy.std() == pytest.approx(design.observable_error(H, shots), rel=0.1)


def test_a_kink_does_not_hide_an_error():
    """l1 at a state without coherence: the gradient is zero by symmetry, the error is not."""
    design = pauli_design(NINE)
    rho = linear_inversion(drawn(np.eye(4) / 4, NINE, 1000, 500, seed=2) / 1000, NINE)
    found = design.metric_error(lambda r: l1_coherence(r, check=False), 1000)
    spread = l1_coherence(rho, check=False).std()
    assert spread < found < 3 * spread  # an upper bound, and of the right size


def test_neyman_shots_in_proportion_to_standard_deviations():
    """XX and YY alone at the mixed state: both have unit variance, so shots go as the coefficients."""
    design = pauli_design(NINE)
    shots = allocate(design, 4000, observable=3 * pauli_string("XX") + pauli_string("YY"))
    assert dict(zip(NINE, shots.tolist(), strict=True)) == {
        name: {"XX": 3000, "YY": 1000}.get(name, 0) for name in NINE
    }


@settings(max_examples=20)
@given(st.integers(9, 10**6), st.integers(0, 1), st.sampled_from(["state", "energy"]))
def test_shots_are_whole_and_add_up(total, least, what):
    design = pauli_design(NINE, CHARGED)
    shots = allocate(design, total, observable=H if what == "energy" else None, least=least)
    assert shots.dtype == np.int64
    assert shots.sum() == total
    assert shots.min() >= least
    if what == "state":
        assert design.criterion_error(np.eye(15), shots) < np.inf


METRICS = {"ergotropy": lambda r: ergotropy(r, H, check=False), "l1": lambda r: l1_coherence(r, check=False)}


@pytest.mark.parametrize("name", METRICS)
def test_allotted_shots_beat_even_ones_in_simulation(name):
    metric, design, total = METRICS[name], pauli_design(NINE, CHARGED), 18_000
    shots = allocate(design, total, metric=metric, least=20)
    assert shots.sum() == total
    spread = [
        metric(linear_inversion(c / c.sum(axis=-1, keepdims=True), NINE, c.sum(axis=-1))).std()
        for c in (drawn(CHARGED, NINE, n, 3000, seed=3) for n in (total // 9, shots))
    ]
    gain = design.metric_error(metric, total // 9) / design.metric_error(metric, shots)
    assert gain > 1.05
    assert spread[0] / spread[1] > 1 + 0.6 * (gain - 1)


def test_shares_of_a_stationary_metric_are_never_worse_than_even_ones():
    lines = resolved_lines(nmrqb.Sample.load("chloroform").hamiltonian(), ((0,), (1,)))
    design = readout_design(readout_map(lines, ("II", "IX", "IY", "XX")), 0.01)
    of = partial(purity, check=False)
    assert design.metric_error(of, allocate(design, 400, metric=of)) <= design.metric_error(of, 100)


def test_energy_shots_beat_even_ones_in_simulation():
    total, design = 9000, pauli_design(NINE, CHARGED)
    shots = allocate(design, total, observable=H)
    assert {name for name, n in zip(NINE, shots, strict=True) if n} <= set(energy_settings(H))
    even = direct_expectation(drawn(CHARGED, NINE, total // 9, 2000, seed=4), NINE, H)
    best = direct_expectation(drawn(CHARGED, NINE, shots, 2000, seed=5), NINE, H)
    assert even.value.std() / best.value.std() > 1.4
    for found in (even, best):  # unbiased, and the error is what it says
        truth = np.trace(CHARGED @ H).real
        assert abs(found.value.mean() - truth) < 4 * found.value.std() / np.sqrt(2000)
        assert found.error.mean() == pytest.approx(found.value.std(), rel=0.08)
    assert best.value.std() == pytest.approx(design.observable_error(H, shots), rel=0.08)


def test_the_energy_with_readout_errors_is_unbiased():
    five = energy_settings(H)
    measurement = pauli_measurement(five, [0.05, (0.02, 0.1)])
    p = measurement.probabilities(CHARGED)
    counts = np.random.default_rng(6).multinomial(1000, p, size=(3000, 5))
    found = direct_expectation(counts, five, H, [0.05, (0.02, 0.1)])
    assert abs(found.value.mean() - np.trace(CHARGED @ H).real) < 4 * found.value.std() / np.sqrt(3000)
    assert found.error.mean() == pytest.approx(found.value.std(), rel=0.08)
    plain = direct_expectation(counts, five, H)
    assert abs(plain.value.mean() - np.trace(CHARGED @ H).real) > 10 * plain.value.std() / np.sqrt(3000)


def test_readouts_of_a_spectrometer_are_designed_alike():
    sample = nmrqb.Sample.load("chloroform")
    lines = resolved_lines(sample.hamiltonian(), ((0,), (1,)))
    seen = readout_map(lines, ("II", "IX", "IY", "XX"))
    design = readout_design(seen, 0.01)
    assert (design.rank, design.condition) == (15, pytest.approx(seen.condition))
    assert design.state_error(1) == pytest.approx(0.01 * seen.spread)
    assert design.state_error(4) == pytest.approx(0.005 * seen.spread)
    np.testing.assert_array_equal(allocate(design, 400), 100)  # alike for the whole state
    scans = allocate(design, 400, observable=pauli_string("ZI"))
    assert scans.sum() == 400
    assert design.observable_error(pauli_string("ZI"), scans) < 0.9 * design.observable_error(pauli_string("ZI"), 100)
    assert readout_design(readout_map(lines, ("II",)), 0.01).observable_error(pauli_string("XX"), 1) == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pauli_design(("XX", "XQ")), "setting must be made of the letters X, Y, Z.*but is 'XQ'"),
        (lambda: pauli_design(("XX", "XYZ")), "hold one letter for each of 2 spins, as 'XX' does, but is 'XYZ'"),
        (lambda: pauli_design(("XX", "XX")), "hold each setting once, but is one that holds 'XX' twice"),
        (lambda: pauli_design("XX"), "be a sequence of names"),
        (lambda: pauli_design(("XXXXX",)), "at most 4 spins"),
        (lambda: pauli_design(NINE, np.eye(4)), "expected must be a density matrix with trace 1"),
        (lambda: pauli_design(NINE).state_error([1, 2]), r"shots must be one number, or 9.*of shape \(2,\)"),
        (lambda: pauli_design(NINE).state_error(-1), "shots must be zero or above, but is -1"),
        (lambda: allocate(pauli_design(NINE), 0), "total must be a whole number, 1 or more, but is 0"),
        (lambda: allocate(pauli_design(NINE), 10.5), "but is 10.5"),
        (lambda: allocate(pauli_design(NINE), 8), "total must be at least 9: so many settings are needed, but is 8"),
        (lambda: allocate(pauli_design(NINE), 17, least=2), "be at least 18, 2 for each of 9 settings, but is 17"),
        (lambda: allocate(pauli_design(("XX",)), 10), "see all that it hangs on"),
        (lambda: allocate(pauli_design(NINE), 10, observable=np.eye(4)), "depend on the state"),
        (lambda: allocate(pauli_design(NINE), 10, observable=H, metric=len), "be the only quantity asked for"),
        (lambda: energy_settings(np.eye(4)), "have levels, but is proportional to the identity"),
        (lambda: settings_for(("XX", "XA")), "Pauli label must be .*but is 'XA'"),
        (lambda: local_paulis(2, 3), "weight must lie between 1 and 2.*but is 3"),
        (
            lambda: direct_expectation(np.ones((1, 4)), ("XX",), H),
            "settings must see every Pauli string.*sees (XY|YX|YY|ZZ|ZI|IZ)",
        ),
        (lambda: direct_expectation(np.ones((2, 4)), ("XX",), H), r"counts must have shape \(\.\.\., 1, 4\)"),
        (
            lambda: linear_inversion(np.ones((8, 4)) / 4, NINE[:8]),
            "settings must determine the state, but is such that none yields ZZ",
        ),
        (
            lambda: linear_inversion(np.ones((9, 4)) / 4, NINE, [0, *[1] * 8]),
            "weights must determine the state, but is zero for all that see XX",
        ),
    ],
)
def test_what_cannot_be_designed_is_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_a_single_shot_gives_a_value_without_an_error():
    found = direct_expectation([[1, 0, 0, 0]], ("XX",), pauli_string("XX"))
    assert found.value == 1
    assert np.isnan(found.error)
