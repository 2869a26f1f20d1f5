"""Ensembles: members of one sample that differ in RF amplitude, offset or coupling, as products of distributions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError

#: Weights must add up to 1 within this.
WEIGHT_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Distribution:
    """M members of one distribution: what they change and their weights.

    rf: (M,), factor on every single-spin X and Y term. offset: (M, G), Hz added to all spins (G = 1) or to each of the G
    groups of like spins. coupling: (M,), factor on every term of two or more spins. weights: (M,), summing to 1.
    """

    rf: FloatArray
    offset: FloatArray
    coupling: FloatArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class Ensemble:
    """A product of independent distributions, kept factored; members run over the product, the last factor fastest.

    RF factors and coupling factors multiply, offsets add, weights multiply. A coupling factor acts on all terms of two or
    more spins alike: right for one dipolar pair, or for several with parallel internuclear vectors, but not for a sample
    whose isotropic J couplings stay what they are. Made by `Ensemble.of` or by the functions of
    `nmrqb.nmr.distributions`, and multiplied with `*`. Raises ArgumentError when two distributions give offsets to
    different numbers of groups.
    """

    distributions: tuple[Distribution, ...]

    def __post_init__(self) -> None:
        groups = sorted({d.offset.shape[1] for d in self.distributions} - {1})
        if len(groups) > 1:
            raise ArgumentError(
                "ensemble", f"one of {groups[0]} and {groups[1]}", "give offsets to one number of groups"
            )

    @classmethod
    def of(
        cls,
        *,
        rf: ArrayLike = 1.0,
        offset: ArrayLike = 0.0,
        coupling: ArrayLike = 1.0,
        weights: ArrayLike | None = None,
    ) -> Ensemble:
        """Members given one by one; rf, coupling and weights (M,), offset (M,) or (M, G) in Hz; what is one number is common.

        rf: actual over nominal amplitude, 0 or more. Without weights all members weigh the same. Raises ArgumentError for
        shapes that differ, negative rf or weights, weights that do not add to 1, or numbers that are not finite.
        """
        r, c = checks.non_negative("rf", rf), checks.real("coupling", coupling)
        o = checks.real("offset", offset)
        w = None if weights is None else checks.non_negative("weights", weights)
        o = o if o.ndim == 2 else o[..., None]
        sizes = {a.shape[:1] for a in (r, c, o[..., 0], *(() if w is None else (w,)))} - {()}
        if o.ndim > 2 or max(r.ndim, c.ndim, 0 if w is None else w.ndim) > 1 or len(sizes) > 1:
            found = f"of shapes {r.shape}, {o.shape} and {c.shape}" + ("" if w is None else f" with weights {w.shape}")
            raise ArgumentError("rf, offset and coupling", found, "hold one entry for each member")
        members = sizes.pop()[0] if sizes else 1
        if members == 0:
            raise ArgumentError("members", 0, "be one or more")
        if w is None:
            w = np.full(members, 1 / members)
        elif abs(w.sum() - 1) > WEIGHT_TOLERANCE:
            raise ArgumentError("weights", f"an array adding to {w.sum():.10g}", "add up to 1")
        one = np.ones(members)
        return cls((Distribution(r * one, o * one[:, None], c * one, w / w.sum() * one),))

    def __mul__(self, other: Ensemble) -> Ensemble:
        """The product of independent ensembles: every member of one with every member of the other."""
        return Ensemble(self.distributions + other.distributions)

    def __len__(self) -> int:
        return prod(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Members of each distribution; an ensemble has as many members as their product."""
        return tuple(d.weights.size for d in self.distributions)

    @property
    def groups(self) -> int:
        """To how many groups of like spins offsets are given; 1 when they are common to all spins."""
        return max(d.offset.shape[1] for d in self.distributions)

    @property
    def rf(self) -> FloatArray:
        """RF factor of each member, (M,)."""
        return _outer([d.rf for d in self.distributions], np.multiply)

    @property
    def coupling(self) -> FloatArray:
        """Coupling factor of each member, (M,)."""
        return _outer([d.coupling for d in self.distributions], np.multiply)

    @property
    def weights(self) -> FloatArray:
        """Weight of each member, (M,)."""
        return _outer([d.weights for d in self.distributions], np.multiply)

    @property
    def offset(self) -> FloatArray:
        """Offset of each member in Hz, (M,) when common to all spins, else (M, G) by group of like spins."""
        columns = [
            _outer([d.offset[:, g if d.offset.shape[1] > 1 else 0] for d in self.distributions], np.add)
            for g in range(self.groups)
        ]
        return columns[0] if len(columns) == 1 else np.stack(columns, axis=-1)

    def parts(self, members: int) -> Iterator[Ensemble]:
        """The ensemble cut into pieces of at most `members` members (or of one); their weights add up to 1 together.

        The longest distribution is cut, so that pieces stay products.
        """
        longest = int(np.argmax(self.shape))
        d = self.distributions[longest]
        step = max(1, members * d.weights.size // len(self))
        if len(self) <= max(members, 1):
            yield self
        elif step == 1 and len(self) > members * d.weights.size:
            for k in range(d.weights.size):
                yield from self._with(longest, slice(k, k + 1)).parts(members)
        else:
            for first in range(0, d.weights.size, step):
                yield self._with(longest, slice(first, first + step))

    def _with(self, index: int, chosen: slice) -> Ensemble:
        d = self.distributions[index]
        piece = Distribution(d.rf[chosen], d.offset[chosen], d.coupling[chosen], d.weights[chosen])
        return Ensemble((*self.distributions[:index], piece, *self.distributions[index + 1 :]))


def _outer(columns: list[FloatArray], join: np.ufunc) -> FloatArray:
    return reduce(lambda a, b: join(a[:, None], b).reshape(-1), columns)
