"""Where a sequence loses: every imperfection switched on alone, and all of them together, by simulation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from nmrqb import checks
from nmrqb.battery import Battery
from nmrqb.checks import ComplexArray
from nmrqb.design.fidelity import map_infidelity, matrix_units
from nmrqb.design.reach import check_single
from nmrqb.design.rotations import z_turn
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy
from nmrqb.nmr import Sample
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Pulse, Repeat, Sequence, Together
from nmrqb.spin.propagation import charging_unitary, unitary
from nmrqb.timeline import Timeline, evolve, sample_quantities, schedule
from nmrqb.units import ANGLE, to_kind


class BudgetRow(NamedTuple):
    """One imperfection: its name, what it was set to, the average gate infidelity, and what it changes of the ergotropy."""

    name: str
    setting: str
    infidelity: float
    ergotropy_change: float


@dataclass(frozen=True)
class Budget:
    """The error budget of a sequence that is to do exp(-i H time).

    rows: "ideal" (no imperfection: what is left is the order of the cycle), one for each imperfection alone, and "all".
    ergotropy: of the charged Gibbs state after the exact evolution, in the battery's unit; changes in rows are against it.
    lab_time: in s, with pulses of finite length.
    """

    rows: tuple[BudgetRow, ...]
    ergotropy: float
    lab_time: float

    def __getitem__(self, name: str) -> BudgetRow:
        """The row of a name. Raises ArgumentError."""
        for row in self.rows:
            if row.name == name:
                return row
        raise ArgumentError("row", repr(name), f"be one of {', '.join(row.name for row in self.rows)}")

    def __str__(self) -> str:
        lines = [f"{'error':14} {'setting':22} {'infidelity':>10} {'ergotropy':>10}"]
        lines += [f"{r.name:14} {r.setting:22} {r.infidelity:10.2e} {r.ergotropy_change:+10.2e}" for r in self.rows]
        return "\n".join(lines)


def budget(
    sequence: Sequence,
    battery: Battery,
    sample: Sample,
    time: float,
    *,
    rf_error: float = 0.03,
    offset: float = 5.0,
    temperature: float = 1.0,
) -> Budget:
    """The error budget of a sequence on a sample, against exp(-i H time) of the battery; see `Budget`.

    rf_error: relative, half of the sample too strong and half too weak by it. offset: in Hz, likewise to either side, of
    all spins. Relaxation is the sample's. The ergotropy is that of the battery's Gibbs state at `temperature` (in its unit),
    charged by 90 degrees about x, after the sequence. In the rows without pulse length, windows that were shortened for finite
    pulses have their whole length (see `ideal_twin`). The parameter `frame` of a
    sequence, if it has one, is taken back. Raises ArgumentError, and InputError where the sample cannot play the sequence.
    """
    check_single(battery)
    t = float(checks.positive("time", time))
    error, shift = float(checks.non_negative("rf_error", rf_error)), float(checks.non_negative("offset", offset))
    if error >= 1:
        raise ArgumentError("rf_error", error, "lie below 1")
    H = battery.hamiltonian()
    target = unitary(H * t)
    spread, shifts = Ensemble.of(rf=[1 - error, 1 + error]), Ensemble.of(offset=[-shift, shift])
    still = replace(sample, noise=None)
    long, short = schedule(sequence, still, pulses="finite"), schedule(ideal_twin(sequence), still)
    cases: list[tuple[str, str, Timeline]] = [
        ("ideal", "pulses of no length", short),
        ("pulse length", _lengths(sample), long),
        ("RF error", f"+-{100 * error:g} %", replace(short, ensemble=spread)),
        ("offset", f"+-{shift:g} Hz", replace(short, ensemble=shifts)),
    ]
    both = spread * shifts
    if sample.noise is not None:
        cases.append(("relaxation", "of the sample", replace(short, noise=sample.noise)))
    cases.append(("all", "", replace(long, ensemble=both, noise=sample.noise)))
    rotation = charging_unitary(2, np.pi / 4)
    charged = rotation @ battery.gibbs_state(temperature) @ rotation.conj().T
    full = float(ergotropy(target @ charged @ target.conj().T, H))
    frame = left_frame(sequence, sample)
    rows = tuple(
        BudgetRow(name, setting, *_scores(made, frame, target, charged, H, full)) for name, setting, made in cases
    )
    return Budget(rows, full, float(long.durations.sum()))


def ideal_twin(sequence: Sequence) -> Sequence:
    """The same with pulses of no length, and windows that are not shortened for any (the parameter `width` at nothing)."""
    twin = replace(sequence, steps=tuple(_without_rf(step) for step in sequence.steps), pulses="ideal")
    return twin.bind(width=0.0) if "width" in twin.parameters else twin


def _without_rf(step: Any) -> Any:
    if isinstance(step, Pulse):
        return step.model_copy(update={"rf": None, "duration": None} if step.shape is None else {})
    if isinstance(step, Together):
        return step.model_copy(update={"together": [_without_rf(part) for part in step.together]})
    if isinstance(step, Repeat):
        return step.model_copy(update={"steps": [_without_rf(part) for part in step.steps]})
    return step


def _scores(
    timeline: Timeline, frame: ComplexArray, target: ComplexArray, charged: ComplexArray, H: ComplexArray, full: float
) -> tuple[float, float]:
    """Infidelity and change of the ergotropy."""
    starts = np.concatenate([matrix_units(4).reshape(16, 4, 4), charged[None]])
    ends = frame @ evolve(timeline, starts)[:, -1] @ frame.conj().T
    lost = float(map_infidelity(ends[:16].reshape(4, 4, 4, 4), target))
    rho = (ends[16] + ends[16].conj().T) / 2
    return lost, float(ergotropy(rho, H)) - full


def left_frame(sequence: Sequence, sample: Sample) -> ComplexArray:
    """What turns back the frame that a sequence leaves."""
    if "frame" not in sequence.parameters:
        return np.eye(4, dtype=complex)
    angle = float(to_kind(sequence.scope(sample_quantities(sample)).parameter("frame"), ANGLE))
    return np.asarray(np.kron(z_turn(angle), z_turn(angle)))


def _lengths(sample: Sample) -> str:
    return ", ".join(f"{sample.coil(name).pulse_90 * 1e6:g} us {name}" for name in dict.fromkeys(sample.spins))
