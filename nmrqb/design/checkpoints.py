"""The last iterate of a search in a file that is whole at any time."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.design.controls import System
from nmrqb.design.objectives import Objective
from nmrqb.errors import ArgumentError, RunError
from nmrqb.jobs.disk import cause, write_whole


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where a search stood: amplitudes and phases (S, C), the stage, the history of it all and the start's value."""

    a: FloatArray
    phase: FloatArray
    stage: int
    history: list[list[float]]
    start: float


@dataclass(frozen=True)
class Checkpoint:
    """The file of one search; `problem` is a digest of all that defines it."""

    path: Path
    problem: str

    @classmethod
    def of(cls, path: Path, system: System, objective: Objective, *settings: Any) -> Checkpoint:
        """The file at `path` for this problem: system, objective, and the settings that change what is sought."""
        digest = hashlib.sha256()
        for channel in system.channels:
            digest.update(f"{channel.name} {channel.limit!r}".encode())
            digest.update(channel.x.tobytes() + channel.y.tobytes())
        for array in (system.drift, system.rf, system.weights, system.jumps):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        digest.update(type(objective).__name__.encode())
        for name, value in sorted(vars(objective).items()):
            digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
        digest.update(repr(settings).encode())
        return cls(path, digest.hexdigest())

    def write(self, a: FloatArray, phase: FloatArray, stage: int, history: list[list[float]], start: float) -> None:
        """Take the place of what was there. Raises RunError where it cannot be written."""
        counts = np.array([len(values) for values in history])
        arrays = {"a": a, "phase": phase, "stage": stage, "values": np.concatenate(history), "counts": counts}

        def save(path: Path) -> None:
            with path.open("wb") as stream:
                np.savez(stream, problem=np.array(self.problem), start=start, **arrays)  # type: ignore[arg-type]

        try:
            write_whole(self.path, save)
        except OSError as error:
            raise RunError(f"the checkpoint {self.path} cannot be written ({cause(error)})") from None

    def read(self) -> Iterate | None:
        """The last iterate, or None where there is no file. Raises ArgumentError for one of another problem."""
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as found:
                held = {name: found[name] for name in found.files}
            if str(held["problem"]) != self.problem:
                raise ArgumentError("checkpoint", f"{self.path} of another problem", "be of the same one to resume")
            ends = np.cumsum(held["counts"])[:-1]
            history = [part.tolist() for part in np.split(held["values"], ends)]
            return Iterate(held["a"], held["phase"], int(held["stage"]), history, float(held["start"]))
        except (OSError, ValueError, KeyError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
            if isinstance(error, ArgumentError):
                raise
            raise ArgumentError("checkpoint", f"{self.path}, which is no checkpoint ({error})", "be one") from None
