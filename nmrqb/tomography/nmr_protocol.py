"""What is acquired for tomography and how it is fitted: free Hamiltonian, relaxation, readouts and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection import Fid, Receiver, detector, fid, fit_amplitudes
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_sum
from nmrqb.timeline import Timeline
from nmrqb.tomography.nmr_inversion import Inversion, inversion
from nmrqb.tomography.nmr_lines import resolved_lines
from nmrqb.tomography.nmr_map import ReadoutMap, readout_map
from nmrqb.tomography.readouts import Readout, checked_groups, default_readouts

#: T2* (s) that stands for a line that does not decay.
_FOREVER = 1e300
#: A default receiver takes a FID for this many decay times, and no fewer or more points than these.
_LENGTH, _FEWEST, _MOST = 5.0, 64, 16384


@dataclass(frozen=True)
class Protocol:
    """Readouts of one sample.

    H: (d, d), rad/s, while a signal is acquired. jumps: (J, d, d) in s^(-1/2), or None. t2_star: further decay time in s
    of every line (field inhomogeneity), or None. seen: the map of the Hamiltonian alone, which decides what counts as
    seen. response: the amplitudes of the lines as they are fitted, each with its decay.
    """

    H: ComplexArray
    jumps: ComplexArray | None
    t2_star: float | None
    seen: ReadoutMap
    response: ReadoutMap

    @property
    def channels(self) -> tuple[int, ...]:
        """The detected channels."""
        return self.response.lines.detected

    def signal(self, rho: ComplexArray, channel: int, receiver: Receiver) -> Fid:
        """The noiseless FID of one channel, Tr[rho(t) F_+], with all else that the receiver does to it."""
        D = detector(self.seen_spins, self.response.lines.groups[channel])
        quiet = replace(receiver, noise=0.0)
        return fid(rho, self.H, D, quiet, jumps=() if self.jumps is None else self.jumps, t2=self.t2_star)

    @property
    def seen_spins(self) -> int:
        """Number of spins."""
        return sum(len(group) for group in self.response.lines.groups)

    def parameters(self, channel: int) -> tuple[FloatArray, FloatArray]:
        """Frequencies in Hz and T2* in s of the lines of one channel."""
        rates = self.response.lines.rates[self.response.lines.of(channel)]
        decay = -rates.real + (0.0 if self.t2_star is None else 1 / self.t2_star)
        return rates.imag / (2 * np.pi), 1 / np.maximum(decay, 1 / _FOREVER)

    def amplitudes(self, data: Fid, channel: int) -> ComplexArray:
        """Fitted amplitudes (..., K) of one channel's lines, in units of <X> + i <Y>."""
        fitted: ComplexArray = 2 * fit_amplitudes(data, *self.parameters(channel), noise=0.0).amplitude
        return fitted

    def unit_covariance(self, data: Fid, channel: int) -> FloatArray:
        """Covariance (2K, 2K) of these amplitudes for noise of unit standard deviation in the points of such a FID."""
        silent = data.with_signal(np.zeros(data.points, dtype=complex))
        unit: FloatArray = 4 * fit_amplitudes(silent, *self.parameters(channel), noise=1.0).covariance
        return unit

    def inversion(self, covariances: Sequence[Sequence[FloatArray]]) -> Inversion:
        """The estimator for covariances (2K, 2K) of the amplitudes of each readout and channel."""
        lines = self.response.lines
        L = len(lines.channels)
        blocks = []
        for of_readout in covariances:
            block = np.zeros((2 * L, 2 * L))
            for channel, covariance in zip(self.channels, of_readout, strict=True):
                where = np.flatnonzero(np.tile(lines.of(channel), 2))
                block[np.ix_(where, where)] = covariance
            blocks.append(block)
        return inversion(self.seen.seen, self.response, blocks)


def protocol(
    timeline: Timeline,
    readouts: Sequence[str | Readout] | None = None,
    *,
    detect: Sequence[int] | None = None,
    resolution: float = 0.0,
    decouple: bool = False,
    t2_star: float | None = None,
) -> Protocol:
    """The protocol that reads out a timeline's sample, with the readouts of its class by default.

    decouple: the couplings between channels are off while a signal is acquired. Other arguments as of `resolved_lines`.
    Raises ArgumentError for a timeline that does not say its free Hamiltonian and channels, or has more than one.
    """
    H, groups = free_hamiltonian(timeline, decouple=decouple), timeline.groups
    jumps = None if timeline.noise is None else timeline.noise.jump_operators()
    if jumps is not None and not len(jumps):
        jumps = None
    chosen = default_readouts(groups) if readouts is None else readouts
    decay = None if t2_star is None else float(checks.positive("t2_star", t2_star))
    seen = readout_map(resolved_lines(H, groups, detect=detect, resolution=resolution), chosen)
    response = seen
    if jumps is not None:
        lines = resolved_lines(H, groups, detect=detect, resolution=resolution, jumps=jumps)
        response = readout_map(lines, chosen)
    return Protocol(H, jumps, decay, seen, response)


def free_hamiltonian(timeline: Timeline, *, decouple: bool = False) -> ComplexArray:
    """The Hamiltonian (d, d) in rad/s under which a timeline's sample is acquired. Raises ArgumentError as `protocol`."""
    if timeline.drift is None:
        raise ArgumentError("timeline", "one without drift", "say the Hamiltonian with the transmitter off")
    if timeline.drift.ndim != 1:
        found = f"one with drift of shape {timeline.drift.shape}"
        raise ArgumentError("timeline", found, "have one free Hamiltonian, of shape (K,), for all its members")
    groups = checked_groups(timeline.groups, timeline.n)
    kept = np.array([not decouple or _within(label, groups) for label in timeline.labels])
    return pauli_sum(timeline.labels, timeline.drift * kept)


def _within(label: str, groups: tuple[tuple[int, ...], ...]) -> bool:
    return sum(any(label[k] != "I" for k in group) for group in groups) <= 1


def default_receiver(plan: Protocol, noise: float) -> Receiver:
    """A receiver that holds every line within half its width, and each until it has decayed or can be told apart."""
    lines, rates = plan.seen.lines, plan.response.lines.rates
    highest = max(float(np.abs(lines.frequencies).max()), 1.0)
    dwell = 1 / (4 * highest)
    spacing = min((_spacing(lines.frequencies[lines.of(channel)]) for channel in lines.detected), default=np.inf)
    decays = -rates.real[rates.real < -1e-12 * highest]
    if plan.t2_star is not None:
        decays = np.append(decays, 1 / plan.t2_star)
    length = max(_LENGTH / spacing, _LENGTH / decays.min() if decays.size else 0.0)
    return Receiver(dwell, int(np.clip(np.ceil(length / dwell), _FEWEST, _MOST)), noise=noise)


def _spacing(frequencies: FloatArray) -> float:
    """Least distance of neighbouring lines in Hz."""
    return float(np.diff(np.sort(frequencies)).min()) if frequencies.size > 1 else np.inf
