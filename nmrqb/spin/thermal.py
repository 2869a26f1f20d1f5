"""Gibbs states of many spins: exactly by blocks, by random vectors with stated error, or as a series at high temperature.

Each answers the same questions, `Estimate`s with one standard error: 0 where the answer is exact, the statistical one of
random vectors, and for a series the size of the last order that was taken. Energies, temperatures: one unit (k_B = 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin import actions, blocks, chebyshev, memory
from nmrqb.spin.many import Expansion, Told
from nmrqb.spin.masks import PauliSum

_BIT = float(np.log(2))


class Estimate(NamedTuple):
    """A number and one standard error of it."""

    value: float
    error: float = 0.0


class Thermal(Protocol):
    """What a Gibbs state answers, however it is held."""

    def energy(self) -> Estimate:
        """<H>."""

    def log_partition(self) -> Estimate:
        """The logarithm of Tr exp(-H/T)."""

    def entropy(self) -> Estimate:
        """The von Neumann entropy in bits."""

    def expectation(self, observable: PauliSum) -> Estimate:
        """<O> of a Hermitian sum of Pauli strings."""


@dataclass(frozen=True)
class ExactThermal:
    """Every level, from `blocks.diagonalise`."""

    H: PauliSum
    temperature: float
    solved: blocks.Blocks

    def log_partition(self) -> Estimate:
        """The logarithm of Z."""
        levels = self.solved.levels
        return Estimate(
            float(np.log(np.exp(-(levels - levels[0]) / self.temperature).sum()) - levels[0] / self.temperature)
        )

    def energy(self) -> Estimate:
        """<H>."""
        populations = self.solved.thermal_diagonal(1 / self.temperature)
        return Estimate(float(sum(p @ e for p, e in zip(populations, self.solved.energies, strict=True))))

    def entropy(self) -> Estimate:
        """Bits."""
        return Estimate((self.energy().value / self.temperature + self.log_partition().value) / _BIT)

    def expectation(self, observable: PauliSum) -> Estimate:
        """<O>; only its part within the blocks counts."""
        total = 0.0
        populations = self.solved.thermal_diagonal(1 / self.temperature)
        for states, p, V in zip(self.solved.states, populations, self.solved.vectors, strict=True):
            inside = blocks.block(observable, states)
            total += float(p @ np.einsum("ik,ik->k", V.conj(), inside @ V).real)
        return Estimate(total)

    def matrix(self, limit: float | None = None) -> ComplexArray:
        """The density matrix (2^n, 2^n). Raises ArgumentError where it does not fit."""
        memory.require(
            f"the state of {self.H.n} spins", 1.1 * memory.COMPLEX * 4.0**self.H.n, limit, "ask for its expectations"
        )
        rho = np.zeros((self.H.dimension,) * 2, dtype=complex)
        populations = self.solved.thermal_diagonal(1 / self.temperature)
        for states, p, V in zip(self.solved.states, populations, self.solved.vectors, strict=True):
            rho[np.ix_(states, states)] = (V * p) @ V.conj().T
        return rho


@dataclass(frozen=True)
class TypicalThermal:
    """exp(-H/2T) on R random vectors: columns of `vectors` (2^n, R), all with one factor exp(-offset/2) left out.

    Averages over R vectors, each a ratio of quadratic forms whose spread falls as the square root of the partition
    function's effective dimension (Sugiura and Shimizu, Phys. Rev. Lett. 111, 010401 (2013)). The error is that of the
    ratio of two means over the vectors.
    """

    H: PauliSum
    temperature: float
    vectors: ComplexArray
    offset: float

    @property
    def weights(self) -> FloatArray:
        """<b|b> of each vector; their mean times 2^n is Z exp(offset)."""
        return np.einsum("dr,dr->r", self.vectors.conj(), self.vectors).real

    def expectation(self, observable: PauliSum) -> Estimate:
        """<O> with its statistical error."""
        applied = observable.apply(self.vectors)
        return self.ratio(np.einsum("dr,dr->r", self.vectors.conj(), applied).real)

    def energy(self) -> Estimate:
        """<H> with its statistical error."""
        return self.expectation(self.H)

    def log_partition(self) -> Estimate:
        """The logarithm of Z with its statistical error."""
        w = self.weights
        mean = float(w.mean())
        return Estimate(float(np.log(mean) + self.H.n * _BIT) - self.offset, _error_of_mean(w) / mean)

    def entropy(self) -> Estimate:
        """Bits, with the errors of energy and ln Z taken together vector by vector."""
        w = self.weights
        e = np.einsum("dr,dr->r", self.vectors.conj(), self.H.apply(self.vectors)).real
        energy = float(e.sum() / w.sum())
        value = energy / self.temperature + self.log_partition().value
        spread = ((e - energy * w) / self.temperature + w) / w.mean()
        return Estimate(value / _BIT, _error_of_mean(spread) / _BIT)

    def ratio(self, forms: FloatArray) -> Estimate:
        """The sum of <b|O|b> over that of <b|b>, from the forms (R,) of each vector."""
        w = self.weights
        value = float(forms.sum() / w.sum())
        return Estimate(value, _error_of_mean(forms - value * w) / float(w.mean()))


def _error_of_mean(values: FloatArray) -> float:
    """Half the width of the interval that holds the mean in 68.3 % of cases, by Student's t for few values."""
    few = float(stdtrit(values.size - 1, 0.8413447460685429))
    return few * float(values.std(ddof=1)) / float(np.sqrt(values.size))


