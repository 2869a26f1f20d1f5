"""Varian and Agilent folders: `fid` beside `procpar`.

Raw Varian points turn as exp(-2 pi i nu t) for a positive offset (nmrglue negates their imaginary part on conversion),
so they are conjugated here, both ways.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from nmrqb.detection.formats.problems import nmrglue, number, reading, refused
from nmrqb.detection.signal import Fid

_KIND = "Varian data"


def read(folder: Path) -> Fid:
    """The Fid of a folder, (N,) or (rows, N). Raises InputError."""
    path, binary = folder / "procpar", folder / "fid"
    with reading(path, _KIND):
        table = {key: entry["values"][0] for key, entry in nmrglue("fileio.varian").read_procpar(path).items()}
    width = number(path, table, "sw", lambda x: 0 < x < math.inf, "a spectral width in Hz above zero")
    carrier = number(path, table, "sfrq", lambda x: 0 <= x < math.inf, "a frequency in MHz", default=0)
    reference = number(path, table, "reffrq", lambda x: 0 <= x < math.inf, "a frequency in MHz", default=0) or carrier
    _check_size(binary)
    with reading(binary, _KIND):
        _, rows = nmrglue("fileio.varian").read(str(folder), as_2d=True)
    signal = np.conj(np.asarray(rows, dtype=complex))
    return Fid(
        signal[0] if len(signal) == 1 else signal,
        1 / width,
        carrier=carrier * 1e6 or None,
        carrier_ppm=(carrier - reference) / reference * 1e6 if reference else 0.0,
        nucleus=_isotope(str(table.get("tn", ""))),
        info={"format": "varian", "file": str(folder), **({"nt": table["nt"]} if "nt" in table else {})},
    )


def write(folder: Path, data: Fid) -> None:
    """`procpar` and `fid` in single precision. The time of the first point is not kept."""
    varian = nmrglue("fileio.varian")
    rows = np.conj(data.signal.reshape(-1, data.points)).astype("complex64")
    layout = nmrglue("fileio.fileiobase").create_blank_udic(2)
    layout[0] |= {"size": len(rows), "complex": False}
    layout[1] |= {"size": data.points, "complex": True}
    dic = varian.create_dic(layout)
    values: dict[str, Any] = {"np": 2 * data.points, "sw": float(data.width), "tn": _symbol_first(data.nucleus)}
    if data.carrier is not None and data.reference is not None:
        values |= {"sfrq": data.carrier / 1e6, "reffrq": data.reference / 1e6}
    dic["procpar"] = {key: varian.create_pdic_param(key, [str(value)]) for key, value in values.items()}
    dic["procpar"]["tn"]["basictype"] = "2"  # a string
    folder.mkdir(parents=True, exist_ok=True)
    varian.write(str(folder), dic, rows, torder="flat", overwrite=True)


def _check_size(binary: Path) -> None:
    """The file is as long as its header says, before anything is allocated for it."""
    varian = nmrglue("fileio.varian")
    with reading(binary, _KIND):
        size = binary.stat().st_size
        if size < 32:
            raise refused(binary, f"found {size} bytes", "a header of 32 bytes and data")
        with binary.open("rb") as file:
            head = varian.fileheader2dic(varian.get_fileheader(file))
        if head["S_SPEC"]:
            raise refused(binary, "holds a spectrum", "a signal in time")
        numbers, itemsize = head["np"], varian.find_dtype(head).itemsize
        expected = 32 + head["nblocks"] * (28 * head["nbheaders"] + head["ntraces"] * numbers * itemsize)
        positive = min(head["nblocks"], head["ntraces"], head["nbheaders"] + 1) >= 1
        if not positive or numbers < 2 or numbers % 2 or size != expected:
            raise refused(binary, f"found {size} bytes", f"{max(expected, 0)} bytes, as its header says")


def _isotope(name: str) -> str:
    """Symbol last: H1 becomes 1H."""
    found = re.fullmatch(r"([A-Z][a-z]?)(\d+)", name.strip())
    return found[2] + found[1] if found else name.strip()


def _symbol_first(isotope: str) -> str:
    found = re.fullmatch(r"(\d+)([A-Z][a-z]?)", isotope)
    return found[2] + found[1] if found else isotope
