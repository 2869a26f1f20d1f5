"""Measures of many spins that need no density matrix: of pure states (..., 2^n), and what states of either kind share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.metrics.entropy import purity, shannon
from nmrqb.spin.operators import number_of_spins

#: What the norm of a state may miss one by.
_NORM = 1e-8


def renyi2(rho: ArrayLike, *, check: bool = True) -> FloatArray:
    """-log2 Tr rho^2 in bits, the Renyi entropy of order two, shape (...). Raises ArgumentError for no density matrix."""
    return -np.log2(purity(rho, check=check)) + 0.0


def pure_renyi2(psi: ArrayLike, spins: Iterable[int]) -> FloatArray:
    """The Renyi-2 entropy in bits of some spins of a pure state (..., 2^n), shape (...): 0 without entanglement.

    From the smaller side's reduced state. Raises ArgumentError unless the state is normalised and the spins are some, but
    not all, of its own.
    """
    state = _pure(psi)
    n = number_of_spins(state.shape[-1])
    side = sorted(set(spins))
    rest = [k for k in range(n) if k not in side]
    if not side or not rest or side[0] < 0 or side[-1] >= n:
        raise ArgumentError("spins", side, f"name some, but not all, of the spins 0 to {n - 1}")
    lead = state.ndim - 1
    tensor = state.reshape(*state.shape[:-1], *(2,) * n)
    order = [*range(lead), *(lead + k for k in side), *(lead + k for k in rest)]
    matrix = tensor.transpose(order).reshape(*state.shape[:-1], 2 ** len(side), -1)
    if len(side) > len(rest):
        matrix = np.swapaxes(matrix, -1, -2)
    reduced = matrix @ np.conj(np.swapaxes(matrix, -1, -2))
    return -np.log2(np.sum(np.abs(reduced) ** 2, axis=(-2, -1))) + 0.0


def pure_l1_coherence(psi: ArrayLike) -> FloatArray:
    """The l1 norm of coherence in the computational basis, (sum |psi_b|)^2 - 1, shape (...). Raises ArgumentError."""
    return np.sum(np.abs(_pure(psi)), axis=-1) ** 2 - 1


def pure_relative_entropy_of_coherence(psi: ArrayLike) -> FloatArray:
    """The entropy in bits of the populations of the basis states, shape (...). Raises ArgumentError."""
    return shannon(np.abs(_pure(psi)) ** 2)


def multiple_quantum_intensities(rho: ArrayLike, *, check: bool = True) -> FloatArray:
    """Sum of |rho_ab|^2 over elements of coherence order m_a - m_b = -n ... n, shape (..., 2n + 1); they add up to Tr rho^2.

    What multiple-quantum NMR measures by phase cycling (Baum, Munowitz, Garroway and Pines, J. Chem. Phys. 83, 2015
    (1985)). rho (..., 2^n, 2^n), a state or, with check=False, a deviation. Raises ArgumentError.
    """
    state = checks.density_matrix("rho", rho) if check else np.asarray(rho)
    n = number_of_spins(state.shape[-1])
    down = np.bitwise_count(np.arange(2**n)).astype(int)
    squares = (np.abs(state) ** 2).reshape(*state.shape[:-2], -1)
    orders = (down[None, :] - down[:, None] + n).reshape(-1)  # m_row - m_column, counted from 0
    return squares @ np.eye(2 * n + 1)[orders]


def pure_multiple_quantum_intensities(psi: ArrayLike) -> FloatArray:
    """`multiple_quantum_intensities` of a pure state (..., 2^n), from its populations of total S_z; (..., 2n + 1)."""
    state = _pure(psi)
    n = number_of_spins(state.shape[-1])
    down = np.bitwise_count(np.arange(2**n)).astype(int)
    p = (np.abs(state) ** 2) @ np.eye(n + 1)[down]
    shifted = np.zeros((*p.shape[:-1], 2 * n + 1))
    for k in range(n + 1):
        shifted[..., n - k : 2 * n + 1 - k] += p[..., k, None] * p
    return shifted


def _pure(psi: ArrayLike) -> ComplexArray:
    state = np.asarray(psi, dtype=complex)
    if state.ndim < 1 or not np.all(np.isfinite(state)):
        raise ArgumentError("psi", f"of shape {state.shape}", "be finite with shape (..., 2^n)")
    number_of_spins(state.shape[-1])
    norm = np.sum(np.abs(state) ** 2, axis=-1)
    off = np.abs(norm - 1) > _NORM
    if np.any(off):
        raise ArgumentError("psi", f"of norm {float(np.sqrt(norm[off].flat[0])):.6g}", "be normalised")
    return state
