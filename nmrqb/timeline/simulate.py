"""Exact propagation of a Timeline: on state vectors where it is unitary, on density matrices where there is noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import coherence_order, on_spin
from nmrqb.timeline.generators import Kinds, Slices, Space, pauli_basis
from nmrqb.timeline.interpolation import Axis
from nmrqb.timeline.kernels import TOLERANCE, Kernel, Piece
from nmrqb.timeline.timeline import Mark, Timeline

#: Matrix elements of states and propagators on members that stand in memory at one time.
_BLOCK = 2**22
#: More changes than this between swept and unswept slices and a segment is taken as swept throughout.
_RUNS = 8


def propagator(timeline: Timeline, *, interpolate: bool = True) -> ComplexArray:
    """The unitary of the whole timeline, shape (..., 2^N, 2^N), or (..., M, 2^N, 2^N) over the members of its ensemble.

    With `interpolate`, members are reached through Chebyshev points where these are fewer; the error this adds is below
    `nmrqb.timeline.kernels.TOLERANCE` (1e-12, spectral norm). Raises ArgumentError where there is no such unitary: the
    timeline holds a crusher or noise.
    """
    if timeline.noise is not None or timeline.crushers:
        found = "noise" if timeline.noise is not None else "a crusher"
        raise ArgumentError("timeline", f"one with {found}", "be unitary to have a propagator")
    work = _Work(timeline, interpolate)
    total = work.segment(0, timeline.slices)
    members = () if timeline.ensemble is None else (len(timeline.ensemble),)
    shape = (*timeline.shape, *members, 2**timeline.n, 2**timeline.n)
    if total is None:
        total = np.eye(2**timeline.n, dtype=complex)
    elif timeline.ensemble is None:
        total = total[..., 0, :, :]
    return np.broadcast_to(total, shape).copy()


def evolve(
    timeline: Timeline, rho0: ArrayLike, *, keep_members: bool = False, interpolate: bool = True
) -> ComplexArray:
    """States at the observed marks, shape (..., mark, d, d), from rho0 (..., d, d).

    Averaged over the members of the timeline's ensemble by their weights; with `keep_members`, (..., M, mark, d, d).
    `interpolate` as in `propagator`. Linear in rho0, which need not be a state (a deviation from equilibrium evolves too,
    as far as there is no noise that drives towards a polarisation). Raises ArgumentError for a rho0 of another dimension or
    whose leading axes do not broadcast with the timeline's, and for a timeline that observes nothing.
    """
    rho = checks.operator("rho0", rho0, 2**timeline.n)
    if not timeline.observed:
        raise ArgumentError("timeline", "one without an observe mark", "observe at least one point")
    try:
        lead = np.broadcast_shapes(timeline.shape, rho.shape[:-2])
    except ValueError:
        found, allowed = f"of leading shape {rho.shape[:-2]}", f"broadcast against the timeline's {timeline.shape}"
        raise ArgumentError("rho0", found, allowed) from None
    if timeline.ensemble is None:
        return _evolve(timeline, rho, lead, interpolate)[..., 0, :, :, :]
    if keep_members:
        return _evolve(timeline, rho, lead, interpolate)
    total = np.zeros((*lead, len(timeline.observed), *rho.shape[-2:]), dtype=complex)
    for where, block, start in _blocks(timeline, rho, lead):
        assert block.ensemble is not None
        states = _evolve(block, start, np.broadcast_shapes(block.shape, start.shape[:-2]), interpolate)
        total[where] += np.einsum("m,...mkij->...kij", block.ensemble.weights, states)
    return total


def crusher_mask(n: int, mark: Mark) -> FloatArray:
    """1 where the coherence order of every group is zero, 0 elsewhere; shape (2^N, 2^N)."""
    keep = np.ones((2**n, 2**n))
    for group in mark.groups:
        keep *= np.abs(coherence_order(n, group)) < 0.5
    return keep


def _blocks(
    timeline: Timeline, rho: ComplexArray, lead: tuple[int, ...]
) -> Iterator[tuple[tuple[slice, ...], Timeline, ComplexArray]]:
    """Parts of the first leading axis and of the ensemble that fit in memory: where they go, timeline and start."""
    assert timeline.ensemble is not None
    d = rho.shape[-1]
    each = d * d * (len(timeline.observed) if timeline.noise is None else d * d)
    members = max(1, _BLOCK // (each * max(1, int(np.prod(lead[1:])))))
    step = max(1, members // len(timeline.ensemble))
    for first in range(0, lead[0], step) if lead else (None,):
        where = () if first is None else (slice(first, first + step),)
        block = timeline
        if first is not None and len(timeline.shape) == len(lead) and timeline.shape[0] > 1:
            drift = timeline.drift
            if drift is not None and drift.ndim == len(lead) + 1 and drift.shape[0] > 1:
                drift = drift[where]
            block = replace(timeline, angles=timeline.angles[where], durations=timeline.durations[where], drift=drift)
        start = rho[where] if where and rho.ndim - 2 == len(lead) and rho.shape[0] > 1 else rho
        for part in timeline.ensemble.parts(members):
            yield where, replace(block, ensemble=part), start


def _evolve(timeline: Timeline, rho: ComplexArray, lead: tuple[int, ...], interpolate: bool) -> ComplexArray:
    """States on every member, (*lead, M, mark, d, d); without an ensemble M is 1."""
    work = _Work(timeline, interpolate)
    states = rho[..., None, :, :]
    observed: list[ComplexArray] = []
    done = 0
    for mark in timeline.marks:
        states = work.applied(done, mark.after, states)
        done = mark.after
        if mark.kind == "crush":
            states = states * crusher_mask(timeline.n, mark)
        else:
            observed.append(states)
            if len(observed) == len(timeline.observed):
                break
    shape = (*lead, work.members, *rho.shape[-2:])
    return np.stack([np.broadcast_to(state, shape) for state in observed], axis=-3)


class _Work:
    """Segments of one timeline between its marks, as matrices on the members of its ensemble."""

    def __init__(self, timeline: Timeline, interpolate: bool) -> None:
        ensemble, lead = timeline.ensemble, len(timeline.shape)
        groups = timeline.groups if ensemble is not None and ensemble.groups > 1 else (tuple(range(timeline.n)),)
        labels, angles = timeline.labels, timeline.angles
        axes: tuple[Axis, ...] = ()
        if ensemble is not None:
            axes = tuple(
                Axis.of(np.column_stack([d.rf, d.coupling, d.offset * np.ones(len(groups))]), interpolate=interpolate)
                for d in ensemble.distributions
            )
            if np.any(ensemble.offset):
                missing = [z for k in range(timeline.n) if (z := on_spin(timeline.n, k, "Z")) not in labels]
                labels = (*labels, *missing)
                angles = np.concatenate([angles, np.zeros((*angles.shape[:-1], len(missing)))], axis=-1)
        self.members = 1 if ensemble is None else len(ensemble)
        self.n = timeline.n
        self.angles = np.moveaxis(angles, lead, 0)
        self.durations = np.moveaxis(timeline.durations, lead, 0)
        self.space, self.kinds, self.axes = Space.of(labels, timeline.noise), Kinds.of(labels, groups), axes
        self.tolerance = TOLERANCE / (4 * max(1, timeline.slices) * max(1, len(axes)))
        self.swept = self._swept()

    def applied(self, first: int, last: int, states: ComplexArray) -> ComplexArray:
        """States (..., M, d, d) after slices first .. last."""
        step = self.segment(first, last)
        if step is None:
            return states
        if self.space.noise is None:
            return step @ states @ np.conj(np.swapaxes(step, -1, -2))
        change, d = pauli_basis(self.n), states.shape[-1]
        components = states.reshape(*states.shape[:-2], d * d) @ change.conj()
        # the step is real: real and imaginary components (of what need not be Hermitian) go through it side by side
        both = step @ np.stack([components.real, components.imag], axis=-1)
        evolved = (both[..., 0] + 1j * both[..., 1]) @ change.T
        return evolved.reshape(*evolved.shape[:-1], d, d)

    def segment(self, first: int, last: int) -> np.ndarray | None:
        """Product of slices first .. last on the members, (..., M, D, D); None when there are none."""
        total: Piece | None = None
        kernel: Kernel | None = None
        for start, stop in self._runs(first, last):
            kernel = Kernel(self._slices(start, stop), self.tolerance)
            piece = kernel.product()
            total = piece if total is None else kernel.joined(piece, total)
        return None if kernel is None or total is None else kernel.on_members(total)

    def _slices(self, first: int, last: int) -> Slices:
        """Slices first .. last, with sweeps that do not touch them left out."""
        still = np.logical_not(np.any(self.swept[first:last], axis=0))
        index = (slice(first, last), *(slice(0, 1) if s else slice(None) for s in still.tolist()))
        return Slices(self.space, self.kinds, self.angles[index], self.durations[index], self.axes)

    def _runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """Runs of slices that the same leading axes sweep."""
        swept = self.swept[first:last]
        changes = np.flatnonzero(np.any(swept[1:] != swept[:-1], axis=1))
        if last == first or changes.size >= _RUNS:
            return [(first, last)] if last > first else []
        edges = [first, *(first + 1 + changes).tolist(), last]
        return list(pairwise(edges))

    def _swept(self) -> np.ndarray:
        """Whether each leading axis changes each slice, (S, leading axes)."""
        result = np.zeros((len(self.durations), self.durations.ndim - 1), dtype=bool)
        for axis in range(1, self.durations.ndim):
            over = tuple(range(1, self.durations.ndim))
            changes = np.any(self.angles != self.angles.take([0], axis=axis), axis=(*over, self.angles.ndim - 1))
            result[:, axis - 1] = changes | np.any(self.durations != self.durations.take([0], axis=axis), axis=over)
        return result
