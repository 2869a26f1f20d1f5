"""Signals of spin systems whose answers are known in closed form."""

import numpy as np
import pytest
from detection_systems import DO, FX, FZ, coupled, free, one_spin, pair, pulse, turned

from nmrqb.detection import Receiver, detector, fid, transitions
from nmrqb.detection.acquisition import Exponentials, exponential_sum
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Noise
from nmrqb.spin.operators import collective, pauli_string
from nmrqb.spin.propagation import evolve, lindblad

RECEIVER = Receiver(dwell=1e-4, points=300)
F_PLUS = detector(2)


def test_a_positive_offset_turns_as_a_positive_frequency():
    signal = fid(collective(1, "x"), one_spin(123.0), detector(1), RECEIVER).signal
    np.testing.assert_allclose(signal, 0.5 * np.exp(2j * np.pi * 123.0 * RECEIVER.times), atol=1e-13)


def test_a_90y_pulse_on_z_gives_a_real_signal_and_a_90x_pulse_a_negative_imaginary_one():
    for phase, expected in ((90, 2), (0, -2j)):
        signal = fid(turned(FZ, pulse(90, phase)), pair(0.0), F_PLUS, RECEIVER).signal
        assert signal[0] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("n, spins", [(1, None), (2, None), (2, [1]), (3, [0, 2])])
def test_the_normalised_detector_reads_p(n, spins):
    p = 0.3
    rho = (np.eye(2**n) + p * collective(n, "x")) / 2**n
    signal = fid(rho, np.zeros((2**n, 2**n)), detector(n, spins, normalised=True), Receiver(1e-3, 1)).signal
    assert signal[0] == pytest.approx(p)


def test_the_ab_quartet_of_j_10_and_shift_difference_10():
    lines = transitions(coupled(10.0, 5.0, -5.0), FX, F_PLUS).merged()
    np.testing.assert_allclose(lines.frequency, [-12.07107, -2.07107, 2.07107, 12.07107], atol=5e-6)
    assert lines.amplitude[1].real / lines.amplitude[0].real == pytest.approx(5.8284, abs=5e-5)
    assert lines.amplitude.sum() == pytest.approx(np.trace(FX @ F_PLUS))


@pytest.mark.parametrize("d, offset", [(1000.0, 0.0), (-430.0, 77.0)])
def test_a_single_crystal_of_pairs_has_two_lines_at_three_half_d(d, offset):
    lines = transitions(pair(d, offset), FX, F_PLUS).merged()
    np.testing.assert_allclose(lines.frequency, offset + np.array([-1.5, 1.5]) * abs(d), rtol=1e-12)
    np.testing.assert_allclose(lines.amplitude, [1.0, 1.0], atol=1e-12)


def test_lines_of_one_member_add_up_to_its_signal():
    H, rho = coupled(10.0, 40.0, -33.0), turned(FZ, pulse(70, 25))
    lines = transitions(H, rho, F_PLUS).merged()
    rebuilt = np.exp(2j * np.pi * np.outer(RECEIVER.times, lines.frequency)) @ lines.amplitude
    np.testing.assert_allclose(rebuilt, fid(rho, H, F_PLUS, RECEIVER).signal, atol=1e-12)


def test_dipolar_order_read_with_45_degrees_gives_sin_of_three_half_d_t_and_with_90_nothing():
    d = 700.0
    t = RECEIVER.times
    for angle, worth in ((45, 1.0), (90, 0.0), (20, np.sin(np.radians(40)))):
        signal = fid(turned(DO, pulse(angle, -90)), pair(d), F_PLUS, RECEIVER).signal
        shape = signal / np.trace(FX @ F_PLUS).real
        # along y: -0.75 of the antiphase term Q_x, which turns into -I_y sin(3 d t/2) under H_D (derived here)
        np.testing.assert_allclose(shape, -0.75j * worth * np.sin(3 * np.pi * d * t), atol=1e-12)


@pytest.mark.parametrize("d", [300.0, -5e3, 30.45e3])
def test_the_solid_echo_of_a_pair_is_complete(d):
    tau = 37e-6
    rho = turned(turned(turned(turned(FZ, pulse(90, 90)), free(pair(d), tau)), pulse(90, 0)), free(pair(d), tau))
    echo = fid(rho, pair(d), F_PLUS, Receiver(1e-6, 1)).signal[0]
    assert echo == pytest.approx(np.trace(FX @ F_PLUS), abs=1e-12)


