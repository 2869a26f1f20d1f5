"""How often intervals hold: simulated experiments on states drawn by a stated rule, with true multinomial counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from nmrqb.battery import Battery
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.propagation import charging_unitary
from nmrqb.spin.states import gibbs_state
from nmrqb.tomography.cloud import Cloud, cloud_of_counts
from nmrqb.tomography.confidence import intervals
from nmrqb.tomography.functionals import Functional, ergotropy_of, expectation_of, l1_of, purity_of
from nmrqb.tomography.measurement import Measurement

#: Kinds of true states, from passive to pure.
KINDS = ("Gibbs", "near-passive", "charged", "near-pure", "maximally mixed")
#: Metrics whose intervals are judged.
METRICS = ("ergotropy", "stored_energy", "l1_coherence", "purity")
LEVELS = (0.68, 0.95)


@dataclass(frozen=True)
class Coverage:
    """What became of the experiments on each state; arrays (state, metric[, level]), the metrics being METRICS.

    held: fraction of intervals that held the truth. one_sided: fraction that were one-sided. bias: of the reported value;
    plug_in_bias: of the metric of the plain estimate; both in the metric's unit. truth: the true values.
    """

    held: FloatArray
    one_sided: FloatArray
    bias: FloatArray
    plug_in_bias: FloatArray
    truth: FloatArray


def true_states(kind: str, count: int, seed: int = 1) -> tuple[ComplexArray, ComplexArray]:
    """States and their Hamiltonians, each (count, 4, 4), of one of KINDS.

    Every state has a battery of its own: axial 0.5 to 1.5, rhombic and DM -0.4 to 0.4, KSEA -0.3 to 0.3, Zeeman 0.2 to
    0.8, uniformly. Gibbs: at temperatures 0.5 to 2. Near-passive and charged: the same behind an X pulse with Omega t from
    0.01 to 0.1 and from 0.2 to pi/2. Near-pure: (1 - e) of a Haar-random pure state and e of the maximally mixed one, log e
    uniform from 0.001 to 0.1. Maximally mixed: every other state exactly, the others with up to 0.02 of a random state
    (Hilbert-Schmidt measure). Raises ArgumentError for another kind.
    """
    if kind not in KINDS:
        raise ArgumentError("kind", repr(kind), f"be one of {', '.join(KINDS)}")
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    drawn = [_drawn(kind, k, rng) for k in range(count)]
    states, hamiltonians = (np.stack(column) for column in zip(*drawn, strict=True))
    return states, hamiltonians


def _drawn(kind: str, number: int, rng: np.random.Generator) -> tuple[ComplexArray, ComplexArray]:
    low, high = (0.5, -0.4, -0.4, -0.3, 0.2), (1.5, 0.4, 0.4, 0.3, 0.8)
    H = Battery(
        **dict(zip(("axial", "rhombic", "dm", "ksea", "zeeman"), rng.uniform(low, high), strict=True))
    ).hamiltonian()
    if kind == "near-pure":
        psi = _complex(rng.normal(size=(4, 2)))
        e = 10 ** rng.uniform(-3, -1)
        pure: ComplexArray = np.outer(psi, psi.conj()) / np.vdot(psi, psi).real
        return (1 - e) * pure + e * np.eye(4) / 4, H
    if kind == "maximally mixed":
        share = rng.uniform(0, 0.02) if number % 2 else 0.0
        a = _complex(rng.normal(size=(4, 4, 2)))
        other = a @ a.conj().T
        return (1 - share) * np.eye(4) / 4 + share * other / np.trace(other).real, H
    rho = gibbs_state(H, rng.uniform(0.5, 2))
    if kind != "Gibbs":
        U = charging_unitary(2, rng.uniform(0.01, 0.1) if kind == "near-passive" else rng.uniform(0.2, np.pi / 2))
        rho = U @ rho @ U.conj().T
    return rho, H


def _complex(parts: FloatArray) -> ComplexArray:
    return parts[..., 0] + 1j * parts[..., 1]


def coverage(
    rho: ComplexArray,
    H: ComplexArray,
    shots: int,
    experiments: int,
    measurement: Measurement,
    *,
    seed: int = 2,
    levels: Sequence[float] = LEVELS,
    progress: Callable[[int, int], None] | None = None,
) -> Coverage:
    """Repeat tomography of each state (S, 4, 4) and count how often the intervals hold the true values.

    The stored energy is that since a Gibbs state at temperature 1, tomographed in the same way. shots: of each setting.
    """
    rng = np.random.default_rng([seed, shots])
    rows = []
    for k in range(len(rho)):  # of batches of experiments, each state with a Hamiltonian of its own
        start = gibbs_state(H[k], 1.0)
        clouds = [_measured(state, shots, experiments, measurement, rng) for state in (rho[k], start)]
        rows.append(_judged(rho[k], start, H[k], clouds, levels))
        if progress is not None:
            progress(k + 1, len(rho))
    held, one_sided, rest = (np.stack(column) for column in zip(*rows, strict=True))
    return Coverage(held, one_sided, *np.moveaxis(rest, -1, 0))


def _measured(
    rho: ComplexArray, shots: int, experiments: int, measurement: Measurement, rng: np.random.Generator
) -> Cloud:
    p = np.clip(measurement.probabilities(rho), 0, None)
    counts = rng.multinomial(shots, p / p.sum(axis=-1, keepdims=True), size=(experiments, len(p)))
    return cloud_of_counts(counts, measurement)


def _judged(
    rho: ComplexArray, start: ComplexArray, H: ComplexArray, clouds: list[Cloud], levels: Sequence[float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Held and one-sided fractions (metric, level), and biases and truths (metric, 3), of experiments on one state."""
    charged, before = clouds
    cases: list[tuple[Functional, Cloud, ComplexArray]] = [
        (ergotropy_of(H), charged, rho),
        (expectation_of(H), charged - before, rho - start),
        (l1_of(4), charged, rho),
        (purity_of(4), charged, rho),
    ]
    held, one_sided, rest = [], [], []
    for functional, cloud, state in cases:
        value = partial(_value, functional)
        truth = float(value(state))
        rounding = 1e-9 * max(1.0, abs(truth))
        found = intervals(cloud, functional, levels)
        held.append([np.mean((i.low <= truth + rounding) & (i.high >= truth - rounding)) for i in found])
        one_sided.append([np.mean(i.one_sided) for i in found])
        rest.append([np.mean(found[0].estimate) - truth, np.mean(value(cloud.centre)) - truth, truth])
    return np.array(held), np.array(one_sided), np.array(rest)


def _value(functional: Functional, rho: ComplexArray) -> FloatArray:
    V = functional.frame
    return functional.of(rho if V is None else V.conj().T @ rho @ V)
