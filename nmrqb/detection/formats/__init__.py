"""Real data in and out: FIDs from the files of Bruker, Varian/Agilent, NMRPipe and SIMPSON, mostly through nmrglue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nmrqb.detection.formats import bruker, nmrpipe, simpson, varian
from nmrqb.detection.formats.problems import refused
from nmrqb.detection.signal import Fid
from nmrqb.errors import ArgumentError

__all__ = ["FORMATS", "read_fid", "write_fid"]


class _Format(NamedTuple):
    read: Callable[[Path], Fid]
    write: Callable[[Path, Fid], None]


#: Name -> how it is read and written. The first two are folders, the others files.
FORMATS = {
    "bruker": _Format(bruker.read, bruker.write),
    "varian": _Format(varian.read, varian.write),
    "nmrpipe": _Format(nmrpipe.read, nmrpipe.write),
    "simpson": _Format(simpson.read, simpson.write),
}
_ALLOWED = "a Bruker or Varian folder, an NMRPipe file or a SIMPSON file"
#: File -> format of the folder it stands in.
_FOLDERS = {"acqus": "bruker", "procpar": "varian"}


def read_fid(path: str | Path) -> Fid:
    """The signal (N,) or (rows, N) of a data folder or file; the format is found from what is there.

    In every format a line at a positive offset stays at a positive frequency. Amplitudes are as stored (arbitrary
    units); noise is not known; the dead time before the first point is not in the files. A Bruker digital filter's
    group delay is taken into the time axis: the Fid then starts before zero (`Fid.after(0)` cuts that off).
    Raises InputError, one sentence: no such file, no known format, a missing or impossible parameter, a wrong size.
    """
    kind, place = _recognised(Path(path))
    try:
        return FORMATS[kind].read(place)
    except ArgumentError as error:  # such as points that are not finite
        raise refused(place, str(error)) from None


def _recognised(place: Path) -> tuple[str, Path]:
    """Format, and the file or folder that its reader takes."""
    if not place.exists():
        raise refused(place, "there is no such file or folder", _ALLOWED)
    if place.is_file():
        with place.open("rb") as file:
            head = file.read(12)
        if head[:4] == b"SIMP":
            return "simpson", place
        if nmrpipe.is_nmrpipe(head):
            return "nmrpipe", place
        if place.name not in ("fid", "ser", *_FOLDERS):
            raise refused(place, "is in no format known here", _ALLOWED)
        place = place.parent
    for name, kind in _FOLDERS.items():
        if (place / name).exists():
            return kind, place
    raise refused(place, "found neither acqus (Bruker) nor procpar (Varian)", _ALLOWED)


def write_fid(path: str | Path, data: Fid, format: str, *, overwrite: bool = False) -> Path:  # noqa: A002 - as in read
    """Writes a Fid (N,) or (rows, N) as "bruker" (a folder), "varian" (a folder), "nmrpipe" or "simpson" (a file).

    Bruker and SIMPSON keep double precision, the others single. A start before zero becomes Bruker's group delay; other
    formats know no time of the first point, and SIMPSON neither carrier nor nucleus. Returns the path.
    Raises ArgumentError for an unknown format, more axes, or a start before zero that the format cannot hold; InputError
    when the path exists and `overwrite` is not set.
    """
    if format not in FORMATS:
        raise ArgumentError("format", repr(format), f"be one of {', '.join(FORMATS)}")
    if data.signal.ndim > 2:
        raise ArgumentError("signal", f"of shape {data.signal.shape}", "have shape (N,) or (rows, N) in a file")
    if data.start < 0 and format != "bruker":
        raise ArgumentError("start", f"{data.start:g} s", f"be zero or above in a {format} file; cut with `after(0)`")
    place = Path(path)
    if place.exists() and not overwrite and not (place.is_dir() and not any(place.iterdir())):
        raise refused(place, "exists already", "a new name, or overwrite=True")
    FORMATS[format].write(place, data)
    return place
