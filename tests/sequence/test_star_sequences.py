"""What the star's sequences do: exchange for any polarisation, a load that takes all, and rounds under relaxation."""

from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.battery.star import StarBattery
from nmrqb.spin.states import partial_trace

AX, LOADED = nmrqb.Sample.load("chloroform"), nmrqb.Sample.load("methyl-fluoride")


def test_the_exchange_with_one_charger_needs_no_steps():
    """XX and YY of one pair commute: one step is exact at any time."""
    times = np.array([0.1, 0.5, 0.9]) / AX.scalar_coupling
    sequence = nmrqb.Sequence.load("star-charge").bind(time=times)
    rho = nmrqb.Exact().run(nmrqb.schedule(sequence, AX), AX.with_polarisation(1.0).thermal_state()).estimate
    expected = StarBattery(1, AX.scalar_coupling).excitation(times)
    np.testing.assert_allclose(partial_trace(rho, [1])[:, -1, 1, 1].real, expected, atol=1e-12)  # 1H is spin 0


def test_a_load_takes_the_battery_whatever_else_is_coupled():
    sequence = nmrqb.Sequence.load("star-load")
    pure = LOADED.with_polarisation(1.0)
    timeline = nmrqb.schedule(sequence, pure)
    rho = nmrqb.Exact().run(timeline, pure.thermal_state()).estimate
    battery, load = (partial_trace(rho, [k])[:, 1, 1].real for k in (0, 4))
    np.testing.assert_allclose(battery, [0, 0.9998, 0.9998, 0], atol=5e-5)
    np.testing.assert_allclose(load, [0, 0, 0, 0.9998], atol=5e-5)
    protons = partial_trace(rho, [1])[:, 1, 1].real
    np.testing.assert_allclose(3 * protons + battery + load, 3, atol=6e-3)  # what H keeps, and its steps nearly
    # until it is discharged into, the load's couplings do not show
    bare = replace(pure, scalar=tuple(pair for pair in pure.scalar if 4 not in pair[:2]))
    fixed = sequence.bind(charge=1 / (2 * 149 * np.sqrt(3)))
    other = nmrqb.Exact().run(nmrqb.schedule(fixed, bare), pure.thermal_state()).estimate
    np.testing.assert_allclose(other[1], rho[1], atol=1e-10)


def test_rounds_bring_the_battery_to_the_chargers_inverted_polarisation():
    """One charger that recovers in full, a battery that does not relax: each round gives half of what is missing."""
    sample = AX.amplified(0.2)
    held = replace(sample, noise=replace(sample.noise, t1=(1.0, 1e4), t2=(1.0, 1e4)))
    sequence = nmrqb.Sequence.load("star-recharge").bind(chargers=1, share=0.5, wait=20.0)
    rho = nmrqb.Exact().run(nmrqb.schedule(sequence, held, noise=True), held.linear_state()).estimate
    Q = (2 * partial_trace(rho, [1])[:, 1, 1].real - 1) / held.polarisation[0]
    expected = 1 - (1 - Q[0]) * 0.5 ** np.arange(7)  # sin^2(pi/4) = 1/2
    np.testing.assert_allclose(Q, expected, atol=0.02)  # protons relax a little in the 5 ms of each exchange
    assert Q[0] == pytest.approx(-0.2515, abs=1e-3)
