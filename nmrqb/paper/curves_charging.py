"""Charging curves of the Gibbs state (Figs. 5 to 9), maxima over a plane of parameters (Fig. 10), and the split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from nmrqb.battery import closed_forms
from nmrqb.battery.charging import charge, charging_maxima
from nmrqb.metrics import coherent_ergotropy
from nmrqb.paper.dataset import (
    CAPACITIES,
    angle,
    attributes,
    battery_and_temperature,
    coordinate,
    variable,
)
from nmrqb.spin.propagation import charging_unitary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray

AXES = {"x": "sigma_x on both spins, eq. (21)", "y": "sigma_y on both spins"}


def charging(
    parameters: Mapping[str, float], sweep: str, values: ArrayLike, phi: ArrayLike, title: str = "Charging curves"
) -> xr.Dataset:
    """Ergotropy, power, capacity and l1 coherence of a charged Gibbs state, for several values of one parameter.

    parameters: couplings and temperature by name (see nmrqb.paper.dataset.PARAMETERS); `sweep` names the one that
    takes `values` (V,); phi = Omega t (T,) in rad. Variables on (axis, sweep, phi), axis x and y; maxima over phi (any
    phi, not only those given) on (axis, sweep); capacity on (kind, sweep). Raises ArgumentError.
    """
    points, times = np.asarray(values, dtype=float), np.asarray(phi, dtype=float)
    H, rho, capacities = _gibbs({**parameters, sweep: points})
    curves = [charge(H, rho, times, axis, passive=True, check=False) for axis in AXES]
    peaks = [charging_maxima(H, rho, axis, passive=True, check=False) for axis in AXES]
    along, top = ("axis", sweep, "phi"), ("axis", sweep)

    def stacked(items: Sequence[object], name: str) -> np.ndarray:
        return np.stack([getattr(item, name) for item in items])

    data = {
        "ergotropy": variable(along, stacked(curves, "ergotropy"), "ergotropy (equals the stored energy)"),
        "power": variable(along, stacked(curves, "power"), "instantaneous power over Omega, d xi/d(Omega t)"),
        "l1": variable(along, stacked(curves, "l1"), "l1 norm of coherence, computational basis", "1"),
        "capacity": variable(("kind", sweep), capacities, "capacity in several senses"),
        "ergotropy_max": variable(top, stacked(peaks, "ergotropy"), "largest ergotropy over time"),
        "ergotropy_max_phi": variable(top, stacked(peaks, "phi_energy"), "Omega tau of the largest ergotropy", "rad"),
        "power_max": variable(top, stacked(peaks, "power"), "largest power over Omega"),
        "power_max_phi": variable(top, stacked(peaks, "phi_power"), "Omega t of the largest power", "rad"),
        "l1_max": variable(top, stacked(peaks, "l1"), "largest l1 norm of coherence over time", "1"),
        "l1_max_phi": variable(top, stacked(peaks, "phi_l1"), "Omega t of the largest l1 norm", "rad"),
    }
    coords = {sweep: coordinate(sweep, points), "phi": angle(times), **_labels()}
    return xr.Dataset(data, coords, attributes(title, parameters))


def maxima(
    parameters: Mapping[str, float],
    x: tuple[str, ArrayLike],
    y: tuple[str, ArrayLike],
    *,
    axis: str = "x",
    phi: ArrayLike | None = None,
    title: str = "Maxima over the charging time",
) -> xr.Dataset:
    """Capacity and the maxima over time of ergotropy, power and l1, over a plane of two parameters.

    x and y: name and values of the parameters along the plane; `parameters` fixes the others. With phi (T,) the maxima
    are those of that grid of times; without, they are polished to the true ones. Variables on (y, x), capacity on
    (kind, y, x). Raises ArgumentError.
    """
    (across, xs), (up, ys) = ((name, np.asarray(values, dtype=float)) for name, values in (x, y))
    H, rho, capacities = _gibbs({**parameters, across: xs[None, :], up: ys[:, None]})
    best = charging_maxima(H, rho, axis, phi, refine=phi is None, passive=True, check=False)
    plane = (up, across)
    data = {
        "capacity": variable(("kind", *plane), capacities, "capacity in several senses"),
        "l1_max": variable(plane, best.l1, "largest l1 norm of coherence over time", "1"),
        "ergotropy_max": variable(plane, best.ergotropy, "largest ergotropy over time"),
        "power_max": variable(plane, best.power, "largest power over Omega"),
        "l1_max_phi": variable(plane, best.phi_l1, "Omega t of the largest l1 norm", "rad"),
        "ergotropy_max_phi": variable(plane, best.phi_energy, "Omega tau of the largest ergotropy", "rad"),
        "power_max_phi": variable(plane, best.phi_power, "Omega t of the largest power", "rad"),
    }
    coords = {across: coordinate(across, xs), up: coordinate(up, ys), "kind": _labels()["kind"]}
    when = "true maxima" if phi is None else f"maxima of a grid of {np.size(phi)} times"
    return xr.Dataset(data, coords, attributes(title, parameters, charging_axis=AXES[axis], time=when))


def split(
    parameters: Mapping[str, float],
    sweep: str,
    values: ArrayLike,
    phi: ArrayLike,
    axis: str = "x",
    title: str = "Split",
) -> xr.Dataset:
    """Coherent and incoherent ergotropy (Francica et al., PRL 125, 180603) of the charged Gibbs state.

    Arguments as in `charging`, for one axis. Variables on (sweep, phi); l1_max on (sweep). Raises ArgumentError.
    """
    points, times = np.asarray(values, dtype=float), np.asarray(phi, dtype=float)
    H, rho, _ = _gibbs({**parameters, sweep: points})
    curve = charge(H, rho, times, axis, passive=True, check=False)
    U = charging_unitary(2, times, axis)
    charged = U @ rho[:, None] @ np.conj(np.swapaxes(U, -1, -2))
    coherent = coherent_ergotropy(charged, H[:, None])
    along = (sweep, "phi")
    data = {
        "ergotropy": variable(along, curve.ergotropy, "ergotropy (equals the stored energy)"),
        "coherent": variable(along, coherent, "coherent ergotropy (coherence between levels of H)"),
        "incoherent": variable(along, curve.ergotropy - coherent, "incoherent ergotropy (populations of H's levels)"),
        "l1": variable(along, curve.l1, "l1 norm of coherence, computational basis", "1"),
        "l1_max": variable(
            (sweep,), charging_maxima(H, rho, axis, passive=True, check=False).l1, "largest l1 norm over time", "1"
        ),
    }
    coords = {sweep: coordinate(sweep, points), "phi": angle(times)}
    return xr.Dataset(data, coords, attributes(title, parameters, charging_axis=AXES[axis]))


def _gibbs(parameters: Mapping[str, ArrayLike]) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """H and the Gibbs state (..., 4, 4), and its capacities (kind, ...)."""
    battery, T = battery_and_temperature(parameters)
    rho = closed_forms.gibbs_state(battery, T)
    senses = {
        "paper": closed_forms.capacity_paper(battery, T),
        "orbit": closed_forms.capacity_orbit(battery, T),
        "gap": closed_forms.capacity_gap(battery),
    }
    capacities = np.stack(np.broadcast_arrays(*(senses[kind] for kind in CAPACITIES)))
    return np.broadcast_to(battery.hamiltonian(), rho.shape), rho, capacities


def _labels() -> dict[str, tuple[str, list[str], dict[str, str]]]:
    return {
        "axis": (
            "axis",
            list(AXES),
            {"long_name": "charging field: " + "; ".join(f"{k}: {v}" for k, v in AXES.items())},
        ),
        "kind": ("kind", list(CAPACITIES), {"long_name": "; ".join(f"{k}: {v}" for k, v in CAPACITIES.items())}),
    }
