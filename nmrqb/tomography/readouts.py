"""Readout pulses of NMR tomography, and which of them suit a sample.

A readout is one ideal pulse on each channel (the spins of one isotope), after which the signal is acquired while the
spins evolve freely. What it yields is the complex amplitude of every line that can be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from nmrqb.checks import ComplexArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import collective
from nmrqb.spin.propagation import unitary

#: Spins that one coil rotates and detects together, by number; one tuple for each channel.
Groups = tuple[tuple[int, ...], ...]

_PHASES = {"x": 0.0, "y": np.pi / 2, "-x": np.pi, "-y": 3 * np.pi / 2}
_LETTERS = {"I": "0", "X": "90x", "Y": "90y"}
_PULSE = re.compile(r"(\d+(?:\.\d+)?)(-?[xy])")


@dataclass(frozen=True)
class Readout:
    """One ideal pulse for each channel: name, flip angles and phases in rad, each of shape (channels,)."""

    name: str
    flips: tuple[float, ...]
    phases: tuple[float, ...]

    @classmethod
    def parse(cls, text: str, channels: int) -> Readout:
        """A readout from its name: one pulse for each channel, separated by blanks, such as "45y" or "90x 0".

        A pulse is a flip angle in degrees and a phase x, y, -x or -y, or "0"; the letters I, X, Y stand for no pulse and
        for 90 degrees about x and y, and may be written together: "IX" on two channels. Raises ArgumentError.
        """
        words = list(text) if len(text) > 1 and not set(text) - set(_LETTERS) else text.split()
        pulses = [_pulse(_LETTERS.get(word, word), text) for word in words]
        if len(pulses) != channels:
            allowed = f"hold one pulse for each of {channels} channels"
            raise ArgumentError("readout", f"{text!r} with {len(pulses)}", allowed)
        return cls(text, tuple(flip for flip, _ in pulses), tuple(phase for _, phase in pulses))

    def unitary(self, groups: Groups) -> ComplexArray:
        """The rotation exp(-i sum_c flip_c (F_x cos phase_c + F_y sin phase_c)), shape (2^N, 2^N)."""
        n = sum(len(group) for group in groups)
        generator = np.zeros((2**n, 2**n), dtype=complex)
        for flip, phase, group in zip(self.flips, self.phases, groups, strict=True):
            generator += flip * (np.cos(phase) * collective(n, "x", group) + np.sin(phase) * collective(n, "y", group))
        return unitary(generator, check=False)


def _pulse(word: str, text: str) -> tuple[float, float]:
    if word == "0":
        return 0.0, 0.0
    found = _PULSE.fullmatch(word)
    if not found:
        raise ArgumentError("readout", repr(text), 'be made of pulses such as "45y", "90-x", "0", or I, X, Y')
    return np.deg2rad(float(found[1])), _PHASES[found[2]]


def parsed(readouts: Sequence[str | Readout], groups: Groups) -> tuple[Readout, ...]:
    """Readouts from their names. Raises ArgumentError for none, and for one that does not fit the channels."""
    if not readouts:
        raise ArgumentError("readouts", "empty", "name at least one readout")
    made = tuple(r if isinstance(r, Readout) else Readout.parse(r, len(groups)) for r in readouts)
    for readout in made:
        if len(readout.flips) != len(groups):
            allowed = f"hold one pulse for each of {len(groups)} channels"
            raise ArgumentError("readout", f"{readout.name!r} with {len(readout.flips)}", allowed)
    return made


def checked_groups(groups: Groups, n: int) -> Groups:
    """The groups, where they hold each of n spins once. Raises ArgumentError."""
    if sorted(k for group in groups for k in group) != list(range(n)):
        raise ArgumentError("groups", groups, f"hold each of the spins 0 to {n - 1} once")
    return groups


def readout_candidates(groups: Groups) -> tuple[Readout, ...]:
    """Readouts worth choosing from.

    One spin on each channel: no pulse, 90x or 90y on every one, 3^channels in all. Where a channel rotates several spins
    together, 90 degrees never show what is even under exchange of x, y and z, so 45 degrees about x, y, -x, -y are added.
    """
    one = ("I", "X", "Y")
    several = ("0", "45x", "45y", "45-x", "45-y", "90x", "90y", "90-x", "90-y")
    if all(len(group) == 1 for group in groups):
        names = ["".join(letters) for letters in product(one, repeat=len(groups))]
    else:
        names = [
            " ".join(w) for w in product(*(several if len(group) > 1 else ("0", "90x", "90y") for group in groups))
        ]
    return parsed(names, groups)


def default_readouts(groups: Groups) -> tuple[Readout, ...]:
    """The readouts for a class of sample.

    Two channels of one spin (AX): II, IX, IY, XX, one of the 81 complete sets of four. One channel of like spins (A2): 0,
    45x, 45y, 45-x, 45-y; three would do, five give less noise in the same time. Anything else: all `readout_candidates`.
    """
    if len(groups) == 2 and all(len(group) == 1 for group in groups):
        return parsed(("II", "IX", "IY", "XX"), groups)
    if len(groups) == 1 and len(groups[0]) > 1:
        return parsed(("0", "45x", "45y", "45-x", "45-y"), groups)
    return readout_candidates(groups)
