"""Fig. 3: coherence, discord and concurrence under Pauli-X dephasing, claim by claim.

The initial state is not stated; |00> is taken (see the entry on it). Each claim is judged over t in [0, 15] at gamma = .2
on the couplings of its panels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmrqb.battery import Battery, closed_forms
from nmrqb.paper.claims import Entry, claim, falling, largest, rising, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from nmrqb.checks import FloatArray

SECTION = "Fig. 3 (dephasing from |00>)"
GAMMA = 0.2
TIMES = np.linspace(0, 15, 3001)
_UP = np.diag([1.0, 0, 0, 0])


class Curves(NamedTuple):
    """l1 coherence C, discord D and concurrence E over TIMES, each (..., T)."""

    C: FloatArray
    D: FloatArray
    E: FloatArray


def curves(battery: Battery, times: ArrayLike = TIMES) -> Curves:
    """The three measures along the dephasing of |00>."""
    rho = closed_forms.dephased_x_state(battery, _UP, GAMMA, times)
    E = closed_forms.x_state_concurrence(rho)
    return Curves(closed_forms.x_state_l1(rho), closed_forms.x_state_discord(rho), np.where(E > 1e-12, E, 0.0))


def entries() -> Iterator[Entry]:
    """The six claims and the one of the summary, in the paper's order."""
    panels = {
        "eps": curves(Battery(rhombic=np.array([0.1, 1.0, 10.0]))),
        "B": curves(Battery(axial=1, rhombic=0.5, zeeman=np.array([0.0, 0.1, 1.0, 10.0]))),
        "D": curves(Battery(axial=1, rhombic=0.5, dm=np.array([0.1, 1.0, 10.0]))),
        "G": curves(Battery(axial=1, rhombic=0.5, ksea=np.array([0.0, 0.1, 1.0, 10.0]))),
        "Delta": curves(Battery(axial=np.array([0.1, 1.0, 10.0]), rhombic=0.5)),
    }
    yield _hierarchy(panels)
    yield _rhombic(panels["eps"])
    yield _longevity()
    yield _zeeman(panels["B"])
    yield _dm(panels["D"])
    yield _ksea(panels["G"])
    yield _axial(panels["Delta"])


def _last_above(curve: FloatArray, level: float) -> FloatArray:
    """The last time at which each curve (..., T) exceeds a level; 0 if it never does."""
    above = curve > level
    return np.where(above.any(axis=-1), TIMES[TIMES.size - 1 - np.argmax(above[..., ::-1], axis=-1)], 0.0)


def _hierarchy(panels: dict[str, Curves]) -> Entry:
    eps = panels["eps"]
    last = np.array([_last_above(curve, 0.01)[1] for curve in eps])
    excess = {name: float(np.max(c.E - c.D)) for name, c in panels.items()}
    G1 = float(np.max(panels["G"].E[2] - panels["G"].D[2]))
    lives = {name: np.array([_last_above(curve, 0.01) for curve in c]) for name, c in panels.items()}
    strong = lives["B"][:, 3]
    lives["B"] = lives["B"][:, :3]
    ordered = all(np.all(t[0] >= t[1]) and np.all(t[1] >= t[2]) for t in lives.values())
    return claim(
        SECTION,
        "1",
        "Coherence is the most robust, then discord, then concurrence.",
        [
            ("by lifetime (last time above .01), B = 10 apart", ordered),
            ("by lifetime at B = 10", strong[0] >= strong[1] >= strong[2]),
            ("by value (discord at or above concurrence at all times)", max(excess.values()) <= 1e-9),
        ],
        f"last above .01 at t = {show(last, 3)} (C, D, E) at eps = 1, {show(strong, 2)} at B = 10; concurrence exceeds discord by up to "
        f"{excess['eps']:.3f} in (a-c), {G1:.3f} at G=1",
        values={"last": last, "last_B10": strong, "excess_eps": excess["eps"], "excess_G1": G1},
    )


def _rhombic(c: Curves) -> Entry:
    peaks = np.array([curve.max(axis=-1) for curve in c])
    revivals = np.array([np.count_nonzero(np.diff(np.sign(np.diff(row))) < 0) for row in c.C])
    return claim(
        SECTION,
        "2",
        "A larger eps raises every peak and quickens collapse and revival.",
        [
            ("the peaks of C, D and E rise with eps", all(rising(row) for row in peaks)),
            ("C has more maxima the larger eps", rising(revivals)),
        ],
        "peaks at eps = .1, 1, 10: " + ", ".join(f"{n} {show(row, 3)}" for n, row in zip("CDE", peaks, strict=True)),
        f"E is zero throughout panel (a): |00> never becomes entangled unless |eps| > gamma/2 = "
        f"{float(closed_forms.entanglement_threshold(GAMMA)):.2g}.",
        {"C": peaks[0], "D": peaks[1], "E": peaks[2]},
    )


def _longevity() -> Entry:
    eps = np.array([0.1, 1.0, 10.0])
    death = closed_forms.entanglement_death_time(Battery(rhombic=eps), GAMMA)
    bound = float(closed_forms.entanglement_death_bound(GAMMA))
    envelope = closed_forms.dephased_from_00_l1(Battery(rhombic=eps[:, None]), GAMMA, TIMES) / np.exp(
        -2 * GAMMA * TIMES
    )
    tops = envelope.max(axis=-1)
    return claim(
        SECTION,
        "summary",
        "A larger eps makes quantum correlations last longer.",
        [
            ("the envelope of l1 decays more slowly for larger eps", largest(tops - 1) > 0.01),
            ("there is entanglement at eps = 1 and none at eps = .1", death[1] > 0 == death[0]),
            ("entanglement lasts longer by more than 10 % from eps = 1 to 10", death[2] > 1.1 * death[1]),
        ],
        f"last E > 0 at eps = .1, 1, 10: {show(death, 3)} (0: never); whatever eps not after {bound:.4f}; "
        f"l1 exp(2 gamma t) peaks at {show(tops, 3)}",
        "l1 = exp(-2 gamma t)|sin 4 eps t|: eps sets the frequency, not the decay.",
        {"death": death, "bound": bound},
    )


