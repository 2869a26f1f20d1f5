"""Multiple-pulse cycles that scale and turn the dipolar coupling of a pair of like spins.

90-degree pulses on both spins show the coupling along x, y and z for shares f_x, f_y, f_z of a cycle: the average is
sum_a f_a (3 IaIa - I.I), and these three commute, so that a cycle of ideal pulses is exact however long it lasts. All
phases shifted by phi turn it about z, which makes G of epsilon; shifted a little more each time, which makes B.
Baum, Munowitz, Garroway, Pines, J. Chem. Phys. 83, 2015 (1985) for the eight pulses; the general cycle derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from nmrqb.battery import Battery
from nmrqb.design.steps import angle_text, rf_text
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Delay, Pulse, Repeat

Kind = Literal["free", "dq8", "acca"]

#: Quarter turns of the phase of each pulse; a block "a P b P c P b P a" shows z, y, x, y, z.
_A, _C = (0, 3, 1, 2), (2, 3, 1, 0)
_ACCA = (_A, _C, _C, _A)
#: Shares below this are rounding of none.
_NONE = 1e-12


class Shares(NamedTuple):
    """Parts of a cycle in which the coupling shows along x, y and z of axes turned by `turn` (rad) about z."""

    x: float
    y: float
    z: float
    turn: float


def dipolar_sign(sample: Sample) -> float:
    """The sign of d. Raises ArgumentError unless the sample is a pair of like spins with d alone, on resonance."""
    if sample.n != 2 or len(sample.groups) != 1 or not sample.coupling or sample.scalar:
        found = f"{'+'.join(sample.spins)} with {len(sample.dipolar)} dipolar and {len(sample.scalar)} scalar couplings"
        raise ArgumentError(
            "sample", found, "be a pair of like spins with a dipolar coupling alone, such as nematic-pair"
        )
    if any(sample.offsets):
        found = f"one with offsets {sample.offsets} Hz"
        raise ArgumentError("sample", found, "be on resonance: a field B is made by phases, not by an offset")
    return float(np.sign(sample.coupling))


def weights(battery: Battery, sign: float) -> Shares:
    """What speed 1 adds to the third of each axis; E = sqrt(epsilon^2 + G^2) is laid so that x is shown the least."""
    delta, E = float(battery.axial), float(np.hypot(battery.rhombic, battery.ksea))
    axial, rhombic = 4 * sign * delta / 9, 4 * E / 3
    # the average is turned by half of what the double-quantum operator is; minus, for a negative epsilon along turned axes
    turn = float(np.arctan2(sign * battery.ksea, sign * battery.rhombic) / 2 + np.pi / 2) if E else 0.0
    return Shares(-axial - rhombic, -axial + rhombic, 2 * axial, turn)


def largest_speed(battery: Battery, sign: float) -> float:
    """s_max, where the share of one axis comes down to nothing; inf where there is no dipolar part at all."""
    lowest = min(weights(battery, sign)[:3])
    return float(np.inf) if lowest >= 0 else -1 / (3 * lowest)


def shares(battery: Battery, sign: float, speed: float) -> Shares:
    """f_x, f_y and f_z at a speed."""
    more = weights(battery, sign)
    x, y, z = (0.0 if abs(f) < _NONE else f for f in (1 / 3 + speed * w for w in more[:3]))
    return Shares(x, y, z, more.turn)


@dataclass(frozen=True)
class Cycle:
    """One cycle: its kind, its shares and its length in s, for pulses of `width` s (0: ideal).

    spared: time, in lengths of a pulse, for which pulses after the cycles show the coupling along x, y and z, over the
    number of cycles; the windows leave it out, and the cycle is shorter by it.
    """

    kind: Kind
    shares: Shares
    length: float
    width: float = 0.0
    spared: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def shortest(self) -> float:
        """Length in s below which the pulses do not fit; inf where an axis is not shown at all."""
        f, p, (x, y, z) = self.shares, self.width, self.spared
        if self.kind == "free" or p == 0:
            return 0.0
        if self.kind == "dq8":
            return 12 * p
        with np.errstate(divide="ignore"):
            return float(np.max(np.array([4 + z, 8 + y, 4 + x]) * p / np.array([f.z, f.y, f.x])))

    @property
    def fits(self) -> bool:
        """Whether there is room for the pulses, and the last digit of a window to spare."""
        return self.shortest * (1 + 1e-9) <= self.length

    def windows(self, coupling: float) -> dict[str, str]:
        """Texts of the delays by name, the coupling in Hz; shortened by the parameter `width` where pulses have a length.

        a stands at both ends of a block, b beside its middle c; of the eight pulses, delta and "long" in turn.
        """
        f, t = self.shares, self.length * abs(coupling)
        if self.kind == "free":
            return {"t": _over(t)}
        if self.kind == "dq8":
            one, more = (" - width", " + width") if self.width else ("", "")
            return {"delta": _over(t / 12) + one, "long": "2*delta" + more}
        x, y, z = self.spared
        full = {"a": (f.z / 8, 0.5 + z / 8), "b": (f.y / 8, 1 + y / 8), "c": (f.x / 4, 1 + x / 4)}
        return {
            name: _over(part * t) + (f" - {less:.16g}*width" if self.width else "")
            for name, (part, less) in full.items()
        }

    def events(self) -> list[str | int]:
        """Delays, as written, and pulses, as quarter turns of their phase; an ideal cycle leaves out empty windows."""
        if self.kind == "free":
            return ["t"]
        if self.kind == "dq8":
            pulses = [0, 0, 0, 0, 2, 2, 2, 2]
            between: list[str | int] = ["long", "delta"] * 4
            made = [event for pair in zip(pulses, between, strict=True) for event in pair]
            return ["delta/2", *made[:-1], "delta/2"]
        made = ["a"]
        for k, (p, q, r, s) in enumerate(_ACCA):
            made += [p, "b", q, "c", r, "b", s, "2*a" if k < 3 else "a"]
        empty = {name for name, f in zip("cba", self.shares[:3], strict=True) if f == 0}
        return [event for event in made if isinstance(event, int) or event[-1] not in empty]


def cycle_kind(f: Shares) -> Kind:
    """Free evolution where only z is shown, eight pulses where one axis is never and z for a third, else sixteen."""
    if f.x == f.y == 0:
        return "free"
    return "dq8" if f.x == 0 and abs(f.z - 1 / 3) < _NONE else "acca"


def cycle_steps(cycle: Cycle, shift: float, rf: float | None, more: str = "") -> list[Any]:
    """Steps of one cycle, all phases shifted by `shift` rad, and by what the text `more` adds to them."""
    return [
        Delay(delay=event)
        if isinstance(event, str)
        else Pulse(pulse="90 deg", phase=angle_text(_turned(shift + event * np.pi / 2)) + more, rf=rf_text(rf))
        for event in cycle.events()
    ]


def ramped_steps(cycle: Cycle, count: int, ramp: float, rf: float | None, lag: str = "") -> list[Any]:
    """`count` cycles, each shifted by `ramp` rad against the one before, and by half of that at first.

    lag: a parameter that adds to the ramp, or empty.
    """
    turn = cycle.shares.turn
    if ramp == 0:
        steps = cycle_steps(cycle, turn, rf)
        return steps if count == 1 else [Repeat(repeat=count, steps=steps)]
    halves = [k + 0.5 for k in range(count)]
    made = [cycle_steps(cycle, turn + k * ramp, rf, f" + {k}*{lag}" if lag else "") for k in halves]
    return [step for steps in made for step in steps]


def _over(value: float) -> str:
    return f"{value:.16g}/abs(coupling)"


def _turned(phase: float) -> float:
    return float((phase + np.pi) % (2 * np.pi) - np.pi)
