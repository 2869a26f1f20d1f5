"""The value of a pulse and its exact gradient by every amplitude and phase: one pass forwards, one pass back.

GRAPE: Khaneja, Reiss, Kehlet, Schulte-Herbrueggen, Glaser, J. Magn. Reson. 172, 296 (2005), here without its first-order
approximation in the slice length: derivatives of slices are exact (`nmrqb.design.slices`).
"""

from __future__ import annotations

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design.controls import COUPLED, Generators, System, exchange_symmetric, generators
from nmrqb.design.objectives import Objective, StateObjective
from nmrqb.design.slices import propagators
from nmrqb.errors import ArgumentError

#: Complex numbers that the slices of all members may take (1 GB; three times as much stands in memory).
MAX_NUMBERS = 2**26


class Evaluator:
    """Value and gradient of an objective for pulses of S slices of length dt on a system.

    Raises ArgumentError where slices x members x matrix elements do not fit in memory.
    """

    def __init__(self, system: System, objective: Objective, slices: int, dt: float) -> None:
        self.system, self.objective = system, objective
        made = generators(system)
        self._noisy = system.jumps is not None
        self._coupled = exchange_symmetric(system)
        if self._coupled:
            made, self._singlet = _triplet(made, slices * dt)
        D = made.still.shape[-1]
        numbers = slices * system.members * D * D
        if numbers > MAX_NUMBERS:
            found = f"{slices} slices x {system.members} members of {D} x {D} matrices"
            raise ArgumentError("the pulse", found, f"take at most {MAX_NUMBERS} numbers")
        self._propagators = propagators(made, dt)

    def states(self, a: FloatArray, phase: FloatArray) -> ComplexArray:
        """What the pulse leaves on each member, (M, d, d). Raises ArgumentError for an objective without a starting state."""
        if not isinstance(self.objective, StateObjective):
            raise ArgumentError("objective", type(self.objective).__name__, "start in a state, to leave one")
        return self.objective.states(self._end(self._propagators.slices(a, phase)), self._noisy)

    def value(
        self, a: FloatArray, phase: FloatArray, sharpness: float | None = None
    ) -> tuple[float, FloatArray, FloatArray]:
        """The objective and its derivatives (S, C) by amplitudes a (shares of the limit) and phases (rad), (S, C) each.

        sharpness: of the soft minimum over members; None for the average.
        """
        P = self._propagators.slices(a, phase)
        return self._back(P, sharpness)

    def figures(self, a: FloatArray, phase: FloatArray) -> tuple[float, FloatArray, dict[str, float]]:
        """The objective on average, that of every member by itself (M,), and the least of them by name."""
        P = self._propagators.slices(a, phase)
        average = self._back(P, None)[0]
        members = self.objective.of_members(self._end(P), self._noisy)
        return average, members, {"worst": float(members.min())}

    def _back(self, P: ComplexArray, sharpness: float | None) -> tuple[float, FloatArray, FloatArray]:
        return (self._back_on_states if self._noisy else self._back_on_unitaries)(P, sharpness)

    def _end(self, P: ComplexArray) -> ComplexArray:
        """The unitary (M, d, d), or, with noise, the columns that the objective follows (M, d^2, n)."""
        if not self._noisy:
            return self._embedded(scan(P)[:, :, -1])
        return np.moveaxis(_columns(P, self.objective.columns())[-1], -1, 0)

    def _back_on_unitaries(self, P: ComplexArray, sharpness: float | None) -> tuple[float, FloatArray, FloatArray]:
        X = scan(P)
        value, G = self.objective.of_unitaries(self._embedded(X[:, :, -1]), self.system.weights, sharpness)
        if self._coupled:
            G = (COUPLED.T @ G @ COUPLED)[:, :3, :3]
        # the rest of the pulse after slice s is X_S X_s^dagger
        end = np.conj(np.moveaxis(X[:, :, -1], -1, 0))
        K = np.moveaxis(np.swapaxes(end, 1, 2) @ G, 0, -1)[:, :, None]
        later = times(X[:, :, 1:], K)
        W = times(later, np.conj(np.swapaxes(X[:, :, :-1], 0, 1)))
        return (value, *self._propagators.pullback(W))

    def _back_on_states(self, P: ComplexArray, sharpness: float | None) -> tuple[float, FloatArray, FloatArray]:
        X = _columns(P, self.objective.columns())  # (S + 1, D, n, M)
        value, G = self.objective.of_columns(np.moveaxis(X[-1], -1, 0), self.system.weights, sharpness)
        back = np.moveaxis(G, 0, -1)
        W = np.empty_like(P)
        for s in range(P.shape[2] - 1, -1, -1):
            W[:, :, s] = np.einsum("anm,bnm->abm", back, X[s].conj())
            back = np.einsum("bam,bnm->anm", P[:, :, s].conj(), back)
        return (value, *self._propagators.pullback(W))

    def _embedded(self, U: ComplexArray) -> ComplexArray:
        """Unitaries of all spins (M, d, d) from what RF reaches (D, D, M)."""
        inner = np.moveaxis(U, -1, 0)
        if not self._coupled:
            return inner
        whole = np.zeros((len(inner), 4, 4), dtype=complex)
        whole[:, :3, :3] = inner
        whole[:, 3, 3] = self._singlet
        return COUPLED @ whole @ COUPLED.T


