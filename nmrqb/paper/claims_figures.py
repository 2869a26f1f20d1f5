"""Figs. 5-9: ergotropy, power, capacity and coherence against charging time, claim by claim, for both charging axes.

X is the charging of eq. (21); Y is the one that (D2) belongs to. T = 1 where the paper states none; `claims_missing`
asks which temperature fits best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from nmrqb.battery import Battery, closed_forms
from nmrqb.checks import FloatArray
from nmrqb.paper.claims import Entry, claim, falling, largest, rising, show

FIG5 = Battery(axial=np.array([1.0, 2.0, 4.0, 6.0, 12.0]), rhombic=0.5)
FIG6 = Battery(axial=1, rhombic=0.1, zeeman=np.array([0.0, 0.5, 1.0, 1.5, 2.0]))
FIG8 = Battery(axial=1, rhombic=0.5, ksea=np.array([0.0, 0.1, 0.5, 1.0, 2.0]))
FIG9 = Battery(axial=1, rhombic=0.5, dm=np.array([0.0, 0.1, 0.5, 1.0, 2.0]))
#: Temperatures tried for figures that state none.
TRIED = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0])
AXES = ("x", "y")

Metric = Callable[..., FloatArray]


def figures_5_6() -> Iterator[Entry]:
    """Delta and B."""
    yield from _figure5()
    yield from _figure6()


def figures_8_9() -> Iterator[Entry]:
    """G and D (Fig. 7, whose field is not stated, has a module of its own)."""
    yield from _figure8()
    yield from _figure9()


def tau(battery: Battery, T: float, axis: str) -> FloatArray:
    """Omega tau/pi of full charge."""
    return closed_forms.full_charge_angle(battery, T, axis) / np.pi


def rises_at(function: Metric, battery: Battery, temperatures: Sequence[float] | FloatArray = TRIED) -> FloatArray:
    """Which of the temperatures let function(battery, T) rise at every step, bool (n,)."""
    return np.array([rising(function(battery, T)) for T in temperatures])


def _true_at(flags: FloatArray) -> str:
    return show(TRIED[flags]) if flags.any() else "none"


def _both(function: Metric, battery: Battery) -> dict[str, FloatArray]:
    """function(battery, T = 1, axis) for both axes."""
    return {axis: function(battery, 1.0, axis) for axis in AXES}


def _l1_max(battery: Battery, T: float, axis: str = "x") -> FloatArray:
    return closed_forms.charging_l1_max(battery, T, axis).l1


def _trend(figure: str, what: str, quantity: str, function: Metric, battery: Battery, coupling: str) -> Entry:
    """The claim that a quantity rises with the figure's coupling, at T = 1 for both axes and at other temperatures."""
    values = _both(function, battery)
    at = {axis: rises_at(lambda b, T, a=axis: function(b, T, a), battery) for axis in AXES}
    return claim(
        figure,
        what,
        f"A larger {coupling} raises {quantity}.",
        [(f"{axis.upper()} charging, T = 1", rising(values[axis])) for axis in AXES],
        "; ".join(f"{axis.upper()} {show(values[axis], 5)}, rising at T = {_true_at(at[axis])}" for axis in AXES),
        values={axis: values[axis] for axis in AXES} | {f"{axis}_at": at[axis] for axis in AXES},
    )


def _slower(figure: str, battery: Battery, coupling: str) -> Entry:
    values = {axis: tau(battery, 1.0, axis) for axis in AXES}
    return claim(
        figure,
        "charging time",
        f"A larger {coupling} makes the charge take longer.",
        [(f"{axis.upper()} charging: tau never falls and ends later", _not_falling(values[axis])) for axis in AXES],
        "; ".join(f"{axis.upper()} tau/pi {show(values[axis], 3)}" for axis in AXES),
        values=values,
    )


def _not_falling(values: FloatArray) -> bool:
    return bool(np.all(np.diff(values) > -1e-9) and values[-1] > values[0] + 1e-9)


