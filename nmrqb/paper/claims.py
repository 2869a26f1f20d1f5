"""The record of one checked claim, and how a verdict follows from numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from nmrqb.battery import Battery
from nmrqb.spin.operators import pauli_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray

#: A formula counts as correct if it meets the definition to this, relative to the energies involved.
EXACT = 1e-12


@dataclass(frozen=True)
class Part:
    """One statement a claim is made of, and whether the computed numbers bear it out."""

    statement: str
    holds: bool


@dataclass(frozen=True)
class Entry:
    """One equation or claim of the paper: what it says (our words), what was found, and what is right instead.

    `verdict` follows from computed numbers: "correct" or "wrong" for equations (wrong: the printed form misses the
    definition and the corrected one meets it; "unresolved": neither does), "true", "false" or "partly true" for
    claims (from `parts`), "stated" or "not stated" for parameters. `values` holds the measured numbers by name.
    """

    section: str
    item: str
    claim: str
    verdict: str
    numbers: str
    note: str = ""
    parts: tuple[Part, ...] = ()
    values: Mapping[str, FloatArray | float] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))


def equation(
    section: str,
    item: str,
    claim: str,
    printed: float,
    corrected: float | None = None,
    note: str = "",
    numbers: str = "",
    values: Mapping[str, FloatArray | float] | None = None,
) -> Entry:
    """The verdict on a formula from its largest deviation from the definition, as printed and as corrected here."""
    text = f"largest deviation as printed {printed:.2g}"
    if printed <= EXACT:
        verdict = "correct"
    elif corrected is not None and corrected <= EXACT:
        verdict = "wrong"
    else:
        verdict = "unresolved"
    if corrected is not None:
        text += f", as computed here {corrected:.2g}"
    found = {"printed": printed} | ({} if corrected is None else {"corrected": corrected}) | dict(values or {})
    return Entry(section, item, claim, verdict, "; ".join(filter(None, (text, numbers))), note, values=found)


def claim(
    section: str,
    item: str,
    statement: str,
    parts: Iterable[tuple[str, bool | np.bool_]],
    numbers: str,
    note: str = "",
    values: Mapping[str, FloatArray | float] | None = None,
) -> Entry:
    """The verdict on a claim from its parts: true if all hold, false if none does, else partly true."""
    checked = tuple(Part(text, bool(holds)) for text, holds in parts)
    held = sum(part.holds for part in checked)
    verdict = "true" if held == len(checked) else "false" if held == 0 else "partly true"
    return Entry(section, item, statement, verdict, numbers, note, checked, values or {})


def show(values: ArrayLike, digits: int = 4) -> str:
    """Numbers to so many significant digits, separated by spaces."""
    return " ".join(f"{value:.{digits}g}" for value in np.atleast_1d(np.asarray(values, dtype=float)).ravel())


def rising(values: ArrayLike) -> bool:
    """Every step up, beyond rounding."""
    return bool(np.all(np.diff(values) > 1e-9))


def falling(values: ArrayLike) -> bool:
    """Every step down, beyond rounding."""
    return rising(-np.asarray(values))


def largest(deviation: ArrayLike) -> float:
    """The largest modulus in an array."""
    return float(np.max(np.abs(np.asarray(deviation)), initial=0.0))


def hamiltonian_from_operators(battery: Battery) -> ComplexArray:
    """Eq. (4) put together from its operators as they stand there, apart from `Battery.hamiltonian`; (..., 4, 4)."""
    delta, eps, D, G, B = (
        np.asarray(c)[..., None, None]
        for c in (battery.axial, battery.rhombic, battery.dm, battery.ksea, battery.zeeman)
    )
    P = {"XX": delta - 3 * eps, "YY": delta + 3 * eps, "ZZ": -2 * delta}
    xy, yx = pauli_string("XY"), pauli_string("YX")
    dipolar = sum((P[label] * pauli_string(label) for label in P), np.zeros((4, 4), dtype=complex))
    return D * (xy - yx) + G * (xy + yx) - dipolar / 3 + B * (pauli_string("ZI") + pauli_string("IZ"))


def random_batteries(count: int = 400, seed: int = 2409) -> tuple[Battery, FloatArray]:
    """Couplings uniform in [-2, 2] and temperatures log-uniform in [0.2, 10], the sample equations are tested on."""
    rng = np.random.default_rng(seed)
    couplings = rng.uniform(-2, 2, size=(5, count))
    return Battery(*couplings), 10 ** rng.uniform(np.log10(0.2), 1, size=count)
