"""Evolution of three and more coupled spins as products of one- and two-spin gates, within a stated bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.spin.masks import PauliSum
from nmrqb.spin.operators import pauli_stack
from nmrqb.timeline import Timeline

#: Numbers in the matrices that the bound holds at once.
_CHUNK = 2**22
#: Spins up to which norms are those of matrices.
_DENSE = 8
#: Bounds below this are rounding: the terms commute.
_NOTHING = 1e-13


@dataclass(frozen=True)
class Block:
    """Terms that one gate takes together: positions of their labels, and the spins they act on."""

    spins: tuple[int, ...]
    terms: tuple[int, ...]


#: Blocks on different spins, which commute and are played side by side.
Group = tuple[Block, ...]


@dataclass(frozen=True)
class Trotter:
    """How every slice is cut: its groups, steps (..., S), and the bound (...,) on the operator norm of what is missed.

    A trace distance between states is at most the bound. commuting: for each slice whether its groups commute, so that one
    of each is exact.
    """

    groups: tuple[tuple[Group, ...], ...]
    commuting: tuple[bool, ...]
    steps: NDArray[np.int64]
    bound: FloatArray

    def pairs(self) -> int:
        """Blocks of two spins in a circuit that serves all points."""
        total = 0
        for groups, commuting, steps in zip(self.groups, self.commuting, self.most(), strict=True):
            counts = [sum(len(block.spins) > 1 for block in group) for group in groups]
            total += sum(counts) if commuting else counts[0] + int(steps) * (2 * sum(counts) - counts[0] - counts[-1])
        return total

    def most(self) -> NDArray[np.int64]:
        """Steps of each slice that serve all points, (S,)."""
        return self.steps.reshape(-1, self.steps.shape[-1]).max(axis=0, initial=1)

    def factors(self, s: int, steps: int) -> Iterator[tuple[Group, float]]:
        """Groups of slice s and their shares of it, in the order they act; where steps meet, two halves are one."""
        groups = self.groups[s]
        if self.commuting[s]:
            yield from ((group, 1.0) for group in groups)
            return
        for step in range(steps):
            yield groups[0], (0.5 if step == 0 else 1.0) / steps
            yield from ((group, 0.5 / steps) for group in groups[1:-1])
            yield groups[-1], 1 / steps
            yield from ((group, 0.5 / steps) for group in groups[-2:0:-1])
        yield groups[0], 0.5 / steps


def trotter(timeline: Timeline, tolerance: float) -> Trotter:
    """The fewest steps in each slice that keep the symmetric product formula within `tolerance` in operator norm.

    With groups A1, ..., Am a step is exp(A1/2) ... exp(Am/2) exp(Am/2) ... exp(A1/2); n steps miss exp(A1 + ... + Am) by at
    most the sum over k of (||[B,[B,Ak]]||/12 + ||[Ak,[Ak,B]]||/24)/n^2, B all groups after Ak (Childs et al., Phys. Rev. X
    11, 011020 (2021), prop. 16). What commutes costs nothing. One and two spins that nothing else is coupled to are exact.
    Raises ArgumentError for a tolerance that is not above zero.
    """
    checks.positive("tolerance", tolerance)
    angles = timeline.angles.reshape(-1, timeline.slices, len(timeline.labels))
    kinds, kind = np.unique(np.any(angles != 0, axis=0), axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    found = [_groups(timeline.labels, active) for active in kinds]
    cost = np.zeros((*timeline.shape, timeline.slices))
    for k, groups in enumerate(found):
        if len(groups) > 1:
            cost[..., kind == k] = _cost(timeline.labels, timeline.angles[..., kind == k, :], groups)
    cost[cost < _NOTHING] = 0.0
    # as for noise: the sum over slices of cost/n^2 meets the tolerance with the fewest steps when n goes as cost^(1/3)
    root = np.cbrt(cost)
    scale = np.sqrt(root.sum(axis=-1, keepdims=True) / tolerance)
    steps = np.maximum(np.ceil(root * scale - 1e-9), 1).astype(int)
    commuting = tuple(bool(c) for c in np.all(cost.reshape(-1, timeline.slices) == 0, axis=0))
    return Trotter(tuple(found[k] for k in kind), commuting, steps, (cost / steps**2).sum(axis=-1))


def _groups(labels: Sequence[str], active: np.ndarray) -> tuple[Group, ...]:
    """The spins' own terms, then layers of couplings that share no spin; first what nothing else is coupled to."""
    supports = {k: tuple(i for i, x in enumerate(label) if x != "I") for k, label in enumerate(labels) if active[k]}
    supports = {k: spins for k, spins in supports.items() if spins}
    apart = [spins for spins in coupled(list(supports.values()), len(labels[0])) if len(spins) <= 2]
    whole = [(s, [k for k, own in supports.items() if set(own) <= set(s)]) for s in apart]
    taken = {k for _, terms in whole for k in terms}
    single: dict[tuple[int, ...], list[int]] = {}
    pairs: dict[tuple[int, ...], list[int]] = {}
    for k, spins in supports.items():
        if k not in taken:
            (single if len(spins) == 1 else pairs).setdefault(spins, []).append(k)
    layers: list[list[Block]] = [[Block(s, tuple(terms)) for s, terms in (*whole, *single.items()) if terms]]
    for spins, terms in sorted(pairs.items()):
        block = Block(spins, tuple(terms))
        free = (layer for layer in layers[1:] if not any(set(spins) & set(other.spins) for other in layer))
        layer = next(free, None)
        if layer is None:
            layers.append([block])
        else:
            layer.append(block)
    return tuple(tuple(layer) for layer in layers if layer)


