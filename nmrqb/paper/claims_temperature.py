"""Fig. 7: the battery at five temperatures. Its field B is not stated; B = 1 is taken, and the claims searched over B."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb.battery import Battery, closed_forms
from nmrqb.paper.claims import Entry, claim, falling, show
from nmrqb.paper.claims_figures import AXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nmrqb.checks import FloatArray

SECTION = "Fig. 7 (T, at B = 1)"
TEMPERATURES = np.array([0.5, 1.0, 1.5, 2.0, 4.0])
FIG7 = Battery(axial=1, rhombic=0.1, zeeman=1)


def entries() -> Iterator[Entry]:
    """The claims on the metrics, on capacity and on the time of full charge."""
    yield _metrics()
    yield _capacity()
    yield _times()


def _metrics() -> Entry:
    peaks = {
        axis: np.stack(
            [
                closed_forms.ergotropy_max(FIG7, TEMPERATURES, axis),
                closed_forms.power_max(FIG7, TEMPERATURES, axis),
                closed_forms.charging_l1_max(FIG7, TEMPERATURES, axis).l1,
            ]
        )
        for axis in AXES
    }
    return claim(
        SECTION,
        "metrics",
        "A higher T lowers xi, P and C.",
        [
            (f"{name} falls, {axis.upper()} charging", falling(row))
            for axis in AXES
            for name, row in zip(("xi", "P", "C"), peaks[axis], strict=True)
        ],
        "X: " + ", ".join(f"{n} {show(row)}" for n, row in zip(("xi", "P", "C"), peaks["x"], strict=True)),
        values={axis: peaks[axis] for axis in AXES},
    )


def _capacity() -> Entry:
    senses = {
        "(D1)": closed_forms.capacity_paper(FIG7, TEMPERATURES),
        "the unitary orbit": closed_forms.capacity_orbit(FIG7, TEMPERATURES),
        "the spectral gap": np.broadcast_to(closed_forms.capacity_gap(FIG7), TEMPERATURES.shape),
        "eq. (27)": np.broadcast_to(closed_forms.capacity_ground(FIG7), TEMPERATURES.shape),
    }
    return claim(
        SECTION,
        "capacity",
        "Q falls with T, not linearly.",
        [(f"Q as {name}", falling(value)) for name, value in senses.items()],
        "; ".join(f"{name} {show(value)}" for name, value in senses.items()),
        "The last two do not know the temperature.",
        senses,
    )


def later_when_cold(B: FloatArray, axis: str, strict: bool) -> NDArray[np.bool_]:
    """For which fields (n,) the time of full charge falls with T: at every step, or (not strict) never rising."""
    columns = Battery(axial=1, rhombic=0.1, zeeman=np.asarray(B)[:, None])
    steps = np.diff(closed_forms.full_charge_angle(columns, TEMPERATURES, axis), axis=-1)
    if strict:
        return np.all(steps < -1e-9, axis=-1)
    return np.all(steps < 1e-9, axis=-1) & (steps.sum(axis=-1) < -1e-9)


def window(axis: str, strict: bool = False) -> FloatArray:
    """The lowest and highest B in [0, 3], to 1e-4, at which charging takes longer the colder it is; NaN if at none."""
    B = np.linspace(0, 3, 30001)
    fitting = B[later_when_cold(B, axis, strict)]
    return np.array([fitting.min(), fitting.max()]) if fitting.size else np.full(2, np.nan)


def _times() -> Entry:
    tau = {axis: closed_forms.full_charge_angle(FIG7, TEMPERATURES, axis) / np.pi for axis in AXES}
    weak, strict, never = window("x"), window("x", strict=True), window("y")
    return claim(
        SECTION,
        "charging time",
        "The colder, the later the battery is full, the rate hardly changing.",
        [
            ("X charging at B = 1: tau falls with T", falling(tau["x"])),
            ("X charging at B = 1: by less than 3 % over all T", np.ptp(tau["x"]) < 0.03 * tau["x"].mean()),
            ("Y charging at B = 1: tau falls with T", falling(tau["y"])),
        ],
        f"tau/pi X {show(tau['x'])}, Y {show(tau['y'])}; X charging only for {weak[0]:.3f} <= B <= {weak[1]:.3f} (at every "
        f"step of T to {strict[1]:.3f}), Y charging "
        + ("for no B up to 3" if np.isnan(never[0]) else f"for {never[0]:.3f} <= B <= {never[1]:.3f}"),
        "Best explained by B = 1 and X charging behind this figure.",
        {"x": tau["x"], "y": tau["y"], "window": weak, "window_strict": strict, "window_y": never},
    )
