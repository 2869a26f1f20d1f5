"""The battery's five couplings made of pulses: a sequence whose propagator is exp(-i H t) of the battery asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.battery import Battery
from nmrqb.design import ax
from nmrqb.design.factors import Canonical, battery_factors, factors
from nmrqb.design.plan import Frame, Plan
from nmrqb.design.reach import check_single, reachable
from nmrqb.design.steps import check_pulses, width_parameter, written
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Sequence
from nmrqb.sequence.schema import Pulses


def engineer(
    battery: Battery,
    sample: Sample,
    time: float,
    *,
    pulses: Pulses = "ideal",
    cycles: int | None = None,
    speed: float | None = None,
    rf: float | None = None,
    frame: Frame = "pulses",
) -> Sequence:
    """A sequence whose propagator on the sample is exp(-i H time), up to a phase, with H the battery's.

    time: in the inverse of the couplings' unit, so that H time is in rad; what it takes in the laboratory follows from the
    sample. Two unlike spins with a coupling: three periods of it and 8 pulses or so, in at most 3/(2 |J|), for any couplings
    and any time. A pair of like spins: `cycles` multiple-pulse cycles of average Hamiltonian speed H |d| (d: the sample's
    coupling in rad/s), lasting time/(speed |d|); H in units of |d| is what `Sample.battery` has too, and the sample's own
    battery at speed 1 is a plain delay. Cycles of ideal pulses are exact without B; the error of B falls as cycles^-4.

    pulses: "finite" writes a sequence for pulses of the coil's length (or of nutation frequency rf, in Hz) with windows
    shortened by them; "ideal" one that is exact for ideal pulses. cycles, speed: of like spins only; by default half of the
    largest speed (all of it for eight pulses or none), and as many cycles, 1, 2, 4, ..., as bring the average gate infidelity
    to 1e-5, or as near as finite pulses let them. frame: of like spins; B turns the frame of the pulses, which two pulses
    of 180 degrees at the end take back, or, with "receiver", is left as the parameter `frame`: the angle to add to all phases that
    follow, the receiver's too. Unlike spins need neither.

    Raises ArgumentError for D on like spins (odd under their exchange, so out of reach of one coil), a time that is not
    above zero, a speed beyond the largest, pulses that do not fit their windows or are beyond the RF limit, a sample that
    is neither kind of pair, and couplings that are arrays.
    """
    check_single(battery)
    t = float(_one_number("time", checks.positive("time", time)))
    check_pulses(pulses, rf, sample)
    if frame not in ("pulses", "receiver"):
        raise ArgumentError("frame", repr(frame), 'be "pulses" or "receiver"')
    if sample.n == 2 and len(sample.groups) == 2:
        for name, value in (("cycles", cycles), ("speed", speed)):
            if value is not None:
                raise ArgumentError(name, value, "be left out on unlike spins, where there are no cycles")
        return _from_factors(battery_factors(battery, t), sample, "engineered", _title(battery, t), pulses, rf)
    return _of_cycles(battery, sample, t, pulses, cycles, speed, rf, frame)


def realise(target: ArrayLike, sample: Sample, *, pulses: Pulses = "ideal", rf: float | None = None) -> Sequence:
    """Any two-spin unitary (4, 4) as pulses on two unlike spins, exact up to a phase; the lab time is 3/(2 |J|) at most.

    pulses, rf: as in `engineer`. Raises ArgumentError for a matrix that is not unitary, another kind of sample, and pulses
    beyond the RF limit.
    """
    check_pulses(pulses, rf, sample)
    return _from_factors(factors(target), sample, "realised", "A two-spin unitary", pulses, rf)


def _from_factors(
    canonical: Canonical, sample: Sample, name: str, title: str, pulses: Pulses, rf: float | None
) -> Sequence:
    made = ax.layers(canonical, sample)
    shorter = ax.pulse_shares(made, sample, rf) if pulses == "finite" else np.zeros(len(made))
    steps = ax.pulse_steps(made, sample, rf, shorter)
    parameters = width_parameter(pulses, rf)
    count = sum(len(turns) for layer in made for turns in layer.turns)
    total = sum(layer.delay for layer in made)
    note = f"{count} pulses, {total * 1e3:.4g} ms of coupling; written for sample {sample.name!r}."
    return written(name, title, note, steps, parameters, pulses)


def _of_cycles(
    battery: Battery,
    sample: Sample,
    time: float,
    pulses: Pulses,
    cycles: int | None,
    speed: float | None,
    rf: float | None,
    frame: Frame,
) -> Sequence:
    reach = reachable(battery, sample)
    if not reach.possible:
        raise ArgumentError("dm", f"{float(battery.dm):g}", f"be 0 on like spins: {reach.reason}")
    plan = Plan(battery, sample, time, _title(battery, time), pulses, rf, frame)
    if cycles is not None and (isinstance(cycles, bool) or cycles != int(cycles) or cycles < 1):
        raise ArgumentError("cycles", cycles, "be a whole number, 1 or more")
    if speed is not None:
        value = float(_one_number("speed", checks.positive("speed", speed)))
        assert reach.speed is not None
        if value > reach.speed * (1 + 1e-12):
            raise ArgumentError("speed", f"{value:g}", f"stay within reach, {reach.bound}")
        chosen = min(value, reach.speed)
    else:
        chosen = plan.default_speed(cycles or 1)
    return plan.sequence(chosen, plan.count(chosen) if cycles is None else plan.checked_count(chosen, int(cycles)))


def _title(battery: Battery, time: float) -> str:
    told = [
        f"{symbol} = {float(getattr(battery, name)):.6g}"
        for symbol, name in (("Delta", "axial"), ("epsilon", "rhombic"), ("D", "dm"), ("G", "ksea"), ("B", "zeeman"))
        if getattr(battery, name)
    ]
    return f"The battery of {', '.join(told) or 'no couplings'} for a time {time:.6g}"


def _one_number(name: str, value: np.ndarray) -> np.ndarray:
    if value.ndim:
        raise ArgumentError(name, f"of shape {value.shape}", "be one number")
    return value
