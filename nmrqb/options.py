"""What several commands read from their options: batteries as text, and numbers with units."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Literal

import numpy as np

from nmrqb import files
from nmrqb.errors import InputError, Problem

if TYPE_CHECKING:
    from nmrqb.battery import Battery

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def battery(text: str, key: str = "--battery") -> Battery:
    """A battery from couplings written as axial=1,dm=0.3. Raises InputError."""
    from nmrqb.battery import Battery

    known = [field.name for field in fields(Battery)]
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in known or name in found:
            message = f"coupling {name!r} twice" if name in found else f"no coupling is called {files.brief(name)}"
            raise InputError((Problem(message, key=key, allowed=files.nearest(name, known)),))
        if not equals or not _NUMBER.fullmatch(value) or not np.isfinite(float(value)):
            allowed = "each coupling has a number, such as axial=1,dm=0.3"
            raise InputError((Problem(f"found {files.brief(part)}", key=key, allowed=allowed),))
        found[name] = float(value)
    if not any(found.values()):
        raise InputError((Problem("all couplings are zero", key=key, allowed="a battery needs levels"),))
    return Battery(**found)


def quantity(text: str, kind: Literal["time", "frequency", "angle"], key: str) -> float:
    """A number with its unit, in s, Hz or rad. Raises InputError."""
    from nmrqb import units

    kinds = {"time": units.TIME, "frequency": units.FREQUENCY, "angle": units.ANGLE}
    try:
        return float(units.read(text, kinds[kind]))
    except units.ExpressionError as error:
        raise InputError((Problem(str(error), key=key),)) from None
