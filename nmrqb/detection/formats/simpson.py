"""SIMPSON files (SIMP ... DATA ... END), as the program writes them or written by hand.

SIMPSON records Tr[rho(t) D] for its detect operator D and transforms with a negative exponent onto an ascending axis
(its sources fft.c and pulse.c), which is the convention here: for D = I+ nothing is to be changed.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from nmrqb.checks import ComplexArray
from nmrqb.detection.formats.problems import nmrglue, number, reading, refused
from nmrqb.detection.signal import Fid

_KIND = "SIMPSON data"


def read(path: Path) -> Fid:
    """The Fid of a file, (N,) or (rows, N). Raises InputError."""
    with reading(path, _KIND):
        lines = path.read_text(encoding="ascii").splitlines()
    if not lines or lines[0].strip() != "SIMP" or "DATA" not in (line.strip() for line in lines):
        raise refused(
            path, "lacks its first line SIMP or the line DATA", "SIMP, keys such as NP=512, DATA, points, END"
        )
    at = [line.strip() for line in lines].index("DATA")
    table = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines[1:at])}
    if table.get("TYPE", "FID") != "FID":
        raise refused(path, f"found {table['TYPE']}", "FID, a signal in time", "TYPE")
    count = {key: _count(path, table, key, default) for key, default in (("NP", ...), ("NI", 1), ("NELEM", 1))}
    width = number(path, table, "SW", lambda x: 0 < x < math.inf, "a spectral width in Hz above zero")
    rows, points = count["NI"] * count["NELEM"], count["NP"]
    read_points = _binary if table.get("FORMAT", "TEXT") == "BINARY" else _text
    signal = read_points(path, lines[at + 1 :], rows * points).reshape(rows, points)
    return Fid(signal[0] if rows == 1 else signal, 1 / width, info={"format": "simpson", "file": str(path), **table})


def write(path: Path, data: Fid) -> None:
    """A text file, in double precision. The time of the first point, carrier and nucleus are not kept."""
    rows = data.signal.reshape(-1, data.points)
    head = ["SIMP", f"NP={data.points}", f"SW={data.width!r}"]
    head += [f"NELEM={len(rows)}"] if data.signal.ndim > 1 else []
    body = [f"{float(z.real)!r} {float(z.imag)!r}" for z in rows.ravel()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*head, "TYPE=FID", "DATA", *body, "END", ""]), encoding="ascii")


def _count(path: Path, table: dict[str, str], key: str, default: object) -> int:
    allowed = "a whole number, 1 or more"
    return int(number(path, table, key, lambda x: x >= 1 and x == int(x) and x < 2**40, allowed, default))


def _text(path: Path, lines: list[str], expected: int) -> ComplexArray:
    """Points as text. Read here and not by nmrglue, which fills missing points with what lies in memory."""
    end = next((k for k, line in enumerate(lines) if line.strip() == "END"), None)
    if end is None:
        raise refused(path, "lacks its last line END", "SIMP, keys such as NP=512, DATA, points, END")
    rows = [line.split() for line in lines[:end] if line.strip()]
    if len(rows) != expected:
        raise refused(path, f"found {len(rows)} points", f"{expected}, as NP, NI and NELEM say")
    with reading(path, _KIND):
        values = np.array([(float(real), float(imaginary)) for real, imaginary in rows])
        if not np.all(np.isfinite(values)):
            raise refused(path, "found a point that is not finite", "numbers")
    return values[:, 0] + 1j * values[:, 1]


def _binary(path: Path, lines: list[str], expected: int) -> ComplexArray:
    """Points in SIMPSON's own packing: four characters for three bytes, four bytes for a number."""
    characters = sum(len(line) for line in lines if line.strip() != "END")
    needed = math.ceil(8 * expected / 3) * 4
    if characters != needed:
        raise refused(path, f"found {characters} characters of data", f"{needed}, as NP, NI and NELEM say")
    with reading(path, _KIND):
        _, points = nmrglue("fileio.simpson").read(str(path), ftype="BINARY")
    return np.asarray(points, dtype=complex).ravel()
