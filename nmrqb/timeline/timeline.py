"""Timeline: slices of constant Hamiltonian as angles on Pauli strings, with marks between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr.noise import Noise


@dataclass(frozen=True)
class Mark:
    """Something that happens between two slices.

    after: number of slices before it. "observe" wants the state, by `name`; "crush" leaves, of each group of spins,
    only the coherence whose order over that group is zero.
    """

    kind: Literal["observe", "crush"]
    after: int
    name: str = ""
    groups: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Timeline:
    """S slices over N spins: slice s is exp(-i sum_k angles[..., s, k] P_k), in durations[..., s] seconds.

    labels: K Pauli strings P_k. angles: (..., S, K), coefficient (rad/s) x duration, so an ideal pulse is a slice of
    zero duration. durations: (..., S) in s. Leading axes are sweeps and ensembles. events: for each slice the index of the
    sequence step it comes from. noise: what acts during timed slices, or None for unitary slices. drift: (K,), the
    Hamiltonian with the transmitter off, in rad/s on the same labels, which also acts while a signal is acquired.
    groups: spins of one isotope, which a coil and a gradient treat alike.
    Raises ArgumentError when shapes do not fit or a duration is negative.
    """

    labels: tuple[str, ...]
    angles: FloatArray
    durations: FloatArray
    marks: tuple[Mark, ...]
    events: tuple[int, ...]
    noise: Noise | None = None
    drift: FloatArray | None = None
    groups: tuple[tuple[int, ...], ...] = ()

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
        """Leading axes: sweep and ensemble."""
        return self.durations.shape[:-1]

    @property
    def observed(self) -> tuple[str, ...]:
        """Names of the observed marks, in order."""
        return tuple(mark.name for mark in self.marks if mark.kind == "observe")

    @property
    def crushers(self) -> tuple[Mark, ...]:
        """The crusher marks, in order."""
        return tuple(mark for mark in self.marks if mark.kind == "crush")

    def marks_after(self, count: int) -> tuple[Mark, ...]:
        """Marks that stand after `count` slices, in order."""
        return tuple(mark for mark in self.marks if mark.after == count)
