"""Expectations straight from counts, without a density matrix on the way: unbiased, and with an error of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.tomography.bootstrap import Estimate
from nmrqb.tomography.grouping import checked_settings, covers, pauli_terms
from nmrqb.tomography.settings import Flips, confusion


def direct_expectation(
    counts: ArrayLike, settings: Sequence[str], operator: ArrayLike, readout: Sequence[Flips] = ()
) -> Estimate:
    """Unbiased value and standard error (...) of Tr[rho O] from counts (..., S, 2^N) of Pauli settings.

    O (2^N, 2^N) is any Hermitian operator whose Pauli strings the settings cover, such as a Hamiltonian on its
    `energy_settings`. A string that several settings see is averaged over them by their shots; strings that share a
    setting keep their covariance. Readout errors (as `pauli_measurement` takes them) are undone exactly. The error is NaN
    where a setting that counts has one shot. Raises ArgumentError naming a string that no shot has seen.
    """
    names = checked_settings(settings)
    n = checks.non_negative("counts", counts)
    d = 2 ** len(names[0])
    H = checks.hermitian("operator", operator, d)
    if H.ndim != 2:
        raise ArgumentError("operator", f"of shape {H.shape}", f"have shape ({d}, {d})")
    if n.ndim < 2 or n.shape[-2:] != (len(names), d):
        raise ArgumentError("counts", f"of shape {n.shape}", f"have shape (..., {len(names)}, {d})")
    if len(readout) not in (0, len(names[0])):
        raise ArgumentError("readout", f"of length {len(readout)}", f"hold one entry for each of {len(names[0])} spins")
    labels, values = pauli_terms(H)
    shots = n.sum(axis=-1)
    seen = np.array([[covers(name, label) for label in labels] for name in names], dtype=float)
    total = shots @ seen
    if np.any(total == 0):
        missing = labels[int(np.flatnonzero(np.any(total.reshape(-1, len(labels)) == 0, axis=0))[0])]
        raise ArgumentError("settings", f"without a shot that sees {missing}", "see every Pauli string of the operator")
    # each setting's average of this weight of its outcomes is its part of the expectation
    share = shots[..., :, None] * seen / total[..., None, :] * values
    weight = share @ _characters(labels, readout)
    f = n / np.maximum(shots, 1)[..., None]
    means = np.sum(f * weight, axis=-1)
    spread = np.maximum(np.sum(f * weight**2, axis=-1) - means**2, 0.0)
    used = np.any(share != 0, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(used, spread / (shots - 1), 0.0)
    variance = np.where(used & (shots <= 1), np.nan, variance)
    return Estimate(means.sum(axis=-1), np.sqrt(variance.sum(axis=-1)))


def _characters(labels: Sequence[str], readout: Sequence[Flips]) -> np.ndarray:
    """What each reported outcome says of each string (K, 2^N): the product of its signs, readout errors undone."""
    n = len(labels[0])
    support = np.array([[letter != "I" for letter in label] for label in labels])
    bits = np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1) & 1
    signs = 1.0 - 2.0 * (support @ bits.T % 2)
    return np.linalg.solve(confusion(readout), signs.T).T if len(readout) else signs
