"""Which metric disagrees with its prediction, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from scipy.special import ndtr
from scipy.stats import chi2

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError

#: Sources that are computed, not measured, and against which measured ones are held.
PREDICTIONS = ("theory", "exact")

Prediction = Literal["exact", "theory"]

#: Chance of calling any of the metrics of a comparison wrong where all are right.
LEVEL = 0.01


@dataclass(frozen=True)
class Agreement:
    """One metric of one source against a prediction.

    points: with a score, which are the degrees of freedom of chi_squared, since nothing is fitted; p_value: of chi_squared.
    mean_z: sum of the scores over the root of their number, standard normal were the prediction right: it finds a shift of
    all points that chi-squared has no eye for; shift_p_value: two-sided, of mean_z. rms_z, worst_z: over the sweep. residual, residual_error: mean of measured minus predicted and its standard error; worst_residual: the one of
    the worst score, at the point `worst_at` (values of the swept parameters in their inner unit). All in `units`.
    """

    metric: str
    source: str
    points: int
    rms_z: float
    worst_z: float
    chi_squared: float
    p_value: float
    against: str = "exact"
    mean_z: float = 0.0
    shift_p_value: float = 1.0
    residual: float = np.nan
    residual_error: float = np.nan
    worst_residual: float = np.nan
    worst_at: tuple[tuple[str, float], ...] = ()
    units: str = "1"

    @property
    def degrees_of_freedom(self) -> int:
        """Of chi-squared."""
        return self.points

    @property
    def either_p_value(self) -> float:
        """Of the scatter and the shift together: twice the smaller of both, at most one."""
        return min(1.0, 2 * self.p_value, 2 * self.shift_p_value)


@dataclass(frozen=True)
class Fidelity:
    """Fidelity of one source's states with the predicted ones, over the sweep.

    mean: over points; lowest: the smallest, with its interval low to high at `level` (NaN without replicas), at the point
    `at`. one_sided: whether the interval reaches 1. excluded: number of points whose interval does not hold 1.
    """

    source: str
    against: str
    mean: float
    lowest: float
    low: float
    high: float
    level: float
    one_sided: bool
    excluded: int
    points: int
    at: tuple[tuple[str, float], ...]


def measured_sources(dataset: xr.Dataset) -> list[str]:
    """Sources with statistical errors, i.e. all but "theory" and "exact"."""
    return [str(s) for s in dataset.source.values if s not in PREDICTIONS]


def metric_names(dataset: xr.Dataset) -> list[str]:
    """The metrics of a Dataset: variables that have a `_z` beside them."""
    return [str(name) for name in dataset.data_vars if f"{name}_z" in dataset]


def residuals(dataset: xr.Dataset, metric: str, source: str, against: Prediction = "exact") -> xr.DataArray:
    """Measured minus predicted of a metric along the sweep, in the metric's unit. Raises ArgumentError for names it has not."""
    check_prediction(dataset, against)
    return dataset[metric].sel(source=source) - dataset[metric].sel(source=against)


def scores(dataset: xr.Dataset, metric: str, source: str, against: Prediction = "exact") -> xr.DataArray:
    """Normal scores along the sweep: standard normal were the prediction right, also where the metric is at its bound.

    Raises ArgumentError for a Dataset without them, as runs of older versions are.
    """
    check_prediction(dataset, against)
    name = f"{metric}_z" if against == "exact" else f"{metric}_z_theory"
    if name not in dataset:
        raise ArgumentError("dataset", f"one without {name}", "be of a run of this version; run it again")
    return dataset[name].sel(source=source)


def compare(dataset: xr.Dataset, against: Prediction = "exact") -> list[Agreement]:
    """Agreement of every measured source with the exact engine (or theory), metric by metric.

    The scores are standard normal if the prediction is right and points are independent, so their squares add up to
    chi-squared. Raises ArgumentError for a Dataset that holds nothing measured, or not this prediction.
    """
    return [
        _agreement(dataset, metric, source, against)
        for source in _measured(dataset)
        for metric in metric_names(dataset)
    ]


def disagreements(rows: Sequence[Agreement], level: float = LEVEL) -> list[Agreement]:
    """The rows that the prediction does not explain, by scatter or by shift, worst first.

    By Holm's procedure: the chance of calling any wrong where all are right is at most `level`.
    """
    ordered = sorted(rows, key=lambda row: (row.either_p_value, -row.chi_squared))
    found = []
    for k, row in enumerate(ordered):
        if not row.either_p_value <= level / (len(ordered) - k):
            break
        found.append(row)
    return found


def verdicts(dataset: xr.Dataset, rows: Sequence[Agreement], level: float = LEVEL) -> list[str]:
    """What a comparison comes to, in sentences: which metrics disagree, by how much and where; or that none does."""
    found = disagreements(rows, level)
    if not found:
        names = " and ".join(dict.fromkeys(row.source for row in rows))
        return [f"No metric of {names} disagrees with {rows[0].against} (at {level:.0%} for all of them together)."]
    return [_sentence(dataset, row) for row in found]


