"""Ergotropy without full tomography: shots for a given error by each way, and what populations alone say (half a minute).

Prints a table of the shots needed and writes cheap_ergotropy.nc, .pdf and .png into --out. The charge is unitary and starts
in a Gibbs state, so that the ergotropy is the stored energy, and an energy suffices. Gates of the map into the energy basis
(two two-qubit gates on hardware) count as free of error here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb import Battery, charging_unitary
from nmrqb.metrics import ergotropy, purity
from nmrqb.paper.curves import write
from nmrqb.plots import style
from nmrqb.plots.cheap_ergotropy import cheap_ergotropy
from nmrqb.tomography import (
    allocate,
    cloud_of_counts,
    direct_expectation,
    energy_basis,
    energy_basis_measurement,
    energy_settings,
    ergotropy_bounds,
    ergotropy_of,
    intervals,
    pauli_design,
    pauli_measurement,
    pauli_settings,
    shots_needed,
)

BATTERY = Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
TEMPERATURE, PHI = 0.8, 0.7
SHOTS = (900, 3600, 14400, 57600)
WAYS = (
    "tomography (9 settings), ergotropy",
    "tomography (9 settings), energy",
    "5 local settings, energy",
    "energy basis (1 setting), energy",
)


def charged(phi: np.ndarray | float) -> np.ndarray:
    """The charged Gibbs state, (..., 4, 4)."""
    U = charging_unitary(2, phi)
    return U @ BATTERY.gibbs_state(TEMPERATURE) @ np.conj(np.swapaxes(U, -1, -2))


def errors(experiments: int, seed: int) -> np.ndarray:
    """Rms error of each way at each number of shots, (way, shots), over simulated experiments."""
    rng, H, rho = np.random.default_rng(seed), BATTERY.hamiltonian(), charged(PHI)
    energy, xi = np.trace(rho @ H).real, float(ergotropy(rho, H))
    full, settings, basis = pauli_settings(2), energy_settings(H), energy_basis_measurement(H)
    seen = pauli_measurement(full)
    found = []
    for total in SHOTS:
        cloud = cloud_of_counts(rng.multinomial(total // 9, drawn(seen, rho), size=(experiments, 9)), seen)
        by_ergotropy = intervals(cloud, ergotropy_of(H), (0.68,))[0].estimate
        by_energy = np.einsum("bij,ji->b", cloud.centre, H).real
        best = allocate(pauli_design(settings, rho), total, observable=H)
        local = rng.multinomial(best, drawn(pauli_measurement(settings), rho), size=(experiments, len(settings)))
        by_local = direct_expectation(local, settings, H).value
        by_basis = energy_basis(rng.multinomial(total, drawn(basis, rho), size=(experiments, 1)), H).energy.value
        values = (by_ergotropy - xi, by_energy - energy, by_local - energy, by_basis - energy)
        found.append([np.sqrt(np.mean(each**2)) for each in values])
    return np.array(found).T


def drawn(measurement: object, rho: np.ndarray) -> np.ndarray:
    """Outcome probabilities without rounding below zero."""
    p = measurement.probabilities(rho).clip(0)  # type: ignore[attr-defined]
    return p / p.sum(axis=-1, keepdims=True)


def data(experiments: int, seed: int) -> xr.Dataset:
    """All that is drawn."""
    H, rho = BATTERY.hamiltonian(), charged(PHI)
    need = shots_needed(rho, H, 0.01)
    one = [need.tomography_ergotropy, need.tomography_energy, need.local, need.energy_basis]
    expected = 0.01 * np.sqrt(np.array(one)[:, None] / np.array(SHOTS))
    phi = np.linspace(0, np.pi / 2, 91)
    states, (energies, V) = charged(phi), np.linalg.eigh(H)
    p = np.einsum("ij,...ii->...j", np.eye(4), V.conj().T @ states @ V).real.clip(0)
    p /= p.sum(axis=-1, keepdims=True)
    lower, upper = ergotropy_bounds(p, energies)
    _, pure = ergotropy_bounds(p, energies, float(purity(rho)))
    variables = {
        "found": (("way", "shots"), errors(experiments, seed)),
        "expected": (("way", "shots"), expected),
        "needed": ("way", one, {"long_name": "shots for a standard error of 0.01"}),
        "ergotropy": ("phi", ergotropy(states, H)),
        "lower": ("phi", lower),
        "upper": ("phi", upper),
        "upper_pure": ("phi", pure),
    }
    return xr.Dataset(variables, {"way": list(WAYS), "shots": list(SHOTS), "phi": phi}, {"title": "cheap ergotropy"})


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=Path("figures"), metavar="DIR")
    parser.add_argument("--experiments", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = data(given.experiments, given.seed)
    most = float(found.needed[0])
    for way in found.way.values:
        need = int(found.needed.sel(way=way))
        sys.stdout.write(f"{way:38s} {need:7d} shots for a standard error of 0.01 ({most / need:.1f} x fewer)\n")
    footer = (
        f"Axial 1, rhombic 0.25, DM 0.3, KSEA 0.15, Zeeman 0.4, T = {TEMPERATURE}; (a) at Omega t = {PHI}, markers: "
        f"{given.experiments} simulated experiments, lines: design. The map into the energy basis counts as free of error."
    )
    paths = [write(found, given.out / "cheap_ergotropy.nc")]
    paths += style.save(cheap_ergotropy(found, footer), given.out, "cheap_ergotropy")
    for path in paths:
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
