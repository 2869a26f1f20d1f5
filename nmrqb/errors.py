"""Errors that carry their evidence: the offending value and what is allowed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

_SECRET = re.compile(r"token|secret|password|passwd|api_?key|credential", re.IGNORECASE)
_SHORTEST = 8  # what is shorter may be a word


class NmrqbError(Exception):
    """Base of every error this package raises on purpose; `str(error)` is one sentence fit for a user."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by field, so that errors cross process boundaries whole."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)} if is_dataclass(self) else {}
        return (_rebuild, (type(self), values, self.args))


def _rebuild(kind: type[NmrqbError], values: dict[str, Any], args: tuple[Any, ...]) -> NmrqbError:
    return kind(**values) if values else kind(*args)


@dataclass(eq=False)
class ArgumentError(NmrqbError, ValueError):
    """A number or array given from Python is not what the function takes.

    `name` is the argument, `found` the offending value (or a short account of it), `allowed` what it must be.
    """

    name: str
    found: Any
    allowed: str

    def __str__(self) -> str:
        return f"{self.name} must {self.allowed}, but is {self.found}"


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file or on the command line: what, where, what was found, what is allowed."""

    message: str  # the complaint, e.g. "unknown key 'puls'"
    file: str = ""
    line: int | None = None
    key: str = ""  # dotted path, e.g. "steps[2].delay"
    allowed: str = ""  # what would have been accepted, or the nearest name

    def __str__(self) -> str:
        place = self.file + (f", line {self.line}" if self.line is not None else "")
        where = ": ".join(part for part in (place, self.key) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}; {self.allowed}" if self.allowed else text


@dataclass(eq=False)
class InputError(NmrqbError):
    """What the user wrote (a file, a parameter, a name, an option) cannot be accepted; holds every problem found."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(eq=False)
class RunError(NmrqbError):
    """A run that was accepted failed while it worked; `remedy` says what to do next."""

    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


@dataclass(eq=False)
class TransientError(RunError):
    """A device could not be reached, or asked for patience: trying again later may succeed."""


@dataclass(eq=False)
class JobError(RunError):
    """A device took a job and lost it, cancelled it, or gave back what cannot be its counts: the job has to be done anew."""


def redacted(text: str) -> str:
    """The text without the values of environment variables that are named like secrets, such as QISKIT_IBM_TOKEN."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET.search(name):
            text = text.replace(value, "***")
    return text
