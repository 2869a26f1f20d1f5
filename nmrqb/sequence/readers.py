"""What the texts of a step are, and how each becomes a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nmrqb.sequence.events import Delay, Lock, Pulse
from nmrqb.sequence.parameters import Scope
from nmrqb.units import ANGLE, FREQUENCY, TIME, ExpressionError

#: Largest time (s, 30 years), flip angle (rad, beyond which a turn is lost in rounding) and nutation frequency (Hz) of a step,
#: and the smallest nutation frequency: what follows from them stays far from the ends of floating-point numbers.
MAX_TIME, MAX_ANGLE, MAX_NUTATION, MIN_NUTATION = 1e9, 1e9, 1e12, 1e-9

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
    return _bounded(scope, text, scope.value(text, ANGLE))


def phase(scope: Scope, text: str) -> np.ndarray:
    """The phase of a pulse in rad. Raises ExpressionError."""
    return _bounded(scope, text, scope.phase(text))


def _bounded(scope: Scope, text: str, value: np.ndarray) -> np.ndarray:
    beyond = np.abs(value) > MAX_ANGLE
    if scope.final and np.any(beyond):
        found = f"found the angle {value[beyond].flat[0]:.6g} rad in {text!r}"
        raise ExpressionError(f"{found}; it must be at most {MAX_ANGLE:g} rad")
    return value


def time(scope: Scope, text: str) -> np.ndarray:
    """A time in s, zero or longer. Raises ExpressionError."""
    value = scope.value(text, TIME)
    if scope.final and np.any(value < 0):
        raise ExpressionError(
            f"found the negative time {value[value < 0].flat[0]:.6g} s in {text!r}; a time is zero or longer"
        )
    if scope.final and np.any(value > MAX_TIME):
        raise ExpressionError(
            f"found the time {value[value > MAX_TIME].flat[0]:.6g} s in {text!r}; it must be at most {MAX_TIME:g} s"
        )
    return value


def nutation(scope: Scope, text: str) -> np.ndarray:
    """A nutation frequency w1/2pi in Hz, above zero. Raises ExpressionError."""
    value = scope.value(text, FREQUENCY)
    if scope.final and np.any(value <= 0):
        raise ExpressionError(
            f"found the nutation frequency {value[value <= 0].flat[0]:.6g} Hz in {text!r}; it must be above zero"
        )
    outside = (value < MIN_NUTATION) | (value > MAX_NUTATION)
    if scope.final and np.any(outside):
        raise ExpressionError(
            f"found the nutation frequency {value[outside].flat[0]:.6g} Hz in {text!r}; "
            f"it must lie between {MIN_NUTATION:g} and {MAX_NUTATION:g} Hz"
        )
    return value
