"""NMRPipe files of signals in time, one or two dimensions.

NMRPipe transforms with a positive exponent into points that descend in ppm, so points turn as exp(+2 pi i nu t) for a
positive offset. Everything is stored in single precision: carriers to some 20 Hz, shifts to 1e-6 ppm.
"""

from __future__ import annotations

import datetime
import math
from pathlib import Path

import numpy as np

from nmrqb.detection.formats.problems import nmrglue, reading, refused
from nmrqb.detection.signal import Fid

_KIND = "NMRPipe data"
_HEADER = 2048


def is_nmrpipe(head: bytes) -> bool:
    """Whether a file's first 12 bytes carry NMRPipe's mark, 2.345 as the third number, in either byte order."""
    return len(head) >= 12 and any(abs(float(np.frombuffer(head[:12], f"{o}f4")[2]) - 2.345) < 1e-5 for o in "<>")


def read(path: Path) -> Fid:
    """The Fid of a file, (N,) or (rows, N). Raises InputError."""
    pipe = nmrglue("fileio.pipe")
    with reading(path, _KIND):
        size = path.stat().st_size
        if size < _HEADER:
            raise refused(path, f"found {size} bytes", f"a header of {_HEADER} bytes and data")
        dic = pipe.fdata2dic(pipe.get_fdata(str(path)))
        dimensions, axis = dic["FDDIMCOUNT"], f"FDF{int(dic['FDDIMORDER'][0])}"
        if dimensions not in (1, 2):
            raise refused(path, f"found {dimensions:g} dimensions", "one or two")
        if dic[f"{axis}FTFLAG"] != 0:
            raise refused(path, "holds a spectrum", "a signal in time")
        if dic[f"{axis}QUADFLAG"] == 1:
            raise refused(path, "holds real points", "complex ones")
        expected = _HEADER + 4 * math.prod(np.atleast_1d(pipe.find_shape(dic)).tolist())
        if size != expected:
            raise refused(path, f"found {size} bytes", f"{expected} bytes, as its header says")
        if not 0 < dic[f"{axis}SW"] < math.inf:
            raise refused(path, f"found {dic[f'{axis}SW']:g}", "a spectral width in Hz above zero", f"{axis}SW")
        _, points = pipe.read(str(path))
    observe, shift = dic[f"{axis}OBS"], dic[f"{axis}CAR"]
    return Fid(
        np.asarray(points, dtype=complex),
        1 / dic[f"{axis}SW"],
        carrier=observe * 1e6 * (1 + 1e-6 * shift) if observe > 0 else None,
        carrier_ppm=shift if observe > 0 else 0.0,
        nucleus=dic[f"{axis}LABEL"].strip(),
        info={"format": "nmrpipe", "file": str(path)},
    )


def write(path: Path, data: Fid) -> None:
    """One file in single precision. The time of the first point is not kept."""
    pipe = nmrglue("fileio.pipe")
    layout = nmrglue("fileio.fileiobase").create_blank_udic(data.signal.ndim)
    observe = (data.reference or 1e6) / 1e6
    for k, size in enumerate(data.signal.shape):
        layout[k] |= {"size": size, "complex": False, "time": True, "freq": False, "encoding": "magnitude"}
    layout[data.signal.ndim - 1] |= {
        "sw": data.width,
        "complex": True,
        "obs": observe,
        "car": data.carrier_ppm * observe,
        "label": data.nucleus,
    }
    dic = pipe.create_dic(layout, datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC))
    if data.carrier is None:
        dic["FDF2OBS"] = 0.0
    path.parent.mkdir(parents=True, exist_ok=True)
    pipe.write(str(path), dic, data.signal.astype("complex64"), overwrite=True)
