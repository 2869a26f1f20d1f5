"""Our own figure: a battery in the [[4,2,2]] code against bare qubits, with what post-selection costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from qiskit import QuantumCircuit

import nmrqb
from nmrqb.circuits import code422
from nmrqb.circuits.devices import Machine, open_machine
from nmrqb.circuits.devices.machine import fake_backend
from nmrqb.circuits.predict import entanglers, neighbouring_line, pair_errors, predicted_frequencies, predicted_states
from nmrqb.circuits.preparations import eigenstate_mixture
from nmrqb.circuits.prepare import eigenbranches
from nmrqb.circuits.readout import ReadoutCalibration, calibration_circuits
from nmrqb.paper.dataset import attributes, write
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.code422 import detecting_code

BATTERY = nmrqb.Battery(axial=1.0, rhombic=0.25)
H = BATTERY.hamiltonian()
TEMPERATURE, PHI, TIME = 1.0, 0.6, 0.5
DEVICES = ("torino", "marrakesh", "sherbrooke")
PLACES, QUANTILES = ("best", "median"), (0.0, 0.5)
CASES = ("charged, 0 steps", "charged, 1 step", "charged, 3 steps", "charged, 6 steps", "not charged, 6 steps")
WAYS = ("bare", "bare, readout corrected", "encoded", "encoded, readout corrected")
LABELS = ("ZI", "IZ", "XX", "YY", "ZZ")
FOOTER = (
    "Gibbs state at T = 1 of Δ = 1, ε = 0.25 (no DM, KSEA or Zeeman term) as a mixture of eigenstates, charged to Ωt = 0.6 "
    "where said, then steps of t = 0.5 under H kept apart by barriers: one block of three two-qubit gates each, on bare qubits and in the "
    "code alike. Energy from three settings, no shot noise; qubits cut from fake backends, lines of four around the pairs ranked by their "
    "two-qubit error. (a) error of the mean energy. (b) root mean square error of <Z1>, <Z2>, <XX>, <YY>, <ZZ>. (c) share of shots that "
    "pass the parity check; shots grow by its inverse. The pulse couples two pairs of qubits in the code and costs routing: "
    "charging alone is better left bare, and the code pays from about three steps on, where its ancillas are good."
)


def case(name: str) -> tuple[bool, int]:
    """Whether it is charged, and its number of steps."""
    return name.startswith("charged"), int("".join(letter for letter in name if letter.isdigit()))


def circuits(name: str, encoded: bool) -> list[QuantumCircuit]:
    """One unmeasured circuit for each eigenstate."""
    charged, steps = case(name)
    _, vectors = eigenbranches(nmrqb.gibbs_state(H, TEMPERATURE))
    assert vectors is not None
    terms = {label: TIME * value for label, value in code422.couplings(BATTERY).items()}
    found = []
    for k, start in enumerate(eigenstate_mixture(nmrqb.gibbs_state(H, TEMPERATURE)).circuits):
        circuit = code422.encode(np.where(abs(vectors[:, k]) < 1e-12, 0, vectors[:, k])) if encoded else start.copy()
        circuit.barrier()
        if charged and encoded:
            code422.evolve(circuit, {"XI": PHI, "IX": PHI})
        elif charged:
            circuit.rx(2 * PHI, [0, 1])
        for _ in range(steps):
            circuit.barrier()
            if encoded:
                code422.evolve(circuit, terms)
            else:
                for label, angle in terms.items():
                    getattr(circuit, f"r{label.lower()}")(2 * angle, 0, 1)
        circuit.barrier()
        found.append(circuit)
    return found


def expectations(frequencies: np.ndarray, encoded: bool) -> tuple[np.ndarray, float]:
    """LABELS from frequencies (basis, outcome) in the bases X, Y, Z, and the least acceptance of the three."""
    if encoded:
        decoded = [code422.decode(frequencies[k], letter) for k, letter in enumerate("XYZ")]
        seen = {label: value for one in decoded for label, value in one.expectations.items()}
        return np.array([float(seen[label]) for label in LABELS]), min(float(one.acceptance) for one in decoded)
    z = np.array([1.0, -1.0])
    signs = {"ZI": np.kron(z, [1, 1]), "IZ": np.kron([1, 1], z), **dict.fromkeys(("XX", "YY", "ZZ"), np.kron(z, z))}
    return np.array([frequencies["XYZ".index(label.strip("I")[0])] @ signs[label] for label in LABELS]), 1.0


def measured(name: str, machine: Machine, encoded: bool, correct: bool) -> tuple[np.ndarray, float, int]:
    """LABELS, acceptance and the most two-qubit gates of one case on a machine."""
    weights = eigenstate_mixture(nmrqb.gibbs_state(H, TEMPERATURE)).weights
    plain = circuits(name, encoded)
    native = machine.native([code422.measure(circuit, letter) for letter in "XYZ" for circuit in plain])
    seen = predicted_frequencies(native, machine).reshape(3, len(plain), -1)
    mixed = np.einsum("lko,k->lo", seen, weights)
    if correct:
        n = plain[0].num_qubits
        confusion = predicted_frequencies(machine.native(calibration_circuits(n)), machine)
        mixed = ReadoutCalibration((confusion,)).correct(mixed)
    return *expectations(mixed, encoded), max(map(entanglers, native))


def ideal(name: str) -> np.ndarray:
    """LABELS where nothing errs, from bare circuits."""
    mixture = eigenstate_mixture(nmrqb.gibbs_state(H, TEMPERATURE))
    rho = mixture.mixed(predicted_states(circuits(name, False), open_machine("aer", 2)))
    return np.array([float(np.trace(rho @ nmrqb.spin.operators.pauli_string(label)).real) for label in LABELS])


def lines(device: str) -> list[tuple[int, ...]]:
    """Qubits of each place: the code's 3-0-1-2 lie along a line whose middle is the bare pair."""
    target = fake_backend(device).target
    known = [line for line in (neighbouring_line(target, pair) for pair in pair_errors(target)) if line is not None]
    return [known[round(q * (len(known) - 1))] for q in QUANTILES]


