"""Our own figure: four ways to a Gibbs state on a device's qubits, side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

import nmrqb
from nmrqb.circuits import preparations
from nmrqb.circuits.devices import open_machine
from nmrqb.circuits.devices.machine import fake_backend
from nmrqb.circuits.predict import entanglers, neighbouring_line, pair_errors, predicted_states
from nmrqb.paper.dataset import attributes, write
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.devices import preparations_on_devices

DEVICES = ("torino", "marrakesh", "sherbrooke")
BETA = 1.5
BATTERIES = {
    "axial": {"axial": 1.0, "zeeman": 0.4},
    "general": {"axial": 1.0, "rhombic": 0.25, "dm": 0.3, "ksea": 0.15, "zeeman": 0.4},
}
WAYS = ("eigenstates", "X + V", "thermofield double", "Broekaert-Jeener")
PAIRS = ("best", "median", "worst tenth")
QUANTILES = (0.0, 0.5, 0.9)
FOOTER = (
    "Trace distance between the state asked for and the one the qubits hold, from the calibration of qubits cut from fake "
    "backends (density matrices: no shot noise, no readout error; Aer's model has no crosstalk, leakage or memory). Pairs are "
    "ranked by the reported error of their two-qubit gate; ancillas are their best neighbours. Gibbs states at β = 1.5 of Δ = 1, "
    "B = 0.4 (axial) and with ε = 0.25, D = 0.3, G = 0.15 (general). Broekaert-Jeener starts from the product Gibbs state of the "
    "Zeeman term alone and is measured against its own ideal outcome, dipolar order behind the crusher: another state, shown for "
    "what its circuits cost. Ergotropy in the table is what a passive state seems to hold."
)


def ways(name: str) -> dict[str, preparations.Preparation]:
    """The preparations of one battery's Gibbs state; for dipolar order, of the thermal state in its Zeeman term."""
    rho = nmrqb.gibbs_state(nmrqb.Battery(**BATTERIES[name]).hamiltonian(), 1 / BETA)
    sample = nmrqb.Sample.load("nematic-pair")
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge").bind(charge=0.0)
    thermal = nmrqb.gibbs_state(nmrqb.Battery(zeeman=BATTERIES[name]["zeeman"]).hamiltonian(), 1 / BETA)
    order = preparations.sequence_preparation(nmrqb.schedule(sequence, sample), thermal, "empty")
    found = (
        preparations.eigenstate_mixture(rho),
        preparations.basis_mixture(rho),
        preparations.thermofield_double(rho),
        replace(order, name=WAYS[3]),
    )
    return dict(zip(WAYS, found, strict=True))


def lines(device: str) -> list[tuple[int, int, int, int]]:
    """Lines ancilla, spin, spin, ancilla around the pairs at QUANTILES of the two-qubit error."""
    target = fake_backend(device).target
    around = [neighbouring_line(target, pair) for pair in pair_errors(target)]
    known = [line for line in around if line is not None]
    return [known[round(q * (len(known) - 1))] for q in QUANTILES]


def measure(device: str, line: tuple[int, ...], battery: str) -> np.ndarray:
    """Trace distance, ergotropy, most two-qubit gates in a circuit and number of circuits of each way, (way, 4)."""
    H = nmrqb.Battery(**BATTERIES[battery]).hamiltonian()
    rows = []
    for preparation in ways(battery).values():
        circuits = preparation.circuits
        qubits = line if circuits[0].num_qubits == 4 else line[1:3]
        machine = open_machine(f"fake:{device}", len(qubits), qubits=qubits, level=3)
        native = machine.native(circuits)
        ideal = open_machine("aer", len(qubits))
        wanted = preparation.mixed(predicted_states(circuits, ideal))
        rho = preparation.mixed(predicted_states(native, machine))
        distance = 0.5 * np.abs(np.linalg.eigvalsh(rho - wanted)).sum()
        excess = nmrqb.metrics.ergotropy(rho, H) - nmrqb.metrics.ergotropy(wanted, H)
        rows.append((distance, excess, max(map(entanglers, native)), len(circuits)))
    return np.array(rows)


def data() -> xr.Dataset:
    """Every device, pair, battery and way."""
    found = np.array([[[measure(d, line, b) for b in BATTERIES] for line in lines(d)] for d in DEVICES])
    dims = ("device", "pair", "battery", "preparation")
    names = {
        "trace_distance": ("trace distance to the state asked for", "1"),
        "excess_ergotropy": ("ergotropy minus that of the state asked for", "coupling unit"),
        "two_qubit_gates": ("most two-qubit gates in one circuit", "1"),
        "circuits": ("circuits", "1"),
    }
    variables = {
        name: (dims, found[..., k], {"long_name": text, "units": unit})
        for k, (name, (text, unit)) in enumerate(names.items())
    }
    coords = {"device": list(DEVICES), "pair": list(PAIRS), "battery": list(BATTERIES), "preparation": list(WAYS)}
    qubits = ("device", "pair", "qubit"), [lines(d) for d in DEVICES], {"long_name": "physical qubits", "units": "1"}
    return xr.Dataset(
        {**variables, "line": qubits},
        coords,
        attributes("Gibbs states on devices", {"beta": BETA}),
    )


def table(found: xr.Dataset) -> list[tuple[str, ...]]:
    """Header and rows of the printed table: ranges over pairs and devices' own columns."""
    header = ("device", "H", "preparation", "circuits", "2q gates", *(f"{p} pair" for p in PAIRS), "ergotropy")
    rows = []
    for index in np.ndindex(len(DEVICES), len(BATTERIES), len(WAYS)):
        one = found.isel(device=index[0], battery=index[1], preparation=index[2])
        rows.append(
            (
                DEVICES[index[0]],
                list(BATTERIES)[index[1]],
                WAYS[index[2]],
                f"{int(one.circuits[0])}",
                f"{int(one.two_qubit_gates.max())}",
                *(f"{float(value):.4f}" for value in one.trace_distance),
                "-" if WAYS[index[2]] == WAYS[3] else f"{float(abs(one.excess_ergotropy).max()):.1e}",
            )
        )
    return [header, *rows]


def main(out: Path) -> list[Path]:
    """Write gibbs_on_devices.nc, .txt, .pdf and .png into the folder; returns their paths."""
    found = data()
    stored = [write(found, out / "gibbs_on_devices.nc"), save_table(table(found), out / "gibbs_on_devices.txt")]
    return [*stored, *style.save(preparations_on_devices(found, FOOTER), out, "gibbs_on_devices")]


if __name__ == "__main__":
    run(main, __doc__)
