"""Counts from circuits: each branch of the mixture is run, measured in every setting, and inverted to states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits import Branch, branches, compile_circuit, execute, splitting
from nmrqb.circuits.prepare import eigenbranches
from nmrqb.errors import ArgumentError
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.results import Progress, States
from nmrqb.timeline import Timeline, cycle_average, expanded
from nmrqb.tomography import confusion, linear_inversion, nearest_state, pauli_settings, probabilities

#: Replicas resampled at once are bounded to about this many outcome counts.
_CHUNK = 2**24

#: Seeds are recorded as 64-bit integers.
_MAX_SEED = 2**63 - 1

#: Every member of an ensemble is a set of circuits of its own; more of them than this are refused.
MAX_MEMBERS = 100


@dataclass(frozen=True)
class Shots:
    """Circuits on Aer, tomographed.

    backend: "aer". shots: per tomography setting and point, shared out among the branches by weight; None takes the exact
    probabilities, as infinitely many shots would. The steps of a phase cycle share them. seed: an integer, or None for a
    fresh one (it is recorded). replicas: bootstrap replicas behind the error bars. sampling: "state" draws counts from
    Aer's final density matrix and the readout error, "counts" has Aer draw them; the distribution is the same. split:
    largest trace distance that splitting noise from evolution may cost. estimator: "nearest" gives the density matrix nearest to the linear inversion, replica by
    replica; "linear" leaves the inversion as it is: unbiased, with eigenvalues that noise may push below zero.
    """

    backend: str = "aer"
    shots: int | None = 4096
    seed: int | None = None
    replicas: int = 200
    sampling: Literal["state", "counts"] = "state"
    split: float = 1e-5
    estimator: Literal["nearest", "linear"] = "nearest"
    source = "aer"

    def __post_init__(self) -> None:
        if self.backend != "aer":
            raise ArgumentError("backend", repr(self.backend), 'be "aer"')
        if self.sampling not in ("state", "counts"):
            raise ArgumentError("sampling", repr(self.sampling), 'be "state" or "counts"')
        if self.estimator not in ("nearest", "linear"):
            raise ArgumentError("estimator", repr(self.estimator), 'be "nearest" or "linear"')
        for name, least in (("shots", 1), ("replicas", 2), ("seed", 0)):
            value = getattr(self, name)
            if value is None and name != "replicas":
                continue
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
                raise ArgumentError(name, repr(value), "be a whole number")
            if value < least:
                raise ArgumentError(name, value, f"be {least or 'zero'} or {'more' if least else 'above'}")
        if self.seed is not None and self.seed > _MAX_SEED:
            raise ArgumentError("seed", self.seed, f"be at most {_MAX_SEED}, the largest that data files hold")
        if not self.split > 0:
            raise ArgumentError("split", self.split, "be above zero")

    def run(self, timeline: Timeline, rho0: ArrayLike, progress: Progress | None = None) -> States:
        """States at the observed marks, rho (..., mark, 1 + replicas, d, d), from one starting state rho0 (d, d).

        With shots=None there are no replicas, only the estimate. Where the timeline has an ensemble, every shot falls on one
        member, by weight, and members are never told apart. Raises ArgumentError for a rho0 that is no density matrix of
        the timeline's dimension or an ensemble of more than MAX_MEMBERS, RunError when Aer fails.
        """
        start = checks.density_matrix("rho0", rho0, 2**timeline.n)
        if start.ndim != 2:
            raise ArgumentError("rho0", f"of shape {start.shape}", "be one state of shape (d, d) on circuits")
        members = 1 if timeline.ensemble is None else len(timeline.ensemble)
        if members > MAX_MEMBERS:
            allowed = f"have at most {MAX_MEMBERS} members on circuits, which run one by one"
            raise ArgumentError("ensemble", f"one of {members}", allowed)
        job = _Job(self, timeline, start)
        seed = int(np.random.SeedSequence().entropy % 2**63) if self.seed is None else self.seed  # type: ignore[operator]
        info: dict[str, Any] = {
            "shots": self.shots or 0,
            "settings": len(job.settings),
            "branches": len(job.branches),
            "circuits": job.circuits,
            "sampling": self.sampling if self.shots else "probabilities",
            "split_bound": float(np.max(job.splitting.bound, initial=0.0)),
            "seed": seed,
        }
        if self.shots is None:
            rho = job.invert(job.mix(job.ideal_frequencies(progress)))[..., None, :, :]
        else:
            rho = job.measured(np.random.default_rng(seed), seed, progress)
        rho = cycle_average(timeline, rho)
        rho = nearest_state(rho) if self.estimator == "nearest" else rho
        return States(rho, timeline.observed, self.source, info)


class _Job:
    """One run: branches, settings and shots of a timeline. Arrays are (..., mark, branch, setting, outcome) throughout."""

    def __init__(self, engine: Shots, timeline: Timeline, start: ComplexArray) -> None:
        self.engine, self.timeline = engine, timeline
        weights, self.basis = eigenbranches(start)
        self.branches: tuple[Branch, ...] = branches(weights, timeline.crushers)
        self.weights = np.array([branch.weight for branch in self.branches])
        self.settings = pauli_settings(timeline.n)
        # members of an ensemble are one more leading axis on circuits; without an ensemble it has length 1
        ensemble = timeline.ensemble or Ensemble.of()
        self.members, self.plain = ensemble.weights, expanded(replace(timeline, ensemble=ensemble))
        self.splitting = splitting(self.plain, engine.split)
        readout = timeline.noise.readout if timeline.noise else (0.0,) * timeline.n
        self.readout = readout
        self.confusion = confusion(readout)
        self.points = list(np.ndindex(*self.plain.shape))
        self.shape = (*timeline.shape, len(timeline.observed), len(self.branches))
        self.by_counts = engine.sampling == "counts" and engine.shots is not None
        marks = len(timeline.observed)
        self.circuits = len(self.points) * len(self.branches) * (marks * len(self.settings) if self.by_counts else 1)

    def measured(self, rng: np.random.Generator, seed: int, progress: Progress | None) -> ComplexArray:
        """Estimate and bootstrap replicas, (..., mark, 1 + R, d, d)."""
        shots = self.allotment()
        if self.by_counts:
            counts = self._aer_counts(shots, seed, progress)
        else:
            p = self.ideal_frequencies(progress)
            counts = rng.multinomial(np.broadcast_to(shots[:, None], p.shape[:-1]), p)
        frequencies = counts / shots[:, None, None]
        estimate = self.invert(self.mix(frequencies))[..., None, :, :]
        return np.concatenate([estimate, self._resampled(rng, frequencies, shots)], axis=-3)

    def ideal_frequencies(self, progress: Progress | None) -> FloatArray:
        """Outcome probabilities that the readout reports, from the density matrices Aer saves."""
        circuits = [self._circuit(index, branch, save=True) for index in self.points for branch in self.branches]
        done = _counter(progress, len(circuits))
        states = execute.saved_states(circuits, self.timeline.observed, done)
        states = states.reshape(*self.plain.shape, len(self.branches), *states.shape[1:])
        mixed = np.einsum("m,...mbkij->...kbij", self.members, states)
        return probabilities(mixed, self.settings) @ self.confusion

    def allotment(self) -> np.ndarray:
        """Shots of each branch in each setting, (branch,): by weight, summing to the shots asked for where that is possible."""
        assert self.engine.shots is not None
        steps = 1 if self.timeline.receiver is None else self.timeline.receiver.size
        exact = self.weights * (self.engine.shots / steps)
        shots = np.floor(exact + 1e-9).astype(int)
        rest = max(self.engine.shots // steps - int(shots.sum()), 0)
        shots[np.argsort(shots - exact, kind="stable")[:rest]] += 1
        return np.maximum(shots, 1)

    def mix(self, frequencies: FloatArray) -> FloatArray:
        """Branches averaged by weight: (..., setting, outcome)."""
        return np.tensordot(np.moveaxis(frequencies, -3, -1), self.weights, axes=1)

    def invert(self, mixed: FloatArray) -> ComplexArray:
        """Linear inversion with the readout error undone, (..., d, d)."""
        return linear_inversion(mixed @ np.linalg.inv(self.confusion), self.settings)

    def _resampled(self, rng: np.random.Generator, frequencies: FloatArray, shots: np.ndarray) -> ComplexArray:
        """Replicas by drawing every circuit's counts anew from its observed frequencies, (..., mark, R, d, d)."""
        size = max(1, _CHUNK // frequencies.size)
        n = np.broadcast_to(shots[:, None], frequencies.shape[:-1])
        parts = []
        for first in range(0, self.engine.replicas, size):
            count = min(size, self.engine.replicas - first)
            drawn = rng.multinomial(n, frequencies, size=(count, *n.shape)) / shots[:, None, None]
            parts.append(self.invert(self.mix(drawn)))
        return np.moveaxis(np.concatenate(parts), 0, -3)

    def _aer_counts(self, shots: np.ndarray, seed: int, progress: Progress | None) -> np.ndarray:
        shape = (*self.shape, len(self.settings))
        share = np.broadcast_to(shots[:, None], shape)[..., None]
        if self.members.size > 1:
            share = np.random.default_rng([seed, 1]).multinomial(share[..., 0], self.members)
        lead = len(self.timeline.shape)
        wanted = np.moveaxis(share, -1, lead)  # (..., member, mark, branch, setting)
        circuits = [
            self._circuit(index, branch, measure=(mark, setting))
            for index in self.points
            for mark in self.timeline.observed
            for branch in self.branches
            for setting in self.settings
        ]
        done = _counter(progress, len(circuits))
        counts = execute.counts(circuits, wanted.reshape(-1).tolist(), self.readout, seed, done)
        return counts.reshape(*wanted.shape, -1).sum(axis=lead)

    def _circuit(self, index: tuple[int, ...], branch: Branch, **end: Any) -> Any:
        pieces = self.splitting.pieces[index]
        return compile_circuit(self.plain, index, branch, basis=self.basis, pieces=pieces, **end)


def _counter(progress: Progress | None, total: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    return count
