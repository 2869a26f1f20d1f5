"""Which points a sweep goes through: every combination of some values, or points drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError

#: Points of one sweep.
MAX_POINTS = 10_000_000


@dataclass(frozen=True)
class Design:
    """Points of a sweep. values: (points,) of each parameter. axes: values along each axis of a grid, in the order of the
    points (the last axis runs fastest); empty where points are no grid. units: of each parameter, for labels.
    """

    values: Mapping[str, FloatArray]
    axes: Mapping[str, FloatArray] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.values:
            raise ArgumentError("design", "one without parameters", "have at least one parameter")
        if "point" in self.values:
            raise ArgumentError(
                "design", "one with a parameter 'point'", "call it otherwise, for points are counted by that"
            )
        sizes = {name: np.shape(v) for name, v in self.values.items()}
        if len({*sizes.values()}) != 1 or len(next(iter(sizes.values()))) != 1:
            raise ArgumentError("design", f"one of shapes {sizes}", "have values of one shape (points,)")
        if not 1 <= len(self) <= MAX_POINTS:
            raise ArgumentError("design", f"one of {len(self)} points", f"have 1 to {MAX_POINTS} points")

    def __len__(self) -> int:
        """Number of points."""
        return len(next(iter(self.values.values())))

    def part(self, first: int, last: int) -> dict[str, FloatArray]:
        """Values of the points from `first` up to `last`."""
        return {name: np.asarray(v)[first:last] for name, v in self.values.items()}


def grid(units: Mapping[str, str] | None = None, /, **axes: ArrayLike) -> Design:
    """Every combination of the values of each parameter, (n,) each. Raises ArgumentError for values that are not finite."""
    lines = {name: np.atleast_1d(checks.real(name, values)) for name, values in axes.items()}
    for name, line in lines.items():
        if line.ndim != 1 or not line.size:
            raise ArgumentError(name, f"of shape {line.shape}", "be a list of values")
    if not lines:
        raise ArgumentError("design", "one without parameters", "have at least one parameter")
    total = int(np.prod([line.size for line in lines.values()], dtype=object))
    if total > MAX_POINTS:
        raise ArgumentError("design", f"one of {total} points", f"have 1 to {MAX_POINTS} points")
    mesh = np.meshgrid(*lines.values(), indexing="ij")
    return Design({name: m.ravel() for name, m in zip(lines, mesh, strict=True)}, lines, dict(units or {}))


def random_design(
    points: int,
    seed: int,
    ranges: Mapping[str, tuple[float, float]],
    *,
    how: Literal["uniform", "sobol", "latin"] = "uniform",
    units: Mapping[str, str] | None = None,
) -> Design:
    """Points drawn between the ends of each range: independently, by a scrambled Sobol sequence, or a Latin hypercube.

    The same seed gives the same points. Raises ArgumentError for no points, no ranges, or ends that are not finite.
    """
    if not isinstance(points, (int, np.integer)) or not 1 <= points <= MAX_POINTS:
        raise ArgumentError("points", points, f"be a whole number from 1 to {MAX_POINTS}")
    if not ranges:
        raise ArgumentError("ranges", "empty", "name at least one parameter")
    ends = {name: checks.real(name, pair) for name, pair in ranges.items()}
    for name, pair in ends.items():
        if np.shape(pair) != (2,):
            raise ArgumentError(name, f"of shape {np.shape(pair)}", "be a pair of ends")
    unit = _unit_points(int(points), len(ends), np.random.default_rng(seed), how)
    values = {name: pair[0] + (pair[1] - pair[0]) * unit[:, k] for k, (name, pair) in enumerate(ends.items())}
    return Design(values, {}, dict(units or {}))


def _unit_points(points: int, dimensions: int, rng: np.random.Generator, how: str) -> FloatArray:
    if how == "uniform":
        return rng.random((points, dimensions))
    from scipy.stats import qmc  # slow to load, and workers need none of it

    sampler: Any
    match how:
        case "sobol":
            sampler = qmc.Sobol(dimensions, rng=rng)
            return np.asarray(sampler.random_base2(int(np.ceil(np.log2(points))))[:points])
        case "latin":
            return np.asarray(qmc.LatinHypercube(dimensions, rng=rng).random(points))
    raise ArgumentError("how", repr(how), 'be "uniform", "sobol" or "latin"')
