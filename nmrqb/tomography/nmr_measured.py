"""Measured FIDs on the way to a state: fits, scale and phase from a reference, and the noise that they carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection import Fid, fit_amplitudes, fit_lines
from nmrqb.errors import ArgumentError
from nmrqb.tomography.nmr_inversion import Inversion
from nmrqb.tomography.nmr_map import coefficients, readout_map
from nmrqb.tomography.nmr_protocol import Protocol
from nmrqb.tomography.readouts import Readout

#: A decay that nobody knows is first taken as this fraction of the FID's length.
_GUESS = 0.5
#: What fits leave over below this fraction of the FID is rounding.
_ROUNDING = 1e-10

Channels = Fid | Sequence[Fid]


@dataclass(frozen=True)
class Measured:
    """Fitted amplitudes (..., R, L) in units of <X> + i <Y>, and the estimator for their noise.

    noisy: whether any noise is known or seen. misfit: what the fits leave over, as a fraction of the FIDs' norm.
    """

    amplitudes: ComplexArray
    inversion: Inversion
    noisy: bool
    misfit: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Leading axes of the FIDs."""
        return self.amplitudes.shape[:-2]


@dataclass(frozen=True)
class _Fit:
    """One FID: amplitudes (..., K), their covariance (2K, 2K) for unit noise, what refining adds to it; noise and size."""

    amplitude: ComplexArray
    unit: FloatArray
    added: FloatArray
    noise: float
    residual: float
    size: float

    def covariance(self, noise: float) -> FloatArray:
        """Covariance (2K, 2K) for this noise of a point."""
        return noise**2 * self.unit + self.added


def measured(
    plan: Protocol,
    fids: Mapping[str, Channels],
    start: ComplexArray | None,
    reference: Channels | None,
    *,
    refine: bool,
) -> Measured:
    """Amplitudes and estimator of measured FIDs, one entry of `fids` for each readout of the plan.

    start: the thermal state (d, d) or None; reference: FIDs of it after 90 degrees along y on every channel, or None.
    refine: fit frequencies and T2* as well, to all FIDs of a channel, which then share their points in time. Raises
    ArgumentError for FIDs that do not fit the channels or one another, and for a reference without a start.
    """
    table = [_of_channels(plan, f"readout {name!r}", data) for name, data in fids.items()]
    shapes = {data.signal.shape[:-1] for row in table for data in row}
    if len(shapes) > 1:
        raise ArgumentError("fids", f"of leading shapes {sorted(shapes)}", "have one leading shape")
    plan = replace(plan, response=plan.seen) if refine else plan
    known = None if reference is None else _of_channels(plan, "the reference", reference)
    expected = None if known is None else _expected(plan, start)
    lines = plan.response.lines
    amplitudes = np.zeros((*shapes.pop(), len(table), len(lines.channels)), dtype=complex)
    fits = []
    for c, channel in enumerate(plan.channels):
        column = [row[c] for row in table]
        lines_of, added = _refined(plan, column, channel) if refine else (plan.parameters(channel), None)
        scale = 1.0 if known is None or expected is None else _scale(known[c], lines_of, expected[lines.of(channel)])
        fits.append([_fit(data, lines_of, scale, None if added is None else added[r]) for r, data in enumerate(column)])
        for r, fit in enumerate(fits[-1]):
            amplitudes[..., r, lines.of(channel)] = fit.amplitude
    return _collected(plan, amplitudes, fits)


def _collected(plan: Protocol, amplitudes: ComplexArray, fits: list[list[_Fit]]) -> Measured:
    every = [fit for column in fits for fit in column]
    noisy = any(fit.noise > _ROUNDING * fit.size for fit in every)
    least = 1e-6 * max(fit.noise for fit in every) if noisy else 1.0
    covariances = [
        [of[r].covariance(max(of[r].noise if noisy else 0.0, least)) for of in fits] for r in range(len(fits[0]))
    ]
    whole = np.linalg.norm([fit.size for fit in every])
    misfit = float(np.linalg.norm([fit.residual for fit in every]) / whole) if whole else 0.0
    return Measured(amplitudes, plan.inversion(covariances), noisy, misfit)


