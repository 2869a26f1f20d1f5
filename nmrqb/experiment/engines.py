"""Engines by the names a user gives, and how an experiment's file sets them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nmrqb import files
from nmrqb.detection import Receiver
from nmrqb.engines import Spectrometer
from nmrqb.engines.spectrometer import DEFAULT_NOISE
from nmrqb.errors import ArgumentError, InputError, Problem
from nmrqb.experiment.schema import ShotsTable, SpectrometerTable
from nmrqb.files import Document
from nmrqb.nmr import Sample

if TYPE_CHECKING:
    from nmrqb.engines import Shots
    from nmrqb.jobs import Ledger

#: Engines by the name a user gives, besides fake:NAME and ibm:NAME; None stands for exact and aer side by side.
ENGINES = ("exact", "aer", "spectrometer")


def check_engine(engine: str, key: str = "engine") -> None:
    """Raises InputError, with the nearest name, for what no engine is called. Nothing is contacted."""
    if engine in ENGINES:
        return
    if engine.partition(":")[0] in ("fake", "ibm"):
        from nmrqb.circuits.devices.names import split_name

        try:
            split_name(engine)
        except ArgumentError as error:
            raise InputError(
                (Problem(f"no engine is called {engine!r}", key=key, allowed=f"it must {error.allowed}"),)
            ) from None
        return
    allowed = files.nearest(engine, (*ENGINES, "fake:NAME", "ibm:NAME"))
    raise InputError((Problem(f"no engine is called {engine!r}", key=key, allowed=allowed),))


def need_engine(engine: str | None) -> None:
    """Raises RunError where what an engine of a known name needs is missing here. Nothing is contacted."""
    if engine is not None and ":" in engine:
        from nmrqb.circuits.devices import names

        names.need_runtime(engine)
        if engine.startswith("ibm:"):
            names.need_account(engine)


def circuit_engine(
    backend: Any, table: ShotsTable, document: Document, seed: int | None, shots: int | None, jobs: Ledger | None
) -> Shots:
    """Circuits on a backend as an experiment's [shots] table wants them. Raises InputError at the key that does not fit."""
    from nmrqb.engines import Shots

    given = table.model_dump(exclude={"per_setting"}, exclude_none=True)
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    # the unprojected inversion is linear in the counts: only then are energies unbiased and scatter honest
    try:
        return Shots(backend, shots or table.per_setting, seed, estimator="linear", jobs=jobs, **given)
    except ArgumentError as error:
        if error.name not in given:
            raise
        problem = document.problem(("shots", error.name), f"found {error.found}", f"it must {error.allowed}")
        raise InputError((problem,)) from None


def spectrometer_engine(table: SpectrometerTable, sample: Sample, replicas: int, seed: int | None) -> Spectrometer:
    """The simulated spectrometer with the sample's receiver and the file's [spectrometer] table."""
    receiver = None
    if sample.receiver is not None:
        given = sample.receiver
        noise = (given.noise or DEFAULT_NOISE) if table.noise is None else table.noise
        receiver = Receiver(given.dwell, given.points, dead_time=given.dead_time or 0.0, noise=noise)
    how: dict[str, Any] = {"replicas": replicas, "estimator": "linear"}
    return Spectrometer(receiver=receiver, scans=table.scans, seed=seed, **how)
