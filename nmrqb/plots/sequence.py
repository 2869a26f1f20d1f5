"""The pulse-sequence diagram: RF above, gradient below, time to the right, as spectroscopists draw it."""

from __future__ import annotations

from collections.abc import Sequence as Steps
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from nmrqb.sequence import Crush, Delay, Observe, Pulse, Sequence
from nmrqb.sequence.parameters import PHASES

#: Grey and hatch of a pulse by what it is for: told apart without colour.
_FACE = {
    "prepare": "0.15",
    "charge": "#c8502d",
    "extract": "#2d6cc8",
    "store": "0.6",
    "read": "white",
    "crush": "0.8",
    None: "0.15",
}

_GAP = 0.35
_WIDTH: dict[type[Any], float] = {Pulse: 0.42, Delay: 1.7, Crush: 0.9, Observe: 0.7}


@dataclass(frozen=True)
class _Slot:
    """Where one step is drawn: left edge and width in diagram units."""

    step: Any
    left: float
    width: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def draw_sequence(sequence: Sequence, channel: str = "RF", axes: Axes | None = None) -> Figure:
    """The diagram of a sequence as a matplotlib Figure, or on given axes. `channel` labels the RF line, such as "1H"."""
    slots = _layout(sequence.steps)
    length = slots[-1].left + slots[-1].width + _GAP
    if axes is None:
        figure = Figure(figsize=(max(6.0, 0.95 * length + 1.2), 3.1), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(sequence.title, fontsize=11)
    else:
        figure = axes.figure  # type: ignore[assignment]
    has_gradient = any(isinstance(step, Crush) for step in sequence.steps)
    axes.plot([-_GAP, length], [0, 0], color="black", lw=1.2, zorder=1)
    axes.text(-_GAP - 0.1, 0, channel, ha="right", va="center", fontsize=11)
    if has_gradient:
        axes.plot([-_GAP, length], [-1.5, -1.5], color="black", lw=1.2, zorder=1)
        axes.text(-_GAP - 0.1, -1.5, r"$G_z$", ha="right", va="center", fontsize=11)
    for slot in slots:
        _draw(axes, slot, sequence, has_gradient=has_gradient)
    _uses(axes, slots)
    axes.set_xlim(-1.3, length + 0.1)
    axes.set_ylim(-2.35 if has_gradient else -1.1, 2.0)
    axes.axis("off")
    return figure


def _layout(steps: Steps[Any]) -> list[_Slot]:
    slots, at = [], 0.2
    for step in steps:
        width = _WIDTH[type(step)]
        slots.append(_Slot(step, at, width))
        at += width + (0.12 if isinstance(step, Delay) else _GAP)
    return slots


def _draw(axes: Axes, slot: _Slot, sequence: Sequence, *, has_gradient: bool) -> None:
    step = slot.step
    if isinstance(step, Pulse):
        height = 1.0
        axes.add_patch(
            Rectangle(
                (slot.left, 0), slot.width, height, facecolor=_FACE[step.use], edgecolor="black", lw=1.2, zorder=3
            )
        )
        axes.text(slot.middle, height + 0.1, _pulse_label(step, sequence), ha="center", va="bottom", fontsize=11)
    elif isinstance(step, Delay):
        axes.annotate(
            "",
            (slot.left - 0.3, 0.32),
            (slot.left + slot.width + 0.1, 0.32),
            arrowprops={"arrowstyle": "<->", "lw": 0.9, "color": "0.3"},
        )
        axes.text(slot.middle - 0.1, 0.4, _symbol(step.delay), ha="center", va="bottom", fontsize=11)
    elif isinstance(step, Crush):
        u = np.linspace(0, np.pi, 40)
        shape = np.column_stack([slot.left + slot.width * u / np.pi, -1.5 + 0.75 * np.sin(u)])
        axes.add_patch(Polygon(shape, facecolor="0.8", edgecolor="black", lw=1.2, hatch="///", zorder=3))
        axes.text(slot.middle, -1.62, "crush", ha="center", va="top", fontsize=9)
    elif isinstance(step, Observe):
        bottom = -2.0 if has_gradient else -0.5
        axes.plot([slot.middle] * 2, [bottom, 1.35], color="#2d6cc8", ls=(0, (4, 3)), lw=1.2, zorder=2)
        axes.text(
            slot.middle,
            bottom - 0.05,
            step.observe,
            ha="center",
            va="top",
            fontsize=10,
            color="#2d6cc8",
            style="italic",
        )


def _uses(axes: Axes, slots: Steps[_Slot]) -> None:
    """Brackets over neighbouring steps of one use."""
    groups: list[tuple[str, float, float]] = []
    for slot in slots:
        use = getattr(slot.step, "use", None)
        if isinstance(slot.step, Delay) and use is None and groups and groups[-1][0] == "prepare":
            continue
        if use and groups and groups[-1][0] == use:
            groups[-1] = (use, groups[-1][1], slot.left + slot.width)
        elif use or groups:
            groups.append((use or "", slot.left, slot.left + slot.width))
    for use, left, right in groups:
        if use:
            axes.plot([left, left, right, right], [1.5, 1.58, 1.58, 1.5], color="0.4", lw=0.9)
            axes.text((left + right) / 2, 1.62, use, ha="center", va="bottom", fontsize=9, color="0.3")


_GREEK = {"tau", "theta", "phi", "alpha", "beta", "delta", "epsilon"}


def _symbol(text: str) -> str:
    return rf"$\{text}$" if text in _GREEK else text


def _pulse_label(step: Pulse, sequence: Sequence) -> str:
    angle = step.pulse.strip()
    number, _, unit = angle.partition(" ")
    main = (
        rf"{number}^\circ"
        if unit == "deg"
        else (rf"\{angle}" if angle in _GREEK else rf"\mathrm{{{angle.replace('_', ' ')}}}")
    )
    phase = step.phase.strip()
    held = sequence.bound.get(phase, sequence.parameters.get(phase, ""))
    if isinstance(held, str) and held.strip() in PHASES:
        phase = held.strip()
    sign, letter = ("-", phase[1:]) if phase.startswith("-") else ("", phase)
    sub = sign + (letter if letter in ("x", "y") else rf"\mathrm{{{letter.replace('_', ' ')}}}")
    return f"${main}_{{{sub}}}$"
