"""What fits: memory that is free, memory that a piece of work will take, and a refusal instead of a dead machine."""

from __future__ import annotations

import os
from pathlib import Path

from nmrqb.errors import ArgumentError

#: Without a limit of the caller's own, work may take this fraction of what the machine reports as available.
SHARE = 0.8

COMPLEX, REAL, INDEX = 16, 8, 4  # bytes of a number


def available() -> int:
    """Bytes that new work may take without swapping, as the system reports them."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2  # no such file: half of all there is
    found = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(found.split()[1]) * 1024


def allowed(limit: float | None) -> int:
    """The bytes that work may take: the caller's limit, or SHARE of what is available. Raises ArgumentError."""
    if limit is None:
        return int(SHARE * available())
    if not limit > 0:
        raise ArgumentError("memory", limit, "be above zero bytes")
    return int(limit)


def require(what: str, needed: float, limit: float | None, remedy: str) -> None:
    """Raises ArgumentError when `needed` bytes are more than may be taken; `remedy` says what to do instead."""
    most = allowed(limit)
    if needed > most:
        raise ArgumentError(
            "memory", f"{size_text(most)}", f"be {size_text(needed)} or more for {what} ({remedy}, or raise the limit)"
        )


def size_text(size: float) -> str:
    """Bytes in the unit that reads best: "1.2 GB"."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
