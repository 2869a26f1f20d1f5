"""What the figures do not state, and which choice fits the text best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nmrqb import metrics
from nmrqb.battery import Battery, closed_forms
from nmrqb.paper.claims import Entry, largest, random_batteries, rising, show
from nmrqb.paper.claims_density import POINTS, maps
from nmrqb.paper.claims_dephasing import GAMMA
from nmrqb.paper.claims_figures import AXES, FIG6, FIG8, FIG9, TRIED, saturation_axial
from nmrqb.paper.claims_temperature import window
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.propagation import lindblad
from nmrqb.spin.states import basis_state, pure_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nmrqb.checks import ComplexArray, FloatArray

SECTION = "Parameters the paper does not state"


def entries() -> Iterator[Entry]:
    """One entry per figure that leaves something out."""
    yield _initial_state()
    yield _figure4()
    yield _figure5()
    yield _figure6()
    low, high = window("x")
    yield _entry(
        "Fig. 7",
        "B",
        f"B = 1, X charging: the text holds for {low:.3f} <= B <= {high:.3f}",
        f"window {low:.4f} to {high:.4f}",
        {"window": np.array([low, high])},
    )
    yield _figure8()
    yield _figure9()
    yield _figure10()
    yield _partition_function()


def _entry(item: str, what: str, best: str, numbers: str, values: Mapping[str, FloatArray | float]) -> Entry:
    return Entry(SECTION, item, f"Not stated: {what}.", "not stated", numbers, f"Best match: {best}.", values=values)


def candidate_states() -> dict[str, ComplexArray]:
    """The initial states tried for Fig. 3: products along the axes, Bell states and relatives, the mixed state."""
    letters = "01+-rl"
    states = {a + b: basis_state(a + b) for a in letters for b in letters}
    entangled: dict[str, list[complex]] = {
        "Phi+": [1, 0, 0, 1], "Phi-": [1, 0, 0, -1], "Psi+": [0, 1, 1, 0], "Psi-": [0, 1, -1, 0],
        "|00>+i|11>": [1, 0, 0, 1j], "|01>+i|10>": [0, 1, 1j, 0],
    }  # fmt: skip
    states |= {name: pure_state(amplitudes) for name, amplitudes in entangled.items()}
    states["mixed"] = np.diag(np.full(4, 0.25 + 0j))
    return states


#: Dense at first, where the fastest panels (couplings of 10) have their highest peaks.
_TIMES = np.concatenate([np.arange(0, 0.5, 0.0025), np.arange(0.5, 10, 0.025)])

#: The panels of Fig. 3 with B, D, G, Delta varied, and those with eps, as couplings for `Battery`.
_PANELS: dict[str, Battery] = {
    "D": Battery(axial=1, rhombic=0.5, dm=np.array([0.1, 1.0, 10.0])),
    "Delta": Battery(axial=np.array([0.1, 1.0, 10.0]), rhombic=0.5),
    "eps": Battery(rhombic=np.array([0.1, 1.0, 10.0])),
    "B": Battery(axial=1, rhombic=0.5, zeeman=np.array([0.1, 1.0, 10.0])),
    "G": Battery(axial=1, rhombic=0.5, ksea=np.array([0.1, 1.0, 10.0])),
}


def _initial_state() -> Entry:
    """Which states make D and Delta irrelevant, eps and G raise and B lower the peaks of l1 and concurrence."""
    states = candidate_states()
    fixed = np.stack(list(states.values()))
    passes = {name: _passes(fixed, panel, name) for name, panel in _PANELS.items()}
    gibbs = {}
    for T in (1.0, 0.1):
        starts = {name: panel.gibbs_state(T)[None] for name, panel in _PANELS.items()}
        gibbs[f"Gibbs T={T:g}"] = all(bool(_passes(starts[n], p, n)[0]) for n, p in _PANELS.items())
    every = np.all(list(passes.values()), axis=0)
    fitting = [name for name, good in zip(states, every, strict=True) if good]
    fitting += [name for name, good in gibbs.items() if good]
    counts = np.array([int(np.sum(good)) for good in passes.values()])
    values: dict[str, FloatArray | float] = {"counts": counts.astype(float), "tried": float(len(states) + len(gibbs))}
    values.update(dict.fromkeys(fitting, 1.0))
    return _entry(
        "Fig. 3",
        "the initial state",
        " or ".join(f"|{name}>" if len(name) == 2 else name for name in fitting) or "none",
        f"{len(states) + len(gibbs)} states tried against the five claims on D, Delta, eps, B, G; passing each: "
        + ", ".join(f"{name} {count}" for name, count in zip(passes, counts, strict=True))
        + "; |00> and |11> are equivalent under B -> -B",
        values,
    )


def _passes(starts: ComplexArray, panel: Battery, name: str) -> FloatArray:
    """For which starts (n, [3,] 4, 4) the claim on one coupling holds over t in [0, 10]; bool (n,)."""
    jumps = np.stack([np.sqrt(GAMMA) * pauli_string(label) for label in ("XI", "IX")])
    start = starts if starts.ndim == 4 else starts[:, None]
    rho = lindblad(panel.hamiltonian(), jumps, start, _TIMES)
    l1 = metrics.l1_coherence(rho, check=False)
    E = metrics.concurrence(rho, check=False)
    if name in ("D", "Delta"):
        return np.all([np.abs(c - c[:, :1]).max(axis=(1, 2)) < 1e-6 for c in (l1, E)], axis=0)
    peaks = np.stack([c.max(axis=-1) for c in (l1, E)])
    steps = np.diff(peaks, axis=-1) * (-1 if name == "B" else 1)
    return np.all(steps > 1e-6, axis=(0, 2))


def _figure4() -> Entry:
    tried = np.array([0.0, 0.5, 1.0])
    axial = np.array([0.1, 1.0, 10.0])
    cutoff = closed_forms.cutoff_temperature(Battery(axial=axial, rhombic=tried[:, None], zeeman=0.01))
    good = np.array([rising(row) for row in cutoff])
    return _entry(
        "Fig. 4 m-o",
        "eps",
        "eps = " + " or ".join(f"{e:g}" for e in tried[good]),
        "cutoff rises with Delta at eps = " + ", ".join(f"{e:g}: {'yes' if g else 'no'}" for e, g in zip(tried, good, strict=True)),
        {"good": good.astype(float), "cutoff": cutoff},
    )  # fmt: skip


def _figure5() -> Entry:
    T = np.array([0.25, 0.5, 1.0, 1.5, 2.0])
    at = np.array([saturation_axial(t) for t in T])
    best = T[np.argmin(np.abs(at - 3))]
    return _entry(
        "Fig. 5",
        "T",
        f"T = {best:g} (coherence said to saturate near Delta = 3)",
        f"C_max reaches 2.9 at Delta = {show(at, 3)} for T = {show(T)}",
        {"at": at, "best": float(best)},
    )


def _temperatures(battery: Battery, metric: str) -> dict[str, FloatArray]:
    """The temperatures tried at which a metric's peak rises at every step of the figure, per axis."""
    function = {
        "xi": closed_forms.ergotropy_max,
        "P": closed_forms.power_max,
        "C": lambda b, T, a: closed_forms.charging_l1_max(b, T, a).l1,
    }[metric]
    return {a: TRIED[[rising(function(battery, T, a)) for T in TRIED]] for a in AXES}


