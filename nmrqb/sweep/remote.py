"""Functions that travel to a dask cluster with their code, so that its scheduler and workers need no package to read them."""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable
from typing import Any


def _by_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one of a script, which dask sends whole; it may use what it imports, and nothing around it."""
    around = {"__name__": "__main__", "__builtins__": builtins}
    return types.FunctionType(function.__code__, around, function.__name__)


def _versions() -> dict[str, str]:
    """Versions of what numbers rest on, "" for what is missing."""
    import importlib
    import importlib.metadata

    found = {}
    for name in ("numpy", "scipy", "xarray"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    try:  # it need not be installed to be there
        found["nmrqb"] = importlib.import_module("nmrqb").__version__
    except ImportError:
        found["nmrqb"] = ""
    return found


def _unsealed(call: bytes) -> Any:
    """Calls a pickled function with its pickled arguments."""
    import pickle

    function, arguments = pickle.loads(call)  # noqa: S301 - dask runs whatever it is sent, by design
    return function(*arguments)


versions_there = _by_value(_versions)
unsealed = _by_value(_unsealed)
