"""Our own figure: pi pulses against slow noise, on a device's idle qubits and in a magnet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from qiskit import QuantumCircuit

import nmrqb
from nmrqb.circuits.decoupling import decouple, detuned, scheduled, static_detunings
from nmrqb.circuits.devices import Machine, open_machine
from nmrqb.circuits.predict import predicted_states
from nmrqb.circuits.preparations import eigenstate_mixture
from nmrqb.files import Document
from nmrqb.nmr.distributions import offset_distribution, rf_distribution
from nmrqb.paper.dataset import attributes, write
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.decoupling import decoupling

BATTERY = nmrqb.Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
H = BATTERY.hamiltonian()
PHI = 0.85
DEVICES = ("torino", "sherbrooke")
DELAYS = (0.0, 5e-6, 10e-6, 20e-6, 40e-6)
SLOW, MEMBERS, SEED = 20e3, 10, 1
PULSES = (0, 2, 8)
#: Storage in the magnet: what fills one of CYCLES equal parts of STORAGE, as pulses of (flip angle, phase).
TRAINS = {
    "no pulses": (),
    "x, x": (("180 deg", "x"), ("180 deg", "x")),
    "x, -x": (("180 deg", "x"), ("180 deg", "-x")),
    "y, y": (("180 deg", "y"), ("180 deg", "y")),
    "BB1, BB1": tuple((f"{a} deg", p) for a, p in ((180, "x"), (180, "p"), (360, "3*p"), (180, "p"))) * 2,
}
CYCLES, STORAGE = 8, "40 ms"
WIDTH, RF = 20.0, (0.0, 0.01, 0.02, 0.05)
FOOTER = (
    "(a, b) Gibbs state at T = 1 of Δ = 1, ε = 0.25, D = 0.3, G = 0.15, B = 0.4, charged to Ωt = 0.85 and left idle on the best two "
    "qubits of each fake backend; solid: the device's own T1 and T2, which have no memory, so that pulses gain next to nothing; "
    "dashed: with a detuning of 20 kHz rms on every qubit that holds still during a shot and differs between shots (10 members). (c) 13C "
    "and 1H of chloroform, polarised to 0.8, charged by a 90-degree x pulse and stored for 40 ms under 16 pi pulses on both channels, "
    "offsets spread by 20 Hz rms and the RF amplitude as on the axis; fidelity with storage that neither disturbs (J goes on in both). "
    "All trains refocus the offsets; plain pulses lose to their own errors, whatever their phases (J mixes the components that each "
    "phase protects), composite ones (BB1) do not."
)


def stored(delay: float) -> list[QuantumCircuit]:
    """The charged battery on two qubits, one circuit for each eigenstate, and then nothing for `delay` (s)."""
    found = []
    for start in eigenstate_mixture(nmrqb.gibbs_state(H, 1.0)).circuits:
        circuit = start.copy()
        for k in range(2):
            circuit.rx(2 * PHI, k)
        circuit.barrier()
        if delay:
            for k in range(2):
                circuit.delay(delay, k, "s")
        found.append(circuit)
    return found


def kept(machine: Machine, delay: float, pulses: int, slow: float) -> float:
    """Fidelity with the charged state after the delay, averaged over the members of the slow noise."""
    target = machine.target
    mixture = eigenstate_mixture(nmrqb.gibbs_state(H, 1.0))
    native = machine.native(stored(delay))
    padded = [decouple(c, target, pulses) if pulses else scheduled(c, target) for c in native]
    members = static_detunings(slow, 2, MEMBERS if slow else 1, SEED)
    circuits = [detuned(c, member, target.dt) for c in padded for member in members]
    states = predicted_states(circuits, machine)
    rho = mixture.mixed(states.reshape(len(padded), len(members), 4, 4).mean(axis=1))
    turn = nmrqb.charging_unitary(2, PHI)
    return float(nmrqb.metrics.fidelity(rho, turn @ nmrqb.gibbs_state(H, 1.0) @ turn.conj().T))


def idle() -> np.ndarray:
    """Fidelity (device, noise, pulses, delay); noise: the device's own, and with slow detunings."""
    found = np.zeros((len(DEVICES), 2, len(PULSES), len(DELAYS)))
    for d, device in enumerate(DEVICES):
        machine = open_machine(f"fake:{device}", 2)
        for (s, slow), (p, pulses), (t, delay) in (
            (s, p, t) for s in enumerate((0.0, SLOW)) for p in enumerate(PULSES) for t in enumerate(DELAYS)
        ):
            found[d, s, p, t] = kept(machine, delay, pulses if delay else 0, slow)
    return found


