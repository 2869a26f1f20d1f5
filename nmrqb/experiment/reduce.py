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
from nmrqb.experiment.uncertainty import (
    LEVELS,
    Variables,
    element_errors,
    fidelity_variables,
    interval_variables,
    null_test_variables,
)
from nmrqb.results import States
from nmrqb.tomography import Functional, ergotropy_of, estimate, expectation_of, l1_of, nearest_state, normal_score


@dataclass(frozen=True)
class Quantity:
    """A reported metric: its symbol and unit, the value from the charged and the reference state (..., d, d), and its intervals."""

    long_name: str
    symbol: str
    energy: bool
    of: Callable[[ComplexArray, ComplexArray], FloatArray]  # (state or difference, H) -> (...)
    functional: Callable[[ComplexArray], Functional]  # of H
    difference: bool = False  # taken of charged minus reference


QUANTITIES: dict[str, Quantity] = {
    "ergotropy": Quantity("ergotropy", "ξ", True, lambda rho, H: metrics.ergotropy(rho, H, check=False), ergotropy_of),
    "stored_energy": Quantity(
        "stored energy",
        "W",
        True,
        lambda rho, H: np.einsum("...ij,ji->...", rho, H).real,
        expectation_of,
        difference=True,
    ),
    "l1_coherence": Quantity(
        "l1 coherence",
        "C",
        False,
        lambda rho, _: metrics.l1_coherence(rho, check=False),
        lambda H: l1_of(H.shape[-1]),
    ),
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
        """Every quantity of every source with error, interval and normal scores, and the states themselves, labelled.

        `found` holds the predictions under "exact" and "theory". NAME_low, NAME_high, NAME_one_sided have the further
        dimension `level`; NAME_z is against the exact engine, NAME_z_theory against theory. fidelity and
        fidelity_to_theory are those of the charged state, p_passive and p_incoherent the p-values of its null tests.
        """
        variables: dict[str, Any] = {}
        for name, quantity in QUANTITIES.items():
            variables |= self._variables(name, quantity, found)
        variables |= self._of_charged(found)
        rho = nearest_state(np.stack([np.moveaxis(states.estimate, -3, 0) for states in found.values()]))
        dims = ("source", "mark", *self.sweep, "row", "column")
        for part, values in (("real", rho.real), ("imag", rho.imag)):
            text = f"{part} part of the density matrix as run (p = divided_by)"
            variables[f"rho_{part}"] = (dims, values, {"units": "1", "long_name": text})
        errors = np.stack([np.moveaxis(element_errors(states.rho), -4, 0) for states in found.values()])
        for k, part in enumerate(("real", "imag")):
            text = f"standard error of the {part} part, before the nearest state is taken"
            variables[f"rho_{part}_error"] = (dims, errors[..., k], {"units": "1", "long_name": text})
        coordinates: dict[str, Any] = {"source": list(found), "mark": list(found["exact"].marks)}
        coordinates |= {"level": list(LEVELS)}
        for parameter, (values, unit) in self.sweep.items():
            coordinates[parameter] = (parameter, values, {"units": unit})
        return xr.Dataset(variables, coordinates)

    def _variables(self, name: str, quantity: Quantity, found: Mapping[str, States]) -> dict[str, Any]:
        """Value, standard error and score of one quantity."""
        dims = ("source", *self.sweep)
        states = {source: self._states(each, quantity) for source, each in found.items()}
        metric = partial(self._metric, quantity)
        rows = [estimate(rho, metric) for rho in states.values()]
        scores = {
            prediction: [normal_score(rho, states[prediction][..., 0, :, :], metric) for rho in states.values()]
            for prediction in ("exact", "theory")
        }
        unit = ("|d|" if quantity.energy else "1") + self.unit
        text = quantity.long_name
        errors = np.nan_to_num(np.stack([row.error for row in rows]), nan=0.0)
        about = {"units": unit, "long_name": text, "symbol": quantity.symbol}
        ends = interval_variables(name, about, list(states.values()), quantity.functional(self.H), self.per)
        return {
            name: (dims, np.stack([row.value for row in rows]), about),
            f"{name}_error": (dims, errors, {"units": unit, "long_name": f"standard error of {text}"}),
            f"{name}_z": (dims, np.stack(scores["exact"]), _score(text, "the exact engine")),
            f"{name}_z_theory": (dims, np.stack(scores["theory"]), _score(text, "theory")),
            **self._labelled(ends),
        }

    def _of_charged(self, found: Mapping[str, States]) -> dict[str, Any]:
        """Fidelities and null tests of the charged state."""
        states = [each.at(self.charged) for each in found.values()]
        exact, theory = (found[prediction].at(self.charged)[..., 0, :, :] for prediction in ("exact", "theory"))
        made = fidelity_variables("fidelity", "fidelity with the exact engine's state", states, exact)
        made |= fidelity_variables("fidelity_to_theory", "fidelity with theory's state", states, theory)
        return self._labelled(made | null_test_variables(states, self.H))

    def _labelled(self, variables: Variables) -> dict[str, Any]:
        """Variables with their dimensions: source, sweep and, where there is one axis more, level."""
        plain = ("source", *self.sweep)
        return {
            name: (plain if values.ndim == len(plain) else (*plain, "level"), values, about)
            for name, (values, about) in variables.items()
        }

    def _metric(self, quantity: Quantity, rho: ComplexArray) -> NDArray[np.float64]:
        return np.asarray(quantity.of(rho, self.H)) / self.per

    def _states(self, states: States, quantity: Quantity) -> ComplexArray:
        charged = states.at(self.charged)
        return charged - states.at(self.reference) if quantity.difference else charged


def _score(text: str, prediction: str) -> dict[str, str]:
    return {"units": "1", "long_name": f"normal score of {text} were {prediction} right"}
