"""A sample: spins, couplings, relaxation, coil and polarisation, in physical units."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nmrqb import files
from nmrqb.battery import Battery
from nmrqb.errors import ArgumentError, InputError
from nmrqb.nmr.couplings import Pair, dipolar_pairs, scalar_pairs, spin_hamiltonian
from nmrqb.nmr.noise import Noise
from nmrqb.nmr.noise_tables import read_noise
from nmrqb.nmr.nuclei import larmor_frequency, polarisation
from nmrqb.nmr.sample_problems import sample_problems
from nmrqb.nmr.schema import ReceiverTable, SampleFile
from nmrqb.nmr.stars import star_battery
from nmrqb.spin.operators import magnetic_number, pauli_sum
from nmrqb.spin.states import polarised_state, product_state

if TYPE_CHECKING:
    from nmrqb.battery.star import StarBattery
    from nmrqb.checks import ComplexArray

#: Up to this polarisation P the thermal state is taken in the high-temperature limit, (1 + p F_z)/2^N with p = 2P.
#: What is dropped is P/2 of what is kept; every magnet at room temperature is far below.
HIGH_TEMPERATURE = 1e-3


#: Spins beyond which a dense matrix is refused: at 12 one takes 268 MB.
MAX_DENSE = 12


@dataclass(frozen=True)
class Coil:
    """One RF channel: length of a 90-degree pulse in s and the largest nutation frequency in Hz."""

    pulse_90: float
    limit: float


@dataclass(frozen=True)
class Sample:
    """What is in the tube and around it.

    spins: isotope of each spin. dipolar: ((i, j, d/2pi in Hz), ...) for H_D = d (3 Iiz Ijz - Ii.Ij), or d 2 Iz Sz of
    unlike spins. scalar: ((i, j, J in Hz), ...) for 2 pi J I.S, or 2 pi J Iz Sz of unlike spins.
    offsets: rotating-frame offset of each spin in Hz. polarisation: <sigma_z> of each spin at equilibrium.
    noise: relaxation and readout, or None. pulse_90: length of a 90-degree pulse in s. rf_limit: largest nutation
    frequency in Hz; both hold for every isotope without a coil of its own in `coils`. receiver: how decays are recorded.
    raster: times are multiples of it, in s. duty_cycle: largest share of time with RF on. unverified: keys whose values
    stand without a measurement behind them.
    """

    name: str
    title: str
    spins: tuple[str, ...]
    dipolar: tuple[Pair, ...]
    offsets: tuple[float, ...]
    polarisation: tuple[float, ...]
    pulse_90: float
    rf_limit: float
    noise: Noise | None = None
    note: str = ""
    field: float | None = None
    temperature: float | None = None
    unverified: tuple[str, ...] = ()
    source: str = ""  # the file as it was written
    scalar: tuple[Pair, ...] = ()
    coils: Mapping[str, Coil] = dataclasses.field(default_factory=dict)
    receiver: ReceiverTable | None = None
    raster: float | None = None
    duty_cycle: float | None = None

    @classmethod
    def load(cls, name: str | Path) -> Sample:
        """A sample of the library by name, or a file by path. Raises InputError with file, line and key."""
        path = files.find("sample", name, files.library("samples"))
        return cls.parse(files.load_document(path, str(name)), path.stem)

    @classmethod
    def parse(cls, document: files.Document, name: str) -> Sample:
        """A sample from a document. Raises InputError with file, line and key."""
        table = files.validate(SampleFile, document)
        problems = list(sample_problems(document, table))
        if problems:
            raise InputError(tuple(problems))
        sample = cls(
            name=name,
            title=table.title,
            note=table.note,
            spins=tuple(table.spins),
            dipolar=dipolar_pairs(table),
            scalar=scalar_pairs(table),
            offsets=_offsets(table),
            polarisation=_polarisation(table),
            pulse_90=table.rf.pulse_90,
            rf_limit=table.rf.limit,
            coils={name: Coil(row.pulse_90, row.limit) for name, row in table.rf.channels.items()},
            receiver=table.receiver,
            raster=table.rf.raster,
            duty_cycle=table.rf.duty_cycle,
            field=table.field,
            temperature=table.temperature,
            unverified=tuple(table.unverified),
            source=document.text,
        )
        noise = read_noise(document, table, sample.polarisation, sample.groups, sample.terms())
        return replace(sample, noise=noise)

    @property
    def n(self) -> int:
        """Number of spins."""
        return len(self.spins)

    @property
    def coupling(self) -> float:
        """The strongest dipolar coupling d/2pi in Hz with its sign, or J where there is none; `coupling` in a sequence."""
        return max((d for _, _, d in self.dipolar or self.scalar), key=abs, default=0.0)

    @property
    def scalar_coupling(self) -> float:
        """The strongest scalar coupling in Hz, with its sign; this is `J` in a sequence."""
        return max((value for _, _, value in self.scalar), key=abs, default=0.0)

    def coil(self, isotope: str) -> Coil:
        """The RF channel of an isotope."""
        return self.coils.get(isotope, Coil(self.pulse_90, self.rf_limit))

    @property
    def energy_unit(self) -> float:
        """|d| in rad/s: the unit in which the battery's energies are given."""
        return 2 * np.pi * abs(self.coupling)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Spins of one isotope, which one coil and one gradient treat alike."""
        kinds = dict.fromkeys(self.spins)
        return tuple(tuple(k for k, s in enumerate(self.spins) if s == kind) for kind in kinds)

    def terms(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The rotating-frame Hamiltonian as Pauli strings (K) and coefficients (K,) in rad/s."""
        return spin_hamiltonian(self.spins, self.dipolar, self.scalar, self.offsets)

    def hamiltonian(self) -> ComplexArray:
        """The rotating-frame Hamiltonian in rad/s, shape (2^N, 2^N): sum of d (3 Iz Iz - I.I) and offsets."""
        self._dense()
        labels, coefficients = self.terms()
        if not labels:
            return np.zeros((2**self.n, 2**self.n), dtype=complex)
        return pauli_sum(labels, coefficients)

    @property
    def polarisation_factor(self) -> float:
        """P = 2P of the high-temperature state (1 + p F_z)/2^N, of the most polarised spin."""
        return 2 * max(self.polarisation)

    @property
    def is_high_temperature(self) -> bool:
        """Whether the thermal state is taken as (1 + p F_z)/2^N; see HIGH_TEMPERATURE."""
        return max(self.polarisation) <= HIGH_TEMPERATURE

    def thermal_state(self) -> ComplexArray:
        """The state before the first pulse, shape (2^N, 2^N).

        In the high-temperature limit (1 + sum_k p_k I_kz)/2^N with p_k = 2 P_k, else the full product of
        (1 + P_k sigma_z)/2.
        """
        self._dense()
        if self.is_high_temperature:
            return self.linear_state()
        return product_state(*[polarised_state(P) for P in self.polarisation])

    def linear_state(self) -> ComplexArray:
        """The high-temperature state (1 + sum_k p_k I_kz)/2^N, p_k = 2 P_k, whatever the polarisation; (2^N, 2^N).

        Raises ArgumentError where a population would be negative (sum of P_k above 1).
        """
        if sum(self.polarisation) > 1 + 1e-12:
            raise ArgumentError(
                "polarisation",
                self.polarisation,
                "add up to at most 1, where a population of the linear state reaches 0",
            )
        populations = 1 + sum(2 * P * magnetic_number(self.n, [k]) for k, P in enumerate(self.polarisation))
        return np.diag(np.clip(populations, 0, None) / 2**self.n).astype(complex)

    def amplified(self, p: float) -> Sample:
        """The same sample with its largest polarisation factor raised to p, for machines that cannot resolve the real one.

        Polarisations keep their ratios, and relaxation leads back to the amplified ones. Use `linear_state` as its start:
        what is linear in p is then found by dividing by p. Raises ArgumentError unless 0 < p <= 2 / (sum P_k / max P).
        """
        P = np.array(self.polarisation)
        largest = 2 * P.max() / P.sum()
        if not 0 < p <= largest * (1 + 1e-12):
            raise ArgumentError(
                "amplified p", p, f"lie above 0 and at most at {largest:g}, where a population reaches 0"
            )
        return self._polarised(tuple(float(x) for x in P * (p / (2 * P.max()))))

    def battery(self) -> Battery:
        """The pair as the paper's battery, energies in units of |d| (Delta = 3 d / 4 |d|, B = offset / 2 |d|).

        Raises ArgumentError unless the sample is two coupled spins with one common offset.
        """
        if self.n != 2 or not self.dipolar or self.scalar or len(self.groups) > 1:
            found = f"{self.n} spins ({', '.join(self.spins)}) with {len(self.dipolar)} dipolar and {len(self.scalar)} scalar couplings"
            allowed = "be a pair of like spins with a dipolar coupling alone, to be read as the paper's battery"
            raise ArgumentError("sample", found, allowed)
        if self.offsets[0] != self.offsets[1]:
            raise ArgumentError(
                "offsets", f"{self.offsets} Hz", "be equal: the paper's field B is common to both spins"
            )
        unit = abs(self.coupling)
        return Battery(axial=0.75 * self.coupling / unit, zeeman=self.offsets[0] / (2 * unit))

    def star(self) -> StarBattery:
        """The sample as a battery in the centre of its chargers, from its topology and J alone; of any number of spins.

        Couplings among the chargers do not show. Raises ArgumentError unless one spin of one isotope has equal J, and no
        dipolar coupling, to all the others, which are of one other isotope.
        """
        return star_battery(self.spins, self.scalar, self.dipolar)

    def with_polarisation(self, polarisation: float) -> Sample:
        """The same sample with every spin at polarisation P (0 to 1), which relaxation then leads back to."""
        if not 0 < polarisation <= 1:
            raise ArgumentError("polarisation", polarisation, "lie above 0 and at most at 1")
        return self._polarised((float(polarisation),) * self.n)

    def _dense(self) -> None:
        if self.n > MAX_DENSE:
            found = f"{self.n} spins, whose matrices take {16 * 4.0**self.n:.1e} bytes"
            raise ArgumentError("sample", found, f"have at most {MAX_DENSE} spins for dense matrices")

    def _polarised(self, polarisation: tuple[float, ...]) -> Sample:
        noise = replace(self.noise, polarisation=polarisation) if self.noise else None
        return replace(self, polarisation=polarisation, noise=noise)


def _polarisation(table: SampleFile) -> tuple[float, ...]:
    if table.polarisation is not None:
        return (table.polarisation,) * len(table.spins)
    assert table.field is not None
    assert table.temperature is not None
    return tuple(polarisation(s, table.field, table.temperature) for s in table.spins)


def _offsets(table: SampleFile) -> tuple[float, ...]:
    if table.shifts is not None:
        assert table.field is not None
        field = table.field
        return tuple(
            ppm * 1e-6 * abs(larmor_frequency(s, field)) for s, ppm in zip(table.spins, table.shifts, strict=True)
        )
    return tuple(table.offsets or [0.0] * len(table.spins))
