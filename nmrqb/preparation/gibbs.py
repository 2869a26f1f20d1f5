"""One front door: the Gibbs state of a battery on whatever sample there is, or why that cannot be."""

from __future__ import annotations

import numpy as np

from nmrqb.battery import Battery
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.preparation.ax import gibbs_on_ax
from nmrqb.preparation.collective import refuse_dm
from nmrqb.preparation.dipolar import broekaert_jeener
from nmrqb.preparation.report import Preparation


def prepare_gibbs(battery: Battery, temperature: float, sample: Sample, **options: object) -> Preparation:
    """Gibbs state of one battery at T > 0 (in its unit) on a pair: `gibbs_on_ax` on unlike spins, else dipolar order.

    On like spins, dipolar order stands for the state in the limit of high temperature, where temperature is only a scale,
    and only the axial coupling can be had. Raises ArgumentError for a DM coupling on like spins, which exchange symmetry
    forbids, for rhombic, KSEA or Zeeman couplings there, which their evolution does not make by itself, and for an axial
    coupling whose sign is not the sample's.
    """
    if len(sample.groups) != 1:
        return gibbs_on_ax(battery, temperature, sample, **options)
    refuse_dm(battery)
    for name in ("rhombic", "ksea", "zeeman"):
        value = np.asarray(getattr(battery, name))
        if np.any(value != 0):
            allowed = (
                "be 0 on like spins, which hold the Gibbs state of their own coupling; take unlike spins coupled by J"
            )
            raise ArgumentError(name, float(value[value != 0].flat[0]), allowed)
    if battery.shape != () or np.sign(battery.axial) != np.sign(sample.coupling):
        raise ArgumentError("axial", battery.axial, f"be one number of the sign of d/2pi = {sample.coupling:g} Hz")
    return broekaert_jeener(sample, 1.0, **options)  # type: ignore[arg-type]
