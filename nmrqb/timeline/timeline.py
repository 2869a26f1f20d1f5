"""Timeline: slices of constant Hamiltonian as angles on Pauli strings, with marks between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import on_spin


@dataclass(frozen=True)
class Mark:
    """Something that happens between two slices.

    after: number of slices before it. "observe" wants the state, by `name`; "crush" leaves, of each group of spins,
    only the coherence whose order over that group is zero; "acquire" wants the state too, to record the decay of
    the spins in its one group.
    """

    kind: Literal["observe", "crush", "acquire"]
    after: int
    name: str = ""
    groups: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Timeline:
    """S slices over N spins: slice s is exp(-i sum_k angles[..., s, k] P_k), in durations[..., s] seconds.

    labels: K Pauli strings P_k. angles: (..., S, K), coefficient (rad/s) x duration, so an ideal pulse is a slice of
    zero duration. durations: (..., S) in s. Leading axes are sweeps. events: for each slice the index of the sequence step
    it comes from. noise: what acts during timed slices, or None for unitary slices. drift: (K,), or (..., K) where members
    of an ensemble differ, the Hamiltonian with the transmitter off, in rad/s on the same labels, which also acts while a
    signal is acquired. groups: spins of one isotope, which a coil and a gradient treat alike. ensemble: members that differ
    from the nominal angles, or None; `expanded` writes them out. receiver: (C,), receiver phases in rad of a phase cycle,
    which then is the first leading axis, of length C; engines add its steps up (`nmrqb.timeline.cycle`).
    Raises ArgumentError when shapes do not fit, a duration is negative, or the ensemble gives offsets to another number of
    groups.
    """

    labels: tuple[str, ...]
    angles: FloatArray
    durations: FloatArray
    marks: tuple[Mark, ...]
    events: tuple[int, ...]
    noise: Noise | None = None
    drift: FloatArray | None = None
    groups: tuple[tuple[int, ...], ...] = ()
    ensemble: Ensemble | None = None
    receiver: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.angles.shape[-1] != len(self.labels) or self.angles.shape[:-1] != self.durations.shape:
            found = (
                f"{self.angles.shape} beside durations of shape {self.durations.shape} and {len(self.labels)} labels"
            )
            raise ArgumentError("angles", found, "have shape (..., S, K) over durations (..., S) and K labels")
        if (self.durations < 0).any():
            raise ArgumentError("durations", float(self.durations.min()), "be zero or longer")
        if len(self.events) != self.slices:
            raise ArgumentError(
                "events", f"of length {len(self.events)}", f"have one entry for each of {self.slices} slices"
            )
        if self.ensemble is not None and self.ensemble.groups not in (1, len(self.groups)):
            found = f"one with offsets for {self.ensemble.groups} groups of spins"
            raise ArgumentError(
                "ensemble", found, f"give one offset for all, or one for each of {len(self.groups)} groups"
            )

    @property
    def n(self) -> int:
        """Number of spins."""
        return len(self.labels[0])

    @property
    def slices(self) -> int:
        """Number of slices S."""
        return self.durations.shape[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Leading axes, sweeps; the members of an ensemble are none of them."""
        return self.durations.shape[:-1]

    @property
    def observed(self) -> tuple[str, ...]:
        """Names of the observed and acquired marks, in order."""
        return tuple(mark.name for mark in self.marks if mark.kind != "crush")

    @property
    def crushers(self) -> tuple[Mark, ...]:
        """The crusher marks, in order."""
        return tuple(mark for mark in self.marks if mark.kind == "crush")

    def marks_after(self, count: int) -> tuple[Mark, ...]:
        """Marks that stand after `count` slices, in order."""
        return tuple(mark for mark in self.marks if mark.after == count)


def expanded(timeline: Timeline) -> Timeline:
    """The same without an ensemble: its members written out as a last leading axis, angles (..., M, S, K).

    A timeline without an ensemble comes back as it is. This multiplies S by M in memory; the exact engine does without.
    """
    ensemble = timeline.ensemble
    if ensemble is None:
        return timeline
    n, offset = timeline.n, ensemble.offset
    groups = timeline.groups if offset.ndim == 2 else (tuple(range(n)),)
    shifts = dict.fromkeys(timeline.labels, np.zeros(len(ensemble)))
    if np.any(offset):
        for g, group in enumerate(groups):
            shifts |= {on_spin(n, k, "Z"): np.pi * offset.reshape(len(ensemble), -1)[:, g] for k in group}
    labels = tuple(shifts)
    new = ((0, 0),) * len(timeline.shape), ((0, len(labels) - len(timeline.labels)),)
    angles = np.pad(timeline.angles, (*new[0], (0, 0), *new[1]))[..., None, :, :]
    scale, shift = _scales(labels, ensemble), np.stack(list(shifts.values()), axis=-1)  # (M, K)
    durations = timeline.durations[..., None, :]
    angles = angles * scale[:, None, :] + durations[..., None] * shift[:, None, :]
    drift = timeline.drift
    if drift is not None:
        drift = np.pad(drift, ((0, 0),) * (drift.ndim - 1) + new[1])[..., None, :] * scale + shift
    durations = np.broadcast_to(durations, angles.shape[:-1]).copy()
    return replace(timeline, labels=labels, angles=angles, durations=durations, drift=drift, ensemble=None)


def _scales(labels: tuple[str, ...], ensemble: Ensemble) -> FloatArray:
    """Factor on every label for every member, (M, K)."""
    columns = []
    for label in labels:
        letters = label.replace("I", "")
        if len(letters) > 1:
            columns.append(ensemble.coupling)
        else:
            columns.append(ensemble.rf if letters in ("X", "Y") else np.ones(len(ensemble)))
    return np.stack(columns, axis=-1)
