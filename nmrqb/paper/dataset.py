"""What every figure's data shares: names and units of the couplings, attributes, and a NetCDF file of settled bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from nmrqb import __version__
from nmrqb.battery import Battery
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr
    from numpy.typing import ArrayLike

SOURCE = "A. Ali et al., Magnetic Dipolar Quantum Battery with Spin-Orbit Coupling, arXiv 2409.05000 (2024)"

ENERGY = "coupling unit"

#: Parameter -> (symbol, meaning), in the order of Battery's arguments.
PARAMETERS = {
    "axial": ("Delta", "axial anisotropy Delta"),
    "rhombic": ("epsilon", "rhombic anisotropy epsilon"),
    "dm": ("D", "Dzyaloshinsky-Moriya coupling D"),
    "ksea": ("G", "KSEA coupling G"),
    "zeeman": ("B", "Zeeman field B"),
    "temperature": ("T", "temperature T (k_B = 1)"),
}

#: Kind of capacity as nmrqb.metrics.capacity knows it -> what it is.
CAPACITIES = {
    "paper": "eq. (D1) of the paper, <00|H|00> - Tr[H rho]",
    "orbit": "largest minus smallest energy on the unitary orbit of the state",
    "gap": "largest minus smallest energy level",
}


def battery_and_temperature(parameters: Mapping[str, ArrayLike]) -> tuple[Battery, ArrayLike]:
    """A Battery and T from numbers or arrays named as in PARAMETERS; missing couplings are 0, T must be there."""
    unknown = set(parameters) - set(PARAMETERS)
    if unknown:
        raise ArgumentError("parameters", sorted(unknown), f"be among {', '.join(PARAMETERS)}")
    if "temperature" not in parameters:
        raise ArgumentError("parameters", sorted(parameters), "hold a temperature")
    couplings = {name: np.asarray(value, dtype=float) for name, value in parameters.items() if name != "temperature"}
    return Battery(**couplings), parameters["temperature"]


def coordinate(name: str, values: ArrayLike) -> tuple[str, ArrayLike, dict[str, str]]:
    """A coordinate of one of the PARAMETERS, for xarray."""
    return name, values, {"long_name": PARAMETERS[name][1], "units": ENERGY, "symbol": PARAMETERS[name][0]}


def angle(values: ArrayLike) -> tuple[str, ArrayLike, dict[str, str]]:
    """The coordinate phi = Omega t, for xarray."""
    return "phi", values, {"long_name": "charging angle Omega t (half the flip angle)", "units": "rad"}


def variable(dims: tuple[str, ...], values: ArrayLike, long_name: str, units: str = ENERGY) -> tuple[Any, ...]:
    """A data variable with its attributes, for xarray."""
    return dims, values, {"long_name": long_name, "units": units}


def attributes(title: str, fixed: Mapping[str, Any], **notes: str) -> dict[str, str]:
    """Attributes every dataset carries; `fixed` is written as JSON, for couplings that do not vary."""
    held = {key: value for key, value in fixed.items() if isinstance(value, int | float | str)}
    return {
        "title": title,
        "source": SOURCE,
        "software": f"nmrqb {__version__}",
        "fixed_parameters": json.dumps(held, sort_keys=True),
        "units_note": "hbar = k_B = 1; energies and temperatures in one common coupling unit",
        **notes,
    }


def write(dataset: xr.Dataset, path: Path) -> Path:
    """The dataset as NetCDF-4 through h5netcdf: no time stamps, so the same data give the same bytes. Returns path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = {
        name: {"zlib": True, "complevel": 4}
        for name, v in dataset.variables.items()
        if v.dtype.kind == "f" and v.ndim > 1
    }
    dataset.to_netcdf(path, engine="h5netcdf", encoding=packed)
    return path
