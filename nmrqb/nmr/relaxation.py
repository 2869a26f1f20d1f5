"""Relaxation of like spins by fields they share: what T1, T2 and T1D together say about the correlation of those fields.

Spin k relaxes in a transverse random field (both axes alike), which gives 1/T1_k, and dephases in a longitudinal one, at
kappa_k = 1/T2_k - 1/(2 T1_k). Fields at two spins may be correlated: g_ij (1/s) is the covariance of the transverse ones,
on the scale where g_kk = 1/T1_k, and q_ij = kappa_i + kappa_j - 2 K_ij the rate at which the longitudinal ones, of
covariance K, dephase the zero-quantum coherence |01><10|. Single-spin operators do not feel correlations, so that T1 and T2
stay what they are; for a pair, in the Heisenberg picture and at high temperature (derived here),

    d(ZZ)/dt      = -(1/T1_i + 1/T1_j) ZZ + g (XX + YY)
    d(XX + YY)/dt = -[(1/T1_i + 1/T1_j)/2 + q] (XX + YY) + 2 g ZZ

so dipolar order, 3 Iz Iz - I.I = (2 ZZ - XX - YY)/4, decays as one exponential exactly when

    1/T1D = 1/T1_i + 1/T1_j + g     and     q = (1/T1_i + 1/T1_j)/2 - g,

which fixes both correlations; I.I then decays at 2 (1/T1 - g) for equal spins. Since |g| <= 1/T1, a pair has T1/3 <= T1D <=
T1: the low end is a field common to both spins, the high end an opposite one. Below T1/3 there is no Lindblad equation at
all in which F_z decays at 1/T1 and dipolar order at 1/T1D, each as one exponential, at high temperature: seen as jumps
among T+, T0, T- and S, in which both are diagonal, F_z makes the rates out of T+ and T- average to at most 1/T1, and
dipolar order decays at 3 x the rate into T0 + the rate into S, averaged likewise. (Above T1 it takes double-quantum jumps
between T+ and T-, which are left out.) Two terms depend on the polarisation P that relaxation leads to: d(dipolar order)/dt
gains P/T1D (Z_i + Z_j)/4, which keeps the product Zeeman state a fixed point, and dZ_i/dt gains g P (XX + YY)/2, the
beginning of superradiance, so that Zeeman order decays at 1/T1 exactly only while no zero-quantum coherence is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError

#: Covariances may miss the edge of what is possible by this much, relative to their rates: rounding.
_ROUNDING = 1e-9


def transverse_fields(t1: Sequence[float], groups: Sequence[Sequence[int]], t1d: float | None) -> FloatArray:
    """Covariance g (N, N) in 1/s of the transverse fields: 1/T1 on the diagonal; zero beside it unless T1D (s) acts.

    With T1D each pair of spins of one group shares a field of strength |g_ij| = |1/T1D - 1/T1_i - 1/T1_j|, equal at both up
    to sign, and what its fields add up to must not exceed 1/T1 of any spin. For N equal spins that is T1/(2 + c) with
    |c| <= 1/(N - 1). Raises ArgumentError for a T1D outside, naming the range, and where no spin has a partner.
    """
    rates = 1 / np.asarray(t1, dtype=float)
    g = np.diag(rates)
    if t1d is None:
        return g
    if all(len(group) < 2 for group in groups):
        raise ArgumentError("dipolar order", "'t1d' where no two spins are alike", "be 'independent'")
    for group in groups:
        for i, j in combinations(group, 2):
            g[i, j] = g[j, i] = 1 / t1d - rates[i] - rates[j]
        shared = np.abs(g[np.ix_(group, group)]).sum(axis=1) - rates[list(group)]
        if np.any(shared > rates[list(group)] * (1 + _ROUNDING)):
            raise ArgumentError("T1D", f"{t1d:g} s", _t1d_range(rates[list(group)], group))
    return g


def longitudinal_fields(
    t1: Sequence[float],
    t2: Sequence[float],
    groups: Sequence[Sequence[int]],
    transverse: FloatArray,
    *,
    t1d: float | None,
    correlation: float,
) -> FloatArray:
    """Covariance K (N, N) in 1/s of the longitudinal fields, with kappa = 1/T2 - 1/(2 T1) on the diagonal.

    Beside it, among the spins of one group, correlation x sqrt(kappa_i kappa_j); or, where T1D acts, what makes dipolar
    order decay as one exponential. Raises ArgumentError where that would take more dephasing than T2 leaves room for.
    """
    r1, r2 = 1 / np.asarray(t1, dtype=float), 1 / np.asarray(t2, dtype=float)
    kappa = np.maximum(r2 - r1 / 2, 0.0)
    K = np.diag(kappa)
    for group in groups:
        for i, j in combinations(group, 2):
            if t1d is None:
                K[i, j] = correlation * np.sqrt(kappa[i] * kappa[j])
            else:
                q = (r1[i] + r1[j]) / 2 - transverse[i, j]
                K[i, j] = (kappa[i] + kappa[j] - q) / 2
            K[j, i] = K[i, j]
        if t1d is not None and len(group) > 1:
            _check_room(K[np.ix_(group, group)], r1, t2, group, t1d)
    return K


def _check_room(K: FloatArray, r1: FloatArray, t2: Sequence[float], group: Sequence[int], t1d: float) -> None:
    scale = max(float(np.trace(K)), float(r1[list(group)].sum()))
    if np.linalg.eigvalsh(K)[0] >= -_ROUNDING * scale:
        return
    spins = _listed(group)
    found = " and ".join(f"{t2[k]:g} s" for k in group)
    rates = r1[list(group)]
    if np.ptp(rates) == 0:  # with equal spins the covariance is known in closed form
        r, n = float(rates[0]), len(group)
        kappa = (3 * r - 1 / t1d) * (n - 1) / (2 * n)
        allowed = f"be equal and at most {1 / (r / 2 + kappa):g} s for dipolar order to live {t1d:g} s"
    else:
        allowed = f"be short enough, and alike enough, for dipolar order to live {t1d:g} s"
    raise ArgumentError(f"T2 of spins {spins}", found, allowed)


def _t1d_range(rates: FloatArray, group: Sequence[int]) -> str:
    """What T1D may be for a group of like spins with these 1/T1, as a message says it."""
    low, high = -np.inf, np.inf
    for i, rate in enumerate(rates):
        centres = np.sort(np.delete(rates, i) + rate)
        x = np.concatenate([[centres[0] - rate], centres, [centres[-1] + rate]])
        excess = np.abs(x[:, None] - centres).sum(axis=1) - rate  # convex, piecewise linear between these points
        least = int(np.argmin(excess))
        if excess[least] > 0:
            return "be left on record: these spins differ too much in T1 for it to act"
        low = max(low, float(np.interp(0.0, excess[least::-1], x[least::-1])))
        high = min(high, float(np.interp(0.0, excess[least:], x[least:])))
    spins = _listed(group)
    if low > high or high <= 0:
        return f"be left on record: spins {spins} differ too much in T1, or have none, for it to act"
    return f"lie between {1 / high:g} s and {1 / max(low, 1e-300):g} s for spins {spins}, by their T1"


def _listed(group: Sequence[int]) -> str:
    return ", ".join(str(k) for k in group[:-1]) + f" and {group[-1]}"
