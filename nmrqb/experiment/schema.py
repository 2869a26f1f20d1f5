"""The experiment file: its keys, read strictly, and what they come to with the sample and sequence they name."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import mul
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nmrqb import files, units
from nmrqb.checks import FloatArray
from nmrqb.errors import InputError, Problem
from nmrqb.files import Document
from nmrqb.nmr.distributions import (
    coupling_spread,
    offset_distribution,
    powder,
    quasi_static_noise,
    read_rf_profile,
    rf_distribution,
)
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Sequence
from nmrqb.sequence.schema import Pulses
from nmrqb.toml_lines import Key
from nmrqb.units import ExpressionError

#: Points of a whole sweep, over all its parameters.
MAX_POINTS = 200_000


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SweepTable(_Table):
    """Values of one parameter: evenly spaced points, or a list."""

    start: str | None = Field(default=None, alias="from")
    stop: str | None = Field(default=None, alias="to")
    points: int | None = Field(default=None, ge=1, le=100_000)
    values: list[str] | None = Field(default=None, min_length=1, max_length=100_000)


class ShotsTable(_Table):
    """How circuits are compiled, measured and mitigated; what is left out is the engine's default on its backend."""

    per_setting: int = Field(default=4096, ge=1, le=10_000_000)
    replicas: int = Field(default=200, ge=2, le=100_000)
    sampling: Literal["state", "counts"] = "state"
    mode: Literal["faithful", "compiled"] | None = None
    noise: Literal["sample", "device", "both", "none"] | None = None
    preparation: Literal["direct", "eigenstates", "basis"] | None = None
    mitigation: list[Literal["readout", "zne", "dd", "twirl"]] = Field(default=[], max_length=4)
    flips: list[int] | None = Field(default=None, min_length=2, max_length=2)
    qubits: list[int] | None = Field(default=None, min_length=1, max_length=20)
    level: Literal[0, 1, 2, 3] = 2
    execution: Literal["job", "batch", "session"] = "job"


class SpectrometerTable(_Table):
    """How the simulated spectrometer measures: scans of each readout, and noise of a point of one scan over the full signal."""

    scans: int = Field(default=1, ge=1, le=10_000_000)
    noise: float | None = Field(default=None, ge=0)


class EnsembleTable(_Table):
    """Members of the sample that differ, each in one or more ways that multiply.

    rf, coupling: Gaussian relative spreads; offset, quasi_static: Gaussian spreads in Hz (text), of lines and of detunings that
    change between runs; profile: a file of a measured RF profile; powder: orientations of a pair. members: points of each.
    """

    rf: float | None = Field(default=None, gt=0, lt=1)
    profile: str | None = None
    coupling: float | None = Field(default=None, gt=0, lt=1)
    powder: int | None = Field(default=None, ge=2, le=1000)
    offset: str | None = None
    quasi_static: str | None = None
    members: int = Field(default=7, ge=2, le=201)


class ExperimentFile(_Table):
    """An experiment file."""

    title: str
    note: str = ""
    sample: str
    sequence: str
    pulses: Pulses = "ideal"
    noise: bool = True
    amplify: float | None = Field(default=None, gt=0)
    polarisation: float | None = Field(default=None, gt=0, le=1)
    charged: str = "charged"
    reference: str = "empty"
    parameters: dict[str, str] = {}
    sweep: dict[str, SweepTable] = Field(min_length=1, max_length=4)
    shots: ShotsTable = ShotsTable()
    spectrometer: SpectrometerTable = SpectrometerTable()
    ensemble: EnsembleTable | None = None


def unit_of(sequence: Sequence, name: str) -> str:
    """The inner unit of a parameter, as Datasets write it."""
    kind = units.kind_of(parameter(sequence, name))
    return {"angle": "rad", "time": "s", "frequency": "Hz"}.get(kind.name if kind else "", "1")


def parameter(sequence: Sequence, name: str) -> units.Quantity:
    """A parameter's value over stand-ins for a sample: its kind is right."""
    return sequence.provisional_scope().parameter(name)


def loaded(document: Document, key: str, name: str, folder: Path, load: Callable[[str | Path], Any]) -> Any:
    """A sample or sequence named by an experiment: a path counts from the experiment's folder."""
    beside = folder / name
    target: str | Path = beside if (name.endswith(".toml") or "/" in name) else name
    try:
        return load(target)
    except InputError as error:
        here = [
            document.problem((key,), p.message, p.allowed) if not p.key and p.line is None else p
            for p in error.problems
        ]
        raise InputError(tuple(here)) from None


