"""What a sample can be made to do: which couplings, how fast, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmrqb.battery import Battery
from nmrqb.design.ax import zz_rate
from nmrqb.design.cycles import dipolar_sign, largest_speed, weights
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample

_NAMES = ("axial", "rhombic", "dm", "ksea", "zeeman")


@dataclass(frozen=True)
class Reach:
    """What a battery can be on a sample.

    possible: whether at all; `reason` says why not. speed: largest s of an average Hamiltonian s H, H in units of the
    sample's |d| (inf where nothing bounds it); None on unlike spins, where pulses and coupling make exp(-i H t) at one stroke.
    bound: what is reached there, in words. longest: lab time in s that no target exceeds; None where it follows the speed.
    """

    possible: bool
    reason: str
    speed: float | None
    bound: str
    longest: float | None

    def __str__(self) -> str:
        return self.bound if self.possible else self.reason


def reachable(battery: Battery, sample: Sample) -> Reach:
    """Which speed, or which lab time, a battery can be engineered at.

    On unlike spins with a coupling: all five couplings, in 3/(2 |J|) at most. On a pair of like spins, with d of sign s:
    D = 0, and, as strengths in units of |d|, -3/8 <= s Delta <= 3/4 and sqrt(epsilon^2 + G^2) <= 1/4 - s Delta/3; weaker
    ones of any proportion. B, made by phases, is not bounded. Raises ArgumentError for a sample that is neither, or for
    couplings that are arrays.
    """
    check_single(battery)
    if len(sample.groups) == 2 and sample.n == 2:
        longest = 3 * np.pi / 4 / abs(zz_rate(sample))
        return Reach(True, "", None, f"any couplings, within {longest * 1e3:.4g} ms", longest)
    sign = dipolar_sign(sample)
    if battery.dm:
        return Reach(
            False,
            "D is odd under exchange of the spins, and all that one coil does to like spins is even; without it "
            f"{_signed(sign)} from -3/8 to 3/4 and sqrt(epsilon^2 + G^2) up to 1/4 - ({_signed(sign)})/3, in units of |d|, "
            "and all weaker ones of one proportion are within reach, with any B",
            0.0,
            "",
            None,
        )
    speed = largest_speed(battery, sign)
    axis = "xyz"[int(np.argmin(weights(battery, sign)[:3]))]
    words = f"speeds up to {speed:.6g}, where the coupling no longer shows along {axis} of the turned frame"
    return Reach(True, "", speed, words if np.isfinite(speed) else "no bound: there is no dipolar part", None)


def _signed(sign: float) -> str:
    return "Delta" if sign > 0 else "-Delta"


def check_single(battery: Battery) -> None:
    """Raises ArgumentError for couplings that are arrays."""
    if not isinstance(battery, Battery):
        raise ArgumentError("battery", type(battery).__name__, "be a Battery")
    for name in _NAMES:
        if np.ndim(getattr(battery, name)):
            raise ArgumentError(name, f"of shape {np.shape(getattr(battery, name))}", "be one number, for one sequence")
