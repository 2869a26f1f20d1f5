"""The noise of a sample, written down once. Engines render it: as jump operators (exact) or as channels (circuits)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Literal

import numpy as np
from scipy.constants import Boltzmann, hbar

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr.relaxation import longitudinal_fields, transverse_fields
from nmrqb.spin.noise import davies
from nmrqb.spin.operators import on_spin, pauli_stack, pauli_sum

#: Rates below this part of the largest one are rounding of zero.
_NOTHING = 1e-13


@dataclass(frozen=True)
class JumpSet:
    """Jump operators (J, 2^N, 2^N) in s^(-1/2) of one kind of noise, and the spins it touches.

    kind: "spin" (all that acts on one spin alone), "pair" (a transverse field that two spins share), "dephasing" and "x"
    (correlated dephasing along z and x of a group), "bath" (relaxation towards the Gibbs state of a Hamiltonian).
    """

    kind: Literal["spin", "pair", "dephasing", "x", "bath"]
    spins: tuple[int, ...]
    jumps: ComplexArray


@dataclass(frozen=True)
class Noise:
    """Relaxation and readout of N spins.

    t1, t2: lifetimes in s of each spin (inf allowed; T2 <= 2 T1). polarisation: <sigma_z> that T1 relaxes towards (-1 to
    1). readout: chance that a measured qubit is reported flipped (0 to 0.5), used where the spins run as circuits.
    t1d: lifetime of dipolar order in s, or None. It acts when dipolar_order is "t1d" (then between T1/3 and T1 for equal
    pairs; `nmrqb.nmr.relaxation` derives how); when that is "independent" it is on record only, and order decays as T1 and
    T2 of its spins have it: ZZ at 2/T1, XX + YY at 2/T2 less what dephasing has in common.
    dephasing_correlation: 0 to 1, how far the T2 dephasing of like spins is by one common field, which leaves
    zero-quantum order alone (1); single-spin T2 stays. T1D decides it where that acts.
    x_dephasing: gamma of each spin in 1/s, jumps sqrt(gamma) X, so that <Y> and <Z> decay at 2 gamma (the paper, eq. 20);
    empty for none. x_dephasing_collective: gamma in 1/s of one jump sqrt(gamma) sum X for each group, as noise on one coil
    makes it.
    groups: spins that are alike, as `Sample.groups`; empty when all N are.
    fixed_point: where relaxation leads. "zeeman" is the product of polarised spins. "hamiltonian" is the Gibbs state of
    `hamiltonian` (Pauli strings with coefficients in rad/s) at spin_temperature (K): T1 and T2 are then what the same
    fields would give at infinite spin temperature, and detailed balance takes it from there (the weak-coupling generator
    of Davies, Commun. Math. Phys. 39, 91 (1974)). X-dephasing is driven, so it pulls either fixed point aside.
    Raises ArgumentError for values outside these ranges.
    """

    t1: tuple[float, ...]
    t2: tuple[float, ...]
    polarisation: tuple[float, ...]
    readout: tuple[float, ...]
    t1d: float | None = None
    dipolar_order: Literal["independent", "t1d"] = "independent"
    dephasing_correlation: float = 0.0
    x_dephasing: tuple[float, ...] = ()
    x_dephasing_collective: float = 0.0
    groups: tuple[tuple[int, ...], ...] = ()
    fixed_point: Literal["zeeman", "hamiltonian"] = "zeeman"
    spin_temperature: float | None = None
    hamiltonian: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        lengths = tuple(len(v) for v in (self.t1, self.t2, self.polarisation, self.readout))
        if len(set(lengths)) > 1 or not lengths[0]:
            raise ArgumentError("T1, T2, polarisation and readout", f"of lengths {lengths}", "have one entry per spin")
        for k, (t1, t2, p, r) in enumerate(zip(self.t1, self.t2, self.polarisation, self.readout, strict=True)):
            if not t1 > 0:
                raise ArgumentError(f"T1 of spin {k}", f"{t1} s", "be above zero")
            if not 0 < t2 <= 2 * t1 * (1 + 1e-12):
                raise ArgumentError(f"T2 of spin {k}", f"{t2} s", f"be above zero and at most 2 T1 = {2 * t1} s")
            if not -1 <= p <= 1:
                raise ArgumentError(f"polarisation of spin {k}", p, "lie between -1 and 1")
            if not 0 <= r < 0.5:
                raise ArgumentError(f"readout error of spin {k}", r, "lie between 0 and 0.5")
        if self.t1d is not None and not self.t1d > 0:
            raise ArgumentError("T1D", f"{self.t1d} s", "be above zero")
        if sorted(k for group in self.like for k in group) != list(range(self.n)):
            raise ArgumentError("groups", self.groups, f"hold each of the spins 0 to {self.n - 1} once")
        self._check_correlations()
        self._check_x_dephasing()
        self._check_fixed_point()

    def _check_correlations(self) -> None:
        if self.dipolar_order not in ("independent", "t1d"):
            raise ArgumentError("dipolar order", repr(self.dipolar_order), "be 'independent' or 't1d'")
        if not 0 <= self.dephasing_correlation <= 1:
            raise ArgumentError("dephasing correlation", self.dephasing_correlation, "lie between 0 and 1")
        if self.dipolar_order == "t1d":
            if self.t1d is None:
                raise ArgumentError("dipolar order", "'t1d' without a T1D", "be 'independent', or T1D be given")
            if self.dephasing_correlation:
                allowed = "be left out where T1D acts, which decides it"
                raise ArgumentError("dephasing correlation", self.dephasing_correlation, allowed)
            for group in self.like:
                if len({self.polarisation[k] for k in group}) > 1:
                    found = ", ".join(f"{self.polarisation[k]:g}" for k in group)
                    raise ArgumentError("polarisation", found, "be equal for like spins where T1D acts")
        _ = self.longitudinal  # refuses what T1, T2 and T1D cannot be together

    def _check_x_dephasing(self) -> None:
        if self.x_dephasing and len(self.x_dephasing) != self.n:
            found = f"of length {len(self.x_dephasing)}"
            raise ArgumentError("X-dephasing", found, f"have one rate for each of {self.n} spins")
        for k, rate in enumerate(self.x_dephasing):
            if not 0 <= rate < math.inf:
                raise ArgumentError(f"X-dephasing of spin {k}", f"{rate} /s", "be zero or above, and finite")
        if not 0 <= self.x_dephasing_collective < math.inf:
            found = f"{self.x_dephasing_collective} /s"
            raise ArgumentError("collective X-dephasing", found, "be zero or above, and finite")

    def _check_fixed_point(self) -> None:
        if self.fixed_point not in ("zeeman", "hamiltonian"):
            raise ArgumentError("fixed point", repr(self.fixed_point), "be 'zeeman' or 'hamiltonian'")
        T = self.spin_temperature
        if (self.fixed_point == "zeeman") != (T is None):
            found = "not given" if T is None else f"{T} K where relaxation leads to the Zeeman state"
            raise ArgumentError("spin temperature", found, "be given for fixed point 'hamiltonian', and only for it")
        if T is None:
            return
        if not 0 < T < math.inf:
            raise ArgumentError("spin temperature", f"{T} K", "be above zero, and finite")
        if not self.hamiltonian:
            raise ArgumentError("hamiltonian", "empty", "have terms whose Gibbs state relaxation can lead to")
        for label, coefficient in self.hamiltonian:
            if len(label) != self.n or set(label) - set("IXYZ") or not math.isfinite(coefficient):
                found = f"{label!r}: {coefficient}"
                raise ArgumentError(
                    "hamiltonian", found, f"name Pauli strings of {self.n} spins with finite coefficients"
                )

    @property
    def n(self) -> int:
        """Number of spins."""
        return len(self.t1)

    @property
    def like(self) -> tuple[tuple[int, ...], ...]:
        """The groups of like spins, one of all N where none are given."""
        return self.groups or (tuple(range(self.n)),)

    @cached_property
    def transverse(self) -> FloatArray:
        """Covariance (N, N) in 1/s of the fields behind T1: 1/T1 on the diagonal, what pairs share beside it."""
        return transverse_fields(self.t1, self.like, self._acting_t1d)

    @cached_property
    def longitudinal(self) -> FloatArray:
        """Covariance (N, N) in 1/s of the fields behind pure dephasing: 1/T2 - 1/(2 T1) on the diagonal."""
        how = {"t1d": self._acting_t1d, "correlation": self.dephasing_correlation}
        return longitudinal_fields(self.t1, self.t2, self.like, self.transverse, **how)  # type: ignore[arg-type]

    @property
    def _acting_t1d(self) -> float | None:
        return self.t1d if self.dipolar_order == "t1d" else None

    @property
    def spin_temperature_rate(self) -> float:
        """k_B T_spin / hbar in rad/s. Raises ArgumentError where relaxation leads to the Zeeman state."""
        if self.spin_temperature is None:
            raise ArgumentError("fixed point", repr(self.fixed_point), "be 'hamiltonian' to have a spin temperature")
        return Boltzmann * self.spin_temperature / hbar

    def rates(self, spin: int) -> tuple[float, float, float]:
        """Rates in 1/s of one spin: |1> to |0>, |0> to |1>, and the coefficient of the pure dephasing D[sigma_z].

        They add to 1/T1 = up + down and to 1/T2 = 1/(2 T1) + 2 x dephasing. Of all its fields, shared or not.
        """
        r1, r2 = 1 / self.t1[spin], 1 / self.t2[spin]
        up = (1 + self.polarisation[spin]) / 2 * r1
        return up, r1 - up, max(r2 - r1 / 2, 0.0) / 2

    def own_rate(self, spin: int) -> float:
        """The part of 1/T1, in 1/s, that comes from fields a spin shares with no other."""
        g = self.transverse[spin]
        return max(float(2 * g[spin] - np.abs(g).sum()), 0.0)

    def dephases_alone(self, spin: int) -> bool:
        """Whether the longitudinal field at a spin is correlated with no other."""
        K = self.longitudinal[spin]
        return bool(np.all(np.delete(K, spin) == 0))

    def shared_pairs(self) -> Iterator[tuple[int, int, float]]:
        """Pairs of spins that share a transverse field, and its covariance g in 1/s (negative: opposite fields)."""
        for i, j in combinations(range(self.n), 2):
            g = float(self.transverse[i, j])
            if abs(g) > _NOTHING * self.transverse[i, i]:
                yield i, j, g

    def jump_sets(self) -> tuple[JumpSet, ...]:
        """The jump operators by kind of noise; sets without a rate above zero are left out."""
        return _jump_sets(self)

    def jump_operators(self) -> ComplexArray:
        """Jump operators of the Lindblad equation, shape (J, 2^N, 2^N), in s^(-1/2); zero rates are left out."""
        d = 2**self.n
        return np.concatenate([np.zeros((0, d, d), dtype=complex), *(s.jumps for s in self.jump_sets())])


@lru_cache(maxsize=256)
def _jump_sets(noise: Noise) -> tuple[JumpSet, ...]:
    sets: list[JumpSet] = []
    relaxing = noise.fixed_point == "zeeman"
    for k in range(noise.n):
        jumps = _alone(noise, k, relaxing=relaxing)
        if jumps:
            sets.append(JumpSet("spin", (k,), np.array(jumps)))
    if relaxing:
        for i, j, g in noise.shared_pairs():
            sets.append(JumpSet("pair", (i, j), np.array(_shared(noise, i, j, g))))
        for group in noise.like:
            members = tuple(k for k in group if not noise.dephases_alone(k))
            if members:
                modes = _modes(noise, noise.longitudinal[np.ix_(members, members)] / 2, members, "Z")
                sets.append(JumpSet("dephasing", members, modes))
    else:
        sets.append(JumpSet("bath", tuple(range(noise.n)), _bath(noise)))
    if noise.x_dephasing_collective:
        for group in noise.like:
            one = np.full((len(group), len(group)), noise.x_dephasing_collective)
            sets.append(JumpSet("x", group, _modes(noise, one, group, "X")))
    for s in sets:
        s.jumps.setflags(write=False)  # they are shared by all who ask
    return tuple(sets)


def _alone(noise: Noise, k: int, *, relaxing: bool) -> list[ComplexArray]:
    """What acts on spin k and no other."""
    x, y, z = pauli_stack([on_spin(noise.n, k, letter) for letter in "XYZ"])
    up, down, dephasing = noise.rates(k)
    part = noise.own_rate(k) * noise.t1[k] if up + down else 0.0
    found = []
    if relaxing:
        if part > _NOTHING:
            found += [(up * part, (x + 1j * y) / 2), (down * part, (x - 1j * y) / 2)]
        if noise.dephases_alone(k):
            found.append((dephasing, z))
    if noise.x_dephasing:
        found.append((noise.x_dephasing[k], x))
    return [math.sqrt(rate) * matrix for rate, matrix in found if rate > 0]


def _shared(noise: Noise, i: int, j: int, g: float) -> list[ComplexArray]:
    """Thermal jumps of a field that is the same at spins i and j, or opposite where g < 0."""
    sign = math.copysign(1.0, g)
    P = noise.polarisation[i]
    jumps = []
    for rate, side in ((abs(g) * (1 + P) / 2, 1j), (abs(g) * (1 - P) / 2, -1j)):
        if rate > 0:
            labels = [on_spin(noise.n, k, letter) for k in (i, j) for letter in "XY"]
            jumps.append(math.sqrt(rate) * pauli_sum(labels, np.array([1, side, sign, sign * side]) / 2))
    return jumps


def _modes(noise: Noise, covariance: FloatArray, spins: tuple[int, ...], letter: str) -> ComplexArray:
    """sum_k v_k sigma_k for each eigenvector v of a covariance (1/s), times the root of its eigenvalue."""
    strengths, vectors = np.linalg.eigh(covariance)
    kept = strengths > _NOTHING * strengths.max()
    weights = (vectors * np.sqrt(np.where(kept, strengths, 0.0))).T[kept]
    return pauli_sum([on_spin(noise.n, k, letter) for k in spins], weights)


def _bath(noise: Noise) -> ComplexArray:
    """Davies jumps of the same fields: transverse ones along x and y, longitudinal ones along z.

    At infinite spin temperature, or without a Hamiltonian, g(0) is 1/2 of the rate, and these factors give back T1 and T2.
    """
    labels, coefficients = zip(*noise.hamiltonian, strict=True)
    spins = tuple(range(noise.n))
    couplings = [_modes(noise, noise.transverse / 2, spins, letter) for letter in "XY" if np.any(noise.transverse)]
    if np.any(noise.longitudinal):
        couplings.append(_modes(noise, noise.longitudinal, spins, "Z"))
    d = 2**noise.n
    A = np.concatenate([np.zeros((0, d, d), dtype=complex), *couplings])
    if not len(A):
        return A
    jumps = davies(pauli_sum(labels, np.array(coefficients)), noise.spin_temperature_rate, 1.0, A)
    strength = np.abs(jumps).max(axis=(-2, -1))
    return jumps[strength > _NOTHING * strength.max()]