def _lowest(found: dict[str, FloatArray]) -> str:
    return ", ".join(f"{axis.upper()} {_interval(T)}" for axis, T in found.items())


def _interval(T: FloatArray) -> str:
    if T.size == 0:
        return "at none"
    upward = np.array_equal(T, TRIED[T.min() <= TRIED])
    return f"T >= {T.min():g}" if upward else f"T = {show(T)}"


def _fit(item: str, what: str, battery: Battery, needed: tuple[str, ...]) -> Entry:
    """The temperatures at which all the needed metrics rise with the figure's coupling."""
    by_metric = {m: _temperatures(battery, m) for m in ("xi", "P", "C")}
    both = {a: np.array([t for t in TRIED if all(t in by_metric[m][a] for m in needed)]) for a in AXES}
    return _entry(
        item,
        what,
        f"{_lowest(both)} ({' and '.join(needed)} rise)",
        f"of T = {show(TRIED)}, rising with the coupling: "
        + "; ".join(f"{m} {_lowest(found)}" for m, found in by_metric.items()),
        {f"{m}_{a}": v for m, found in by_metric.items() for a, v in found.items()} | {f"best_{a}": v for a, v in both.items()},
    )  # fmt: skip


def _figure6() -> Entry:
    return _fit("Fig. 6", "T", FIG6, ("xi",))


def _figure8() -> Entry:
    return _fit("Fig. 8", "T", FIG8, ("xi", "P"))


def _figure9() -> Entry:
    return _fit("Fig. 9", "T", FIG9, ("xi", "P", "C"))


def _figure10() -> Entry:
    """Which charging axis satisfies which of the two claims on the third column."""
    found = maps("rhombic")
    rhombic, axial = np.meshgrid(np.linspace(-5, 5, POINTS), np.linspace(-5, 5, POINTS), indexing="ij")
    corner, diagonal = (axial < -1) & (rhombic > 1), (axial == rhombic) & (axial > 0)
    dark = {a: found[f"{a} xi"] < 0.02 * found[f"{a} xi"].max() for a in AXES}
    share = {a: (float(dark[a][corner].mean()), float(dark[a][diagonal].mean())) for a in AXES}
    both = [a.upper() for a in AXES if min(share[a]) > 0.75]
    return _entry(
        "Fig. 10",
        "the ranges of the axes, Delta and eps of the last column, the charging axis",
        (" and ".join(both) + " charging" if both else "none for the charging axis: the text mixes both conventions"),
        "claim of xi = 0 met (part of the points): "
        + "; ".join(f"{a.upper()} {share[a][0]:.0%} for Delta < 0 < eps, {share[a][1]:.0%} for Delta = eps" for a in AXES),
        {f"{a}_{name}": value for a in AXES for name, value in zip(("corner", "diagonal"), share[a], strict=True)}
        | {"both": float(len(both))},
    )  # fmt: skip


def _partition_function() -> Entry:
    """The Z with which (D2) is an ergotropy at D = 0."""
    battery, T = random_batteries()
    plain = replace(battery, dm=0.0)
    printed = closed_forms.ergotropy_as_printed(plain, T, 0.6)
    off = largest(printed - closed_forms.ergotropy(plain, T, 0.6, "y"))
    bare = largest(printed * np.exp(closed_forms.log_partition_function(plain, T)) - printed)
    return _entry(
        "(D2)",
        "Z",
        "Tr exp(-H/T)",
        f"with it, at D = 0, (D2) is the ergotropy of y charging to {off:.1g}; without it off by {bare:.2g}",
        {"off": off, "bare": bare},
    )
