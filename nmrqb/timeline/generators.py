"""Slices of a timeline as generators on a grid of its ensemble: what each slice is the exponential of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.nmr.noise import Noise
from nmrqb.spin.liouville import dissipator
from nmrqb.spin.operators import on_spin, pauli_labels, pauli_stack
from nmrqb.timeline.exponentials import exponentials, unitaries
from nmrqb.timeline.interpolation import Axis, Nodes

#: Nodes of every axis.
Grid = tuple[Nodes, ...]


@dataclass(frozen=True, eq=False)
class Space:
    """Where slices act: on state vectors, or, with noise, on Pauli components of density matrices (then all is real).

    basis: (K, D, D), the generator of one radian about each Pauli string. noise: (D, D), the generator of the noise, or
    None. speed: spectral norm of a commutator over that of its operator, 1 on state vectors and 2 on density matrices.
    """

    basis: np.ndarray
    noise: FloatArray | None
    speed: float

    @classmethod
    def of(cls, labels: tuple[str, ...], noise: Noise | None) -> Space:
        """The space of a timeline with these labels and this noise."""
        if noise is None:
            return cls(-1j * pauli_stack(labels), None, 1.0)
        change = pauli_basis(len(labels[0]))
        jumps = dissipator(noise.jump_operators())
        return cls(_commutators(labels), np.ascontiguousarray((change.conj().T @ jumps @ change).real), 2.0)

    @property
    def dimension(self) -> int:
        """D of the matrices that slices are here."""
        return self.basis.shape[-1]

    @cached_property
    def noise_norm(self) -> float:
        """Spectral norm of the noise, 1/s."""
        return 0.0 if self.noise is None else float(np.linalg.norm(self.noise, 2))


def pauli_basis(n: int) -> ComplexArray:
    """Normalised Pauli strings as columns, row-major vectors (4^N, 4^N): c = basis^dagger vec(rho)."""
    d = 2**n
    return pauli_stack(pauli_labels(n)).reshape(d * d, d * d).T / np.sqrt(d)


#: Of two Pauli matrices in the order I, X, Y, Z: which one their product is, and the power of i before it.
_PRODUCT = np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]])
_POWER = np.array([[0, 0, 0, 0], [0, 0, 1, 3], [0, 3, 0, 1], [0, 1, 3, 0]])


def _commutators(labels: tuple[str, ...]) -> FloatArray:
    """-i [P_k, .] on Pauli components, (K, 4^N, 4^N): strings that anticommute with P_k go to 2 i^p P_k P_j, others to 0."""
    n = len(labels[0])
    columns = np.arange(4**n)
    digits = columns[:, None] // 4 ** np.arange(n - 1, -1, -1) % 4
    result = np.zeros((len(labels), 4**n, 4**n))
    for k, label in enumerate(labels):
        own = np.array(["IXYZ".index(letter) for letter in label])
        rows = _PRODUCT[own, digits] @ 4 ** np.arange(n - 1, -1, -1)
        result[k, rows, columns] = np.array([0.0, 2.0, 0.0, -2.0])[_POWER[own, digits].sum(axis=1) % 4]
    return result


@dataclass(frozen=True, eq=False)
class Kinds:
    """Which label an ensemble's parameters act on: masks (K,) for RF and coupling, and offsets (G, K) by group."""

    rf: np.ndarray
    coupling: np.ndarray
    offsets: FloatArray
    spins: np.ndarray  # (N, K), single-spin labels by spin

    @classmethod
    def of(cls, labels: tuple[str, ...], groups: tuple[tuple[int, ...], ...]) -> Kinds:
        """Kinds of labels of a sample whose like spins are `groups`; one group stands for all spins."""
        n = len(labels[0])
        weight = np.array([n - label.count("I") for label in labels])
        letters = np.array([label.strip("I") for label in labels])
        shifts = [[float(any(label == on_spin(n, k, "Z") for k in group)) for label in labels] for group in groups]
        spins = [[w == 1 and label[k] != "I" for label, w in zip(labels, weight, strict=True)] for k in range(n)]
        return cls((weight == 1) & np.isin(letters, ("X", "Y")), weight > 1, np.array(shifts), np.array(spins))


