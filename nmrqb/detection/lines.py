"""Lines of a spectrum from theory: transition frequencies and amplitudes of any Hamiltonian and state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection.acquisition import oscillations
from nmrqb.errors import ArgumentError


@dataclass(frozen=True)
class Lines:
    """Frequencies (..., K) in Hz and complex amplitudes (..., K): s(t) = sum_k amplitude_k exp(2 pi i frequency_k t)."""

    frequency: FloatArray
    amplitude: ComplexArray

    def merged(self, tolerance: float = 1e-6, weakest: float = 1e-9) -> Lines:
        """The lines of one member in ascending order, neighbours closer than `tolerance` (Hz) as one.

        Left out is what is weaker than `weakest` of the strongest. A merged line lies at its parts' mean frequency,
        weighted by |amplitude|. Raises ArgumentError for more than one member or a tolerance below zero.
        """
        if self.frequency.ndim != 1:
            raise ArgumentError("lines", f"of shape {self.frequency.shape}", "belong to one member, of shape (K,)")
        if not tolerance >= 0:
            raise ArgumentError("tolerance", f"{tolerance} Hz", "be zero or above")
        order = np.argsort(self.frequency)
        nu, a = self.frequency[order], self.amplitude[order]
        group = np.concatenate([[0], np.cumsum(np.diff(nu) > tolerance)]).astype(int) if nu.size else np.zeros(0, int)
        size = np.abs(a) + 1e-300
        total = np.bincount(group, a.real) + 1j * np.bincount(group, a.imag)
        mean = np.bincount(group, nu * size) / np.bincount(group, size)
        keep = np.abs(total) > weakest * np.abs(total).max(initial=0.0)
        return Lines(mean[keep], total[keep])


def transitions(H: ArrayLike, rho: ArrayLike, detect: ArrayLike) -> Lines:
    """The lines Tr[rho(t) D] of rho (..., d, d) under H (..., d, d) in rad/s; detect D (d, d), see `detector`.

    Frequency (E_k - E_j)/2pi, amplitude rho_jk D_kj in the eigenbasis of H (derived here). One entry a transition that
    any member has, degenerate ones apart; `merged` adds those of one member up. Raises ArgumentError as `fid`.
    """
    parts = oscillations(rho, H, detect)
    amplitude, rate = np.broadcast_arrays(parts.amplitude, parts.rate)
    return Lines(rate.imag / (2 * np.pi), amplitude.copy())
