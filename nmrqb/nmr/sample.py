"""A sample: spins, couplings, relaxation, coil and polarisation, in physical units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nmrqb import files
from nmrqb.battery import Battery
from nmrqb.battery.dipolar import secular_coupling
from nmrqb.errors import ArgumentError, InputError, Problem
from nmrqb.nmr.noise import Noise
from nmrqb.nmr.nuclei import GYROMAGNETIC_RATIO, gyromagnetic_ratio, polarisation
from nmrqb.nmr.schema import SampleFile, per_spin
from nmrqb.spin.operators import magnetic_number, on_spin, pauli_sum
from nmrqb.spin.states import polarised_state, product_state

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray

#: Up to this polarisation P the thermal state is taken in the high-temperature limit, (1 + p F_z)/2^N with p = 2P.
#: What is dropped is P/2 of what is kept; every magnet at room temperature is far below.
HIGH_TEMPERATURE = 1e-3


@dataclass(frozen=True)
class Sample:
    """What is in the tube and around it.

    spins: isotope of each spin. dipolar: ((i, j, d/2pi in Hz), ...) for H_D = d (3 Iiz Ijz - Ii.Ij).
    offsets: rotating-frame offset of each spin in Hz. polarisation: <sigma_z> of each spin at equilibrium.
    noise: relaxation and readout, or None. pulse_90: length of a 90-degree pulse in s. rf_limit: largest nutation
    frequency in Hz. unverified: keys whose values stand without a measurement behind them.
    """

    name: str
    title: str
    spins: tuple[str, ...]
    dipolar: tuple[tuple[int, int, float], ...]
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

    @classmethod
    def load(cls, name: str | Path) -> Sample:
        """A sample of the library by name, or a file by path. Raises InputError with file, line and key."""
        path = files.find("sample", name, files.library("samples"))
        return cls.parse(files.load_document(path, str(name)), path.stem)

    @classmethod
    def parse(cls, document: files.Document, name: str) -> Sample:
        """A sample from a document. Raises InputError with file, line and key."""
        table = files.validate(SampleFile, document)
        problems = list(_problems(document, table))
        if problems:
            raise InputError(tuple(problems))
        n = len(table.spins)
        polarisations = _polarisation(table)
        noise = None
        if table.relaxation:
            noise = Noise(
                per_spin(table.relaxation.T1, n),
                per_spin(table.relaxation.T2, n),
                polarisations,
                ((table.readout.error if table.readout else 0.0),) * n,
                table.relaxation.T1D,
            )
        return cls(
            name=name,
            title=table.title,
            note=table.note,
            spins=tuple(table.spins),
            dipolar=_couplings(table),
            offsets=tuple(table.offsets or [0.0] * n),
            polarisation=polarisations,
            pulse_90=table.rf.pulse_90,
            rf_limit=table.rf.limit,
            noise=noise,
            field=table.field,
            temperature=table.temperature,
            unverified=tuple(table.unverified),
            source=document.text,
        )

    @property
    def n(self) -> int:
        """Number of spins."""
        return len(self.spins)

    @property
    def coupling(self) -> float:
        """The strongest dipolar coupling d/2pi in Hz, with its sign; this is `coupling` in a sequence."""
        return max((d for _, _, d in self.dipolar), key=abs, default=0.0)

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
        sums: dict[str, float] = {}
        for i, j, d in self.dipolar:
            for letter, factor in (("X", -1), ("Y", -1), ("Z", 2)):
                label = "".join(letter if k in (i, j) else "I" for k in range(self.n))
                sums[label] = sums.get(label, 0.0) + factor * 2 * np.pi * d / 4
        for k, offset in enumerate(self.offsets):
            if offset:
                sums[on_spin(self.n, k, "Z")] = np.pi * offset
        return tuple(sums), np.array(list(sums.values()), dtype=float)

    def hamiltonian(self) -> ComplexArray:
        """The rotating-frame Hamiltonian in rad/s, shape (2^N, 2^N): sum of d (3 Iz Iz - I.I) and offsets."""
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
        if self.n != 2 or not self.dipolar:
            raise ArgumentError("sample", f"{self.n} spins", "be a dipolar pair to be read as the paper's battery")
        if self.offsets[0] != self.offsets[1]:
            raise ArgumentError(
                "offsets", f"{self.offsets} Hz", "be equal: the paper's field B is common to both spins"
            )
        unit = abs(self.coupling)
        return Battery(axial=0.75 * self.coupling / unit, zeeman=self.offsets[0] / (2 * unit))

    def with_polarisation(self, polarisation: float) -> Sample:
        """The same sample with every spin at polarisation P (0 to 1), which relaxation then leads back to."""
        if not 0 < polarisation <= 1:
            raise ArgumentError("polarisation", polarisation, "lie above 0 and at most at 1")
        return self._polarised((float(polarisation),) * self.n)

    def _polarised(self, polarisation: tuple[float, ...]) -> Sample:
        noise = replace(self.noise, polarisation=polarisation) if self.noise else None
        return replace(self, polarisation=polarisation, noise=noise)


def _polarisation(table: SampleFile) -> tuple[float, ...]:
    if table.polarisation is not None:
        return (table.polarisation,) * len(table.spins)
    assert table.field is not None
    assert table.temperature is not None
    return tuple(polarisation(s, table.field, table.temperature) for s in table.spins)


def _couplings(table: SampleFile) -> tuple[tuple[int, int, float], ...]:
    if not table.geometry:
        return tuple((c.between[0], c.between[1], c.dipolar) for c in table.couplings)
    r = np.array(table.geometry.positions)
    direction = np.array(table.geometry.field_direction)
    found = []
    for i, j in combinations(range(len(table.spins)), 2):
        gammas = [gyromagnetic_ratio(table.spins[k]) for k in (i, j)]
        d = secular_coupling(r[[i, j]], gammas, direction)
        found.append((i, j, float(d) / (2 * np.pi)))
    return tuple(found)


def _problems(document: files.Document, table: SampleFile) -> Iterator[Problem]:
    """What a schema cannot say: how the keys of a sample hang together."""
    n = len(table.spins)
    yield from _isotope_problems(document, table)
    if table.polarisation is None and (table.field is None or table.temperature is None):
        yield document.problem((), "no polarisation", "give field and temperature, or polarisation itself")
    if table.polarisation == 0:
        yield document.problem(
            ("polarisation",), "found 0", "a polarisation above 0 and at most 1: there is no signal at 0"
        )
    if table.offsets is not None and len(table.offsets) != n:
        yield document.problem(("offsets",), f"found {len(table.offsets)} offsets for {n} spins")
    if table.couplings and table.geometry:
        yield document.problem(("geometry",), "found couplings as well as a geometry", "one of the two")
    seen: set[frozenset[int]] = set()
    for k, coupling in enumerate(table.couplings):
        pair = frozenset(coupling.between)
        if len(pair) != 2 or not pair <= set(range(n)):
            allowed = f"two different spins from 0 to {n - 1} are needed" if n > 1 else "the sample has only spin 0"
            yield document.problem(("couplings", k, "between"), f"found {coupling.between}", allowed)
        elif len({table.spins[s] for s in pair} & set(GYROMAGNETIC_RATIO)) == 2:
            yield document.problem(
                ("couplings", k, "dipolar"), "found a dipolar coupling of unlike spins", "spins of one isotope"
            )
        if pair in seen:
            yield document.problem(("couplings", k), f"spins {sorted(pair)} are coupled twice")
        seen.add(pair)
    yield from _geometry_problems(document, table)
    yield from _relaxation_problems(document, table)
    if table.rf.limit < 1 / (4 * table.rf.pulse_90) * (1 - 1e-9):
        found = f"a limit of {table.rf.limit:g} Hz, but the 90-degree pulse needs {1 / (4 * table.rf.pulse_90):g} Hz"
        yield document.problem(("rf", "limit"), f"found {found}")
    for k, key in enumerate(table.unverified):
        if not any(files.dotted(known) == key for known in document.lines):
            yield document.problem(("unverified", k), f"found {key!r}, which is no key of this file")


def _isotope_problems(document: files.Document, table: SampleFile) -> Iterator[Problem]:
    for k, isotope in enumerate(table.spins):
        try:
            gyromagnetic_ratio(isotope)
        except ValueError as error:
            yield document.problem(("spins", k), str(error))


def _geometry_problems(document: files.Document, table: SampleFile) -> Iterator[Problem]:
    if not table.geometry:
        return
    n, positions = len(table.spins), table.geometry.positions
    if len(positions) != n:
        yield document.problem(("geometry", "positions"), f"found {len(positions)} positions for {n} spins")
    for i, j in combinations(range(len(positions)), 2):
        if np.linalg.norm(np.subtract(positions[i], positions[j])) < 1e-12:
            yield document.problem(
                ("geometry", "positions", j), f"spins {i} and {j} stand in one place", "different places"
            )
    if not np.all(np.isfinite(table.geometry.field_direction)) or not np.any(table.geometry.field_direction):
        yield document.problem(
            ("geometry", "field_direction"), "found no direction", "three finite numbers, not all zero"
        )
    if len(set(table.spins)) > 1:
        yield document.problem(("geometry",), "found unlike spins", "spins of one isotope")


def _relaxation_problems(document: files.Document, table: SampleFile) -> Iterator[Problem]:
    if not table.relaxation:
        return
    n = len(table.spins)
    lists: dict[str, tuple[float, ...]] = {}
    for key, value in (("T1", table.relaxation.T1), ("T2", table.relaxation.T2)):
        try:
            lists[key] = per_spin(value, n)
        except ValueError as error:
            yield document.problem(("relaxation", key), str(error))
    if len(lists) == 2:
        for k, (t1, t2) in enumerate(zip(lists["T1"], lists["T2"], strict=True)):
            if t2 > 2 * t1:
                yield document.problem(
                    ("relaxation", "T2"), f"found {t2:g} s for spin {k}", f"at most 2 T1 = {2 * t1:g} s"
                )
                break
