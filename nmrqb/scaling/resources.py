"""What N spins hold while they are charged: energy, ergotropy, power, coherence, its orders, and entanglement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.metrics.many import (
    pure_l1_coherence,
    pure_multiple_quantum_intensities,
    pure_relative_entropy_of_coherence,
    pure_renyi2,
)
from nmrqb.scaling.chargers import lowest_level
from nmrqb.spin import many
from nmrqb.spin.masks import PauliSum

if TYPE_CHECKING:
    import xarray as xr


def resources(
    charger: PauliSum,
    H: PauliSum,
    times: ArrayLike,
    *,
    start: int = 0,
    side: Iterable[int] | None = None,
    limit: float | None = None,
    tell: many.Told | None = None,
) -> xr.Dataset:
    """A basis state `start` charged by `charger`, at times (T,): stored_energy and ergotropy of the battery H, power,
    l1_coherence, relative_entropy_of_coherence, renyi2 of the spins in `side` (the first half when left out), and
    intensity of each coherence order.

    The state is pure, so its ergotropy is its energy above H's lowest level, exactly. Power is <i [charger, H]>, the
    rate at which energy enters. Raises ArgumentError, with the bytes where something does not fit.
    """
    import xarray as xr

    t = checks.non_negative("times", times).reshape(-1)
    if charger.n != H.n:
        raise ArgumentError("H", f"one of {H.n} spins", f"act on the {charger.n} spins of the charger")
    if not 0 <= start < H.dimension:
        raise ArgumentError("start", start, f"be a basis state, 0 to {H.dimension - 1}")
    half = range(max(H.n // 2, 1)) if side is None else tuple(side)
    many.plan(charger, t, limit=limit, keep=False)  # refused before a state is made
    psi = np.zeros(H.dimension, dtype=complex)
    psi[start] = 1.0

    def look(state: np.ndarray) -> list[float]:
        seen, applied = state[:, 0], H.apply(state)[:, 0]
        rate = 2 * float(np.vdot(applied, charger.apply(state)[:, 0]).imag)
        coherence = (float(pure_l1_coherence(seen)), float(pure_relative_entropy_of_coherence(seen)))
        numbers = [float(np.vdot(seen, applied).real), rate, *coherence, float(pure_renyi2(seen, half))]
        return numbers + pure_multiple_quantum_intensities(seen).tolist()

    found = many.observe(charger, psi, t, look, limit=limit, tell=tell)
    first = float(np.vdot(psi, H.apply(psi)).real)
    names = ("power", "l1_coherence", "relative_entropy_of_coherence", "renyi2")
    data = {name: ("time", found[:, k + 1]) for k, name in enumerate(names)}
    data["stored_energy"] = ("time", found[:, 0] - first)
    data["ergotropy"] = ("time", np.maximum(found[:, 0] - lowest_level(H, limit), 0.0))
    whole: dict[str, object] = {**data, "intensity": (("time", "order"), found[:, 5:])}
    return xr.Dataset(whole, {"time": t, "order": np.arange(-H.n, H.n + 1)}, {"side": list(half)})
