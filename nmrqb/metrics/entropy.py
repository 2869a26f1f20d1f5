"""Entropies in bits, purity and fidelity of states (..., d, d); `check=False` skips the tests of the arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins
from nmrqb.spin.states import partial_trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from nmrqb.checks import ComplexArray, FloatArray

_TINY, _RANK = 1e-300, 1e-15


def shannon(p: NDArray[np.floating[Any]]) -> FloatArray:
    """-sum_k p_k log2 p_k over the last axis, 0 log 0 = 0; a population that rounding made negative counts as 0."""
    return np.asarray(entropy_term(p).sum(axis=-1))


def entropy_term(p: NDArray[np.floating[Any]]) -> FloatArray:
    """-p log2 p elementwise, 0 for p <= 0."""
    floored = np.maximum(p, _TINY)
    return -np.maximum(p, 0.0) * np.log2(floored)


def von_neumann_entropy(rho: ArrayLike, *, check: bool = True) -> FloatArray:
    """-Tr[rho log2 rho] in bits, shape (...). Raises ArgumentError unless rho is a density matrix."""
    return np.maximum(shannon(np.linalg.eigvalsh(_state("rho", rho, check))), 0.0)


def mutual_information(rho: ArrayLike, spins: int | Iterable[int] = 0, *, check: bool = True) -> FloatArray:
    """S(A) + S(B) - S(AB) in bits between the given spins (A) and the others (B), shape (...).

    rho (..., 2^N, 2^N). Raises ArgumentError unless rho is a density matrix of two spins or more and A some of them.
    """
    state = _state("rho", rho, check)
    n = number_of_spins(state.shape[-1])
    side = {spins} if isinstance(spins, int) else set(spins)
    other = set(range(n)) - side
    if not side or not other or not side < set(range(n)):
        raise ArgumentError("spins", sorted(side), f"name some, but not all, of the spins 0 to {n - 1}")
    entropies = [
        shannon(np.linalg.eigvalsh(a)) for a in (partial_trace(state, side), partial_trace(state, other), state)
    ]
    return np.maximum(entropies[0] + entropies[1] - entropies[2], 0.0)


def purity(rho: ArrayLike, *, check: bool = True) -> FloatArray:
    """Tr[rho^2], from 1/d to 1, shape (...). Raises ArgumentError unless rho is a density matrix."""
    state = _state("rho", rho, check)
    return np.sum(np.abs(state) ** 2, axis=(-2, -1))


def fidelity(rho: ArrayLike, sigma: ArrayLike, *, check: bool = True) -> FloatArray:
    """(Tr sqrt(sqrt(rho) sigma sqrt(rho)))^2, shape (...): the squared convention, <psi|sigma|psi> for pure rho.

    rho and sigma (..., d, d) broadcast. Raises ArgumentError unless both are density matrices of one dimension.
    """
    a, b = _state("rho", rho, check), _state("sigma", sigma, check)
    if check:
        checks.same_dimension("rho", a, "sigma", b)
    overlap = np.conj(np.swapaxes(square_root(a), -1, -2)) @ square_root(b)
    return np.minimum(np.linalg.svd(overlap, compute_uv=False).sum(axis=-1) ** 2, 1.0)


def square_root(rho: ComplexArray) -> ComplexArray:
    """A matrix A (..., d, d) with A A^dagger = rho: eigenvectors times the roots of their populations.

    Populations below 1e-15 cannot be told from the rounding of a rank-deficient rho and count as zero: their roots
    (3e-8) would otherwise drown what a product or a pure state has at 1e-15.
    """
    populations, vectors = np.linalg.eigh(rho)
    return vectors * np.sqrt(np.where(populations > _RANK, populations, 0.0))[..., None, :]


def _state(name: str, rho: ArrayLike, check: bool) -> ComplexArray:
    return checks.density_matrix(name, rho) if check else np.asarray(rho)
