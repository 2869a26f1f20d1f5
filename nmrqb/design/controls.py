"""What a pulse can act on: the Hamiltonian without RF on every member of an ensemble, and the channels that drive it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.files import nearest
from nmrqb.nmr import Sample
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.liouville import dissipator, kron
from nmrqb.spin.operators import collective, magnetic_number, on_spin, pauli_string

#: Elements below this part of the largest one are rounding of zero.
_NOTHING = 1e-13


@dataclass(frozen=True, eq=False)
class Channel:
    """Two quadratures that a pulse drives: H = u (x cos(phase) + y sin(phase)) with 0 <= u <= limit.

    name: isotope, or any name. x, y: (d, d), Hermitian. limit: rad/s where x and y have none (F_x, F_y of RF). z: (d,), the
    diagonal operator that turns x into y, exp(-i phase z) x exp(i phase z), where there is one.
    """

    name: str
    x: ComplexArray
    y: ComplexArray
    limit: float
    z: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class System:
    """A controlled system: drift (M, d, d) in rad/s on each member, rf (M,) factor on every channel, weights (M,).

    jumps: (J, d, d) in s^(-1/2), the noise that acts all along, or None. Made from a sample by `System.of`, or by hand for
    other drives. Raises ArgumentError for shapes that do not fit, a limit not above zero, or no channel.
    """

    drift: ComplexArray
    channels: tuple[Channel, ...]
    rf: FloatArray
    weights: FloatArray
    jumps: ComplexArray | None = None

    def __post_init__(self) -> None:
        drift = checks.hermitian("drift", self.drift)
        if drift.ndim != 3 or self.rf.shape != drift.shape[:1] or self.weights.shape != drift.shape[:1]:
            found = f"{drift.shape} with {self.rf.shape} RF factors and {self.weights.shape} weights"
            raise ArgumentError("drift", found, "have shape (M, d, d), with one RF factor and one weight for each of M")
        if not self.channels:
            raise ArgumentError("channels", "empty", "hold one or more")
        for channel in self.channels:
            for part in (channel.x, channel.y):
                checks.hermitian(f"quadratures of channel {channel.name}", part, self.dimension)
            checks.positive(f"RF limit of channel {channel.name}", channel.limit)
        if self.jumps is not None:
            checks.operator("jumps", self.jumps, self.dimension)

    @classmethod
    def of(
        cls,
        sample: Sample,
        *,
        on: str | Sequence[str] | None = None,
        ensemble: Ensemble | None = None,
        noise: bool = False,
        limit: float | Mapping[str, float] | None = None,
    ) -> System:
        """A sample under RF on the channels `on` (all by default).

        ensemble: members that differ in RF amplitude, offset (Hz) or coupling. noise: whether the sample's noise acts
        during the pulse. limit: largest nutation frequency in Hz, one for all or by channel; the sample's by default.
        Raises ArgumentError for an unknown channel, a limit above the sample's, or noise asked of a sample without any.
        """
        names = list(dict.fromkeys(sample.spins))
        chosen = names if on is None else [on] if isinstance(on, str) else list(on)
        for name in chosen:
            if name not in names:
                raise ArgumentError("channel", repr(name), f"be one of the sample's ({nearest(name, names)})")
        if noise and sample.noise is None:
            raise ArgumentError("noise", f"asked for on sample {sample.name!r}", "be one that the sample has")
        for name in limit if isinstance(limit, Mapping) else ():
            if name not in chosen:
                raise ArgumentError("RF limit", f"given for {name!r}", f"be for channels in use ({', '.join(chosen)})")
        members = Ensemble.of() if ensemble is None else ensemble
        if not isinstance(members, Ensemble):
            raise ArgumentError("ensemble", type(members).__name__, "be an Ensemble")
        channels = tuple(_channel(sample, name, _limit(sample, name, limit)) for name in chosen)
        jumps = sample.noise.jump_operators() if noise and sample.noise is not None else None
        return cls(_drift(sample, members), channels, members.rf, members.weights, jumps)

    @property
    def dimension(self) -> int:
        """Dimension d of state vectors."""
        return int(self.drift.shape[-1])

    @property
    def members(self) -> int:
        """Number of members M."""
        return int(self.drift.shape[0])

    @cached_property
    def is_covariant(self) -> bool:
        """Whether a pulse of another phase is the same pulse turned about z, on every channel independently."""
        return all(self._turns(k) for k in range(len(self.channels)))

    def _turns(self, k: int) -> bool:
        channel = self.channels[k]
        if channel.z is None:
            return False
        order = np.subtract.outer(channel.z, channel.z)
        scale = max(float(np.abs(channel.x).max()), 1e-300)
        if np.abs(-1j * order * channel.x - channel.y).max() > _NOTHING * scale or np.any(
            np.abs(order[np.abs(channel.x) > _NOTHING * scale] ** 2 - 1) > 1e-9
        ):
            return False
        still = [self.drift, *(part for j, c in enumerate(self.channels) if j != k for part in (c.x, c.y))]
        if any(np.abs(order * part).max() > _NOTHING * max(np.abs(part).max(), 1e-300) for part in still):
            return False
        if self.jumps is None or not len(self.jumps):
            return True
        noise = dissipator(self.jumps)
        orders = order.reshape(-1)
        return bool(np.abs(np.subtract.outer(orders, orders) * noise).max() <= _NOTHING * np.abs(noise).max())


@dataclass(frozen=True, eq=False)
class Generators:
    """dX/dt = (still + rf sum_c limit_c a_c along_c) X: still (M, D, D) in 1/s, quadratures (C, 2, D, D) times the limit.

    On state vectors D = d, or the size of the one block that RF reaches (`embed`); with noise D = d^2. z: (C, D) or None.
    """

    still: ComplexArray
    quadratures: ComplexArray
    rf: FloatArray
    z: FloatArray | None
    unitary: bool


def generators(system: System) -> Generators:
    """The generators on state vectors, or on row-major vectors of density matrices where there is noise."""
    quadratures = np.array([[c.x * c.limit, c.y * c.limit] for c in system.channels])
    covariant = system.is_covariant
    z = np.array([c.z for c in system.channels]) if covariant else None
    if system.jumps is None:
        return Generators(-1j * system.drift, -1j * quadratures, system.rf, z, unitary=True)
    still = commutator(system.drift)
    if len(system.jumps):
        still = still + dissipator(system.jumps)
    orders = None if z is None else (z[:, :, None] - z[:, None, :]).reshape(len(z), -1)
    return Generators(still, commutator(quadratures), system.rf, orders, unitary=False)


def commutator(H: ComplexArray) -> ComplexArray:
    """-i [H, .] on row-major vectors, (..., d^2, d^2)."""
    one = np.eye(H.shape[-1])
    return -1j * (kron(H, one) - kron(one, np.swapaxes(H, -1, -2)))


#: Triplet and singlet of two like spins as columns: |00>, (|01> + |10>)/sqrt 2, |11>, (|01> - |10>)/sqrt 2.
COUPLED = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 1, 0, -1], [0, 0, 1, 0]]) / np.array([1, np.sqrt(2), 1, np.sqrt(2)])


def exchange_symmetric(system: System) -> bool:
    """Whether two spins are alike in everything, noise-free: the singlet then only turns its phase."""
    if system.dimension != 4 or system.jumps is not None or not system.is_covariant:
        return False
    parts = [*system.drift, *(p for c in system.channels for p in (c.x, c.y))]
    inside = COUPLED.T @ np.array(parts) @ COUPLED
    return bool(np.abs(inside[:, 3, :3]).max() <= _NOTHING * np.abs(inside).max())


def _drift(sample: Sample, members: Ensemble) -> ComplexArray:
    labels, coefficients = sample.terms()
    d = 2**sample.n
    sample.hamiltonian()  # refuses what is too large for matrices
    total = np.zeros((len(members), d, d), dtype=complex)
    for label, value in zip(labels, coefficients, strict=True):
        factor = members.coupling if len(label.replace("I", "")) > 1 else np.ones(len(members))
        total += value * factor[:, None, None] * pauli_string(label)
    offsets = members.offset.reshape(len(members), -1)
    groups = sample.groups if offsets.shape[1] > 1 else (tuple(range(sample.n)),)
    if offsets.shape[1] not in (1, len(sample.groups)):
        found = f"one with offsets for {offsets.shape[1]} groups of spins"
        raise ArgumentError("ensemble", found, f"give one offset for all, or one for each of {len(sample.groups)}")
    for column, group in zip(offsets.T, groups, strict=True):
        for k in group:
            total += np.pi * column[:, None, None] * pauli_string(on_spin(sample.n, k, "Z"))
    return total


def _limit(sample: Sample, name: str, limit: float | Mapping[str, float] | None) -> float:
    largest = sample.coil(name).limit
    given: ArrayLike = limit.get(name, largest) if isinstance(limit, Mapping) else largest if limit is None else limit
    value = checks.positive("RF limit", given)
    if value.ndim:
        raise ArgumentError("RF limit", f"of shape {value.shape}", "be one number, or one for each channel by name")
    if float(value) > largest * (1 + 1e-9):
        found = f"{float(value) / 1e3:g} kHz"
        allowed = f"be at most {largest / 1e3:g} kHz, what channel {name} of sample {sample.name!r} takes"
        raise ArgumentError("RF limit", found, allowed)
    return 2 * np.pi * float(value)


def _channel(sample: Sample, name: str, limit: float) -> Channel:
    spins = [k for k, spin in enumerate(sample.spins) if spin == name]
    x, y = collective(sample.n, "x", spins), collective(sample.n, "y", spins)
    return Channel(name, x, y, limit, magnetic_number(sample.n, spins))
