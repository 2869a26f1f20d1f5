"""A simulated spectrometer: readout pulses, FIDs with receiver noise, line fits, and states from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection import Fid, Receiver
from nmrqb.errors import ArgumentError
from nmrqb.results import Progress, States
from nmrqb.spin.operators import collective
from nmrqb.timeline import Timeline, cycle_average, evolve
from nmrqb.tomography import ReadoutReport, nearest_state, readout_report
from nmrqb.tomography.nmr_inversion import Assume, Inversion, assumption
from nmrqb.tomography.nmr_map import coefficients, state_of
from nmrqb.tomography.nmr_measured import measured
from nmrqb.tomography.nmr_protocol import Protocol, default_receiver, protocol
from nmrqb.tomography.readouts import Readout

#: Noise of a point of one scan, as a fraction of the full thermal signal, where no receiver says another.
DEFAULT_NOISE = 0.01
#: Points of FIDs held at once.
_CHUNK = 2**22


@dataclass(frozen=True)
class Spectrometer:
    """NMR tomography of the states a timeline observes.

    For each mark and readout: exact evolution to the mark, an ideal readout pulse, FIDs of the detected channels under the
    timeline's free Hamiltonian and noise, a fit of the lines' amplitudes (frequencies and decays known), and weighted
    least squares for the state. What the readouts cannot see is filled by a named assumption; `report` tells, before
    anything is run. A timeline's ensemble and phase cycle act up to the mark, and the average state is what is read;
    acquisition knows one free Hamiltonian and T2*.

    readouts: names (see `Readout.parse`), None for those of the sample's class (`default_readouts`). receiver: None for
    one that suits the lines, with noise DEFAULT_NOISE. Its `noise` and `dc` count in units of the full thermal FID of
    each channel, so 1/noise is the signal-to-noise ratio of its first point in one scan; its phase is known here and
    taken off, its image and dc are not. full_signal: that of each detected channel as sum_k <I_kz>, None to take it from
    rho0 as the signal of a 90-degree pulse on it. scans: over what the receiver says. detect: channels, None for all.
    resolution (Hz): lines nearer than this are fitted as one. decouple: channels are decoupled during acquisition. t2_star:
    decay time in s from field inhomogeneity, on top of the timeline's noise. assume: "conserved" or "mixed", see
    `nmrqb.tomography.nmr_inversion.assumption`. seed: an integer, or None for a fresh one (it is recorded). replicas:
    behind the error bars. scatter: "covariance" draws them from the covariance of the fits, "noise" by adding receiver
    noise to the FIDs again and fitting; the distribution is the same. estimator: "nearest" gives the density matrix
    nearest to the least-squares solution, replica by replica; "linear" leaves it as it is: unbiased in what is seen, with
    eigenvalues that noise may push below zero.
    """

    readouts: Sequence[str | Readout] | None = None
    receiver: Receiver | None = None
    scans: int | None = None
    seed: int | None = None
    replicas: int = 200
    detect: Sequence[int] | None = None
    resolution: float = 0.0
    decouple: bool = False
    t2_star: float | None = None
    full_signal: ArrayLike | None = None
    assume: Assume = "conserved"
    scatter: Literal["covariance", "noise"] = "covariance"
    estimator: Literal["nearest", "linear"] = "nearest"
    source = "spectrometer"

    def __post_init__(self) -> None:
        for name, allowed in (
            ("assume", ("conserved", "mixed")),
            ("scatter", ("covariance", "noise")),
            ("estimator", ("nearest", "linear")),
        ):
            if getattr(self, name) not in allowed:
                raise ArgumentError(name, repr(getattr(self, name)), f'be "{allowed[0]}" or "{allowed[1]}"')
        if self.replicas < 2:
            raise ArgumentError("replicas", self.replicas, "be 2 or more")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ArgumentError("seed", self.seed, "be zero or above, and below 2^63, the largest that data files hold")
        if self.scans is not None and self.scans < 1:
            raise ArgumentError("scans", self.scans, "be 1 or more")

    def report(self, timeline: Timeline, energy: ArrayLike | None = None) -> ReadoutReport:
        """What the readouts will see of this timeline's sample, and what is assumed of the rest; print it.

        energy: the battery's Hamiltonian (d, d), of which the report then says how far it is measured. Raises
        ArgumentError as `run`.
        """
        plan = self._protocol(timeline)
        return readout_report(plan.seen, assumption(plan.seen, plan.H, self.assume).text, energy)

    def run(self, timeline: Timeline, rho0: ArrayLike, progress: Progress | None = None) -> States:
        """States at the observed marks, rho (..., mark, 1 + replicas, d, d), from rho0 (..., d, d).

        Without receiver noise there are no replicas. info holds the readouts, rank, condition and assumption; sigma, the
        standard error of a state in Hilbert-Schmidt distance; and two bounds in that distance, both without noise and the
        largest over points and marks: assumption_error, how far what is assumed lies from the true state, and
        systematic, how far the whole estimate does. Raises ArgumentError for a rho0 that is no density matrix of the
        timeline's dimension, and for a timeline that does not say its free Hamiltonian and channels.
        """
        start = checks.density_matrix("rho0", rho0, 2**timeline.n)
        plan = self._protocol(timeline)
        states = cycle_average(timeline, evolve(timeline, start))
        job = _Job(self, plan, start)
        seed = self._seed()
        rng = np.random.default_rng(seed)
        filled = assumption(plan.seen, plan.H, self.assume)
        assumed = np.broadcast_to(filled.fill(start)[..., None, :], (*states.shape[:-2], plan.seen.parameters))
        clean, noise = job.acquired(states, rng, progress)
        truth = coefficients(states)
        ideal = job.inversion.coefficients(clean, assumed)
        x = (ideal + job.inversion.scattered(noise))[..., None, :]
        if job.noisy:
            x = np.concatenate([x, x + job.replicas(rng, states.shape[:-2])], axis=-2)
        rho = state_of(x)
        info = {
            **self._info(plan, job, filled.text),
            "assumption_error": _largest((truth - assumed) @ plan.seen.unseen.T),
            "systematic": _largest(truth - ideal),
            "seed": seed,
        }
        return States(self._estimated(rho), timeline.observed, self.source, info)

    def reconstruct(
        self,
        fids: Mapping[str, Fid | Sequence[Fid]],
        timeline: Timeline,
        *,
        rho0: ArrayLike | None = None,
        reference: Fid | Sequence[Fid] | None = None,
        refine: bool = False,
        mark: str = "measured",
    ) -> States:
        """The state behind measured FIDs, rho (..., 1, 1 + replicas, d, d) with one mark.

        fids: for each readout its FID (..., N), or one for each detected channel in order; the readouts are those named
        here. Files do not hold the dead time: set it as the Fid's start. timeline: any of the sample, for its free
        Hamiltonian, channels and noise. rho0: the thermal state, of which the assumption keeps what it keeps (None: the
        maximally mixed state). reference: the FIDs of rho0 after 90 degrees along y on all channels, taken with the same
        receiver: their size and phase set the scale. Without it FIDs count as Tr[rho(t) F_+], as `nmrqb.acquire` makes them
        with normalised=False. refine: frequencies and T2* are fitted to all FIDs of a channel together, from what the sample says, and their errors count. Noise is that of
        the Fid, else what the fits leave over; without any there are no replicas. The reference's own noise is left out of
        the error bars. info holds misfit as well, the norm of what the fits leave over by that of the FIDs.
        Raises ArgumentError for FIDs that do not fit the channels or one another, and for a reference without rho0.
        """
        plan = replace(self, readouts=tuple(fids))._protocol(timeline)
        seed = self._seed()
        start = None if rho0 is None else checks.density_matrix("rho0", rho0, 2**timeline.n)
        result = measured(plan, fids, start, reference, refine=refine)
        filled = assumption(plan.seen, plan.H, self.assume)
        mixed = np.eye(2**timeline.n, dtype=complex) / 2**timeline.n
        assumed = np.broadcast_to(filled.fill(mixed if start is None else start), (*result.shape, plan.seen.parameters))
        x = result.inversion.coefficients(result.amplitudes, assumed)[..., None, :]
        if result.noisy:
            drawn = result.inversion.drawn(np.random.default_rng(seed), (*result.shape, self.replicas))
            x = np.concatenate([x, x + drawn], axis=-2)
        rho = state_of(x)[..., None, :, :, :]
        info = {
            **_summary(plan, filled.text),
            "sigma": result.inversion.error if result.noisy else 0.0,
            "misfit": result.misfit,
            "replicas": self.replicas if result.noisy else 0,
            "estimator": self.estimator,
            "seed": seed,
        }
        return States(self._estimated(rho), (mark,), self.source, info)

    def _seed(self) -> int:
        if self.seed is not None:
            return self.seed
        return int(np.random.SeedSequence().entropy % 2**63)  # type: ignore[operator]

    def _estimated(self, rho: ComplexArray) -> ComplexArray:
        return nearest_state(rho) if self.estimator == "nearest" else rho

    def _protocol(self, timeline: Timeline) -> Protocol:
        return protocol(
            timeline,
            self.readouts,
            detect=self.detect,
            resolution=self.resolution,
            decouple=self.decouple,
            t2_star=self.t2_star,
        )

    def _info(self, plan: Protocol, job: _Job, text: str) -> dict[str, Any]:
        return {
            **_summary(plan, text),
            "sigma": job.inversion.error if job.noisy else 0.0,
            "full_signal": [float(s) for s in job.full],
            "noise": job.receiver.noise,
            "scans": job.receiver.scans,
            "points": job.receiver.points,
            "dwell": job.receiver.dwell,
            "replicas": self.replicas if job.noisy else 0,
            "replicas_from": self.scatter,
            "estimator": self.estimator,
        }


def _summary(plan: Protocol, text: str) -> dict[str, Any]:
    return {
        "readouts": [readout.name for readout in plan.seen.readouts],
        "rank": plan.seen.rank,
        "parameters": plan.seen.parameters,
        "condition": plan.seen.condition,
        "assumption": text,
    }


def _largest(differences: FloatArray) -> float:
    return float(np.max(np.linalg.norm(differences, axis=-1), initial=0.0))


class _Job:
    """One run: a receiver for each channel, and the estimator for its noise."""

    def __init__(self, engine: Spectrometer, plan: Protocol, start: ComplexArray) -> None:
        self.engine, self.plan = engine, plan
        receiver = engine.receiver or default_receiver(plan, DEFAULT_NOISE)
        self.receiver = receiver if engine.scans is None else replace(receiver, scans=engine.scans)
        self.noisy = self.receiver.noise > 0
        self.full = _full_signal(plan, engine.full_signal, start)
        if (self.noisy or self.receiver.dc) and not np.all(self.full > 0):
            allowed = "be given, as rho0 has no z-polarisation on every detected channel to take it from"
            raise ArgumentError("full_signal", engine.full_signal, allowed)
        self.receivers = [
            replace(self.receiver, noise=self.receiver.noise * s, dc=self.receiver.dc * s) for s in self.full
        ]
        empty = [Fid(np.zeros(r.points, dtype=complex), r.dwell, r.dead_time) for r in self.receivers]
        covariances = [
            (r.averaged_noise if self.noisy else 1.0) ** 2 * plan.unit_covariance(data, c)
            for c, data, r in zip(plan.channels, empty, self.receivers, strict=True)
        ]
        self.inversion: Inversion = plan.inversion([covariances] * len(plan.seen.readouts))

    def acquired(
        self, states: ComplexArray, rng: np.random.Generator, progress: Progress | None
    ) -> tuple[ComplexArray, ComplexArray]:
        """Amplitudes (..., R, L) of the signal and of its noise, which the linear fit keeps apart."""
        lead, d = states.shape[:-2], states.shape[-1]
        flat = states.reshape(-1, d, d)
        shape = (len(flat), len(self.plan.seen.readouts), len(self.plan.response.lines.channels))
        clean, noise = np.zeros(shape, dtype=complex), np.zeros(shape, dtype=complex)
        for r, readout in enumerate(self.plan.seen.readouts):
            U = readout.unitary(self.plan.response.lines.groups)
            for part in self._parts(len(flat)):
                turned = U @ flat[part] @ U.conj().T
                for channel, receiver in zip(self.plan.channels, self.receivers, strict=True):
                    data = self.plan.signal(turned, channel, receiver)
                    data = data.with_signal(data.signal * np.exp(-1j * receiver.phase))
                    where = self.plan.response.lines.of(channel)
                    clean[part, r, where] = self.plan.amplitudes(data, channel)
            if progress is not None:
                progress(r + 1, shape[1])
        if self.noisy:
            noise = self._fitted_noise(rng, len(flat))
        return clean.reshape(*lead, *shape[1:]), noise.reshape(*lead, *shape[1:])

    def replicas(self, rng: np.random.Generator, lead: tuple[int, ...]) -> FloatArray:
        """Scatter of the coefficients (*lead, replicas, 4^N - 1)."""
        shape = (*lead, self.engine.replicas)
        if self.engine.scatter == "covariance":
            return self.inversion.drawn(rng, shape)
        amplitudes = self._fitted_noise(rng, int(np.prod(shape)))
        return self.inversion.scattered(amplitudes).reshape(*shape, -1)

    def _fitted_noise(self, rng: np.random.Generator, count: int) -> ComplexArray:
        """What the fits make of pure receiver noise, (count, R, L)."""
        lines, readouts = self.plan.response.lines, self.plan.seen.readouts
        fitted = np.zeros((count, len(readouts), len(lines.channels)), dtype=complex)
        for r in range(len(readouts)):
            for part in self._parts(count):
                for channel, receiver in zip(self.plan.channels, self.receivers, strict=True):
                    bare = Receiver(receiver.dwell, receiver.points, receiver.dead_time, receiver.averaged_noise)
                    points = np.zeros((part.stop - part.start, receiver.points), dtype=complex)
                    data = Fid(bare.record(points, rng), receiver.dwell, receiver.dead_time)
                    fitted[part, r, lines.of(channel)] = self.plan.amplitudes(data, channel)
        return fitted

    def _parts(self, count: int) -> Iterator[slice]:
        size = max(1, _CHUNK // self.receiver.points)
        return (slice(first, min(first + size, count)) for first in range(0, count, size))


def _full_signal(plan: Protocol, given: ArrayLike | None, start: ComplexArray) -> FloatArray:
    """|sum_k <I_kz>| of each detected channel: what a 90-degree pulse turns into signal. Raises ArgumentError."""
    if given is not None:
        return np.broadcast_to(checks.positive("full_signal", given), (len(plan.channels),))
    groups = plan.response.lines.groups
    found = [
        np.max(np.abs(np.einsum("ij,...ji->...", collective(plan.seen_spins, "z", groups[c]), start)))
        for c in plan.channels
    ]
    return np.array(found)
