"""Couplings of a sample: from the file to pairs of spins, and from pairs to the rotating-frame Hamiltonian."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from nmrqb.battery.dipolar import secular_coupling
from nmrqb.nmr.nuclei import gyromagnetic_ratio
from nmrqb.nmr.schema import CouplingTable, SampleFile
from nmrqb.spin.operators import on_spin

#: Two spins and their coupling in Hz.
Pair = tuple[int, int, float]


def coupled_pairs(table: SampleFile, coupling: CouplingTable) -> list[tuple[int, int]]:
    """The pairs of spins that one [[couplings]] table means, each in ascending order."""
    if coupling.between is not None:
        i, j = sorted(coupling.between)
        return [(i, j)]
    a, b = coupling.of or ("", "")
    kinds = {a, b}
    return [(i, j) for i, j in combinations(range(len(table.spins)), 2) if {table.spins[i], table.spins[j]} == kinds]


def scalar_pairs(table: SampleFile) -> tuple[Pair, ...]:
    """All scalar couplings."""
    return tuple((i, j, c.J) for c in table.couplings if c.J is not None for i, j in coupled_pairs(table, c))


def dipolar_pairs(table: SampleFile) -> tuple[Pair, ...]:
    """All dipolar couplings: as given, along a chain, or from positions and field."""
    everyone = list(combinations(range(len(table.spins)), 2))
    if table.chain is not None:
        nearest, power = table.chain.nearest, table.chain.power
        return tuple((i, j, nearest / (j - i) ** power) for i, j in everyone)
    if table.geometry is not None:
        r, direction = np.array(table.geometry.positions), np.array(table.geometry.field_direction)
        gamma = np.array([gyromagnetic_ratio(spin) for spin in table.spins])
        return tuple(
            (i, j, float(secular_coupling(r[[i, j]], gamma[[i, j]], direction)) / (2 * np.pi)) for i, j in everyone
        )
    return tuple(
        (i, j, c.dipolar) for c in table.couplings if c.dipolar is not None for i, j in coupled_pairs(table, c)
    )


def spin_hamiltonian(
    spins: tuple[str, ...], dipolar: tuple[Pair, ...], scalar: tuple[Pair, ...], offsets: tuple[float, ...]
) -> tuple[tuple[str, ...], np.ndarray]:
    """The rotating-frame Hamiltonian as Pauli strings (K) and coefficients (K,) in rad/s.

    Like spins: d (3 Iz Iz - I.I) and 2 pi J I.I. Unlike spins: what commutes with both their z, 2 d Iz Sz and 2 pi J Iz Sz.
    """
    sums: dict[str, float] = {}

    def add(i: int, j: int, value: float, like: dict[str, float], unlike: float) -> None:
        for letter, factor in like.items() if spins[i] == spins[j] else [("Z", unlike)]:
            label = "".join(letter if k in (i, j) else "I" for k in range(len(spins)))
            sums[label] = sums.get(label, 0.0) + factor * 2 * np.pi * value / 4

    for i, j, d in dipolar:
        add(i, j, d, {"X": -1, "Y": -1, "Z": 2}, 2)
    for i, j, value in scalar:
        add(i, j, value, {"X": 1, "Y": 1, "Z": 1}, 1)
    for k, offset in enumerate(offsets):
        if offset:
            sums[on_spin(len(spins), k, "Z")] = np.pi * offset
    return tuple(sums), np.array(list(sums.values()), dtype=float)
