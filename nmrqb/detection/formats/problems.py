"""How a data file is refused: one sentence that names the file, what was found and what would do."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from nmrqb.errors import InputError, Problem
from nmrqb.files import brief

#: What the readers of nmrglue, or files that are cut or not text, raise.
_BROKEN = (
    ValueError,
    LookupError,
    TypeError,
    OSError,
    EOFError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    struct.error,
)


def refused(path: Path, message: str, allowed: str = "", key: str = "") -> InputError:
    """The error to raise, with one problem."""
    return InputError((Problem(message, file=str(path), key=key, allowed=allowed),))


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes one InputError; warnings of the reader are not shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except FileNotFoundError:
        raise refused(path, "there is no such file", f"{kind} needs it") from None
    except _BROKEN as error:
        detail = brief(str(error)) if str(error) else type(error).__name__
        raise refused(path, f"cannot be read as {kind} ({detail})", "a whole, unchanged file of this format") from None


def number(
    path: Path, table: Mapping[str, Any], key: str, check: Callable[[float], bool], allowed: str, default: Any = ...
) -> float:
    """A number of a parameter file, or the default where the key is missing. Raises InputError naming key and file."""
    if key not in table and default is not ...:
        return float(default)
    if key not in table:
        raise refused(path, "is missing", allowed, key)
    try:
        value = float(table[key])
    except (TypeError, ValueError):
        raise refused(path, f"found {brief(table[key])}", allowed, key) from None
    if not check(value):
        raise refused(path, f"found {value:g}", allowed, key)
    return value


def nmrglue(module: str) -> Any:
    """A module of nmrglue, loaded when a file is read or written: it takes seconds to import."""
    return import_module(f"nmrglue.{module}")
