"""The folder of a sweep: what is swept, and every finished chunk, so that nothing that is done is done again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from nmrqb.errors import InputError, Problem, RunError
from nmrqb.jobs.disk import cause, write_whole
from nmrqb.runs import read_netcdf, write_netcdf


@dataclass(frozen=True)
class SweepStore:
    """Chunks in a folder, one NetCDF file each, and `sweep.json`, which names the sweep that they belong to."""

    path: Path

    @classmethod
    def open(cls, path: Path, plan: Mapping[str, Any]) -> SweepStore:
        """The store of a plan, new or with what an earlier process finished. Raises InputError where another sweep is there."""
        store, record = cls(path), json.dumps(dict(plan), indent=2, sort_keys=True) + "\n"
        file = path / "sweep.json"
        try:
            (path / "chunks").mkdir(parents=True, exist_ok=True)
            if file.is_file():
                if file.read_text(encoding="utf-8") != record:
                    allowed = "go on with the same points, seed, chunk and versions, or take another folder"
                    raise InputError((Problem("the folder holds another sweep", file=str(path), allowed=allowed),))
            else:
                write_whole(file, lambda partial: partial.write_text(record, encoding="utf-8"))
        except OSError as error:
            raise InputError((Problem(f"cannot be written ({cause(error)})", file=str(path)),)) from None
        return store

    def done(self, chunk: int) -> bool:
        """Whether a chunk is finished."""
        return self._file(chunk).is_file()

    def keep(self, chunk: int, data: xr.Dataset) -> None:
        """Keep a finished chunk; it is safe when this returns. Raises RunError."""
        try:
            write_whole(self._file(chunk), lambda path: write_netcdf(data, path))
        except OSError as error:
            raise RunError(
                f"{self._file(chunk)} cannot be written ({cause(error)})", "make room, and go on with it"
            ) from None

    def chunk(self, number: int) -> xr.Dataset:
        """A finished chunk. Raises RunError for a file that is none."""
        return read_netcdf(self._file(number))

    def _file(self, chunk: int) -> Path:
        return self.path / "chunks" / f"{chunk:06d}.nc"


class Memory:
    """A store that lasts as long as its process."""

    def __init__(self) -> None:
        self._chunks: dict[int, xr.Dataset] = {}

    def done(self, chunk: int) -> bool:
        """Whether a chunk is finished."""
        return chunk in self._chunks

    def keep(self, chunk: int, data: xr.Dataset) -> None:
        """Keep a finished chunk."""
        self._chunks[chunk] = data

    def chunk(self, number: int) -> xr.Dataset:
        """A finished chunk."""
        return self._chunks[number]
