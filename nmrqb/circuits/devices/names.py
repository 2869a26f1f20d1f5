"""What backends are called: aer, fake:NAME and ibm:NAME, and which of them can be used here. Loads no Qiskit."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from nmrqb import files
from nmrqb.errors import ArgumentError, RunError

Kind = Literal["aer", "fake", "ibm"]

#: How to get what fake backends and IBM's machines need.
INSTALL = "install it with: pip install 'nmrqb[ibm]'"

#: Where the runtime looks for a token, besides the account it has saved.
_TOKENS = ("QISKIT_IBM_TOKEN", "IBM_QUANTUM_TOKEN")


def split_name(backend: str) -> tuple[Kind, str]:
    """Kind and name of a backend: "aer", "fake:torino", "ibm:ibm_fez". Raises ArgumentError with the nearest names.

    The name of a fake backend is checked where the `ibm` extra is there; nothing is contacted.
    """
    kind, colon, name = backend.partition(":")
    if backend == "aer":
        return "aer", ""
    if not colon or kind not in ("fake", "ibm"):
        raise ArgumentError("backend", repr(backend), "be aer, fake:NAME (such as fake:torino) or ibm:NAME")
    if not name:
        example = "ibm:ibm_fez" if kind == "ibm" else "fake:torino"
        raise ArgumentError("backend", repr(backend), f"name a machine after the colon, such as {example}")
    if kind == "fake":
        fakes = fake_names()
        if fakes and name not in fakes:
            near = files.nearest(name, sorted(fakes))
            raise ArgumentError("backend", repr(backend), f"be one of the fake backends that are installed ({near})")
        return "fake", name
    return "ibm", name


def runtime_installed() -> bool:
    """Whether qiskit-ibm-runtime is there, which holds the fake backends too."""
    return find_spec("qiskit_ibm_runtime") is not None


def need_runtime(what: str) -> None:
    """Raises RunError, which says how to install it, where qiskit-ibm-runtime is missing."""
    if not runtime_installed():
        raise RunError(f"{what} needs qiskit-ibm-runtime, which is not installed", INSTALL)


def need_account(what: str) -> None:
    """Raises RunError, which says how to have one, where no account or token is configured."""
    if not account_configured():
        remedy = "set QISKIT_IBM_TOKEN, or save an account once with QiskitRuntimeService.save_account"
        raise RunError(f"{what} needs an IBM Quantum account, and none is configured", remedy)


@lru_cache(maxsize=1)
def fake_names() -> frozenset[str]:
    """Names of the installed fake backends, such as "torino"; found by looking at folders, so nothing is loaded."""
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or not spec.submodule_search_locations:
        return frozenset()
    folder = Path(spec.submodule_search_locations[0]) / "fake_provider" / "backends"
    return frozenset(path.parent.name for path in folder.glob("*/props_*.json"))


def token() -> str | None:
    """The account token in the environment, or None. It is handed to the runtime, and neither written nor printed."""
    return next((os.environ[name] for name in _TOKENS if os.environ.get(name)), None)


def account_configured() -> bool:
    """Whether a token is in the environment or the runtime has saved an account; nothing is read from the account."""
    return token() is not None or (Path.home() / ".qiskit" / "qiskit-ibm.json").is_file()


def instance() -> str | None:
    """The instance (CRN) that the environment names, or None for the saved account's own."""
    return os.environ.get("QISKIT_IBM_INSTANCE") or None
