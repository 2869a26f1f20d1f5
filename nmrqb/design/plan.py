"""How many cycles, how fast, for how long: what stands between a battery on like spins and its sequence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from nmrqb.battery import Battery
from nmrqb.checks import ComplexArray
from nmrqb.design.cycles import Cycle, cycle_kind, dipolar_sign, largest_speed, ramped_steps, shares
from nmrqb.design.fidelity import gate_infidelity
from nmrqb.design.rotations import z_turn
from nmrqb.design.steps import angle_text, rf_text, width_parameter, written
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Pulse, Sequence
from nmrqb.sequence.schema import Pulses
from nmrqb.sequence.validate import MAX_STEPS
from nmrqb.spin.propagation import unitary
from nmrqb.timeline import propagator, schedule

#: Average gate infidelity at which no more cycles are tried, and the most that are.
GOOD_ENOUGH, MOST_CYCLES = 1e-5, 32
#: Rounds of one repeat.
MAX_REPEAT = 10_000

Frame = Literal["pulses", "receiver"]


@dataclass(frozen=True)
class Plan:
    """A battery on a pair of like spins for a time, before speed and number of cycles are chosen.

    title: of the sequence. rf: nutation frequency in Hz of pulses that have their own. frame: what becomes of the rotation
    about z that B makes.
    """

    battery: Battery
    sample: Sample
    time: float
    title: str
    pulses: Pulses
    rf: float | None
    frame: Frame

    @cached_property
    def sign(self) -> float:
        """Of the sample's coupling. Raises ArgumentError for a sample without one between like spins."""
        return dipolar_sign(self.sample)

    @property
    def width(self) -> float:
        """Length of a 90-degree pulse in s, 0 for ideal ones."""
        if self.pulses == "ideal":
            return 0.0
        return self.sample.coil(self.sample.spins[0]).pulse_90 if self.rf is None else 1 / (4 * self.rf)

    @property
    def angle(self) -> float:
        """What B turns by in all, in rad."""
        return 2 * float(self.battery.zeeman) * self.time

    @property
    def apart(self) -> float | None:
        """Difference of the phases of two 180-degree pulses that turn by `angle`, -90 to 90 degrees; None without them."""
        half = float((self.angle / 2 + np.pi / 2) % np.pi - np.pi / 2)
        return half if self.frame == "pulses" and abs(half) > 1e-14 else None

    def lab_time(self, speed: float) -> float:
        """Time in the laboratory in s."""
        return self.time / (speed * self.sample.energy_unit)

    def cycle(self, speed: float, count: int) -> Cycle:
        """One of `count` cycles at a speed, whether or not its pulses fit.

        While a pulse of 180 degrees lasts, the coupling shows along z and along the axis across it, half and half; for two
        of them apart by psi these axes come to 2 cos^2(psi/2) along their middle and 2 sin^2(psi/2) across it.
        """
        f = shares(self.battery, self.sign, speed)
        length = self.lab_time(speed) / count
        if self.apart is None or not self.width:
            return Cycle(cycle_kind(f), f, length, self.width)
        across = 2 * float(np.sin(self.apart / 2)) ** 2
        return Cycle("acca", f, length, self.width, (across / count, (2 - across) / count, 2 / count))

    def default_speed(self, count: int) -> float:
        """The largest where no pulses or eight do it, else half of it; slower until `count` cycles have room for pulses."""
        largest = largest_speed(self.battery, self.sign)
        if not np.isfinite(largest):
            chosen = 1.0
        else:
            chosen = largest if self.cycle(largest, count).kind != "acca" else largest / 2
        while not self.cycle(chosen, count).fits:
            chosen /= 2
        return chosen

    def checked_count(self, speed: float, count: int) -> int:
        """The number of cycles, if a sequence can hold them and they their pulses. Raises ArgumentError."""
        cycle = self.cycle(speed, count)
        largest = MAX_REPEAT if self.angle == 0 else (MAX_STEPS - 3) // len(cycle.events())
        if count > largest:
            where = "" if self.angle == 0 else " where B gives each its phases"
            raise ArgumentError("cycles", count, f"be at most {largest}, what one sequence holds{where}")
        if cycle.fits:
            return count
        width, whole = f"{self.width * 1e6:g} us", f"{self.lab_time(speed) * 1e6:.4g} us at speed {speed:.4g}"
        least = self.cycle(speed, 1)
        if np.isinf(least.shortest):
            allowed = f"be smaller: the coupling shows along one axis for no time, less than pulses of {width} take"
            raise ArgumentError("speed", f"{speed:g}", allowed)
        if not least.fits:
            told = f"a cycle with pulses of {width} takes {least.shortest * 1e6:.4g} us, and all the time is {whole}"
            raise ArgumentError("speed", f"{speed:g}", f"be smaller: {told}")
        fitting = [n for n in range(1, count) if self.cycle(speed, n).fits]
        told = f"{count} cycles with pulses of {width} take {cycle.shortest * count * 1e6:.4g} us, and all the time is {whole}"
        raise ArgumentError("cycles", count, f"be at most {max(fitting)}: {told}")

    def count(self, speed: float) -> int:
        """1, 2, 4, ... cycles, until the infidelity is low enough, or no more fit. Raises ArgumentError where not one does."""
        self.checked_count(speed, 1)
        if self.cycle(speed, 1).kind == "free" or (self.pulses == "ideal" and self.angle == 0):
            return 1
        target = self.target()
        best, least, count = 1, np.inf, 1
        while count <= MOST_CYCLES and self.cycle(speed, count).fits:
            made = propagator(schedule(self.sequence(speed, count), self.sample))
            error = float(gate_infidelity(made, target))
            if error < least:
                best, least = count, error
            if error <= GOOD_ENOUGH:
                break
            count *= 2
        return best

    def target(self) -> ComplexArray:
        """The propagator wanted, (4, 4)."""
        wanted = unitary(self.battery.hamiltonian() * self.time)
        back = z_turn(-self.angle)
        return wanted if self.frame == "pulses" else np.kron(back, back) @ wanted

    def sequence(self, speed: float, count: int) -> Sequence:
        """The sequence of `count` cycles at a speed that fit."""
        cycle = self.cycle(speed, count)
        each = 0.0 if cycle.kind == "free" else -self.angle / count
        parameters = width_parameter(self.pulses, self.rf) | cycle.windows(self.sample.coupling)
        lag = "lag" if each and self.width and self.apart is not None else ""
        if lag:
            # B turns on while the last two pulses, 4 widths long, are on: that part is not the cycles'
            turns = self.lab_time(speed) * abs(self.sample.coupling)
            parameters["lag"] = f"{-4 * each * 180 / np.pi / turns:.16g} deg*width*abs(coupling)"
        steps = ramped_steps(cycle, count, each, self.rf, lag)
        if self.frame == "receiver":
            parameters["frame"] = angle_text(self.angle)
        elif self.apart is not None:
            first = cycle.shares.turn - self.angle + self.apart / 2
            more = f" + {count / 2}*{lag}" if lag else ""
            steps += [
                Pulse(pulse="180 deg", phase=angle_text(phase) + more, rf=rf_text(self.rf))
                for phase in (first, first + self.apart)
            ]
        what = {"free": "no pulses", "dq8": "eight pulses", "acca": "sixteen pulses"}[cycle.kind]
        note = (
            f"Speed {speed:.6g} in units of the coupling; {count} x {what} in {self.lab_time(speed) * 1e6:.6g} us; "
            f"written for sample {self.sample.name!r}."
        )
        return written("engineered", self.title, note, steps, parameters, self.pulses)
