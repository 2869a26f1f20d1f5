"""The folder of a sweep: what is swept, and every finished chunk, so that nothing that is done is done again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmrqb.errors import InputError, Problem, RunError
from nmrqb.jobs.disk import cause, write_whole


@dataclass(frozen=True)
class SweepStore:
    """Chunks in a folder, one file each, and `sweep.json`, which names the sweep that they belong to."""

    path: Path

    @classmethod
    def open(cls, path: Path, plan: Mapping[str, Any]) -> SweepStore:
        """The store of a plan, new or with what an earlier process finished. Raises InputError where another sweep is there."""
        store, record = cls(path), json.dumps(dict(plan), indent=2, sort_keys=True) + "\n"
        file = path / "sweep.json"
        try:
            (path / "chunks").mkdir(parents=True, exist_ok=True)
            if not file.is_file():
                write_whole(file, lambda partial: partial.write_text(record, encoding="utf-8"))
            found = file.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError((Problem(f"cannot be written ({cause(error)})", file=str(path)),)) from None
        if found != record:
            message = f"the folder holds another sweep{_difference(found, plan)}"
            allowed = "go on with the same task, points, seed, chunk and versions, or take another folder"
            raise InputError((Problem(message, file=str(path), allowed=allowed),))
        return store

    def done(self, chunk: int) -> bool:
        """Whether a chunk is finished."""
        return self._file(chunk).is_file()

    def keep(self, chunk: int, data: bytes) -> None:
        """Keep a finished chunk; it is safe when this returns. Raises RunError."""
        try:
            write_whole(self._file(chunk), lambda path: path.write_bytes(data))
        except OSError as error:
            raise RunError(
                f"{self._file(chunk)} cannot be written ({cause(error)})", "make room, and go on with it"
            ) from None

    def chunk(self, number: int) -> bytes:
        """A finished chunk. Raises RunError where it cannot be read."""
        try:
            return self._file(number).read_bytes()
        except OSError as error:
            raise RunError(
                f"{self._file(number)} cannot be read ({cause(error)})", "remove it, and it is made anew"
            ) from None

    def _file(self, chunk: int) -> Path:
        return self.path / "chunks" / f"{chunk:07d}.npz"


def _difference(found: str, plan: Mapping[str, Any]) -> str:
    """In what the sweep on record differs from this one, in brackets, where its record can be read."""
    try:
        was = dict(json.loads(found))
    except (ValueError, TypeError):
        return ""
    other = [f"{name} {was[name]}, not {now}" for name, now in plan.items() if was.get(name, now) != now]
    return f" ({'; '.join(other)})" if other else ""


class Memory:
    """A store that lasts as long as its process."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytes] = {}

    def done(self, chunk: int) -> bool:
        """Whether a chunk is finished."""
        return chunk in self._chunks

    def keep(self, chunk: int, data: bytes) -> None:
        """Keep a finished chunk."""
        self._chunks[chunk] = data

    def chunk(self, number: int) -> bytes:
        """A finished chunk."""
        return self._chunks[number]
