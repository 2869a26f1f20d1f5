"""Noise on circuits: the sample's noise as channels between pieces of evolution, Strang-split to a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from qiskit.circuit import Instruction

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.channels import applied, correlated_dephasing, secular_bath, semigroup, shared_field, spin_channel
from nmrqb.nmr.noise import JumpSet, Noise
from nmrqb.spin.operators import on_spin, pauli_stack, pauli_sum
from nmrqb.spin.propagation import dissipator
from nmrqb.timeline import Timeline

#: Numbers in the superoperators that the bound holds at once.
_CHUNK = 2**23

Placed = tuple[Instruction, tuple[int, ...]]


@dataclass(frozen=True)
class Part:
    """Noise whose channel over any time is known by itself: on `spins`, (4^m, 4^m) for m of them."""

    spins: tuple[int, ...]
    jumps: ComplexArray
    channel: Callable[[float], ComplexArray]


@dataclass(frozen=True)
class Turns:
    """The channels of a slice whose noise acts for `time` a piece: before the first piece, between two, after the last."""

    first: tuple[Placed, ...]
    between: tuple[Placed, ...]
    last: tuple[Placed, ...]


@dataclass(frozen=True)
class Splitting:
    """How evolution and noise take turns: pieces per slice (..., S), and the bound (...,) on the trace distance it costs."""

    pieces: np.ndarray
    bound: FloatArray


@lru_cache(maxsize=64)
def parts(noise: Noise) -> tuple[Part, ...]:
    """The noise of a sample as parts with channels of their own: one for each set of jumps.

    All that acts on one spin alone is one part, and so is the correlated dephasing of a group: within them everything is
    composed exactly. What does not commute with each other or with the evolution is split, within `splitting`'s bound.
    """
    return tuple(Part(s.spins, s.jumps, _channel(noise, s)) for s in noise.jump_sets())


def _channel(noise: Noise, jumps: JumpSet) -> Callable[[float], ComplexArray]:
    inside = np.ix_(jumps.spins, jumps.spins)
    match jumps.kind:
        case "spin":
            (k,) = jumps.spins
            x = noise.x_dephasing[k] if noise.x_dephasing else 0.0
            relaxing = noise.fixed_point == "zeeman"
            r1 = noise.own_rate(k) if relaxing else 0.0
            kappa = float(noise.longitudinal[k, k]) if relaxing and noise.dephases_alone(k) else 0.0
            return lambda time: spin_channel(r1, r1 / 2 + kappa, x, noise.polarisation[k], time)
        case "pair":
            i, j = jumps.spins
            return lambda time: shared_field(float(noise.transverse[i, j]), noise.polarisation[i], time)
        case "dephasing":
            return lambda time: correlated_dephasing(noise.longitudinal[inside] / 2, "z", time)
        case "x":
            common = np.full(noise.longitudinal[inside].shape, noise.x_dephasing_collective)
            return lambda time: correlated_dephasing(common, "x", time)
        case "bath":
            generator = _bath(noise)
            return lambda time: semigroup(generator, time)


def _bath(noise: Noise) -> ComplexArray:
    """Fields along x, y (behind T1) and z (pure dephasing), their covariances taken apart by their square roots."""
    labels, coefficients = zip(*noise.hamiltonian, strict=True)
    couplings = []
    for letter, covariance in (
        ("X", noise.transverse / 2),
        ("Y", noise.transverse / 2),
        ("Z", noise.longitudinal),
    ):
        values, vectors = np.linalg.eigh(covariance)
        root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
        couplings.append(np.tensordot(root, pauli_stack([on_spin(noise.n, k, letter) for k in range(noise.n)]), axes=1))
    hamiltonian = pauli_sum(labels, np.array(coefficients))
    return secular_bath(hamiltonian, noise.spin_temperature_rate, np.concatenate(couplings))


@lru_cache(maxsize=4096)
def turns(noise: Noise, time: float) -> Turns:
    """The channels of noise that acts for `time` (s) in each piece of a slice, as instructions on spins.

    Parts N1, ..., Nm surround a piece of evolution as N1/2, ..., Nm/2, piece, Nm/2, ..., N1/2; those that share spins are
    composed to one channel, and where two pieces meet their halves are one.
    """
    first: list[Placed] = []
    between: list[Placed] = []
    last: list[Placed] = []
    for chosen in _joined(parts(noise)):
        spins = tuple(sorted({k for part in chosen for k in part.spins}))
        forward, backward = (_composed(order, spins, time / 2) for order in (chosen, chosen[::-1]))
        joint = _composed(chosen, spins, time) if len(chosen) == 1 else forward @ backward
        for steps, channel in ((first, forward), (between, joint), (last, backward)):
            steps.append((instruction(channel), spins))
    return Turns(tuple(first), tuple(between), tuple(last))


def _composed(order: list[Part], spins: tuple[int, ...], time: float) -> ComplexArray:
    total = np.eye(4 ** len(spins), dtype=complex)
    for part in order:
        total = applied(part.channel(time), tuple(spins.index(k) for k in part.spins), len(spins), total)
    return total


def instruction(channel: ComplexArray) -> Instruction:
    """A channel (4^m, 4^m) on row-major vectors as Aer's superoperator; append it to the spins in descending order.

    Not as Kraus operators: those would lose what a short piece does with a probability below 1e-8.
    """
    d = round(len(channel) ** 0.5)
    return Instruction("superop", d.bit_length() - 1, 0, [_restacked(channel)])


def row_major(step: Instruction) -> ComplexArray:
    """The channel (4^m, 4^m) on row-major vectors that `instruction` made an instruction of."""
    return _restacked(step.params[0])


def _restacked(channel: ComplexArray) -> ComplexArray:
    """From stacked rows to stacked columns, as Qiskit has them, or back."""
    d = round(len(channel) ** 0.5)
    return channel.reshape(d, d, d, d).transpose(1, 0, 3, 2).reshape(d * d, d * d)


def _joined(found: tuple[Part, ...]) -> list[list[Part]]:
    """Parts that hang together by the spins they share."""
    sets: list[list[Part]] = []
    for part in found:
        touched = [s for s in sets if any(set(other.spins) & set(part.spins) for other in s)]
        sets = [s for s in sets if s not in touched] + [[p for s in touched for p in s] + [part]]
    return sets


def _layers(found: tuple[Part, ...]) -> list[list[Part]]:
    """Consecutive parts on different spins, which commute and so count as one."""
    layers: list[list[Part]] = []
    for part in found:
        if layers and not any(set(part.spins) & set(other.spins) for other in layers[-1]):
            layers[-1].append(part)
        else:
            layers.append([part])
    return layers


def splitting(timeline: Timeline, tolerance: float) -> Splitting:
    """Pieces of each slice so that the symmetric splitting stays within `tolerance` in trace distance (at least one each).

    With A the outer generator and B the inner one, both times the slice's duration, n pieces of exp(A/2n) exp(B/n) exp(A/2n)
    miss exp(A + B) by at most (||[B,[B,A]]||/12 + ||[A,[A,B]]||/24)/n^2 (Childs et al., Phys. Rev. X 11, 011020 (2021),
    prop. 16, is the unitary case; written out for generators of channels, every exponential in its remainder runs forward
    in time and contracts the trace norm, so nothing is added; derived here). A is each part of the noise in turn, B what
    stands within it, the evolution innermost: the errors add. Spectral norms of superoperators times sqrt(d) bound the
    trace norm; a trace distance is half of that. Slices add up for the same reason as parts.
    """
    shape = (*timeline.shape, timeline.slices)
    timed = timeline.durations > 0
    if timeline.noise is None or not timed.any():
        return Splitting(np.ones(shape, dtype=int), np.zeros(timeline.shape))
    cost = np.zeros(shape)
    cost[timed] = _cost(timeline, timeline.noise, timed)
    # the sum over slices of cost/n^2 is kept below the tolerance with the fewest pieces when n goes as cost^(1/3)
    root = np.cbrt(cost)
    scale = np.sqrt(root.sum(axis=-1, keepdims=True) / tolerance)
    pieces = np.maximum(np.ceil(root * scale - 1e-9), 1).astype(int)
    return Splitting(pieces, (cost / pieces**2).sum(axis=-1))


def _cost(timeline: Timeline, noise: Noise, timed: np.ndarray) -> FloatArray:
    """The bound for one piece of every timed slice, (T,); slices that are the same (a delay in a sweep) count once."""
    rows = np.concatenate([timeline.angles[timed], timeline.durations[timed][:, None]], axis=1)
    rows, where = np.unique(rows, axis=0, return_inverse=True)
    paulis = pauli_stack(timeline.labels)
    d = paulis.shape[-1]
    one = np.eye(d)
    adjoint = np.array([-1j * (np.kron(p, one) - np.kron(one, p.T)) for p in paulis])
    layers = [np.sum([dissipator(part.jumps) for part in layer], axis=0) for layer in _layers(parts(noise))]
    cost = np.zeros(len(rows))
    size = max(1, _CHUNK // d**4)
    for start in range(0, len(rows), size):
        chosen = slice(start, start + size)
        inner = np.tensordot(rows[chosen, :-1], adjoint, axes=1)
        for generator in reversed(layers):
            outer = rows[chosen, -1, None, None] * generator
            cost[chosen] += _double_commutators(outer, inner)
            inner = inner + outer
    return 0.5 * np.sqrt(d) * cost[where.reshape(-1)]


def _double_commutators(A: ComplexArray, B: ComplexArray) -> FloatArray:
    C = B @ A - A @ B
    return np.linalg.norm(B @ C - C @ B, 2, axis=(-2, -1)) / 12 + np.linalg.norm(A @ C - C @ A, 2, axis=(-2, -1)) / 24
