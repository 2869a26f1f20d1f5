"""Energy and ergotropy from populations in the energy basis: one setting behind the inverse of the eigenbasis map.

V has the eigenvectors of H as columns. V^dagger before a measurement of every sigma_z turns outcomes into levels, so that one
setting gives the populations p_k and with them

- the energy sum p_k e_k, unbiased, with variance (sum p_k e_k^2 - E^2) per shot, which no other measurement undercuts;
- the incoherent ergotropy sum p_k e_k - sum p_k(sorted) e_k, a lower bound of the ergotropy;
- an upper bound of the ergotropy, E - e_0, or a tighter one from a bound on the purity.

When the energy alone is the ergotropy: where charging was unitary, the spectrum of the state and so the energy of its passive
state are those of the start. Ergotropy = E - E_passive(start) then, and for a passive start, such as a Gibbs state, it is the stored
energy: populations, or the five local settings of the energy, suffice, and no tomography is needed. Under unital noise
(dephasing) the stored energy since a passive start is an upper bound; under relaxation it is neither. The energy of the start
is that of a known state, or is measured in the same way, and its variance adds.

Bounds (derived here): by Schur and Horn the spectra r that states with the diagonal p may have are all those that majorize p.
The passive energy sum r_k(falling) e_k(rising) is Schur-concave, hence largest at r = p (the lower bound of ergotropy) and
smallest at a pure state. With a purity of at most P it is smallest where r is the Euclidean projection of a falling straight
function of the levels onto the spectra that majorize p, which antitonic regression solves; both bounds are attained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy
from nmrqb.tomography.allocation import allocate
from nmrqb.tomography.bootstrap import Estimate
from nmrqb.tomography.design import pauli_design
from nmrqb.tomography.functionals import nonincreasing
from nmrqb.tomography.grouping import energy_settings
from nmrqb.tomography.measurement import Measurement, checked_counts, pauli_measurement
from nmrqb.tomography.settings import Flips, confusion, pauli_settings

_BISECTIONS = 60


@dataclass(frozen=True)
class EnergyBasis:
    """What one setting in the energy basis says; arrays (...), energies in the unit of H.

    populations: (..., d), of levels in rising order, adding to 1; readout errors are undone, so that some may be negative.
    energy: unbiased, with its standard error. lower, upper: the ergotropy lies between these for states with these
    populations; their own errors are not in them.
    """

    populations: FloatArray
    energy: Estimate
    lower: FloatArray
    upper: FloatArray


def energy_basis_measurement(H: ArrayLike, readout: tuple[Flips, ...] = ()) -> Measurement:
    """The setting: sigma_z of every spin behind V^dagger; outcome k is level k of H (d, d), in rising order.

    Raises ArgumentError unless H is one Hermitian matrix of 2^N, and as `pauli_measurement`.
    """
    matrix = _one(H)
    vectors = np.linalg.eigh(matrix)[1]
    n = len(matrix).bit_length() - 1
    return pauli_measurement(["Z" * n], readout).after(vectors.conj().T, " behind V^dagger")


def energy_basis(
    counts: ArrayLike, H: ArrayLike, readout: tuple[Flips, ...] = (), purity: ArrayLike | None = None
) -> EnergyBasis:
    """Populations, energy and bounds of ergotropy from counts (..., 1, d) of `energy_basis_measurement`.

    purity: at most this one, such as the purity before a unital charge (...). Raises ArgumentError for counts of another
    shape or with a shot or less, and for a purity that no state has.
    """
    matrix = _one(H)
    energies = np.linalg.eigvalsh(matrix)
    plain = energy_basis_measurement(matrix)
    n = checked_counts(counts, plain)[..., 0, :]
    shots = n.sum(axis=-1)
    if np.any(shots < 2):
        raise ArgumentError("counts", float(np.min(shots)), "be at least two shots")
    f = n / shots[..., None]
    undone = np.linalg.inv(confusion(readout)) if len(readout) else np.eye(len(energies))
    populations = f @ undone
    weight = undone @ energies  # what each reported outcome says of the energy
    mean = f @ weight
    variance = np.maximum(f @ weight**2 - mean**2, 0) / (shots - 1)
    states = _simplex(populations)
    low, high = ergotropy_bounds(states, energies, purity)
    return EnergyBasis(populations, Estimate(mean, np.sqrt(variance)), low, high)


@dataclass(frozen=True)
class ShotsNeeded:
    """Shots in all settings together for a standard error; numbers, rounded up.

    tomography_energy, tomography_ergotropy: nine settings (3^N), even shots. local_even, local: the energy from the settings that
    it needs, with even shots and with the best shares. energy_basis: the energy from one setting behind V^dagger.
    """

    tomography_energy: int
    tomography_ergotropy: int
    local_even: int
    local: int
    energy_basis: int


def shots_needed(rho: ArrayLike, H: ArrayLike, error: float, readout: tuple[Flips, ...] = ()) -> ShotsNeeded:
    """What each way costs for this standard error (in the unit of H) of the energy, and of the ergotropy, of rho (d, d).

    Where the ergotropy is the stored energy (see above) the last two are the price of the ergotropy. The gates of
    V^dagger count as free of error. All are errors of efficient estimators (`Design`), the ergotropy's that of
    `Design.metric_error` at the number of shots found. Raises ArgumentError for what is no state of H's dimension, or an
    error that is not above zero.
    """
    matrix = _one(H)
    state = checks.density_matrix("rho", rho, len(matrix))
    wanted = float(checks.positive("error", error))
    n = len(matrix).bit_length() - 1
    full, settings = pauli_design(pauli_settings(n), state, readout), energy_settings(matrix)
    local = pauli_design(settings, state, readout)
    basis = pauli_design(energy_basis_measurement(matrix, readout), state)
    shares = allocate(local, 10**6, observable=matrix) / 1e6

    def metric(each: ComplexArray) -> FloatArray:
        return ergotropy(each, matrix, check=False)

    def cost(variance_of_one: float) -> int:
        return int(np.ceil(variance_of_one / wanted**2))

    total = cost(full.observable_error(matrix, 1 / len(full.names)) ** 2)
    ergotropic = float(total)
    for _ in range(4):  # the error is that at the scatter of so many shots
        per = ergotropic / len(full.names)
        ergotropic *= (full.metric_error(metric, per) / wanted) ** 2
    return ShotsNeeded(
        total,
        int(np.ceil(ergotropic)),
        cost(local.observable_error(matrix, 1 / len(settings)) ** 2),
        cost(local.observable_error(matrix, shares) ** 2),
        cost(basis.observable_error(matrix, 1) ** 2),
    )


def ergotropy_bounds(
    populations: ArrayLike, energies: ArrayLike, purity: ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """The least and the largest ergotropy (...) of states with populations (..., d) of levels (d,) in rising order.

    purity: at most this one (...), never below that of the populations. Both are attained: by the state without coherence,
    and by a coherent one. Raises ArgumentError for what are no probabilities, levels that fall, and a purity above one.
    """
    p, e = checks.non_negative("populations", populations), checks.real("energies", energies)
    if e.ndim != 1 or np.any(np.diff(e) < 0):
        raise ArgumentError("energies", repr(e), "be one list of levels in rising order")
    if p.shape[-1:] != e.shape:
        raise ArgumentError("populations", f"of shape {p.shape}", f"have {e.size} entries")
    if np.any(np.abs(p.sum(axis=-1) - 1) > checks.TOLERANCE):
        raise ArgumentError("populations", float(p.sum(axis=-1).reshape(-1)[0]), "add up to one")
    falling = np.sort(p, axis=-1)[..., ::-1]
    energy = p @ e
    lower = np.maximum(energy - falling @ e, 0.0)
    if purity is None:
        return lower, energy - e[0]
    P = checks.real("purity", purity)
    if np.any((1 / e.size - checks.TOLERANCE > P) | (P > 1 + checks.TOLERANCE)):
        raise ArgumentError("purity", float(P.reshape(-1)[0]), f"be between 1/{e.size} and 1")
    shape = np.broadcast_shapes(P.shape, falling.shape[:-1])
    P = np.maximum(np.broadcast_to(P, shape), np.sum(falling**2, axis=-1))
    passive = _least_passive_energy(np.broadcast_to(falling, (*shape, e.size)), e, P)
    return lower, np.maximum(energy - passive, lower)


def _least_passive_energy(falling: FloatArray, e: FloatArray, purity: FloatArray) -> FloatArray:
    """The least sum r_k e_k (...) over spectra r that majorize `falling` (..., d) and have at most this purity (...).

    The purest spectrum on n levels is found for each n; the rest of the levels is empty. On n levels r is y + the falling
    regression of (p - y) for y = -e/temperature, whose purity rises as the temperature falls.
    """
    best = np.sum(falling * e, axis=-1)
    for n in range(1, e.size + 1):
        p = np.concatenate([falling[..., : n - 1], falling[..., n - 1 :].sum(axis=-1, keepdims=True)], axis=-1)
        levels = e[:n] - e[:n].mean()
        low, high = np.zeros(purity.shape), np.full(purity.shape, 1e6 / max(float(np.ptp(e)), 1e-300))
        for _ in range(_BISECTIONS):
            middle = np.where(low > 0, np.sqrt(np.maximum(low, 1e-300) * high), high * 1e-9)
            r = _spectrum(p, levels, middle)
            good = (np.sum(r**2, axis=-1) <= purity) & (r[..., -1] >= 0)
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        r = _spectrum(p, levels, low)
        good = (np.sum(r**2, axis=-1) <= purity + 1e-12) & (r[..., -1] >= -1e-12)
        best = np.where(good, np.minimum(best, r @ e[:n]), best)
    return best


def _spectrum(p: FloatArray, levels: FloatArray, slope: FloatArray) -> FloatArray:
    y = -slope[..., None] * levels
    found: FloatArray = y + nonincreasing(p - y)
    return found


def _simplex(p: FloatArray) -> FloatArray:
    """The nearest probabilities (..., d)."""
    falling = np.sort(p, axis=-1)[..., ::-1]
    shift = (np.cumsum(falling, axis=-1) - 1) / np.arange(1, p.shape[-1] + 1)
    keep = np.sum(falling > shift, axis=-1, keepdims=True)
    kept: FloatArray = np.clip(p - np.take_along_axis(shift, keep - 1, axis=-1), 0, None)
    return kept


def _one(H: ArrayLike) -> ComplexArray:
    matrix = checks.hermitian("H", H)
    if matrix.ndim != 2 or len(matrix) & (len(matrix) - 1) or len(matrix) < 2:
        raise ArgumentError("H", f"of shape {matrix.shape}", "be one matrix (2^N, 2^N)")
    return matrix