def fidelities(dataset: xr.Dataset, against: Prediction = "exact", level: float = 0.95) -> list[Fidelity]:
    """Fidelity of every measured source with the exact engine's states, or theory's. Empty for Datasets that hold none."""
    name = "fidelity" if against == "exact" else "fidelity_to_theory"
    check_prediction(dataset, against)
    if name not in dataset:
        return []
    return [_fidelity(dataset, name, source, against, level) for source in _measured(dataset)]


def check_prediction(dataset: xr.Dataset, against: str) -> None:
    """Raises ArgumentError unless the Dataset holds this prediction."""
    if against not in PREDICTIONS:
        raise ArgumentError("against", repr(against), "be exact or theory")
    if against not in dataset.source.values:
        raise ArgumentError("against", repr(against), "be a source of the data")


def described(dataset: xr.Dataset, place: Sequence[tuple[str, float]]) -> str:
    """A point of the sweep in words: "charge = 90 deg"."""
    return ", ".join(f"{name} = {in_words(dataset, name, value)}" for name, value in place)


def in_words(dataset: xr.Dataset, name: str, value: float) -> str:
    """A value of a swept parameter as people read it, with its unit."""
    unit = str(dataset[name].attrs.get("units", "1"))
    scale, shown = {"rad": (180 / np.pi, " deg"), "s": (1e3, " ms"), "1": (1.0, "")}.get(unit, (1.0, f" {unit}"))
    return f"{value * scale:.5g}{shown}"


def in_unit(units: str) -> str:
    """A unit as it follows a number: nothing for a pure one, and p alone for one per p."""
    return {"1": "", "1 p": " p"}.get(units, f" {units}")


def with_error(value: float, error: float) -> str:
    """A difference with its standard error, to two digits of the error."""
    if not np.isfinite(value):
        return "-"
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 12)) if error > 0 else 4
    return f"{value:+.{digits}f} ± {error:.{digits}f}"


def _measured(dataset: xr.Dataset) -> list[str]:
    sources = measured_sources(dataset)
    if not sources:
        raise ArgumentError("dataset", "one of exact sources only", "hold at least one measured source")
    return sources


def _agreement(dataset: xr.Dataset, metric: str, source: str, against: Prediction) -> Agreement:
    score, residual = scores(dataset, metric, source, against), residuals(dataset, metric, source, against)
    z = score.values
    known = np.isfinite(z)
    number = int(known.sum())
    about = {"metric": metric, "source": source, "against": against, "units": dataset[metric].attrs.get("units", "1")}
    if not number:
        return Agreement(points=0, rms_z=0.0, worst_z=0.0, chi_squared=0.0, p_value=1.0, **about)
    total = float(np.sum(z[known] ** 2))
    worst = np.unravel_index(int(np.argmax(np.where(known, np.abs(z), -1.0))), z.shape)
    errors = dataset[f"{metric}_error"].sel(source=source).values[known]
    return Agreement(
        points=number,
        rms_z=float(np.sqrt(total / number)),
        worst_z=float(z[worst]),
        chi_squared=total,
        p_value=float(chi2.sf(total, number)),
        mean_z=float(np.sum(z[known]) / np.sqrt(number)),
        shift_p_value=float(2 * ndtr(-abs(np.sum(z[known]) / np.sqrt(number)))),
        residual=float(residual.values[known].mean()),
        residual_error=float(np.sqrt(np.sum(errors**2)) / number),
        worst_residual=float(residual.values[worst]),
        worst_at=_place(score, worst),
        **about,
    )


def _fidelity(dataset: xr.Dataset, name: str, source: str, against: str, level: float) -> Fidelity:
    values = dataset[name].sel(source=source)
    f: FloatArray = values.values
    known = np.isfinite(f)
    where = np.unravel_index(int(np.argmin(np.where(known, f, np.inf))), f.shape)
    low, high, sided = (
        dataset[f"{name}_{end}"].sel(source=source).sel(level=level, method="nearest").values
        for end in ("low", "high", "one_sided")
    )
    return Fidelity(
        source=source,
        against=against,
        mean=float(f[known].mean()),
        lowest=float(f[where]),
        low=float(low[where]),
        high=float(high[where]),
        level=level,
        one_sided=bool(sided[where]),
        excluded=int(np.sum(high[known] < 1)),
        points=int(known.sum()),
        at=_place(values, where),
    )


def _place(values: xr.DataArray, index: Sequence[Any]) -> tuple[tuple[str, float], ...]:
    return tuple((str(name), float(values[name].values[k])) for name, k in zip(values.dims, index, strict=True))


def _sentence(dataset: xr.Dataset, row: Agreement) -> str:
    unit = in_unit(row.units)
    text = dataset[row.metric].attrs.get("long_name", row.metric)
    return (
        f"{text} of {row.source} disagrees with {row.against}: chi-squared {row.chi_squared:.1f} on {row.points} degrees of "
        f"freedom (p = {row.p_value:.1e}), shift z = {row.mean_z:+.1f}; it is off by {with_error(row.residual, row.residual_error)}{unit} in the mean, and "
        f"by {row.worst_residual:+.3g}{unit} (z = {row.worst_z:+.1f}) at {described(dataset, row.worst_at)}."
    )
