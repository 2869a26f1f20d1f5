"""Counts as a device gives them, put in order and checked: what cannot be the counts asked for is no data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nmrqb.errors import JobError

#: From this many different circuits of this many shots on, nothing but zeros is no measurement (see `checked`).
_CIRCUITS, _SHOTS = 3, 100


def ordered(counts: Mapping[str, int], n: int) -> NDArray[np.int64]:
    """Counts by outcome, (2^n,), spin 0 the highest bit, from bit strings as Qiskit prints them: the last bit is qubit 0's.

    Spaces between registers are dropped. Raises JobError for a string that is not n bits.
    """
    found = np.zeros(2**n, dtype=np.int64)
    for text, number in counts.items():
        bits = text.replace(" ", "")
        if len(bits) != n or set(bits) - {"0", "1"}:
            raise JobError(f"the backend counted {text!r}, which is no outcome of {n} qubits")
        found[int(bits[::-1], 2)] += int(number)
    return found


def reordered(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts (..., 2^n) numbered with qubit 0 as the lowest bit, numbered with spin 0 as the highest."""
    n = counts.shape[-1].bit_length() - 1
    lead = counts.ndim - 1
    split = counts.reshape(*counts.shape[:-1], *(2,) * n)
    return split.transpose(*range(lead), *range(lead + n - 1, lead - 1, -1)).reshape(counts.shape)


def checked(counts: NDArray[np.int64], shots: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Counts (R, 2^n) that are what was asked for. Raises JobError for a sum that is not the row's shots, or for zeros only.

    A backend that was asked for single shots and does not keep them reports |00...0> for all of them. Tomography measures
    each point in bases of which at most one can have only one outcome, so a job of three or more circuits, of a hundred
    shots or more each, that saw nothing else was not measured.
    """
    sums = counts.sum(axis=-1)
    wrong = np.flatnonzero(sums != shots)
    if wrong.size:
        k = int(wrong[0])
        raise JobError(f"{name} gave {sums[k]} counts for circuit {k}, but {shots[k]} shots were asked for")
    busy = shots >= _SHOTS
    if busy.sum() >= _CIRCUITS and not counts[busy, 1:].any():
        remedy = "its counts cannot be trusted"
        raise JobError(f"{name} saw only zeros in all of {busy.sum()} different circuits", remedy)
    return counts