def _capacity(figure: str, battery: Battery, coupling: str, note: str = "") -> Entry:
    Q = closed_forms.capacity_paper(battery, 1.0)
    gap, ground = closed_forms.capacity_gap(battery), closed_forms.capacity_ground(battery)
    at = rises_at(closed_forms.capacity_paper, battery)
    return claim(
        figure,
        "capacity",
        f"A larger {coupling} raises Q.",
        [("Q as (D1), T = 1", rising(Q)), ("Q as the spectral gap", rising(gap)), ("Q as eq. (27)", rising(ground))],
        f"(D1) {show(Q, 5)}, rising at T = {_true_at(at)}; gap {show(gap)}; eq. (27) {show(ground)}",
        note,
        {"D1": Q, "gap": gap, "eq27": ground, "D1_at": at},
    )


def _figure5() -> Iterator[Entry]:
    figure = "Fig. 5 (Delta)"
    yield _peaks_together(figure)
    yield _start(figure)
    yield _capacity_present(figure)
    t = {axis: tau(FIG5, 1.0, axis) for axis in AXES}
    yield claim(
        figure,
        "full charge",
        "The battery is full at tau = pi/(4 Omega).",
        [(f"{axis.upper()} charging, every Delta", largest(t[axis] - 0.25) < 1e-9) for axis in AXES],
        f"tau/pi X {show(t['x'], 3)}, Y {show(t['y'], 3)}",
        "Only because B = G = D = 0; any of them delays it.",
        t,
    )
    yield _trend(figure, "ergotropy", "the peak of xi", closed_forms.ergotropy_max, FIG5, "Delta")
    yield _trend(figure, "power", "the peak of P", closed_forms.power_max, FIG5, "Delta")
    yield _capacity(figure, FIG5, "Delta")
    yield _width(figure)
    yield _saturation(figure)


def _peaks_together(figure: str) -> Entry:
    at = {}
    for axis in AXES:
        times = (closed_forms.full_charge_angle(FIG5, 1.0, axis), closed_forms.power_max_angle(FIG5, 1.0, axis))
        at[axis] = np.stack([*times, closed_forms.charging_l1_max(FIG5, 1.0, axis).phi]) / np.pi
    return claim(
        figure,
        "peaks",
        "xi, P and C peak at the same Omega t.",
        [(f"{a.upper()} charging", np.ptp(v, axis=0).max() < 0.01) for a, v in at.items()],
        f"Omega t/pi at Delta = 1 to 12, X: xi {show(at['x'][0], 3)}; P {show(at['x'][1], 3)}; C {show(at['x'][2], 3)} "
        "(and mirrored about 1/4)",
        values=at,
    )


def _start(figure: str) -> Entry:
    first = {a: max(largest(f(FIG5, 1.0, 0.0, a)) for f in (closed_forms.ergotropy, closed_forms.power)) for a in AXES}
    return claim(
        figure,
        "start",
        "xi and P vanish at t = 0.",
        [(f"{axis.upper()} charging", value < 1e-12) for axis, value in first.items()],
        f"X {first['x']:.1g}, Y {first['y']:.1g}",
        values=first,
    )


def _capacity_present(figure: str) -> Entry:
    senses = {
        "(D1)": closed_forms.capacity_paper(FIG5, 1.0),
        "the spectral gap": closed_forms.capacity_gap(FIG5),
        "the unitary orbit": closed_forms.capacity_orbit(FIG5, 1.0),
        "eq. (27)": closed_forms.capacity_ground(FIG5),
    }
    return claim(
        figure,
        "capacity at t = 0",
        "Q is not zero.",
        [(f"Q as {name}", np.all(np.abs(value) > 1e-9)) for name, value in senses.items()],
        "; ".join(f"{name} {show(value)}" for name, value in senses.items()),
        values=senses,
    )


def _width(figure: str) -> Entry:
    phi = np.linspace(0, np.pi / 2, 20001)
    widths = {}
    for axis in AXES:
        columns = Battery(FIG5.axial[:, None], FIG5.rhombic)  # type: ignore[index]
        xi = closed_forms.ergotropy(columns, 1.0, phi, axis)
        above = xi >= xi.max(axis=-1, keepdims=True) / 2
        widths[axis] = np.ptp(np.where(above, phi, np.pi / 4), axis=-1) / np.pi
    return claim(
        figure,
        "width",
        "A larger Delta narrows the peak of xi.",
        [(f"{axis.upper()} charging", np.all(np.diff(widths[axis]) < -1e-3)) for axis in AXES],
        f"full width at half maximum over pi: X {show(widths['x'])}, Y {show(widths['y'])}",
        "xi is proportional to sin^2(2 Omega t) at every Delta.",
        widths,
    )