@dataclass(frozen=True)
class SeriesThermal:
    """Traces of the first powers of H: ln Z and <O> to second order in 1/T, energies and entropies to third and fourth.

    The error is the size of the last order taken: small only while the spread of H is well below T.
    """

    H: PauliSum
    temperature: float

    @cached_property
    def _cumulants(self) -> tuple[float, float, float, float]:
        mean = self.H.mean.real
        centred = self.H + PauliSum(self.H.n, np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([-mean]))
        square = centred @ centred
        m2 = float(np.sum(np.abs(centred.c) ** 2))
        m3 = _trace(square, centred)
        m4 = float(np.sum(np.abs(square.c) ** 2))
        return mean, m2, m3, m4 - 3 * m2**2

    @property
    def last_share(self) -> float:
        """The last order of ln Z over its second: well below one where the series says something."""
        _, k2, _, k4 = self._cumulants
        return abs(k4) / (12 * k2 * self.temperature**2) if k2 else 0.0

    def log_partition(self) -> Estimate:
        """With cumulants k: n ln 2 - mean/T + k2/2T^2 - k3/6T^3 + k4/24T^4."""
        k1, k2, k3, k4 = self._cumulants
        b = 1 / self.temperature
        last = k4 * b**4 / 24
        return Estimate(float(self.H.n * _BIT - k1 * b + k2 * b**2 / 2 - k3 * b**3 / 6 + last), abs(last))

    def energy(self) -> Estimate:
        """Mean - k2/T + k3/2T^2 - k4/6T^3."""
        k1, k2, k3, k4 = self._cumulants
        b = 1 / self.temperature
        last = k4 * b**3 / 6
        return Estimate(k1 - k2 * b + k3 * b**2 / 2 - last, abs(last))

    def entropy(self) -> Estimate:
        """Bits."""
        E, Z = self.energy(), self.log_partition()
        b = 1 / self.temperature
        return Estimate((E.value * b + Z.value) / _BIT, 3 * Z.error / _BIT)

    def expectation(self, observable: PauliSum) -> Estimate:
        """<O> to second order: mean - c(H,O)/T + (c(H^2,O) - ...)/2T^2, c the connected traces."""
        b, H = 1 / self.temperature, self.H
        h, o = H.mean.real, observable.mean.real
        first = _trace(H, observable) - h * o
        square = H @ H
        second = _trace(square, observable) - 2 * h * first - o * square.mean.real
        last = second * b**2 / 2
        return Estimate(o - first * b + last, abs(last))


def _trace(A: PauliSum, B: PauliSum) -> float:
    """Tr[A B]/2^n."""
    mine = dict(zip(zip(A.x.tolist(), A.z.tolist(), strict=True), A.c.tolist(), strict=True))
    strings = zip(B.x.tolist(), B.z.tolist(), B.c.tolist(), strict=True)
    return float(sum(np.real(mine.get((x, z), 0.0) * c) for x, z, c in strings))


