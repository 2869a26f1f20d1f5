"""From the states of all engines to one labelled Dataset: metrics, their errors, and their distance from the prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nmrqb import metrics
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.results import States
from nmrqb.tomography import estimate, nearest_state, normal_score


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


@dataclass(frozen=True)
class Reduction:
    """How states become numbers: relative to which H (d, d), at which marks, divided by what, along which sweep.

    per: metrics are divided by it, and `unit` (such as " p") says so. sweep: values of each parameter, with their units.
    """

    H: ComplexArray
    charged: str
    reference: str
    per: float
    unit: str
    sweep: Mapping[str, tuple[FloatArray, str]]

    def dataset(self, found: Mapping[str, States]) -> xr.Dataset:
        """Every quantity of every source with error and normal score, and the states themselves, labelled.

        `found` holds the prediction under "exact".
        """
        variables: dict[str, Any] = {}
        for name, quantity in QUANTITIES.items():
            variables |= self._variables(name, quantity, found)
        rho = nearest_state(np.stack([np.moveaxis(states.estimate, -3, 0) for states in found.values()]))
        dims = ("source", "mark", *self.sweep, "row", "column")
        for part, values in (("real", rho.real), ("imag", rho.imag)):
            text = f"{part} part of the density matrix as run (p = divided_by)"
            variables[f"rho_{part}"] = (dims, values, {"units": "1", "long_name": text})
        coordinates: dict[str, Any] = {"source": list(found), "mark": list(found["exact"].marks)}
        for parameter, (values, unit) in self.sweep.items():
            coordinates[parameter] = (parameter, values, {"units": unit})
        return xr.Dataset(variables, coordinates)

    def _variables(self, name: str, quantity: Quantity, found: Mapping[str, States]) -> dict[str, Any]:
        """Value, standard error and score of one quantity."""
        dims = ("source", *self.sweep)
        states = {source: self._states(each, quantity) for source, each in found.items()}
        metric = partial(self._metric, quantity)
        rows = [estimate(rho, metric) for rho in states.values()]
        scores = [normal_score(rho, states["exact"][..., 0, :, :], metric) for rho in states.values()]
        unit = ("|d|" if quantity.energy else "1") + self.unit
        text = quantity.long_name
        errors = np.nan_to_num(np.stack([row.error for row in rows]), nan=0.0)
        about = {"units": unit, "long_name": text, "symbol": quantity.symbol}
        score = {"units": "1", "long_name": f"normal score of {text} under the exact prediction"}
        return {
            name: (dims, np.stack([row.value for row in rows]), about),
            f"{name}_error": (dims, errors, {"units": unit, "long_name": f"standard error of {text}"}),
            f"{name}_z": (dims, np.stack(scores), score),
        }

    def _metric(self, quantity: Quantity, rho: ComplexArray) -> NDArray[np.float64]:
        return np.asarray(quantity.of(rho, self.H)) / self.per

    def _states(self, states: States, quantity: Quantity) -> ComplexArray:
        charged = states.at(self.charged)
        return charged - states.at(self.reference) if quantity.difference else charged
