"""Average-Hamiltonian theory of a periodic block: what its pulses make of the couplings, order by order and exactly.

In the frame that the pulses turn (the toggling frame) the couplings and offsets are H(t), and the block is one exponential
exp(-i (H0 + H1 + H2 + ...) T), the Magnus series: Haeberlen and Waugh, Phys. Rev. 175, 453 (1968). Slices are added one
after another by the Baker-Campbell-Hausdorff formula, kept order by order; pulses with a length in Gauss steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.sequence import Observe, Repeat, Sequence
from nmrqb.sequence.schema import Pulses
from nmrqb.spin.operators import pauli_string, pauli_sum
from nmrqb.spin.propagation import unitary
from nmrqb.timeline import Timeline, propagator, schedule

#: Steps for each 90 degrees of a pulse with a length; the orders are then good to 1e-7 of H.
STEPS = 24
#: Eigenphases closer than this (rad) are one level, within which the reference chooses the states.
LEVEL = 1e-8
#: How far the pulses of a block may be from no rotation at all, for it to be called a cycle.
CLOSED = 1e-9


class Couplings(NamedTuple):
    """A Hamiltonian of two spins as the battery's couplings, and the norm of what is none of them (...).

    remainder: root of the sum of squared Pauli coefficients, |rest|_Frobenius/2; the identity is left out.
    """

    axial: FloatArray
    rhombic: FloatArray
    dm: FloatArray
    ksea: FloatArray
    zeeman: FloatArray
    remainder: FloatArray


@dataclass(frozen=True)
class AverageHamiltonian:
    """A block's average Hamiltonian in rad/s; leading axes (...) are those of the timeline.

    orders: H0, H1 and H2 (..., d, d). effective: (..., d, d), the Hamiltonian whose evolution for `period` is exactly that
    of the toggling frame. frame: (..., d, d), the rotation that the pulses make by the end; the block as a whole is frame
    exp(-i effective period). period: (...), in s. residual: (...), Frobenius norm of effective - H0 - H1 - H2.
    """

    orders: tuple[ComplexArray, ComplexArray, ComplexArray]
    effective: ComplexArray
    frame: ComplexArray
    period: FloatArray

    @property
    def is_cyclic(self) -> bool:
        """Whether the pulses come back to where they began, so that repeating the block repeats its Hamiltonian."""
        d = self.frame.shape[-1]
        overlap = np.abs(np.einsum("...ii->...", self.frame)) / d
        return bool(np.all(overlap > 1 - CLOSED))

    @property
    def residual(self) -> FloatArray:
        """What the first three orders leave, (...)."""
        return np.asarray(np.linalg.norm(self.effective - sum(self.orders), axis=(-2, -1)))

    def couplings(self, order: int | Literal["effective"] = "effective", unit: float = 1.0) -> Couplings:
        """One order, or the exact Hamiltonian, on the battery's couplings, over `unit` (rad/s). Raises ArgumentError.

        Sample.energy_unit as the unit gives them as a Battery has them.
        """
        if order not in (0, 1, 2, "effective"):
            raise ArgumentError("order", repr(order), 'be 0, 1, 2 or "effective"')
        return couplings((self.effective if order == "effective" else self.orders[int(order)]) / unit)


def average_hamiltonian(
    block: Sequence | Timeline,
    sample: Sample | None = None,
    *,
    pulses: Pulses | None = None,
    reference: ArrayLike | None = None,
) -> AverageHamiltonian:
    """Average Hamiltonian of a block in the toggling frame of its pulses: orders 0 to 2, and exactly.

    block: a Timeline, or a sequence with its sample; of a sequence that holds one `repeat`, the steps of one round, else
    all of it. pulses: over what the sequence says. What belongs to the toggling frame are couplings and offsets, also
    while a pulse is on. reference: a Hamiltonian (d, d) in rad/s near the exact one, to choose the branch of its
    logarithm (multiples of 2 pi/T of its levels); H0 + H1 + H2 by default, right where the series has any meaning.
    Raises ArgumentError for a block with noise, crushers or members of an ensemble, or that lasts no time.
    """
    timeline = block if isinstance(block, Timeline) else _scheduled(block, sample, pulses)
    _check(timeline)
    period = timeline.durations.sum(axis=-1)
    if np.any(period <= 0):
        raise ArgumentError("block", "one of no length", "last longer than zero")
    series, frame = _series(timeline)
    T = period[..., None, None]
    first, second, third = (1j * term / T for term in series)
    orders = (first, second, third)
    near = first + second + third if reference is None else checks.hermitian("reference", reference, frame.shape[-1])
    near = (near + _adjoint(near)) / 2
    effective = _logarithm(_adjoint(frame) @ propagator(timeline), near * T) / T
    return AverageHamiltonian(orders, effective, frame, period)


def effective_hamiltonian(evolution: ArrayLike, duration: ArrayLike, reference: ArrayLike) -> ComplexArray:
    """The Hamiltonian (..., d, d) nearest a reference with exp(-i H duration) = evolution, without its phase.

    evolution (..., d, d), duration (...) in s, reference (..., d, d) in rad/s. Each level is taken modulo 2 pi/duration to
    lie nearest the reference's mean on its state. Raises ArgumentError.
    """
    U, T = checks.operator("evolution", evolution), checks.positive("duration", duration)
    near = checks.hermitian("reference", reference, U.shape[-1])
    checks.same_dimension("evolution", U, "reference", near)
    length = T[..., None, None]
    return _logarithm(U, near * length) / length


def couplings(hamiltonian: ArrayLike) -> Couplings:
    """Two-spin Hamiltonians (..., 4, 4) on Delta, epsilon, D, G and B, and the norm of the rest. Raises ArgumentError."""
    H = checks.hermitian("hamiltonian", hamiltonian, 4)
    labels = ("XX", "YY", "ZZ", "XY", "YX", "ZI", "IZ")
    c = {p: np.einsum("ij,...ji->...", pauli_string(p), H).real / 4 for p in labels}
    axial, rhombic = (2 * c["ZZ"] - c["XX"] - c["YY"]) / 2, (c["XX"] - c["YY"]) / 2
    dm, ksea, zeeman = (c["XY"] - c["YX"]) / 2, (c["XY"] + c["YX"]) / 2, (c["ZI"] + c["IZ"]) / 2
    third = axial / 3
    made = np.stack([rhombic - third, -rhombic - third, 2 * third, ksea + dm, ksea - dm, zeeman, zeeman], axis=-1)
    rest = H - pauli_sum(labels, made)
    rest = rest - np.einsum("...ii->...", rest)[..., None, None] * np.eye(4) / 4
    return Couplings(axial, rhombic, dm, ksea, zeeman, np.asarray(np.linalg.norm(rest, axis=(-2, -1)) / 2))


def _scheduled(block: Sequence, sample: Sample | None, pulses: Pulses | None) -> Timeline:
    if sample is None:
        raise ArgumentError("sample", "None", "be given beside a sequence")
    repeats = [step for step in block.steps if isinstance(step, Repeat)]
    if len(repeats) == 1:
        block = replace(block, steps=(*repeats[0].steps, Observe(observe="period")))
    return schedule(block, sample, pulses=pulses)


def _check(timeline: Timeline) -> None:
    for found, present in (
        ("noise", timeline.noise is not None),
        ("a crusher", bool(timeline.crushers)),
        ("an ensemble", timeline.ensemble is not None),
        ("no drift", timeline.drift is None),
    ):
        if present:
            raise ArgumentError("block", f"one with {found}", "be unitary, with pulses told from couplings")


def _series(timeline: Timeline) -> tuple[list[ComplexArray], ComplexArray]:
    """The terms of first, second and third order in H of log T exp(-i int H(t) dt), and the rotation of the pulses."""
    assert timeline.drift is not None
    d = 2**timeline.n
    drift = timeline.durations[..., None] * np.broadcast_to(timeline.drift[..., None, :], timeline.angles.shape)
    rotation = timeline.angles - drift
    frame = np.broadcast_to(np.eye(d, dtype=complex), (*timeline.shape, d, d))
    total = [np.zeros((*timeline.shape, d, d), dtype=complex) for _ in range(3)]
    for s in range(timeline.slices):
        H = pauli_sum(timeline.labels, drift[..., s, :])
        R = pauli_sum(timeline.labels, rotation[..., s, :])
        timed = bool(np.any(timeline.durations[..., s]))
        turns = bool(np.any(np.abs(rotation[..., s, :]) > 0))
        count = (_steps(rotation[..., s, :]) if turns else 1) if timed else 0
        for k in range(count):
            total = _added(_step(H, R, frame, k, count) if turns else (-1j * _seen(H, frame), None), total)
        if turns:
            frame = unitary(R, check=False) @ frame
    return total, frame


def _steps(rotation: FloatArray) -> int:
    """In how many steps a pulse is taken, by its largest flip angle."""
    return max(4, int(np.ceil(STEPS * 2 * np.abs(rotation).max() / (np.pi / 2))))


def _step(
    H: ComplexArray, R: ComplexArray, frame: ComplexArray, k: int, count: int
) -> tuple[ComplexArray, ComplexArray | None]:
    """First and second order of one of `count` steps of a pulse R, from H at two Gauss points."""
    at = (k + 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3)) / count
    one, two = (-1j * _seen(H, unitary(R * u, check=False) @ frame) / count for u in at)
    return (one + two) / 2, np.sqrt(3) / 12 * _commutator(two, one)


def _added(new: tuple[ComplexArray, ComplexArray | None], total: list[ComplexArray]) -> list[ComplexArray]:
    """log(exp(new) exp(total)) by orders."""
    (a, b), (x, y, z) = new, total
    twist = _commutator(a, x)
    z = z + _commutator(a, y) / 2 + (_commutator(a, twist) - _commutator(x, twist)) / 12
    y = y + twist / 2
    if b is not None:
        z, y = z + _commutator(b, x) / 2, y + b
    return [x + a, y, z]


def _logarithm(U: ComplexArray, near: ComplexArray) -> ComplexArray:
    """K (..., d, d) nearest `near` with exp(-i K) = U, up to a phase."""
    d = U.shape[-1]
    overlap = np.einsum("...ij,...ij->...", unitary(near, check=False).conj(), U)
    states = _eigenstates(U * np.exp(-1j * np.angle(overlap))[..., None, None])
    phases = _on_states(U, states)
    same = np.abs(phases[..., :, None] - phases[..., None, :]) < LEVEL
    inside = np.where(same, _adjoint(states) @ near @ states, 0)
    # levels that are one are told apart by the reference; a shift for each keeps eigh from mixing different ones
    apart = np.argmax(same, axis=-1) * (1 + 2 * np.abs(inside).sum(axis=(-2, -1)))[..., None]
    states = states @ np.linalg.eigh((inside + _adjoint(inside)) / 2 + apart[..., None] * np.eye(d))[1]
    angles = -np.angle(_on_states(U, states) * np.exp(-1j * np.angle(overlap))[..., None])
    expected = _on_states(near, states).real
    levels = angles + 2 * np.pi * np.round((expected - angles) / (2 * np.pi))
    levels = levels + (expected - levels).mean(axis=-1, keepdims=True)  # the phase is the reference's
    return (states * levels[..., None, :]) @ _adjoint(states)


def _eigenstates(U: ComplexArray) -> ComplexArray:
    """Orthonormal eigenvectors of unitary matrices as columns, (..., d, d).

    The Hermitian and anti-Hermitian parts of U commute: a sum of both has the eigenvectors, unless two levels meet in it.
    """
    C, S = (U + _adjoint(U)) / 2, (U - _adjoint(U)) / 2j
    angle = np.linspace(0.3, 2.7, 5).reshape(-1, *(1,) * U.ndim)
    tried = np.linalg.eigh(np.cos(angle) * C + np.sin(angle) * S)[1]
    inside = np.abs(_adjoint(tried) @ U @ tried) * (1 - np.eye(U.shape[-1]))
    best = np.argmin(inside.max(axis=(-2, -1)), axis=0)
    return np.take_along_axis(tried, best[None, ..., None, None], axis=0)[0]


def _on_states(operator: ComplexArray, states: ComplexArray) -> ComplexArray:
    """Means of an operator on states in columns, (..., d)."""
    return np.einsum("...ik,...ij,...jk->...k", states.conj(), operator, states)


def _seen(H: ComplexArray, frame: ComplexArray) -> ComplexArray:
    return _adjoint(frame) @ H @ frame


def _commutator(a: ComplexArray, b: ComplexArray) -> ComplexArray:
    return a @ b - b @ a


def _adjoint(a: ComplexArray) -> ComplexArray:
    return np.conj(np.swapaxes(a, -1, -2))