def train(name: str) -> nmrqb.Sequence:
    """A charging pulse, and storage under a train of pi pulses, two in each of CYCLES parts."""
    pulses = [{"pulse": angle, "phase": phase} for angle, phase in TRAINS[name]]
    half = len(pulses) // 2
    parts = [pulses[:half], pulses[half:]]
    steps = [
        {"pulse": "90 deg", "phase": "x", "use": "charge"},
        {
            "repeat": CYCLES,
            "steps": [{"delay": "gap/2"}, *parts[0], {"delay": "gap"}, *parts[1], {"delay": "gap/2"}],
        },
        {"observe": "stored"},
    ]
    tables = {
        "title": f"Storage: {name}",
        "steps": steps,
        "parameters": {"gap": f"{STORAGE}/{2 * CYCLES}", "p": "acos(-1/4)"},
    }
    return nmrqb.Sequence.parse(Document(name, tables, {}), name)


def magnet() -> np.ndarray:
    """Fidelity of the stored state with storage that nothing disturbs, (train, rf spread)."""
    sample = nmrqb.Sample.load("chloroform")
    start = np.kron(np.diag([0.9, 0.1]), np.diag([0.9, 0.1]))
    found = np.zeros((len(TRAINS), len(RF)))
    for t, name in enumerate(TRAINS):
        sequence = train(name)
        wanted = nmrqb.Exact().run(nmrqb.schedule(sequence, sample), start).at("stored")[0]
        for r, spread in enumerate(RF):
            ensemble = offset_distribution(WIDTH) * rf_distribution(spread)
            timeline = nmrqb.schedule(sequence, sample, ensemble=ensemble)
            rho = nmrqb.Exact().run(timeline, start).at("stored")[0]
            found[t, r] = float(nmrqb.metrics.fidelity(rho, wanted))
    return found


def data() -> xr.Dataset:
    """Fidelity on idle qubits and in the magnet."""
    return xr.Dataset(
        {
            "idle": (
                ("device", "noise", "pulses", "delay"),
                idle(),
                {"long_name": "fidelity with the charged state", "units": "1"},
            ),
            "fidelity": (("train", "rf"), magnet(), {"long_name": "fidelity with undisturbed storage", "units": "1"}),
        },
        {
            "device": list(DEVICES),
            "noise": ["T1, T2", "with slow detuning"],
            "pulses": ("pulses", list(PULSES), {"long_name": "pi pulses in the delay", "units": "1"}),
            "delay": ("delay", list(DELAYS), {"long_name": "delay", "units": "s"}),
            "train": list(TRAINS),
            "rf": ("rf", list(RF), {"long_name": "relative spread of the RF amplitude", "units": "1"}),
        },
        attributes("Decoupling on devices and in the magnet", {"phi": PHI, "slow_hz": SLOW}, seed=str(SEED)),
    )


def table(found: xr.Dataset) -> list[tuple[str, ...]]:
    """Fidelity against the delay, then against the spread of RF."""
    header = ("where", "noise", "pulses", *(f"{delay * 1e6:g} us" for delay in DELAYS))
    rows = [
        (d, n, str(p), *(f"{float(v):.3f}" for v in found.idle.sel(device=d, noise=n, pulses=p)))
        for d in DEVICES
        for n in found.noise.values
        for p in PULSES
    ]
    rows += [("magnet", "offsets, RF spread of", "", *(f"{rf:g}" for rf in RF), "")]
    rows += [("magnet", "fidelity", t, *(f"{float(v):.4f}" for v in found.fidelity.sel(train=t)), "") for t in TRAINS]
    return [header, *rows]


def main(out: Path) -> list[Path]:
    """Write decoupling.nc, .txt, .pdf and .png into the folder; returns their paths."""
    found = data()
    paths = [write(found, out / "decoupling.nc"), save_table(table(found), out / "decoupling.txt")]
    return [*paths, *style.save(decoupling(found, FOOTER), out, "decoupling")]


if __name__ == "__main__":
    run(main, __doc__)
