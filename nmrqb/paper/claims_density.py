"""Fig. 10: the metrics over pairs of parameters, claim by claim, for both charging axes.

The ranges of the axes are not stated; [-5, 5] is taken, and T in [.1, 5], B in [0, 5] for the last column. "Dark" is
below a tenth of the largest value on the map.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nmrqb.battery import Battery, closed_forms
from nmrqb.paper.claims import Entry, claim, largest, show
from nmrqb.paper.claims_figures import AXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from nmrqb.checks import FloatArray

POINTS = 101
DARK = 0.1
_X, _Y = np.meshgrid(np.linspace(-5, 5, POINTS), np.linspace(-5, 5, POINTS))
#: The couplings tried in the last column, which states neither Delta nor eps.
PAIRS = ((1.0, 0.5), (1.0, 1.0), (2.0, 0.5))


def entries() -> Iterator[Entry]:
    """Three claims on each of the first two columns, four on the third, two on the last."""
    yield _dm_enhances()
    yield _positive_axial()
    yield _dark("column 1 (Delta, D)", "dm")
    yield _dark("column 2 (Delta, G)", "ksea")
    yield _zero_coherence()
    yield _diagonal_coherence()
    yield _diagonal_energy()
    yield _quadrant()
    yield _temperature()
    yield _field()


@lru_cache(maxsize=4)
def maps(vertical: str) -> Mapping[str, FloatArray]:
    """xi, P, C per axis ("x xi", ...) and Q, over Delta (columns) and a coupling (rows), at T = 1."""
    fixed = {} if vertical == "rhombic" else {"rhombic": 0.5}
    battery = Battery(axial=_X, **{vertical: _Y}, **fixed)
    found = {"Q": closed_forms.capacity_paper(battery, 1.0), "orbit": closed_forms.capacity_orbit(battery, 1.0)}
    for axis in AXES:
        found[f"{axis} xi"] = closed_forms.ergotropy_max(battery, 1.0, axis)
        found[f"{axis} P"] = closed_forms.power_max(battery, 1.0, axis)
        found[f"{axis} C"] = closed_forms.charging_l1_max(battery, 1.0, axis).l1
    return found


def _dm_enhances() -> Entry:
    outward = np.sign(_Y[1:] + _Y[:-1])
    share = {
        name: float(np.mean(outward * np.diff(value, axis=0) > 0))
        for name, value in maps("dm").items()
        if name != "orbit"
    }
    return claim(
        "Fig. 10",
        "column 1, |D|",
        "A larger |D| generally enhances every metric.",
        [
            (f"{a.upper()} charging: each of Q, xi, P, C at over 3/4 of the steps", min(_of(share, a).values()) > 0.75)
            for a in AXES
        ],
        "share of steps that rise: " + ", ".join(f"{name} {value:.0%}" for name, value in share.items()),
        values=share,
    )


def _of(values: Mapping[str, float], axis: str) -> dict[str, float]:
    return {name: value for name, value in values.items() if name == "Q" or name.startswith(axis)}


def _positive_axial() -> Entry:
    right = _X > 0
    share = {
        name: float(np.mean((value - value[:, ::-1])[right] > 0))
        for name, value in maps("dm").items()
        if name != "orbit"
    }
    return claim(
        "Fig. 10",
        "column 1, sign of Delta",
        "Positive Delta has the stronger effect.",
        [
            (f"{a.upper()} charging: each of Q, xi, P, C larger than at -Delta, at over 3/4 of the points",
             min(_of(share, a).values()) > 0.75)
            for a in AXES
        ],
        "share of points: " + ", ".join(f"{name} {value:.0%}" for name, value in share.items()),
        values=share,
    )  # fmt: skip


def _dark_share(found: Mapping[str, FloatArray], axis: str) -> tuple[float, NDArray[np.bool_]]:
    """The part of the half Delta < 0 on which Q, xi and P are all dark, and that region."""
    region = np.all([found[k] < DARK * found[k].max() for k in ("Q", f"{axis} xi", f"{axis} P")], axis=0) & (_X < 0)
    return float(region.sum() / (_X < 0).sum()), region


def _dark(column: str, vertical: str) -> Entry:
    found = maps(vertical)
    (area_x, region), (area_y, _) = (_dark_share(found, axis) for axis in AXES)
    coherence = found["x C"][region].min(initial=np.inf)
    small = float(np.mean(found["x xi"] < 0.02 * found["x xi"].max()))
    return claim(
        "Fig. 10",
        column,
        "C is nowhere zero, yet in places Q, xi and P are (the text has C_max for Q here)."
        if vertical == "ksea"
        else "C is nowhere zero, yet in places there is neither Q nor xi nor P.",
        [
            ("C_max above .5 everywhere, X and Y", min(found["x C"].min(), found["y C"].min()) > 0.5),
            ("over 5 % of the half Delta < 0 has Q, xi and P all dark, X charging", area_x > 0.05),
            ("the same, Y charging", area_y > 0.05),
        ],
        f"dark part of Delta < 0: X {area_x:.1%} (C_max there at least {coherence:.2f}), Y {area_y:.1%}; smallest Q "
        f"{found['Q'].min():.3f}; xi below 2 % of its largest on {small:.1%} of the map (X)",
        "With Q as (D1). Under X charging xi vanishes exactly only at Delta = -eps with D = G = B = 0.",
        {
            "area_x": area_x,
            "area_y": area_y,
            "coherence": float(coherence),
            "Q_min": float(found["Q"].min()),
            "C_min": float(found["x C"].min()),
            "xi_2percent": small,
        },
    )


_DIAGONAL = Battery(axial=np.array([1.0, 2.0, 4.0]), rhombic=np.array([1.0, 2.0, 4.0]))


def _zero_coherence() -> Entry:
    found = maps("rhombic")
    origin = (_X == 0) & (_Y == 0)
    other = min(float(found[f"{axis} C"][~origin].min()) for axis in AXES)
    at = largest([closed_forms.charging_l1_max(Battery(), 1.0, axis).l1 for axis in AXES])
    return claim(
        "Fig. 10",
        "column 3 (Delta, eps), C",
        "C_max is non-zero except where Delta and eps are positive and comparable.",
        [
            ("it vanishes somewhere with Delta, eps > 0", bool(np.any((_X > 0) & (_Y > 0) & (found["x C"] < 1e-6)))),
            ("it is non-zero everywhere else", bool(np.all(found["x C"][~origin & ~((_X > 0) & (_Y > 0))] > 1e-6))),
        ],
        f"C_max {at:.1g} at Delta = eps = 0 and at least {other:.3f} on every other grid point",
        "C_max = 0 only if H = 0.",
        {"origin": at, "elsewhere": other},
    )


def _diagonal_coherence() -> Entry:
    peak = {a: closed_forms.charging_l1_max(_DIAGONAL, 1.0, a).l1 for a in AXES}
    full = closed_forms.charging_l1(_DIAGONAL, 1.0, np.pi / 4)
    E, D = closed_forms.gibbs_concurrence(_DIAGONAL, 0.05), closed_forms.gibbs_discord(_DIAGONAL, 0.05)
    return claim(
        "Fig. 10",
        "column 3, Delta ~ eps > 0, C",
        "There C_max is zero.",
        [(f"{a.upper()} charging: below 1 % of its bound of 3", peak[a].max() < 0.03) for a in AXES],
        f"Delta = eps = 1, 2, 4: C_max X {show(peak['x'])}, Y {show(peak['y'])}; what does nearly vanish is l1 at pi/4 under "
        f"X ({show(full)}), and concurrence and discord as T -> 0 ({largest(E):.1g}, {largest(D):.1g} at T = .05)",
        values={"x": peak["x"], "y": peak["y"], "full": full, "E": E, "D": D},
    )


def _diagonal_energy() -> Entry:
    xi = {a: closed_forms.ergotropy_max(_DIAGONAL, 1.0, a) for a in AXES}
    Q, orbit = closed_forms.capacity_paper(_DIAGONAL, 1.0), closed_forms.capacity_orbit(_DIAGONAL, 1.0)
    return claim(
        "Fig. 10",
        "column 3, Delta ~ eps > 0, energy",
        "There xi and P are zero although Q is not.",
        [
            ("X charging: xi is zero", xi["x"].max() < 1e-9),
            ("Y charging: xi is zero", xi["y"].max() < 1e-9),
            ("Q is not zero", Q.min() > 1e-9),
        ],
        f"Delta = eps = 1, 2, 4: xi X {show(xi['x'])}, Y {show(xi['y'])}; (D1) {show(Q)}, unitary orbit {show(orbit)}",
        "It holds for Y charging, exactly at Delta = eps. The Conclusion's ergotropy without coherence fits X charging.",
        {"x": xi["x"], "y": xi["y"], "D1": Q, "orbit": orbit},
    )


def _quadrant() -> Entry:
    points = Battery(axial=np.array([-3.0, -4.0]), rhombic=np.array([3.0, 2.0]))
    xi = {a: closed_forms.ergotropy_max(points, 1.0, a) for a in AXES}
    Q, C = closed_forms.capacity_paper(points, 1.0), closed_forms.charging_l1_max(points, 1.0).l1
    found, corner = maps("rhombic"), (_X < -1) & (_Y > 1)
    share = {a: float(np.mean(found[f"{a} xi"][corner] < 0.02 * found[f"{a} xi"].max())) for a in AXES}
    return claim(
        "Fig. 10",
        "column 3, Delta < 0 < eps",
        "There C is not zero but xi and P are, although Q is not.",
        [
            ("X charging: xi below 2 % of its largest at over 3/4 of the points", share["x"] > 0.75),
            ("Y charging: the same", share["y"] > 0.75),
            ("Q and C are not zero", min(Q.min(), C.min()) > 0.1),
        ],
        f"at (-3, 3), (-4, 2): xi X {show(xi['x'], 2)}, Y {show(xi['y'])}; (D1) {show(Q)}, C_max {show(C, 3)}; share of the "
        f"quadrant X {share['x']:.0%}, Y {share['y']:.0%}",
        "It holds for X charging (exactly at Delta = -eps): no one sign of eps satisfies this claim and the last.",
        {"x": xi["x"], "y": xi["y"], "D1": Q, "C": C, "share_x": share["x"], "share_y": share["y"]},
    )


@lru_cache(maxsize=8)
def _column4(delta: float, eps: float) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of the steps in T that do not rise and of the steps in B that fall, by metric."""
    T, B = np.meshgrid(np.linspace(0.1, 5, 41), np.linspace(0, 5, 41), indexing="ij")
    battery = Battery(axial=delta, rhombic=eps, zeeman=B)
    found = {"Q": closed_forms.capacity_paper(battery, T)}
    for axis in AXES:
        found[f"{axis} xi"] = closed_forms.ergotropy_max(battery, T, axis)
        found[f"{axis} P"] = closed_forms.power_max(battery, T, axis)
        found[f"{axis} C"] = closed_forms.charging_l1_max(battery, T, axis).l1
    hot = {name: float(np.mean(np.diff(value, axis=0) <= 1e-9)) for name, value in found.items()}
    drop = {name: float(np.mean(np.diff(value, axis=1) < -1e-9)) for name, value in found.items()}
    return hot, drop


