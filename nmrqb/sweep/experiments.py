"""An experiment as the task of a sweep: parameters of its sequence, and keys of its sample and of itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nmrqb import files
from nmrqb.experiment import Experiment
from nmrqb.files import Document, nearest
from nmrqb.nmr import Sample

#: What a dotted name begins with: the sample's file, or the experiment's.
PREFIXES = ("sample", "experiment")


#: What is said of a run that holds for all points of a sweep.
_SHARED = ("experiment", "sample", "sequence", "pulses", "noise", "reported_per", "versions")


@dataclass(frozen=True)
class Override:
    """A key of a file that a sweep sets, such as "sample.couplings.0.dipolar", and the unit of its values ("" for none)."""

    name: str
    unit: str

    @property
    def path(self) -> tuple[str | int, ...]:
        """The key inside of its file."""
        return tuple(int(part) if part.isdigit() else part for part in self.name.split(".")[1:])

    def check(self, experiment: Experiment) -> None:
        """Raises KeyError with the key and what there is, where the file has no table that would hold it."""
        data: Any = documents(experiment)[self.name.partition(".")[0]].data
        for part in self.path[:-1]:
            known = range(len(data)) if isinstance(data, list) else data
            if part not in known:
                raise KeyError(part, nearest(str(part), [str(key) for key in known]))
            data = data[part]

    def put(self, data: dict[str, Any], value: float) -> None:
        """Set the key in a document's tables."""
        node: Any = data
        for part in self.path[:-1]:
            node = node[part]
        last: Any = self.path[-1]
        before = node[last] if isinstance(node, list) else node.get(last)
        node[last] = _written(value, self.unit, before)


def _written(value: float, unit: str, before: Any) -> str | float | int:
    if unit:
        return f"{value:.17g} {unit}"
    whole = isinstance(before, int) and not isinstance(before, bool)
    return round(value) if whole else value


def documents(experiment: Experiment) -> dict[str, Document]:
    """The documents that a sweep may set keys of, by prefix."""
    name = experiment.sample.name
    return {"sample": files.document(experiment.sample.source, f"{name}.toml"), "experiment": experiment.document}


@dataclass(frozen=True)
class ExperimentTask:
    """Runs an experiment at points. It travels to workers whole: they need no files.

    engine: as of `Experiment.run`. overrides: keys of files that the points set. states: whether density matrices are kept.
    """

    experiment: Experiment
    engine: str
    overrides: tuple[Override, ...] = ()
    states: bool = False

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
            experiment = self.experiment_at(dict(zip(keys, rows[where[0]], strict=True)))
            parts += self._run(experiment, {name: v[where] for name, v in free.items()}, len(where), rng)
            order.append(where)
        whole = xr.concat(parts, dim="point", combine_attrs="override", coords="minimal", compat="override")
        back = np.argsort(np.concatenate(order), kind="stable")
        whole = whole.isel(point=back).drop_vars("point", errors="ignore")
        whole.attrs = {name: whole.attrs[name] for name in _SHARED if name in whole.attrs}
        return whole

    def experiment_at(self, values: Mapping[str, float]) -> Experiment:
        """The experiment with keys of its files set. Raises InputError for what the files refuse."""
        if not self.overrides:
            return self.experiment
        found = documents(self.experiment)
        tables = {prefix: copy.deepcopy(document.data) for prefix, document in found.items()}
        for override in self.overrides:
            override.put(tables[override.name.partition(".")[0]], values[override.name])
        sample = Sample.parse(replace(found["sample"], data=tables["sample"]), self.experiment.sample.name)
        document = replace(found["experiment"], data=tables["experiment"])
        sequence = replace(self.experiment.sequence, bound={})
        return Experiment.parse(document, self.experiment.name, Path(), sample=sample, sequence=sequence)

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
