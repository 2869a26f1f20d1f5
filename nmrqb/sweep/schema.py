"""The sweep file: which experiment, which engine, and which points of which parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nmrqb import files
from nmrqb.errors import ArgumentError, InputError, Problem
from nmrqb.experiment import Experiment, check_engine
from nmrqb.experiment.schema import SweepTable, loaded, read_row, sweep_values, unit_of
from nmrqb.files import Document, nearest
from nmrqb.sweep.design import MAX_POINTS, Design, grid, random_design
from nmrqb.sweep.experiments import ExperimentTask
from nmrqb.sweep.overrides import Override, is_key, takes_whole_numbers, with_overrides

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")
#: Of more parameters than this, corners are tried that differ in one of them, and not all combinations.
_ALL_CORNERS = 5


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RangeTable(_Table):
    """Ends between which a parameter is drawn."""

    start: str = Field(alias="from")
    stop: str = Field(alias="to")


class SweepFile(_Table):
    """A sweep file: [sweep.NAME] tables for a grid, or [random.NAME] tables and a number of points.

    A name is a parameter of the experiment's sequence, or a key of its sample or of itself in quotes, such as
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
    """A sweep as its file asks for it.

    values: what each parameter goes through in a grid, or the ends between which it is drawn, in the order of the points.
    """

    name: str
    title: str
    experiment: Experiment
    task: ExperimentTask
    document: Document
    table: SweepFile
    values: Mapping[str, np.ndarray]

    @classmethod
    def load(cls, name: str | Path) -> SweepPlan:
        """A sweep of the library by name, or a file by path. Raises InputError with file, line and key."""
        path = files.find("sweep", name, files.library("sweeps"))
        return cls.parse(files.load_document(path, str(name)), path.stem, path.parent)

    @classmethod
    def parse(cls, document: Document, name: str, folder: Path, experiment: Experiment | None = None) -> SweepPlan:
        """A sweep from a document; the experiment may be given where it is known already. Raises InputError."""
        table = _table(document)
        experiment = experiment or loaded(document, "experiment", table.experiment, folder, Experiment.load)
        # keys of files run slowest: each of their values is read once a chunk, and the sequence's run as arrays
        names = sorted([*table.sweep, *table.random], key=lambda name: not is_key(name))
        overrides, values = [], {}
        for each in names:
            if is_key(each):
                override, values[each] = _read_key(document, table, each, experiment)
                overrides.append(override)
            else:
                values[each] = _read_parameter(document, table, each, experiment)
        task = ExperimentTask(experiment, table.engine, tuple(overrides), table.states)
        plan = cls(name, table.title, experiment, task, document, table, values)
        plan.design(0)
        plan.try_corners()
        return plan

    @property
    def points(self) -> int:
        """Number of points."""
        return self.table.points or math.prod(v.size for v in self.values.values())

    def design(self, seed: int) -> Design:
        """The points; the seed matters where they are drawn. Raises InputError."""
        units = {o.name: o.unit or "1" for o in self.task.overrides}
        units |= {name: unit_of(self.experiment.sequence, name) for name in self.values if name not in units}
        try:
            if not self.table.random:
                return grid(units, **self.values)
            assert self.table.points is not None
            ends = {name: (float(v[0]), float(v[-1])) for name, v in self.values.items()}
            drawn = random_design(self.table.points, seed, ends, how=self.table.how, units=units)
        except ArgumentError as error:
            raise InputError((self.document.problem((_section(self.table),), str(error)),)) from None
        whole = {o.name for o in self.task.overrides if o.whole}
        return Design({n: np.round(v) if n in whole else v for n, v in drawn.values.items()}, {}, units)

    def try_corners(self) -> None:
        """Set up the experiment at ends of the parameters: what its files refuse is told before anything runs.

        Raises InputError.
        """
        keys = {o.name: self.values[o.name] for o in self.task.overrides}
        free = {name: v for name, v in self.values.items() if name not in keys}
        for corner in _corners(keys):
            try:
                experiment = with_overrides(self.experiment, self.task.overrides, corner)
            except LookupError as error:
                raise InputError((self._problem(next(iter(corner)), str(error.args[0])),)) from None
            except InputError as error:
                raise self._retold(error, corner) from None
            for point in _corners(free):
                try:
                    experiment.at_points({name: np.array([value]) for name, value in point.items()}).check()
                except InputError as error:
                    raise self._retold(error, corner | point) from None

    def _retold(self, error: InputError, corner: Mapping[str, float]) -> InputError:
        """What the experiment's files refuse, at the lines of the sweep that ask for it."""
        told = ", ".join(f"{name} = {self._shown(name, value)}" for name, value in corner.items())
        problems = []
        for problem in error.problems:
            owner = next((o.name for o in self.task.overrides if files.dotted(o.path) == problem.key), None)
            if owner is None:
                problems.append(self.document.problem((_section(self.table),), f"with {told}: {problem}"))
            else:
                problems.append(self._problem(owner, problem.message, problem.allowed))
        return InputError(tuple(problems))

    def _problem(self, name: str, message: str, allowed: str = "") -> Any:
        return self.document.problem((_section(self.table), name), message, allowed)

    def _shown(self, name: str, value: float) -> str:
        override = next((o for o in self.task.overrides if o.name == name), None)
        unit = override.unit if override else unit_of(self.experiment.sequence, name)
        return f"{value:.6g} {unit}".removesuffix(" 1").strip()


