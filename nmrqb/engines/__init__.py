"""Engines: each takes a Timeline and a starting state, and ends in States."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nmrqb.engines.acquire import acquire
from nmrqb.engines.exact import Exact
from nmrqb.engines.spectrometer import Spectrometer

if TYPE_CHECKING:
    from nmrqb.engines.shots import Shots

__all__ = ["Exact", "Shots", "Spectrometer", "acquire"]


def __getattr__(name: str) -> Any:
    if name == "Shots":  # loads Qiskit, so only when it is asked for
        from nmrqb.engines.shots import Shots

        return Shots
    raise AttributeError(name)
