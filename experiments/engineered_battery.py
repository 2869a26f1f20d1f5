"""Our own figure: the battery's couplings made of pulses, on unlike and on like spins, against theory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb import design, metrics
from nmrqb.battery import Battery
from nmrqb.design.budget import left_frame
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.engineered import engineered
from nmrqb.spin.propagation import charging_unitary, unitary
from nmrqb.terminal import progress
from nmrqb.timeline import evolve, propagator, schedule

COUPLINGS = {"axial": 1.0, "rhombic": 0.25, "ksea": 0.15, "zeeman": 0.4}
BATTERIES = {"chloroform": Battery(**COUPLINGS, dm=0.3), "nematic-pair": Battery(**COUPLINGS)}
TEMPERATURE = 1.0
TIMES = np.linspace(0.2, 4.0, 20)
FINE = np.linspace(0, 4.2, 211)
CYCLES = np.array([1, 2, 4, 8, 16])
WIDTHS = (0.0, 0.002, 0.005, 0.01)  # of the 90-degree pulse, times d/2 pi
TIME = 1.5
RF_ERROR, OFFSET = 0.03, 5.0
FOOTER = (
    "Δ = 1, ε = 0.25, G = 0.15, B = 0.4, and D = 0.3 on chloroform alone: what one coil does to like spins is even under their "
    "exchange, and D is odd. Chloroform: three periods of J between 8 pulses of 10 and 12 µs. Nematic pair: cycles of sixteen 5 µs "
    "pulses, as many as bring the infidelity to 1e-5, with the frame that B turns left to the receiver. (a, b) start: the Gibbs state "
    "at T = 1 charged by 90°; points: finite pulses and the samples' relaxation towards a spin polarisation near 0, one sequence for "
    "each time. (c) time 1.5 at half of the largest speed. (d) time 1.5; each imperfection alone, and all: RF ±3 %, offset ±5 Hz. "
    "'ideal' is the order of the cycle; bars end at 1e-7."
)


def evolution() -> xr.Dataset:
    """l1 coherence and ergotropy of the charged state: theory on a fine grid, and after the sequence of each time."""
    names = list(BATTERIES)
    found = {q: np.zeros((len(names), TIMES.size)) for q in ("l1_coherence", "ergotropy")}
    theory = {q: np.zeros((len(names), FINE.size)) for q in found}
    with progress("sequences") as update:
        for k, name in enumerate(names):
            H, charged = BATTERIES[name].hamiltonian(), charged_state(BATTERIES[name])
            U = unitary(H * FINE[:, None, None])
            for q, values in measures(U @ charged @ np.conj(np.swapaxes(U, -1, -2)), H).items():
                theory[q][k] = values
            for n, time in enumerate(TIMES):
                for q, value in measures(engineered_state(name, float(time), charged), H).items():
                    found[q][k, n] = value
                update("engineered couplings", k * TIMES.size + n + 1, len(names) * TIMES.size)
    variables = {q: (("sample", "time"), v) for q, v in found.items()}
    variables |= {f"{q}_theory": (("sample", "fine"), v) for q, v in theory.items()}  # type: ignore[misc]
    coords = {"sample": names, "time": TIMES, "fine": FINE}
    return xr.Dataset(variables, coords, attrs={"title": "Engineered couplings against theory", **COUPLINGS})


def charged_state(battery: Battery) -> np.ndarray:
    """The Gibbs state after 90 degrees about x."""
    R = charging_unitary(2, np.pi / 4)
    return R @ battery.gibbs_state(TEMPERATURE) @ R.conj().T


def engineered_state(name: str, time: float, start: np.ndarray) -> np.ndarray:
    """The state after the sequence of a time, with finite pulses and relaxation, in the frame of the battery."""
    sample = Sample.load(name)
    frame = {"frame": "receiver"} if len(sample.groups) == 1 else {}
    sequence = design.engineer(BATTERIES[name], sample, time, pulses="finite", **frame)  # type: ignore[arg-type]
    back = left_frame(sequence, sample)
    return back @ evolve(schedule(sequence, sample, noise=True), start)[-1] @ back.conj().T


def measures(rho: np.ndarray, H: np.ndarray) -> dict[str, np.ndarray]:
    """What is plotted of states (..., 4, 4)."""
    return {"l1_coherence": metrics.l1_coherence(rho), "ergotropy": metrics.ergotropy(rho, H)}


def cycles() -> xr.Dataset:
    """Infidelity on the dipolar pair against the number of cycles, for lengths of the pulse; NaN where they do not fit."""
    name = "nematic-pair"
    battery, pair = BATTERIES[name], Sample.load(name)
    speed = design.reachable(battery, pair).speed
    assert speed is not None
    target = unitary(battery.hamiltonian() * TIME)
    found = np.full((len(WIDTHS), CYCLES.size), np.nan)
    for k, width in enumerate(WIDTHS):
        length = width / abs(pair.coupling) or pair.pulse_90
        sample = replace(pair, pulse_90=length, rf_limit=1 / (4 * length))
        for n, count in enumerate(CYCLES):
            options = {"cycles": int(count), "speed": speed / 2, "pulses": "finite" if width else "ideal"}
            try:
                sequence = design.engineer(battery, sample, TIME, frame="receiver", **options)  # type: ignore[arg-type]
            except ArgumentError:  # no room for the pulses
                continue
            made = left_frame(sequence, sample) @ propagator(schedule(sequence, sample))
            found[k, n] = design.gate_infidelity(made, target)
    coords = {"width": list(WIDTHS), "cycles": CYCLES}
    return xr.Dataset({"infidelity": (("width", "cycles"), found)}, coords, attrs={"sample": name, "time": TIME})


def budgets() -> xr.Dataset:
    """The error budget of each sample."""
    rows = []
    for name, battery in BATTERIES.items():
        sample = Sample.load(name)
        frame = {"frame": "receiver"} if len(sample.groups) == 1 else {}
        sequence = design.engineer(battery, sample, TIME, pulses="finite", **frame)  # type: ignore[arg-type]
        table = design.budget(sequence, battery, sample, TIME, rf_error=RF_ERROR, offset=OFFSET)
        rows.append(table.rows)
    coords = {"sample": list(BATTERIES), "error": [row.name for row in rows[0]]}
    values = {
        "infidelity": (("sample", "error"), [[row.infidelity for row in table] for table in rows]),
        "ergotropy_change": (("sample", "error"), [[row.ergotropy_change for row in table] for table in rows]),
    }
    return xr.Dataset(values, coords, attrs={"time": TIME, "rf_error": RF_ERROR, "offset": OFFSET})


def data() -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """The evolution, the cycles and the budgets."""
    return evolution(), cycles(), budgets()


def main(out: Path) -> list[Path]:
    """Write engineered_*.nc, engineered_battery.pdf and .png into the folder; returns their paths."""
    found = dict(zip(("evolution", "cycles", "budgets"), data(), strict=True))
    stored = [curves.write(dataset, out / f"engineered_{name}.nc") for name, dataset in found.items()]
    return [*stored, *style.save(engineered(*found.values(), FOOTER), out, "engineered_battery")]


if __name__ == "__main__":
    run(main, __doc__)
