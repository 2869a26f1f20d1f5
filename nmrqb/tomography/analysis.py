"""From counts to everything that is said of them: the state, its metrics with intervals, and tests of the counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks, metrics
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.tomography.cloud import Cloud, cloud_of_counts, noise_axes
from nmrqb.tomography.confidence import intervals
from nmrqb.tomography.counts import Counts, Estimator
from nmrqb.tomography.functionals import (
    Functional,
    concurrence_of,
    discord_of,
    ergotropy_of,
    expectation_of,
    l1_of,
    purity_of,
)
from nmrqb.tomography.goodness import goodness_of_fit
from nmrqb.tomography.null_tests import incoherence_test, passivity_test
from nmrqb.tomography.reconstruct import nearest_state

if TYPE_CHECKING:
    import xarray as xr

LEVELS = (0.68, 0.95)


def analyse(
    counts: Counts,
    H: ArrayLike | None = None,
    *,
    estimator: Estimator = "mle",
    seed: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> xr.Dataset:
    """The state behind counts (..., S, 2^N), its metrics with intervals, and the tests, as an xarray Dataset.

    rho_real, rho_imag (..., row, column): by the `estimator`; rho_error (..., row, column, part): standard errors of the real
    and imaginary parts. For each metric NAME (energy and ergotropy in the unit of H (d, d), when it is given; l1_coherence,
    purity; for two spins concurrence and discord): NAME (...), its value with the bias taken off; NAME_low and NAME_high
    (..., level), the confidence interval; NAME_one_sided (..., level), where an end is the metric's bound; NAME_at_estimate
    (...), its value at rho. p_fit, p_passive, p_incoherent (...): p-values, the last in the basis of sigma_z;
    worst_setting (...) fits worst. The attribute `indicative` names metrics whose intervals are not calibrated. Metrics and intervals come from the unbiased
    linear estimate whatever the estimator of rho is. seed: of the Bayesian mean. progress(label, done, total): told of the metrics. Raises
    ArgumentError where settings are missing.
    """
    import xarray as xr

    rho = counts.estimate(estimator, seed=seed)
    cloud = cloud_of_counts(counts.values, counts.measurement)
    lead = tuple(f"axis{k}" for k in range(counts.values.ndim - 2))
    data: dict[str, Any] = {
        "rho_real": ((*lead, "row", "column"), rho.real),
        "rho_imag": ((*lead, "row", "column"), rho.imag),
        "rho_error": ((*lead, "row", "column", "part"), _element_errors(cloud)),
    }
    chosen = _functionals(counts.spins, H)
    for k, (functional, plain) in enumerate(chosen):
        found = intervals(cloud, functional, LEVELS)
        name = functional.name
        ends = (*lead, "level")
        data[name] = (lead, found[0].estimate)
        data[f"{name}_low"] = (ends, np.stack([one.low for one in found], axis=-1))
        data[f"{name}_high"] = (ends, np.stack([one.high for one in found], axis=-1))
        data[f"{name}_one_sided"] = (ends, np.stack([one.one_sided for one in found], axis=-1).astype(np.int8))
        data[f"{name}_at_estimate"] = (lead, plain(rho))
        if progress:
            progress("metrics", k + 1, len(chosen))
    fit = goodness_of_fit(counts.values, counts.measurement)
    data["p_fit"] = (lead, fit.p_value)
    data["worst_setting"] = (lead, np.array(counts.settings)[fit.worst])
    data["p_incoherent"] = (lead, incoherence_test(cloud).p_value)
    if H is not None:
        data["p_passive"] = (lead, passivity_test(cloud, H).p_value)
    about = {
        "estimator": estimator,
        "metrics": ",".join(functional.name for functional, _ in chosen),
        "indicative": ",".join(functional.name for functional, _ in chosen if not functional.calibrated),
    }
    coords = {"level": list(LEVELS), "part": ["real", "imag"]}
    return xr.merge([xr.Dataset(data, coords=coords), counts.to_dataset()], combine_attrs="drop").assign_attrs(
        {**counts.to_dataset().attrs, **about}
    )


def _functionals(n: int, H: ArrayLike | None) -> list[tuple[Functional, Callable[[ComplexArray], FloatArray]]]:
    """What intervals are made of, beside the plain functions of a state."""
    found: list[tuple[Functional, Callable[[ComplexArray], FloatArray]]] = []
    if H is not None:
        hamiltonian = checks.hermitian("H", H, 2**n)
        if hamiltonian.ndim != 2:
            raise ArgumentError("H", f"of shape {hamiltonian.shape}", f"have shape ({2**n}, {2**n})")
        energy = expectation_of(hamiltonian, "energy")
        found.append((ergotropy_of(hamiltonian), partial(metrics.ergotropy, H=hamiltonian, check=False)))
        found.append((energy, energy.of))
    found.append((l1_of(2**n), partial(metrics.l1_coherence, check=False)))
    found.append((purity_of(2**n), partial(metrics.purity, check=False)))
    if n == 2:
        found.append((concurrence_of(), _of_states(metrics.concurrence)))
        found.append((discord_of(), _of_states(metrics.discord)))
    return found


def _of_states(metric: Callable[..., FloatArray]) -> Callable[[ComplexArray], FloatArray]:
    """A metric that only states have, at the nearest one."""
    return lambda rho: metric(nearest_state(rho), check=False)


def _element_errors(cloud: Cloud) -> FloatArray:
    """Standard errors of the real and imaginary parts (..., d, d, 2) of the elements."""
    d = cloud.centre.shape[-1]
    axes = noise_axes(cloud.covariance.reshape(-1, d * d - 1, d * d - 1))
    parts = [np.sqrt(np.sum(part**2, axis=1)) for part in (axes.real, axes.imag)]
    return np.stack(parts, axis=-1).reshape(*cloud.centre.shape, 2)
