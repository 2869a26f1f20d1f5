"""From the FID to the spectrum: windows, zero filling, Fourier transform, phase, axes, integrals, baseline.

Convention: S(nu) = 2 dwell sum_n s_n exp(-2 pi i nu t_n), the point at t = 0 taken half. So a line of positive offset
lies at positive frequency, the times t_n are those of the Fid (a dead time or a group delay leaves no phase behind), and
the area of a line's real part in Hz is the real part of its amplitude: sum over all points times their distance is s(0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection.signal import Fid
from nmrqb.errors import ArgumentError

Regions = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Spectrum:
    """values (..., N) over frequency (N,) in Hz, ascending (drawn from right to left); other fields as in `Fid`."""

    values: ComplexArray
    frequency: FloatArray
    carrier: float | None = None
    carrier_ppm: float = 0.0
    nucleus: str = ""

    @property
    def spacing(self) -> float:
        """Distance of neighbouring points in Hz."""
        return float(self.frequency[1] - self.frequency[0])

    @property
    def width(self) -> float:
        """Spectral width in Hz."""
        return self.spacing * self.frequency.size

    @property
    def ppm(self) -> FloatArray:
        """The axis as chemical shift, shape (N,). Raises ArgumentError where no carrier frequency is known."""
        if self.carrier is None:
            raise ArgumentError("carrier", None, "be known for an axis in ppm")
        return self.carrier_ppm + self.frequency / self.carrier * (1 + 1e-6 * self.carrier_ppm) * 1e6

    def axis(self, unit: str) -> FloatArray:
        """The axis in "Hz", "kHz" or "ppm". Raises ArgumentError for another unit, or for ppm without a carrier."""
        if unit == "ppm":
            return self.ppm
        if unit not in ("Hz", "kHz"):
            raise ArgumentError("unit", repr(unit), 'be "Hz", "kHz" or "ppm"')
        return self.frequency if unit == "Hz" else self.frequency / 1e3

    def phased(self, ph0: float = 0.0, ph1: float = 0.0, pivot: float = 0.0) -> Spectrum:
        """Multiplied by exp(i (ph0 + ph1 (nu - pivot)/width)), angles in rad, pivot in Hz."""
        phase = ph0 + ph1 * (self.frequency - pivot) / self.width
        return replace(self, values=self.values * np.exp(1j * phase))

    def integral(self, regions: Regions, unit: str = "Hz") -> FloatArray:
        """Area of the real part over each region (low, high), in signal units; shape (..., regions).

        A point counts as the interval of one spacing about it, in full or as far as it lies inside.
        Raises ArgumentError for a region of no width or outside the spectrum.
        """
        x, step = self.axis(unit), abs(self.axis(unit)[1] - self.axis(unit)[0])
        inside = []
        for low, high in _checked(regions, x[0] - step / 2, x[-1] + step / 2, unit):
            overlap = np.minimum(high, x + step / 2) - np.maximum(low, x - step / 2)
            inside.append(np.clip(overlap / step, 0, 1))
        return self.values.real @ np.array(inside).T * self.spacing

    def baseline_removed(self, regions: Regions, order: int = 0, unit: str = "Hz") -> Spectrum:
        """Less a polynomial in frequency (complex, least squares) through the signal-free `regions`.

        Raises ArgumentError for regions as in `integral`, or an order that their points cannot fix.
        """
        x = self.axis(unit)
        chosen = np.zeros(x.size, dtype=bool)
        for low, high in _checked(regions, x[0], x[-1], unit):
            chosen |= (x >= low) & (x <= high)
        if not 0 <= order < np.count_nonzero(chosen):
            allowed = f"lie between 0 and {np.count_nonzero(chosen) - 1} for the points in these regions"
            raise ArgumentError("order", order, allowed)
        basis = np.polynomial.legendre.legvander(2 * self.frequency / self.width, order)
        flat = self.values.reshape(-1, x.size)
        coefficients = np.linalg.lstsq(basis[chosen].astype(complex), flat[:, chosen].T, rcond=None)[0]
        return replace(self, values=self.values - (basis @ coefficients).T.reshape(self.values.shape))


def spectrum(data: Fid, size: int | None = None, first: float = 0.5) -> Spectrum:
    """The Fourier transform of a FID, filled with zeros to `size` points (by default twice as many, a power of 2).

    first: weight of a first point at t = 0, where the transform's integral begins in the middle of it. It is not used
    where the FID begins at another time: behind a dead time the missing points are not invented.
    Raises ArgumentError for a size below the number of points.
    """
    n = 2 ** (int(data.points - 1).bit_length() + 1) if size is None else size
    if not isinstance(n, (int, np.integer)) or n < max(data.points, 2):
        raise ArgumentError("size", n, f"be a whole number, {max(data.points, 2)} or more")
    signal = data.signal
    if abs(data.start) < 1e-9 * data.dwell:
        signal = np.concatenate([first * signal[..., :1], signal[..., 1:]], axis=-1)
    frequency = np.fft.fftshift(np.fft.fftfreq(n, data.dwell))
    values = 2 * data.dwell * np.fft.fftshift(np.fft.fft(signal, int(n), axis=-1), axes=-1)
    if data.start:
        values = values * np.exp(-2j * np.pi * frequency * data.start)
    return Spectrum(values, frequency, data.carrier, data.carrier_ppm, data.nucleus)


def apodised(data: Fid, exponential: float = 0.0, gaussian: float = 0.0) -> Fid:
    """Multiplied by a window that broadens every line, by a Lorentzian and by a Gaussian of these full widths in Hz.

    exp(-pi lb |t|) and exp(-(pi gb t)^2/(4 ln 2)). A negative width narrows (resolution enhancement: noise grows).
    The noise of a Fid so treated is no longer the same at each point, so it is marked unknown.
    Raises ArgumentError for widths that are not finite.
    """
    lb, gb = float(checks.real("exponential", exponential)), float(checks.real("gaussian", gaussian))
    t = data.times
    exponent = -np.pi * lb * np.abs(t) - np.sign(gb) * (np.pi * gb * t) ** 2 / (4 * np.log(2))
    return replace(data, signal=data.signal * np.exp(exponent), noise=None)


def dc_removed(data: Fid, tail: float = 0.125) -> Fid:
    """Less the mean of the last part of the FID (a fraction of its points), where the signal has died away.

    Raises ArgumentError for a tail that is not above 0 and at most 1, or holds no point.
    """
    count = round(tail * data.points) if 0 < tail <= 1 else 0
    if count < 1:
        raise ArgumentError("tail", tail, f"be a fraction above 0, at most 1, that holds one of {data.points} points")
    return data.with_signal(data.signal - data.signal[..., -count:].mean(axis=-1, keepdims=True))


def _checked(regions: Regions, lowest: float, highest: float, unit: str) -> list[tuple[float, float]]:
    if not regions:
        raise ArgumentError("regions", "empty", "hold at least one pair (low, high)")
    ordered = []
    for pair in regions:
        low, high = sorted(float(x) for x in pair)
        if not low < high:
            raise ArgumentError("region", f"{low:g} to {high:g} {unit}", "have a width above zero")
        if low < lowest - 1e-9 * abs(lowest) or high > highest + 1e-9 * abs(highest):
            allowed = f"lie inside the spectrum, {lowest:g} to {highest:g} {unit}"
            raise ArgumentError("region", f"{low:g} to {high:g} {unit}", allowed)
        ordered.append((low, high))
    return ordered
