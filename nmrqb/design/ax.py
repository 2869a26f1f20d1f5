"""Any unitary of two unlike spins as pulses and periods of their coupling.

Up to three periods: exp(-i x PP), P = X, Y, Z, is the evolution under ZZ with z tilted to P on both spins; where x has
the other sign than the coupling, one spin is turned by 180 degrees before and after. All rotations between two periods
are drawn together, one pulse on each spin. What each of them leaves about z commutes with ZZ and shifts the phases of
the pulses that follow; the last ones have nothing left: the propagator is exact, with no frame to be remembered.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design.factors import Canonical
from nmrqb.design.rotations import NOTHING, Turn, exact_turns, is_about_z, one_turn, turn, z_turn
from nmrqb.design.steps import angle_text, rf_text, time_text
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Delay, Pulse, Together

#: Rotations that tilt z to x, y and z.
_TILT = (turn(np.pi / 2, np.pi / 2), turn(-np.pi / 2, 0.0), np.eye(2, dtype=complex))


class Layer(NamedTuple):
    """Pulses of both spins, first one first, and the time in s that follows them."""

    turns: tuple[list[Turn], list[Turn]]
    delay: float


def zz_rate(sample: Sample) -> float:
    """The coefficient of ZZ in rad/s (pi J/2 for a scalar coupling). Raises ArgumentError unless two unlike spins have it."""
    labels, values = sample.terms()
    rate = float(dict(zip(labels, values, strict=True)).get("ZZ", 0.0))
    if sample.n != 2 or len(sample.groups) != 2 or rate == 0:
        found = f"{'+'.join(sample.spins)} with ZZ at {rate:g} rad/s"
        raise ArgumentError("sample", found, "be two unlike spins with a coupling, such as chloroform")
    return rate


def interaction_time(canonical: Canonical, sample: Sample) -> float:
    """How long the coupling acts in all, in s: sum of |angle| over the rate of ZZ, 3/(2 |J|) at most."""
    return float(np.abs(canonical.wrapped().angles).sum() / abs(zz_rate(sample)))


def layers(canonical: Canonical, sample: Sample) -> list[Layer]:
    """Pulses and delays of a unitary for ideal pulses; offsets of the sample are taken out too. Raises ArgumentError."""
    rate = zz_rate(sample)
    left, angles, right = canonical.wrapped()
    rotations, delays = [], []
    now = list(right)
    for angle, tilt in zip(angles, _TILT, strict=True):
        if abs(angle) < NOTHING:
            continue
        flip = turn(np.pi, 0.0) if angle * rate < 0 else np.eye(2, dtype=complex)
        rotations.append([flip @ tilt.conj().T @ now[0], tilt.conj().T @ now[1]])
        delays.append(abs(angle / rate))
        now = [tilt @ flip.conj().T, tilt]
    rotations.append([left[0] @ now[0], left[1] @ now[1]])
    delays.append(0.0)
    precession = np.outer(delays, 2 * np.pi * np.array(sample.offsets))
    turns = [_one_spin([pair[k] for pair in rotations], precession[:, k]) for k in (0, 1)]
    return [Layer((a, b), t) for a, b, t in zip(*turns, delays, strict=True)]


def _one_spin(rotations: list[ComplexArray], precession: FloatArray) -> list[list[Turn]]:
    """The pulses of one spin in each layer, where it turns about z by `precession` (rad) after each."""
    wanted, last = list(rotations), len(rotations) - 1
    while last and is_about_z(wanted[last]):  # it commutes with the period before: no pulses after that one
        wanted[last - 1] = wanted[last] @ wanted[last - 1]
        wanted[last] = np.eye(2, dtype=complex)
        last -= 1
    result: list[list[Turn]] = [[] for _ in wanted]
    left = 0.0  # about z, still to be done
    for k in range(last):
        pulse, left = one_turn(wanted[k] @ z_turn(left))
        result[k] = [] if pulse is None else [pulse]
        left -= float(precession[k])
    result[last] = exact_turns(z_turn(-float(precession[last:].sum())) @ wanted[last] @ z_turn(left))
    return result


def pulse_steps(made: list[Layer], sample: Sample, rf: float | None, shorter: FloatArray) -> list[Any]:
    """The layers as steps of a sequence; each delay is shortened by its entry of `shorter` (s), in terms of `width`."""
    channels = [sample.spins[0], sample.spins[1]]
    width = sample.pulse_90 if rf is None else 1 / (4 * rf)
    steps: list[Any] = []
    for layer, less in zip(made, shorter, strict=True):
        # of a spin with one pulse beside two, it stands with the last
        pulses = [
            [_pulse(t, name, rf) for t in reversed(turns)] for turns, name in zip(layer.turns, channels, strict=True)
        ]
        for pair in reversed(list(zip_longest(*pulses))):
            both = [p for p in pair if p is not None]
            steps.append(Together(together=both) if len(both) > 1 else both[0])
        if layer.delay > less:
            shortened = f" - {less / width:.9g}*width" if less else ""
            steps.append(Delay(delay=time_text(layer.delay, sample) + shortened))
    return steps


def _pulse(t: Turn, channel: str, rf: float | None) -> Pulse:
    return Pulse(
        pulse=angle_text(t.angle),
        phase=angle_text((t.phase + np.pi) % (2 * np.pi) - np.pi),
        on=(channel,),
        rf=rf_text(rf),
    )


def pulse_shares(made: list[Layer], sample: Sample, rf: float | None) -> FloatArray:
    """Time in s by which each delay is too long beside pulses of finite length: a quarter of the pulses on either side.

    While both spins turn by 90 degrees, half of their coupling acts as before and half as after them, less what the
    first and the last pulses do on one side only; a quarter is best in the mean over couplings.
    """
    nutation = [rf if rf is not None else 1 / (4 * sample.coil(name).pulse_90) for name in sample.spins]
    lengths = []
    for layer in made:
        times = [
            [t.angle / (2 * np.pi * w) for t in reversed(turns)] for turns, w in zip(layer.turns, nutation, strict=True)
        ]
        lengths.append(sum(max(pair) for pair in zip_longest(*times, fillvalue=0.0)))
    shares = np.array(lengths) / 4
    return shares + np.append(shares[1:], 0.0)
