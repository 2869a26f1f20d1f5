"""What a pulse is optimised for: a state, a unitary, or directly the work that it leaves in a battery.

Every objective gives its value, averaged over members or as a soft minimum, with the exact gradient by the final unitaries
or states. Energies are in the unit of H.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.liouville import kron

#: Populations closer than this part of the largest one count as degenerate.
DEGENERACY = 1e-9


class Objective(ABC):
    """Something to be made as large as possible; `bound` is the most that unitaries allow, `scale` a size for tolerances."""

    dimension: int
    bound: float
    scale: float

    @abstractmethod
    def of_unitaries(self, U: ComplexArray, weights: FloatArray, sharpness: float | None) -> tuple[float, ComplexArray]:
        """Value for unitaries (M, d, d), and G of the same shape with d value = Re sum conj(G) dU."""

    @abstractmethod
    def columns(self) -> ComplexArray:
        """What is followed under noise: row-major vectors as columns, (d^2, n)."""

    @abstractmethod
    def of_columns(self, X: ComplexArray, weights: FloatArray, sharpness: float | None) -> tuple[float, ComplexArray]:
        """Value for the followed columns at the end (M, d^2, n), and G of the same shape."""

    @abstractmethod
    def of_members(self, end: ComplexArray, noisy: bool) -> FloatArray:
        """Value of every member by itself, (M,), for final unitaries, or columns where there was noise."""


class StateObjective(Objective):
    """What depends on the final state alone: rho0 (d, d) is where the pulse starts."""

    rho0: ComplexArray

    @abstractmethod
    def _of_states(self, rho: ComplexArray) -> tuple[FloatArray, ComplexArray]:
        """Value (...) of states (..., d, d), and the Hermitian A (..., d, d) with d value = Re Tr[A d rho]."""

    def _combined(self, rho: ComplexArray, weights: FloatArray, sharpness: float | None) -> tuple[float, ComplexArray]:
        if sharpness is None:
            value, A = self._of_states(np.tensordot(weights, rho, 1))
            return float(value), weights[:, None, None] * A
        values, A = self._of_states(rho)
        total, share = soft_minimum(values, sharpness / self.scale)
        return total, share[:, None, None] * A

    def of_unitaries(self, U: ComplexArray, weights: FloatArray, sharpness: float | None) -> tuple[float, ComplexArray]:
        """Value and slope by final unitaries, as every `Objective` has them."""
        half = U @ self.rho0
        value, A = self._combined(half @ _adjoint(U), weights, sharpness)
        return value, 2 * A @ half

    def columns(self) -> ComplexArray:
        """What is followed under noise, (d^2, n)."""
        return self.rho0.reshape(-1, 1)

    def of_columns(self, X: ComplexArray, weights: FloatArray, sharpness: float | None) -> tuple[float, ComplexArray]:
        """Value and slope by the columns at the end."""
        d = self.dimension
        # hermiticity is kept by the dynamics to rounding; only that part counts, and A, Hermitian, is its gradient
        value, A = self._combined(X.reshape(len(X), d, d), weights, sharpness)
        return value, np.ascontiguousarray(A).reshape(len(X), d * d, 1)

    def states(self, end: ComplexArray, noisy: bool) -> ComplexArray:
        """Final states (M, d, d), for final unitaries, or columns where there was noise."""
        d = self.dimension
        return end.reshape(len(end), d, d) if noisy else end @ self.rho0 @ _adjoint(end)

    def of_members(self, end: ComplexArray, noisy: bool) -> FloatArray:
        """Value of every member by itself, (M,)."""
        return self._of_states(self.states(end, noisy))[0]


class Transfer(StateObjective):
    """From one state to another: Re Tr[target rho] / (|target| |rho0|), 1 at most, which is the fidelity of pure states.

    rho0, target: (d, d), Hermitian; deviations from the identity are welcome (Frobenius norms divide). Raises ArgumentError
    for shapes that differ, and for one that is zero.
    """

    def __init__(self, rho0: ComplexArray, target: ComplexArray) -> None:
        start = checks.hermitian("rho0", rho0)
        wanted = checks.hermitian("target", target, start.shape[-1])
        _single("rho0", start)
        _single("target", wanted)
        size = np.linalg.norm(start) * np.linalg.norm(wanted)
        if size == 0:
            raise ArgumentError("rho0 and target", "zero", "both be other than zero")
        self.rho0 = start
        self.target = wanted
        self._A = wanted / size
        self.dimension, self.scale = start.shape[-1], 1.0
        self.bound = float(np.linalg.eigvalsh(start) @ np.linalg.eigvalsh(wanted) / size)

    def _of_states(self, rho: ComplexArray) -> tuple[FloatArray, ComplexArray]:
        return _mean(rho, self._A), np.broadcast_to(self._A, rho.shape)


class StoredEnergy(StateObjective):
    """Tr[(rho - rho0) H], what charging puts in.

    rho0: (d, d), the state before the pulse. H: (d, d), the battery's Hamiltonian, whose unit is that of the value (the
    pulse is driven by the sample's Hamiltonian, which is another matter). Raises ArgumentError.
    """

    def __init__(self, rho0: ComplexArray, H: ComplexArray) -> None:
        start = checks.density_matrix("rho0", rho0)
        energy = checks.hermitian("H", H, start.shape[-1])
        _single("rho0", start)
        _single("H", energy)
        self.rho0 = start
        self.H = energy
        self.dimension = start.shape[-1]
        self.levels, populations = np.linalg.eigvalsh(energy), np.linalg.eigvalsh(start)
        self.scale = float(self.levels @ (populations - populations[::-1]))
        if self.scale <= 1e-14 * np.abs(energy).max(initial=0.0):
            raise ArgumentError("rho0 and H", "such that no unitary changes the energy", "let work be stored")
        self._start = float(_mean(start, energy))
        self.bound = float(self.levels @ populations) - self._start

    def _of_states(self, rho: ComplexArray) -> tuple[FloatArray, ComplexArray]:
        return _mean(rho, self.H) - self._start, np.broadcast_to(self.H, rho.shape)


class Power(StoredEnergy):
    """Stored energy over the length of the pulse (s), the average charging power: for pulses of one length the same goal."""

    def __init__(self, rho0: ComplexArray, H: ComplexArray, duration: float) -> None:
        super().__init__(rho0, H)
        self.duration = float(checks.positive("duration", duration))
        self.scale, self.bound = self.scale / self.duration, self.bound / self.duration

    def _of_states(self, rho: ComplexArray) -> tuple[FloatArray, ComplexArray]:
        value, A = super()._of_states(rho)
        return value / self.duration, A / self.duration


class Ergotropy(StoredEnergy):
    """The work that unitaries can draw from the final state: Tr[rho H] - sum_k r_k e_k, r descending, e ascending.

    Averaged over an ensemble it is that of the average state: one extraction serves all members. The gradient is
    H - sum_k e_k |r_k><r_k|. Ergotropy is a maximum over unitaries of linear functions, so convex; where populations of
    different energies meet it has a kink, and what stands here then is one of its subgradients.
    """

    def __init__(self, rho0: ComplexArray, H: ComplexArray) -> None:
        super().__init__(rho0, H)
        self.bound = self.scale

    def _of_states(self, rho: ComplexArray) -> tuple[FloatArray, ComplexArray]:
        r, vectors = np.linalg.eigh(rho)
        downwards = self.levels[::-1]  # r ascends
        passive = (vectors * downwards[..., None, :]) @ _adjoint(vectors)
        return _mean(rho, self.H) - r @ downwards, self.H - passive

    def is_degenerate(self, rho: ComplexArray) -> bool:
        """Whether populations of a state (..., d, d) that meet different energies are equal: the gradient is not unique."""
        r = np.linalg.eigvalsh(rho)
        close = np.diff(r) <= DEGENERACY * r[..., -1:]
        apart = np.diff(self.levels[::-1]) < -DEGENERACY * np.abs(self.levels).max()
        return bool(np.any(close & apart))


class Gate(Objective):
    """A unitary up to its phase: |Tr[V^dagger U]|^2 / d^2, the process fidelity, also under noise.

    V: (d, d). Raises ArgumentError unless it is unitary to 1e-8.
    """

    def __init__(self, V: ComplexArray) -> None:
        self.V = checks.operator("V", V)
        _single("V", self.V)
        d = self.dimension = self.V.shape[-1]
        off = float(np.abs(_adjoint(self.V) @ self.V - np.eye(d)).max())
        if off > checks.TOLERANCE:
            raise ArgumentError("V", f"off by {off:.3g}", "be unitary")
        self.bound = self.scale = 1.0

    def of_unitaries(self, U: ComplexArray, weights: FloatArray, sharpness: float | None) -> tuple[float, ComplexArray]:
        """Value and slope by final unitaries, as every `Objective` has them."""
        overlap = np.einsum("ij,mij->m", self.V.conj(), U) / self.dimension
        value, share = _average(np.abs(overlap) ** 2, weights, sharpness)
        return value, (2 / self.dimension) * (share * overlap)[:, None, None] * self.V

    def columns(self) -> ComplexArray:
        """What is followed under noise, (d^2, n)."""
        return np.eye(self.dimension**2, dtype=complex)

    def of_columns(self, X: ComplexArray, weights: FloatArray, sharpness: float | None) -> tuple[float, ComplexArray]:
        """Value and slope by the columns at the end."""
        wanted = kron(self.V, self.V.conj()) / self.dimension**2
        value, share = _average(np.einsum("ij,mij->m", wanted.conj(), X).real, weights, sharpness)
        return value, share[:, None, None] * wanted

    def of_members(self, end: ComplexArray, noisy: bool) -> FloatArray:
        """Value of every member by itself, (M,)."""
        if noisy:
            wanted = kron(self.V, self.V.conj()) / self.dimension**2
            return np.einsum("ij,mij->m", wanted.conj(), end).real
        return np.abs(np.einsum("ij,mij->m", self.V.conj(), end) / self.dimension) ** 2


def soft_minimum(values: FloatArray, sharpness: float) -> tuple[float, FloatArray]:
    """-log(mean exp(-sharpness v))/sharpness of values (M,), above their minimum by at most log(M)/sharpness, and its slope."""
    lowest = values.min()
    weight = np.exp(-sharpness * (values - lowest))
    return float(lowest - np.log(weight.mean()) / sharpness), weight / weight.sum()


def _average(values: FloatArray, weights: FloatArray, sharpness: float | None) -> tuple[float, FloatArray]:
    return (float(weights @ values), weights) if sharpness is None else soft_minimum(values, sharpness)


def _single(name: str, matrix: ComplexArray) -> None:
    if matrix.ndim != 2:
        raise ArgumentError(name, f"of shape {matrix.shape}", "be one matrix (d, d)")


def _mean(rho: ComplexArray, A: ComplexArray) -> FloatArray:
    return np.asarray(np.einsum("...ij,ji->...", rho, A).real)


def _adjoint(a: ComplexArray) -> ComplexArray:
    return np.conj(np.swapaxes(a, -1, -2))