@pytest.mark.parametrize(
    "repetition, angle, signal", [(0.1, 25.199, 0.22351), (1.0, 68.415, 0.67979)], ids=["TR=T1/10", "TR=T1"]
)
def test_the_ernst_angle_by_repeating_pulse_and_recovery_to_the_steady_state(repetition, angle, signal):
    noise = Noise(t1=(1.0,), t2=(0.5,), polarisation=(1.0,), readout=(0.0,))
    angles = np.arange(angle - 4, angle + 4.001, 0.25)
    pulses = pulse(angles[:, None, None], 90, n=1)
    rho = np.broadcast_to(np.diag([1.0, 0.0]).astype(complex), (angles.size, 2, 2))
    for _ in range(round(24 / repetition)):
        rho = turned(rho, pulses)
        seen = fid(rho, np.zeros((2, 2)), detector(1, normalised=True), Receiver(1e-6, 1)).signal[:, 0].real / 2
        spoiled = rho * np.eye(2)
        rho = lindblad(np.zeros((2, 2)), noise.jump_operators(), spoiled, [repetition])[:, 0]
    curve = np.polynomial.Polynomial.fit(angles - angle, seen, 4)
    best = min(curve.deriv().roots(), key=abs).real
    assert best + angle == pytest.approx(angle, abs=2e-3)
    assert curve(best) == pytest.approx(signal, abs=2e-5)


def test_relaxation_gives_each_line_its_width():
    noise = Noise(t1=(0.9,), t2=(0.02,), polarisation=(0.0,), readout=(0.0,))
    signal = fid(collective(1, "x"), one_spin(80.0), detector(1), RECEIVER, jumps=noise.jump_operators()).signal
    t = RECEIVER.times
    np.testing.assert_allclose(signal, 0.5 * np.exp(2j * np.pi * 80 * t - t / 0.02), atol=1e-12)


def test_a_common_decay_multiplies_the_signal():
    rho, H = turned(FZ, pulse(90, 90)), coupled(10.0, 40.0, -33.0)
    t2 = np.array([0.01, 0.05])
    signal = fid(rho, H, F_PLUS, RECEIVER, t2=t2).signal
    plain = fid(rho, H, F_PLUS, RECEIVER).signal
    np.testing.assert_allclose(signal, plain * np.exp(-RECEIVER.times / t2[:, None]), atol=1e-12)


def test_acquisition_begins_after_the_dead_time():
    rho, H = turned(FZ, pulse(90, 90)), coupled(10.0, 400.0, -330.0)
    late = Receiver(dwell=1e-4, points=290, dead_time=1e-3)
    late_signal = fid(rho, H, F_PLUS, late, t2=0.02)
    np.testing.assert_allclose(late_signal.signal, fid(rho, H, F_PLUS, RECEIVER, t2=0.02).signal[10:], atol=1e-12)
    assert late_signal.times[0] == 1e-3


def test_batches_agree_with_one_at_a_time_and_with_the_states_themselves():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(3, 1, 4, 4)) + 1j * rng.normal(size=(3, 1, 4, 4))
    H = 300 * (a + np.conj(np.swapaxes(a, -1, -2)))
    rho = np.stack([turned(FZ, pulse(angle, 40)) for angle in (30, 90)])
    signal = fid(rho, H, F_PLUS, RECEIVER).signal
    assert signal.shape == (3, 2, RECEIVER.points)
    for i in range(3):
        for j in range(2):
            states = evolve(H[i, 0], rho[j], RECEIVER.times, check=False)
            np.testing.assert_allclose(signal[i, j], np.einsum("tij,ji->t", states, F_PLUS), atol=1e-11)


def test_relaxing_batches_agree_with_the_lindblad_solver():
    J = np.array([5.0, 40.0])[:, None, None]
    H = 2 * np.pi * (J * pauli_string("ZZ") / 4) + coupled(3.0, 100.0, -60.0)
    noise = Noise(t1=(0.5, 0.3), t2=(0.02, 0.04), polarisation=(0.2, 0.1), readout=(0.0, 0.0))
    rho = (np.eye(4) + 0.4 * FX) / 4
    signal = fid(rho, H, F_PLUS, RECEIVER, jumps=noise.jump_operators()).signal
    states = lindblad(H, noise.jump_operators(), rho, RECEIVER.times)
    np.testing.assert_allclose(signal, np.einsum("btij,ji->bt", states, F_PLUS), atol=1e-11)


def test_where_the_generator_has_no_eigenbasis_the_signal_is_still_right():
    # One spin turning about x at half the difference of two decay rates: critically damped, a defective generator.
    gamma = 200.0
    H = gamma / 2 * pauli_string("X") / 2
    jumps = np.sqrt(gamma / 2) * pauli_string("Z")[None]
    rho = (np.eye(2) + pauli_string("Y")) / 2
    times = RECEIVER.times
    states = lindblad(H, jumps, rho, times)
    signal = fid(rho, H, detector(1), RECEIVER, jumps=jumps, t2=0.05).signal
    direct = np.einsum("tij,ji->t", states, detector(1)) * np.exp(-times / 0.05)
    np.testing.assert_allclose(signal, direct, atol=1e-10)
    # critically damped: y(t) = (1 - g t/2) exp(-g t/2) for rates g of y and 0 of z, turning at g/2
    closed = 0.5j * (1 - gamma * times / 2) * np.exp(-gamma * times / 2) * np.exp(-times / 0.05)
    np.testing.assert_allclose(signal, closed, atol=1e-9)
    ensemble = fid(rho, np.stack([H, H]), detector(1), RECEIVER, jumps=jumps, t2=0.05, weights=[1, 3]).signal
    np.testing.assert_allclose(ensemble, closed, atol=1e-9)