def _temperature() -> Entry:
    shares = {pair: _column4(*pair)[0] for pair in PAIRS}
    worst = min(value for hot in shares.values() for value in hot.values())
    steep = min(_column4(2.0, 2.0)[0].values())
    return claim(
        "Fig. 10",
        "column 4 (B, T), T",
        "A higher T lowers every metric.",
        [
            ("at over 95 % of the steps, at " + ", ".join(f"({d:g}, {e:g})" for d, e in PAIRS), worst > 0.95),
            ("at every step", worst == 1),
        ],
        f"(Delta, eps) not stated: at least {worst:.1%} of the steps for those tried; at (2, 2) {steep:.1%}",
        values={"worst": worst, "worst_2_2": steep},
    )


def _field() -> Entry:
    drops = {pair: _column4(*pair)[1] for pair in PAIRS}
    worst = {name: max(drop[name] for drop in drops.values()) for name in drops[PAIRS[0]]}
    return claim(
        "Fig. 10",
        "column 4, B",
        "A larger B raises every metric.",
        [
            ("Q as (D1), B > 0: no step down", worst["Q"] == 0),
            ("xi, P and C: no step down", max(worst.values()) == 0),
        ],
        "largest share of steps down: " + ", ".join(f"{name} {value:.0%}" for name, value in worst.items()),
        f"The exception is Y charging at Delta = eps = 1 (at most {max(_of(drops[1.0, 1.0], 'y').values()):.1%} down).",
        worst | {"y_1_1": max(_of(drops[1.0, 1.0], "y").values())},
    )
