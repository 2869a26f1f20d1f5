"""From the tables [relaxation], [noise] and [readout] of a sample file to its one noise record."""

from __future__ import annotations

import math

import numpy as np

from nmrqb.errors import ArgumentError, InputError
from nmrqb.files import Document
from nmrqb.nmr.noise import Noise
from nmrqb.nmr.schema import SampleFile, per_spin
from nmrqb.toml_lines import Key

#: Where the record's complaints belong in the file, by what they begin with.
_KEYS: dict[str, Key] = {
    "T1D": ("relaxation", "T1D"),
    "T2": ("relaxation", "T2"),
    "T1": ("relaxation", "T1"),
    "dipolar order": ("relaxation", "dipolar_order"),
    "polarisation": ("relaxation", "dipolar_order"),
    "dephasing correlation": ("relaxation", "dephasing_correlation"),
    "fixed point": ("relaxation", "fixed_point"),
    "hamiltonian": ("relaxation", "fixed_point"),
    "spin temperature": ("relaxation", "spin_temperature"),
    "X-dephasing": ("noise", "x_dephasing"),
    "collective X-dephasing": ("noise", "x_dephasing_collective"),
}


def read_noise(
    document: Document,
    table: SampleFile,
    polarisation: tuple[float, ...],
    groups: tuple[tuple[int, ...], ...],
    terms: tuple[tuple[str, ...], np.ndarray],
) -> Noise | None:
    """The record of a sample with these polarisations, groups of like spins and Hamiltonian (strings, rad/s).

    None where the file has neither relaxation nor noise. Raises InputError with file, line and key.
    """
    relaxation, driven = table.relaxation, table.noise
    if relaxation is None and driven is None:
        return None
    n = len(table.spins)
    how: dict[str, object] = {}
    if relaxation is not None:
        how |= {"t1": per_spin(relaxation.T1, n), "t2": per_spin(relaxation.T2, n), "t1d": relaxation.T1D}
        how |= {"dipolar_order": "t1d" if relaxation.dipolar_order == "T1D" else "independent"}
        how |= {"dephasing_correlation": relaxation.dephasing_correlation, "fixed_point": relaxation.fixed_point}
        how |= {"spin_temperature": relaxation.spin_temperature}
        if relaxation.fixed_point == "hamiltonian":
            how |= {"hamiltonian": tuple(zip(terms[0], (float(c) for c in terms[1]), strict=True))}
    else:
        how |= {"t1": (math.inf,) * n, "t2": (math.inf,) * n}
    if driven is not None:
        if driven.x_dephasing is not None:
            rates = driven.x_dephasing
            how |= {"x_dephasing": tuple(rates) if isinstance(rates, list) else (rates,) * n}
        how |= {"x_dephasing_collective": driven.x_dephasing_collective}
    readout = ((table.readout.error if table.readout else 0.0),) * n
    try:
        return Noise(polarisation=polarisation, readout=readout, groups=groups, **how)  # type: ignore[arg-type]
    except ArgumentError as error:
        key = next((key for start, key in _KEYS.items() if error.name.startswith(start)), ("relaxation",))
        raise InputError((document.problem(key, f"found {error.found}", f"it must {error.allowed}"),)) from None
