"""A sequence as rows of text: what is written, and what it comes to on a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nmrqb import units
from nmrqb.errors import InputError
from nmrqb.sequence.events import Acquire, Block, Crush, Delay, Lock, Observe, Pulse, Repeat, Together, walk
from nmrqb.sequence.readers import step_values
from nmrqb.sequence.sequence import Sequence
from nmrqb.toml_lines import Key
from nmrqb.units import ExpressionError

Row = tuple[str, str, str, str]


def describe(sequence: Sequence, sample: Mapping[str, units.Quantity]) -> Iterator[Row]:
    """(event, as written, value on the sample, use) for each step, inner steps indented. Raises InputError with its place."""
    scope = sequence.scope(sample)
    for key, step in walk(sequence.steps):
        values = {}
        for part, (text, read) in step_values(step).items():
            try:
                values[part] = read(scope, text)
            except ExpressionError as error:
                raise InputError((sequence.problem((*key, part), str(error)),)) from None
        event, written, value = _row(step, values)
        yield _indent(key) + event, written, value, getattr(step, "use", None) or ""


def _indent(key: Key) -> str:
    return "  " * (sum(isinstance(part, int) for part in key) - 1)


def _row(step: Any, values: dict[str, np.ndarray]) -> tuple[str, str, str]:
    match step:
        case Pulse() | Lock():
            where = f" on {'+'.join(step.on)}" if step.on else ""
            shape = f"{step.shape} " if step.shape else ""
            axis = f"about {_range(np.degrees(values['phase']))}°"
            if isinstance(step, Pulse):
                length = f", {step.duration}" if step.duration else f", rf {step.rf}" if step.rf else ""
                value = f"{_range(np.degrees(values['pulse']))}° {axis}"
                return f"{shape}pulse", f"{step.pulse}, phase {step.phase}{length}{where}", value
            value = f"{_range(values['lock'] / 1e3)} kHz for {_range(values['duration'] * 1e6)} µs {axis}"
            return f"{shape}lock", f"{step.lock} for {step.duration}, phase {step.phase}{where}", value
        case Delay():
            return "delay", step.delay, f"{_range(values['delay'] * 1e6)} µs"
        case Crush():
            return "crush", "", "coherence order 0 survives"
        case Observe():
            return "observe", step.observe, ""
        case Acquire():
            return "acquire", step.acquire + (f" on {step.on}" if step.on else ""), ""
        case Together():
            return "together", f"aligned at the {step.align}", ""
        case Repeat():
            return "repeat", f"{step.repeat} times", ""
        case Block():
            return "block", f"{step.block}({', '.join(f'{n} = {v}' for n, v in step.with_.items())})", ""
    raise TypeError(type(step).__name__)


def _range(values: np.ndarray) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