def saturation_axial(T: float, level: float = 2.9) -> float:
    """The Delta at which the largest l1 of Fig. 5 reaches a level, by bisection."""
    low, high = 0.0, 40.0
    for _ in range(40):
        middle = (low + high) / 2
        reached = float(_l1_max(Battery(axial=middle, rhombic=0.5), T)) >= level
        low, high = (low, middle) if reached else (middle, high)
    return high


def _saturation(figure: str) -> Entry:
    axial = np.array([1.0, 2.0, 3.0, 4.0, 24.0])
    C = _l1_max(Battery(axial=axial, rhombic=0.5), 1.0)
    CY = _l1_max(Battery(axial=axial, rhombic=0.5), 1.0, "y")
    xi = closed_forms.ergotropy_max(Battery(axial=axial, rhombic=0.5), 1.0)
    at = saturation_axial(1.0)
    return claim(
        figure,
        "saturation",
        "C saturates near Delta = 3 while xi goes on rising.",
        [
            ("C is within 5 % of its limit at Delta = 3 and not at 2", C[2] > 0.95 * C[-1] > C[1]),
            ("the same for Y charging", CY[2] > 0.95 * CY[-1] > CY[1]),
            ("xi rises from Delta = 3 to 4", xi[3] > xi[2] + 1e-9),
        ],
        f"C_max at Delta = 1, 2, 3, 4: {show(C[:4])}, limit {C[-1]:.3g}; 2.9 is reached at Delta = {at:.2f}",
        "l1 of two spins cannot exceed 3. That xi rises says nothing about incoherent ergotropy (see Beyond).",
        {"C": C, "at": at},
    )


def _figure6() -> Iterator[Entry]:
    figure = "Fig. 6 (B)"
    yield _trend(figure, "ergotropy", "the peak of xi", closed_forms.ergotropy_max, FIG6, "B")
    yield _slower(figure, FIG6, "B")
    mirrored = closed_forms.capacity_paper(replace(FIG6, zeeman=-np.asarray(FIG6.zeeman)), 1.0)
    entry = _capacity(figure, FIG6, "B", f"For B < 0 (D1) falls instead: {show(mirrored)}; eq. (27) is -4B.")
    yield replace(entry, values=dict(entry.values) | {"D1_mirrored": mirrored})
    yield _trend(figure, "coherence", "the oscillation of C", _l1_max, FIG6, "B")


def _figure8() -> Iterator[Entry]:
    figure = "Fig. 8 (G)"
    yield _trend(figure, "ergotropy", "the peak of xi", closed_forms.ergotropy_max, FIG8, "G")
    yield _slower(figure, FIG8, "G")
    yield _trend(figure, "power", "the peak of P", closed_forms.power_max, FIG8, "G")
    yield _capacity(figure, FIG8, "G")
    yield _trend(figure, "coherence", "the peak of C", _l1_max, FIG8, "G")


def _figure9() -> Iterator[Entry]:
    figure = "Fig. 9 (D)"
    yield _trend(figure, "ergotropy", "the peak of xi", closed_forms.ergotropy_max, FIG9, "D")
    yield _trend(figure, "power", "the peak of P", closed_forms.power_max, FIG9, "D")
    yield _capacity(figure, FIG9, "D")
    yield _trend(figure, "coherence", "the peak of C", _l1_max, FIG9, "D")
    yield _slower(figure, FIG9, "D")
    rate = closed_forms.ergotropy_max(FIG9, 1.0) / closed_forms.full_charge_angle(FIG9, 1.0)
    yield claim(
        figure,
        "charging rate",
        "A larger D reduces the charging rate.",
        [("energy per time to full charge, xi_max/(Omega tau), falls", falling(rate))],
        f"xi_max/(Omega tau) X {show(rate)}",
        "Only the time grows; the energy grows faster.",
        {"rate": rate},
    )
