"""One front door: the Gibbs state of a battery on whatever sample there is, or why that cannot be."""

from __future__ import annotations

import numpy as np

from nmrqb import checks
from nmrqb.battery import Battery
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.preparation.ax import gibbs_on_ax
from nmrqb.preparation.collective import refuse_dm
from nmrqb.preparation.dipolar import broekaert_jeener
from nmrqb.preparation.report import Preparation, assess


def prepare_gibbs(battery: Battery, temperature: float, sample: Sample, **options: object) -> Preparation:
    """Gibbs state of one battery at T > 0 (in its unit) on a pair: `gibbs_on_ax` on unlike spins, else dipolar order.

    On like spins only the axial coupling can be had, and only to first order in 1/T: rho' = (1 - H/T)/4, whose fidelity
    with the Gibbs state the report tells, and which below some T would be no state. Raises ArgumentError there, for a DM
    coupling on like spins, which exchange symmetry forbids, for rhombic, KSEA or Zeeman couplings there, which their
    evolution does not make by itself, and for an axial coupling whose sign is not the sample's.
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
    T, highest = float(checks.positive("temperature", temperature)), float(battery.energies()[-1])
    if highest > T:
        raise ArgumentError("temperature", T, f"be at least {highest:g}, where a population of (1 - H/T)/4 reaches 0")
    sequence, _ = broekaert_jeener(sample, **options)  # type: ignore[arg-type]
    scale = abs(float(battery.axial)) / 0.75  # |d| in the battery's unit
    report = assess(
        sequence,
        sample,
        battery.hamiltonian(),
        battery.gibbs_state(T),
        mark="stored",
        pseudo_fraction=sample.polarisation_factor * T / scale,
        energy_unit=sample.energy_unit / scale,
        **options,
    )
    return Preparation(sequence, report)
