"""Keys of an experiment's files that a sweep sets, such as "sample.relaxation.T2" or "experiment.shots.per_setting"."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nmrqb import files
from nmrqb.experiment import Experiment
from nmrqb.experiment.schema import ExperimentFile
from nmrqb.files import Document
from nmrqb.nmr import Sample
from nmrqb.nmr.schema import SampleFile

#: What the name of a key begins with, and the schema of the file that is meant.
_FILES: dict[str, type[BaseModel]] = {"sample": SampleFile, "experiment": ExperimentFile}


def is_key(name: str) -> bool:
    """Whether a name is that of a key, and not that of a parameter of the sequence."""
    prefix, dot, _ = name.partition(".")
    return bool(dot) and prefix in _FILES


@dataclass(frozen=True)
class Override:
    """A key that a sweep sets. unit: of its values, "" for none. whole: whether its file takes only whole numbers there."""

    name: str
    unit: str
    whole: bool = False

    @property
    def file(self) -> str:
        """Which file it is a key of: "sample" or "experiment"."""
        return self.name.partition(".")[0]

    @property
    def path(self) -> tuple[str | int, ...]:
        """The key inside of its file."""
        return tuple(int(part) if part.isdecimal() else part for part in self.name.split(".")[1:])

    def put(self, data: dict[str, Any], value: float) -> None:
        """Set the key in the tables of its file, and make those that are not there. Raises LookupError where it leads nowhere."""
        node: Any = data
        for part in self.path[:-1]:
            _check_step(node, part)
            node = node.setdefault(part, {}) if isinstance(node, dict) else node[part]
        _check_step(node, self.path[-1])
        node[self.path[-1]] = self._written(value)

    def _written(self, value: float) -> str | float | int:
        if self.unit:
            return f"{value:.17g} {self.unit}"
        return round(value) if self.whole else float(value)


def _check_step(node: Any, part: str | int) -> None:
    """Raises LookupError where a part of a key is none of this table or list."""
    if isinstance(node, list):
        if part not in range(len(node)):
            raise LookupError(f"{part!r} is no entry of a list of {len(node)}, counted from 0")
    elif not isinstance(node, dict) or isinstance(part, int):
        raise LookupError(f"{part!r} is looked for in what is no {'list' if isinstance(part, int) else 'table'}")


def takes_whole_numbers(experiment: Experiment, name: str) -> bool:
    """Whether a file's value at a key, or its default, is a whole number: then it takes no others."""
    override = Override(name, "")
    node: Any = files.validate(_FILES[override.file], documents(experiment)[override.file])
    for part in override.path:
        if isinstance(node, list) and part in range(len(node)):
            node = node[int(part)]
        elif isinstance(node, dict):
            node = node.get(part)
        else:
            node = getattr(node, str(part), None) if isinstance(node, BaseModel) else None
    return isinstance(node, int) and not isinstance(node, bool)


def documents(experiment: Experiment) -> dict[str, Document]:
    """The files that have keys, by what their names begin with."""
    sample = experiment.sample
    return {"sample": files.document(sample.source, f"{sample.name}.toml"), "experiment": experiment.document}


def with_overrides(experiment: Experiment, overrides: tuple[Override, ...], values: Mapping[str, float]) -> Experiment:
    """The experiment with keys of its files set. It reads no files.

    Raises InputError for what the files refuse, LookupError for a key that leads nowhere.
    """
    if not overrides:
        return experiment
    found = documents(experiment)
    tables = {name: copy.deepcopy(document.data) for name, document in found.items()}
    kept = not any(override.name.startswith("experiment.ensemble.") for override in overrides)
    if kept:  # it may be made of a file that is not here
        tables["experiment"].pop("ensemble", None)
    for override in overrides:
        override.put(tables[override.file], values[override.name])
    sample = Sample.parse(replace(found["sample"], data=tables["sample"]), experiment.sample.name)
    document = replace(found["experiment"], data=tables["experiment"])
    sequence = replace(experiment.sequence, bound={})
    made = Experiment.parse(document, experiment.name, Path(), sample=sample, sequence=sequence)
    if not kept:
        return made
    made = replace(made, ensemble=experiment.ensemble)
    made.check()
    return made
