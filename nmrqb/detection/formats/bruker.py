"""Bruker folders: `acqus` beside `fid` (one signal) or `ser` (rows of a pseudo-2D experiment).

Raw Bruker points turn as exp(+2 pi i nu t) for a positive offset (nmrglue reverses its transform, which ascends in
frequency, to get ppm descending from the left). The digital filter's build-up is kept and the time axis moved: the Fid
starts at minus the group delay, so that spectra need no phase for it and lose no baseline.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from nmrqb.checks import ComplexArray
from nmrqb.detection.formats.problems import nmrglue, number, reading, refused
from nmrqb.detection.signal import Fid

#: Bytes of a row of a `ser` file are filled up to a multiple of this.
_BLOCK = 1024
_KIND = "Bruker data"


def read(folder: Path) -> Fid:
    """The Fid of a folder, (N,) or (rows, N). Raises InputError."""
    path = folder / "acqus"
    table = _parameters(path)
    width = number(path, table, "SW_h", lambda x: 0 < x < math.inf, "a spectral width in Hz above zero")
    mode = number(path, table, "AQ_mod", lambda x: x in (0, 1, 2, 3), "0, 1, 2 or 3", default=3)
    if mode not in (1, 3):
        raise refused(path, f"found {mode:g}, single-channel points", "1 or 3, quadrature taken at one time", "AQ_mod")
    if (folder / "acqu3s").exists():
        raise refused(folder, "found a parameter file acqu3s", "one or two dimensions")
    signal = _points(folder, path, table)
    carrier, carrier_ppm = _reference(folder, path, table)
    info: dict[str, Any] = {key: table[key] for key in ("NS", "RG", "NC", "PULPROG", "DE") if key in table}
    return Fid(
        signal,
        1 / width,
        start=-group_delay(path, table) / width,
        carrier=carrier,
        carrier_ppm=carrier_ppm,
        nucleus=str(table.get("NUC1", "")).strip(),
        info={"format": "bruker", "file": str(folder), **info},
    )


def write(folder: Path, data: Fid) -> None:
    """`acqus` and `fid` or `ser`, double precision. The time of the first point is kept only as a group delay."""
    rows = data.signal.reshape(-1, data.points)
    acqus: dict[str, Any] = {
        "AQ_mod": 3,
        "BYTORDA": 0,
        "DECIM": 1,
        "DIGMOD": int(data.start < 0),
        "DSPFVS": 20,
        "DTYPA": 2,
        "GRPDLY": max(0.0, -data.start / data.dwell),
        "NUC1": data.nucleus,
        "SW_h": float(data.width),
        "TD": 2 * data.points,
        "_comments": [],
        "_coreheader": ["##TITLE= written by nmrqb", "##JCAMPDX= 5.0", "##DATATYPE= Parameter Values"],
    }
    if data.carrier is not None and data.reference is not None:
        acqus |= {"SFO1": data.carrier / 1e6, "BF1": data.reference / 1e6, "O1": data.carrier - data.reference}
    dic = {"acqus": acqus}
    if data.signal.ndim > 1:
        dic["acqu2s"] = {"TD": rows.shape[0], "_comments": [], "_coreheader": acqus["_coreheader"]}
        row = _row(2 * data.points, 8) // 2
        rows = np.concatenate([rows, np.zeros((len(rows), row - data.points))], axis=-1)
    folder.mkdir(parents=True, exist_ok=True)
    nmrglue("fileio.bruker").write(
        str(folder), dic, rows if data.signal.ndim > 1 else rows[0], write_prog=False, overwrite=True
    )


def group_delay(path: Path, table: dict[str, Any]) -> float:
    """Points of the digital filter's build-up: GRPDLY, or for older consoles the table by DSPFVS and DECIM."""
    if number(path, table, "DIGMOD", math.isfinite, "a digitiser mode", default=1) == 0:
        return 0.0
    given = number(path, table, "GRPDLY", math.isfinite, "a number of points", default=-1)
    if given > 0:
        return given
    decimation = number(path, table, "DECIM", math.isfinite, "a decimation rate", default=1)
    firmware = number(path, table, "DSPFVS", math.isfinite, "a firmware version", default=14)
    if decimation == 1 or firmware >= 14:
        return 0.0
    known = nmrglue("fileio.bruker").bruker_dsp_table
    try:
        return float(known[int(firmware)][int(decimation)])
    except KeyError:
        found = f"found none for a digital filter of DSPFVS {firmware:g} and DECIM {decimation:g}"
        raise refused(path, found, "the group delay in points, or a filter that is tabulated", "GRPDLY") from None


def _parameters(path: Path) -> dict[str, Any]:
    """Single values of a JCAMP-DX parameter file as text or int or float; arrays are left out.

    Read here and not by nmrglue, whose parser does not return from a file that is cut inside a string or an array.
    """
    with reading(path, _KIND):
        text = path.read_text(encoding="latin-1")
    found = dict(re.findall(r"^##\$(\w+)=[ \t]*([^\r\n]*)", text, flags=re.MULTILINE))
    if not found:
        raise refused(path, "holds no line such as ##$SW_h= 5000", "a parameter file of a Bruker console")
    return {key: _value(text.strip()) for key, text in found.items() if not text.startswith("(")}


def _value(text: str) -> Any:
    if text.startswith("<"):
        return text[1:].removesuffix(">")
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _row(numbers: int, itemsize: int) -> int:
    """Numbers that a row of a `ser` file takes up."""
    return -(-numbers * itemsize // _BLOCK) * _BLOCK // itemsize


def _points(folder: Path, path: Path, table: dict[str, Any]) -> ComplexArray:
    numbers = int(number(path, table, "TD", lambda x: x >= 2 and x % 2 == 0, "an even number of points, 2 or more"))
    kind = number(path, table, "DTYPA", lambda x: x in (0, 2), "0 (32-bit integers) or 2 (doubles)", default=0)
    big = number(path, table, "BYTORDA", lambda x: x in (0, 1), "0 or 1", default=0) == 1
    ser = not (folder / "fid").exists() and (folder / "ser").exists()
    binary, itemsize = folder / ("ser" if ser else "fid"), 8 if kind == 2 else 4
    with reading(binary, _KIND):
        size = binary.stat().st_size
        row = _row(numbers, itemsize)
        count, odd = divmod(size, itemsize)
        fits = count > 0 and count % row == 0 if ser else numbers <= count <= row
        if odd or not fits:
            allowed = f"{'rows of ' if ser else ''}{row if ser else numbers} numbers of {itemsize} bytes, as TD says"
            raise refused(binary, f"found {size} bytes", allowed)
        _, points = nmrglue("fileio.bruker").read_binary(str(binary), (-1,), True, big, kind == 2)
    points = points.reshape(-1, row // 2) if ser else points
    return np.asarray(points[..., : numbers // 2], dtype=complex)


def _reference(folder: Path, path: Path, table: dict[str, Any]) -> tuple[float | None, float]:
    """Carrier in Hz and in ppm: 0 ppm is SF of the processing parameters, else the base frequency BF1."""
    carrier = number(path, table, "SFO1", lambda x: 0 <= x < math.inf, "a frequency in MHz", default=0)
    if carrier == 0:
        return None, 0.0
    reference = number(path, table, "BF1", lambda x: 0 < x < math.inf, "a frequency in MHz", default=carrier)
    procs = folder / "pdata" / "1" / "procs"
    if procs.exists():
        reference = number(procs, _parameters(procs), "SF", lambda x: 0 < x < math.inf, "a frequency in MHz", reference)
    return carrier * 1e6, (carrier - reference) / reference * 1e6
