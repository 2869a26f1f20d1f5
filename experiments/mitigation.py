"""Our own figure: what readout correction, zero-noise extrapolation and Pauli twirling gain on a device, and what they cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate

import nmrqb
from nmrqb.circuits.devices import Machine, open_machine
from nmrqb.circuits.devices.machine import fake_backend
from nmrqb.circuits.predict import entanglers, pair_errors, predicted_frequencies, predicted_states
from nmrqb.circuits.preparations import Preparation, eigenstate_mixture
from nmrqb.circuits.readout import ReadoutCalibration, calibration_circuits
from nmrqb.circuits.twirl import twirl
from nmrqb.circuits.zne import extrapolate, fold
from nmrqb.paper.dataset import attributes, write
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.mitigation import mitigation
from nmrqb.spin.propagation import unitary
from nmrqb.tomography import linear_inversion, nearest_state, pauli_settings

BATTERY = nmrqb.Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
H = BATTERY.hamiltonian()
PHI, STORAGE, STEPS = 0.85, 0.5, 3
DEVICES = ("torino", "marrakesh", "sherbrooke")
PAIRS, QUANTILES = ("best", "median", "worst tenth"), (0.0, 0.5, 0.9)
METHODS = ("none", "readout", "zne linear", "zne richardson")
FACTORS = (1, 3, 5)
BUDGET = 9 * 4096
BUDGETS = tuple(BUDGET * 2**k for k in (-4, -2, 0, 2, 4))
REPEATS, TWIRLS, SEED = 200, 32, 1
ANGLES = (0.0, 0.04, 0.08, 0.12)
TWIRLED = ("none", "twirl", "zne linear", "zne linear + twirl")
SETTINGS = pauli_settings(2)
FOOTER = (
    "Gibbs state at T = 1 of Δ = 1, ε = 0.25, D = 0.3, G = 0.15, B = 0.4 as a mixture of eigenstates, charged to Ωt = 0.85, stored "
    "for three separate steps of t = 0.5 under H (10 two-qubit gates), tomography in 9 settings; noise of qubits cut from fake "
    "backends, pairs ranked by two-qubit error. (a) infinitely many shots. (b) root mean square error at 36864 shots in all, "
    "those for calibration (a tenth) and for folded circuits included; (c) the same on Torino's median pair against all shots. "
    "(d) that pair with every CZ followed by exp(-i a ZZ/2), infinitely many shots, no readout error: a twirl is the mean over 32 random "
    "frames. Aer's own device noise is stochastic already, so at a = 0 a twirl has nothing to gain; against a coherent error it helps by itself, but not where the noise is extrapolated as well."
)


def circuits(letters: str | None = None) -> list[QuantumCircuit]:
    """One circuit for each eigenstate: charged, stored, and measured in a setting such as "XY"; without one, unmeasured."""
    found = []
    for start in eigenstate_mixture(nmrqb.gibbs_state(H, 1.0)).circuits:
        circuit = QuantumCircuit(2, 2 if letters else 0)
        circuit.compose(start, inplace=True)
        for k in range(2):
            circuit.rx(2 * PHI, k)
        for _ in range(STEPS):
            circuit.barrier()
            circuit.append(UnitaryGate(unitary(H * STORAGE)), [1, 0])
        for k, letter in enumerate(letters or ""):
            if letter == "Y":
                circuit.sdg(k)
            if letter in "XY":
                circuit.h(k)
        if letters:
            circuit.measure(range(2), range(2))
        found.append(circuit)
    return found


def ideal() -> tuple[Preparation, np.ndarray, float]:
    """The mixture, the state it ends in and its ergotropy."""
    mixture = eigenstate_mixture(nmrqb.gibbs_state(H, 1.0))
    rho = mixture.mixed(predicted_states(circuits(), open_machine("aer", 2)))
    return mixture, rho, float(nmrqb.metrics.ergotropy(rho, H))


def pairs(device: str) -> list[tuple[int, int]]:
    """Pairs at QUANTILES of the reported two-qubit error."""
    known = list(pair_errors(fake_backend(device).target))
    return [known[round(q * (len(known) - 1))] for q in QUANTILES]


def frequencies(machine: Machine) -> tuple[np.ndarray, np.ndarray]:
    """What a device reports: (factor, setting, branch, 4) for the folded circuits, and its confusion matrix (4, 4)."""
    native = machine.native([circuit for letters in SETTINGS for circuit in circuits(letters)])
    found = [predicted_frequencies([fold(circuit, factor) for circuit in native], machine) for factor in FACTORS]
    confusion = predicted_frequencies(machine.native(calibration_circuits(2)), machine)
    return np.array(found).reshape(len(FACTORS), len(SETTINGS), -1, 4), confusion


def estimated(method: str, seen: np.ndarray, readout: ReadoutCalibration, weights: np.ndarray) -> np.ndarray:
    """Ergotropy by one method from frequencies (..., factor, setting, branch, 4)."""
    mixed = np.einsum("...fsbo,b->...fso", seen, weights)
    if method.startswith("zne"):
        rule = "linear" if method.endswith("linear") else "richardson"
        mixed = extrapolate(np.moveaxis(mixed, -3, 0), FACTORS, rule)[0]
    else:
        mixed = mixed[..., 0, :, :]
    if method != "none":
        mixed = readout.correct(mixed)
    return nmrqb.metrics.ergotropy(nearest_state(linear_inversion(mixed, SETTINGS)), H)


def repeated(
    method: str, seen: np.ndarray, confusion: np.ndarray, weights: np.ndarray, budget: int, seed: int
) -> np.ndarray:
    """Ergotropy of REPEATS experiments of `budget` shots each, shared equally by all circuits of the method."""
    rng = np.random.default_rng(seed)
    factors = len(FACTORS) if method.startswith("zne") else 1
    spare = 0 if method == "none" else budget // 10
    shots = np.maximum((budget - spare) * weights / (len(SETTINGS) * factors), 1).astype(int)
    used = seen[:factors] if factors > 1 else seen[:1]
    drawn = rng.multinomial(shots, used, size=(REPEATS, *used.shape[:-1])) / shots[:, None]
    found = []
    for k in range(REPEATS):
        matrix = rng.multinomial(spare // 4, confusion) / (spare // 4) if spare else np.eye(4)
        found.append(estimated(method, drawn[k], ReadoutCalibration((matrix,)), weights))
    return np.array(found)


def measured() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bias and rms error (device, pair, method), rms error against the budget (budget, method), two-qubit gates (device,)."""
    mixture, _, wanted = ideal()
    bias = np.zeros((len(DEVICES), len(PAIRS), len(METHODS)))
    spread = np.zeros_like(bias)
    against = np.zeros((len(BUDGETS), len(METHODS)))
    gates = np.zeros(len(DEVICES))
    for d, device in enumerate(DEVICES):
        for p, pair in enumerate(pairs(device)):
            machine = open_machine(f"fake:{device}", 2, qubits=pair)
            gates[d] = max(entanglers(circuit) for circuit in machine.native(circuits()))
            seen, confusion = frequencies(machine)
            for m, method in enumerate(METHODS):
                exact = estimated(method, seen, ReadoutCalibration((confusion,)), mixture.weights)
                bias[d, p, m] = exact - wanted
                drawn = repeated(method, seen, confusion, mixture.weights, BUDGET, SEED)
                spread[d, p, m] = np.sqrt(np.mean((drawn - wanted) ** 2))
                if (d, p) == (0, 1):
                    for b, budget in enumerate(BUDGETS):
                        drawn = repeated(method, seen, confusion, mixture.weights, budget, SEED)
                        against[b, m] = np.sqrt(np.mean((drawn - wanted) ** 2))
    return bias, spread, against, gates


