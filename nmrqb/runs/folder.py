"""The folder of a run: its files, each whole or not there, and what `run.json` says of how it stands."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import h5netcdf
import xarray as xr
from xarray.backends import H5NetCDFStore

from nmrqb.errors import InputError, Problem, RunError, redacted
from nmrqb.jobs.disk import cause, write_whole
from nmrqb.jobs.lock import Lock

State = Literal["running", "finished", "interrupted", "failed"]

#: What a finished run leaves, beside its inputs and jobs.
FILES = ("run.json", "data.nc", "curves.nc", "figure.png", "sequence.png", "states.png", "report.html")


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds one run. `run.json` says whether it is running, finished, interrupted or failed."""

    path: Path

    @classmethod
    def create(cls, path: Path | None, name: str) -> RunFolder:
        """A folder for a new run: `path`, or runs/NAME-DATE-TIME. Raises InputError when it cannot be written or holds a run."""
        if path is None:
            path = _unused(Path("runs") / f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
        try:
            taken = [file for file in (*FILES, "jobs") if (path / file).exists()]
            if not taken:
                (path / "inputs").mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=path):
                    pass
        except OSError as error:
            allowed = "a folder that you may write to is needed"
            problem = Problem(f"cannot be written ({cause(error)})", file=str(path), key="--out", allowed=allowed)
            raise InputError((problem,)) from None
        if taken:
            allowed = "another folder for --out; a run is never written over"
            raise InputError(
                (Problem(f"the folder already holds {taken[0]}", file=str(path), key="--out", allowed=allowed),)
            )
        return cls(path)

    def locked(self) -> Lock:
        """Keeps other processes out until it is released. Raises RunError when one is at work here."""
        return Lock(self.path)

    @property
    def jobs(self) -> Path:
        """Where the ledger of its jobs is kept."""
        return self.path / "jobs"

    @property
    def is_complete(self) -> bool:
        """Whether all that a finished run leaves is there."""
        return all((self.path / name).is_file() for name in FILES)

    def state(self, state: State, **about: Any) -> None:
        """Record how the run stands in run.json; no account token gets there."""
        self.text("run.json", redacted(json.dumps({"state": state, **about}, indent=2, sort_keys=True)) + "\n")

    def inputs(self, contents: Mapping[str, bytes]) -> None:
        """Keep the inputs as they were given."""
        for name, content in contents.items():
            self.file(f"inputs/{name}", partial(Path.write_bytes, data=content))

    def text(self, name: str, text: str) -> Path:
        """Write a text file, whole or not at all."""
        return self.file(name, lambda path: _write(path, text))

    def data(self, dataset: xr.Dataset, name: str = "data.nc") -> Path:
        """Write a NetCDF file; the same Dataset gives the same bytes."""
        return self.file(name, lambda path: write_netcdf(dataset, path))

    def file(self, name: str, write: Callable[[Path], object]) -> Path:
        """Let `write` make a file, whole or not at all. Raises RunError when it cannot be written."""
        target = self.path / name
        try:
            write_whole(target, write)
        except OSError as error:
            raise RunError(f"{target} cannot be written ({cause(error)})", "make room or mend the folder") from None
        return target


def write_netcdf(dataset: xr.Dataset, path: Path) -> None:
    """A Dataset as NetCDF-4, free of time stamps. Raises OSError.

    It is laid out in memory first: where a disk fills up, HDF5 keeps a file open that it cannot close, and Python ends
    with a crash.
    """
    buffer = io.BytesIO()
    with h5netcdf.File(buffer, "w") as file:
        dataset.dump_to_store(H5NetCDFStore(file))
    path.write_bytes(buffer.getbuffer())


def read_netcdf(path: Path) -> xr.Dataset:
    """A whole Dataset from a file that `write_netcdf` has written. Raises RunError for what is none."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            return dataset.load()
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is not the data of a run ({error})", "remove it, and it is made anew") from None


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)


def _unused(path: Path) -> Path:
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate
