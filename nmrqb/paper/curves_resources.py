"""Coherence, discord and concurrence under dephasing (Fig. 3) and in thermal equilibrium (Fig. 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from nmrqb.battery import closed_forms
from nmrqb.metrics import concurrence, discord, l1_coherence
from nmrqb.paper.dataset import ENERGY, PARAMETERS, attributes, battery_and_temperature, variable
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.propagation import lindblad

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from nmrqb.battery import Battery
    from nmrqb.checks import ComplexArray

MEASURES = {
    "concurrence": "concurrence, eq. (C1)",
    "discord": "quantum discord in bits, measured on spin 0, eq. (B5)",
    "l1": "l1 norm of coherence, computational basis, eq. (29)",
}


def dephasing(
    panels: Sequence[Mapping[str, float]],
    times: ArrayLike,
    gamma: float,
    rho0: ArrayLike,
    title: str = "Resources under dephasing",
) -> xr.Dataset:
    """Concurrence, discord and l1 coherence under eqs. (19)-(20), for several batteries and times.

    panels: couplings by name, one mapping for each battery (K of them); times (K, T) or (T,), in 1/coupling unit,
    ascending; gamma: rate of sigma_x on each spin; rho0 (4, 4). Variables on (panel, step); time, and each coupling, are
    coordinates of it. Raises ArgumentError.
    """
    battery, couplings = _stacked(panels)
    jumps = np.sqrt(gamma) * np.stack([pauli_string("XI"), pauli_string("IX")])
    t = np.broadcast_to(np.asarray(times, dtype=float), (len(panels), np.shape(times)[-1]))
    rho = np.empty((*t.shape, 4, 4), dtype=complex)
    H = battery.hamiltonian()
    for window in np.unique(t, axis=0):  # one propagation for all panels that share their times
        members = np.all(t == window, axis=1)
        rho[members] = lindblad(H[members], jumps, rho0, window)
    unit = "1/" + ENERGY
    coords = {"time": (("panel", "step"), t, {"long_name": "time", "units": unit}), **couplings}
    return xr.Dataset(
        _measures(rho), coords, attributes(title, {"gamma": gamma}, noise="sigma_x on each spin, eq. (20)")
    )


def thermal(
    panels: Sequence[Mapping[str, float]], temperatures: ArrayLike, title: str = "Resources in thermal equilibrium"
) -> xr.Dataset:
    """Concurrence, discord and l1 coherence of the Gibbs state, for several batteries and temperatures.

    panels: couplings by name, one mapping for each battery (K of them); temperatures (T,). Variables on (panel,
    temperature); `cutoff` (panel,) is the temperature above which the concurrence is zero. Raises ArgumentError.
    """
    battery, couplings = _stacked(panels)
    T = np.asarray(temperatures, dtype=float)
    column = {f: np.asarray(getattr(battery, f))[:, None] for f in PARAMETERS if f != "temperature"}
    wide, _ = battery_and_temperature({**column, "temperature": T})
    data = _measures(wide.gibbs_state(T), "temperature")
    data["cutoff"] = variable(
        ("panel",), closed_forms.cutoff_temperature(battery), "temperature above which the state is not entangled"
    )
    coords = {
        "temperature": ("temperature", T, {"long_name": PARAMETERS["temperature"][1], "units": ENERGY}),
        **couplings,
    }
    return xr.Dataset(data, coords, attributes(title, {}))


def _stacked(
    panels: Sequence[Mapping[str, float]],
) -> tuple[Battery, dict[str, tuple[str, np.ndarray, dict[str, str]]]]:
    """All panels as one Battery of shape (K,), and the coordinates that say so."""
    names = [name for name in PARAMETERS if name != "temperature"]
    columns = {name: np.array([float(panel.get(name, 0.0)) for panel in panels]) for name in names}
    battery, _ = battery_and_temperature({**columns, "temperature": 1.0})
    coords = {k: ("panel", v, {"long_name": PARAMETERS[k][1], "units": ENERGY}) for k, v in columns.items()}
    letters = np.array([chr(ord("a") + k) for k in range(len(panels))])
    return battery, {"panel": ("panel", letters, {"long_name": "panel of the figure"}), **coords}


def _measures(rho: ComplexArray, along: str = "step") -> dict[str, tuple[object, ...]]:
    values = {"concurrence": concurrence(rho), "discord": discord(rho), "l1": l1_coherence(rho)}
    units = {"discord": "bit"}
    return {k: variable(("panel", along), v, MEASURES[k], units.get(k, "1")) for k, v in values.items()}
