"""Broekaert-Jeener on an isolated pair, against its closed forms and tables (derived independently of this package)."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.errors import ArgumentError, InputError
from nmrqb.metrics import ergotropy
from nmrqb.spin.operators import collective, pauli_string

SEQUENCE = nmrqb.Sequence.load("broekaert-jeener-charge")
DO = 3 * pauli_string("ZZ") / 4 - sum(pauli_string(2 * a) for a in "XYZ") / 4
SAMPLES = {name: nmrqb.Sample.load(name) for name in ("nematic-pair", "gypsum")}


def deviation(sample, rho):
    """(4 rho - 1)/p, the deviation per polarisation factor."""
    return (4 * rho - np.eye(4)) / sample.polarisation_factor


def dipolar_order(dev):
    """Coefficient of DO = 3 Iz Iz - I.I in a deviation."""
    return np.einsum("...ij,ji->...", dev, DO).real / np.trace(DO @ DO).real


def prepared(sample, mark="empty", **bound):
    timeline = nmrqb.schedule(SEQUENCE.bind(**bound), sample)
    return nmrqb.Exact().run(timeline, sample.thermal_state()).at(mark)[..., 0, :, :]


@pytest.fixture(params=SAMPLES, ids=str)
def sample(request):
    return SAMPLES[request.param]


@pytest.mark.parametrize("store", ["y", "-y"])
def test_after_the_crusher_there_is_dipolar_order_of_coefficient_p_and_nothing_else(sample, store):
    dev = deviation(sample, prepared(sample, store=store))
    sign = (-1 if store == "y" else 1) * np.sign(sample.coupling)
    np.testing.assert_allclose(dev, sign * DO, atol=1e-10)
    start = deviation(sample, sample.thermal_state())
    assert np.linalg.norm(dev) ** 2 / np.linalg.norm(start) ** 2 == pytest.approx(3 / 4, abs=1e-10)


@pytest.mark.parametrize(("store", "worth"), [("y", 0.0), ("-y", 0.625)])
def test_one_sign_leaves_the_battery_empty_the_other_charged(sample, store, worth):
    H = sample.battery().hamiltonian()
    per_p = ergotropy(prepared(sample, store=store), H) / sample.polarisation_factor
    assert per_p == pytest.approx(worth, abs=1e-10)


def without_crusher(sample, **bound):
    sequence = replace(SEQUENCE, steps=tuple(s for s in SEQUENCE.steps if not hasattr(s, "crush")))
    timeline = nmrqb.schedule(sequence.bind(**bound), sample)
    return nmrqb.Exact().run(timeline, sample.thermal_state()).at("empty")[..., 0, :, :]


def test_the_crusher_costs_the_double_quantum_part_of_the_charged_battery(sample):
    H = sample.battery().hamiltonian()
    rho = without_crusher(sample, store="-y")
    assert ergotropy(rho, H) / sample.polarisation_factor == pytest.approx(0.75, abs=1e-10)


def test_a_crusher_that_kept_only_the_diagonal_would_be_wrong(sample):
    """It would leave 2/3 of the dipolar order and .500 of ergotropy: the zero-quantum part must live."""
    H = sample.battery().hamiltonian()
    rho = without_crusher(sample, store="-y")
    diagonal = np.diag(np.diag(rho))
    assert ergotropy(diagonal, H) / sample.polarisation_factor == pytest.approx(0.5, abs=1e-10)
    assert abs(dipolar_order(deviation(sample, diagonal))) == pytest.approx(2 / 3, abs=1e-10)


def test_b1_error_costs_a_squared_cosine(sample):
    delta = np.array([0.0, 0.05, 0.1, 0.2])
    timeline = nmrqb.schedule(SEQUENCE, sample, rf_scale=1 + delta)
    dev = deviation(sample, nmrqb.Exact().run(timeline, sample.thermal_state()).at("empty")[:, 0])
    order = np.abs(dipolar_order(dev))
    np.testing.assert_allclose(order, np.cos(np.pi * delta / 2) ** 2, atol=1e-10)
    np.testing.assert_allclose(order, [1, 0.99384, 0.97553, 0.90451], atol=6e-6)


def test_an_offset_costs_a_cosine():
    pair = replace(SAMPLES["nematic-pair"], offsets=(200.0, 200.0))  # 0.2 d
    order = abs(dipolar_order(deviation(pair, prepared(pair))))
    assert order == pytest.approx(np.cos(2 * np.pi * 200 / 6000), abs=1e-10)
    assert order == pytest.approx(0.978, abs=5e-4)


@pytest.mark.parametrize(
    ("ratio", "shortened", "expected"), [(100, 0.989, 1.0), (20, 0.94, 0.9993), (10, 0.876, 0.997), (5, 0.756, 0.989)]
)
def test_finite_pulses_keep_most_of_the_order_at_a_shortened_delay(ratio, shortened, expected):
    pair = replace(SAMPLES["nematic-pair"], pulse_90=1 / (4 * ratio * 1000), rf_limit=1e6)
    bound = SEQUENCE.bind(tau=f"{shortened}/(6*abs(coupling))")
    timeline = nmrqb.schedule(bound, pair, pulses="finite")
    rho = nmrqb.Exact().run(timeline, pair.thermal_state()).at("empty")[0]
    assert abs(dipolar_order(deviation(pair, rho))) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(
    ("ratio", "infidelity"), [(100, 4.1e-5), (50, 1.6e-4), (20, 1.0e-3), (10, 4.1e-3), (5, 1.6e-2)]
)
def test_a_charging_pulse_with_the_coupling_left_on(ratio, infidelity):
    pair = replace(SAMPLES["nematic-pair"], pulse_90=1 / (4 * ratio * 1000), rf_limit=1e6)
    steps = tuple(
        s for s in SEQUENCE.steps if getattr(s, "use", "") == "charge" or getattr(s, "observe", "") == "charged"
    )
    pulse = replace(SEQUENCE, steps=steps)
    ideal, finite = (nmrqb.Exact().propagator(nmrqb.schedule(pulse, pair, pulses=p)) for p in ("ideal", "finite"))
    overlap = abs(np.trace(ideal.conj().T @ finite) / 4) ** 2
    assert 1 - (4 * overlap + 1) / 5 == pytest.approx(infidelity, rel=0.25)


def test_round_trip_to_zeeman_order(sample):
    """Through the crusher and a second 45-degree pulse three quarters of the full signal amplitude come back, at the best time."""
    dev = deviation(sample, prepared(sample, store="-y"))
    U = nmrqb.charging_unitary(2, np.pi / 8, axis="y")
    read = U @ dev @ U.conj().T
    times = np.linspace(0, 1 / abs(sample.coupling), 4001)
    evolved = nmrqb.spin.propagation.evolve(sample.hamiltonian(), read, times, check=False)
    signal = np.einsum("tij,ji->t", evolved, collective(2, "x") + 1j * collective(2, "y"))
    assert np.abs(signal).max() / np.trace(collective(2, "z") @ collective(2, "z")).real == pytest.approx(
        0.75, abs=1e-5
    )


def test_charging_curve_of_an_empty_pair_against_its_closed_form(sample):
    """W(theta) = 9/16 p sin^2 theta, derived here: DO turns into an equal mixture of DO and double-quantum order."""
    theta = np.linspace(0, 2 * np.pi, 73)
    rho = prepared(sample, "charged", charge=theta)
    H = sample.battery().hamiltonian()
    expected = 9 / 16 * np.sin(theta) ** 2
    np.testing.assert_allclose(ergotropy(rho, H) / sample.polarisation_factor, expected, atol=1e-10)


def test_ideal_and_finite_pulses_are_one_switch(sample):
    ideal, finite = (nmrqb.schedule(SEQUENCE, sample, pulses=p) for p in ("ideal", "finite"))
    assert ideal.durations.tolist() == [0, 1 / (6 * abs(sample.coupling)), 0, 0]
    np.testing.assert_allclose(finite.durations[[0, 2, 3]], sample.pulse_90 * np.array([1, 0.5, 1]), rtol=1e-12)
    np.testing.assert_array_equal(nmrqb.schedule(SEQUENCE.with_pulses("finite"), sample).durations, finite.durations)


def test_parameters_broadcast_as_leading_axes():
    sample = SAMPLES["nematic-pair"]
    charge, scale = np.linspace(0, 3, 4), np.linspace(0.9, 1.1, 5)[:, None]
    timeline = nmrqb.schedule(SEQUENCE.bind(charge=charge), sample, rf_scale=scale)
    assert timeline.shape == (5, 4)
    batch = nmrqb.Exact().run(timeline, sample.thermal_state()).rho
    for i in range(5):
        for j in range(4):
            one = nmrqb.schedule(SEQUENCE.bind(charge=charge[j]), sample, rf_scale=scale[i, 0])
            np.testing.assert_allclose(batch[i, j], nmrqb.Exact().run(one, sample.thermal_state()).rho, atol=1e-14)
    with pytest.raises(InputError, match="arrays that broadcast"):
        nmrqb.schedule(SEQUENCE.bind(charge=charge, tau=np.full(3, 1e-4)), sample)


def test_noise_is_on_the_timeline_only_when_asked_for(sample):
    assert nmrqb.schedule(SEQUENCE, sample).noise is None
    assert nmrqb.schedule(SEQUENCE, sample, noise=True).noise is sample.noise
    with pytest.raises(InputError, match="noise is asked for"):
        nmrqb.schedule(SEQUENCE, replace(sample, noise=None), noise=True)


def test_a_timeline_with_a_crusher_or_noise_has_no_propagator(sample):
    with pytest.raises(ArgumentError, match="a crusher"):
        nmrqb.Exact().propagator(nmrqb.schedule(SEQUENCE, sample))
    with pytest.raises(ArgumentError, match="noise"):
        nmrqb.Exact().propagator(nmrqb.schedule(SEQUENCE, sample, noise=True))


def test_exact_noise_on_a_free_pair_is_the_lindblad_equation(sample):
    sequence = replace(
        SEQUENCE,
        steps=tuple(s for s in SEQUENCE.steps if hasattr(s, "delay") or getattr(s, "observe", "") == "charged"),
    )
    timeline = nmrqb.schedule(sequence.bind(tau=3e-5), sample, noise=True)
    rho0 = np.full((4, 4), 0.25)
    expected = nmrqb.lindblad(sample.hamiltonian(), sample.noise.jump_operators(), rho0, [3e-5])[0]
    np.testing.assert_allclose(nmrqb.Exact().run(timeline, rho0).estimate[0], expected, atol=1e-12)


def test_other_pulses_than_ideal_and_finite_are_refused():
    with pytest.raises(ArgumentError, match='pulses must be "ideal" or "finite", but is \'hard\''):
        nmrqb.schedule(SEQUENCE, SAMPLES["nematic-pair"], pulses="hard")
