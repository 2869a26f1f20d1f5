"""Two known lines as data, and data folders written by hand."""

import numpy as np

from nmrqb.detection import Fid

WIDTH, N, T2 = 8000.0, 1000, 0.03
NU, A = np.array([1200.0, -430.0]), np.array([1000.0, 500.0])
CARRIER, CARRIER_PPM = 500.13e6 * (1 + 4.7e-6), 4.7


def two_lines(times):
    return np.exp(np.multiply.outer(times, 2j * np.pi * NU - 1 / T2)) @ A


def two_line_fid(rows=None):
    signal = two_lines(np.arange(N) / WIDTH)
    signal = signal if rows is None else np.arange(1, rows + 1)[:, None] * signal
    return Fid(signal, 1 / WIDTH, carrier=CARRIER, carrier_ppm=CARRIER_PPM, nucleus="1H")


def bruker_folder(folder, points=8, numbers=None, dtype="<i4", name="fid", **acqus):
    """A folder written by hand: NUC1 in brackets, an array over two lines, a comment."""
    table = {"SW_h": WIDTH, "TD": 2 * points, "NUC1": "<13C>", "AQ_mod": 3, "DTYPA": 0, "BYTORDA": 0, **acqus}
    lines = ["##TITLE= Parameter file", "$$ 2024-01-01", *(f"##${k}= {v}" for k, v in table.items() if v is not None)]
    lines += ["##$D= (0..3)0 0.5", "0.1 0", "##$INSTRUM= <spect", "more>", "##END="]
    (folder / "acqus").write_text("\n".join(lines))
    values = np.arange(2 * points if numbers is None else numbers)
    (folder / name).write_bytes(values.astype(dtype).tobytes())
    return folder


SIMPSON = """SIMP
NP=4
SW=2000
{extra}TYPE=FID
DATA
1 0
0.0 1e0
-1 0

0 -1.0
{end}
"""
