"""A charging protocol on N spins as a Timeline, so that every engine runs it unchanged."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.spin.masks import PauliSum
from nmrqb.timeline import Mark, Timeline


def charging_timeline(charger: PauliSum, times: ArrayLike, *, name: str = "charged") -> Timeline:
    """One slice exp(-i H t) for each of `times` (T,), the leading axis, then the mark `name`.

    Times are in the inverse unit of H, as durations: in s when H is in rad/s. Raises ArgumentError for times below zero, or
    an H that is no Hermitian sum of numbers.
    """
    t = checks.non_negative("times", times)
    if t.ndim != 1:
        raise ArgumentError("times", f"of shape {t.shape}", "have shape (T,)")
    if charger.c.ndim != 1 or not np.isrealobj(charger.c):
        raise ArgumentError("charger", f"one with coefficients of shape {charger.c.shape}", "be one Hermitian sum")
    angles = t[:, None, None] * charger.c
    return Timeline(charger.labels, angles, t[:, None], (Mark("observe", 1, name),), (0,))
