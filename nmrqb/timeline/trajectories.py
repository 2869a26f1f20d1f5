"""X-dephasing made by what a coil can do: timelines with random pulses, whose states average to the Lindblad solution.

Each function gives a Timeline with one more leading axis in front, the runs: on the exact engine one batch, on circuits one
set of circuits a run. The mean over the first axis of the states is the estimate, and it scatters as 1/sqrt(runs).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import on_spin
from nmrqb.timeline.timeline import Timeline

Seed = int | np.random.Generator | None


def random_flips(timeline: Timeline, runs: int, steps: int, seed: Seed = None) -> Timeline:
    """X-dephasing as independent flips: in the middle of each of `steps` pieces of a timed slice, X on a spin or nothing.

    A spin of rate gamma is flipped with probability (1 - exp(-2 gamma dt))/2 for a piece of dt, which is the channel of
    that piece exactly; what is left is the symmetric splitting from the rest, of second order in dt. Each spin needs its own
    channel on the transmitter: like spins under one coil cannot be flipped apart. Raises ArgumentError for runs or steps
    below 1, for a timeline without X-dephasing, and for collective X-dephasing, which is no flip (see `noisy_rf`).
    """
    noise, gamma = _x_rates(timeline, runs, steps)
    if noise.x_dephasing_collective:
        found = f"{noise.x_dephasing_collective:g} /s"
        raise ArgumentError("collective X-dephasing", found, "be zero to be made of independent flips")
    rng = np.random.default_rng(seed)
    cut = _Cut(timeline, runs)
    for s in range(timeline.slices):
        if not cut.timed(s):
            cut.piece(s, 1.0)
            continue
        p = -0.5 * np.expm1(-2 * gamma * timeline.durations[..., s, None] / steps)
        for step in range(steps):
            cut.piece(s, 0.5 / steps if step == 0 else 1 / steps)
            cut.kick(s, np.where(rng.random((runs, *p.shape)) < p, np.pi / 2, 0.0))
        cut.piece(s, 0.5 / steps)
    return cut.timeline(noise)


def noisy_rf(timeline: Timeline, runs: int, steps: int, seed: Seed = None) -> Timeline:
    """X-dephasing as white noise of the transmitter, H = w(t) X/2 with <w(t) w(t')> = 4 gamma delta(t - t').

    Each timed slice is cut into `steps` pieces of dt with a constant w, so that w dt/2 is drawn from a normal distribution
    of variance gamma dt; its rms nutation frequency, sqrt(gamma/dt)/pi in Hz, should be kept below the sample's RF limit.
    Spins with a rate of their own have a w of their own; collective X-dephasing has one w for each group of like spins, as
    noise on one coil has. A w that is constant over dt costs [X, [X, H]] gamma dt/12 on average, first order in dt. Raises
    ArgumentError for runs or steps below 1, and for a timeline without X-dephasing.
    """
    noise, gamma = _x_rates(timeline, runs, steps)
    rng = np.random.default_rng(seed)
    cut = _Cut(timeline, runs)
    for s in range(timeline.slices):
        if not cut.timed(s):
            cut.piece(s, 1.0)
            continue
        time = timeline.durations[..., s, None] / steps
        for _ in range(steps):
            kick = np.sqrt(gamma * time) * rng.normal(size=(runs, *timeline.shape, noise.n))
            for group in noise.like:
                common = rng.normal(size=(runs, *timeline.shape, 1))
                kick[..., list(group)] += np.sqrt(noise.x_dephasing_collective * time) * common
            cut.piece(s, 1 / steps, kick)
    return cut.timeline(noise)


def _x_rates(timeline: Timeline, runs: int, steps: int) -> tuple[Noise, FloatArray]:
    for name, value in (("runs", runs), ("steps", steps)):
        if value != int(value) or value < 1:
            raise ArgumentError(name, value, "be a whole number, 1 or more")
    noise = timeline.noise
    if noise is None or not (any(noise.x_dephasing) or noise.x_dephasing_collective):
        raise ArgumentError("timeline", "one without X-dephasing", "have noise with X-dephasing to make it of pulses")
    return noise, np.array(noise.x_dephasing or (0.0,) * noise.n)


@dataclass
class _Cut:
    """A timeline being written anew in pieces, with kicks about x between them or in them."""

    old: Timeline
    runs: int
    angles: list[FloatArray] = field(default_factory=list)
    durations: list[FloatArray] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        old = self.old
        needed = [on_spin(old.n, k, "X") for k in range(old.n)]
        self.labels = (*old.labels, *(label for label in needed if label not in old.labels))
        self.x = [self.labels.index(label) for label in needed]

    def timed(self, s: int) -> bool:
        """Whether a slice takes time for any value of a sweep."""
        return bool(np.any(self.old.durations[..., s] > 0))

    def piece(self, s: int, fraction: float, kick: FloatArray | None = None) -> None:
        """A part of slice s, with random x angles (runs, ..., N) on top."""
        angles = np.zeros((self.runs, *self.old.shape, len(self.labels)))
        angles[..., : len(self.old.labels)] = fraction * self.old.angles[..., s, :]
        if kick is not None:
            angles[..., self.x] += kick
        self._add(s, angles, np.broadcast_to(fraction * self.old.durations[..., s], angles.shape[:-1]))

    def kick(self, s: int, kick: FloatArray) -> None:
        """Ideal pulses about x within slice s."""
        angles = np.zeros((self.runs, *self.old.shape, len(self.labels)))
        angles[..., self.x] = kick
        self._add(s, angles, np.zeros(angles.shape[:-1]))

    def _add(self, s: int, angles: FloatArray, durations: FloatArray) -> None:
        while len(self.starts) <= s:
            self.starts.append(len(self.angles))
        self.angles.append(angles)
        self.durations.append(durations)
        self.events.append(self.old.events[s])

    def timeline(self, noise: Noise) -> Timeline:
        """The result: X-dephasing is in the pulses now, other noise stays."""
        old = self.old
        starts = [*self.starts, len(self.angles)]
        rest: Noise | None = replace(noise, x_dephasing=(), x_dephasing_collective=0.0)
        if rest is not None and not len(rest.jump_operators()) and not any(rest.readout):
            rest = None
        drift = old.drift
        if drift is not None:
            drift = np.pad(drift, ((0, 0),) * (drift.ndim - 1) + ((0, len(self.labels) - len(old.labels)),))
        return replace(
            old,
            labels=self.labels,
            angles=np.stack(self.angles, axis=-2),
            durations=np.stack(self.durations, axis=-1),
            marks=tuple(replace(mark, after=starts[mark.after]) for mark in old.marks),
            events=tuple(self.events),
            noise=rest,
            drift=drift,
        )