def overrotated(circuit: QuantumCircuit, angle: float) -> QuantumCircuit:
    """Every two-qubit gate followed by exp(-i angle ZZ/2)."""
    found = circuit.copy_empty_like()
    for step in circuit.data:
        found.append(step)
        if len(step.qubits) == 2 and step.operation.name != "barrier" and angle:
            found.rzz(angle, *step.qubits)
    return found


def coherent() -> np.ndarray:
    """Error of the ergotropy on Torino's median pair with a coherent error on top, (angle, method)."""
    mixture, _, wanted = ideal()
    machine = open_machine("fake:torino", 2, qubits=pairs("torino")[1])
    native = machine.native(circuits())
    rng = np.random.default_rng(SEED)
    found = np.zeros((len(ANGLES), len(TWIRLED)))
    for a, angle in enumerate(ANGLES):
        plain, twirled = [], []
        for factor in FACTORS:
            folded = [fold(circuit, factor) for circuit in native]
            plain.append(mixture.mixed(predicted_states([overrotated(c, angle) for c in folded], machine)))
            frames = [version for c in folded for version in twirl(c, TWIRLS, rng, machine.target)]
            states = predicted_states([overrotated(c, angle) for c in frames], machine)
            twirled.append(mixture.mixed(states.reshape(len(folded), TWIRLS, 4, 4).mean(axis=1)))
        for m, method in enumerate(TWIRLED):
            rho = np.array(twirled if "twirl" in method else plain)
            one = rho[0]
            if "zne" in method:
                one = extrapolate(rho.real, FACTORS)[0] + 1j * extrapolate(rho.imag, FACTORS)[0]
            found[a, m] = nmrqb.metrics.ergotropy(nearest_state(one), H) - wanted
    return found


