"""What the options of the Shots engine may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from nmrqb.circuits.devices import Source, noise_source
from nmrqb.circuits.devices.names import split_name
from nmrqb.circuits.variants import Mitigation
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from nmrqb.engines.shots import Shots

#: Seeds are recorded as 64-bit integers.
_MAX_SEED = 2**63 - 1

_CHOICES: dict[str, tuple[Any, ...]] = {
    "sampling": ("state", "counts"),
    "estimator": ("nearest", "linear"),
    "mode": ("faithful", "compiled", None),
    "noise": (*get_args(Source), None),
    "preparation": ("direct", "eigenstates", "basis", None),
    "level": (0, 1, 2, 3),
    "execution": ("job", "batch", "session"),
}


def check_options(engine: Shots) -> None:
    """Raises ArgumentError for options that are no options, or that do not go together."""
    if isinstance(engine.backend, str):
        split_name(engine.backend)
    elif not callable(getattr(engine.backend, "run", None)) or not hasattr(engine.backend, "target"):
        raise ArgumentError("backend", repr(engine.backend), 'be "aer", "fake:NAME", "ibm:NAME" or a BackendV2 object')
    for name, allowed in _CHOICES.items():
        value = getattr(engine, name)
        if value not in allowed or isinstance(value, bool):
            text = " or ".join(repr(each).replace("'", '"') for each in allowed if each is not None)
            raise ArgumentError(name, repr(value), f"be {text}")
    for name, least in (("shots", 1), ("replicas", 2), ("seed", 0)):
        value = getattr(engine, name)
        if value is None and name != "replicas":
            continue
        _whole(name, value, least)
    if engine.seed is not None and engine.seed > _MAX_SEED:
        raise ArgumentError("seed", engine.seed, f"be at most {_MAX_SEED}, the largest that data files hold")
    for name in ("split", "product"):
        if not getattr(engine, name) > 0:
            raise ArgumentError(name, getattr(engine, name), "be above zero")
    if engine.flips is not None:
        if len(engine.flips) != 2:
            raise ArgumentError("flips", repr(engine.flips), "be two numbers, runs and steps")
        for name, value in zip(("flips' runs", "flips' steps"), engine.flips, strict=True):
            _whole(name, value, 1)
    noise_source(engine.backend, engine.noise)
    _check_machine(engine)


def _check_machine(engine: Shots) -> None:
    aer = isinstance(engine.backend, str) and engine.backend == "aer"
    for each in engine.mitigation:
        if each not in get_args(Mitigation):
            raise ArgumentError("mitigation", repr(each), f"be among {', '.join(get_args(Mitigation))}")
        if aer and each != "readout":
            raise ArgumentError("mitigation", repr(each), "be left out on aer, which has no gates of its own")
    if aer and engine.qubits is not None:
        raise ArgumentError("qubits", repr(engine.qubits), "be left out on aer, whose qubits are all alike")
    if engine.preparation == "direct" and not aer:
        raise ArgumentError(
            "preparation", "'direct'", 'be "eigenstates" or "basis" on machines: only aer starts in a mixed state'
        )
    if engine.mode == "compiled" and engine.noise in ("sample", "both") and not aer:
        raise ArgumentError(
            "mode", "'compiled'", 'be "faithful" where the sample\'s noise acts, since it acts between the gates'
        )


def _whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise ArgumentError(name, repr(value), "be a whole number")
    if value < least:
        raise ArgumentError(name, value, f"be {least or 'zero'} or {'more' if least else 'above'}")
