"""Charging power: from sampled curves, and exactly where the generator of the dynamics is known.

Powers are energies in the unit of H per unit of time. A `generator` is a superoperator (..., d^2, d^2) as made by
`nmrqb.spin.propagation.liouvillian`, with d rho/dt = generator(rho).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.errors import ArgumentError
from nmrqb.metrics.curves import sampled, slope
from nmrqb.metrics.levels import level_index

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray

#: Populations closer than this count as degenerate in the slope of the ergotropy.
_DEGENERATE = 1e-10


def average_power(energy: ArrayLike, times: ArrayLike) -> FloatArray:
    """W(t)/t for the energy gained since t = 0, sampled as (..., T) at times (T,); shape (..., T).

    At t = 0 the limit dW/dt, by a cubic spline. Raises ArgumentError for wrong shapes, times that are negative or do
    not increase, or an energy that is not 0 at t = 0.
    """
    W, t = sampled(energy, times)
    if t[0] < 0:
        raise ArgumentError("times", float(t[0]), "be zero or above")
    if t[0] > 0:
        return W / t
    if np.any(np.abs(W[..., 0]) > 1e-9 * np.max(np.abs(W), axis=-1)):
        raise ArgumentError("energy", float(np.max(np.abs(W[..., 0]))), "be 0 at time 0")
    return np.concatenate([slope(W, t)[..., :1], W[..., 1:] / t[1:]], axis=-1)


def instantaneous_power(energy: ArrayLike, times: ArrayLike) -> FloatArray:
    """dW/dt of a sampled energy (or ergotropy) curve (..., T) at times (T,), by a cubic spline; shape (..., T).

    `power` and `ergotropy_power` are exact where the generator is known. Raises ArgumentError as `curves.slope`.
    """
    return slope(energy, times)


def power(rho: ArrayLike, H: ArrayLike, generator: ArrayLike, *, check: bool = True) -> FloatArray:
    """Tr[H d rho/dt], the exact rate at which energy enters, shape (...).

    rho, H (..., d, d) and generator (..., d^2, d^2) broadcast. For unitary charging from a passive state it is also the
    rate of the ergotropy, the paper's P below eq. (D2). Raises ArgumentError for wrong shapes, a state that is no
    density matrix or H not Hermitian; `check=False` skips that.
    """
    rho, H, drho = flow(rho, H, generator, check)
    return np.einsum("...ij,...ji->...", H, drho).real


def ergotropy_power(rho: ArrayLike, H: ArrayLike, generator: ArrayLike, *, check: bool = True) -> FloatArray:
    """The exact rate of change of the ergotropy, to later times, shape (...); derived here.

    Tr[H d rho/dt] - sum_k e_k dr_k/dt with r descending, e ascending, dr_k/dt = <r_k|d rho/dt|r_k>; populations closer
    than 1e-10 are treated as degenerate (their slopes are the eigenvalues of d rho/dt among them). Arguments and errors
    as for `power`.
    """
    rho, H, drho = flow(rho, H, generator, check)
    populations, vectors = np.linalg.eigh(rho)
    levels = level_index(populations, _DEGENERATE / np.max(np.abs(populations)))
    inside = np.conj(np.swapaxes(vectors, -1, -2)) @ drho @ vectors
    blocks = np.where(levels[..., :, None] == levels[..., None, :], inside, 0.0)
    # Steps wider than any slope keep the degenerate groups apart, so that slopes come out group by group, ascending.
    apart = 3 * np.max(np.abs(blocks), axis=(-2, -1), initial=0.0)[..., None] * populations.shape[-1] * levels
    slopes = np.linalg.eigvalsh(blocks + apart[..., :, None] * np.eye(levels.shape[-1])) - apart
    passive = np.einsum("...k,...k->...", slopes[..., ::-1], np.linalg.eigvalsh(H))
    return np.einsum("...ij,...ji->...", H, drho).real - passive


def flow(
    rho: ArrayLike, H: ArrayLike, generator: ArrayLike, check: bool
) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """rho, H and d rho/dt = generator(rho), checked. Raises ArgumentError."""
    if check:
        rho, H = checks.density_matrix("rho", rho), checks.hermitian("H", H)
        checks.same_dimension("rho", rho, "H", H)
        generator = checks.operator("generator", generator, H.shape[-1] ** 2)
        try:
            np.broadcast_shapes(rho.shape[:-2], H.shape[:-2], generator.shape[:-2])
        except ValueError:
            found, allowed = f"of leading shape {generator.shape[:-2]}", "broadcast against rho and H"
            raise ArgumentError("generator", found, allowed) from None
    state, L = np.asarray(rho), np.asarray(generator)
    d = state.shape[-1]
    drho = (L @ state.reshape(*state.shape[:-2], d * d, 1))[..., 0]
    return state, np.asarray(H), drho.reshape(*drho.shape[:-1], d, d)
