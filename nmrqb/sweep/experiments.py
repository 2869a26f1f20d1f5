"""An experiment as the task of a sweep: parameters of its sequence, and keys of its sample and of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from nmrqb.experiment import Experiment
from nmrqb.sweep.overrides import Override, with_overrides

#: What is said of a run that holds for all points of a sweep.
_SHARED = ("experiment", "sample", "sequence", "pulses", "noise", "reported_per", "versions")


@dataclass(frozen=True)
class ExperimentTask:
    """Runs an experiment at points. It travels to workers whole: they need no files.

    engine: as of `Experiment.run`. overrides: keys of files that the points set. states: whether density matrices are kept.
    """

    experiment: Experiment
    engine: str
    overrides: tuple[Override, ...] = ()
    states: bool = False

    @property
    def identity(self) -> str:
        """Names the task by the contents of its files."""
        experiment = self.experiment
        texts = (experiment.document.text, experiment.sample.source, experiment.sequence.document.text)
        digest = hashlib.sha256("\0".join((*texts, self.engine, str(self.states), *map(str, self.overrides))).encode())
        return f"{experiment.name} on {self.engine}, {digest.hexdigest()}"

    def __call__(self, values: Mapping[str, np.ndarray], rng: np.random.Generator) -> xr.Dataset:
        """Metrics at the points, values (n,) each: a Dataset over "point" and whatever the experiment sweeps itself.

        Points of equal keys are run together, each group with a seed of its own. Raises as `Experiment.run`.
        """
        keys = [override.name for override in self.overrides]
        n = len(next(iter(values.values())))
        rows = np.stack([values[key] for key in keys], axis=-1) if keys else np.zeros((n, 0))
        free = {name: v for name, v in values.items() if name not in keys}
        _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        parts, order = [], []
        for g in np.argsort(first):  # groups in the order of their first points
            where = np.flatnonzero(group.ravel() == g)
            experiment = with_overrides(
                self.experiment, self.overrides, dict(zip(keys, rows[where[0]].tolist(), strict=True))
            )
            parts += self._run(experiment, {name: v[where] for name, v in free.items()}, len(where), rng)
            order.append(where)
        whole = xr.concat(
            parts, "point", data_vars="all", coords="minimal", compat="override", join="exact", combine_attrs="override"
        )
        back = np.argsort(np.concatenate(order), kind="stable")
        whole = whole.isel(point=back).drop_vars("point", errors="ignore")
        whole.attrs = {name: whole.attrs[name] for name in _SHARED if name in whole.attrs}
        return whole

    def _run(
        self, experiment: Experiment, points: dict[str, np.ndarray], n: int, rng: np.random.Generator
    ) -> list[xr.Dataset]:
        """One Dataset for all points that only the sequence tells apart, or one for each of equal points."""
        if points:
            return [self._kept(experiment.at_points(points).run(self.engine, seed=int(rng.integers(2**63 - 1))))]
        runs = [experiment.run(self.engine, seed=int(rng.integers(2**63 - 1))) for _ in range(n)]
        return [self._kept(run).expand_dims("point") for run in runs]

    def _kept(self, data: xr.Dataset) -> xr.Dataset:
        dropped = [] if self.states else [name for name in data.variables if str(name).startswith("rho_")]
        kept = data.drop_vars(dropped)
        return kept if self.states else kept.drop_vars("mark", errors="ignore")
