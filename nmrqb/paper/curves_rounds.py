"""Charging under noise, and round after round of charge, storage and extraction: our own, on the paper's battery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from nmrqb.battery import closed_forms
from nmrqb.battery.cycles import charge_with_noise, reverse_pulse_work, run_rounds
from nmrqb.metrics import ergotropy, stored_energy
from nmrqb.paper.dataset import angle, attributes, battery_and_temperature, variable
from nmrqb.spin.operators import pauli_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray

#: Name -> the jump operators, to be scaled by sqrt(rate).
NOISES: dict[str, tuple[ComplexArray, ...]] = {
    "local X": (pauli_string("XI"), pauli_string("IX")),
    "local Z": (pauli_string("ZI"), pauli_string("IZ")),
    "collective X": (pauli_string("XI") + pauli_string("IX"),),
}

#: Name -> how `run_rounds` extracts.
EXTRACTIONS: dict[str, dict[str, Any]] = {
    "ideal reverse pulse": {"extraction": "pulse"},
    "reverse pulse under the same noise": {"extraction": "pulse", "noisy_extraction": True},
    "optimal unitary": {"extraction": "optimal"},
}


def noisy_charging(
    parameters: Mapping[str, float], phi: ArrayLike, rates: ArrayLike, title: str = "Charging under noise"
) -> xr.Dataset:
    """Stored energy, ergotropy and reverse-pulse work of a Gibbs state charged under noise; H is off during the pulse.

    parameters: couplings and temperature by name; phi = Omega t (T,) in rad; rates/Omega (R,). Variables on (noise,
    rate, phi), for the three NOISES; `limit` is the ergotropy the spectrum would allow. Raises ArgumentError.
    """
    battery, T = battery_and_temperature(parameters)
    H, rho0 = battery.hamiltonian(), battery.gibbs_state(T)
    times, strengths = np.asarray(phi, dtype=float), np.asarray(rates, dtype=float)
    scale = np.sqrt(strengths)[:, None, None, None]
    rho = np.stack([charge_with_noise(rho0, times, scale * np.stack(jumps)) for jumps in NOISES.values()])
    along = ("noise", "rate", "phi")
    data = {
        "stored_energy": variable(along, stored_energy(rho, rho0, H), "stored energy"),
        "ergotropy": variable(along, ergotropy(rho, H), "ergotropy"),
        "reverse_work": variable(along, reverse_pulse_work(rho, H, times), "work of the ideal reverse pulse"),
        "limit": variable((), closed_forms.capacity_orbit(battery, T), "largest ergotropy any unitary could store"),
    }
    coords = {
        "noise": ("noise", list(NOISES), {"long_name": "noise while the pulse is on"}),
        "rate": ("rate", strengths, {"long_name": "rate of the noise over Omega", "units": "1"}),
        "phi": angle(times),
    }
    return xr.Dataset(data, coords, attributes(title, parameters, charging_axis="sigma_x on both spins, eq. (21)"))


def rounds(
    parameters: Mapping[str, float],
    phi: float,
    count: int,
    pulse_rate: float,
    storage: float,
    title: str = "Rounds of charge, storage and extraction",
) -> xr.Dataset:
    """Energies of `count` rounds without thermalisation, for the three EXTRACTIONS.

    Local X noise of `pulse_rate`/Omega while pulses are on, and local Z noise of rate x time = `storage` while the
    battery rests with H refocused. Variables on (extraction, round). Raises ArgumentError.
    """
    battery, T = battery_and_temperature(parameters)
    H, rho0 = battery.hamiltonian(), battery.gibbs_state(T)
    options = {
        "pulse_jumps": np.sqrt(pulse_rate) * np.stack(NOISES["local X"]),
        "storage_jumps": np.stack(NOISES["local Z"]),
        "storage_time": storage,
    }
    results = [run_rounds(H, rho0, phi, count, **options, **how) for how in EXTRACTIONS.values()]
    named = {
        "stored": ("energy stored in the round", "coupling unit"),
        "lost": ("energy lost while resting", "coupling unit"),
        "ergotropy": ("ergotropy when extraction begins", "coupling unit"),
        "work": ("work extracted", "coupling unit"),
        "efficiency": ("work extracted / energy stored in the same round", "1"),
        "extraction_efficiency": ("work extracted / ergotropy when extraction begins", "1"),
    }
    along = ("extraction", "round")
    data = {k: variable(along, np.stack([getattr(r, k) for r in results]), *v) for k, v in named.items()}
    coords = {
        "extraction": ("extraction", list(EXTRACTIONS), {"long_name": "how the energy is drawn"}),
        "round": ("round", np.arange(1, count + 1), {"long_name": "round", "units": "1"}),
    }
    fixed = {**parameters, "phi": phi, "pulse_rate": pulse_rate, "storage": storage}
    return xr.Dataset(data, coords, attributes(title, fixed))
