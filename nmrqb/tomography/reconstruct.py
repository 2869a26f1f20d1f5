"""Density matrices from the outcome frequencies of Pauli settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.spin.operators import pauli_labels, pauli_sum


@lru_cache(maxsize=64)
def _expectation_map(settings: tuple[str, ...]) -> FloatArray:
    """Matrix (4^N, setting x 2^N) from frequencies to Pauli expectations: each is averaged over the settings that see it."""
    n = len(settings[0])
    labels = pauli_labels(n)
    signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1) & 1)  # (outcome, spin)
    rows = np.zeros((len(labels), len(settings), 2**n))
    for i, label in enumerate(labels):
        support = [k for k, letter in enumerate(label) if letter != "I"]
        seen_by = [s for s, setting in enumerate(settings) if all(setting[k] == label[k] for k in support)]
        for s in seen_by:
            rows[i, s] = signs[:, support].prod(axis=1) / len(seen_by)
    return rows.reshape(len(labels), -1)


def linear_inversion(frequencies: ArrayLike, settings: Sequence[str]) -> ComplexArray:
    """The Hermitian matrix (..., d, d) whose Pauli expectations are those measured; unbiased, not always positive.

    frequencies: (..., setting, 2^N), outcomes numbered with spin 0 as the highest bit. Settings count equally.
    """
    f = np.asarray(frequencies, dtype=float)
    n = len(settings[0])
    expectations = f.reshape(*f.shape[:-2], -1) @ _expectation_map(tuple(settings)).T
    return pauli_sum(pauli_labels(n), expectations / 2**n)


def nearest_state(matrix: ArrayLike) -> ComplexArray:
    """The density matrix (..., d, d) nearest in Frobenius norm to a Hermitian matrix of trace 1.

    Smolin, Gambetta, Smith, Phys. Rev. Lett. 108, 070502 (2012): eigenvalues are projected onto the simplex.
    """
    array = np.asarray(matrix, dtype=complex)
    values, vectors = np.linalg.eigh(array)
    if values.size == 0 or values.min() >= 0:
        return array
    descending = values[..., ::-1]
    shift = (np.cumsum(descending, axis=-1) - 1) / np.arange(1, values.shape[-1] + 1)
    keep = np.sum(descending > shift, axis=-1, keepdims=True)
    kept = np.clip(values - np.take_along_axis(shift, keep - 1, axis=-1), 0, None)
    projected = (vectors * kept[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))
    return np.where((values[..., :1] < 0)[..., None], projected, array)