def scan(P: ComplexArray) -> ComplexArray:
    """Products of the first s slices, s = 0 .. S, (D, D, S + 1, M): runs of about sqrt(S) slices side by side, then joined."""
    D, _, S, M = P.shape
    run = max(1, int(np.sqrt(S)))
    runs = S // run
    X = np.empty((D, D, S + 1, M), dtype=complex)
    X[:, :, 0] = np.eye(D)[..., None]
    local = np.empty((D, D, runs, run, M), dtype=complex)
    body = P[:, :, : runs * run].reshape(D, D, runs, run, M)
    local[..., 0, :] = body[..., 0, :]
    for step in range(1, run):
        local[..., step, :] = times(np.ascontiguousarray(body[..., step, :]), local[..., step - 1, :])
    before = X[:, :, 0]
    for k in range(runs):
        X[:, :, 1 + k * run : 1 + (k + 1) * run] = times(local[:, :, k], before[:, :, None])
        before = X[:, :, (k + 1) * run]
    for s in range(runs * run, S):
        X[:, :, s + 1] = times(P[:, :, s], X[:, :, s])
    return X


def times(A: ComplexArray, B: ComplexArray) -> ComplexArray:
    """Matrix products of stacks with the matrix axes first, (D, E, ...) and (E, F, ...)."""
    result = A[:, 0, None] * B[None, 0]
    for k in range(1, A.shape[1]):
        result += A[:, k, None] * B[None, k]
    return result


def _columns(P: ComplexArray, start: ComplexArray) -> ComplexArray:
    """Columns after s slices, (S + 1, D, n, M), from start (D, n)."""
    D, _, S, M = P.shape
    X = np.empty((S + 1, D, start.shape[1], M), dtype=complex)
    X[0] = start[..., None]
    for s in range(S):
        np.einsum("abm,bnm->anm", P[:, :, s], X[s], out=X[s + 1])
    return X


def _triplet(made: Generators, duration: float) -> tuple[Generators, ComplexArray]:
    """The generators among triplet states, and what becomes of the singlet on each member, (M,)."""
    still = COUPLED.T @ made.still @ COUPLED
    quadratures = (COUPLED.T @ made.quadratures @ COUPLED)[..., :3, :3]
    z = np.array([[1.0, 0.0, -1.0]])
    inner = Generators(np.ascontiguousarray(still[:, :3, :3]), quadratures, made.rf, z, unitary=True)
    return inner, np.exp(duration * still[:, 3, 3])
