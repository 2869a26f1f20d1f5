"""The sweep file: which experiment, which engine, and which points of which parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nmrqb import files
from nmrqb.errors import ArgumentError, InputError, Problem
from nmrqb.experiment import ENGINES, Experiment
from nmrqb.experiment.schema import SweepTable, loaded, sweep_values, unit_of
from nmrqb.files import Document, nearest
from nmrqb.sweep.design import MAX_POINTS, Design, grid, random_design
from nmrqb.sweep.experiments import PREFIXES, ExperimentTask, Override

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RangeTable(_Table):
    """Ends between which a parameter is drawn."""

    start: str = Field(alias="from")
    stop: str = Field(alias="to")


class SweepFile(_Table):
    """A sweep file: [sweep.NAME] tables for a grid, or [random.NAME] tables and a number of points.

    A name is a parameter of the experiment's sequence, or a key of its sample or of itself, such as
    "sample.relaxation.T2" or "experiment.shots.per_setting".
    """

    title: str
    note: str = ""
    experiment: str
    engine: str = "exact"
    chunk: int | None = Field(default=None, ge=1)
    points: int | None = Field(default=None, ge=1, le=MAX_POINTS)
    how: Literal["uniform", "sobol", "latin"] = "uniform"
    states: bool = False
    sweep: dict[str, SweepTable] = Field(default={}, max_length=8)
    random: dict[str, RangeTable] = Field(default={}, max_length=32)


@dataclass(frozen=True)
class SweepPlan:
    """A sweep as its file asks for it; `design` needs the seed only where points are drawn."""

    name: str
    title: str
    experiment: Experiment
    task: ExperimentTask
    chunk: int | None
    document: Document
    table: SweepFile

    @classmethod
    def load(cls, name: str | Path) -> SweepPlan:
        """A sweep from a file by path. Raises InputError with file, line and key."""
        path = files.find("sweep", name, files.library("sweeps"))
        return cls.parse(files.load_document(path, str(name)), path.stem, path.parent)

    @classmethod
    def parse(cls, document: Document, name: str, folder: Path, experiment: Experiment | None = None) -> SweepPlan:
        """A sweep from a document; the experiment may be given where it is known already. Raises InputError."""
        table = files.validate(SweepFile, document)
        if not files_known(table.engine):
            allowed = nearest(table.engine, ENGINES)
            raise InputError((document.problem(("engine",), f"no engine is called {table.engine!r}", allowed),))
        if bool(table.sweep) == bool(table.random) or (table.points is None) == bool(table.random):
            allowed = "[sweep.NAME] tables for a grid, or [random.NAME] tables and points"
            raise InputError((document.problem((), "a sweep is either a grid or random", allowed),))
        experiment = experiment or loaded(document, "experiment", table.experiment, folder, Experiment.load)
        names = [*table.sweep, *table.random]
        overrides = tuple(_override(document, table, n, experiment) for n in names if _is_path(n))
        task = ExperimentTask(experiment, table.engine, overrides, table.states)
        plan = cls(name, table.title, experiment, task, table.chunk, document, table)
        plan.design(0)
        plan._try_corners()
        return plan

    def design(self, seed: int) -> Design:
        """The points. Raises InputError."""
        table, document = self.table, self.document
        # keys of files run slowest: each of their values is read once a chunk, and the sequence's run as arrays
        names = sorted([*table.sweep, *table.random], key=lambda name: not _is_path(name))
        units = {name: self._unit(name) for name in names}
        try:
            if table.random:
                assert table.points is not None
                ends = {n: (self._values(n, row)[0], self._values(n, row)[-1]) for n, row in table.random.items()}
                return random_design(table.points, seed, ends, how=table.how, units=units)
            return grid(units, **{name: self._values(name, table.sweep[name]) for name in names})
        except ArgumentError as error:
            raise InputError((document.problem(("sweep",), str(error)),)) from None

    def _values(self, name: str, row: SweepTable | RangeTable) -> np.ndarray:
        if isinstance(row, RangeTable):
            row = SweepTable.model_validate({"from": row.start, "to": row.stop, "points": 2})
        if not _is_path(name):
            return sweep_values(self.document, name, row, self.experiment.sequence)
        texts = row.values if row.values is not None else [row.start, row.stop]
        if None in texts or (row.values is None and row.points is None):
            message = "a sweep is either evenly spaced or a list"
            raise InputError((self.document.problem(("sweep", name), message, "from, to and points, or values"),))
        read = [_number(self.document, name, str(text))[0] for text in texts]
        return np.array(read) if row.values is not None else np.linspace(read[0], read[1], int(row.points or 2))

    def _unit(self, name: str) -> str:
        if not _is_path(name):
            return unit_of(self.experiment.sequence, name)
        return next(o.unit for o in self.task.overrides if o.name == name) or "1"

    def _try_corners(self) -> None:
        """Take the least and the largest values of all keys at once: what the files refuse is told before anything runs."""
        design = self.design(0)
        for pick in (np.min, np.max):
            values = {o.name: float(pick(design.values[o.name])) for o in self.task.overrides}
            try:
                self.task.experiment_at(values)
            except InputError as error:
                told = ", ".join(f"{name} = {value:g}" for name, value in values.items())
                problems = [self.document.problem(("sweep",), f"with {told}: {problem}") for problem in error.problems]
                raise InputError(tuple(problems)) from None


def files_known(engine: str) -> bool:
    """Whether an engine is known by name, with a backend behind a colon or without."""
    return engine in ENGINES or engine.partition(":")[0] in ("fake", "ibm")


def _is_path(name: str) -> bool:
    return name.partition(".")[0] in PREFIXES and "." in name


def _number(document: Document, name: str, text: str) -> tuple[float, str]:
    found = _NUMBER.fullmatch(text)
    if not found or not np.isfinite(float(found[1])):
        raise InputError(
            (document.problem(("sweep", name), f"found {text!r}", 'a number with its unit, such as "1 kHz"'),)
        )
    return float(found[1]), found[2]


def _override(document: Document, table: SweepFile, name: str, experiment: Experiment) -> Override:
    row = table.sweep.get(name) or table.random[name]
    texts = [row.start, row.stop] if isinstance(row, RangeTable) or row.values is None else row.values
    units = {_number(document, name, str(text))[1] for text in texts}
    if len(units) != 1:
        allowed = "one unit for all values of a parameter"
        raise InputError((document.problem(("sweep", name), f"found the units {sorted(units)}", allowed),))
    override = Override(name, units.pop())
    try:
        override.check(experiment)
    except KeyError as error:
        where = experiment.sample.name if name.startswith("sample.") else experiment.name
        problem = Problem(f"{where!r} has no key {error.args[0]!r}", key=name, allowed=str(error.args[1]))
        raise InputError((document.problem(("sweep", name), problem.message, problem.allowed),)) from None
    return override
