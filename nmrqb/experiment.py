"""An experiment: one sample, one sequence, one sweep, run on engines and reduced to a labelled Dataset."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

import nmrqb
from nmrqb import files, metrics, units
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.engines import Exact
from nmrqb.errors import InputError, Problem
from nmrqb.files import Document
from nmrqb.nmr import Sample
from nmrqb.results import States
from nmrqb.sequence import Sequence
from nmrqb.sequence.schema import Pulses
from nmrqb.timeline import Timeline, schedule
from nmrqb.tomography import estimate, nearest_state, normal_score
from nmrqb.units import ExpressionError

#: Engines by the name a user gives; None stands for all that a default run shows side by side.
ENGINES = ("exact", "aer")

Progress = Callable[[str, int, int], None]  # source, done, of how many


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class SweepTable(_Table):
    """Values of one parameter: evenly spaced points, or a list."""

    start: str | None = Field(default=None, alias="from")
    stop: str | None = Field(default=None, alias="to")
    points: int | None = Field(default=None, ge=1, le=100_000)
    values: list[str] | None = Field(default=None, min_length=1, max_length=100_000)


class ShotsTable(_Table):
    """How circuits are measured."""

    per_setting: int = Field(default=4096, ge=1, le=10_000_000)
    replicas: int = Field(default=200, ge=2, le=100_000)
    sampling: Literal["state", "counts"] = "state"


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


@dataclass(frozen=True)
class Experiment:
    """What is run: sample, sequence with its fixed parameters bound, and the values of each swept one (SI, rad).

    amplify: the polarisation factor p that a high-temperature sample is run at; results are per p. charged, reference:
    names of the marks at which the charged and the uncharged battery are observed.
    """

    name: str
    title: str
    sample: Sample
    sequence: Sequence
    sweep: Mapping[str, FloatArray]
    pulses: Pulses
    noise: bool
    amplify: float | None
    charged: str
    reference: str
    shots: ShotsTable = field(default_factory=ShotsTable)
    document: Document = field(default_factory=lambda: Document("", {}, {}), repr=False)

    @classmethod
    def load(cls, name: str | Path) -> Experiment:
        """An experiment of the library by name, or a file by path; its sample and sequence may be names or paths.

        Raises InputError with file, line and key.
        """
        path = files.find("experiment", name, files.library("experiments"))
        return cls.parse(files.load_document(path, str(name)), path.stem, path.parent)

    @classmethod
    def parse(cls, document: Document, name: str, folder: Path) -> Experiment:
        """An experiment from a document; relative paths count from `folder`. Raises InputError."""
        table = files.validate(ExperimentFile, document)
        sample = _loaded(document, "sample", table.sample, folder, Sample.load)
        sequence = _loaded(document, "sequence", table.sequence, folder, Sequence.load)
        problems = [*_unknown_names(document, table, sequence)]
        if problems:
            raise InputError(tuple(problems))
        if table.polarisation is not None:
            sample = sample.with_polarisation(table.polarisation)
        try:
            sequence = sequence.bind(**table.parameters)
        except InputError as error:
            raise InputError(tuple(_moved(document, p, "parameters") for p in error.problems)) from None
        sweep = {parameter: _values(document, parameter, row, sequence) for parameter, row in table.sweep.items()}
        experiment = cls(
            name=name,
            title=table.title,
            sample=sample,
            sequence=sequence,
            sweep=sweep,
            pulses=table.pulses,
            noise=table.noise,
            amplify=table.amplify,
            charged=table.charged,
            reference=table.reference,
            shots=table.shots,
            document=document,
        )
        experiment.check()
        return experiment

    def check(self) -> None:
        """Raises InputError for what shows only when sample and sequence meet: RF limit, times, amplification."""
        self.timeline(ideal=False)
        try:
            self.start()
        except ValueError as error:
            raise InputError((self.document.problem(("amplify",), str(error)),)) from None
        if self.sample.n != 2 or not self.sample.dipolar:
            raise InputError((self.document.problem(("sample",), f"found {self.sample.n} spins", "a dipolar pair"),))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each swept parameter."""
        return tuple(v.size for v in self.sweep.values())

    def start(self) -> tuple[Sample, ComplexArray, float]:
        """The sample as it is run, its starting state (d, d), and the p that results are divided by (1 where it is none).

        A high-temperature sample starts in (1 + p F_z)/2^N, amplified where that is asked for; any other starts in the full
        product state and is reported as it is. Raises ArgumentError for an amplification that is no state.
        """
        if not self.sample.is_high_temperature:
            return self.sample, self.sample.thermal_state(), 1.0
        sample = self.sample if self.amplify is None else self.sample.amplified(self.amplify)
        return sample, sample.linear_state(), sample.polarisation_factor

    def timeline(self, *, ideal: bool) -> Timeline:
        """The whole sweep as one Timeline: `ideal` has neither pulse lengths nor noise. Raises InputError."""
        grids = np.meshgrid(*self.sweep.values(), indexing="ij")
        bound = self.sequence.bind(**dict(zip(self.sweep, grids, strict=True)))
        sample = self.start()[0] if self._startable() else self.sample
        if ideal:
            return schedule(bound, sample, pulses="ideal")
        return schedule(bound, sample, pulses=self.pulses, noise=self.noise)

    def _startable(self) -> bool:
        try:
            self.start()
        except ValueError:
            return False
        return True

    def run(
        self, engine: Any = None, seed: int | None = None, progress: Progress | None = None, shots: int | None = None
    ) -> xr.Dataset:
        """Run and reduce to a Dataset with the dimension `source` and one for each swept parameter.

        engine: None for exact and Aer side by side, "exact", "aer", or an engine object (anything with `source` and
        `run(timeline, rho0, progress=None) -> States`). Source "theory" (ideal pulses, no noise) and "exact" (with what the experiment
        has) are always there. shots: over what the file says. Raises InputError for an unknown engine, RunError for a failure.
        """
        sample, rho0, per = self.start()
        actual, ideal = self.timeline(ideal=False), self.timeline(ideal=True)
        found = {"theory": Exact().run(ideal, rho0), "exact": Exact().run(actual, rho0)}
        chosen = self._engine(engine, seed, shots)
        if chosen is not None:
            report = None if progress is None else partial(progress, chosen.source)
            found[chosen.source] = chosen.run(actual, rho0, progress=report)
        dataset = _reduce(self, found, sample.battery().hamiltonian(), per)
        return dataset.assign_attrs(self._attributes(sample, per, found))

    def curves(self, points: int = 361) -> xr.Dataset:
        """Theory and exact engine on a finer grid between the ends of each sweep, for smooth lines under the points."""
        fine = {name: np.linspace(v.min(), v.max(), max(points, v.size)) for name, v in self.sweep.items()}
        return replace(self, sweep=fine).run("exact")

    def _engine(self, engine: Any, seed: int | None, shots: int | None) -> Any:
        if engine is None or engine == "aer":
            from nmrqb.engines import Shots

            table = self.shots
            # the unprojected inversion is linear in the counts: only then are energies unbiased and scatter honest
            how: dict[str, Any] = {"replicas": table.replicas, "sampling": table.sampling, "estimator": "linear"}
            return Shots(shots=shots or table.per_setting, seed=seed, **how)
        if engine == "exact":
            return None
        if isinstance(engine, str):
            raise InputError(
                (Problem(f"no engine is called {engine!r}", key="engine", allowed=files.nearest(engine, ENGINES)),)
            )
        return engine

    def _attributes(self, sample: Sample, per: float, found: Mapping[str, States]) -> dict[str, Any]:
        runs = {source: dict(states.info) for source, states in found.items() if states.info}
        return {
            "title": self.title,
            "experiment": self.name,
            "sample": self.sample.name,
            "sequence": self.sequence.name,
            "pulses": self.pulses,
            "noise": int(self.noise),
            "energy_unit_rad_per_s": self.sample.energy_unit,
            "polarisation": list(self.sample.polarisation),
            "polarisation_factor": self.sample.polarisation_factor,
            "polarisation_factor_run": sample.polarisation_factor,
            "reported_per": "polarisation factor p" if self.sample.is_high_temperature else "nothing",
            "divided_by": per,
            "engines": json.dumps(runs, sort_keys=True),
            "seed": next((int(info["seed"]) for info in runs.values() if "seed" in info), -1),
            "versions": json.dumps(versions(), sort_keys=True),
            "experiment_toml": self.document.text,
            "sample_toml": self.sample.source,
            "sequence_toml": self.sequence.document.text,
        }


