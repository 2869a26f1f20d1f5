"""Shape files that spectrometers read: Bruker's JCAMP-DX, Varian's and Agilent's .RF, and plain columns.

All take an envelope (n,), complex, of largest magnitude 1, in slices of equal length, and return the text of the file.
"""

from __future__ import annotations

import numpy as np

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.sequence.shapes import MAX_POINTS

#: Digits behind the point of amplitudes in % and phases in degrees: what is lost is below 1e-9 of a rotation.
_DIGITS = 9


def bruker_shape(envelope: ComplexArray, *, title: str, length: float, peak: float, flip: float = 0.0) -> str:
    """A Bruker shape file, JCAMP-DX 5.00: one row "amplitude, phase" for each slice, amplitude 0 to 100, phase 0 to 360 deg.

    title: goes into the header. length in s and peak nutation frequency in Hz at which the envelope was designed; flip: its
    flip angle in rad on resonance, 0 where that says nothing. Raises ArgumentError for an envelope that is no shape of at
    most MAX_POINTS rows, or for a length or peak that is not above zero.
    """
    envelope = _checked(envelope)
    length, peak = float(checks.positive("length", length)), float(checks.positive("peak", peak))
    amplitude, phase = 100 * np.abs(envelope), _degrees(envelope)
    header = {
        "TITLE": one_line(title),
        "JCAMP-DX": "5.00 Bruker JCAMP library",
        "DATA TYPE": "Shape Data",
        "ORIGIN": "nmrqb",
        "OWNER": "nmrqb",
        "MINX": f"{amplitude.min():.6e}",
        "MAXX": f"{amplitude.max():.6e}",
        "MINY": f"{phase.min():.6e}",
        "MAXY": f"{phase.max():.6e}",
        "$SHAPE_EXMODE": "None",
        "$SHAPE_TOTROT": f"{np.degrees(flip):.6e}",
        "$SHAPE_BWFAC": "0.000000e+00",
        "$SHAPE_INTEGFAC": f"{abs(np.mean(envelope)):.6e}",
        "$SHAPE_MODE": "0",
        "$SHAPE_LENGTH": f"{length * 1e6:.6f}",
        "$SHAPE_PEAK": f"{peak:.6f}",
        "NPOINTS": str(envelope.size),
        "XYPOINTS": "(XY..XY)",
    }
    arithmetic = (
        f"$$ designed for {length * 1e6:.6g} us at a peak of {peak:.6g} Hz: with a rectangular 90 deg pulse of p1 at plw1, "
        f"set spw = plw1 * (4 * p1 * {peak:.6g} Hz)^2"
    )
    rows = [f"{a:.{_DIGITS}f}, {p:.{_DIGITS}f}" for a, p in zip(amplitude, phase, strict=True)]
    head = [f"##{key}= {value}" for key, value in header.items()]
    return "\n".join([head[0], head[1], arithmetic, *head[2:], *rows, "##END="]) + "\n"


def varian_shape(envelope: ComplexArray, *, title: str, length: float, peak: float) -> str:
    """A shape file of Varian and Agilent (.RF): rows "phase amplitude duration", amplitude 0 to 1023, durations all 1.

    Arguments and errors as of `bruker_shape`.
    """
    envelope = _checked(envelope)
    length, peak = float(checks.positive("length", length)), float(checks.positive("peak", peak))
    amplitude, phase = 1023 * np.abs(envelope), _degrees(envelope)
    head = [
        f"# {one_line(title)}",
        f"# nmrqb: designed for {length * 1e6:.6g} us at a peak nutation frequency of {peak:.6g} Hz, {envelope.size} steps",
    ]
    rows = [f"{p:.{_DIGITS}f} {a:.{_DIGITS}f} 1.0" for a, p in zip(amplitude, phase, strict=True)]
    return "\n".join([*head, *rows]) + "\n"


def csv_shape(envelope: ComplexArray, *, length: float, peak: float) -> str:
    """Columns for whatever reads a table: start of each slice in s, nutation frequency in Hz, phase in degrees.

    Arguments and errors as of `bruker_shape`.
    """
    envelope = _checked(envelope)
    length, peak = float(checks.positive("length", length)), float(checks.positive("peak", peak))
    start = np.arange(envelope.size) * (length / envelope.size)
    columns = zip(start, peak * np.abs(envelope), _degrees(envelope), strict=True)
    rows = [f"{t:.12e},{a:.9f},{p:.{_DIGITS}f}" for t, a, p in columns]
    return "\n".join(["start_s,nutation_hz,phase_deg", *rows]) + "\n"


def _checked(envelope: ComplexArray) -> ComplexArray:
    found = np.asarray(envelope, dtype=complex)
    if found.ndim != 1 or not 1 <= found.size <= MAX_POINTS:
        raise ArgumentError("envelope", f"of shape {found.shape}", f"have one axis of 1 to {MAX_POINTS} rows")
    if not np.all(np.isfinite(found)) or abs(np.abs(found).max() - 1) > 1e-9:
        allowed = "be finite with a largest magnitude of 1"
        raise ArgumentError("envelope", f"one with a largest magnitude of {np.abs(found).max():.6g}", allowed)
    return found


def _degrees(envelope: ComplexArray) -> FloatArray:
    """Phases in [0, 360), 0 where the amplitude is none; what rounds up to 360 is 0."""
    phase = np.round(np.mod(np.degrees(np.angle(envelope)), 360), _DIGITS)
    return np.asarray(np.where((np.abs(envelope) < 1e-15) | (phase >= 360), 0.0, phase))


def one_line(text: str) -> str:
    """A title without what would end its line, and in the letters that every reader of such files knows."""
    return " ".join(text.split()).encode("ascii", "replace").decode()
