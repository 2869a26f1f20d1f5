"""What a set of readouts can tell, in words, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill

import numpy as np
from numpy.typing import ArrayLike

from nmrqb.checks import FloatArray
from nmrqb.spin.operators import pauli_sum
from nmrqb.tomography.nmr_map import ReadoutMap

#: Combinations of the null space that are printed; the report holds all.
_LISTED = 12

#: Well-known operators of two spins, up to a factor.
_PAIR: dict[str, tuple[dict[str, float], ...]] = {
    "Zeeman order Iz": ({"ZI": 1, "IZ": 1},),
    "single-quantum coherence Ix, Iy": ({"XI": 1, "IX": 1}, {"YI": 1, "IY": 1}),
    "antiphase coherence IxIz + IzIx, IyIz + IzIy": ({"XZ": 1, "ZX": 1}, {"YZ": 1, "ZY": 1}),
    "dipolar order 3 Iz1 Iz2 - I1.I2": ({"ZZ": 2, "XX": -1, "YY": -1},),
    "double-quantum coherence DQx = IxIx - IyIy": ({"XX": 1, "YY": -1},),
    "double-quantum coherence DQy = IxIy + IyIx": ({"XY": 1, "YX": 1},),
    "the singlet/triplet ratio I1.I2": ({"XX": 1, "YY": 1, "ZZ": 1},),
    "the Dzyaloshinskii-Moriya term IxIy - IyIx": ({"XY": 1, "YX": -1},),
    "the difference Iz1 - Iz2": ({"ZI": 1, "IZ": -1},),
    "other singlet-triplet coherences": (
        {"XI": 1, "IX": -1},
        {"YI": 1, "IY": -1},
        {"YZ": 1, "ZY": -1},
        {"ZX": 1, "XZ": -1},
    ),
    "ZZ alone": ({"ZZ": 1},),
    "XX + YY alone": ({"XX": 1, "YY": 1},),
}


@dataclass(frozen=True)
class ReadoutReport:
    """What a set of readouts sees: print it, or take the numbers.

    readouts: names. lines: (channel, frequency in Hz) of each. rank of parameters; condition and spread as of ReadoutMap.
    null_space: combinations of Pauli strings that are not seen. seen, unseen, partly: well-known operators of two spins,
    the last with the share of their norm in the null space. energy_unseen: that share of a Hamiltonian, or None where
    none was asked about. assumption: what stands in for the unseen, in words.
    """

    readouts: tuple[str, ...]
    lines: tuple[tuple[int, float], ...]
    resolution: float
    parameters: int
    rank: int
    condition: float
    spread: float
    null_space: tuple[str, ...]
    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    partly: tuple[tuple[str, float], ...]
    assumption: str
    energy_unseen: float | None = None

    @property
    def complete(self) -> bool:
        """Whether the readouts determine the state."""
        return self.rank == self.parameters

    def __str__(self) -> str:
        lines = ", ".join(f"{frequency:.6g} Hz (channel {channel})" for channel, frequency in self.lines)
        told_apart = f", told apart beyond {self.resolution:g} Hz" if self.resolution else ""
        verdict = "the state is determined" if self.complete else "the state is NOT determined"
        text = [
            f"readouts    {', '.join(self.readouts)}",
            f"lines       {lines}{told_apart}",
            f"rank        {self.rank} of {self.parameters} parameters: {verdict}",
            f"condition   {self.condition:.4g}; error of the state {self.spread:.4g} x that of a line (Hilbert-Schmidt)",
        ]
        if not self.complete:
            shares = [f"{name} ({share:.0%} in the null space)" for name, share in self.partly]
            more = [f"and {len(self.null_space) - _LISTED} more"] * (len(self.null_space) > _LISTED)
            text.append(f"null space  {'; '.join([*self.null_space[:_LISTED], *more])}")
            for heading, names in (("sees", self.seen), ("cannot see", self.unseen), ("in part", shares)):
                text += [f"{heading:12}{'; '.join(names)}"] * bool(names)
            if self.energy_unseen is not None:
                text.append(f"energy      {_measured_share(self.energy_unseen)}")
            text.append(f"assumed     {self.assumption}")
        layout = {"width": 118, "subsequent_indent": " " * 12, "break_long_words": False, "break_on_hyphens": False}
        return "\n".join(fill(line, **layout) for line in text)  # type: ignore[arg-type]


def _measured_share(unseen: float) -> str:
    return "fully measured" if unseen < 1e-6 else f"{unseen:.0%} of the Hamiltonian's norm lies in the null space"


def readout_report(readouts: ReadoutMap, assumption: str = "", energy: ArrayLike | None = None) -> ReadoutReport:
    """The report on a map of readouts, with the assumption that fills its null space, and on a Hamiltonian (d, d).

    Raises ArgumentError for a Hamiltonian of another dimension, or one without levels.
    """
    shares = _pair_shares(readouts) if readouts.parameters == 15 else {}
    lines = readouts.lines
    return ReadoutReport(
        readouts=tuple(readout.name for readout in readouts.readouts),
        lines=tuple(zip(lines.channels, lines.frequencies.tolist(), strict=True)),
        resolution=lines.resolution,
        parameters=readouts.parameters,
        rank=readouts.rank,
        condition=readouts.condition,
        spread=readouts.spread,
        null_space=combinations_named(readouts.unseen, readouts.labels),
        seen=tuple(name for name, share in shares.items() if share < 1e-6),
        unseen=tuple(name for name, share in shares.items() if share > 1 - 1e-6),
        partly=tuple((name, share) for name, share in shares.items() if 1e-6 <= share <= 1 - 1e-6),
        assumption=assumption or ("nothing: the null space is empty" if readouts.complete else "nothing yet"),
        energy_unseen=None if energy is None else readouts.unseen_share(energy),
    )


def _pair_shares(readouts: ReadoutMap) -> dict[str, float]:
    """Share of each well-known operator's norm in the null space; of a family, that of all its members."""
    shares = {}
    for name, family in _PAIR.items():
        each = [readouts.unseen_share(pauli_sum(tuple(terms), list(terms.values()))) for terms in family]
        shares[name] = float(np.sqrt(np.mean(np.square(each))))
    return shares


def combinations_named(vectors: ArrayLike, labels: tuple[str, ...]) -> tuple[str, ...]:
    """A space spanned by vectors (k, P) over labels, as combinations with few terms such as "XX + YY + ZZ"."""
    return tuple(_named(row, labels) for row in _reduced(np.array(vectors, dtype=float)))


def _reduced(rows: FloatArray) -> FloatArray:
    """Reduced row echelon form of independent rows: each has a leading 1 that no other row shares."""
    done = 0
    for column in range(rows.shape[1]):
        if done == rows.shape[0]:
            break
        pivot = done + int(np.argmax(np.abs(rows[done:, column])))
        if abs(rows[pivot, column]) < 1e-7:
            continue
        rows[[done, pivot]] = rows[[pivot, done]]
        rows[done] /= rows[done, column]
        others = np.arange(rows.shape[0]) != done
        rows[others] -= rows[others, column][:, None] * rows[done]
        done += 1
    return rows


def _named(row: FloatArray, labels: tuple[str, ...]) -> str:
    text = ""
    for value, label in zip(row, labels, strict=True):
        if abs(value) < 1e-7:
            continue
        size = "" if abs(abs(value) - 1) < 1e-7 else f"{abs(value):.4g} "
        sign = (" - " if value < 0 else " + ") if text else ("-" if value < 0 else "")
        text += f"{sign}{size}{label}"
    return text