def data() -> xr.Dataset:
    """Bias and spread of all methods on all pairs, against the number of shots, and under a coherent error."""
    bias, spread, against, gates = measured()
    where = ("device", "pair", "mitigation")
    unit = "coupling unit"
    return xr.Dataset(
        {
            "bias": (where, bias, {"long_name": "error of the ergotropy without shot noise", "units": unit}),
            "rms": (where, spread, {"long_name": f"rms error of the ergotropy at {BUDGET} shots", "units": unit}),
            "rms_against_shots": (
                ("shots", "mitigation"),
                against,
                {"long_name": "rms error of the ergotropy", "units": unit},
            ),
            "coherent": (
                ("angle", "twirled"),
                coherent(),
                {"long_name": "error of the ergotropy under a coherent error of every gate", "units": unit},
            ),
            "circuits": ("mitigation", [36, 40, 112, 112], {"long_name": "circuits for one state", "units": "1"}),
            "two_qubit_gates": ("device", gates, {"long_name": "two-qubit gates of an unfolded circuit", "units": "1"}),
        },
        {
            "device": list(DEVICES),
            "pair": list(PAIRS),
            "mitigation": list(METHODS),
            "shots": list(BUDGETS),
            "angle": ("angle", list(ANGLES), {"long_name": "coherent error of every gate", "units": "rad"}),
            "twirled": list(TWIRLED),
        },
        attributes("Mitigation on devices", {"phi": PHI, "steps": STEPS, "temperature": 1.0}, seed=str(SEED)),
    )


def table(found: xr.Dataset) -> list[tuple[str, ...]]:
    """Errors on every pair, then the coherent error."""
    header = ("device", "pair", "mitigation", "circuits", "bias", f"rms at {BUDGET} shots")
    rows = [
        (d, p, m, f"{int(found.circuits.sel(mitigation=m))}", f"{float(one.bias):+.4f}", f"{float(one.rms):.4f}")
        for d in DEVICES
        for p in PAIRS
        for m in METHODS
        for one in [found.sel(device=d, pair=p, mitigation=m)]
    ]
    rows += [
        (
            "torino",
            "median",
            f"{m}, every CZ off by {a:g} rad",
            "",
            f"{float(found.coherent.sel(angle=a, twirled=m)):+.4f}",
            "",
        )
        for a in ANGLES
        for m in TWIRLED
    ]
    return [header, *rows]


def main(out: Path) -> list[Path]:
    """Write mitigation.nc, .txt, .pdf and .png into the folder; returns their paths."""
    found = data()
    stored = [write(found, out / "mitigation.nc"), save_table(table(found), out / "mitigation.txt")]
    return [*stored, *style.save(mitigation(found, FOOTER), out, "mitigation")]


if __name__ == "__main__":
    run(main, __doc__)
