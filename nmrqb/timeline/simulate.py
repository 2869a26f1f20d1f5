"""Exact propagation of a Timeline: Hilbert space where it is unitary, Liouville space where there is noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import expm

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import coherence_order, pauli_stack
from nmrqb.spin.propagation import dissipator, unitary
from nmrqb.timeline.timeline import Mark, Timeline


def propagator(timeline: Timeline) -> ComplexArray:
    """The unitary of the whole timeline, shape (..., 2^N, 2^N).

    Raises ArgumentError where there is no such unitary: the timeline holds a crusher or noise.
    """
    if timeline.noise is not None or timeline.crushers:
        found = "noise" if timeline.noise is not None else "a crusher"
        raise ArgumentError("timeline", f"one with {found}", "be unitary to have a propagator")
    paulis = pauli_stack(timeline.labels)
    total = np.broadcast_to(np.eye(paulis.shape[-1], dtype=complex), (*timeline.shape, *paulis.shape[1:]))
    for s in range(timeline.slices):
        total = unitary(_generator(timeline, s, paulis), check=False) @ total
    return total


def evolve(timeline: Timeline, rho0: ArrayLike) -> ComplexArray:
    """States at the observed marks, shape (..., mark, d, d), from rho0 (..., d, d).

    Linear in rho0, which need not be a state (a deviation from equilibrium evolves too, as far as there is no noise
    that drives towards a polarisation). Raises ArgumentError for a rho0 of another dimension.
    """
    paulis = pauli_stack(timeline.labels)
    rho = checks.operator("rho0", rho0, paulis.shape[-1])
    noise = None if timeline.noise is None else dissipator(timeline.noise.jump_operators())
    observed = []
    for s in range(timeline.slices + 1):
        for mark in timeline.marks_after(s):
            if mark.kind == "crush":
                rho = rho * crusher_mask(timeline.n, mark)
            else:
                observed.append(rho)
        if s < timeline.slices:
            rho = _step(timeline, s, paulis, noise, rho)
    if not observed:
        raise ArgumentError("timeline", "one without an observe mark", "observe at least one point")
    return np.stack(
        np.broadcast_arrays(*(np.broadcast_to(r, (*timeline.shape, *r.shape[-2:])) for r in observed)), axis=-3
    )


def crusher_mask(n: int, mark: Mark) -> FloatArray:
    """1 where the coherence order of every group is zero, 0 elsewhere; shape (2^N, 2^N)."""
    keep = np.ones((2**n, 2**n))
    for group in mark.groups:
        keep *= np.abs(coherence_order(n, group)) < 0.5
    return keep


def _generator(timeline: Timeline, s: int, paulis: ComplexArray) -> ComplexArray:
    angles = timeline.angles[..., s, :]
    used = np.any(angles.reshape(-1, angles.shape[-1]) != 0, axis=0)
    return np.tensordot(angles[..., used], paulis[used], axes=1)


def _step(
    timeline: Timeline, s: int, paulis: ComplexArray, noise: ComplexArray | None, rho: ComplexArray
) -> ComplexArray:
    generator = _generator(timeline, s, paulis)
    duration = timeline.durations[..., s]
    if noise is None or not np.any(duration):
        U = unitary(generator, check=False)
        return U @ rho @ np.conj(np.swapaxes(U, -1, -2))
    d = rho.shape[-1]
    one = np.eye(d)
    commutator = np.einsum("...ik,jl->...ijkl", generator, one) - np.einsum("ik,...lj->...ijkl", one, generator)
    step = expm(-1j * commutator.reshape(*commutator.shape[:-4], d * d, d * d) + duration[..., None, None] * noise)
    vector = step @ rho.reshape(*rho.shape[:-2], d * d, 1)
    return vector.reshape(*vector.shape[:-2], d, d)
