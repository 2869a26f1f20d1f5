"""What a console is told: a program's text, its shape files, and the parameters that have to be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nmrqb.checks import FloatArray

#: Steps into which TopSpin divides the circle for phases that are no whole degrees.
_FINE = 65536


@dataclass(frozen=True)
class Setting:
    """One parameter of the console: its name, value and unit, and what it is for. values: (points,) where it is swept."""

    name: str
    value: str
    unit: str
    what: str
    values: FloatArray | None = None


@dataclass(frozen=True)
class PulseProgram:
    """Text of the pulse program, shape files by name, and the settings that belong to it."""

    name: str
    text: str
    shapes: Mapping[str, str]
    settings: tuple[Setting, ...]

    def sheet(self) -> str:
        """The settings as a CSV table; where lengths are swept, `sweep` has a column for each of them."""
        rows = [(s.name, "swept" if s.values is not None else s.value, s.unit, s.what) for s in self.settings]
        return "".join(",".join(_quoted(cell) for cell in row) + "\n" for row in [_HEADER, *rows])

    def sweep(self) -> str:
        """Swept lengths in us, one row for each point, as a CSV table; "" where nothing is swept."""
        swept = [s for s in self.settings if s.values is not None]
        if not swept:
            return ""
        columns = [np.asarray(s.values) for s in swept]
        rows = [",".join(f"{column[k] * 1e6:.4f}" for column in columns) for k in range(columns[0].size)]
        return "\n".join([",".join(f"{s.name}_us" for s in swept), *rows]) + "\n"


_HEADER = ("parameter", "value", "unit", "meaning")


def phase_list(phases: FloatArray) -> str:
    """Phases in rad as TopSpin writes them: quarter turns, whole degrees, or steps of 360/65536 degrees."""
    degrees = np.mod(np.degrees(np.asarray(phases, dtype=float)), 360)
    for unit, prefix in ((90.0, ""), (1.0, "(360) "), (360 / _FINE, f"({_FINE}) ")):
        counts = degrees / unit
        if prefix.startswith(f"({_FINE}") or np.allclose(counts, np.round(counts), rtol=0, atol=1e-7):
            turn = round(360 / unit)
            return prefix + " ".join(str(int(c)) for c in np.mod(np.round(counts), turn))
    raise AssertionError("the finest unit takes all")


def file_name(text: str) -> str:
    """A text as part of a file's name."""
    return "".join(c if c.isalnum() else "_" for c in text)


def _quoted(cell: str) -> str:
    return f'"{cell}"' if any(c in cell for c in ',"\n') else cell
