"""Average gate fidelity: how well a propagator or a noisy map does what was asked, over all pure states."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError


def gate_infidelity(made: ArrayLike, target: ArrayLike) -> FloatArray:
    """1 - F_avg of unitaries (..., d, d), F_avg = (d F + 1)/(d + 1), F = |Tr target^dagger made|^2/d^2; shape (...).

    Nielsen, Phys. Lett. A 303, 249 (2002). Global phases do not count. Raises ArgumentError for matrices of different size.
    """
    U, V = checks.operator("made", made), checks.operator("target", target)
    checks.same_dimension("made", U, "target", V)
    d = U.shape[-1]
    F = np.abs(np.einsum("...ij,...ij->...", V.conj(), U)) ** 2 / d**2
    return d * (1 - F) / (d + 1)


def map_infidelity(images: ArrayLike, target: ArrayLike) -> FloatArray:
    """1 - F_avg of a linear map with the images (d, d, d, d) of the matrix units |i><j|, from a unitary (d, d).

    F = sum_ij Tr[(V |i><j| V^dagger)^dagger image_ij]/d^2. Raises ArgumentError for arrays of other shapes.
    """
    V = checks.operator("target", target)
    L = np.asarray(images, dtype=complex)
    d = V.shape[-1]
    if L.shape != (d, d, d, d):
        raise ArgumentError("images", f"of shape {L.shape}", f"have shape {(d, d, d, d)}, one matrix for each |i><j|")
    wanted = np.einsum("ai,bj->ijab", V, V.conj())
    F = np.einsum("ijab,ijab->", wanted.conj(), L).real / d**2
    return np.asarray(d * (1 - F) / (d + 1))


def matrix_units(dimension: int) -> ComplexArray:
    """|i><j| for all i and j, (d, d, d, d)."""
    return np.einsum("ia,jb->ijab", np.eye(dimension), np.eye(dimension)).astype(complex)
