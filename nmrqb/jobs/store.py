"""Where a ledger keeps its records and counts: in memory, or in a folder that survives a kill at any instant."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nmrqb.errors import RunError, redacted
from nmrqb.jobs.disk import cause, sync_folder, write_whole
from nmrqb.jobs.lock import Lock
from nmrqb.jobs.work import Work

Record = dict[str, Any]


def check_records(records: list[Record]) -> None:
    """Raises ValueError, TypeError or KeyError for what no ledger has written."""
    keys = {
        "begin": ("run",),
        "choice": ("name", "value"),
        "intent": ("key", "tag", "number"),
        "job": ("key", "job"),
        "lost": ("key",),
    }
    intended: set[str] = set()
    for position, record in enumerate(records):
        event = record["event"]
        if (event == "begin") != (position == 0) or any(name not in record for name in keys[event]):
            raise ValueError(event)
        if event == "intent":
            intended.add(record["key"])
        elif event in ("job", "lost") and record["key"] not in intended:
            raise ValueError(record["key"])


class Store(Protocol):
    """Records in the order in which they were added, and counts by key."""

    place: str
    records: list[Record]

    def add(self, record: Record) -> None:
        """Keep a record; it is safe when this returns. Raises RunError."""
        ...

    def keep_work(self, work: Work) -> None:
        """Keep the numbers of a piece of work, before it is handed in. Raises RunError."""
        ...

    def keep(self, key: str, counts: NDArray[np.int64]) -> None:
        """Keep counts; they are safe when this returns. Raises RunError."""
        ...

    def counts(self, key: str) -> NDArray[np.int64] | None:
        """The counts kept under a key, or None."""
        ...

    def close(self) -> None:
        """Let others use it."""
        ...


def token() -> str:
    """What tells one ledger's jobs from those of every other."""
    return secrets.token_hex(6)


class Memory:
    """A store that lasts as long as its process."""

    place = ""

    def __init__(self) -> None:
        self.records: list[Record] = [{"event": "begin", "run": token()}]
        self._counts: dict[str, NDArray[np.int64]] = {}

    def add(self, record: Record) -> None:
        """Keep a record."""
        self.records.append(record)

    def keep_work(self, work: Work) -> None:
        """Nothing is kept: the work itself lasts as long."""

    def keep(self, key: str, counts: NDArray[np.int64]) -> None:
        """Keep counts."""
        self._counts[key] = counts

    def counts(self, key: str) -> NDArray[np.int64] | None:
        """The counts kept under a key, or None."""
        return self._counts.get(key)

    def close(self) -> None:
        """Nothing to let go of."""


class Folder:
    """A store on disk: `ledger.jsonl` with one record on each line, KEY.work.npz and KEY.npy for each piece of work.

    A line is on the disk before `add` returns. A last line without its end was being written when the machine stopped;
    what it was to announce had not begun, so it is dropped. One process at a time: raises RunError while another has it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.place = folder, str(folder)
        self._safely(lambda: folder.mkdir(parents=True, exist_ok=True))
        self._lock = Lock(folder)
        try:
            self._path = folder / "ledger.jsonl"
            self._handle = self._safely(lambda: os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644))
            self.records = self._safely(self._read)
            if not self.records:
                self.add({"event": "begin", "run": token()})
                self._safely(lambda: sync_folder(folder))
                self._safely(lambda: sync_folder(folder.parent))
        except BaseException:
            self._lock.release()
            raise

    def _read(self) -> list[Record]:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._handle, whole)
        try:
            records = [json.loads(line) for line in content[:whole].decode().splitlines()]
            check_records(records)
        except (ValueError, TypeError, KeyError):
            remedy = "nothing can be told of its jobs; run it anew in another folder"
            raise RunError(f"{self._path} is not the ledger of a run", remedy) from None
        return records

    def add(self, record: Record) -> None:
        """Keep a record; it is on the disk when this returns. Raises RunError."""
        line = redacted(json.dumps(record, sort_keys=True)) + "\n"

        self._safely(lambda: self._append(line.encode()))
        self.records.append(record)

    def _append(self, line: bytes) -> None:
        size = os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, line)
            if written < len(line):  # the disk is full: say so by trying the rest
                os.write(self._handle, line[written:])
            os.fsync(self._handle)
        except OSError:
            os.ftruncate(self._handle, size)
            raise

    def keep_work(self, work: Work) -> None:
        """Keep rows, angles, shots and seed, so that the counts can be read without this program. Raises RunError."""
        arrays: dict[str, Any] = {f"angles_{k}": values for k, values in enumerate(work.angles)}
        arrays |= {"rows": work.rows, "shots": work.shots, "seed": np.array(work.seed)}
        self._save(f"{work.key}.work.npz", lambda path: np.savez(path, **arrays))

    def keep(self, key: str, counts: NDArray[np.int64]) -> None:
        """Keep counts; they are on the disk when this returns. Raises RunError."""
        self._save(f"{key}.npy", lambda path: np.save(path, counts))

    def counts(self, key: str) -> NDArray[np.int64] | None:
        """The counts kept under a key; None where there are none, or what there is cannot be read."""
        try:
            return np.load(self.folder / f"{key}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None

    def close(self) -> None:
        """Let other processes have the folder."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._lock.release()

    def _save(self, name: str, write: Callable[[Path], object]) -> None:
        self._safely(lambda: write_whole(self.folder / name, write))

    def _safely(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except OSError as error:
            remedy = "make room or mend the folder; what is finished is kept"
            raise RunError(f"{error.filename or self.folder} cannot be written ({cause(error)})", remedy) from None
