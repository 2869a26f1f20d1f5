"""Two-spin unitaries as local rotations around one canonical interaction (Cartan's decomposition of SU(4)).

U = phase (L1 x L2) exp(-i (a XX + b YY + c ZZ)) (R1 x R2). For the battery's own propagator the parts are closed forms;
for any other unitary they come from `nmrqb.spin.cartan`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.battery import Battery
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design.rotations import z_turn
from nmrqb.errors import ArgumentError
from nmrqb.spin.cartan import cartan
from nmrqb.spin.operators import PAULI, pauli_stack

Pair = tuple[ComplexArray, ComplexArray]

_MAGIC = np.array([[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]]) / np.sqrt(2)
#: Eigenvalues of XX, YY and ZZ on the magic basis, (3, 4).
_SIGNS = np.real(np.einsum("ki,akl,li->ai", _MAGIC.conj(), pauli_stack(("XX", "YY", "ZZ")), _MAGIC)).round()


class Canonical(NamedTuple):
    """The factors of a two-spin unitary: rotations (2, 2) of both spins after and before, and (a, b, c) in rad."""

    left: Pair
    angles: FloatArray
    right: Pair

    def unitary(self) -> ComplexArray:
        """The product, (4, 4), up to a phase."""
        core = (_MAGIC * np.exp(-1j * self.angles @ _SIGNS)) @ _MAGIC.conj().T
        return np.kron(*self.left) @ core @ np.kron(*self.right)

    def wrapped(self) -> Canonical:
        """The same unitary with every angle within -pi/4 and pi/4: what is beyond are rotations by 180 degrees."""
        turns = np.round(self.angles / (np.pi / 2))
        first, second = self.left
        for count, letter in zip(turns, "XYZ", strict=True):
            if count % 2:
                first, second = first @ PAULI[letter], second @ PAULI[letter]
        return Canonical((first, second), self.angles - turns * np.pi / 2, self.right)


def battery_factors(battery: Battery, time: float) -> Canonical:
    """exp(-i H time) of a battery with single couplings, in closed form (derived here).

    The two pairs of levels, {|00>, |11>} and {|01>, |10>}, are spins of their own in fields 2 (epsilon, G, B) and
    (-2 Delta/3, -2 D, 0): each turns as Rz exp(-i m x) Rz, and ZZ tells them apart.
    """
    delta, eps, D, G, B = (float(getattr(battery, name)) + 0.0 for name in ("axial", "rhombic", "dm", "ksea", "zeeman"))
    w, E = float(battery.kappa2), float(np.hypot(eps, G))
    swing = 2 * time * np.sinc(2 * w * time / np.pi)  # sin(2 w t)/w
    m = np.arctan2(swing * E, np.hypot(np.cos(2 * w * time), swing * B))
    u = np.arctan2(swing * B, np.cos(2 * w * time)) / 2
    r = 2 * float(battery.kappa1) * time / 3
    even, odd = np.arctan2(G, eps) / 2, np.arctan2(-2 * D + 0.0, -2 * delta / 3 + 0.0) / 2
    left = z_turn(u + even + odd), z_turn(u + even - odd)
    right = z_turn(u - even - odd), z_turn(u - even + odd)
    return Canonical(left, np.array([(r + m) / 2, (r - m) / 2, 2 * delta * time / 3]), right)


def factors(unitary: ArrayLike) -> Canonical:
    """The factors of any two-spin unitary (4, 4). Raises ArgumentError unless it is one, to 1e-8."""
    U = checks.operator("unitary", unitary, 4)
    if U.ndim != 2:
        raise ArgumentError("unitary", f"of shape {U.shape}", "be one matrix of shape (4, 4)")
    off = float(np.abs(U.conj().T @ U - np.eye(4)).max())
    if off > checks.TOLERANCE:
        raise ArgumentError("unitary", f"off by {off:.3g} from U^dagger U = 1", "be unitary")
    V, _, W = np.linalg.svd(U)
    found = cartan(V @ W)
    return Canonical((found.after[0], found.after[1]), -found.coordinates, (found.before[0], found.before[1]))


def interaction_angle(unitary: ComplexArray) -> FloatArray:
    """|a| + |b| + |c| of unitaries (..., 4, 4), each within pi/4: the least interaction they can be made of, (...)."""
    return np.asarray(np.abs(cartan(unitary).coordinates).sum(axis=-1))
