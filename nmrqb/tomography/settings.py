"""Pauli measurement settings: which bases are measured, and the probabilities of their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from nmrqb.checks import ComplexArray, FloatArray, real
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import PAULI

#: Chance of a flipped readout of one spin, or both chances: (0 read as 1, 1 read as 0).
Flips = float | tuple[float, float]

_HADAMARD = (PAULI["X"] + PAULI["Z"]) / np.sqrt(2)
_INTO_Z = {"X": _HADAMARD, "Y": _HADAMARD @ np.diag([1, -1j]), "Z": PAULI["I"]}


def pauli_settings(n: int) -> tuple[str, ...]:
    """The 3^N local settings of full tomography, "XX", "XY", ... for two spins."""
    return tuple("".join(letters) for letters in product("XYZ", repeat=n))


@lru_cache(maxsize=512)
def measurement_basis(setting: str) -> ComplexArray:
    """The unitary (d, d) that takes the eigenbasis of a setting to the computational one."""
    matrix = np.ones((1, 1), dtype=complex)
    for letter in setting:
        matrix = np.kron(matrix, _INTO_Z[letter])
    return matrix


def probabilities(rho: ArrayLike, settings: Sequence[str]) -> FloatArray:
    """Probability of each outcome in each setting, shape (..., setting, 2^N), for rho (..., 2^N, 2^N).

    Outcome 0 is +1 on every spin; spin 0 is the highest bit.
    """
    bases = np.stack([measurement_basis(setting) for setting in settings])
    p = np.einsum("sij,...jk,sik->...si", bases, np.asarray(rho), bases.conj(), optimize=True).real
    p = np.clip(p, 0, None)
    return p / p.sum(axis=-1, keepdims=True)


def confusion(readout: Sequence[Flips]) -> FloatArray:
    """Matrix (2^N, 2^N) from true to reported outcomes: rows are true, columns reported, spin 0 the highest bit.

    readout: for each spin the chance of a flipped readout, or the two chances (0 read as 1, 1 read as 0). Raises
    ArgumentError for a chance outside [0, 1], and for a pair that adds up to 1, which tells nothing of the spin.
    """
    matrix = np.ones((1, 1))
    for spin, flips in enumerate(readout):
        pair = real(f"readout[{spin}]", flips)
        if pair.shape not in ((), (2,)) or np.any((pair < 0) | (pair > 1)):
            raise ArgumentError(f"readout[{spin}]", repr(flips), "be a chance from 0 to 1, or two of them")
        zero, one = np.broadcast_to(pair, 2)
        if abs(zero + one - 1) < 1e-9:
            raise ArgumentError(f"readout[{spin}]", repr(flips), "leave a difference between the outcomes")
        matrix = np.kron(matrix, np.array([[1 - zero, zero], [one, 1 - one]]))
    return matrix
