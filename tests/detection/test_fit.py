"""Fitted lines: exact without noise, and with noise scattered as their covariance says."""

import numpy as np
import pytest
from detection_systems import FZ, coupled, pulse, turned

from nmrqb.detection import Fid, Receiver, detector, fid, fit_amplitudes, fit_lines, transitions
from nmrqb.errors import ArgumentError, RunError

DWELL, N = 1e-3, 1024
NU = np.array([-110.0, -108.5, 60.0])
T2 = np.array([0.2, 0.4, 0.15])
A = np.array([1.0 + 0.2j, -0.6 + 0.5j, 0.3j])


def model(nu, t2, amplitude, t):
    return np.exp(np.multiply.outer(t, 2j * np.pi * nu - 1 / t2)) @ np.asarray(amplitude).T


def data(sigma=0.0, seed=0, copies=None, start=0.0, points=N, known=True):
    clean = model(NU, T2, A, start + DWELL * np.arange(points))
    noise = np.random.default_rng(seed).normal(scale=sigma, size=(2, *(copies or ()), points))
    return Fid(clean + noise[0] + 1j * noise[1], DWELL, start=start, noise=sigma if known else None)


@pytest.mark.parametrize("start", [0.0, 0.0137])
def test_without_noise_amplitudes_are_those_at_time_zero_whatever_the_dead_time(start):
    fitted = fit_amplitudes(data(start=start), NU, T2)
    np.testing.assert_allclose(fitted.amplitude, A, atol=1e-12)
    np.testing.assert_array_equal(fitted.error, 0)
    np.testing.assert_allclose(fitted.model(data(start=start).times), data(start=start).signal, atol=1e-12)


def test_a_digital_filter_s_build_up_is_left_out_of_the_fit():
    g = 20
    late = data(start=-g * DWELL).signal.copy()
    late[: 2 * g] = 77.0  # what the filter spoils: up to one group delay after time zero
    fitted = fit_amplitudes(Fid(late, DWELL, start=-g * DWELL), NU, T2)
    np.testing.assert_allclose(fitted.amplitude, A, atol=1e-10)
    early = fit_amplitudes(Fid(late, DWELL, start=-g * DWELL), NU, T2, begin=(g - 1) * DWELL)
    assert np.abs(early.amplitude - A).max() > 1


def test_the_error_of_one_line_tends_to_sigma_root_two_dwell_over_t2():
    t2, sigma = 0.1, 0.2
    fitted = fit_amplitudes(Fid(np.zeros(4000), DWELL, noise=sigma), [35.0], t2)
    assert fitted.error[0].real == pytest.approx(sigma * np.sqrt(2 * DWELL / t2), rel=DWELL / t2)
    assert fitted.error[0].imag == fitted.error[0].real


def empirical(amplitudes):
    """Covariance of [Re A, Im A] over many FIDs."""
    return np.cov(np.concatenate([amplitudes.real, amplitudes.imag], axis=-1).T)


def scaled_difference(found, expected):
    """Largest difference of two covariances, in units of the expected standard deviations."""
    s = np.sqrt(np.diag(expected))
    return np.abs((found - expected) / np.outer(s, s)).max()


def test_amplitudes_scatter_as_their_covariance_says():
    fitted = fit_amplitudes(data(0.3, seed=1, copies=(6000,)), NU, T2)
    found, expected = empirical(fitted.amplitude), fitted.covariance[0]
    np.testing.assert_allclose(np.sqrt(np.diag(found)), np.sqrt(np.diag(expected)), rtol=0.05)
    assert scaled_difference(found, expected) < 0.06  # the two close lines are correlated, real with imaginary too
    assert np.abs(expected - np.diag(np.diag(expected))).max() > 0.2 * expected.max()
    bias = (fitted.amplitude - A).mean(axis=0)
    np.testing.assert_array_less(np.abs(bias.real), 5 * fitted.error[0].real / np.sqrt(6000))


def test_noise_is_estimated_where_it_is_not_known():
    fitted = fit_amplitudes(data(0.3, seed=2, copies=(200,), known=False), NU, T2)
    assert fitted.noise.shape == (200,)
    assert fitted.noise.mean() == pytest.approx(0.3, rel=5e-3)
    given = fit_amplitudes(data(0.3, seed=2, copies=(200,)), NU, T2)
    np.testing.assert_allclose(fitted.error, given.error * (fitted.noise / 0.3)[:, None])


def test_a_free_fit_finds_frequencies_and_decays():
    fitted = fit_lines(data(), NU + np.array([0.3, -0.2, 1.0]), T2 * [1.4, 0.7, 1.2])
    np.testing.assert_allclose(fitted.frequency, NU, atol=1e-8)
    np.testing.assert_allclose(fitted.t2, T2, rtol=1e-8)
    np.testing.assert_allclose(fitted.amplitude, A, atol=1e-7)