def _of_channels(plan: Protocol, name: str, data: Channels) -> list[Fid]:
    row = [data] if isinstance(data, Fid) else list(data)
    if len(row) != len(plan.channels):
        allowed = f"hold one for each of {len(plan.channels)} detected channels"
        raise ArgumentError("fids", f"{len(row)} for {name}", allowed)
    return row


def _fit(data: Fid, lines: tuple[FloatArray, FloatArray], scale: complex, added: FloatArray | None) -> _Fit:
    data = data.after(max(0.0, -data.start))  # behind a digital filter's build-up, which no line describes
    found = fit_amplitudes(data, *lines)
    unit = fit_amplitudes(data.with_signal(np.zeros(data.points, dtype=complex)), *lines, noise=1.0).covariance
    left = data.signal - found.model(data.times)
    factor = abs(2 / scale) ** 2
    return _Fit(
        amplitude=2 * found.amplitude / scale,
        unit=factor * unit,
        added=np.zeros_like(unit) if added is None else factor * added,
        noise=float(np.sqrt(np.mean(found.noise**2))),
        residual=_rms(left),
        size=_rms(data.signal),
    )


def _rms(x: ComplexArray) -> float:
    return float(np.sqrt(np.mean(np.abs(x) ** 2)))


def _expected(plan: Protocol, start: ComplexArray | None) -> ComplexArray:
    """Amplitudes (L,) of the start after 90 degrees along y on every channel. Raises ArgumentError without a start."""
    if start is None or start.ndim != 2:
        raise ArgumentError(
            "rho0", None if start is None else f"of shape {start.shape}", "be the state (d, d) behind the reference"
        )
    channels = len(plan.response.lines.groups)
    pulse = Readout("90y", (np.pi / 2,) * channels, (np.pi / 2,) * channels)
    response = readout_map(plan.response.lines, [pulse])
    return response.amplitudes[0] @ coefficients(start) + response.offset


def _scale(data: Fid, lines: tuple[FloatArray, FloatArray], expected: ComplexArray) -> complex:
    """What a receiver multiplies signals with, from a FID (N,) of known amplitudes (K,). Raises ArgumentError."""
    if data.signal.ndim != 1:
        raise ArgumentError("reference", f"of shape {data.signal.shape}", "have shape (points,)")
    weight = np.vdot(expected, expected).real
    scale = complex(np.vdot(expected, 2 * fit_amplitudes(data, *lines).amplitude) / weight) if weight else 0.0
    if scale == 0:
        raise ArgumentError("reference", "without signal", "hold the signal of a polarised rho0")
    return scale


def _refined(plan: Protocol, column: list[Fid], channel: int) -> tuple[tuple[FloatArray, FloatArray], list[FloatArray]]:
    """Frequencies and T2* fitted to all FIDs of a channel, and what their errors add to each covariance (2K, 2K)."""
    first = column[0]
    if any((data.points, data.dwell, data.start) != (first.points, first.dwell, first.start) for data in column):
        raise ArgumentError(
            "fids", f"on channel {channel} of unlike points, dwell or start", "share them to be refined"
        )
    frequency, t2 = plan.parameters(channel)
    t2 = np.minimum(t2, _GUESS * first.points * first.dwell)
    together = first.with_signal(np.stack([data.signal for data in column]))
    found = fit_lines(together, frequency, t2, common_t2=True)
    unit = fit_amplitudes(
        first.with_signal(np.zeros(first.points, dtype=complex)), found.frequency, found.t2, noise=1.0
    ).covariance
    noise = np.mean(np.reshape(found.noise, -1) ** 2)
    K = found.frequency.size
    added = [np.mean(np.reshape(c, (-1, 2 * K, 2 * K)), axis=0) - noise * unit for c in found.covariance]
    return (found.frequency, found.t2), added