def _table(document: Document) -> SweepFile:
    """The file as it was written. Raises InputError."""
    if "sequence" in document.data and "experiment" not in document.data:
        allowed = f"run it with: nmrqb run {document.name}"
        raise InputError((Problem("this is an experiment, and no sweep", file=document.name, allowed=allowed),))
    table = files.validate(SweepFile, document)
    if bool(table.sweep) == bool(table.random):
        found = "both" if table.sweep else "neither"
        allowed = "[sweep.NAME] tables for a grid, or [random.NAME] tables and points"
        raise InputError((document.problem((), f"found {found} of [sweep.NAME] and [random.NAME]", allowed),))
    if table.points is None and table.random:
        raise InputError((document.problem(("random",), "found no points", "say how many are drawn: points = 1000"),))
    for key in ("points", "how"):
        if key in document.data and table.sweep:
            allowed = "a grid has the points of its axes; leave it out"
            raise InputError((document.problem((key,), f"found {key} beside a grid", allowed),))
    try:
        check_engine(table.engine)
    except InputError as error:
        raise InputError(tuple(document.problem(("engine",), p.message, p.allowed) for p in error.problems)) from None
    if table.engine.startswith("ibm:"):
        allowed = "run the experiment itself, nmrqb run, which never hands in a job twice"
        raise InputError(
            (document.problem(("engine",), "a sweep runs on no machine that has to be paid for", allowed),)
        )
    return table


def _section(table: SweepFile) -> str:
    return "random" if table.random else "sweep"


def _row(table: SweepFile, name: str) -> SweepTable:
    """The table of a parameter; a range is one of two points."""
    if name in table.sweep:
        return table.sweep[name]
    row = table.random[name]
    return SweepTable.model_validate({"from": row.start, "to": row.stop, "points": 2})


def _read_parameter(document: Document, table: SweepFile, name: str, experiment: Experiment) -> np.ndarray:
    """Values of a parameter of the sequence. Raises InputError."""
    sequence = experiment.sequence
    if name not in sequence.parameters:
        message = f"the sequence {sequence.name!r} has no parameter {name!r}"
        known = [*sequence.parameters]
        allowed = f'{nearest(name, known)} Keys of files stand in quotes: "sample.KEY" or "experiment.KEY"'
        raise InputError((document.problem((_section(table), name), message, allowed),))
    return sweep_values(document, name, _row(table, name), sequence, _section(table))


def _read_key(document: Document, table: SweepFile, name: str, experiment: Experiment) -> tuple[Override, np.ndarray]:
    """A key of a file and its values, in the unit that they have. Raises InputError."""
    key, row, units = (_section(table), name), _row(table, name), []
    if name.startswith("experiment.sweep."):
        message = "points of a sweep cannot differ in what the experiment sweeps itself"
        allowed = f"sweep the parameter: [{_section(table)}.{name.split('.')[2]}]"
        raise InputError((document.problem(key, message, allowed),))

    def read(part: str, text: str) -> float:
        found = _NUMBER.fullmatch(text)
        if not found or not np.isfinite(float(found[1])):
            raise InputError((document.problem((*key, part), f"found {text!r}", 'a number with its unit, "1 kHz"'),))
        units.append(found[2])
        return float(found[1])

    values = read_row(document, key, row, read)
    if len(set(units)) != 1:
        allowed = "one unit for all values of a parameter"
        raise InputError((document.problem(key, f"found the units {sorted(set(units))}", allowed),))
    whole = not units[0] and takes_whole_numbers(experiment, name)
    if whole and not table.random and not np.array_equal(values, np.round(values)):
        found = f"found {values[values != np.round(values)][0]:g}"
        raise InputError((document.problem(key, found, "whole numbers only, which a list of values can name"),))
    return Override(name, units[0], whole), values


def _corners(values: Mapping[str, np.ndarray]) -> Iterator[dict[str, float]]:
    """The least and the largest value of each parameter, in all combinations, or one by one where these are many."""
    ends = {name: sorted({float(v.min()), float(v.max())}) for name, v in values.items()}
    if len(ends) <= _ALL_CORNERS:
        yield from (dict(zip(ends, corner, strict=True)) for corner in product(*ends.values()))
        return
    least, most = {n: e[0] for n, e in ends.items()}, {n: e[-1] for n, e in ends.items()}
    yield from (least, most)
    for name in ends:
        yield least | {name: most[name]}
        yield most | {name: least[name]}
