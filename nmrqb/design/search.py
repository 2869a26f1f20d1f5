"""Optimal pulses: amplitudes and phases of every slice, by L-BFGS-B on exact gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design import starts
from nmrqb.design.checkpoints import Checkpoint
from nmrqb.design.controls import System
from nmrqb.design.grape import Evaluator
from nmrqb.design.objectives import Ergotropy, Objective
from nmrqb.design.pulses import OptimisedPulse
from nmrqb.design.requests import checked_length, number, start_of, whole
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.sequence import Shape
from nmrqb.sequence.shapes import MAX_POINTS

#: Sharpness, in units of the objective's scale, of the soft minimum in each stage of a worst-case search.
STAGES = (20.0, 200.0)
#: Corrections that L-BFGS-B keeps.
_MEMORY = 20
#: A search ends when this part of the scale is all that an iteration gains, or all that any slope is.
_GAIN, _SLOPE = 1e-12, 1e-9

Progress = Callable[[int, int], None]


def optimise(
    sample: Sample | System,
    objective: Objective,
    *,
    duration: float,
    slices: int = 100,
    on: str | Sequence[str] | None = None,
    start: Literal["hard", "bb1", "random"] | Shape | Mapping[str, Shape] | ComplexArray = "hard",
    flip: float = np.pi / 2,
    ensemble: Ensemble | None = None,
    over: Literal["average", "worst"] = "average",
    noise: bool = False,
    limit: float | Mapping[str, float] | None = None,
    smooth: float = 0.0,
    kick: float = 0.1,
    seed: int = 0,
    iterations: int = 200,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> OptimisedPulse:
    """The pulse of `slices` slices and `duration` (s) that makes an objective largest, within the RF limit.

    sample: the drift and the channels `on` (all by default), with `limit` in Hz (the sample's by default); or a `System`
    made by hand, which brings its own channels, limits, members and noise. objective: `Ergotropy`, `StoredEnergy`,
    `Power`, `Transfer` or `Gate`. ensemble: members that differ in RF amplitude, offset (Hz), coupling or orientation;
    over: their "average" (for ergotropy, that of the average state) or the "worst" of them, through soft minima ever
    sharper. noise: whether the sample's relaxation acts meanwhile. start: "hard" (of `flip` rad along x), "bb1", "random",
    a shape (or one for each channel) at the RF limit, or shares of the limit (S, C). kick: phases of the start are moved
    by so many rad at random, away from symmetries. smooth: weight of the penalty smooth x sum over channels of the mean
    |dw/du|^2 (u from 0 to 1 over the pulse, w the share of the limit), against the value over the objective's scale.
    checkpoint: a file that holds the last iterate at any time (amplitudes, phases, history); with `resume` the search goes
    on from there, with L-BFGS-B's memory empty, up to `iterations` in all. progress: called with (iterations done, all).

    Deterministic for a seed. Raises ArgumentError, naming the bound, for an RF limit above the sample's, a duration not
    above zero, no slices or more than 32768, slices below the sample's raster, slices in which the RF limit turns a spin
    by more than half a turn (the pulse is then too long), and a checkpoint of another problem.
    """
    if not isinstance(sample, (Sample, System)) or not isinstance(objective, Objective):
        found = f"{type(sample).__name__} and {type(objective).__name__}"
        raise ArgumentError("sample and objective", found, "be a Sample (or System) and an Objective")
    system = (
        sample if isinstance(sample, System) else System.of(sample, on=on, ensemble=ensemble, noise=noise, limit=limit)
    )
    if isinstance(sample, System) and (on is not None or ensemble is not None or noise or limit is not None):
        raise ArgumentError("on, ensemble, noise and limit", "given beside a System", "be parts of the System itself")
    rows = whole("slices", slices, 1, f"be a whole number from 1 to {MAX_POINTS}, the rows of a shape file", MAX_POINTS)
    length = checked_length(system, sample, objective, duration, rows)
    if over not in ("average", "worst"):
        raise ArgumentError("over", repr(over), 'be "average" or "worst"')
    most, weight = whole("iterations", iterations, 1, "be a whole number, 1 or more"), number("smooth", smooth)
    rng = np.random.default_rng(whole("seed", seed, 0, "be a whole number, zero or above"))
    w = start_of(start, flip, length, rows, system, rng)
    a, phase = starts.kicked(w, number("kick", kick), rng)
    search = _Search(Evaluator(system, objective, rows, length / rows), weight, most, progress)
    if checkpoint is not None:
        search.keep = Checkpoint.of(Path(checkpoint), system, objective, length, rows, over, weight)
    done, before = (search.keep.read() if resume and search.keep else None), search.evaluator.value(a, phase)[0]
    if resume and search.keep is None:
        raise ArgumentError("resume", True, "come with the checkpoint to resume from")
    if done is not None:
        a, phase, search.stage, before = done.a, done.phase, done.stage, done.start
        search.history = done.history
    search.start = before
    return _result(search, search.run(a, phase, STAGES if over == "worst" else (None,)), system, length)


@dataclass(eq=False)
class _Search:
    """The state of one search: what is minimised, and what has been seen."""

    evaluator: Evaluator
    smooth: float
    iterations: int
    progress: Progress | None
    keep: Checkpoint | None = None
    history: list[list[float]] = field(default_factory=list)
    stage: int = 0
    start: float = 0.0

    def run(self, a: FloatArray, phase: FloatArray, stages: tuple[float | None, ...]) -> OptimizeResult:
        """All stages from where the search stands; amplitudes from -1 to 1, phases free."""
        z = np.concatenate([a.reshape(-1), phase.reshape(-1)])
        result: OptimizeResult | None = None
        for stage in range(self.stage, len(stages)):
            if result is not None or not self.history:
                self.history.append([])
            self.stage = stage
            # each stage has its share of the iterations that are left
            last = self.done + (self.iterations - self.done) // (len(stages) - stage)
            result = self._climb(z, a.shape, stages[stage], last)
            z = result.x
        assert result is not None
        result.shape = a.shape
        return result

    def _climb(self, z: FloatArray, shape: tuple[int, ...], sharpness: float | None, last: int) -> OptimizeResult:
        """L-BFGS-B until `last` iterations are done, anew with an empty memory where a bad step ended it on a slope."""

        def cost(z: FloatArray) -> tuple[float, FloatArray]:
            return self._cost(z, shape, sharpness)

        def after(intermediate_result: OptimizeResult) -> None:
            self._note(intermediate_result, shape)

        bounds = [(-1.0, 1.0)] * (z.size // 2) + [(None, None)] * (z.size // 2)
        fun, jac = cost(z)
        if not self.history[-1]:
            self.history[-1].append(-fun)
        result = OptimizeResult(x=z, fun=fun, jac=jac, success=False, message="no iterations are left")
        while self.done < last:
            before = result.fun
            options = {
                "maxiter": last - self.done,
                "maxfun": 20 * last,
                "maxcor": _MEMORY,
                "ftol": _GAIN,
                "gtol": _SLOPE,
            }
            result = minimize(
                cost, result.x, jac=True, method="L-BFGS-B", bounds=bounds, callback=after, options=options
            )
            if before - result.fun < 1e3 * _GAIN or np.abs(slopes(result)).max() < _SLOPE:
                break
        return result

    @property
    def done(self) -> int:
        """Iterations so far."""
        return sum(len(values) - 1 for values in self.history if values)

    def _cost(self, z: FloatArray, shape: tuple[int, ...], sharpness: float | None) -> tuple[float, FloatArray]:
        a, phase = z[: z.size // 2].reshape(shape), z[z.size // 2 :].reshape(shape)
        value, by_a, by_phase = self.evaluator.value(a, phase, sharpness)
        scale = self.evaluator.objective.scale
        cost, slope = -value / scale, -np.concatenate([by_a.reshape(-1), by_phase.reshape(-1)]) / scale
        if self.smooth:
            rough, more = roughness(a, phase)
            cost, slope = cost + self.smooth * rough, slope + self.smooth * more
        return cost, slope

    def _note(self, found: OptimizeResult, shape: tuple[int, ...]) -> None:
        self.history[-1].append(-float(found.fun))
        if self.keep is not None:
            z = found.x
            a, phase = z[: z.size // 2].reshape(shape), z[z.size // 2 :].reshape(shape)
            self.keep.write(a, phase, self.stage, self.history, self.start)
        if self.progress is not None:
            self.progress(self.done, self.iterations)


def slopes(found: OptimizeResult) -> FloatArray:
    """Slopes of what is maximised, zero where an amplitude at its limit would have to leave it."""
    at = np.concatenate([found.x[: found.x.size // 2], np.zeros(found.x.size // 2)])
    return np.where((np.abs(at) >= 1) & (found.jac * at < 0), 0.0, -found.jac)


def roughness(a: FloatArray, phase: FloatArray) -> tuple[float, FloatArray]:
    """Mean of |dw/du|^2 over the pulse, summed over channels, and its slope by amplitudes and phases, (2 S C,)."""
    turn = np.exp(1j * phase)
    steps = np.diff(a * turn, axis=0)
    slope = np.zeros(a.shape, dtype=complex)
    slope[1:] += 2 * steps
    slope[:-1] -= 2 * steps
    slope *= turn.conj() * len(a)
    return float(len(a) * np.sum(np.abs(steps) ** 2)), np.concatenate([slope.real.ravel(), (a * slope.imag).ravel()])


def _result(search: _Search, found: OptimizeResult, system: System, duration: float) -> OptimisedPulse:
    evaluator, z = search.evaluator, found.x
    a, phase = z[: z.size // 2].reshape(found.shape), z[z.size // 2 :].reshape(found.shape)
    value, members, further = evaluator.figures(a, phase)
    objective = evaluator.objective
    if isinstance(objective, Ergotropy):
        further["degenerate"] = objective.is_degenerate(np.tensordot(system.weights, evaluator.states(a, phase), 1))
    return OptimisedPulse(
        w=a * np.exp(1j * phase),
        channels=tuple(c.name for c in system.channels),
        limits=np.array([c.limit for c in system.channels]) / (2 * np.pi),
        duration=duration,
        value=value,
        start=search.start,
        bound=objective.bound,
        history=np.concatenate([np.array(values) for values in search.history]),
        gradient_norm=float(np.abs(slopes(found)).max()),
        members=members,
        iterations=search.done,
        converged=bool(found.success),
        message=str(found.message),
        metrics=further,
    )
