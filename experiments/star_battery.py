"""Our own figure of the star battery of Joshi and Mahesh: charging, speed-up, pulses, rounds of charging, and a load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

import nmrqb
from nmrqb.battery.star import StarBattery, battery_ergotropy, discharged, relaxed
from nmrqb.circuits.reduced import reduced_cost, reduced_states
from nmrqb.design.exchange import exchange
from nmrqb.paper import curves
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.star import star
from nmrqb.spin.states import partial_trace
from nmrqb.timeline.star import star_states

CHARGERS = (1, 3, 9, 36)
#: Number of chargers -> the sample that has them.
SAMPLES = {3: "acetonitrile", 9: "trimethyl-phosphite", 36: "tetrakis-trimethylsilyl-silane"}
STEPS = (1, 2, 3, 4)
SHARES = (0.2, 0.4, 1.0)
ROUNDS = 6
#: Spins up to which the pulses are also run as circuits.
MAX_CIRCUIT = 10
RELAXING = "acetonitrile"  # whose protons recharge by themselves
AMPLIFIED = 0.1  # its p; what is shown is linear in it
FOOTER = (
    "After Joshi, Mahesh, PRA 106, 042601 (2022); formulas and pulses derived here. (a, b, c) exact sums over the chargers' total spin. "
    "(a) battery empty at first. (b) high temperature, battery equal and opposite at first (γ's taken equal). (c) Γ is the ratio to one charger of: "
    "1/(time of full charge), pure; 1/(time of the first maximum in b); the largest average power (Q(t) + 1)/t in b. "
    "(d) symmetric steps of 90° pulses around J evolution at t_N = 1/(2J√N), pure chargers, no relaxation: lines by sectors of total spin, "
    "crosses circuits of 4 and 10 qubits on Aer. "
    "(e) N = 3, meetings of the given share of t_N: chargers replaced between them (lines; they swing only where one meeting overshoots, as at t_N); acetonitrile with pulses, protons that relax for 10 s "
    "between rounds from its thermal state; its carbon relaxes too, which is what holds it down (crosses; 0.4 t_N, T1 = 5 s and 10 s, both unverified). (f) pure start, battery full at first, relaxing to equal populations "
    "and handed to an empty load by a full exchange: exact; circle: 13CH3F, all by pulses, without relaxation. Every J of a sample is unverified; a, b, c, d and f do not depend on it."
)


def charging() -> xr.Dataset:
    """P_e by pure chargers and Q by thermal ones against 2Jt, (chargers, time)."""
    t = np.linspace(0, 2, 401)
    stars = [StarBattery(N, 0.5) for N in CHARGERS]
    data = {
        "excitation": (("chargers", "time"), np.stack([s.excitation(t) for s in stars])),
        "polarisation": (("chargers", "time"), np.stack([s.linear_polarisation(t) for s in stars])),
    }
    return xr.Dataset(data, {"chargers": list(CHARGERS), "time": ("time", t, {"long_name": "time x 2J", "units": "1"})})


def speed() -> xr.Dataset:
    """Three ratios to one charger for N = 1 to 36, and sqrt N."""
    N = np.arange(1, 37)
    stars = [StarBattery(int(n)) for n in N]
    peaks, powers = (np.array([s.peak(of) for s in stars]) for of in ("polarisation", "power"))
    data = {
        "root": ("chargers", np.sqrt(N)),
        "time_pure": ("chargers", np.array([s.speed_up for s in stars])),
        "time_thermal": ("chargers", peaks[0, 1] / peaks[:, 1]),
        "power_thermal": ("chargers", powers[:, 0] / powers[0, 0]),
        "peak": ("chargers", peaks[:, 0]),
        "peak_time": ("chargers", 2 * peaks[:, 1]),
    }
    return xr.Dataset(data, {"chargers": N})


def steps() -> xr.Dataset:
    """1 - P_e at t_N of pure chargers, by the pulses of `exchange` on each sample, and as circuits up to MAX_CIRCUIT spins."""
    missing, by_circuits = {}, {}
    for N, name in SAMPLES.items():
        sample = nmrqb.Sample.load(name)
        lines = [nmrqb.schedule(exchange(n).bind(chargers=N), sample) for n in STEPS]
        missing[N] = [1 - star_states(line, (1, 1))[-1, 1, 1].real for line in lines]
        if sample.n <= MAX_CIRCUIT:
            by_circuits[N] = [1 - reduced_states(line, 1.0)[-1, 1, 1].real for line in lines]
    full = [by_circuits.get(N, [np.nan] * len(STEPS)) for N in SAMPLES]
    data = {
        "missing": (("chargers", "steps"), np.array(list(missing.values()))),
        "missing_circuits": (("chargers", "steps"), np.array(full)),
    }
    return xr.Dataset(data, {"chargers": list(SAMPLES), "steps": list(STEPS)})


def rounds() -> xr.Dataset:
    """Q before and after each of ROUNDS meetings, chargers replaced; and by relaxing protons, in units of their polarisation."""
    battery = StarBattery(3)
    small = 1e-6  # a polarisation in the linear regime
    replaced = [
        (2 * battery.rounds(ROUNDS, share * battery.full_charge_time, small, -small) - 1) / small for share in SHARES
    ]
    sample = nmrqb.Sample.load(RELAXING).amplified(AMPLIFIED)
    line = nmrqb.schedule(nmrqb.Sequence.load("star-recharge").bind(share=0.4), sample, noise=True)
    rho = partial_trace(nmrqb.Exact().run(line, sample.linear_state()).estimate, [0])
    relaxing = (2 * rho[..., 1, 1].real - 1) / sample.polarisation[1]
    data = {
        "polarisation": (("share", "round"), np.array(replaced)),
        "relaxing": ("round", relaxing, {"sample": sample.name, "share": 0.4}),
    }
    return xr.Dataset(data, {"share": list(SHARES), "round": np.arange(ROUNDS + 1)})


def load() -> xr.Dataset:
    """A full battery that rests and is handed over, against storage/T1; and the same all by pulses on 13CH3F, which keeps it."""
    rest = np.linspace(0, 3, 121)
    stored = relaxed(1.0, rest, 1.0)
    handed = discharged(stored, 0.0, 1.0, 0.5)[1]
    sample = nmrqb.Sample.load("methyl-fluoride").with_polarisation(1.0)
    line = nmrqb.schedule(nmrqb.Sequence.load("star-load").bind(storage="1 ms"), sample)
    end = nmrqb.Exact().run(line, sample.thermal_state()).estimate[-1]
    states = np.zeros((rest.size, 2, 2))
    states[:, 0, 0], states[:, 1, 1] = 1 - handed, handed
    data = {
        "battery": ("storage", stored),
        "load": ("storage", handed),
        "ergotropy": ("storage", battery_ergotropy(states)),
        "pulsed_storage": ((), 0.0),
        "pulsed_load": ((), float(partial_trace(end, [4])[1, 1].real)),
    }
    return xr.Dataset(data, {"storage": ("storage", rest, {"long_name": "storage / T1", "units": "1"})})


def data() -> dict[str, xr.Dataset]:
    """All that the figure shows, by the name of its file."""
    made = {"charging": charging, "speed": speed, "steps": steps, "rounds": rounds, "load": load}
    return {f"star_{name}": make() for name, make in made.items()}


def table(found: dict[str, xr.Dataset], path: Path) -> Path:
    """Speed-ups, thermal peaks, and what steps of pulses reach, for the stars there are samples of."""
    rows = [
        ["star", "N", "J (unverified)", "t_N pure", "Gamma, time, pure (exact)", "Gamma, time, thermal (exact)"]
        + ["Gamma, power, thermal (exact)", "peak Q (exact)", "at 2Jt"]
        + [f"P_e, {n} steps (simulated)" for n in STEPS]
        + ["circuit on Aer"]
    ]
    speeds, missing = found["star_speed"], found["star_steps"].missing
    for N, name in SAMPLES.items():
        sample, row = nmrqb.Sample.load(name), speeds.sel(chargers=N)
        battery = sample.star()
        made = "none: sectors of total spin"
        if sample.n <= MAX_CIRCUIT:
            cost = reduced_cost(nmrqb.schedule(exchange(2).bind(chargers=N), sample), 1.0)
            made = f"{cost.n} qubits, {cost.method}, {cost.two_qubit_gates} two-qubit gates in 2 steps"
        rows.append(
            [name, str(N), f"{battery.coupling:g} Hz", f"{1e3 * battery.full_charge_time:.3f} ms"]
            + [f"{float(row[key]):.3f}" for key in ("time_pure", "time_thermal", "power_thermal", "peak", "peak_time")]
            + [f"{1 - float(x):.5f}" for x in missing.sel(chargers=N)]
            + [made]
        )
    # one line for each quantity: the table would be wider than a terminal
    return save_table([list(column) for column in zip(*rows, strict=True)], path)


def main(out: Path) -> list[Path]:
    """Write star_*.nc, star_battery.txt, .pdf and .png into the folder; returns their paths."""
    found = data()
    stored = [curves.write(dataset, out / f"{name}.nc") for name, dataset in found.items()]
    text = table(found, out / "star_battery.txt")
    return [*stored, text, *style.save(star(*found.values(), FOOTER), out, "star_battery")]


if __name__ == "__main__":
    run(main, __doc__)