def coupled(supports: Sequence[tuple[int, ...]], n: int) -> list[tuple[int, ...]]:
    """Of n spins the sets that hang together by terms on these spins, each in ascending order."""
    sets = [{k} for k in range(n)]
    for support in supports:
        touched = [s for s in sets if s & set(support)]
        sets = [s for s in sets if s not in touched] + [set().union(*touched)]
    return sorted(tuple(sorted(s)) for s in sets)


def _cost(labels: Sequence[str], angles: FloatArray, groups: Sequence[Group]) -> FloatArray:
    """The bound for one step of a slice, angles (..., K); equal points of a sweep count once."""
    rows, where = np.unique(angles.reshape(-1, angles.shape[-1]), axis=0, return_inverse=True)
    members = [[k for block in group for k in block.terms] for group in groups]
    if len(labels[0]) > _DENSE:
        return _cost_by_strings(labels, rows, members)[where.reshape(-1)].reshape(angles.shape[:-1])
    paulis = pauli_stack(labels)
    cost = np.zeros(len(rows))
    size = max(1, _CHUNK // paulis.shape[-1] ** 2)
    for start in range(0, len(rows), size):
        chosen = slice(start, start + size)
        A = [np.tensordot(rows[chosen][:, terms], paulis[terms], axes=1) for terms in members]
        rest = A[-1]
        for outer in reversed(A[:-1]):
            C = outer @ rest - rest @ outer
            cost[chosen] += _norm(rest @ C - C @ rest) / 12 + _norm(outer @ C - C @ outer) / 24
            rest = rest + outer
    return cost[where.reshape(-1)].reshape(angles.shape[:-1])


def _cost_by_strings(labels: Sequence[str], rows: FloatArray, members: Sequence[list[int]]) -> FloatArray:
    """The same with the sum of moduli of Pauli coefficients in place of each norm: looser, and without a matrix."""
    cost = np.zeros(len(rows))
    for r, row in enumerate(rows):
        A = [PauliSum.from_labels([labels[k] for k in terms], row[terms]) for terms in members]
        rest = A[-1]
        for outer in reversed(A[:-1]):
            C = _commutator(outer, rest)
            cost[r] += _commutator(rest, C).bound() / 12 + _commutator(outer, C).bound() / 24
            rest = rest + outer
    return cost


def _commutator(A: PauliSum, B: PauliSum) -> PauliSum:
    return A @ B + (B @ A).times(-1.0)


def _norm(matrices: ComplexArray) -> FloatArray:
    return np.linalg.norm(matrices, 2, axis=(-2, -1))
