"""From the states of all engines to one labelled Dataset: metrics, their errors, and their distance from the prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nmrqb import metrics
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.experiment.schema import unit_of
from nmrqb.results import States
from nmrqb.tomography import estimate, nearest_state, normal_score

if TYPE_CHECKING:
    from nmrqb.experiment.experiment import Experiment


@dataclass(frozen=True)
class Quantity:
    """A reported metric: its symbol and unit, and the value from the charged and the reference state (..., d, d)."""

    long_name: str
    symbol: str
    energy: bool
    of: Callable[[ComplexArray, ComplexArray], FloatArray]  # (state or difference, H) -> (...)
    difference: bool = False  # taken of charged minus reference


QUANTITIES: dict[str, Quantity] = {
    "ergotropy": Quantity("ergotropy", "ξ", True, lambda rho, H: metrics.ergotropy(rho, H, check=False)),
    "stored_energy": Quantity(
        "stored energy", "W", True, lambda rho, H: np.einsum("...ij,ji->...", rho, H).real, difference=True
    ),
    "l1_coherence": Quantity("l1 coherence", "C", False, lambda rho, _: metrics.l1_coherence(rho, check=False)),
}


def reduced(experiment: Experiment, found: Mapping[str, States], H: ComplexArray, per: float) -> xr.Dataset:
    """Every quantity of every source with error and normal score, and the states themselves, labelled."""
    dims = ("source", *experiment.sweep)
    exact = found["exact"]
    variables: dict[str, Any] = {}
    for name, quantity in QUANTITIES.items():
        metric = partial(_per, quantity, H, per)
        rows = [estimate(_at(states, quantity, experiment), metric) for states in found.values()]
        prediction = _at(exact, quantity, experiment)[..., 0, :, :]
        scores = [normal_score(_at(states, quantity, experiment), prediction, metric) for states in found.values()]
        unit = ("|d|" if quantity.energy else "1") + (
            " p" if per != 1.0 or experiment.sample.is_high_temperature else ""
        )
        attributes = {"units": unit, "long_name": quantity.long_name, "symbol": quantity.symbol}
        variables[name] = (dims, np.stack([row.value for row in rows]), attributes)
        errors = np.nan_to_num(np.stack([row.error for row in rows]), nan=0.0)
        variables[f"{name}_error"] = (
            dims,
            errors,
            {"units": unit, "long_name": f"standard error of {quantity.long_name}"},
        )
        label = f"normal score of {quantity.long_name} under the exact prediction"
        variables[f"{name}_z"] = (dims, np.stack(scores), {"units": "1", "long_name": label})
    rho = nearest_state(np.stack([np.moveaxis(states.estimate, -3, 0) for states in found.values()]))
    for part, values in (("real", rho.real), ("imag", rho.imag)):
        text = f"{part} part of the density matrix as run (p = divided_by)"
        variables[f"rho_{part}"] = (
            ("source", "mark", *experiment.sweep, "row", "column"),
            values,
            {"units": "1", "long_name": text},
        )
    coordinates: dict[str, Any] = {"source": list(found), "mark": list(exact.marks)}
    for parameter, values in experiment.sweep.items():
        coordinates[parameter] = (parameter, values, {"units": unit_of(experiment.sequence, parameter)})
    return xr.Dataset(variables, coordinates)


def _per(quantity: Quantity, H: ComplexArray, per: float, rho: ComplexArray) -> NDArray[np.float64]:
    return np.asarray(quantity.of(rho, H)) / per


def _at(states: States, quantity: Quantity, experiment: Experiment) -> ComplexArray:
    charged = states.at(experiment.charged)
    return charged - states.at(experiment.reference) if quantity.difference else charged
