"""The lines that readouts are read from: what the coil sees of the free Hamiltonian, as operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection import detector, transitions
from nmrqb.errors import ArgumentError
from nmrqb.spin.liouville import liouvillian
from nmrqb.spin.operators import number_of_spins
from nmrqb.spin.propagation import spectral
from nmrqb.tomography.readouts import Groups, checked_groups

#: Modes whose operator is smaller than this fraction of the largest are not there.
_ABSENT = 1e-9
#: Rates this close, relative to the largest, differ by rounding.
_DEGENERATE = 1e-11
#: A weak mode joins a stronger line if that changes the signal by less than this ...
_NEGLIGIBLE = 1e-9
#: ... and any mode does whose rate is this close, relative to the decay: no fit tells the two apart.
_TOO_CLOSE = 1e-6


@dataclass(frozen=True)
class DetectedLines:
    """L lines that can be told apart: rate in 1/s (L,), channel (L,), operator (L, d, d).

    Line l contributes Tr[rho operators[l]] exp(rates[l] t): the frequency is the imaginary part, minus the decay the real
    one. One spin fully along x has amplitudes that add up to 1, along y to i: the signal of a channel is
    sum_k <X_k> + i <Y_k>, which is 2 Tr[rho F_+].
    """

    rates: ComplexArray
    channels: tuple[int, ...]
    operators: ComplexArray
    groups: Groups
    resolution: float

    @property
    def frequencies(self) -> FloatArray:
        """Frequency of each line in Hz, (L,)."""
        return self.rates.imag / (2 * np.pi)

    @property
    def detected(self) -> tuple[int, ...]:
        """The channels that are detected, in order."""
        return tuple(dict.fromkeys(self.channels))

    def of(self, channel: int) -> np.ndarray:
        """Where the lines of one channel are, (L,) of bool."""
        return np.array(self.channels) == channel


def resolved_lines(
    H: ArrayLike,
    groups: Groups,
    *,
    detect: Sequence[int] | None = None,
    resolution: float = 0.0,
    jumps: ComplexArray | None = None,
) -> DetectedLines:
    """The lines of a free Hamiltonian H (d, d) in rad/s, on the channels `detect` (all by default).

    A line is a transition between eigenstates of H that the coil sees; with jump operators (J, d, d) in s^(-1/2), a mode
    of the Liouvillian, which decays. Degenerate ones are one line, and so are neighbours nearer than `resolution` (Hz):
    these are then taken to have one frequency and one decay, the means by strength, which is an approximation.
    Raises ArgumentError for groups that are not the N spins of H, an unknown channel, a negative resolution, or a
    Liouvillian without an eigenbasis.
    """
    matrix = checks.hermitian("H", H)
    if matrix.ndim != 2:
        raise ArgumentError("H", f"of shape {matrix.shape}", "have shape (d, d)")
    n = number_of_spins(matrix.shape[-1])
    width = float(checks.non_negative("resolution", resolution))
    chosen = _detected(detect, checked_groups(groups, n))
    rates, channels, operators = [], [], []
    for channel in chosen:
        rate, operator = _merged(*_modes(matrix, 2 * detector(n, groups[channel]), jumps), width)
        rates.append(rate)
        channels += [channel] * rate.size
        operators.append(operator)
    return DetectedLines(np.concatenate(rates), tuple(channels), np.concatenate(operators), groups, width)


def _detected(detect: Sequence[int] | None, groups: Groups) -> tuple[int, ...]:
    chosen = tuple(range(len(groups))) if detect is None else tuple(detect)
    if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(range(len(groups))):
        raise ArgumentError("detect", chosen, f"name each channel at most once, out of 0 to {len(groups) - 1}")
    return chosen


def _modes(H: ComplexArray, D: ComplexArray, jumps: ComplexArray | None) -> tuple[ComplexArray, ComplexArray]:
    """Rates (K,) and operators O (K, d, d) with Tr[rho(t) D] = sum_k Tr[rho O_k] exp(rate_k t)."""
    d = H.shape[-1]
    if jumps is None:
        lines = transitions(H, np.eye(d * d).reshape(d * d, d, d), D)  # of every |i><j|, for the amplitude is linear
        rates, seen = 2j * np.pi * lines.frequency[0], lines.amplitude.T
    else:
        basis = spectral(liouvillian(H, jumps))
        if not basis.sound:
            raise ArgumentError(
                "noise", "one whose Liouvillian has no eigenbasis", "give lines that decay exponentially"
            )
        rates, seen = basis.values, (D.T.reshape(-1) @ basis.vectors)[:, None] * basis.inverse
    return rates, np.swapaxes(seen.reshape(-1, d, d), -1, -2)


def _merged(rates: ComplexArray, operators: ComplexArray, resolution: float) -> tuple[ComplexArray, ComplexArray]:
    """Lines in order of frequency: modes within the resolution by frequency alone, without one as far as they are equal."""
    size = np.linalg.norm(operators, axis=(-2, -1))
    keep = size > _ABSENT * size.max()
    rates, operators, size = rates[keep], operators[keep], size[keep]
    label = _clusters(rates.imag, 2 * np.pi * resolution) if resolution else _equal(rates, size / size.max())
    merged = np.zeros((label.max() + 1, *operators.shape[1:]), dtype=complex)
    np.add.at(merged, label, operators)
    mean = np.array([np.average(rates[label == k], weights=size[label == k] ** 2) for k in range(len(merged))])
    order = np.lexsort((mean.real, mean.imag))
    return mean[order], merged[order]


def _equal(rates: ComplexArray, size: FloatArray) -> np.ndarray:
    """Number of each mode's line: it joins a stronger one where that changes the signal by less than rounding.

    Two decays k that differ by D change a line's signal by at most D/(e k) of the weaker part.
    """
    rounding = _DEGENERATE * float(np.abs(rates).max())
    label = np.empty(rates.size, dtype=int)
    leaders: list[int] = []
    for k in np.argsort(-size, kind="stable"):
        distance = np.abs(rates[leaders] - rates[k])
        decay = np.maximum(-rates[leaders].real, 0.0)
        same = (distance <= rounding) | (distance * size[k] <= _NEGLIGIBLE * decay) | (distance <= _TOO_CLOSE * decay)
        if not np.any(same):
            label[k] = len(leaders)
            leaders.append(int(k))
        else:
            label[k] = np.argmin(np.where(same, distance, np.inf))
    return label


def _clusters(values: FloatArray, nearest: float) -> np.ndarray:
    """Number of each value's cluster, ascending: neighbours at most `nearest` apart belong together."""
    order = np.argsort(values, kind="stable")
    label = np.empty(values.size, dtype=int)
    label[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > nearest)])
    return label
