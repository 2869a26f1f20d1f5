"""From counts to states: components of the mixture averaged, the readout undone, replicas drawn anew from what was counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.readout import ReadoutCalibration
from nmrqb.tomography import linear_inversion

#: Replicas resampled at once are bounded to about this many outcome counts.
_CHUNK = 2**22


@dataclass(frozen=True, eq=False)
class Counted:
    """What was counted, or would be: frequencies (..., component, setting, outcome) of the circuits of a mixture.

    weights: (component,), with which they add up to the state; they sum to 1, and extrapolation makes some negative.
    shots: (component,) in each setting, None for exact probabilities. settings: their names. readout: what is undone.
    """

    frequencies: FloatArray
    weights: FloatArray
    shots: NDArray[np.int64] | None
    settings: tuple[str, ...]
    readout: ReadoutCalibration

    def estimate(self) -> ComplexArray:
        """Linear inversion, (..., d, d)."""
        return self._inverted(self.frequencies, self.readout.confusion)

    def replicas(self, count: int, rng: np.random.Generator) -> ComplexArray:
        """`count` bootstrap replicas, (..., R, d, d): every circuit's counts drawn anew from its frequencies.

        Where the readout was calibrated by counts, those are drawn anew too.
        """
        if self.shots is None:
            raise AssertionError("exact probabilities do not scatter")
        f = self.frequencies
        size = max(1, _CHUNK // f.size)
        n = np.broadcast_to(self.shots[:, None], f.shape[:-1])
        parts = []
        for first in range(0, count, size):
            some = min(size, count - first)
            drawn = rng.multinomial(n, f, size=(some, *n.shape)) / self.shots[:, None, None]
            if self.readout.shots is None:
                parts.append(self._inverted(drawn, self.readout.confusion))
            else:
                matrices = np.array([self.readout.resampled(rng).confusion for _ in range(some)])
                parts.append(self._inverted(drawn, matrices.reshape(some, *(1,) * (f.ndim - 3), *matrices.shape[1:])))
        return np.moveaxis(np.concatenate(parts), 0, -3)

    def _inverted(self, frequencies: FloatArray, confusion: FloatArray) -> ComplexArray:
        mixed = np.tensordot(np.moveaxis(frequencies, -3, -1), self.weights, axes=1)
        return linear_inversion(mixed @ np.linalg.inv(confusion), self.settings)
