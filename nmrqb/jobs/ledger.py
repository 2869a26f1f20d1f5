"""The ledger: what was handed in, under which tag, as which job, and what came back. Nothing is handed in twice."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmrqb.errors import ArgumentError, JobError, RunError
from nmrqb.jobs.patience import Patience
from nmrqb.jobs.store import Folder, Memory, Store
from nmrqb.jobs.work import Device, Done, Work, checked_counts

#: Jobs that may wait at a device at once.
IN_FLIGHT = 3


@dataclass
class _Entry:
    """How a piece of work stands: its last tag, and the job that was handed in under it, as far as is known."""

    tag: str
    number: int
    job: str | None = None
    lost: bool = False
    asked: bool = True  # whether the device may have been asked before, so that it may hold a job under this tag


class Ledger:
    """Runs work on a device: collects what is done, hands in only what is missing, and remembers both.

    folder: where it is kept, made when it is first needed; without one it is kept in memory, for as long as this object.
    For a device whose jobs outlive the process, the tag is on disk before work is handed in and the job's id before it is
    waited for. After a kill between the two the device is asked for the tag, so nothing is handed in twice; that rests on
    `Device.find` seeing every job that was accepted. patience: how transient faults and lost jobs are met.

    Use it as a context manager, or close it. Raises RunError when another process has the folder.
    """

    def __init__(self, folder: Path | None = None, patience: Patience | None = None) -> None:
        self.folder, self.patience = folder, patience or Patience()
        self._opened: Store | None = None
        self._entries: dict[str, _Entry] = {}

    def run(
        self, device: Device, works: Iterable[Work], progress: Done | None = None, in_flight: int = IN_FLIGHT
    ) -> list[NDArray[np.int64]]:
        """Counts of each piece of work, (R, 2^n), in the order given. Works of one key are one.

        progress: called with the number of rows finished since its last call. in_flight: jobs that may wait at a durable
        device at once. Raises RunError when a device refuses for good, patience ends or a disk is full: what is finished is kept.
        """
        if in_flight < 1:
            raise ArgumentError("in_flight", in_flight, "be 1 or more")
        asked = list(works)
        found = {work.key: self._known(work) for work in asked}
        counters = {work.key: _Rows(progress, len(work.rows)) for work in asked}
        waiting: deque[Work] = deque()
        for work in {work.key: work for work in asked}.values():
            if found[work.key] is not None:
                counters[work.key].finish()
                continue
            self._job(device, work)
            waiting.append(work)
            if len(waiting) == (in_flight if device.durable else 1):
                first = waiting.popleft()
                found[first.key] = self._collected(device, first, counters[first.key])
        for work in waiting:
            found[work.key] = self._collected(device, work, counters[work.key])
        return [counts for work in asked if (counts := found[work.key]) is not None]

    def decided(self, name: str, value: Any) -> Any:
        """What was decided under this name first: `value`, unless an earlier process has settled on another.

        For choices that a later process could make otherwise, such as qubits by a calibration that has changed since. The
        value is JSON. Raises RunError.
        """
        store = self._store
        for record in store.records:
            if record["event"] == "choice" and record["name"] == name:
                return record["value"]
        store.add({"event": "choice", "name": name, "value": value})
        return value

    def close(self) -> None:
        """Let other processes have the folder; the ledger opens again when it is used."""
        if self._opened is not None and self.folder is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _store(self) -> Store:
        if self._opened is None:
            self._opened = Memory() if self.folder is None else Folder(self.folder)
            self._entries = _entries(self._opened)
        return self._opened

    def _known(self, work: Work) -> NDArray[np.int64] | None:
        """Counts that are kept already."""
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", work.key) or work.key.startswith("."):
            raise ArgumentError(
                "key", repr(work.key), "be 1 to 100 letters, digits, '-', '_' and '.', no '.' at its start"
            )
        counts = self._store.counts(work.key)
        try:
            return None if counts is None else checked_counts(counts, work)
        except JobError:  # a damaged file: the job is asked again, or done again
            return None

    def _job(self, device: Device, work: Work) -> str:
        """Id of the job that does the work: the one that is known, the one that the device finds, or a new one."""
        entry = self._entries.get(work.key)
        if entry is None or entry.lost:
            entry = self._intend(device, work, 1 if entry is None else entry.number + 1)
        if entry.job is None:
            tag = entry.tag

            def hand_in() -> str:
                job = device.find(tag) if entry.asked and device.durable else None
                entry.asked = True
                return job or device.submit(work, tag)

            entry.job = self.patience.call(hand_in)
            if device.durable:
                self._store.add({"event": "job", "key": work.key, "tag": tag, "job": entry.job})
        return entry.job

    def _intend(self, device: Device, work: Work, number: int) -> _Entry:
        store = self._store
        digest = hashlib.sha256(work.key.encode()).hexdigest()[:12]
        entry = _Entry(f"nmrqb-{store.records[0]['run']}-{digest}-{number}", number, asked=False)
        if device.durable:
            store.keep_work(work)
            about = {"device": device.name, "rows": len(work.rows), "shots": int(work.shots.sum())}
            store.add({"event": "intent", "key": work.key, "tag": entry.tag, "number": number, **about})
        self._entries[work.key] = entry
        return entry

    def _collected(self, device: Device, work: Work, rows: _Rows) -> NDArray[np.int64]:
        """Counts of the work, kept before they are returned; lost jobs are handed in again under a new tag."""
        for left in reversed(range(self.patience.jobs)):
            job = self._job(device, work)
            try:
                counts = checked_counts(self.patience.call(partial(device.collect, job, work, rows)), work)
            except JobError as error:
                self._lose(device, work, error)
                if not left:
                    often = f"{self.patience.jobs} jobs in a row" if self.patience.jobs > 1 else "a job"
                    raise RunError(f"{device.name} lost {often} ({error.message})", error.remedy) from error
                continue
            self._store.keep(work.key, counts)
            rows.finish()
            return counts
        raise AssertionError("patience has at least one job")

    def _lose(self, device: Device, work: Work, error: JobError) -> None:
        entry = self._entries[work.key]
        entry.lost = True
        if device.durable:
            record = {"event": "lost", "key": work.key, "tag": entry.tag, "job": entry.job, "reason": error.message}
            self._store.add(record)


class _Rows:
    """Rows of one piece of work that are told as finished: each once, however often they are done."""

    def __init__(self, progress: Done | None, rows: int) -> None:
        self.progress, self.left = progress, rows

    def __call__(self, more: int) -> None:
        told = min(more, self.left)
        self.left -= told
        if self.progress is not None and told > 0:
            self.progress(told)

    def finish(self) -> None:
        self(self.left)


def _entries(store: Store) -> dict[str, _Entry]:
    """How every piece of work stood when the ledger was last written."""
    found: dict[str, _Entry] = {}
    for record in store.records:
        if record["event"] == "intent":
            found[record["key"]] = _Entry(record["tag"], record["number"])
        elif record["event"] == "job":
            found[record["key"]].job = record["job"]
        elif record["event"] == "lost":
            found[record["key"]].lost = True
    return found
