"""How often, and after what time, something is tried again that failed for the moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from nmrqb.errors import ArgumentError, RunError, TransientError

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Waits that double from `first` to `longest` seconds, each shortened at random by up to half, so that many do not come at once.

    tries: of one request, in a row. jobs: times that one piece of work is handed in, when its jobs are lost. seed: of the
    random part, None for a fresh one. sleep: what waits. Raises ArgumentError for times or numbers that make no sense.
    """

    tries: int = 8
    jobs: int = 3
    first: float = 1.0
    longest: float = 60.0
    seed: int | None = None
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        for name in ("tries", "jobs"):
            if getattr(self, name) < 1:
                raise ArgumentError(name, getattr(self, name), "be 1 or more")
        if not 0 <= self.first <= self.longest < np.inf:
            raise ArgumentError("first", self.first, f"lie between 0 and the longest wait ({self.longest:g} s)")

    def call(self, action: Callable[[], T]) -> T:
        """What `action` returns, tried again for as long as it raises TransientError. Raises RunError when patience ends.

        What held for longer than the longest wait before it failed starts a new count: a day in a queue has its faults.
        """
        rng = np.random.default_rng(self.seed)
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                return action()
            except TransientError as error:
                failures = 1 if time.monotonic() - begun > max(self.longest, 1.0) else failures + 1
                if failures >= self.tries:
                    often = f" (tried {failures} times)" if failures > 1 else ""
                    raise RunError(f"{error.message}{often}", error.remedy) from error
            self.sleep(min(self.longest, self.first * 2.0 ** (failures - 1)) * rng.uniform(0.5, 1.0))