def moved(document: Document, problem: Problem, table: str) -> Problem:
    """A problem of a value that an experiment binds, told at the experiment's own line where it is the culprit."""
    name = problem.key.rpartition(".")[2]
    if (table, name) in document.lines:
        return document.problem((table, name), problem.message, problem.allowed)
    return problem


def unknown_names(document: Document, table: ExperimentFile, sequence: Sequence) -> list[Problem]:
    """What an experiment names that its sequence does not have, or has as a list that would be an axis without a name."""
    problems = []
    for name, default in sequence.parameters.items():
        if not isinstance(default, str) and name not in table.parameters and name not in table.sweep:
            message = f"the sequence {sequence.name!r} has a list for {name!r}"
            problems.append(document.problem(("sequence",), message, "fix it in [parameters] or sweep it"))
    for section, names in (("parameters", table.parameters), ("sweep", table.sweep)):
        for name in names:
            if name not in sequence.parameters:
                allowed = files.nearest(name, sequence.parameters)
                problems.append(
                    document.problem(
                        (section, name), f"the sequence {sequence.name!r} has no parameter {name!r}", allowed
                    )
                )
            elif section == "sweep" and name in table.parameters:
                problems.append(document.problem((section, name), f"{name!r} is fixed in [parameters] as well"))
    for key, mark in (("charged", table.charged), ("reference", table.reference)):
        if mark not in sequence.marks:
            allowed = f"one of its points: {', '.join(sequence.marks)}"
            problems.append(document.problem((key,), f"the sequence {sequence.name!r} observes no {mark!r}", allowed))
    return problems


def sweep_values(
    document: Document, name: str, row: SweepTable, sequence: Sequence, section: str = "sweep"
) -> FloatArray:
    """The values a sweep gives a parameter, in the inner unit of its kind; its table stands in `section`. Raises InputError."""
    key = (section, name)
    kind = units.kind_of(parameter(sequence, name))
    if kind is None:
        raise InputError((document.problem(key, f"{name!r} is of no kind that can be swept"),))

    def read(part: str, text: str) -> float:
        try:
            return float(sequence.provisional_scope().value(text, kind))
        except ExpressionError as error:
            raise InputError((document.problem((*key, part), str(error)),)) from None

    return read_row(document, key, row, read)


def read_row(document: Document, key: Key, row: SweepTable, read: Callable[[str, str], float]) -> FloatArray:
    """The values that a table asks for; `read` makes numbers of texts, given the part of the table too. Raises InputError."""
    spaced = [row.start, row.stop, row.points]
    if (row.values is None) == (None in spaced) or (row.values is not None and any(v is not None for v in spaced)):
        raise InputError(
            (document.problem(key, "a sweep is either evenly spaced or a list", "from, to and points, or values"),)
        )
    if row.values is not None:
        return np.array([read("values", text) for text in row.values])
    assert row.start is not None
    assert row.stop is not None
    assert row.points is not None
    return np.linspace(read("from", row.start), read("to", row.stop), row.points)


def read_ensemble(document: Document, table: EnsembleTable | None, folder: Path) -> Ensemble | None:
    """The members that an [ensemble] table describes, by Gaussian quadrature; a profile is looked for in `folder`.

    Raises InputError.
    """
    if table is None:
        return None
    parts = []
    if table.rf is not None and table.profile is not None:
        raise InputError((document.problem(("ensemble", "profile"), "found rf and profile", "one of them is enough"),))
    if table.profile is not None:
        parts.append(read_rf_profile(folder / table.profile))
    if table.powder is not None:
        parts.append(powder(table.powder))
    if table.rf is not None:
        parts.append(rf_distribution(table.rf, table.members))
    if table.coupling is not None:
        parts.append(coupling_spread(table.coupling, table.members))
    for key, text, spread in (
        ("offset", table.offset, offset_distribution),
        ("quasi_static", table.quasi_static, quasi_static_noise),
    ):
        if text is not None:
            try:
                parts.append(spread(float(units.read(text, units.FREQUENCY)), members=table.members))
            except ValueError as error:
                raise InputError((document.problem(("ensemble", key), str(error)),)) from None
    if not parts:
        raise InputError(
            (
                document.problem(
                    ("ensemble",),
                    "found no spread",
                    "one or more of rf, profile, coupling, powder, offset and quasi_static",
                ),
            )
        )
    return reduce(mul, parts)
