"""Density matrices from the outcome frequencies of Pauli settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_labels, pauli_sum
from nmrqb.tomography.grouping import checked_settings, covers
from nmrqb.tomography.spectra import descending_eigenvalues

#: Fraction of the largest element above which a least eigenvalue in closed form is above zero beyond doubt.
_SURE = 1e-3


@lru_cache(maxsize=64)
def _characters(n: int) -> FloatArray:
    """Sign (4^N, 2^N) with which each outcome enters each Pauli string's expectation."""
    support = np.array([[letter != "I" for letter in label] for label in pauli_labels(n)])
    bits = np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1) & 1
    return 1.0 - 2.0 * (support @ bits.T % 2)


@lru_cache(maxsize=64)
def _seen(settings: tuple[str, ...]) -> FloatArray:
    """Which settings see which Pauli strings, (setting, 4^N) of 0 and 1. Raises ArgumentError for a string none of them sees."""
    labels = pauli_labels(len(checked_settings(settings)[0]))
    seen = np.array([[covers(setting, label) for label in labels] for setting in settings], dtype=float)
    missing = [label for label, number in zip(labels, seen.sum(axis=0), strict=True) if number == 0]
    if missing:
        found = f"such that none yields {', '.join(missing[:5])}" + (" and more" if len(missing) > 5 else "")
        raise ArgumentError("settings", found, "determine the state")
    return seen


@lru_cache(maxsize=64)
def _expectation_map(settings: tuple[str, ...]) -> FloatArray:
    """Matrix (4^N, setting x 2^N) from frequencies to Pauli expectations: each is averaged over the settings that see it."""
    seen = _seen(settings)
    rows = (seen / seen.sum(axis=0)).T[:, :, None] * _characters(len(settings[0]))[:, None, :]
    return rows.reshape(len(rows), -1)


def linear_inversion(frequencies: ArrayLike, settings: Sequence[str], weights: ArrayLike | None = None) -> ComplexArray:
    """The Hermitian matrix (..., d, d) whose Pauli expectations are those measured; unbiased, not always positive.

    frequencies: (..., setting, 2^N), outcomes numbered with spin 0 as the highest bit. A Pauli string that several settings
    see is averaged over them, equally, or by `weights` (..., setting) such as the shots of each. Raises ArgumentError
    where a Pauli string is seen by no setting, or only by such without weight.
    """
    f = np.asarray(frequencies, dtype=float)
    names = tuple(settings)
    n = len(checked_settings(names)[0])
    if weights is None:
        expectations = f.reshape(*f.shape[:-2], -1) @ _expectation_map(names).T
        return pauli_sum(pauli_labels(n), expectations / 2**n)
    w = checks.non_negative("weights", weights)
    if w.shape[-1:] != (len(names),):
        raise ArgumentError("weights", f"of shape {w.shape}", f"have shape (..., {len(names)})")
    seen = _seen(names)
    total = w @ seen
    if np.any(total <= 0):
        raise ArgumentError(
            "weights", f"zero for all that see {pauli_labels(n)[int(np.argmin(total) % 4**n)]}", "determine the state"
        )
    summed = np.einsum("...sp,sp,...s->...p", f @ _characters(n).T, seen, w, optimize=True)
    return pauli_sum(pauli_labels(n), summed / total / 2**n)


def nearest_state(matrix: ArrayLike) -> ComplexArray:
    """The density matrix (..., d, d) nearest in Frobenius norm to a Hermitian matrix of trace 1.

    Smolin, Gambetta, Smith, Phys. Rev. Lett. 108, 070502 (2012): eigenvalues are projected onto the simplex.
    """
    array = np.asarray(matrix, dtype=complex)
    flat = array.reshape(-1, *array.shape[-2:])
    doubtful = descending_eigenvalues(flat)[:, -1] < _SURE * np.max(np.abs(flat), axis=(1, 2), initial=0.0)
    if not doubtful.any():
        return array
    values, vectors = np.linalg.eigh(flat[doubtful])
    if values.min() >= 0:
        return array
    descending = values[..., ::-1]
    shift = (np.cumsum(descending, axis=-1) - 1) / np.arange(1, values.shape[-1] + 1)
    keep = np.sum(descending > shift, axis=-1, keepdims=True)
    kept = np.clip(values - np.take_along_axis(shift, keep - 1, axis=-1), 0, None)
    projected = (vectors * kept[..., None, :]) @ np.conj(np.swapaxes(vectors, -1, -2))
    found = flat.copy()
    found[doubtful] = np.where((values[..., :1] < 0)[..., None], projected, flat[doubtful])
    return found.reshape(array.shape)
