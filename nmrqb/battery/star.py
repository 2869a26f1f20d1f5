"""The star battery: a spin S in the centre, charged by N equivalent spins I around it.

    H = 2 pi J sum_i (S_x I_ix + S_y I_iy) = pi J (S+ J- + S- J+),   J = sum_i I_i,

after Joshi, Mahesh, Phys. Rev. A 106, 042601 (2022). H keeps the chargers' total spin j and the sum of all m. With m
counted by charge, it couples (empty, m) to (charged, m - 1) alone, at the rate pi J sqrt(j(j+1) - m(m-1)); all formulas
here are derived from that.

The battery's own Hamiltonian is -w sigma_z/2, as in the field of a magnet: |0> (up) is the lower level, |1> is charged.
Excitation is the population of the charged level; energies are in units of hbar w, so that the stored energy is what the
excitation rose by. Polarisations count here by charge: +1 is a spin in its upper level, as a 180-degree pulse leaves one
that was fully polarised, and P_e = (1 + polarisation)/2. Chargers at +P and a battery at -P are equal and opposite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, xlogy

from nmrqb import checks
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import FloatArray

#: Chargers up to which the sums over sectors are taken.
MAX_CHARGERS = 1000


@dataclass(frozen=True)
class Sector:
    """Chargers of total spin j, at its projections m.

    j: total spin. m: (2j + 1,), descending. log_count: logarithm of how many times j occurs, C(N, k) - C(N, k-1) with
    k = N/2 - j.
    """

    j: float
    m: FloatArray
    log_count: float

    def weights(self, chargers: int, up: FloatArray) -> FloatArray:
        """Probability that chargers, each at +1/2 with probability `up` (...), are in this sector at m; (..., 2j + 1)."""
        n = chargers / 2 + self.m
        p = up[..., None]
        return np.exp(self.log_count + xlogy(n, p) + xlogy(chargers - n, 1 - p))


@dataclass(frozen=True)
class StarBattery:
    """A battery spin and its chargers: how many they are, and J in Hz (any sign).

    Raises ArgumentError unless chargers is a whole number from 1 to MAX_CHARGERS and the coupling is finite and not zero.
    """

    chargers: int
    coupling: float = 1.0

    def __post_init__(self) -> None:
        N = self.chargers
        if isinstance(N, bool) or int(N) != N or not 1 <= N <= MAX_CHARGERS:
            raise ArgumentError("chargers", N, f"be a whole number from 1 to {MAX_CHARGERS}")
        if not checks.real("coupling", self.coupling):
            raise ArgumentError("coupling", f"{self.coupling} Hz", "not be zero, for nothing would be charged")

    @property
    def full_charge_time(self) -> float:
        """t_N = 1/(2 |J| sqrt N) in s: when pure chargers have filled an empty battery."""
        return 1 / (2 * abs(self.coupling) * np.sqrt(self.chargers))

    @property
    def speed_up(self) -> float:
        """Gamma = t_1/t_N = sqrt N for pure chargers: the time one charger takes over that of all of them together."""
        return StarBattery(1, self.coupling).full_charge_time / self.full_charge_time

    def sectors(self) -> Iterator[Sector]:
        """The chargers' total spins, the largest first."""
        N = self.chargers
        for k in range(N // 2 + 1):
            binomial = gammaln(N + 1) - gammaln(k + 1) - gammaln(N - k + 1)
            j = N / 2 - k
            yield Sector(j, np.arange(j, -j - 0.5, -1.0), float(binomial + np.log((N - 2 * k + 1) / (N - k + 1))))

    def exchange(self, times: ArrayLike, charger_polarisation: ArrayLike = 1.0) -> tuple[FloatArray, FloatArray]:
        """Probabilities that an empty battery is charged, and that a charged one is emptied, after times in s.

        Arrays (...) that broadcast. Their ratio is that of the chargers' own populations, at every time. Raises
        ArgumentError for a negative time or a polarisation outside [-1, 1].
        """
        t, P = checks.non_negative("times", times), _polarisation("charger_polarisation", charger_polarisation)
        rise = np.zeros(np.broadcast_shapes(t.shape, P.shape))
        fall = np.zeros_like(rise)
        for sector in self.sectors():
            swapped = self._swapped(sector, t)
            weights = sector.weights(self.chargers, (1 + P) / 2)
            rise += np.sum(weights * swapped, axis=-1)
            # charged beside m becomes empty beside m + 1: the same pair of levels, met from its other side
            fall += np.sum(weights[..., 1:] * swapped[..., :-1], axis=-1)
        return rise, fall

    def excitation(
        self, times: ArrayLike, charger_polarisation: ArrayLike = 1.0, battery_polarisation: ArrayLike = -1.0
    ) -> FloatArray:
        """P_e (...), the battery's charged population, times in s after product states of these polarisations meet.

        With chargers all charged and an empty battery it is sin^2(pi J sqrt(N) t). Arguments broadcast. Raises ArgumentError as
        `exchange`.
        """
        rise, fall = self.exchange(times, charger_polarisation)
        up = (1 + _polarisation("battery_polarisation", battery_polarisation)) / 2
        return up + (1 - up) * rise - up * fall

    def linear_polarisation(self, times: ArrayLike, start: ArrayLike = -1.0) -> FloatArray:
        """The battery's polarisation Q (...) in units of a charger's, in the high-temperature limit, at times in s.

        start: that of the battery at first, in the same unit; -1 is equal and opposite. The limit of
        (2 P_e - 1)/P for small polarisations: Q = 1 + (start - 1)(1 - 2 A) with A what unpolarised chargers exchange.
        Raises ArgumentError for a negative time.
        """
        rise, _ = self.exchange(times, 0.0)
        return 1 + (checks.real("start", start) - 1) * (1 - 2 * rise)

    def rounds(
        self,
        count: int,
        time: ArrayLike,
        charger_polarisation: ArrayLike = 1.0,
        battery_polarisation: ArrayLike = -1.0,
    ) -> FloatArray:
        """P_e (..., count + 1) before and after each of `count` meetings of `time` (s) with fresh chargers.

        The chargers are replaced by new ones of the same polarisation between meetings (a replacement channel), the battery
        is left alone. What it then lacks of the chargers' own population shrinks by 1 - rise - fall each time, so it ends
        with their polarisation and not beyond, without swinging wherever rise + fall <= 1. Raises ArgumentError as
        `exchange`, and for a count below 0.
        """
        if count != int(count) or count < 0:
            raise ArgumentError("count", count, "be a whole number, 0 or more")
        rise, fall = self.exchange(time, charger_polarisation)
        up = (1 + _polarisation("battery_polarisation", battery_polarisation)) / 2
        end = (1 + _polarisation("charger_polarisation", charger_polarisation)) / 2
        left = (1 - rise - fall)[..., None] ** np.arange(int(count) + 1)
        return np.asarray(end[..., None] + left * (up - end)[..., None])

    def peak(self, of: Literal["polarisation", "power"] = "polarisation") -> tuple[float, float]:
        """The first maximum at high temperature, equal and opposite polarisations, and its time in s.

        "polarisation": of Q itself. "power": of (Q(t) + 1)/t in 1/s, the polarisation gained over the time it took.
        Raises ArgumentError for another name.
        """
        if of not in ("polarisation", "power"):
            raise ArgumentError("of", repr(of), 'be "polarisation" or "power"')

        def value(t: float) -> float:
            Q = float(self.linear_polarisation(t))
            return Q if of == "polarisation" else (Q + 1) / t

        grid = np.linspace(0, 2 * self.full_charge_time * np.sqrt(3), 241)[1:]
        curve = self.linear_polarisation(grid)
        curve = curve if of == "polarisation" else (curve + 1) / grid
        top = int(np.argmax((curve[1:-1] >= curve[:-2]) & (curve[1:-1] >= curve[2:]))) + 1
        bounds = (grid[top - 1], grid[top + 1])
        found = minimize_scalar(
            lambda t: -value(t), bounds=bounds, method="bounded", options={"xatol": 1e-9 * bounds[1]}
        )
        return value(found.x), float(found.x)

    def _swapped(self, sector: Sector, t: FloatArray) -> FloatArray:
        """Probability (..., 2j + 1) that (empty, m) is found as (charged, m - 1) after times (...)."""
        j, m = sector.j, sector.m
        rate = np.pi * self.coupling * np.sqrt(np.maximum(j * (j + 1) - m * (m - 1), 0))
        return np.sin(rate * t[..., None]) ** 2


def battery_ergotropy(rho: ArrayLike) -> FloatArray:
    """Ergotropy of the battery spin in units of hbar w, (|r| - r_z)/2 with its Bloch vector r; rho (..., 2, 2), shape (...).

    Where it has no coherence, as after charging by H from product states, this is max(0, 2 P_e - 1); coherence adds to it.
    Raises ArgumentError for what is no density matrix of one spin.
    """
    state = checks.density_matrix("rho", rho, 2)
    z = (state[..., 0, 0] - state[..., 1, 1]).real
    return 0.5 * (np.hypot(z, 2 * np.abs(state[..., 0, 1])) - z)


def relaxed(
    excitation: ArrayLike, time: ArrayLike, t1: ArrayLike, equilibrium_polarisation: ArrayLike = 0.0
) -> FloatArray:
    """P_e (...) of a battery that was left alone for a time (s), with T1 (s) towards its own equilibrium.

    Raises ArgumentError for an excitation outside [0, 1], a negative time, T1 not above zero, or a polarisation outside
    [-1, 1].
    """
    end = (1 + _polarisation("equilibrium_polarisation", equilibrium_polarisation)) / 2
    left = np.exp(-checks.non_negative("time", time) / checks.positive("t1", t1))
    return end + (_probability("excitation", excitation) - end) * left


def discharged(
    battery: ArrayLike, load: ArrayLike, coupling: ArrayLike, time: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """P_e (...) of battery and load after they met for a time (s) under the same H with one spin, J in Hz.

    battery, load: P_e before, of spins without coherence and not correlated; the load takes all at 1/(2 |J|). Raises
    ArgumentError for an excitation outside [0, 1], a coupling that is not finite, or a negative time.
    """
    from_, to = _probability("battery", battery), _probability("load", load)
    moved = np.sin(np.pi * checks.real("coupling", coupling) * checks.non_negative("time", time)) ** 2
    change = (from_ - to) * moved
    return from_ - change, to + change


def _polarisation(name: str, value: ArrayLike) -> FloatArray:
    return _within(name, value, -1.0)


def _probability(name: str, value: ArrayLike) -> FloatArray:
    return _within(name, value, 0.0)


def _within(name: str, value: ArrayLike, low: float) -> FloatArray:
    array = checks.real(name, value)
    outside = (array < low) | (array > 1)
    if np.any(outside):
        raise ArgumentError(name, float(np.asarray(array)[outside].flat[0]), f"lie between {low:g} and 1")
    return array
