"""From a sequence and a sample to a Timeline: the one place where a sequence is interpreted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks, units
from nmrqb.errors import ArgumentError, InputError, Problem
from nmrqb.nmr import Sample
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Sequence
from nmrqb.sequence.schema import Pulses
from nmrqb.sequence.sequence import SAMPLE_NAMES
from nmrqb.timeline.builder import Builder
from nmrqb.timeline.findings import Place
from nmrqb.timeline.segments import OversizeError, Segment, check_numbers
from nmrqb.timeline.timeline import Timeline


def schedule(
    sequence: Sequence,
    sample: Sample,
    *,
    pulses: Pulses | None = None,
    noise: bool = False,
    rf_scale: ArrayLike = 1.0,
    ensemble: Ensemble | None = None,
) -> Timeline:
    """The Timeline of a sequence on a sample.

    pulses: "ideal" or "finite", over what the sequence says. noise: whether the sample's noise acts during timed slices.
    rf_scale: actual over nominal RF amplitude; an array becomes leading axes, broadcast with those of bound parameters.
    ensemble: members of the sample that differ in RF amplitude, offset or coupling; the timeline carries them factored.
    A phase cycle is the first leading axis; lists of the file come next, then what was bound from Python.
    Raises InputError (with file and line) for values the sample cannot take: a negative time, a pulse beyond the RF limit,
    noise asked of a sample without any. Raises ArgumentError for other pulses, or an rf_scale that is not finite or is
    negative.
    """
    scale = checks.non_negative("rf_scale", rf_scale)
    if pulses not in (None, "ideal", "finite"):
        raise ArgumentError("pulses", repr(pulses), 'be "ideal" or "finite"')
    builder = Builder(sequence, sample, sample_quantities(sample), pulses or sequence.pulses, scale)
    builder.build()
    if noise and sample.noise is None:
        allowed = "a table with T1 and T2"
        source = f"sample {sample.name!r}"
        builder.problems.append(Problem("noise is asked for", file=source, key="relaxation", allowed=allowed))
    if builder.problems:
        raise InputError(tuple(builder.problems))
    return _timeline(builder, noise=noise, ensemble=ensemble)


def sample_quantities(sample: Sample) -> Mapping[str, units.Quantity]:
    """What a sample lends to the arithmetic of a sequence."""
    values = {
        "coupling": sample.coupling,
        "J": sample.scalar_coupling,
        "pulse_90": sample.pulse_90,
        "rf_limit": sample.rf_limit,
    }
    if sample.noise:
        values |= {"T1": sample.noise.t1[0], "T2": sample.noise.t2[0]}
    return {name: units.quantity(value, SAMPLE_NAMES[name]) for name, value in values.items()}


def _timeline(builder: Builder, *, noise: bool, ensemble: Ensemble | None) -> Timeline:
    sample, segments = builder.sample, builder.segments
    drift = dict(zip(*sample.terms(), strict=True))
    labels = tuple(dict.fromkeys([*drift, *(label for segment in _unique(builder) for label in segment.rotation)]))
    labels = labels or ("I" * sample.n,)
    lead = _leading(builder)
    try:
        check_numbers(Place(builder.sequence, ("steps",)), builder.done * len(labels) * builder.written(lead))
    except OversizeError as error:
        raise InputError((error.finding,)) from None
    rates = np.array([drift.get(label, 0.0) for label in labels])
    durations = {id(s): np.broadcast_to(s.durations, (*lead, s.slices)) for s in _unique(builder)}
    angles = {id(s): _angles(s, labels, rates, lead) for s in _unique(builder)}
    order = [id(segment) for segment in segments]
    empty = np.zeros((*lead, 0))
    return Timeline(
        labels,
        np.concatenate([empty[..., None].repeat(len(labels), axis=-1), *(angles[key] for key in order)], axis=-2),
        np.concatenate([empty, *(durations[key] for key in order)], axis=-1),
        tuple(builder.marks),
        tuple(chain.from_iterable([segment.event] * segment.slices for segment in segments)),
        noise=sample.noise if noise else None,
        drift=rates,
        groups=sample.groups,
        ensemble=ensemble,
        receiver=builder.receiver(),
    )


def _angles(segment: Segment, labels: tuple[str, ...], rates: np.ndarray, lead: tuple[int, ...]) -> np.ndarray:
    """What the slices of one segment turn by on each label, (..., n, K) in rad."""
    durations = np.broadcast_to(segment.durations, (*lead, segment.slices))
    angles = durations[..., None] * rates
    for label, value in segment.rotation.items():
        angles[..., labels.index(label)] += value
    return angles


def _leading(builder: Builder) -> tuple[int, ...]:
    shapes = list({shape for segment in _unique(builder) for shape in _shapes(segment)})
    receiver = builder.receiver()
    if receiver is not None:
        shapes.append((receiver.size,) + (1,) * builder.axes_after_cycle)
    try:
        return np.broadcast_shapes(*shapes) if shapes else ()
    except ValueError:
        found = f"found parameters of shapes {sorted({s for s in shapes if s})}"
        source = f"sequence {builder.sequence.name!r}"
        problem = Problem(found, file=source, allowed="arrays that broadcast against each other")
        raise InputError((problem,)) from None


def _unique(builder: Builder) -> Iterable[Segment]:
    """Every segment once, in order: the rounds of a repeat share theirs."""
    return {id(segment): segment for segment in builder.segments}.values()


def _shapes(segment: Segment) -> list[tuple[int, ...]]:
    arrays: list[Any] = [segment.durations, *segment.rotation.values()]
    return [np.shape(array)[:-1] for array in arrays]