def test_an_ensemble_is_the_weighted_mean_of_its_members():
    offsets = np.linspace(-50, 80, 7)
    weights = np.arange(1.0, 8.0)
    rho = turned(FZ, pulse(90, 90))
    members = fid(rho, pair(200.0, offsets), F_PLUS, RECEIVER, t2=0.03).signal
    mean = fid(rho, pair(200.0, offsets), F_PLUS, RECEIVER, t2=0.03, weights=weights).signal
    np.testing.assert_allclose(mean, weights @ members / weights.sum(), atol=1e-12)
    swept = fid(rho, pair(np.array([[200.0], [90.0]]), offsets), F_PLUS, RECEIVER, weights=weights).signal
    assert swept.shape == (2, RECEIVER.points)
    np.testing.assert_allclose(swept[1], fid(rho, pair(90.0, offsets), F_PLUS, RECEIVER, weights=weights).signal)


def test_a_lorentzian_spread_of_offsets_decays_as_t2_star():
    # quantiles of a Lorentzian of full width 1/(pi T2*), as in a field that is not homogeneous
    t2_star, n = 0.01, 4001
    offsets = np.tan(np.pi * ((np.arange(n) + 0.5) / n - 0.5)) / (2 * np.pi * t2_star)
    receiver = Receiver(dwell=5e-4, points=60)
    mean = fid(collective(1, "x"), one_spin(offsets), detector(1), receiver, weights=np.ones(n)).signal
    np.testing.assert_allclose(mean, 0.5 * np.exp(-receiver.times / t2_star), atol=2e-3)


@pytest.mark.parametrize("points", [1, 2, 3, 16, 17, 1000])
def test_sums_of_exponentials_by_blocks_agree_with_the_plain_sum(points):
    rng = np.random.default_rng(points)
    a = rng.normal(size=(2, 5)) + 1j * rng.normal(size=(2, 5))
    rate = -rng.uniform(0, 3, 5) + 1j * rng.normal(scale=50, size=5)
    t = 0.2 + 0.01 * np.arange(points)
    plain = np.einsum("bk,kt->bt", a, np.exp(np.outer(rate, t)))
    np.testing.assert_allclose(exponential_sum(Exponentials(a, rate), 0.2, 0.01, points), plain, atol=1e-11)


def test_a_state_that_gives_no_signal_gives_zeros():
    np.testing.assert_array_equal(fid(np.eye(4) / 4, pair(100.0), F_PLUS, RECEIVER).signal, 0)
    assert transitions(pair(100.0), np.eye(4), F_PLUS).merged().frequency.size == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"detect": np.eye(2)}, "detect must have the dimension of H"),
        ({"detect": np.ones((2, 4, 4))}, r"detect must have shape \(d, d\), but is of shape \(2, 4, 4\)"),
        ({"rho": np.eye(2)}, r"rho must have the dimension of H \(4\)"),
        ({"H": FX + 1j * FX}, "H must be Hermitian"),
        ({"H": np.stack([FX] * 3), "rho": np.stack([FX] * 2)}, "broadcast"),
        ({"t2": 0.0}, "t2 must be above zero, but is 0.0"),
        ({"t2": [0.1, 0.2], "H": np.stack([FX] * 3)}, "t2 must broadcast"),
        ({"weights": [1.0, 2.0]}, r"weights must have the length of the last leading axis of \(\)"),
        ({"weights": [1.0, -2.0], "H": np.stack([FX] * 2)}, "weights must be zero or above, but is -2.0"),
        ({"weights": [0.0, 0.0], "H": np.stack([FX] * 2)}, "weights must have a sum above zero"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {"rho": FX, "H": pair(100.0), "detect": F_PLUS, "receiver": RECEIVER, **change}
    with pytest.raises(ArgumentError, match=message):
        fid(**arguments)


@pytest.mark.parametrize(
    "n, spins, message", [(0, None, "but is 0"), (2, [2], r"\[2\]"), (2, [-1], r"-1"), (2, [], r"\[\]")]
)
def test_detectors_of_spins_that_are_not_there_are_refused(n, spins, message):
    with pytest.raises(ArgumentError, match=message):
        detector(n, spins)