def exact(H: PauliSum, temperature: float, limit: float | None = None, tell: Told | None = None) -> ExactThermal:
    """By diagonalising every block of H. Raises ArgumentError, with the bytes, where that does not fit."""
    T = float(checks.positive("temperature", temperature))
    needed = exact_bytes(H)
    memory.require(
        f"all levels of {H.n} spins", needed, limit, "take random vectors or, at high temperature, the series"
    )
    if tell:
        tell(f"{H.n} spins: exact levels in blocks of {blocks.symmetry(H)}; {memory.size_text(needed)}")
    return ExactThermal(H, T, blocks.diagonalise(H))


def exact_bytes(H: PauliSum) -> float:
    """Bytes at the peak of `exact`."""
    return blocks.storage(H.n, blocks.symmetry(H), memory.REAL if H.is_real else memory.COMPLEX)


def typical(
    H: PauliSum,
    temperature: float,
    count: int = 16,
    seed: int | np.random.Generator = 0,
    limit: float | None = None,
    tell: Told | None = None,
) -> TypicalThermal:
    """By `count` >= 2 random vectors and Chebyshev's expansion of exp(-H/2T). Raises ArgumentError as `exact`."""
    T = float(checks.positive("temperature", temperature))
    if not isinstance(count, (int, np.integer)) or count < 2:
        raise ArgumentError("count", count, "be 2 random vectors or more, since their spread is the error")
    form, needed = _typical_form(H, count, limit)
    memory.require(f"{count} random vectors of {H.n} spins", needed, limit, "take fewer of them, or the series")
    if tell:
        how = "a sparse matrix" if form == "sparse" else "no matrix"
        tell(f"{H.n} spins: {count} random vectors, {how}; {memory.size_text(needed)}")
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((H.dimension, 2 * count)).view(complex)
    v /= np.sqrt(np.einsum("dr,dr->r", v.real, v.real) + np.einsum("dr,dr->r", v.imag, v.imag))
    expansion = Expansion(H, form)
    found = expansion.thermal(v, np.array([0.5 / T]))[0]
    return TypicalThermal(H, T, found, (expansion.centre - expansion.radius) / T)


def typical_bytes(H: PauliSum, count: int) -> float:
    """Bytes at the peak of `typical` with this many vectors and no matrix; up to a third less where T is high."""
    return (chebyshev.BLOCK + 9) * memory.COMPLEX * float(H.dimension) * count


def _typical_form(H: PauliSum, count: int, limit: float | None) -> tuple[str, float]:
    least = typical_bytes(H, count)
    sparse = least - 2 * memory.COMPLEX * float(H.dimension) * count + actions.filling(H).bytes
    return ("sparse", sparse) if sparse <= memory.allowed(limit) else ("masks", least)


def series(H: PauliSum, temperature: float, limit: float | None = None, tell: Told | None = None) -> SeriesThermal:
    """By the traces of H^2, H^3 and H^4, which are exact, for up to 62 spins. Raises ArgumentError as `exact`."""
    T = float(checks.positive("temperature", temperature))
    needed = series_bytes(H)
    memory.require(f"the square of {H.x.size} Pauli strings", needed, limit, "leave couplings of far spins out")
    if tell:
        tell(f"{H.n} spins: high-temperature series from traces of powers of H; {memory.size_text(needed)}")
    return SeriesThermal(H, T)


def series_bytes(H: PauliSum) -> float:
    """Bytes at the peak of squaring H: masks, phases and coefficients of all products, and their order when sorted."""
    return 125.0 * H.x.size**2


def rotation_curve(state: Thermal, H: PauliSum, theta: ArrayLike, axis: str = "x") -> tuple[FloatArray, FloatArray]:
    """Energy gained when a collective pulse turns the state by each theta (rad): values and errors, theta's shape.

    Pair terms make it a trigonometric polynomial of degree two, fixed by five angles.
    """
    angles = checks.real("theta", theta)
    nodes = 2 * np.pi * np.arange(5) / 5
    gains = []
    for node in nodes:
        change = H.rotated(float(node), axis) + H.times(-1.0)
        gains.append(state.expectation(change) if change.c.size else Estimate(0.0))
    kernel = 1 + 2 * np.cos(angles[..., None] - nodes) + 2 * np.cos(2 * (angles[..., None] - nodes))
    values = kernel @ np.array([g.value for g in gains]) / 5
    return values, np.abs(kernel) @ np.array([g.error for g in gains]) / 5
