"""Least-squares fits of sums of decaying lines to FIDs, with covariances.

The model is s(t) = sum_k A_k exp(2 pi i nu_k t - t/T_k), with t from the Fid: amplitudes are those at t = 0, whatever
the dead time. Noise is white and circular: standard deviation sigma in the real and in the imaginary part.
With nu and T known the fit is linear, and sigma(Re A) tends to sigma sqrt(2 dwell/T) for one line that is followed to
its end (derived here: the inverse of sum_n exp(-2 t_n/T)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection.signal import Fid
from nmrqb.errors import ArgumentError, RunError

#: Beyond this condition number of the model's matrix two lines cannot be told apart.
MAX_CONDITION = 1e7


@dataclass(frozen=True)
class LineFit:
    """Lines fitted to FIDs (..., N).

    frequency, t2 (K,) in Hz and s; frequency_error, t2_error (K,): standard errors, zero where given, not fitted.
    amplitude (..., K), complex. covariance (..., 2K, 2K) of [Re A, Im A]. noise (...): sigma per point and part, as
    given or estimated from what the fit leaves over.
    """

    frequency: FloatArray
    t2: FloatArray
    amplitude: ComplexArray
    covariance: FloatArray
    frequency_error: FloatArray
    t2_error: FloatArray
    noise: FloatArray

    @property
    def error(self) -> ComplexArray:
        """Standard errors of the amplitudes (..., K): of the real part as real part, of the imaginary as imaginary."""
        variance = np.einsum("...ii->...i", self.covariance)
        K = self.frequency.size
        return np.sqrt(variance[..., :K]) + 1j * np.sqrt(variance[..., K:])

    def model(self, times: ArrayLike) -> ComplexArray:
        """The fitted signal at these times (T,), shape (..., T)."""
        return self.amplitude @ _columns(self.frequency, 1 / self.t2, checks.real("times", times)).T


def fit_amplitudes(
    data: Fid, frequency: ArrayLike, t2: ArrayLike, *, noise: float | None = None, begin: float | None = None
) -> LineFit:
    """Amplitudes of lines of known frequency (K,) in Hz and T2* (K,) or a number, in s: one linear fit for all FIDs.

    noise: sigma of a point; by default that of the Fid, else estimated from the residual of each FID. begin: points
    before this time (s) are left out; by default none, or where the Fid begins with a digital filter's build-up, those
    that it still reaches (up to one group delay after zero).
    Raises ArgumentError for lines too close to be told apart, or more lines than points.
    """
    data = _settled(data, begin)
    nu, T = _line_parameters(frequency, t2)
    M = _columns(nu, 1 / T, data.times)
    inverse = _pseudo_inverse(M)
    A = data.signal @ inverse.T
    sigma = _noise(data, noise, data.signal - A @ M.T, 2 * (data.points - nu.size))
    covariance = sigma[..., None, None] ** 2 * _circular(2 * inverse @ inverse.conj().T)
    zero = np.zeros(nu.size)
    return LineFit(nu, T, A, covariance, zero, zero, sigma)


def fit_lines(
    data: Fid,
    frequency: ArrayLike,
    t2: ArrayLike,
    *,
    common_t2: bool = False,
    noise: float | None = None,
    begin: float | None = None,
) -> LineFit:
    """Frequencies, T2* and amplitudes from starting values of frequency (K,) in Hz and t2 (K,) or a number in s.

    FIDs on leading axes share frequencies and T2* and differ in amplitudes, as the reads of one experiment do; with
    common_t2 all lines share one T2*. The amplitudes are eliminated (variable projection: Golub and Pereyra 1973, with
    Kaufman's Jacobian). noise and begin as in `fit_amplitudes`; an estimated noise is common to all FIDs.
    Raises ArgumentError as `fit_amplitudes`, and RunError when the fit does not converge.
    """
    data = _settled(data, begin)
    nu, T = _line_parameters(frequency, t2)
    problem = _Projection(data.times, data.signal.reshape(-1, data.points), nu.size, common_t2)
    rate = np.log(1 / T)
    start = np.concatenate([nu, rate[:1] if common_t2 else rate])
    _pseudo_inverse(_columns(nu, 1 / T, data.times))
    found = least_squares(problem.residual, start, problem.jacobian, method="lm", x_scale="jac", xtol=1e-12, ftol=1e-12)
    nu, rate = problem.split(found.x)
    M = _columns(nu, np.exp(rate), data.times)
    try:
        inverse, curvature = _pseudo_inverse(M), np.linalg.inv(found.jac.T @ found.jac)
    except (ArgumentError, np.linalg.LinAlgError):
        found.success = False
    if not found.success:
        raise RunError("the fit of the lines does not converge", "start nearer to the lines, or with fewer of them")
    freedom = 2 * data.signal.size - found.x.size - 2 * nu.size * problem.signals.shape[0]
    sigma = _noise(data, noise, found.fun.reshape(1, -1), freedom).reshape(())
    parameters = sigma**2 * curvature
    amplitude = problem.signals @ inverse.T
    covariance = _with_parameters(sigma, inverse, problem.derivatives(M, amplitude, rate), parameters)
    errors = np.sqrt(np.diag(parameters))
    K, lead = nu.size, data.signal.shape[:-1]
    t2_error = np.broadcast_to(errors[K:], (K,)) * np.exp(-rate)
    return LineFit(
        nu,
        np.exp(-rate),
        amplitude.reshape(*lead, K),
        covariance.reshape(*lead, 2 * K, 2 * K),
        errors[:K],
        t2_error,
        np.broadcast_to(sigma, lead),
    )


class _Projection:
    """Residuals of FIDs (B, N) with the amplitudes projected out, as real vectors of [Re, Im]."""

    def __init__(self, times: FloatArray, signals: ComplexArray, lines: int, common: bool) -> None:
        self.times, self.signals, self.lines, self.common = times, signals, lines, common

    def split(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Frequencies and logarithms of the rates 1/T2* (K,), these kept within what exp can take."""
        return x[: self.lines], np.broadcast_to(np.clip(x[self.lines :], -40, 40), (self.lines,))

    def residual(self, x: FloatArray) -> FloatArray:
        """Data less model."""
        Q, _ = np.linalg.qr(self._model(x))
        return _real(self.signals - (self.signals @ Q.conj()) @ Q.T)

    def jacobian(self, x: FloatArray) -> FloatArray:
        """-(1 - Q Q^dagger) dM/dx A, shape (2 B N, parameters)."""
        M = self._model(x)
        Q, R = np.linalg.qr(M)
        A = np.asarray(np.linalg.lstsq(R, Q.conj().T @ self.signals.T)[0], dtype=complex).T
        change = self.derivatives(M, A, self.split(x)[1])
        outside = change - (change @ Q.conj()) @ Q.T
        return -np.stack([_real(part) for part in outside], axis=-1)

    def derivatives(self, M: ComplexArray, A: ComplexArray, rate: FloatArray) -> ComplexArray:
        """dM/dx A for each parameter, shape (parameters, B, N)."""
        columns = (A[:, None, :] * M).transpose(2, 0, 1) * self.times
        by_rate = -np.exp(rate)[:, None, None] * columns
        return np.concatenate([2j * np.pi * columns, by_rate.sum(axis=0, keepdims=True) if self.common else by_rate])

    def _model(self, x: FloatArray) -> ComplexArray:
        nu, rate = self.split(x)
        return _columns(nu, np.exp(rate), self.times)


def _with_parameters(
    sigma: FloatArray, inverse: ComplexArray, change: ComplexArray, parameters: FloatArray
) -> FloatArray:
    """Covariance (B, 2K, 2K) of the amplitudes, with what the fitted frequencies and rates add to it."""
    pull = change @ inverse.T  # (parameters, B, K): how the amplitudes follow each parameter, with sign reversed
    stacked = np.concatenate([pull.real, pull.imag], axis=-1).transpose(1, 2, 0)
    linear = sigma**2 * _circular(2 * inverse @ inverse.conj().T)
    return linear + stacked @ parameters @ stacked.transpose(0, 2, 1)


def _circular(C: ComplexArray) -> FloatArray:
    """Covariance of [Re, Im] for circular complex noise with E[x x^dagger] = C: shape (2K, 2K)."""
    return 0.5 * np.block([[C.real, -C.imag], [C.imag, C.real]])


def _columns(nu: FloatArray, rate: FloatArray, times: FloatArray) -> ComplexArray:
    return np.exp(times[:, None] * (2j * np.pi * nu - rate))


def _pseudo_inverse(M: ComplexArray) -> ComplexArray:
    if M.shape[0] <= M.shape[1]:
        raise ArgumentError("frequency", f"{M.shape[1]} lines", f"be fewer than the {M.shape[0]} points")
    norm = np.linalg.norm(M, axis=0)
    if np.any(norm == 0):
        raise ArgumentError("t2", "too short for the first point", "leave some signal to fit")
    U, s, Vh = np.linalg.svd(M / norm, full_matrices=False)
    if s[-1] * MAX_CONDITION < s[0]:
        found = f"such that the fit's condition number is {s[0] / max(s[-1], 1e-300):.3g}"
        raise ArgumentError("frequency", found, "hold lines far enough apart to be told apart in this time")
    return (Vh.conj().T / s @ U.conj().T) / norm[:, None]


def _line_parameters(frequency: ArrayLike, t2: ArrayLike) -> tuple[FloatArray, FloatArray]:
    nu, T = checks.real("frequency", frequency), checks.positive("t2", t2)
    if nu.ndim != 1 or nu.size == 0:
        raise ArgumentError("frequency", f"of shape {nu.shape}", "have shape (K,)")
    if T.shape not in ((), (1,), nu.shape):
        raise ArgumentError("t2", f"of shape {T.shape}", f"be a number or have the shape of frequency {nu.shape}")
    return nu, np.broadcast_to(T, nu.shape).copy()


def _noise(data: Fid, noise: float | None, residual: ComplexArray, freedom: int) -> FloatArray:
    if noise is None:
        noise = data.noise
    lead = residual.shape[:-1]
    if noise is not None:
        return np.broadcast_to(checks.non_negative("noise", noise), lead)
    return np.sqrt(np.sum(np.abs(residual) ** 2, axis=-1) / max(freedom, 1))


def _settled(data: Fid, begin: float | None) -> Fid:
    if begin is None:
        begin = max(0.0, -data.start)
    return data.after(begin)


def _real(x: ComplexArray) -> FloatArray:
    return np.concatenate([x.real.ravel(), x.imag.ravel()])
