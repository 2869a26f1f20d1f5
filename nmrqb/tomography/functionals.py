"""Functions of states of which intervals are made, each with a nearly unbiased statistic and the nuisance states of its test.

Convex functions of a noisy matrix are too large because noise drives eigenvalues apart and turns absent coherences into
moduli. To second order both shifts are known: an eigenvalue gap |g| and a modulus |c| are lengths of Gaussian vectors of
three and of two components, and grow by 1/|g| and 1/(2|c|) in units of their spread. The statistics take that off, with a
finite correction at zero that makes the mean right there too (derived here; `length_excess`).

All arrays of states are in the frame of the functional: the energy basis for ergotropy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.metrics import concurrence, discord, l1_coherence, purity
from nmrqb.tomography.reconstruct import nearest_state
from nmrqb.tomography.spectra import descending_eigenvalues

#: Members and noisy copies of each, (B, M, d, d), and the spread (B, d, d) of the parts of their elements -> (B, M).
Statistic = Callable[[ComplexArray, FloatArray], FloatArray]
#: The estimates (B, d, d) and noise axes (B, P, d, d) -> the null state and the direction to the estimate.
Ray = Callable[[ComplexArray, ComplexArray], tuple[ComplexArray, ComplexArray]]
#: States (B, d, d) and noise axes (B, P, d, d) -> mean, spread and skewness (3, B) of the noisy value.
Moments = Callable[[ComplexArray, ComplexArray], FloatArray]

#: Cuts of the garrote, in squared spreads: for coherences, for moduli, and for all population gaps together.
_COHERENCE, _MODULUS, _GAPS = 2.0, 4.0, 0.8
#: Squared spreads added to squared gaps, because what a small gap does to the noise goes as its inverse.
_FLOOR = 0.25
#: What is left of a modulus that may be noise, in units of its parts' spread.
_RESIDUE = 0.12
#: a(r) = (k - 1)/2 r/(r^2 + c^2) + A exp(-r^2/2t^2) for a vector of k components: (c, A, t).
_EXCESS = {2: (4.4, 2.8, 0.88), 3: (5.0, 2.9, 1.39)}


@dataclass(frozen=True, eq=False)
class Functional:
    """A real function of states, what bounds it, and how its intervals are found.

    of: (..., d, d) -> (...), for Hermitian matrices of trace 1 that need not be positive. low, high: its bounds over states.
    frame: columns are the basis (d, d) in which `of`, `statistic` and `ray` expect matrices; None is the given one.
    linear: whether it is linear, so that its errors are Gaussian and nothing need be simulated. points: how many normal
    points a simulation takes. moments: in place of a simulation, where they are known exactly. calibrated: whether its intervals
    were measured to hold as often as they say on all kinds of states (`nmrqb.tomography.coverage`).
    """

    name: str
    of: Callable[[ComplexArray], FloatArray]
    low: float
    high: float
    frame: ComplexArray | None = None
    statistic: Statistic | None = None
    ray: Ray | None = None
    linear: bool = False
    points: int = 240
    moments: Moments | None = None
    calibrated: bool = True


def ergotropy_of(H: ArrayLike) -> Functional:
    """The ergotropy relative to H (d, d), in the unit of H. Raises ArgumentError unless H is Hermitian."""
    energies, vectors = np.linalg.eigh(checks.hermitian("H", H))
    return Functional(
        "ergotropy",
        partial(_ergotropy, energies),
        0.0,
        float(energies[-1] - energies[0]),
        vectors,
        partial(_ergotropy_statistic, energies),
        _from_passive,
    )


def expectation_of(operator: ArrayLike, name: str = "stored_energy") -> Functional:
    """Tr[rho O] of an observable O (d, d), or of the stored energy where rho is a difference. Raises ArgumentError."""
    observable = checks.hermitian("operator", operator)
    return Functional(name, lambda rho: np.einsum("...ij,ji->...", rho, observable).real, -np.inf, np.inf, linear=True)


def l1_of(dimension: int) -> Functional:
    """The l1 norm of coherence in the computational basis."""
    of = partial(l1_coherence, check=False)
    return Functional("l1_coherence", of, 0.0, dimension - 1.0, None, _l1_statistic, _from_diagonal, points=480)


def purity_of(dimension: int) -> Functional:
    """Tr[rho^2]."""
    of = partial(purity, check=False)
    return Functional("purity", of, 1 / dimension, 1.0, None, None, _from_unity, moments=_purity_moments)


def concurrence_of() -> Functional:
    """The concurrence of two spins, of the nearest state.

    Its intervals hold except for nearly pure states: there 69 % of nominal 95 % ones did at 1024 shots.
    """
    return Functional(
        "concurrence",
        _of_states(partial(concurrence, check=False)),
        0.0,
        1.0,
        ray=_within_states,
        calibrated=False,
    )


def discord_of(measured: int = 0) -> Functional:
    """The quantum discord of two spins in bits, measured on one of them, of the nearest state.

    Its intervals are indicative: at 1024 shots 90 to 100 % of nominal 95 % ones held, but 57 % for nearly pure states.
    """
    of = _of_states(partial(discord, measured=measured, check=False))
    return Functional("discord", of, 0.0, 1.0, ray=_within_states, calibrated=False)


def length_excess(length: FloatArray, components: int) -> FloatArray:
    """What noise of unit spread adds to the length of a vector of 2 or 3 components, in the mean, from the noisy length.

    The mean over the noise is right for vectors of zero length and for long ones, and off by up to half a spread between.
    """
    c, amplitude, width = _EXCESS[components]
    return (components - 1) / 2 * length / (length**2 + c**2) + amplitude * np.exp(-(length**2) / (2 * width**2))


def _ergotropy(energies: FloatArray, rho: ComplexArray) -> FloatArray:
    return _mean_energy(energies, rho) - np.linalg.eigvalsh(rho)[..., ::-1] @ energies  # exact: zero must be zero


def _mean_energy(energies: FloatArray, rho: ComplexArray) -> FloatArray:
    return np.einsum("...ii->...i", rho).real @ energies


def _ergotropy_statistic(energies: FloatArray, rho: ComplexArray, spread: FloatArray) -> FloatArray:
    """Ergotropy with the eigenvalues drawn together again by what isotropic noise has driven them apart."""
    i, j = np.triu_indices(len(energies), 1)
    unit = 2 * np.sqrt(np.mean(spread[:, i, j] ** 2, axis=-1))[:, None]  # of each component of a gap
    populations = descending_eigenvalues(rho)
    excess = length_excess((populations[..., i] - populations[..., j]) / unit[..., None], 3)
    drawn = unit / 2 * (excess @ (energies[j] - energies[i]))
    return _mean_energy(energies, rho) - populations @ energies - drawn


def _l1_statistic(rho: ComplexArray, spread: FloatArray) -> FloatArray:
    i, j = np.triu_indices(rho.shape[-1], 1)
    unit = np.maximum(spread[:, None, i, j], 1e-300)
    modulus = np.abs(rho[..., i, j])
    return 2 * np.sum(modulus - unit * length_excess(modulus / unit, 2), axis=-1)


def _purity_moments(rho: ComplexArray, axes: ComplexArray) -> FloatArray:
    """A quadratic form of Gaussian variables has its cumulants in closed form."""
    flat = axes.reshape(*axes.shape[:2], -1)
    gram = np.real(flat @ np.conj(np.swapaxes(flat, 1, 2)))
    along = np.real(flat.conj() @ rho.reshape(len(rho), -1, 1))[..., 0]
    mean = np.sum(np.abs(rho) ** 2, axis=(1, 2)) + np.einsum("bkk->b", gram)
    square = gram @ gram
    variance = 4 * np.sum(along**2, axis=1) + 2 * np.einsum("bkk->b", square)
    third = 24 * np.einsum("bk,bkl,bl->b", along, gram, along) + 8 * np.einsum("bkl,blk->b", square, gram)
    spread = np.sqrt(variance)
    return np.stack([mean, spread, third / np.maximum(spread, 1e-300) ** 3])


def part_spread(axes: ComplexArray) -> FloatArray:
    """Root mean square of the real and of the imaginary part of the noise of each element, (B, d, d), from (B, P, d, d)."""
    return np.sqrt(np.sum(np.abs(axes) ** 2, axis=1) / 2)


def _shrunk(x: FloatArray | ComplexArray, spread: FloatArray, cut: float) -> FloatArray:
    """The factor by which the non-negative garrote (Breiman 1995) shrinks x: 1 - cut spread^2/|x|^2, or zero."""
    return np.maximum(1 - cut * spread**2 / np.maximum(np.abs(x) ** 2, 1e-60), 0)


def _from_passive(rho: ComplexArray, axes: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """From the nearest passive state, its gaps without noise, to the estimate without what noise could have made."""
    eye = np.eye(rho.shape[-1])
    parts = part_spread(axes)
    populations = np.einsum("bii->bi", rho).real
    noise = np.einsum("bkii->bki", axes).real
    ordered = nonincreasing(populations)
    gaps = ordered[:, :-1] - ordered[:, 1:]
    wobble = np.sqrt(np.sum((noise[..., :-1] - noise[..., 1:]) ** 2, axis=1))
    resolved = np.mean((gaps / wobble) ** 2, axis=1, keepdims=True)
    gaps = np.sqrt(gaps**2 + _FLOOR * wobble**2) * np.maximum(1 - _GAPS / np.maximum(resolved, 1e-60), 0)
    above_last = np.cumsum(gaps[:, ::-1], axis=1)[:, ::-1]
    passive = np.pad(above_last, ((0, 0), (0, 1)))
    passive += (1 - passive.sum(axis=1, keepdims=True)) / len(eye)
    inverted = populations - ordered
    inverted = inverted * _shrunk(inverted, np.sqrt(np.sum(noise**2, axis=1)), _COHERENCE)
    null = passive[:, :, None] * eye
    direction = rho * _shrunk(rho, np.sqrt(2) * parts, _COHERENCE) * (1 - eye) + inverted[:, :, None] * eye
    # what unitaries make of a passive state is proportional to the gaps they bridge
    bridged = np.abs(passive[:, :, None] - passive[:, None, :]) + parts
    return null.astype(complex), _or_raw(direction, (rho - null) * bridged)


def nonincreasing(values: FloatArray) -> FloatArray:
    """The nearest sequence (..., d) that never rises, by the min-max formula of isotonic regression."""
    d = values.shape[-1]
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    first, last = np.meshgrid(np.arange(d), np.arange(d), indexing="ij")
    means = (total[..., 1:][..., None, :] - total[..., :-1][..., :, None]) / np.maximum(last - first + 1, 1)
    means = np.where(first <= last, means, -np.inf)  # (..., first, last)
    from_here_on = np.maximum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]  # largest over last >= k
    until_here = np.minimum.accumulate(np.where(first <= last, from_here_on, np.inf), axis=-2)
    return np.einsum("...kk->...k", until_here)


def _from_diagonal(rho: ComplexArray, axes: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    eye = np.eye(rho.shape[-1])
    null = rho * eye
    parts, modulus = part_spread(axes), np.abs(rho)
    kept = np.maximum(modulus * _shrunk(rho, np.sqrt(2) * parts, _MODULUS), _RESIDUE * parts)
    return null, rho / np.maximum(modulus, 1e-300) * kept * (1 - eye)


def _from_unity(rho: ComplexArray, axes: ComplexArray) -> tuple[ComplexArray, ComplexArray]:  # noqa: ARG001
    null = np.broadcast_to(np.eye(rho.shape[-1]) / rho.shape[-1], rho.shape).astype(complex)
    return null, rho - null


def _within_states(rho: ComplexArray, axes: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    return _from_unity(nearest_state(rho), axes)


def _or_raw(direction: ComplexArray, raw: ComplexArray) -> ComplexArray:
    """Where nothing stands out of the noise, the noise itself is the direction."""
    nothing = np.max(np.abs(direction), axis=(-2, -1), keepdims=True) < 1e-12
    return np.where(nothing, raw, direction)


def _of_states(metric: Callable[[ComplexArray], FloatArray]) -> Callable[[ComplexArray], FloatArray]:
    """A metric of states, for matrices that need not be positive: of the nearest state."""
    return lambda rho: metric(nearest_state(rho))
