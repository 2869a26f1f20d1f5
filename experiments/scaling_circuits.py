"""Charging chains of spins on Aer and on a fake device: energies by grouped settings beside exact dynamics."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from nmrqb import Battery
from nmrqb.battery import Cluster
from nmrqb.engines.energies import Energies, charged_energies
from nmrqb.nmr.noise import Noise
from nmrqb.paper.script import run, save_table
from nmrqb.plots import style
from nmrqb.plots.scaling import circuits
from nmrqb.scaling import charger
from nmrqb.spin import many
from nmrqb.terminal import progress

SIZES = (3, 4, 6, 8, 10)
ON_DEVICE = (3, 4)
DEVICE = "fake:torino"
TIME = 0.72  # next to the largest average power of neighbours' double-quantum charging
SHOTS = 1000
FOOTER = (
    "Battery: sum over neighbours of the axial term with Delta = 0.5, and a field B = -0.5; charged from |0...0> by the sum of "
    "(XX - YY)/2 over neighbours for t = 0.72. Noise on Aer: T1 = 10, T2 = 5 in units of the inverse coupling, X-dephasing "
    "0.02, on every spin. 1000 shots for each of the settings; bars are one standard error. Density matrices up to eight spins, "
    "trajectories beyond, as predicted to be quicker. The device's counts are as they come, nothing is undone."
)


def noise(n: int) -> Noise:
    """The same for every spin."""
    return Noise((10.0,) * n, (5.0,) * n, (0.5,) * n, (0.0,) * n, x_dephasing=(0.02,) * n)


def measured(n: int, how: str) -> tuple[float, Energies]:
    """The exact energy without noise, and what circuits give."""
    drive = charger("neighbours", n).H
    H = Cluster.chain(n, Battery(axial=0.5, zeeman=-0.5), np.inf).pauli_sum()
    psi = np.zeros(H.dimension, dtype=complex)
    psi[0] = 1

    def energy(v: np.ndarray) -> float:
        return float(np.vdot(v, H.apply(v)).real)

    exact = float(many.observe(drive, psi, [TIME], energy)[0])
    options: dict[str, object] = {"noise": noise(n)} if how == "noise" else {}
    if how == "device":
        options = {"backend": DEVICE}
    found = charged_energies(drive, [TIME], H, shots=SHOTS, seed=n, steps=6, product=0.02, tell=_tell, **options)  # type: ignore[arg-type]
    return exact, found


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


def main(out: Path) -> list[Path]:
    """Write scaling_circuits.txt, .pdf and .png into the folder; returns their paths."""
    rows = [("spins", "how", "settings", "energy", "error", "exact, no noise", "2-qubit gates")]
    points: dict[str, list[tuple[int, float, float, float]]] = {"ideal": [], "noise": [], "device": []}
    todo = [(n, how) for n in SIZES for how in points if how != "device" or n in ON_DEVICE]
    with progress("circuits") as bar:
        for done, (n, how) in enumerate(todo):
            exact, found = measured(n, how)
            points[how].append((n, float(found.values[0]), float(found.errors[0]), exact))
            gates = str(found.two_qubit_gates or "-")
            numbers = (f"{found.values[0]:.3f}", f"{found.errors[0]:.3f}", f"{exact:.3f}")
            rows.append((str(n), found.how, str(len(found.settings)), *numbers, gates))
            bar("energies", done + 1, len(todo))
    table = save_table(rows, out / "scaling_circuits.txt")
    return [table, *style.save(circuits(points, DEVICE, FOOTER), out, "scaling_circuits")]


if __name__ == "__main__":
    run(main, __doc__)
