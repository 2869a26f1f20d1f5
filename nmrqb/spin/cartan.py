"""Two-qubit unitaries taken apart, a whole batch at a time: local gates around exp(i(a XX + b YY + c ZZ)).

Arrays (..., 4, 4), the first qubit leftmost. The decomposition is Cartan's (Kraus and Cirac, Phys. Rev. A 63, 062309
(2001)): in the magic basis local gates are real, and U^T U is diagonalised by a real rotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.spin.operators import PAULI, pauli_string

#: Coordinates below this are zero, coordinates closer than this to pi/4 are on the border: it costs as much in a state.
ZERO = 1e-11

_MAGIC = np.array([[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]]) / np.sqrt(2)
#: Eigenvalues of XX, YY and ZZ on the magic basis, (3, 4).
_SIGNS = np.stack([np.diag(_MAGIC.conj().T @ pauli_string(2 * p) @ _MAGIC).real for p in "XYZ"])
_SWEEPS = 40


@dataclass(frozen=True)
class Cartan:
    """U = phase x (after[0] kron after[1]) exp(i sum_k coordinates_k PP) (before[0] kron before[1]), PP = XX, YY, ZZ.

    coordinates: (..., 3) in rad with pi/4 >= a >= b >= |c|. after, before: (..., 2, 2, 2), in front of the last two axes
    the qubit; of determinant 1.
    """

    after: ComplexArray
    coordinates: FloatArray
    before: ComplexArray

    def entanglers(self) -> int:
        """CZ gates that a circuit for every member of the batch takes: 0, 1, 2 or 3."""
        a, b, c = np.moveaxis(np.abs(self.coordinates), -1, 0)
        if not np.any(a > ZERO):
            return 0
        if not np.any(b > ZERO) and np.all(np.abs(a - np.pi / 4) < ZERO):
            return 1
        return 3 if np.any(c > ZERO) else 2

    def terms(self) -> int:
        """Coordinates that are not zero for every member of the batch, which is as many rzz gates: 0, 1, 2 or 3."""
        return int(np.any(np.abs(self.coordinates) > ZERO, axis=tuple(range(self.coordinates.ndim - 1))).sum())


def cartan(unitaries: ComplexArray) -> Cartan:
    """Take unitaries (..., 4, 4) apart; nothing is checked."""
    U = unitaries / (np.linalg.det(unitaries) ** 0.25)[..., None, None]
    M = _MAGIC.conj().T @ U @ _MAGIC
    square = np.swapaxes(M, -1, -2) @ M
    P = rotation_to_diagonal(np.stack([square.real, square.imag], axis=-3))
    P[..., :, 0] *= np.linalg.det(P)[..., None]
    phases = np.angle(np.einsum("...ji,...jk,...ki->...i", P, square, P)) / 2
    odd = np.cos(phases.sum(axis=-1)) < 0  # the left factor would be a reflection
    phases[..., 0] += np.pi * odd
    left = _MAGIC @ (M @ P * np.exp(-1j * phases)[..., None, :]).real @ _MAGIC.conj().T
    right = _MAGIC @ np.swapaxes(P, -1, -2) @ _MAGIC.conj().T
    return _canonical(_factors(left), phases @ _SIGNS.T / 4, _factors(right))


def rotation_to_diagonal(matrices: FloatArray) -> FloatArray:
    """The rotation P (..., d, d) for which P^T A P is diagonal for all commuting symmetric A (..., K, d, d).

    Jacobi rotations that lower the off-diagonal parts of all A together (Cardoso and Souloumiac, SIAM J. Matrix Anal.
    Appl. 17, 161 (1996)): degenerate eigenvalues of one A, or of all, do no harm.
    """
    A = np.array(matrices)
    d = A.shape[-1]
    P = np.broadcast_to(np.eye(d), (*A.shape[:-3], d, d)).copy()
    for _ in range(_SWEEPS):
        largest = 0.0
        for p, q in combinations(range(d), 2):
            difference, off = A[..., p, p] - A[..., q, q], 2 * A[..., p, q]
            along = (difference**2 - off**2).sum(axis=-1)
            across = 2 * (difference * off).sum(axis=-1)
            # where nothing is left off the diagonal, rounding must not turn
            angle = np.where(np.abs(off).max(axis=-1) < 1e-15, 0.0, np.arctan2(across, along) / 4)
            largest = max(largest, float(np.max(np.abs(angle) * np.abs(off).max(axis=-1), initial=0.0)))
            turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=-1)
            turn = turn.reshape(*angle.shape, 2, 2)
            pair = [p, q]
            A[..., :, pair] = A[..., :, pair] @ turn[..., None, :, :]
            A[..., pair, :] = np.swapaxes(turn, -1, -2)[..., None, :, :] @ A[..., pair, :]
            P[..., :, pair] = P[..., :, pair] @ turn
        if largest < 1e-16:
            break
    return P


def _factors(product: ComplexArray) -> ComplexArray:
    """A and B of unitaries A kron B, (..., 2, 2, 2), each of determinant 1 (a sign is the batch's phase)."""
    blocks = product.reshape(*product.shape[:-2], 2, 2, 2, 2).swapaxes(-3, -2)  # [a, a', b, b']
    flat = blocks.reshape(*product.shape[:-2], 4, 4)
    row = np.argmax(np.linalg.norm(flat, axis=-1), axis=-1)
    B = np.take_along_axis(flat, row[..., None, None], axis=-2)[..., 0, :].reshape(*row.shape, 2, 2)
    B = B / np.sqrt(np.linalg.det(B))[..., None, None]
    A = np.einsum("...acbd,...bd->...ac", blocks, B.conj()) / 2
    A = A / np.sqrt(np.linalg.det(A))[..., None, None]
    return np.stack([A, B], axis=-3)


def _moves() -> tuple[ComplexArray, ComplexArray, np.ndarray]:
    """The local unitaries g kron g of the 6 permutations of XX, YY, ZZ: g (6, 2, 2), with g^dagger, and the permutations.

    Moving a, b, c to places `order` is exp(i sum c_k PP_k) = (g kron g) exp(i sum c_order[k] PP_k) (g^dagger kron g^dagger).
    """
    orders = np.array(list(permutations(range(3))))
    gates = []
    for order in orders:
        # g P_k g^dagger = +- P_order[k]: from the rotation matrix with these columns and determinant 1
        R = np.zeros((3, 3))
        R[order, range(3)] = 1.0
        R *= np.linalg.det(R)
        gates.append(_spinor(R))
    g = np.array(gates)
    return g, g.conj().swapaxes(-1, -2), orders


def _spinor(R: FloatArray) -> ComplexArray:
    """The g of SU(2) with g P_k g^dagger = sum_j R_jk P_j, the one matrix that solves g P_k = (R P)_k g."""
    paulis = np.stack([PAULI[p] for p in "XYZ"])
    equations = [
        np.kron(np.eye(2), P.T) - np.kron(np.tensordot(R[:, k], paulis, 1), np.eye(2)) for k, P in enumerate(paulis)
    ]
    g = np.linalg.svd(np.concatenate(equations))[2][-1].conj().reshape(2, 2)
    return g / np.sqrt(np.linalg.det(g))


_ROTATIONS, _BACK, _ORDERS = _moves()
_PAULIS = 1j * np.stack([PAULI[p] for p in "XYZ"])  # of determinant 1


def _canonical(after: ComplexArray, c: FloatArray, before: ComplexArray) -> Cartan:
    """Coordinates moved to pi/4 >= a >= b >= |c| by Pauli gates, permutations, and turns of one qubit."""
    after, c, before = after.copy(), c.copy(), before.copy()
    quarter = np.round(c / (np.pi / 2))
    quarter = np.where(c - quarter * (np.pi / 2) < -np.pi / 4 + ZERO, quarter - 1, quarter)  # the border has one side
    c = c - quarter * (np.pi / 2)
    for k in range(3):  # exp(i pi/2 PP) = i PP
        P = np.where((quarter[..., k] % 2 == 1)[..., None, None], _PAULIS[k], np.eye(2))
        before = P[..., None, :, :] @ before
    order = np.argsort(-np.abs(c), axis=-1, kind="stable")
    number = np.argmax((order[..., None, :] == _ORDERS).all(axis=-1), axis=-1)
    c = np.take_along_axis(c, order, axis=-1)
    after = after @ _ROTATIONS[number][..., None, :, :]
    before = _BACK[number][..., None, :, :] @ before
    # a Pauli gate on one qubit, before and after, turns the signs of the other two coordinates
    first, second = c[..., 0] < 0, c[..., 1] < 0
    for flip, axis in ((first & second, 2), (first & ~second, 1), (~first & second, 0)):
        P = np.where(flip[..., None, None], _PAULIS[axis], np.eye(2))
        after[..., 0, :, :] = after[..., 0, :, :] @ P
        before[..., 0, :, :] = P @ before[..., 0, :, :]
        keep = np.arange(3) == axis
        c = np.where(flip[..., None] & ~keep, -c, c)
    return Cartan(after, c, before)
