"""Two-spin unitaries as local rotations around one canonical interaction (Cartan's decomposition of SU(4)).

U = phase (L1 x L2) exp(-i (a XX + b YY + c ZZ)) (R1 x R2). For the battery's own propagator the parts are closed forms;
for any other unitary they come from the magic basis, in which local rotations are real (Khaneja, Brockett, Glaser, Phys.
Rev. A 63, 032308 (2001); Kraus, Cirac, Phys. Rev. A 63, 062309 (2001)).
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
    U = V @ W
    inside = _MAGIC.conj().T @ (U / np.linalg.det(U) ** 0.25) @ _MAGIC
    # inside = O1 D O2 with O real: inside^T inside = O2^T D^2 O2
    O2 = _real_eigenvectors(inside.T @ inside).T
    phases = np.angle(np.diag(O2 @ inside.T @ inside @ O2.T)) / 2
    O1 = (inside @ O2.T * np.exp(-1j * phases)).real
    if np.linalg.det(O1) < 0:  # a sign moved between O1 and D
        O1[:, 0] *= -1
        phases[0] += np.pi
    angles = -_SIGNS @ phases / 4
    return Canonical(_local(O1), angles, _local(O2))


def interaction_angle(unitary: ComplexArray) -> FloatArray:
    """|a| + |b| + |c| of unitaries (..., 4, 4), each within pi/4: the least interaction they can be made of, (...)."""
    determinant = np.linalg.det(unitary)
    inside = _MAGIC.conj().T @ unitary @ _MAGIC / (determinant**0.25)[..., None, None]
    phases = np.angle(np.linalg.eigvals(np.swapaxes(inside, -1, -2) @ inside)) / 2
    phases[..., 0] -= np.pi * np.round(phases.sum(axis=-1) / np.pi)  # known modulo pi; their sum is 0
    angles = phases @ _SIGNS.T / 4
    return np.abs(angles - np.round(angles / (np.pi / 2)) * np.pi / 2).sum(axis=-1)


def _real_eigenvectors(symmetric: ComplexArray) -> FloatArray:
    """Orthonormal real eigenvectors, determinant 1, as columns, of a symmetric unitary matrix.

    Its real and imaginary parts commute; a sum of both with weights that tell all eigenvalues apart has them all.
    """
    best, least = np.eye(4), np.inf
    for weight in np.linspace(0.1, 3.0, 12):
        vectors = np.linalg.eigh(np.cos(weight) * symmetric.real + np.sin(weight) * symmetric.imag)[1]
        inside = vectors.T @ symmetric @ vectors
        rest = float(np.abs(inside - np.diag(np.diag(inside))).max())
        if rest < least:
            best, least = vectors, rest
    return best * np.array([np.linalg.det(best), 1, 1, 1])


def _local(orthogonal: FloatArray) -> Pair:
    """The rotations whose product is a real rotation of the magic basis."""
    product = _MAGIC @ orthogonal @ _MAGIC.conj().T
    blocks = product.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    u, s, v = np.linalg.svd(blocks)
    first, second = u[:, 0].reshape(2, 2) * np.sqrt(s[0]), v[0].reshape(2, 2) * np.sqrt(s[0])
    return first / np.sqrt(np.linalg.det(first)), second / np.sqrt(np.linalg.det(second))