def versions() -> dict[str, str]:
    """Versions of this package and of what its numbers rest on."""
    packages = ("numpy", "scipy", "qiskit", "qiskit-aer", "xarray", "h5netcdf", "h5py")
    return {
        "nmrqb": nmrqb.__version__,
        "python": platform.python_version(),
        **{p: importlib.metadata.version(p) for p in packages},
    }


@dataclass(frozen=True)
class Quantity:
    """A reported metric: its symbol and unit, and the value from the charged and the reference state (..., d, d)."""

    long_name: str
    symbol: str
    energy: bool
    of: Callable[[ComplexArray, ComplexArray], FloatArray]  # (state or difference, H) -> (...)
    difference: bool = False  # taken of charged minus reference


QUANTITIES: dict[str, Quantity] = {
    "ergotropy": Quantity("ergotropy", "ξ", True, lambda rho, H: metrics.ergotropy(rho, H, check=False)),
    "stored_energy": Quantity(
        "stored energy", "W", True, lambda rho, H: np.einsum("...ij,ji->...", rho, H).real, difference=True
    ),
    "l1_coherence": Quantity("l1 coherence", "C", False, lambda rho, _: metrics.l1_coherence(rho, check=False)),
}


def _reduce(experiment: Experiment, found: Mapping[str, States], H: ComplexArray, per: float) -> xr.Dataset:
    dims = ("source", *experiment.sweep)
    exact = found["exact"]
    variables: dict[str, Any] = {}
    for name, quantity in QUANTITIES.items():
        metric = partial(_per, quantity, H, per)
        rows = [estimate(_at(states, quantity, experiment), metric) for states in found.values()]
        prediction = _at(exact, quantity, experiment)[..., 0, :, :]
        scores = [normal_score(_at(states, quantity, experiment), prediction, metric) for states in found.values()]
        unit = ("|d|" if quantity.energy else "1") + (
            " p" if per != 1.0 or experiment.sample.is_high_temperature else ""
        )
        attributes = {"units": unit, "long_name": quantity.long_name, "symbol": quantity.symbol}
        variables[name] = (dims, np.stack([row.value for row in rows]), attributes)
        errors = np.nan_to_num(np.stack([row.error for row in rows]), nan=0.0)
        variables[f"{name}_error"] = (
            dims,
            errors,
            {"units": unit, "long_name": f"standard error of {quantity.long_name}"},
        )
        label = f"normal score of {quantity.long_name} under the exact prediction"
        variables[f"{name}_z"] = (dims, np.stack(scores), {"units": "1", "long_name": label})
    rho = nearest_state(np.stack([np.moveaxis(states.estimate, -3, 0) for states in found.values()]))
    for part, values in (("real", rho.real), ("imag", rho.imag)):
        text = f"{part} part of the density matrix as run (p = divided_by)"
        variables[f"rho_{part}"] = (
            ("source", "mark", *experiment.sweep, "row", "column"),
            values,
            {"units": "1", "long_name": text},
        )
    coordinates: dict[str, Any] = {"source": list(found), "mark": list(exact.marks)}
    for parameter, values in experiment.sweep.items():
        coordinates[parameter] = (parameter, values, {"units": _unit(experiment.sequence, parameter)})
    return xr.Dataset(variables, coordinates)


