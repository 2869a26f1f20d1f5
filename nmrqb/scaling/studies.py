"""The studies as labelled data: power against the number of spins, against couplings and field, and superabsorption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nmrqb.battery.model import Battery
from nmrqb.scaling.chargers import NAMES, SCALINGS, charger
from nmrqb.scaling.fits import exponent
from nmrqb.scaling.paper_protocol import GRAPHS, ceiling, local_charge, on_graph
from nmrqb.scaling.pulse import Peak, best_average_power
from nmrqb.scaling.superabsorption import RESOURCES, cavity_peak
from nmrqb.spin.many import Told

if TYPE_CHECKING:
    import xarray as xr

Progress = Callable[[int, int], Any]

#: Quantities of a Peak with their units, in terms of one spin's splitting and the charger's own unit.
UNITS = {"power": "splitting x charger", "time": "1/charger", "energy": "splitting", "speed": "splitting x charger"}
UNITS["ceiling"] = UNITS["power"]


def power_against_size(
    sizes: Sequence[int], *, limit: float | None = None, tell: Told | None = None, progress: Progress | None = None
) -> xr.Dataset:
    """Every charger and scaling at every n: power, charging time, energy, and both bounds, with fitted exponents.

    Dimensions charger, scaling, n; NaN where a scaling means nothing. exponent and exponent_error are of the power,
    time_exponent of the charging time. Raises ArgumentError as `best_average_power`.
    """
    shape = (len(NAMES), len(SCALINGS), len(sizes))
    found = {name: np.full(shape, np.nan) for name in Peak.__annotations__}
    for done, (a, b, c) in enumerate(np.ndindex(*shape)):
        if not (SCALINGS[b] == "kac" and NAMES[a] in ("parallel", "collective")):
            peak = best_average_power(charger(NAMES[a], sizes[c], SCALINGS[b]), limit=limit, tell=tell)
            for name, values in found.items():
                values[a, b, c] = getattr(peak, name)
        if progress:
            progress(done + 1, int(np.prod(shape)))
    return _with_exponents(found, ("charger", NAMES), ("scaling", SCALINGS), sizes)


def superabsorption(sizes: Sequence[int]) -> xr.Dataset:
    """Spins in one mode with as many photons, under each of RESOURCES, beside as many with a mode and a photon each."""
    names = (*RESOURCES, "parallel")
    alone = cavity_peak(1)
    found = {name: np.empty((len(names), 1, len(sizes))) for name in Peak.__annotations__}
    for a, c in np.ndindex(len(names), len(sizes)):
        n = sizes[c]
        peak = (
            cavity_peak(n, names[a])
            if names[a] != "parallel"
            else Peak(n * alone.power, alone.time, n * alone.energy, n * alone.speed, n * alone.ceiling)
        )
        for name, values in found.items():
            values[a, 0, c] = getattr(peak, name)
    data = _with_exponents(found, ("fixed", names), ("photons", ("n",)), sizes)
    return data.isel(photons=0, drop=True)


def against_couplings(n: int, names: Sequence[str], ratios: Sequence[float], *, tell: Told | None = None) -> xr.Dataset:
    """Power of double-quantum chargers at one n while a field, or the axial coupling of each pair, stays on.

    ratios: B, or Delta, in units of the neighbours' double-quantum coupling. Dimensions term, charger, ratio. Chargers are
    raw: what stays on costs norm of its own, which `norm` (same dimensions) tells.
    """
    import xarray as xr

    terms = ("field", "axial")
    shape = (len(terms), len(names), len(ratios))
    power, time, norm = (np.empty(shape) for _ in range(3))
    for a, b, c in np.ndindex(*shape):
        made = charger(names[b], n, **{terms[a]: float(ratios[c])})  # type: ignore[arg-type]
        peak = best_average_power(made, tell=tell)
        power[a, b, c], time[a, b, c], norm[a, b, c] = peak.power, peak.time, made.norm
    dims = ("term", "charger", "ratio")
    coords = {"term": list(terms), "charger": list(names), "ratio": np.asarray(ratios, dtype=float)}
    return xr.Dataset({"power": (dims, power), "time": (dims, time), "norm": (dims, norm)}, coords, {"spins": n})


def paper_protocol(
    battery: Battery, temperature: float, sizes: Sequence[int], *, tell: Told | None = None
) -> xr.Dataset:
    """The Gibbs state charged by local X on each of GRAPHS: power per Omega, energy, and what any unitary would store."""
    import xarray as xr

    names = ("power", "phi", "energy", "width", "ceiling")
    values = np.empty((len(names), len(GRAPHS), len(sizes)))
    for a, c in np.ndindex(len(GRAPHS), len(sizes)):
        cluster = on_graph(GRAPHS[a], sizes[c], battery)
        found = local_charge(cluster, temperature, tell=tell)
        values[:, a, c] = found.power, found.phi, found.energy, found.width, ceiling(cluster, temperature).value
    dims = ("graph", "n")
    data: dict[str, Any] = {name: (dims, values[k]) for k, name in enumerate(names)}
    fits = [[exponent(sizes, values[k, a])[:2] for a in range(len(GRAPHS))] for k in (0, 3)]
    data["exponent"] = ("graph", np.array(fits[0])[:, 0])
    data["exponent_error"] = ("graph", np.array(fits[0])[:, 1])
    data["width_exponent"] = ("graph", np.array(fits[1])[:, 0])
    couplings = {name: float(np.asarray(getattr(battery, name))) for name in battery.__dataclass_fields__}
    attributes = {**couplings, "temperature": temperature}
    return xr.Dataset(data, {"graph": list(GRAPHS), "n": list(sizes)}, attributes)


def _with_exponents(
    found: dict[str, np.ndarray],
    first: tuple[str, Sequence[str]],
    second: tuple[str, Sequence[str]],
    sizes: Sequence[int],
) -> xr.Dataset:
    import xarray as xr

    dims = (first[0], second[0], "n")
    shape = found["power"].shape[:2]
    fits = np.full((3, *shape), np.nan)
    for a, b in np.ndindex(*shape):
        if np.all(np.isfinite(found["power"][a, b])):
            fits[0, a, b], fits[1, a, b], _ = exponent(sizes, found["power"][a, b])
            fits[2, a, b] = exponent(sizes, found["time"][a, b]).value
    data: dict[str, Any] = {name: (dims, values, {"unit": UNITS[name]}) for name, values in found.items()}
    for name, fit in zip(("exponent", "exponent_error", "time_exponent"), fits, strict=True):
        data[name] = (dims[:2], fit)
    return xr.Dataset(data, {first[0]: list(first[1]), second[0]: list(second[1]), "n": list(sizes)})
