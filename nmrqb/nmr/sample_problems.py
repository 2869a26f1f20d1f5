"""What a schema cannot say of a sample file: how its keys hang together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from nmrqb.errors import Problem
from nmrqb.files import Document, brief, dotted, nearest
from nmrqb.nmr.couplings import coupled_pairs
from nmrqb.nmr.nuclei import gyromagnetic_ratio
from nmrqb.nmr.schema import ChannelTable, SampleFile, per_spin
from nmrqb.toml_lines import Key


def sample_problems(document: Document, table: SampleFile) -> Iterator[Problem]:
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
    given = [key for key in ("couplings", "geometry", "chain") if getattr(table, key)]
    dipolar = any(c.dipolar is not None for c in table.couplings)
    if len(given) > 1 and (dipolar or "couplings" not in given or len(given) > 2):
        yield document.problem(
            (given[1],), f"found dipolar couplings from {' and '.join(given)}", "one of them is enough"
        )
    if table.shifts is not None and (table.offsets is not None or table.field is None):
        yield document.problem(("shifts",), "found shifts in ppm", "they need the field, and no offsets beside them")
    if table.shifts is not None and len(table.shifts) != n:
        yield document.problem(("shifts",), f"found {len(table.shifts)} shifts for {n} spins")
    yield from _coupling_problems(document, table)
    yield from _geometry_problems(document, table)
    yield from _relaxation_problems(document, table)
    yield from _rf_problems(document, table)
    for k, key in enumerate(table.unverified):
        if not any(dotted(known) == key for known in document.lines):
            yield document.problem(("unverified", k), f"found {key!r}, which is no key of this file")


def _isotope_problems(document: Document, table: SampleFile) -> Iterator[Problem]:
    for k, isotope in enumerate(table.spins):
        try:
            gyromagnetic_ratio(isotope[:20])  # of a longer one, a message shows no more
        except ValueError as error:
            yield document.problem(("spins", k), str(error))


def _geometry_problems(document: Document, table: SampleFile) -> Iterator[Problem]:
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
    direction = table.geometry.field_direction
    if not all(abs(x) <= 1e6 for x in direction) or np.linalg.norm(direction) < 1e-6:
        allowed = "three finite numbers, not all zero, of a length between 1e-6 and 1e6"
        yield document.problem(("geometry", "field_direction"), "found no direction", allowed)


def _relaxation_problems(document: Document, table: SampleFile) -> Iterator[Problem]:
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


def _coupling_problems(document: Document, table: SampleFile) -> Iterator[Problem]:
    n = len(table.spins)
    seen: set[tuple[frozenset[int], str]] = set()
    for k, coupling in enumerate(table.couplings):
        key: Key = ("couplings", k)
        if (coupling.between is None) == (coupling.of is None):
            yield document.problem(
                key, "found neither or both of between and of", "one of them says which spins are coupled"
            )
            continue
        if coupling.dipolar is None and coupling.J is None:
            yield document.problem(key, "found no coupling", "dipolar or J in Hz")
        for isotope in coupling.of or ():
            if isotope not in table.spins:
                allowed = nearest(isotope, set(table.spins))
                yield document.problem((*key, "of"), f"the sample has no {brief(isotope)}", allowed)
        if coupling.between is not None and not (
            len(set(coupling.between)) == 2 and set(coupling.between) <= set(range(n))
        ):
            allowed = f"two different spins from 0 to {n - 1} are needed" if n > 1 else "the sample has only spin 0"
            yield document.problem((*key, "between"), f"found {coupling.between}", allowed)
            continue
        for kind in ("dipolar", "J"):
            pairs = (
                {(frozenset(p), kind) for p in coupled_pairs(table, coupling)}
                if getattr(coupling, kind) is not None
                else set()
            )
            if pairs & seen:
                spins = sorted(min((sorted(p) for p, _ in pairs & seen)))
                yield document.problem(key, f"spins {spins} are coupled twice")
            seen |= pairs


def _rf_problems(document: Document, table: SampleFile) -> Iterator[Problem]:
    rows: list[tuple[Key, ChannelTable]] = [(("rf",), table.rf)]
    for name, row in table.rf.channels.items():
        key: Key = ("rf", "channels", name)
        rows.append((key, row))
        if name not in table.spins:
            yield document.problem(key, f"the sample has no {brief(name)}", nearest(name, set(table.spins)))
    for key, row in rows:
        if row.limit < 1 / (4 * row.pulse_90) * (1 - 1e-9):
            found = f"a limit of {row.limit:g} Hz, but the 90-degree pulse needs {1 / (4 * row.pulse_90):g} Hz"
            yield document.problem((*key, "limit"), f"found {found}")