def test_a_free_fit_s_errors_are_those_of_repeated_experiments():
    sigma, runs = 0.1, 300
    many = data(sigma, seed=3, copies=(runs,))
    fits = [fit_lines(many.with_signal(signal), NU, T2) for signal in many.signal]
    one = fits[0]
    for name in ("frequency", "t2"):
        values = np.array([getattr(f, name) for f in fits])
        np.testing.assert_allclose(values.std(axis=0), getattr(one, f"{name}_error"), rtol=0.25)
        truth = {"frequency": NU, "t2": T2}[name]
        z = (values - truth) / np.array([getattr(f, f"{name}_error") for f in fits])
        assert np.abs(z.std(axis=0) - 1).max() < 0.15  # 3.7 standard errors of a standard deviation
    found = empirical(np.array([f.amplitude for f in fits]))
    expected = np.mean([f.covariance for f in fits], axis=0)
    np.testing.assert_allclose(np.sqrt(np.diag(found)), np.sqrt(np.diag(expected)), rtol=0.15)
    assert scaled_difference(found, expected) < 0.25
    # known frequencies would be worth much: without them the close lines are less certain
    assert np.all(np.diag(expected)[:2] > 1.2 * np.diag(fit_amplitudes(many, NU, T2).covariance[0])[:2])


def test_reads_that_share_lines_are_fitted_together():
    amplitudes = np.random.default_rng(4).normal(size=(4, 3)) + 0.2j
    t = DWELL * np.arange(N)
    noise = np.random.default_rng(5).normal(scale=0.05, size=(2, 4, N))
    reads = Fid(model(NU, T2, amplitudes, t).T + noise[0] + 1j * noise[1], DWELL)
    fitted = fit_lines(reads, NU + 0.2, 0.25)
    assert fitted.amplitude.shape == (4, 3)
    assert fitted.covariance.shape == (4, 6, 6)
    assert fitted.noise[0] == pytest.approx(0.05, rel=0.03)
    assert np.abs((fitted.frequency - NU) / fitted.frequency_error).max() < 4
    assert np.abs((fitted.amplitude - amplitudes).real / fitted.error.real).max() < 4
    first = fit_lines(reads.with_signal(reads.signal[0]), NU + 0.2, 0.25)
    assert np.all(fitted.frequency_error < first.frequency_error)


def test_one_decay_for_all_lines():
    t = DWELL * np.arange(N)
    clean = model(NU, np.full(3, 0.2), A, t)
    noisy = Fid(clean + np.random.default_rng(6).normal(scale=0.03, size=(2, N)).T @ [1, 1j], DWELL)
    common, apart = (fit_lines(noisy, NU + 0.1, 0.3, common_t2=c) for c in (True, False))
    assert np.ptp(common.t2) == 0
    assert common.t2.shape == common.t2_error.shape == (3,)
    assert abs(common.t2[0] - 0.2) < 4 * common.t2_error[0]
    assert np.all(common.t2_error < apart.t2_error)


def test_a_simulated_multiplet_is_read_back_line_by_line():
    H, rho = coupled(7.3, 40.0, -33.0), turned(FZ, pulse(62, 33))
    lines = transitions(H, rho, detector(2)).merged()
    receiver = Receiver(1e-3, 2048, dead_time=3e-3, noise=0.02, scans=4)
    noisy = fid(rho, H, detector(2), receiver, t2=0.3, seed=7)
    fitted = fit_lines(noisy, np.round(lines.frequency), 0.2, common_t2=True)
    deviation = (fitted.amplitude - lines.amplitude) / 1
    assert np.abs(deviation.real / fitted.error.real).max() < 4
    assert np.abs(deviation.imag / fitted.error.imag).max() < 4
    assert np.abs(fitted.error).max() < 0.01


@pytest.mark.parametrize(
    "change, message",
    [
        ({"frequency": 1.0}, r"frequency must have shape \(K,\), but is of shape \(\)"),
        ({"frequency": []}, r"but is of shape \(0,\)"),
        ({"t2": [0.1, 0.2]}, r"t2 must be a number or have the shape of frequency \(3,\), but is of shape \(2,\)"),
        ({"t2": -0.1}, "t2 must be above zero, but is -0.1"),
        ({"t2": 1e-6, "begin": 0.5}, "t2 must leave some signal to fit"),
        ({"frequency": [1.0, 1.0, 5.0], "t2": 0.2}, "frequency must hold lines far enough apart"),
        ({"noise": -1.0}, "noise must be zero or above, but is -1.0"),
        ({"begin": 1.1}, "time must lie before the last point at 1.023 s, but is 1.1 s"),
        ({"begin": 1.0205}, "frequency must be fewer than the 3 points, but is 3 lines"),
    ],
)
@pytest.mark.parametrize("fit", [fit_amplitudes, fit_lines])
def test_what_cannot_be_fitted_is_refused(fit, change, message):
    arguments = {"frequency": NU, "t2": T2, **change}
    with pytest.raises(ArgumentError, match=message):
        fit(data(), **arguments)


def test_a_fit_that_does_not_converge_says_so():
    wild = Fid(np.random.default_rng(8).normal(size=(2, 30)).T @ [1, 1j], DWELL)
    with pytest.raises(RunError, match="does not converge"):
        fit_lines(wild, np.linspace(-300, 300, 12), 1e-3)