def _zeeman(c: Curves) -> Entry:
    peaks = np.array([curve[1:].max(axis=-1) for curve in c])
    small = np.array([_last_above(c.D, 0.01)[3], _last_above(c.E, 0.01)[3]])
    fine = curves(Battery(axial=1, rhombic=0.5, zeeman=10.0), np.linspace(0, 1, 2001))
    quick = np.array([np.linspace(0, 1, 2001)[np.flatnonzero(curve > 0.01)[-1]] for curve in (fine.D, fine.E)])
    late = c.C[:2, np.argmin(np.abs(TIMES - 12))]
    maxima = np.array([np.count_nonzero(np.diff(np.sign(np.diff(row))) < 0) for row in c.C[1:]])
    return claim(
        SECTION,
        "3",
        "A larger B lowers the amplitude and raises the frequency; D and E soon vanish.",
        [
            ("the peaks of C, D and E fall with B", all(falling(row) for row in peaks)),
            ("C has more maxima the larger B", rising(maxima)),
            ("at B = 10 discord and concurrence stay below .01 after t = .2", small.max() < 0.2),
        ],
        "peaks at B = .1, 1, 10: "
        + ", ".join(f"{n} {show(row, 3)}" for n, row in zip("CDE", peaks, strict=True))
        + f"; B = 10: D, E below .01 after t = {show(quick, 2)}; but C at t = 12 is {late[1]:.3f} at B = .1 against "
        f"{late[0]:.3f} at B = 0",
        "A small field prolongs l1.",
        {"C": peaks[0], "D": peaks[1], "E": peaks[2], "quick": quick, "late": late},
    )


def _spread(c: Curves) -> float:
    return max(largest(curve - curve[:1]) for curve in c)


def _dm(c: Curves) -> Entry:
    change = {}
    for name, couplings in (("B", {"zeeman": 0.5}), ("G", {"ksea": 0.5})):
        battery = Battery(axial=1, rhombic=0.5, dm=np.array([0.0, 1.0, 10.0]), **couplings)
        rho = closed_forms.dephased_x_state(battery, _UP, GAMMA, np.linspace(0, 6, 12001))  # D = 10 oscillates fast
        C = closed_forms.x_state_l1(rho)
        change[name] = np.abs(C[1:] - C[0]).max(axis=-1)
    return claim(
        SECTION,
        "4",
        "D has no effect under dephasing.",
        [
            ("none on C, D, E in panels (g-i), where B = G = 0", _spread(c) < 1e-9),
            ("none with a field or KSEA coupling", max(map(largest, change.values())) < 1e-9),
        ],
        f"panels: {_spread(c):.1g}; l1 changes by up to {show(change['B'], 2)} (B = .5, D = 1, 10), {show(change['G'], 2)} "
        "(G = .5)",
        "True only because B = G = 0 and the start is |00>: the odd block then never gains coherence.",
        {"spread": _spread(c), "B": change["B"], "G": change["G"]},
    )


def _ksea(c: Curves) -> Entry:
    peaks = np.array([curve.max(axis=-1) for curve in c])
    maxima = np.array([np.count_nonzero(np.diff(np.sign(np.diff(row))) < 0) for row in c.C[1:]])
    last = _last_above(c.E, 0.0)
    return claim(
        SECTION,
        "5",
        "A larger G gives faster oscillations and higher peaks, but nothing lasting.",
        [
            ("the peaks of C, D and E rise from G = .1 to 10", all(rising(row[1:]) for row in peaks)),
            ("C has more maxima the larger G", rising(maxima)),
            ("concurrence ends by t = 2.5 at every G", last.max() < 2.5),
        ],
        "peaks at G = 0, .1, 1, 10: " + ", ".join(f"{n} {show(row, 3)}" for n, row in zip("CDE", peaks, strict=True)),
        "The peak of D at G = .1 lies below that at G = 0." if peaks[1, 1] < peaks[1, 0] else "",
        {"C": peaks[0], "D": peaks[1], "E": peaks[2]},
    )


def _axial(c: Curves) -> Entry:
    field = curves(Battery(axial=np.array([0.1, 1.0, 10.0]), rhombic=0.5, ksea=0.5, zeeman=0.5))
    both = curves(Battery(axial=np.array([0.1, 1.0, 10.0]), rhombic=0.5, dm=1.0, zeeman=0.5)).C
    change = largest(both - both[1])
    return claim(
        SECTION,
        "6",
        "Delta has no effect under dephasing.",
        [
            ("none in panels (m-o)", _spread(c) < 1e-9),
            ("none with B and G, as long as D = 0", _spread(field) < 1e-9),
            ("none with B and D together", change < 1e-9),
        ],
        f"panels {_spread(c):.1g}, with B = G = .5 {_spread(field):.1g}; with B = .5, D = 1 l1 changes by up to {change:.2f}",
        values={"spread": _spread(c), "field": _spread(field), "both": change},
    )
