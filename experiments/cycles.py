"""Our own figure: the battery charged under noise, and run round after round without thermalising it again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from nmrqb.paper import curves
from nmrqb.paper.script import run
from nmrqb.plots import style
from nmrqb.plots.rounds import rounds

PARAMETERS = {"axial": 1.0, "rhombic": 0.25, "dm": 0.3, "ksea": 0.15, "zeeman": 0.4, "temperature": 1.0}
STOP = 0.85  # Omega t, next to the first full charge at 0.851
RATES = np.linspace(0, 0.5, 51)
ROUNDS = 12
FOOTER = (
    "Start: the Gibbs state at T = 1 of Δ = 1, ε = 0.25, D = 0.3, G = 0.15, B = 0.4; X charging, eq. (21), with H off "
    "during the pulse. (b) solid: ergotropy of the state the pulse leaves; collective X is one coil's noise on both spins. "
    "(c, d) every round starts where the last one ended: pulse to Ωt = 0.85 under local X noise of rate 0.02 Ω, rest under "
    "local Z noise (rate × time = 0.05, H refocused), extraction. Efficiency: work extracted / energy stored in that round; "
    "it may exceed what a first round gives, because later rounds store less. The optimal unitary takes the most out of each "
    "round by itself; from the second on the two start from different states, and the plain reverse may gather more in all."
)


def data() -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """The pulse under noise of rate 0.1 Omega, the three noises against their rate, and the rounds."""
    pulse = curves.noisy_charging(PARAMETERS, np.linspace(0, np.pi, 201), [0.1], "The pulse under noise")
    against_rate = curves.noisy_charging(PARAMETERS, [STOP], RATES, "Noise while charging, against its rate")
    return pulse, against_rate, curves.rounds(PARAMETERS, STOP, ROUNDS, pulse_rate=0.02, storage=0.05)


def main(out: Path) -> list[Path]:
    """Write cycles_*.nc, cycles.pdf and .png into the folder; returns their paths."""
    pulse, against_rate, runs = data()
    named = {"cycles_pulse": pulse, "cycles_rate": against_rate, "cycles_rounds": runs}
    stored = [curves.write(dataset, out / f"{name}.nc") for name, dataset in named.items()]
    return [*stored, *style.save(rounds(pulse, against_rate, runs, FOOTER), out, "cycles")]


if __name__ == "__main__":
    run(main, __doc__)
