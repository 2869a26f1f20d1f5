"""How well a pulse or a whole sequence survives errors of RF amplitude, offset and coupling: any metric on a grid of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks, metrics
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design.pulses import OptimisedPulse
from nmrqb.errors import ArgumentError
from nmrqb.files import nearest
from nmrqb.nmr import Sample
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Sequence
from nmrqb.timeline import schedule
from nmrqb.timeline.simulate import evolve

if TYPE_CHECKING:
    import xarray as xr

#: A metric of states (..., d, d), answering (...).
Metric = Callable[[ComplexArray], ArrayLike]
#: Points of the largest map.
MAX_POINTS = 10**6

_NAMED: dict[str, tuple[str, Callable[[ComplexArray, ComplexArray, ComplexArray], FloatArray]]] = {
    "ergotropy": ("coupling unit", lambda rho, rho0, H: metrics.ergotropy(rho, H)),  # noqa: ARG005
    "stored_energy": ("coupling unit", metrics.stored_energy),
    "l1_coherence": ("1", lambda rho, rho0, H: metrics.l1_coherence(rho)),  # noqa: ARG005
    "concurrence": ("1", lambda rho, rho0, H: metrics.concurrence(rho)),  # noqa: ARG005
    "purity": ("1", lambda rho, rho0, H: metrics.purity(rho)),  # noqa: ARG005
}


def robustness(
    sequence: Sequence | OptimisedPulse | Mapping[str, Sequence | OptimisedPulse],
    sample: Sample,
    metric: str | Metric,
    *,
    rf: ArrayLike = 1.0,
    offset: ArrayLike = 0.0,
    coupling: ArrayLike = 1.0,
    rho0: ArrayLike | None = None,
    H: ArrayLike | None = None,
    noise: bool = False,
) -> xr.Dataset:
    """A metric of the last observed state for every RF factor (R,), offset (O,) in Hz and coupling factor (C,).

    sequence: one, or several by name (such as before and after optimisation). metric: "ergotropy", "stored_energy" (of H,
    by default the sample's Hamiltonian over its energy unit), "l1_coherence", "concurrence", "purity", or a function of
    states (..., d, d). rho0: (d, d), where sequences start; the sample's thermal state by default. noise: whether the
    sample's noise acts. A Dataset with the variable `metric` (named as the metric is) on (sequence, rf, offset, coupling).
    Every point is a state by itself, not part of an average. Raises ArgumentError for an unknown metric, a grid of more
    than 1e6 points or that is not of one dimension, or a sequence that observes nothing or is swept.
    """
    import xarray as xr

    several = sequence if isinstance(sequence, Mapping) else {_name(sequence): sequence}
    axes = {name: _axis(name, value) for name, value in (("rf", rf), ("offset", offset), ("coupling", coupling))}
    shape = tuple(values.size for values in axes.values())
    if np.prod(shape, dtype=float) > MAX_POINTS:
        raise ArgumentError(
            "rf, offset and coupling", f"a grid of {shape} points", f"have at most {MAX_POINTS} together"
        )
    ensemble = Ensemble.of(rf=axes["rf"]) * Ensemble.of(offset=axes["offset"]) * Ensemble.of(coupling=axes["coupling"])
    d = 2**sample.n
    start = sample.thermal_state() if rho0 is None else checks.density_matrix("rho0", rho0, d)
    energy = sample.hamiltonian() / (sample.energy_unit or 1.0) if H is None else checks.hermitian("H", H, d)
    name, unit, of = _metric(metric, start, energy)
    found = []
    for each in several.values():
        steps = each.sequence() if isinstance(each, OptimisedPulse) else each
        timeline = schedule(steps, sample, ensemble=ensemble, noise=noise)
        if timeline.shape or not timeline.observed:
            what = f"{steps.name!r}, which " + ("is swept" if timeline.shape else "observes nothing")
            raise ArgumentError("sequence", what, "observe a state, with one value for each parameter")
        states = evolve(timeline, start, keep_members=True)[:, -1]
        found.append(np.asarray(of(states), dtype=float).reshape(shape))
    meaning = {
        "rf": {"long_name": "actual over nominal RF amplitude", "units": "1"},
        "offset": {"long_name": "resonance offset", "units": "Hz"},
        "coupling": {"long_name": "actual over nominal coupling", "units": "1"},
    }
    coords: dict[str, Any] = {"sequence": list(several)}
    coords |= {axis: (axis, values, meaning[axis]) for axis, values in axes.items()}
    along = ("sequence", "rf", "offset", "coupling")
    label = {"long_name": name.replace("_", " "), "units": unit}
    attributes = {"sample": sample.name, "metric": name, "noise": int(noise)}
    return xr.Dataset({name: (along, np.stack(found), label)}, coords, attributes)


def _axis(name: str, value: ArrayLike) -> FloatArray:
    values = np.atleast_1d(checks.real(name, value))
    if values.ndim != 1 or not values.size:
        raise ArgumentError(name, f"of shape {values.shape}", "be a number or have shape (n,)")
    return values


def _metric(metric: str | Metric, rho0: ComplexArray, H: ComplexArray) -> tuple[str, str, Metric]:
    if callable(metric):
        return getattr(metric, "__name__", "metric").strip("<>"), "1", metric
    if metric not in _NAMED:
        raise ArgumentError(
            "metric", repr(metric), f"be a function or one of the known ones ({nearest(metric, _NAMED)})"
        )
    unit, of = _NAMED[metric]
    return metric, unit, lambda rho: of(rho, rho0, H)


def _name(sequence: Sequence | OptimisedPulse) -> str:
    return "optimised" if isinstance(sequence, OptimisedPulse) else sequence.name
