"""The two-spin battery of arXiv 2409.05000, eq. (4): its couplings, Hamiltonian, levels and Gibbs state."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray, positive, real
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_sum
from nmrqb.spin.states import gibbs_state

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: The Pauli strings the Hamiltonian is made of, in the order of `Battery.coefficients`.
LABELS = ("XX", "YY", "ZZ", "XY", "YX", "ZI", "IZ")


class PauliCoefficients(NamedTuple):
    """A Hamiltonian as sum_k values[..., k] * labels[k]."""

    labels: tuple[str, ...]
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Battery:
    """Two spins with the five couplings of eq. (4), in one common energy unit (hbar = k_B = 1).

    H = Delta/3 (2 ZZ - XX - YY) + epsilon (XX - YY) + D (XY - YX) + G (XY + YX) + B (ZI + IZ)

    Each coupling is a number or an array; arrays broadcast, and their common shape is the battery's `shape`.
    Raises ArgumentError for couplings that are not finite real numbers or do not broadcast.
    """

    axial: FloatArray | float = 0.0  # Delta
    rhombic: FloatArray | float = 0.0  # epsilon
    dm: FloatArray | float = 0.0  # D, Dzyaloshinsky-Moriya
    ksea: FloatArray | float = 0.0  # G, Kaplan-Shekhtman-Entin-Wohlman-Aharony
    zeeman: FloatArray | float = 0.0  # B

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = ()
        for field in fields(self):
            array = real(field.name, getattr(self, field.name))
            try:
                shape = np.broadcast_shapes(shape, array.shape)
            except ValueError:
                raise ArgumentError(
                    field.name, f"of shape {array.shape}", f"broadcast against the other couplings, of shape {shape}"
                ) from None
            object.__setattr__(self, field.name, _frozen(array))

    def __eq__(self, other: object) -> bool:
        """Equal couplings, shape by shape."""
        if not isinstance(other, Battery):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def __hash__(self) -> int:
        couplings = [np.asarray(getattr(self, f.name)) + 0.0 for f in fields(self)]  # + 0.0: -0.0 equals 0.0
        return hash(tuple((c.shape, c.tobytes()) for c in couplings))

    @property
    def shape(self) -> tuple[int, ...]:
        """The common shape of the couplings."""
        return np.broadcast_shapes(*(np.shape(getattr(self, f.name)) for f in fields(self)))

    @property
    def kappa1(self) -> FloatArray:
        """sqrt(Delta^2 + 9 D^2): 3/4 of the splitting of the levels within {|01>, |10>}."""
        return np.hypot(self.axial, 3 * np.asarray(self.dm))

    @property
    def kappa2(self) -> FloatArray:
        """sqrt(B^2 + G^2 + epsilon^2): 1/4 of the splitting of the levels within {|00>, |11>}."""
        return np.hypot(np.hypot(self.zeeman, self.ksea), self.rhombic)

    @property
    def coefficients(self) -> PauliCoefficients:
        """The Hamiltonian on Pauli strings: `labels` (7,) and `values` (..., 7)."""
        delta, eps, D, G, B = (np.asarray(getattr(self, f.name)) for f in fields(self))
        third = delta / 3
        terms = np.broadcast_arrays(eps - third, -eps - third, 2 * third, G + D, G - D, B, B)
        return PauliCoefficients(LABELS, np.stack(terms, axis=-1))

    def hamiltonian(self) -> ComplexArray:
        """H of eq. (4), shape (..., 4, 4), in the basis |00>, |01>, |10>, |11>."""
        return pauli_sum(*self.coefficients).astype(complex)

    def energies(self) -> FloatArray:
        """The levels in ascending order, shape (..., 4): eq. (5) sorted."""
        return np.sort(self._levels(), axis=-1)

    def eigenstates(self) -> ComplexArray:
        """Orthonormal eigenvectors as columns, in the order of `energies()`; shape (..., 4, 4).

        A regular branch is taken where eq. (5) is 0/0 (kappa1 = 0, or G = epsilon = 0).
        """
        order = np.argsort(self._levels(), axis=-1, kind="stable")
        return np.take_along_axis(self._vectors(), order[..., None, :], axis=-1)

    def gibbs_state(self, temperature: ArrayLike) -> ComplexArray:
        """exp(-H/T)/Z of eq. (6), shape (..., 4, 4); T in the couplings' unit, broadcasting against `shape`.

        Raises ArgumentError unless T > 0.
        """
        T = positive("temperature", temperature)
        try:
            shape = np.broadcast_shapes(self.shape, T.shape)
        except ValueError:
            raise ArgumentError(
                "temperature", f"of shape {T.shape}", f"broadcast against the couplings, of shape {self.shape}"
            ) from None
        return gibbs_state(np.broadcast_to(self.hamiltonian(), (*shape, 4, 4)), T)

    def _levels(self) -> FloatArray:
        """nu_1 ... nu_4 in the order of eq. (5), shape (..., 4)."""
        third = 2 * np.asarray(self.axial) / 3
        k1, k2 = 2 * self.kappa1 / 3, 2 * self.kappa2
        return np.stack(np.broadcast_arrays(-third - k1, -third + k1, third - k2, third + k2), axis=-1)

    def _vectors(self) -> ComplexArray:
        """psi_1 ... psi_4 in the order of eq. (5), with eta and chi corrected, as columns; shape (..., 4, 4).

        Written with half angles of the two pseudo-spins rather than with eq. (5)'s quotients, which are 0/0 at
        G = epsilon = 0 and lose digits near it. `+ 0.0` turns -0.0 into 0.0, on which arctan2 would jump.
        """
        delta, eps, D, G, B = (np.asarray(getattr(self, f.name)) + 0.0 for f in fields(self))
        odd = np.arctan2(3 * D, -delta + 0.0)  # phase of eta
        odd = np.where(self.kappa1 > 0, odd, np.pi)  # eta = -1: the limit Delta -> 0+ at D = 0
        half = np.arctan2(np.hypot(eps, G), B) / 2
        even = np.arctan2(G, eps)
        odd, half, even = np.broadcast_arrays(odd, half, even)
        eta, turn = np.exp(1j * odd), np.exp(1j * even)
        vectors = np.zeros((*odd.shape, 4, 4), dtype=complex)
        vectors[..., 1, 0], vectors[..., 2, 0] = -eta / np.sqrt(2), 1 / np.sqrt(2)
        vectors[..., 1, 1], vectors[..., 2, 1] = eta / np.sqrt(2), 1 / np.sqrt(2)
        vectors[..., 0, 2], vectors[..., 3, 2] = -np.sin(half) * turn.conj(), np.cos(half)
        vectors[..., 0, 3], vectors[..., 3, 3] = np.cos(half), np.sin(half) * turn
        return vectors


def _frozen(array: FloatArray) -> FloatArray | float:
    if array.ndim == 0:
        return float(array)
    copy = array.copy()
    copy.setflags(write=False)
    return copy
