"""Pauli measurement settings: which bases are measured, and the probabilities of their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.spin.operators import PAULI

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


def confusion(readout: Sequence[float]) -> FloatArray:
    """Matrix (2^N, 2^N) from true to reported outcomes, for the chance of a flipped readout of each qubit."""
    matrix = np.ones((1, 1))
    for error in readout:
        matrix = np.kron(matrix, np.array([[1 - error, error], [error, 1 - error]]))
    return matrix