@dataclass(frozen=True, eq=False)
class Slices:
    """S slices on the members of an ensemble, seen through as few of them as a piece of the sequence needs.

    angles: (S, *lead, K) and durations: (S, *lead), as on a timeline but with the slices first. axes: one for each
    distribution, with parameters (rf, coupling, offset of each group).
    """

    space: Space
    kinds: Kinds
    angles: FloatArray
    durations: FloatArray
    axes: tuple[Axis, ...]

    @property
    def lead(self) -> tuple[int, ...]:
        """Leading axes, sweeps."""
        return self.durations.shape[1:]

    def some(self, chosen: slice | np.ndarray) -> Slices:
        """A selection of the slices."""
        return Slices(self.space, self.kinds, self.angles[chosen], self.durations[chosen], self.axes)

    def reach(self) -> FloatArray:
        """Reach of each slice along each direction of each axis, (S, Q); see `nmrqb.timeline.interpolation`."""
        over = tuple(range(1, self.angles.ndim - 1))
        a = np.abs(self.angles).max(axis=over)
        rf = np.sqrt(np.where(self.kinds.rf, a, 0.0) ** 2 @ self.kinds.spins.T).sum(axis=1)
        coupling = a @ self.kinds.coupling
        time = np.pi * self.durations.max(axis=over)[:, None] * self.kinds.offsets.sum(axis=1)
        norms = np.concatenate([rf[:, None], coupling[:, None], time], axis=1)  # (S, P)
        columns = [np.zeros((len(a), 0))]
        for f, axis in enumerate(self.axes):
            # factors of the other axes multiply this one's at most by their largest
            others = [np.abs(o.parameters[:, :2]).max(axis=0) for g, o in enumerate(self.axes) if g != f]
            extent = np.abs(axis.half)
            extent[:2] *= np.prod(np.array([[1.0, 1.0], *others]), axis=0)
            onto = axis.direction[:, None] == np.arange(axis.directions)
            columns.append((norms * extent) @ onto)
        return self.space.speed * np.concatenate(columns, axis=1)

    def matrices(self, grid: Grid) -> np.ndarray:
        """The slices themselves on a grid of the ensemble, (S, *lead, *grid, D, D)."""
        coefficients = self._coefficients(grid)
        norms = self._norms(coefficients)
        basis = self.space.basis
        if self.space.noise is not None:
            time = np.broadcast_to(self._inside(self.durations)[..., None], (*coefficients.shape[:-1], 1))
            coefficients = np.concatenate([coefficients, time], axis=-1)
            basis = np.concatenate([basis, self.space.noise[None]])
        D = self.space.dimension
        flat = np.ascontiguousarray(basis).reshape(len(basis), -1)
        product = coefficients.reshape(-1, len(basis)) @ flat.view(np.float64)
        generators = product.view(basis.dtype).reshape(*coefficients.shape[:-1], D, D)
        return unitaries(generators, norms) if self.space.noise is None else exponentials(generators, norms)

    def _coefficients(self, grid: Grid) -> FloatArray:
        """Angle of every label on the grid, (S, *lead, *grid, K)."""
        rf, coupling, shifts = np.ones(()), np.ones(()), np.zeros((len(self.kinds.offsets),))
        for axis, nodes in zip(self.axes, grid, strict=True):
            parameters = axis.at(nodes)
            rf = rf[..., None] * parameters[:, 0]
            coupling = coupling[..., None] * parameters[:, 1]
            shifts = shifts[..., None, :] + parameters[:, 2:]
        factors = np.where(self.kinds.rf, rf[..., None], np.where(self.kinds.coupling, coupling[..., None], 1.0))
        result = self._inside(self.angles, 1) * factors
        if np.any(shifts):
            result = result + self._inside(self.durations)[..., None] * (np.pi * shifts @ self.kinds.offsets)
        return result

    def _norms(self, coefficients: FloatArray) -> FloatArray:
        over = tuple(range(1, coefficients.ndim - 1))
        size = np.abs(coefficients).max(axis=over, initial=0.0)
        one_spin = np.sqrt(size**2 @ self.kinds.spins.T).sum(axis=1)
        rest = size @ ~self.kinds.spins.any(axis=0)
        time = self.durations.reshape(len(size), -1).max(axis=1, initial=0.0)
        return self.space.speed * (one_spin + rest) + self.space.noise_norm * time

    def _inside(self, values: FloatArray, keep: int = 0) -> FloatArray:
        """Axes for the ensemble between the leading ones and the last `keep`."""
        split = values.ndim - keep
        return values.reshape(*values.shape[:split], *(1,) * len(self.axes), *values.shape[split:])
