"""What several commands read from their options: batteries and chances as text, and numbers with units."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Literal

import numpy as np

from nmrqb import files
from nmrqb.errors import ArgumentError, InputError, Problem

if TYPE_CHECKING:
    from nmrqb.battery import Battery
    from nmrqb.checks import ComplexArray
    from nmrqb.tomography.settings import Flips

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


def hamiltonian(text: str | None, sample: str | None, spins: int) -> tuple[ComplexArray | None, str]:
    """The Hamiltonian of --battery or --sample and its unit in words; None where neither is given. Raises InputError."""
    if text is not None and sample is not None:
        raise InputError(
            (Problem("both --battery and --sample are given", allowed="one of them says what the battery is"),)
        )
    if text is None and sample is None:
        return None, ""
    if sample is not None:
        from nmrqb import Sample

        of = Sample.load(sample)
        if len(of.spins) != spins:
            found = f"{sample} has {len(of.spins)} spins, not {spins}"
            raise InputError((Problem(found, key="--sample"),))
        if spins == 2:
            try:
                return of.battery().hamiltonian(), "the coupling"
            except ArgumentError as error:
                raise InputError((Problem(str(error), key="--sample"),)) from None
        return of.hamiltonian(), "rad/s"
    if spins != 2:
        found = f"a battery has two spins, not {spins}"
        raise InputError((Problem(found, key="--battery", allowed="--sample names a Hamiltonian of more spins"),))
    return battery(str(text)).hamiltonian(), "the couplings"


def flips(text: str, spins: int, key: str = "--readout") -> tuple[Flips, ...]:
    """Chances of a flipped readout of each spin, written as 0.01,0.02 or as pairs, 0.01:0.03,0.02. Raises InputError."""
    from nmrqb.tomography import confusion

    allowed = f"{spins} chances with commas between them, such as 0.01,0.02 or 0.01:0.03,0.02"
    try:
        pairs = [[float(number) for number in entry.split(":")] for entry in text.split(",")]
        if any(len(pair) > 2 for pair in pairs):
            raise ValueError
        if len(pairs) != spins:
            raise ArgumentError("readout", f"of length {len(pairs)}", f"hold one entry for each of {spins} spins")
        found = tuple(pair[0] if len(pair) == 1 else (pair[0], pair[1]) for pair in pairs)
        confusion(found)
    except ArgumentError as error:
        raise InputError((Problem(str(error), key=key, allowed=allowed),)) from None
    except ValueError:
        raise InputError((Problem(f"found {files.brief(text)}", key=key, allowed=allowed),)) from None
    return found


def quantity(text: str, kind: Literal["time", "frequency", "angle"], key: str) -> float:
    """A number with its unit, in s, Hz or rad. Raises InputError."""
    from nmrqb import units

    kinds = {"time": units.TIME, "frequency": units.FREQUENCY, "angle": units.ANGLE}
    try:
        return float(units.read(text, kinds[kind]))
    except units.ExpressionError as error:
        raise InputError((Problem(str(error), key=key),)) from None