def _per(quantity: Quantity, H: ComplexArray, per: float, rho: ComplexArray) -> NDArray[np.float64]:
    return np.asarray(quantity.of(rho, H)) / per


def _at(states: States, quantity: Quantity, experiment: Experiment) -> ComplexArray:
    charged = states.at(experiment.charged)
    return charged - states.at(experiment.reference) if quantity.difference else charged


def _unit(sequence: Sequence, parameter: str) -> str:
    kind = units.kind_of(_parameter(sequence, parameter))
    return {"angle": "rad", "time": "s", "frequency": "Hz"}.get(kind.name if kind else "", "1")


def _parameter(sequence: Sequence, name: str) -> units.Quantity:
    return sequence.provisional_scope().parameter(name)


def _loaded(document: Document, key: str, name: str, folder: Path, load: Callable[[str | Path], Any]) -> Any:
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


def _moved(document: Document, problem: Problem, table: str) -> Problem:
    """A problem of a value that an experiment binds, told at the experiment's own line where it is the culprit."""
    name = problem.key.rpartition(".")[2]
    if (table, name) in document.lines:
        return document.problem((table, name), problem.message, problem.allowed)
    return problem


def _unknown_names(document: Document, table: ExperimentFile, sequence: Sequence) -> list[Problem]:
    problems = []
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


def _values(document: Document, name: str, row: SweepTable, sequence: Sequence) -> FloatArray:
    """The values a sweep gives a parameter, in the inner unit of its kind. Raises InputError."""
    key = ("sweep", name)
    spaced = [row.start, row.stop, row.points]
    if (row.values is None) == (None in spaced) or (row.values is not None and any(v is not None for v in spaced)):
        raise InputError(
            (document.problem(key, "a sweep is either evenly spaced or a list", "from, to and points, or values"),)
        )
    kind = units.kind_of(_parameter(sequence, name))
    if kind is None:
        raise InputError((document.problem(key, f"{name!r} is of no kind that can be swept"),))

    def read(part: str, text: str) -> float:
        try:
            return float(sequence.provisional_scope().value(text, kind))
        except ExpressionError as error:
            raise InputError((document.problem((*key, part), str(error)),)) from None

    if row.values is not None:
        return np.array([read("values", text) for text in row.values])
    assert row.start is not None
    assert row.stop is not None
    assert row.points is not None
    return np.linspace(read("from", row.start), read("to", row.stop), row.points)