def data() -> xr.Dataset:
    """Errors of energies and correlators, acceptance, and gates."""
    coefficients = np.array([code422.couplings(BATTERY).get(label, 0.0) for label in LABELS])
    shape = (len(DEVICES), len(PLACES), len(CASES), len(WAYS))
    energy, rms, acceptance, gates = (np.zeros(shape) for _ in range(4))
    for d, p in np.ndindex(shape[:2]):
        line = lines(DEVICES[d])[p]
        bare = open_machine(f"fake:{DEVICES[d]}", 2, qubits=line[1:3], level=3)
        four = open_machine(f"fake:{DEVICES[d]}", 4, qubits=(line[1], line[2], line[3], line[0]), level=3)
        for c, name in enumerate(CASES):
            wanted = ideal(name)
            for w, way in enumerate(WAYS):
                encoded = way.startswith("encoded")
                at = (d, p, c, w)
                found, acceptance[at], gates[at] = measured(
                    name, four if encoded else bare, encoded, "corrected" in way
                )
                energy[at] = coefficients @ (found - wanted)
                rms[at] = np.sqrt(np.mean((found - wanted) ** 2))
    dims = ("device", "place", "case", "way")
    return xr.Dataset(
        {
            "energy_error": (dims, energy, {"long_name": "error of the mean energy", "units": "coupling unit"}),
            "rms": (dims, rms, {"long_name": "rms error of five correlators", "units": "1"}),
            "acceptance": (dims, acceptance, {"long_name": "least share of shots that pass", "units": "1"}),
            "two_qubit_gates": (dims, gates, {"long_name": "most two-qubit gates in one circuit", "units": "1"}),
        },
        {"device": list(DEVICES), "place": list(PLACES), "case": list(CASES), "way": list(WAYS)},
        attributes("A battery in the [[4,2,2]] code", {"temperature": TEMPERATURE, "phi": PHI, "time": TIME}),
    )


def table(found: xr.Dataset) -> list[tuple[str, ...]]:
    """Errors of every case on every device."""
    header = ("device", "line", "case", "way", "2q gates", "acceptance", "energy error", "rms error")
    rows = []
    for d, p, c, w in np.ndindex(found.rms.shape):
        one = found.isel(device=d, place=p, case=c, way=w)
        numbers = (f"{int(one.two_qubit_gates)}", f"{float(one.acceptance):.3f}", f"{float(one.energy_error):+.4f}")
        rows.append((DEVICES[d], PLACES[p], CASES[c], WAYS[w], *numbers, f"{float(one.rms):.4f}"))
    return [header, *rows]


def main(out: Path) -> list[Path]:
    """Write code422.nc, .txt, .pdf and .png into the folder; returns their paths."""
    found = data()
    stored = [write(found, out / "code422.nc"), save_table(table(found), out / "code422.txt")]
    return [*stored, *style.save(detecting_code(found, FOOTER), out, "code422")]


if __name__ == "__main__":
    run(main, __doc__)
