"""What the texts of a step are, and how each becomes a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nmrqb.sequence.events import Delay, Lock, Pulse
from nmrqb.sequence.parameters import Scope
from nmrqb.units import ANGLE, FREQUENCY, TIME, ExpressionError

Reader = Callable[[Scope, str], np.ndarray]


def step_values(step: Any) -> dict[str, tuple[str, Reader]]:
    """The values that a step holds as text, by key, each with the function that reads it (raising ExpressionError)."""
    match step:
        case Delay():
            return {"delay": (step.delay, time)}
        case Pulse():
            values: dict[str, tuple[str, Reader]] = {"pulse": (step.pulse, angle), "phase": (step.phase, phase)}
            if step.duration is not None:
                values["duration"] = (step.duration, time)
            if step.rf is not None:
                values["rf"] = (step.rf, nutation)
            return values
        case Lock():
            return {"lock": (step.lock, nutation), "duration": (step.duration, time), "phase": (step.phase, phase)}
    return {}


def angle(scope: Scope, text: str) -> np.ndarray:
    """A flip angle in rad. Raises ExpressionError."""
    return scope.value(text, ANGLE)


def phase(scope: Scope, text: str) -> np.ndarray:
    """The phase of a pulse in rad. Raises ExpressionError."""
    return scope.phase(text)


def time(scope: Scope, text: str) -> np.ndarray:
    """A time in s, zero or longer. Raises ExpressionError."""
    value = scope.value(text, TIME)
    if scope.final and np.any(value < 0):
        raise ExpressionError(
            f"found the negative time {value[value < 0].flat[0]:.6g} s in {text!r}; a time is zero or longer"
        )
    return value


def nutation(scope: Scope, text: str) -> np.ndarray:
    """A nutation frequency w1/2pi in Hz, above zero. Raises ExpressionError."""
    value = scope.value(text, FREQUENCY)
    if scope.final and np.any(value <= 0):
        raise ExpressionError(
            f"found the nutation frequency {value[value <= 0].flat[0]:.6g} Hz in {text!r}; it must be above zero"
        )
    return value
