"""What the replicas of an experiment say beyond standard errors: confidence intervals, p-values, fidelities, element errors.

Functions take one source after the other, as states (..., 1 + R, d, d), and answer with variables of a Dataset whose first
axis is the source: name -> (values, attributes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.metrics import fidelity
from nmrqb.tomography import Functional, Interval, cloud_of_replicas, intervals, nearest_state
from nmrqb.tomography.fidelity import fidelity_intervals
from nmrqb.tomography.null_tests import incoherence_test, passivity_test

#: Confidence levels of every interval.
LEVELS = (0.68, 0.95)
#: Fewer replicas than this for each parameter of a state make no covariance to build on: intervals and p-values are NaN.
LEAST_REPLICAS = 2

Variables = dict[str, tuple[np.ndarray, dict[str, str]]]


def interval_variables(
    name: str, about: dict[str, str], sources: Sequence[ComplexArray], functional: Functional, per: float
) -> Variables:
    """NAME_low, NAME_high, NAME_one_sided (source, ..., level) of a function of states, divided by `per`.

    What is exact has its value at both ends.
    """
    found = []
    for states in sources:
        V = functional.frame
        rho = states[..., 0, :, :]
        value = functional.of(rho if V is None else V.conj().T @ rho @ V)
        made = intervals(cloud_of_replicas(states), functional, LEVELS) if _enough(states) else None
        found.append(_ends(made, value, states))
    low, high, sided = (np.stack(part) for part in zip(*found, strict=True))
    return _named(name, about, low / per, high / per, sided)


def fidelity_variables(name: str, text: str, sources: Sequence[ComplexArray], prediction: ComplexArray) -> Variables:
    """The fidelity (source, ...) with predicted states (..., d, d), NAME, with its interval as in `interval_variables`."""
    values, found = [], []
    for states in sources:
        value = fidelity(nearest_state(states[..., 0, :, :]), prediction, check=False)
        made = fidelity_intervals(cloud_of_replicas(states), prediction, LEVELS) if _enough(states) else None
        values.append(value if made is None else made[0].estimate)
        found.append(_ends(made, value, states))
    about = {"units": "1", "long_name": text}
    return {name: (np.stack(values), about)} | _named(
        name, about, *(np.stack(part) for part in zip(*found, strict=True))
    )


def null_test_variables(sources: Sequence[ComplexArray], H: ComplexArray) -> Variables:
    """p_passive and p_incoherent (source, ...); NaN for what is exact."""
    found = []
    for states in sources:
        none = np.full(states.shape[:-3], np.nan)
        if _enough(states):
            cloud = cloud_of_replicas(states)
            found.append((passivity_test(cloud, H).p_value, incoherence_test(cloud).p_value))
        else:
            found.append((none, none))
    texts = {"p_passive": "passive", "p_incoherent": "incoherent in the computational basis"}
    return {
        name: (np.stack(values), {"units": "1", "long_name": f"p-value of the hypothesis that the state is {text}"})
        for (name, text), values in zip(texts.items(), zip(*found, strict=True), strict=True)
    }


def element_errors(states: ComplexArray) -> FloatArray:
    """Standard errors (..., d, d, 2) of the real and imaginary parts; zero for what is exact."""
    if states.shape[-3] < 3:
        return np.zeros((*states.shape[:-3], *states.shape[-2:], 2))
    others = states[..., 1:, :, :]
    return np.stack([others.real.std(axis=-3, ddof=1), others.imag.std(axis=-3, ddof=1)], axis=-1)


def _enough(states: ComplexArray) -> bool:
    return states.shape[-3] > LEAST_REPLICAS * (states.shape[-1] ** 2 - 1)


def _ends(
    made: Sequence[Interval] | None, value: FloatArray, states: ComplexArray
) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Low, high and one-sided (..., level)."""
    if made is not None:
        parts = ("low", "high", "one_sided")
        low, high, sided = (np.stack([getattr(one, part) for one in made], axis=-1) for part in parts)
        return low, high, sided.astype(np.int8)
    known = value if states.shape[-3] == 1 else np.full_like(value, np.nan)
    both = np.repeat(known[..., None], len(LEVELS), axis=-1)
    return both, both, np.zeros(both.shape, dtype=np.int8)


def _named(name: str, about: dict[str, Any], low: FloatArray, high: FloatArray, sided: np.ndarray) -> Variables:
    unit, text = about["units"], about["long_name"]
    return {
        f"{name}_low": (low, {"units": unit, "long_name": f"lower end of the confidence interval of {text}"}),
        f"{name}_high": (high, {"units": unit, "long_name": f"upper end of the confidence interval of {text}"}),
        f"{name}_one_sided": (sided, {"units": "1", "long_name": f"whether an end is the bound of {text}"}),
    }
