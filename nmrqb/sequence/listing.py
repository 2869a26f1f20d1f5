"""A sequence as rows of text: what is written, and what it comes to on a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from nmrqb import units
from nmrqb.errors import InputError
from nmrqb.sequence.events import Crush, Delay, Observe, Pulse
from nmrqb.sequence.sequence import Sequence, step_values
from nmrqb.units import ExpressionError


def describe(sequence: Sequence, sample: Mapping[str, units.Quantity]) -> Iterator[tuple[str, str, str, str]]:
    """(event, as written, value on the sample, use) for each step. Raises InputError with file, line and key."""
    scope = sequence.scope(sample)
    for index, step in enumerate(sequence.steps):
        values = {}
        for key, (text, read) in step_values(step).items():
            try:
                values[key] = read(scope, text)
            except ExpressionError as error:
                raise InputError((sequence.problem(("steps", index, key), str(error)),)) from None
        if isinstance(step, Pulse):
            written = f"{step.pulse}, phase {step.phase}"
            yield (
                "pulse",
                written,
                f"{_range(np.degrees(values['pulse']))}° about {_range(np.degrees(values['phase']))}°",
                step.use or "",
            )
        elif isinstance(step, Delay):
            yield "delay", step.delay, f"{_range(values['delay'] * 1e6)} µs", step.use or ""
        elif isinstance(step, Crush):
            yield "crush", "", "coherence order 0 survives", "crush"
        elif isinstance(step, Observe):
            yield "observe", step.observe, "", ""


def _range(values: np.ndarray) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
