"""One process at a time in a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

from nmrqb.errors import RunError
from nmrqb.jobs.disk import cause

if sys.platform != "win32":
    import fcntl


class Lock:
    """Holds a folder for this process until it is released or the process ends, however it ends.

    The system keeps the lock on the file `.lock`, so that a process that was killed leaves none behind; where there are no
    such locks (Windows) two processes are not kept apart. Raises RunError when another process holds the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".lock"
        self._handle: int | None = None
        try:
            while self._handle is None:
                self._handle = self._taken(folder)
        except OSError as error:
            remedy = "a folder that you may write to is needed"
            raise RunError(f"{self.path} cannot be written ({cause(error)})", remedy) from None

    def _taken(self, folder: Path) -> int | None:
        """A handle that holds the lock, or None where its file was removed by the one who held it before."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        if sys.platform == "win32":
            return handle
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
            os.close(handle)
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise RunError(f"{folder} is in use by {who}", "wait until it has ended, or end it") from None
        except OSError:
            os.close(handle)
            raise
        try:
            if os.fstat(handle).st_ino == self.path.stat().st_ino:
                os.ftruncate(handle, 0)
                os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)
        return None

    def release(self) -> None:
        """Let others have the folder."""
        if self._handle is not None:
            self.path.unlink(missing_ok=True)  # while it is still held: nobody else's can be removed
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
