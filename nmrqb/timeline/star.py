"""Timelines of a star (one spin in the centre, N equivalent ones around it) by the total spin of those around it.

Whatever treats the outer spins alike keeps their total spin j, so that 2^(N+1) dimensions fall into blocks of 2 (2j + 1),
each met as often as j occurs: 37 spins take blocks of at most 74. Couplings I_i . I_k among the outer spins commute with all
of it and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from nmrqb import checks
from nmrqb.battery.star import Sector, StarBattery
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import PAULI
from nmrqb.spin.states import polarised_state
from nmrqb.timeline.timeline import Timeline, expanded

#: Bytes that the propagators of one block of a timeline's points may take.
MAX_BYTES = 2**30

_AXES = "XYZ"
#: Columns of a slice: the centre's own terms, the outer spins' own, and what couples both.
_TERMS = [(a, "I") for a in _AXES] + [("I", b) for b in _AXES] + [(a, b) for a in _AXES for b in _AXES]


def star_states(timeline: Timeline, polarisation: Sequence[float], *, centre: int = 0) -> ComplexArray:
    """States of the centre alone at the observed marks, shape (..., mark, 2, 2).

    timeline: of a star without relaxation and crushers. polarisation: <sigma_z> of the centre and of each outer spin, which
    start in a product of (1 + P sigma_z)/2. centre: which spin it is. The members of an ensemble are the last leading axis.
    Raises ArgumentError for a timeline with noise or crushers, one that does not treat the outer spins alike, polarisations
    outside [-1, 1], and one whose propagators would take more than MAX_BYTES.
    """
    if timeline.noise is not None or timeline.crushers:
        found = "noise" if timeline.noise is not None else "a crusher"
        raise ArgumentError(
            "timeline", f"one with {found}", "be unitary, for only that keeps the outer spins' total spin"
        )
    if not timeline.observed:
        raise ArgumentError("timeline", "one without an observe mark", "observe at least one point")
    line = expanded(timeline)
    star = StarBattery(line.n - 1)
    P = checks.real("polarisation", polarisation)
    if P.shape != (2,):
        raise ArgumentError(
            "polarisation", f"of shape {P.shape}", "be two numbers: of the centre, and of an outer spin"
        )
    centre_state, outer = polarised_state(P[0]), polarised_state(P[1])[0, 0].real
    terms = _collective(line, centre).reshape(-1, line.slices, len(_TERMS))
    _check_memory(len(terms), star.chargers)
    marks = [mark.after for mark in line.marks]
    total: ComplexArray = np.zeros((len(terms), len(marks), 2, 2), dtype=complex)
    for sector in star.sectors():
        weights = sector.weights(star.chargers, np.asarray(outer))
        if weights.any():
            start: ComplexArray = np.kron(centre_state, np.diag(weights)).astype(complex)
            total = total + _evolved(terms, marks, sector, start)
    return total.reshape(*line.shape, len(marks), 2, 2)


def _evolved(terms: FloatArray, marks: Sequence[int], sector: Sector, rho: ComplexArray) -> ComplexArray:
    """The centre's part (points, mark, 2, 2) of a block's state rho (D, D)."""
    d = sector.m.size
    U = np.broadcast_to(np.eye(2 * d, dtype=complex), (len(terms), 2 * d, 2 * d))
    found, done = [], 0
    for after in marks:
        for s in range(done, after):
            rows, where = np.unique(terms[:, s], axis=0, return_inverse=True)
            U = _slices(rows, _operators(d))[where.reshape(-1)] @ U
        done = after
        state = (U @ rho @ U.conj().swapaxes(-1, -2)).reshape(-1, 2, d, 2, d)
        found.append(np.einsum("pambm->pab", state))
    return np.stack(found, axis=1)


def _slices(rows: FloatArray, operators: ComplexArray) -> ComplexArray:
    """exp(-i sum of terms) for rows (R, 15) of them, (R, D, D)."""
    H = np.tensordot(rows, operators, axes=1)
    diagonal = np.einsum("rii->ri", H).real
    if not np.any(rows[:, [k for k, pair in enumerate(_TERMS) if set(pair) & {"X", "Y"}]]):
        U = np.zeros_like(H)
        np.einsum("rii->ri", U)[:] = np.exp(-1j * diagonal)
        return U
    energies, vectors = np.linalg.eigh(H)
    return (vectors * np.exp(-1j * energies)[:, None, :]) @ vectors.conj().swapaxes(-1, -2)


@lru_cache(maxsize=64)
def _operators(d: int) -> ComplexArray:
    """The terms on 2 x d dimensions, (15, 2d, 2d), with the sum of sigma of the outer spins as twice their total spin."""
    m = np.arange(d - 1, -d, -2) / 2
    j = (d - 1) / 2
    raising = np.diag(np.sqrt(j * (j + 1) - m[1:] * (m[1:] + 1)), 1)
    outer = {"I": np.eye(d), "X": raising + raising.T, "Y": -1j * (raising - raising.T), "Z": np.diag(2 * m)}
    return np.stack([np.kron(PAULI[a], outer[b]) for a, b in _TERMS])


def _collective(timeline: Timeline, centre: int) -> FloatArray:
    """Angles (..., S, 15) of the terms, each the same on all outer spins."""
    n = timeline.n
    if not 0 <= centre < n or n < 2:
        raise ArgumentError("centre", centre, f"be one of the timeline's spins, 0 to {n - 1}, with others around it")
    columns: dict[tuple[str, str], dict[int, FloatArray]] = {pair: {} for pair in _TERMS}
    among: dict[tuple[int, ...], dict[str, FloatArray]] = {}
    for k, label in enumerate(timeline.labels):
        outer = tuple(i for i, letter in enumerate(label) if letter != "I" and i != centre)
        angles = timeline.angles[..., k]
        if len(outer) == 2 and label[centre] == "I":
            among.setdefault(outer, {})[label[outer[0]] + label[outer[1]]] = angles
        elif len(outer) <= 1:
            if outer or label[centre] != "I":
                columns[label[centre], label[outer[0]] if outer else "I"][outer[0] if outer else centre] = angles
        elif np.any(angles):
            raise _unlike(f"one with {label}")
    for pair, terms in among.items():
        if not _isotropic(terms):
            raise _unlike(f"one with a coupling of spins {pair[0]} and {pair[1]} that is no J I.I")
    zero = np.zeros(timeline.angles.shape[:-1])
    found = []
    for (a, b), spins in columns.items():
        expected = [centre] if b == "I" else [i for i in range(n) if i != centre]
        values = [spins.get(i, zero) for i in expected]
        if any(not np.allclose(value, values[0], rtol=1e-12, atol=1e-14) for value in values):
            raise _unlike(f"one with unlike {(a + b).replace('I', '')} on them")
        found.append(values[0])
    return np.stack(found, axis=-1)


def _isotropic(terms: dict[str, FloatArray]) -> bool:
    """Whether the terms of one pair are a multiple of XX + YY + ZZ, or nothing."""
    if not any(np.any(angles) for angles in terms.values()):
        return True
    rest = {label: angles for label, angles in terms.items() if np.any(angles)}
    return set(rest) == {"XX", "YY", "ZZ"} and all(np.allclose(rest["ZZ"], a, rtol=1e-12) for a in rest.values())


def _unlike(found: str) -> ArgumentError:
    return ArgumentError("timeline", found, "treat all outer spins alike")


def _check_memory(points: int, chargers: int) -> None:
    """A few matrices stand beside each other for each point."""
    needed = 4 * 16 * points * (2 * (chargers + 1)) ** 2
    if needed > MAX_BYTES:
        found = f"one of {points} points on {chargers + 1} spins, whose propagators take {needed / 2**30:.1f} GB"
        raise ArgumentError("timeline", found, f"need at most {MAX_BYTES / 2**30:g} GB; run fewer points at a time")
