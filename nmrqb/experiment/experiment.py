"""An experiment: what is run, on which engines, and with which versions."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

import nmrqb
from nmrqb import files
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.engines import Exact
from nmrqb.errors import InputError, Problem
from nmrqb.experiment.engines import check_engine, circuit_engine, spectrometer_engine
from nmrqb.experiment.reduce import Reduction
from nmrqb.experiment.schema import (
    MAX_POINTS,
    ExperimentFile,
    ShotsTable,
    SpectrometerTable,
    loaded,
    moved,
    read_ensemble,
    sweep_values,
    unit_of,
    unknown_names,
)
from nmrqb.files import Document
from nmrqb.nmr import Sample
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.results import States
from nmrqb.sequence import Sequence
from nmrqb.sequence.schema import Pulses
from nmrqb.timeline import Timeline, schedule

if TYPE_CHECKING:
    from nmrqb.circuits.cost import Cost
    from nmrqb.jobs import Ledger

Progress = Callable[[str, int, int], None]  # source, done, of how many


@dataclass(frozen=True)
class Experiment:
    """What is run: sample, sequence with its fixed parameters bound, and the values of each swept one (SI, rad).

    amplify: the polarisation factor p that a high-temperature sample is run at; results are per p. charged, reference:
    names of the marks at which the charged and the uncharged battery are observed. ensemble: members of the sample that
    differ, which act wherever pulses and noise are as run. points: values of parameters that change together, (n,) each in
    SI or rad; they make a first axis "point" before those of the sweep.
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
    spectrometer: SpectrometerTable = field(default_factory=SpectrometerTable)
    ensemble: Ensemble | None = None
    document: Document = field(default_factory=lambda: Document("", {}, {}), repr=False)
    points: Mapping[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str | Path) -> Experiment:
        """An experiment of the library by name, or a file by path; its sample and sequence may be names or paths.

        Raises InputError with file, line and key.
        """
        path = files.find("experiment", name, files.library("experiments"))
        return cls.parse(files.load_document(path, str(name)), path.stem, path.parent)

    @classmethod
    def parse(
        cls,
        document: Document,
        name: str,
        folder: Path,
        *,
        sample: Sample | None = None,
        sequence: Sequence | None = None,
    ) -> Experiment:
        """An experiment from a document; relative paths count from `folder`. Raises InputError.

        sample, sequence: what stands for those that the document names, such as the copies that a run keeps.
        """
        if "experiment" in document.data and "sequence" not in document.data:
            allowed = f"run it with: nmrqb sweep {document.name}"
            raise InputError((Problem("this is a sweep, and no experiment", file=document.name, allowed=allowed),))
        table = files.validate(ExperimentFile, document)
        sample = sample or loaded(document, "sample", table.sample, folder, Sample.load)
        sequence = sequence or loaded(document, "sequence", table.sequence, folder, Sequence.load)
        problems = [*unknown_names(document, table, sequence)]
        if problems:
            raise InputError(tuple(problems))
        if table.polarisation is not None:
            sample = sample.with_polarisation(table.polarisation)
        try:
            sequence = sequence.bind(**table.parameters)
        except InputError as error:
            raise InputError(tuple(moved(document, p, "parameters") for p in error.problems)) from None
        sweep = {parameter: sweep_values(document, parameter, row, sequence) for parameter, row in table.sweep.items()}
        points = math.prod(v.size for v in sweep.values())
        if points > MAX_POINTS:
            raise InputError((document.problem(("sweep",), f"found {points} points", f"at most {MAX_POINTS} in all"),))
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
            spectrometer=table.spectrometer,
            ensemble=read_ensemble(document, table.ensemble, folder),
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
        try:
            self.sample.battery()
        except ValueError as error:
            raise InputError((self.document.problem(("sample",), str(error)),)) from None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points that change together, where there are any, and of values of each swept parameter."""
        return (*(v.size for v in list(self.points.values())[:1]), *(v.size for v in self.sweep.values()))

    def at_points(self, points: Mapping[str, FloatArray]) -> Experiment:
        """The same experiment at points of some parameters, (n,) each in SI or rad; what it sweeps beside them it still does."""
        return replace(self, points=points, sweep={k: v for k, v in self.sweep.items() if k not in points})

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
        grids = dict(zip(self.sweep, np.meshgrid(*self.sweep.values(), indexing="ij"), strict=True))
        lead = (...,) + (None,) * len(grids)
        bound = self.sequence.bind(**grids, **{name: values[lead] for name, values in self.points.items()})
        sample = self.start()[0] if self._startable() else self.sample
        if ideal:
            return schedule(bound, sample, pulses="ideal")
        return schedule(bound, sample, pulses=self.pulses, noise=self.noise, ensemble=self.ensemble)

    def _startable(self) -> bool:
        try:
            self.start()
        except ValueError:
            return False
        return True

    def run(
        self,
        engine: Any = None,
        seed: int | None = None,
        progress: Progress | None = None,
        shots: int | None = None,
        jobs: Ledger | None = None,
    ) -> xr.Dataset:
        """Run and reduce to a Dataset with the dimension `source` and one for each swept parameter.

        engine: None for exact and Aer side by side, "exact", "aer", "spectrometer", "fake:NAME", "ibm:NAME", a BackendV2, or an engine
        (anything with `source` and `run(timeline, rho0, progress=None) -> States`). Source "theory" (ideal pulses, no
        noise) and "exact" (with what the experiment has) are always there. shots: over what the file says. jobs: the ledger
        that circuits are handed in by. Raises InputError for an unknown engine, RunError for a failure.
        """
        sample, rho0, per = self.start()
        actual, ideal = self.timeline(ideal=False), self.timeline(ideal=True)
        found = {"theory": Exact().run(ideal, rho0), "exact": Exact().run(actual, rho0)}
        chosen = self.engine(engine, seed, shots, jobs)
        if chosen is not None:
            report = None if progress is None else partial(progress, chosen.source)
            found[chosen.source] = chosen.run(actual, rho0, progress=report)
        sweep = {name: (values, unit_of(self.sequence, name)) for name, values in self.sweep.items()}
        if self.points:
            sweep = {"point": (np.arange(float(self.shape[0])), "1"), **sweep}
        unit = " p" if self.sample.is_high_temperature else ""
        reduction = Reduction(sample.battery().hamiltonian(), self.charged, self.reference, per, unit, sweep)
        return reduction.dataset(found).assign_attrs(self._attributes(sample, per, found))

    def curves(self, points: int = 361) -> xr.Dataset:
        """Theory and exact engine on a finer grid between the ends of each sweep, for smooth lines under the points."""
        fine = {name: np.linspace(v.min(), v.max(), max(points, v.size)) for name, v in self.sweep.items()}
        return replace(self, sweep=fine).run("exact")

    def engine(
        self, engine: Any = None, seed: int | None = None, shots: int | None = None, jobs: Ledger | None = None
    ) -> Any:
        """The engine of this name as the experiment's file sets it up, None for "exact"; an object is returned as it is.

        Raises InputError for an unknown name, or for options of the file that this engine does not have.
        """
        if engine is None:
            engine = "aer"
        if not isinstance(engine, str):  # a backend of anyone's has a target, an engine has a source
            backend = hasattr(engine, "target") and not hasattr(engine, "source")
            return circuit_engine(engine, self.shots, self.document, seed, shots, jobs) if backend else engine
        check_engine(engine)
        if engine == "exact":
            return None
        if engine == "spectrometer":
            return spectrometer_engine(self.spectrometer, self.sample, self.shots.replicas, seed)
        return circuit_engine(engine, self.shots, self.document, seed, shots, jobs)

    def cost(self, engine: Any = None, shots: int | None = None) -> Cost | None:
        """What a run on this engine would hand in, without running it; None for engines that run no circuits.

        For ibm:NAME the machine's calibration is fetched. Raises InputError, RunError, or TransientError where that fails.
        """
        chosen = self.engine(engine, shots=shots)
        if not hasattr(chosen, "cost"):
            return None
        found: Cost = chosen.cost(self.timeline(ideal=False), self.start()[1])
        return found

    def _attributes(self, sample: Sample, per: float, found: Mapping[str, States]) -> dict[str, Any]:
        runs = {source: dict(states.info) for source, states in found.items() if states.info}
        return {
            "title": self.title,
            "experiment": self.name,
            "sample": self.sample.name,
            "sequence": self.sequence.name,
            "pulses": self.pulses,
            "noise": int(self.noise),
            "charged": self.charged,
            "reference": self.reference,
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
