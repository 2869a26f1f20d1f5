"""The noise of a sample, written down once. Engines render it: as jump operators (exact) or as channels (circuits)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nmrqb.checks import ComplexArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import on_spin, pauli_string


@dataclass(frozen=True)
class Noise:
    """Relaxation and readout of N spins, spin by spin.

    t1, t2: lifetimes in s (inf allowed; T2 <= 2 T1). polarisation: <sigma_z> that T1 relaxes towards (-1 to 1).
    readout: chance that a measured qubit is reported flipped (0 to 0.5), used where the spins run as circuits.
    t1d: lifetime of dipolar order in s, or None. It is a property on record: order decays here through t1 and t2
    (ZZ at 2/T1, XX and YY at 2/T2), and nothing is made of t1d until a storage step needs it.
    Raises ArgumentError for values outside these ranges.
    """

    t1: tuple[float, ...]
    t2: tuple[float, ...]
    polarisation: tuple[float, ...]
    readout: tuple[float, ...]
    t1d: float | None = None

    def __post_init__(self) -> None:
        for k, (t1, t2, p, r) in enumerate(zip(self.t1, self.t2, self.polarisation, self.readout, strict=True)):
            if not t1 > 0:
                raise ArgumentError(f"T1 of spin {k}", f"{t1} s", "be above zero")
            if not 0 < t2 <= 2 * t1 * (1 + 1e-12):
                raise ArgumentError(f"T2 of spin {k}", f"{t2} s", f"be above zero and at most 2 T1 = {2 * t1} s")
            if not -1 <= p <= 1:
                raise ArgumentError(f"polarisation of spin {k}", p, "lie between -1 and 1")
            if not 0 <= r < 0.5:
                raise ArgumentError(f"readout error of spin {k}", r, "lie between 0 and 0.5")
        if self.t1d is not None and not self.t1d > 0:
            raise ArgumentError("T1D", f"{self.t1d} s", "be above zero")

    @property
    def n(self) -> int:
        """Number of spins."""
        return len(self.t1)

    def rates(self, spin: int) -> tuple[float, float, float]:
        """Rates in 1/s of one spin: |1> to |0>, |0> to |1>, and the coefficient of the pure dephasing D[sigma_z].

        They add to 1/T1 = up + down and to 1/T2 = 1/(2 T1) + 2 x dephasing.
        """
        r1, r2 = 1 / self.t1[spin], 1 / self.t2[spin]
        up = (1 + self.polarisation[spin]) / 2 * r1
        return up, r1 - up, max(r2 - r1 / 2, 0.0) / 2

    def jump_operators(self) -> ComplexArray:
        """Jump operators of the Lindblad equation, shape (J, 2^N, 2^N), in s^(-1/2): three a spin, zero rates left out."""
        jumps = []
        for k in range(self.n):
            x, y, z = (pauli_string(on_spin(self.n, k, letter)) for letter in "XYZ")
            for rate, matrix in zip(self.rates(k), ((x + 1j * y) / 2, (x - 1j * y) / 2, z), strict=True):
                if rate > 0:
                    jumps.append(math.sqrt(rate) * matrix)
        return np.array(jumps, dtype=complex).reshape(-1, 2**self.n, 2**self.n)
