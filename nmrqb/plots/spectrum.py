"""Spectra and free induction decays as spectroscopists draw them: frequency and shift grow from right to left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nmrqb.detection import Fid, Lines, Spectrum
from nmrqb.errors import ArgumentError
from nmrqb.plots.style import LINES, Line, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TIMES = ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (np.inf, 1.0, "s"))
#: Rows beyond this many are stacked, one above the other, and all drawn alike.
_OVERLAID = len(LINES)
_STICK = Line("0.45", "solid", 1.0)


def draw_spectrum(
    spectrum: Spectrum,
    *,
    unit: str | None = None,
    region: tuple[float, float] | None = None,
    lines: Lines | None = None,
    labels: Sequence[str] = (),
    imaginary: bool = False,
    title: str = "",
    footer: str = "",
) -> Figure:
    """The real part of a spectrum (N,) or of rows (R, N) over an axis that runs from right to left.

    unit: "ppm" (where a carrier is known: the default), "kHz" (default beyond 10 kHz of width) or "Hz". region: the
    part shown, in this unit. lines: sticks (K,) below the trace, as long as their real amplitudes, on a scale of their
    own. labels: of the rows, for the legend, or at the left where more than five rows are stacked. imaginary: drawn too,
    dashed, for a single row. Raises ArgumentError for a region outside the axis or labels that are not one a row.
    """
    rows = spectrum.values.reshape(-1, spectrum.frequency.size)
    chosen = unit or _default_unit(spectrum)
    x = spectrum.axis(chosen)
    if labels and len(labels) != len(rows):
        raise ArgumentError("labels", f"{len(labels)} labels", f"be one for each of {len(rows)} rows")
    low, high = _region(region, x)
    shown = (x >= low) & (x <= high)
    with styled():
        figure = new_figure(3.0 if len(rows) <= _OVERLAID else min(2.0 + 0.32 * len(rows), 8.0), footer)
        axes = figure.add_subplot()
        per, rows = ("kHz", rows * 1e3) if chosen == "kHz" else ("Hz", rows)
        if len(rows) <= _OVERLAID:
            _overlay(axes, x[shown], rows[:, shown], labels, imaginary=imaginary and len(rows) == 1)
            axes.set_ylabel(f"signal / {per}" if imaginary else f"real part (signal / {per})")
        else:
            _stack(axes, x[shown], rows[:, shown].real, labels, per)
        if lines is not None:
            _sticks(axes, spectrum, lines, chosen, (low, high))
        axes.set_xlim(high, low)
        nucleus = _isotope(spectrum.nucleus)
        axes.set_xlabel(f"{nucleus}chemical shift (ppm)" if chosen == "ppm" else f"{nucleus}offset ({chosen})")
        axes.grid(False, axis="y")
        axes.set_title(title, loc="left")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best")
    return figure


def draw_fid(data: Fid, *, until: float | None = None, title: str = "", footer: str = "") -> Figure:
    """Real (solid) and imaginary part (dashed) of a FID (N,) against time, up to `until` in s.

    Shaded: the dead time between the state and the first point, or a digital filter's build-up before time zero.
    Raises ArgumentError for more than one FID, or an `until` that leaves no point.
    """
    if data.signal.ndim != 1:
        raise ArgumentError("data", f"of shape {data.signal.shape}", "be one FID of shape (N,)")
    t = data.times
    last = t[-1] if until is None else until
    if last < t[0]:
        raise ArgumentError("until", f"{last:g} s", f"be at or after the first point at {t[0]:g} s")
    shown = t <= last
    _, scale, name = next(entry for entry in _TIMES if last < entry[0])
    with styled():
        figure = new_figure(2.6, footer)
        axes = figure.add_subplot()
        if data.start:
            label = "dead time" if data.start > 0 else "digital filter's build-up"
            axes.axvspan(*sorted((0.0, data.start * scale)), color="0.9", lw=0, label=label)
        axes.axhline(0, color="0.6", lw=0.6)
        for part, line, label in ((data.signal.imag, LINES[4], "imaginary"), (data.signal.real, LINES[0], "real")):
            width = {"linewidth": 1.0, "linestyle": "solid" if label == "real" else (0, (4, 1.5))}
            axes.plot(t[shown] * scale, part[shown], label=label, **{**line._asdict(), **width})
        axes.set_xlim(min(0.0, t[0] * scale), last * scale if last > 0 else None)
        axes.set_xlabel(f"time ({name})")
        axes.set_ylabel(f"{_isotope(data.nucleus)}signal (arb. units)")
        axes.set_title(title, loc="left")
        axes.legend(loc="upper right", ncols=3)
    return figure


def _default_unit(spectrum: Spectrum) -> str:
    if spectrum.carrier is not None:
        return "ppm"
    return "kHz" if spectrum.width > 1e4 else "Hz"


def _region(region: tuple[float, float] | None, x: np.ndarray) -> tuple[float, float]:
    if region is None:
        return float(x[0]), float(x[-1])
    low, high = sorted(region)
    if np.count_nonzero((x >= low) & (x <= high)) < 2:
        raise ArgumentError("region", f"{low:g} to {high:g}", f"hold points of the axis, {x[0]:g} to {x[-1]:g}")
    return low, high


def _overlay(axes: Axes, x: np.ndarray, rows: np.ndarray, labels: Sequence[str], *, imaginary: bool) -> None:
    axes.axhline(0, color="0.75", lw=0.6)
    if imaginary:
        axes.plot(x, rows[0].imag, color="0.5", ls=(0, (4, 1.5)), lw=0.9, label="imaginary")
    styles = [Line("#000000", "solid", 1.0)] if len(rows) == 1 else LINES
    for k, row in enumerate(rows):
        label = labels[k] if labels else ("real" if imaginary else None)
        axes.plot(x, row.real, label=label, **styles[k]._asdict())


def _stack(axes: Axes, x: np.ndarray, rows: np.ndarray, labels: Sequence[str], per: str) -> None:
    step = 0.6 * float(np.abs(rows).max()) or 1.0
    for k, row in enumerate(rows):
        axes.plot(x, row + k * step, color="black", lw=0.8, zorder=len(rows) - k)
    axes.set_yticks(step * np.arange(len(rows)), labels or [str(k) for k in range(len(rows))])
    axes.tick_params(axis="y", right=False, length=0)
    axes.set_ylabel(f"real part, rows {step:.2g} signal / {per} apart")


def _sticks(axes: Axes, spectrum: Spectrum, lines: Lines, unit: str, shown: tuple[float, float]) -> None:
    """Lines as sticks in the lowest sixth of the panel, the longest of those shown as tall as it."""
    at = np.interp(lines.frequency, spectrum.frequency, spectrum.axis(unit), left=np.nan, right=np.nan)
    inside = (at >= shown[0]) & (at <= shown[1])
    length = lines.amplitude.real[inside]
    length = length / max(float(np.abs(length).max(initial=0.0)), 1e-300)
    low, high = axes.get_ylim()
    room, down = (high - low) / 6, bool(np.any(length < 0))
    zero = low - (room / 2 if down else room)
    tips = zero + length * room * (0.45 if down else 0.9)
    label = "lines (theory), amplitude to scale"
    axes.vlines(at[inside], zero, tips, color=_STICK.color, lw=_STICK.linewidth, label=label)
    axes.axhline(zero, color=_STICK.color, lw=0.5)
    axes.set_ylim(low - room * 1.05, high)


def _isotope(nucleus: str) -> str:
    """1H as a superscript before what follows."""
    digits = "".join(c for c in nucleus if c.isdigit())
    symbol = nucleus.removeprefix(digits)
    return f"$^{{{digits}}}${symbol} " if digits and symbol else ""
