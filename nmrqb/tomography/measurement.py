"""What a set of settings sees of a state: outcome probabilities as a linear map, readout errors and known pulses included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins, pauli_labels, pauli_stack, pauli_sum
from nmrqb.tomography.grouping import checked_settings, covers
from nmrqb.tomography.nmr_map import coefficients
from nmrqb.tomography.settings import Flips, confusion

#: The map of more spins than this would not fit into memory.
MAX_SPINS = 5


@dataclass(frozen=True, eq=False)
class Measurement:
    """Settings and the probabilities of their outcomes: p[s, o] = sum_P response[s, o, P] x_P.

    names: (S,). response: (S, O, 4^N) on the coefficients x_P = Tr[rho P] / sqrt(2^N) of the normalised Pauli basis, the
    identity first, so that lengths are Hilbert-Schmidt distances.
    """

    names: tuple[str, ...]
    response: FloatArray

    @property
    def dimension(self) -> int:
        """The dimension 2^N of the states."""
        return int(np.sqrt(self.response.shape[-1]))

    @property
    def outcomes(self) -> int:
        """Number of outcomes of each setting."""
        return self.response.shape[1]

    @cached_property
    def matrix(self) -> FloatArray:
        """The map as a matrix (S x O, 4^N - 1), without the identity."""
        return np.ascontiguousarray(self.response.reshape(-1, self.response.shape[-1])[:, 1:])

    @cached_property
    def offset(self) -> FloatArray:
        """The probabilities of the maximally mixed state, (S x O,)."""
        return self.response.reshape(-1, self.response.shape[-1])[:, 0] / np.sqrt(self.dimension)

    @cached_property
    def effects(self) -> ComplexArray:
        """The operators (S, O, d, d) with p = Tr[rho E]."""
        return pauli_sum(pauli_labels(number_of_spins(self.dimension)), self.response / np.sqrt(self.dimension))

    @cached_property
    def singular_values(self) -> FloatArray:
        """Of the matrix, those that are not zero, descending, (rank,)."""
        values = np.linalg.svd(self.matrix, compute_uv=False)
        return values[values > 1e-9 * values[0]]

    @property
    def rank(self) -> int:
        """Number of independent parameters of a state that the settings determine, of 4^N - 1."""
        return self.singular_values.size

    @property
    def complete(self) -> bool:
        """Whether they determine the state."""
        return self.rank == self.matrix.shape[1]

    def probabilities(self, rho: ArrayLike) -> FloatArray:
        """Probabilities (..., S, O) of rho (..., d, d), as the formula gives them: of what is no state they may be negative."""
        p = self.offset + coefficients(np.asarray(rho)) @ self.matrix.T
        return p.reshape(*p.shape[:-1], *self.response.shape[:2])

    def log_likelihood(self, rho: ArrayLike, counts: ArrayLike) -> FloatArray:
        """The sum of n log p (...) over counts (..., S, O), in nats and without the multinomial coefficient; -inf where p <= 0 < n."""
        n, p = np.broadcast_arrays(np.asarray(counts, dtype=float), self.probabilities(rho))
        impossible = np.any((p <= 0) & (n > 0), axis=(-2, -1))
        return np.where(impossible, -np.inf, xlogy(n, np.where(p > 0, p, 1.0)).sum(axis=(-2, -1)))

    def after(self, unitary: ArrayLike, mark: str = "'") -> Measurement:
        """The same settings behind a known rotation U (d, d) of the state, such as one step of a phase cycle.

        The names get a mark, so that `joined` can tell steps apart. Raises ArgumentError for another dimension.
        """
        U = checks.operator("unitary", unitary, self.dimension)
        labels = pauli_labels(number_of_spins(self.dimension))
        paulis = pauli_stack(labels)
        flat = (U @ paulis @ U.conj().T).reshape(len(labels), -1)
        turned = np.real(paulis.conj().reshape(len(labels), -1) @ flat.T) / self.dimension  # x' = turned @ x
        return Measurement(tuple(name + mark for name in self.names), self.response @ turned)

    def joined(self, *others: Measurement) -> Measurement:
        """All settings of several measurements of one and the same state, in order. Raises ArgumentError for a name twice."""
        names = sum((m.names for m in others), self.names)
        if len(set(names)) < len(names):
            raise ArgumentError("names", "one that stands twice", "differ from measurement to measurement")
        return Measurement(names, np.concatenate([self.response, *(m.response for m in others)]))


def pauli_measurement(settings: Sequence[str], readout: Sequence[Flips] = (), *, opposite: bool = False) -> Measurement:
    """Local Pauli settings, outcome 0 being +1 on every spin and spin 0 the highest bit, with readout errors.

    readout: for each spin the chance of a flipped readout, or the two chances (0 read as 1, 1 read as 0); none when left
    out. opposite: along the axes turned over ("XY" becomes "XY-"), outcome 0 being -1 on every spin: beside the others
    they show what reads alike either way, such as leakage. Raises ArgumentError for settings that are none, more than
    MAX_SPINS spins, or readout of another length.
    """
    names = checked_settings(settings)
    n = len(names[0])
    if n > MAX_SPINS:
        raise ArgumentError("settings", f"on {n} spins", f"be on at most {MAX_SPINS} spins")
    labels = pauli_labels(n)
    bits = np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1) & 1  # (outcome, spin)
    support = np.array([[letter != "I" for letter in label] for label in labels])
    signs = (1.0 - 2.0 * (bits @ support.T % 2)) / np.sqrt(2**n)  # (outcome, label)
    seen = np.array([[covers(name, label) for label in labels] for name in names], dtype=float)
    response = seen[:, None, :] * (signs[::-1] if opposite else signs)
    if len(readout):
        if len(readout) != n:
            raise ArgumentError("readout", f"of length {len(readout)}", f"hold one entry for each of {n} spins")
        response = np.einsum("tr,stp->srp", confusion(readout), response)
    return Measurement(tuple(f"{name}-" for name in names) if opposite else names, response)


def checked_counts(counts: ArrayLike, measurement: Measurement) -> FloatArray:
    """Counts (..., S, O) as numbers of the measurement's shape, with at least one in all. Raises ArgumentError."""
    n = checks.non_negative("counts", counts)
    if n.ndim < 2 or n.shape[-2:] != measurement.response.shape[:2]:
        allowed = f"have shape (..., {len(measurement.names)}, {measurement.outcomes})"
        raise ArgumentError("counts", f"of shape {n.shape}", allowed)
    if n.size and np.any(n.sum(axis=(-2, -1)) == 0):
        raise ArgumentError("counts", "all zero", "hold at least one count")
    return n
