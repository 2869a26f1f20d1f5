"""Pauli strings, collective spin operators and coherence orders.

Conventions: spin 0 is the leftmost tensor factor, |0> has sigma_z = +1, the basis runs |00>, |01>, |10>, |11>.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError

PAULI: dict[str, ComplexArray] = {
    "I": np.eye(2, dtype=complex),
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]], dtype=complex),
    "Z": np.array([[1, 0], [0, -1]], dtype=complex),
}


@lru_cache(maxsize=4096)
def _pauli_string(label: str) -> ComplexArray:
    matrix = np.ones((1, 1), dtype=complex)
    for letter in label:
        matrix = np.kron(matrix, PAULI[letter])
    matrix.setflags(write=False)
    return matrix


def pauli_string(label: str) -> ComplexArray:
    """The tensor product named by a label such as "XY" (sigma_x on spin 0, sigma_y on spin 1), shape (2^N, 2^N).

    The array is shared and read-only. Raises ArgumentError for an empty label or a letter other than I, X, Y, Z.
    """
    if not label or set(label) - set("IXYZ"):
        raise ArgumentError("Pauli label", repr(label), "be one or more of the letters I, X, Y, Z")
    return _pauli_string(label)


def pauli_stack(labels: Sequence[str]) -> ComplexArray:
    """The Pauli strings stacked along a first axis, shape (K, 2^N, 2^N)."""
    return np.stack([pauli_string(label) for label in labels])


def pauli_sum(labels: Sequence[str], coefficients: ArrayLike) -> ComplexArray:
    """sum_k c_k P_k for coefficients (..., K); shape (..., 2^N, 2^N)."""
    stack = pauli_stack(labels)
    c = np.asarray(coefficients)
    return (c.reshape(-1, len(labels)) @ stack.reshape(len(labels), -1)).reshape(c.shape[:-1] + stack.shape[1:])


def pauli_labels(n: int) -> tuple[str, ...]:
    """All 4^N labels, the identity first, the last spin running fastest."""
    return tuple("".join(letters) for letters in product("IXYZ", repeat=n))


def on_spin(n: int, spin: int, letter: str) -> str:
    """The label with one letter on one spin: on_spin(3, 1, "X") is "IXI"."""
    return "I" * spin + letter + "I" * (n - spin - 1)


def collective(n: int, axis: str, spins: Iterable[int] | None = None) -> ComplexArray:
    """F_axis = sum over the spins (all by default) of sigma_axis / 2; shape (2^N, 2^N)."""
    chosen = range(n) if spins is None else spins
    return np.sum([pauli_string(on_spin(n, k, axis.upper())) for k in chosen], axis=0) / 2


def magnetic_number(n: int, spins: Iterable[int] | None = None) -> FloatArray:
    """Eigenvalue m of F_z (over the given spins) of each basis state, shape (2^N,)."""
    return np.real(np.diag(collective(n, "z", spins))).copy()


def coherence_order(n: int, spins: Iterable[int] | None = None) -> FloatArray:
    """Coherence order m_row - m_column of every matrix element over the given spins, shape (2^N, 2^N)."""
    m = magnetic_number(n, spins)
    return np.subtract.outer(m, m)


def number_of_spins(dimension: int) -> int:
    """N for a space of 2^N dimensions. Raises ArgumentError for another dimension."""
    n = int(dimension).bit_length() - 1
    if dimension < 2 or 2**n != dimension:
        raise ArgumentError("dimension", dimension, "be a power of two (spins 1/2)")
    return n
