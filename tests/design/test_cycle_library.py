"""The cycles of the library, and cycles on more than two spins, where no cycle is exact."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

import nmrqb
from nmrqb import design
from nmrqb.spin.operators import pauli_sum

PAIR, GYPSUM = nmrqb.Sample.load("nematic-pair"), nmrqb.Sample.load("gypsum")


@pytest.mark.parametrize(("shift", "rhombic", "ksea"), [(0, -0.25, 0), (90, 0.25, 0), (45, 0, -0.25), (135, 0, 0.25)])
@pytest.mark.parametrize("width", ["0 us", "pulse_90"])
def test_the_double_quantum_file_has_the_average_that_it_names(shift, rhombic, ksea, width):
    sequence = nmrqb.Sequence.load("double-quantum").bind(shift=f"{shift} deg", width=width)
    sample = replace(PAIR, pulse_90=2e-6, rf_limit=1e6)
    pulses = "ideal" if width == "0 us" else "finite"
    found = design.average_hamiltonian(sequence, sample, pulses=pulses).couplings(unit=sample.energy_unit)
    tolerance = 1e-12 if pulses == "ideal" else 2e-3
    np.testing.assert_allclose(found[:5], [0, rhombic, 0, ksea, 0], atol=tolerance)
    assert found.remainder < tolerance


@pytest.mark.parametrize("sample", [PAIR, GYPSUM], ids=["d>0", "d<0"])
def test_the_cycle_file_has_the_average_that_it_names(sample):
    sequence = nmrqb.Sequence.load("battery-cycle").bind(axial="0.2", rhombic="0.05")
    found = design.average_hamiltonian(sequence, sample).couplings(unit=sample.energy_unit)
    np.testing.assert_allclose(found[:5], [0.2, 0.05, 0, 0, 0], atol=1e-12)
    turned = design.average_hamiltonian(sequence.bind(shift="45 deg"), sample).couplings(unit=sample.energy_unit)
    np.testing.assert_allclose(turned[:5], [0.2, 0, 0, 0.05, 0], atol=1e-12)


def chain(n, coupling=1000.0):
    """n spins in a row with couplings as 1/r^3, nearest neighbours as strong as in the pair."""
    pairs = tuple((i, j, coupling / (j - i) ** 3) for i in range(n) for j in range(i + 1, n))
    return replace(
        PAIR, spins=("1H",) * n, dipolar=pairs, offsets=(0.0,) * n, polarisation=(PAIR.polarisation[0],) * n, noise=None
    )


def target(sample, along):
    """sum of d_ij (weights along x, y, z of 3 IaIa - I.I), in rad/s."""
    made = np.zeros((2**sample.n,) * 2, dtype=complex)
    for i, j, d in sample.dipolar:
        for axis, weight in zip("XYZ", along, strict=True):
            labels = ["".join(a if k in (i, j) else "I" for k in range(sample.n)) for a in "XYZ"]
            parts = [3.0 * (a == axis) - 1 for a in "XYZ"]
            made += 2 * np.pi * d * weight * pauli_sum(labels, np.array(parts)) / 4
    return made


def infidelity(sample, sequence, H):
    timeline = nmrqb.schedule(sequence, sample)
    T = float(nmrqb.schedule(sequence, PAIR).durations.sum())
    U = nmrqb.Exact().propagator(timeline)
    return 1 - abs(np.vdot(expm(-1j * H * T), U)) / len(U)


def test_eight_pulses_on_a_chain_of_five():
    sample, battery = chain(5), nmrqb.Battery(rhombic=-1)
    time = 2 * np.pi / 4  # 2 pi/d in the laboratory
    known = {2: 4e-3, 4: 2.4e-4, 8: 1.5e-5, 16: 9e-7}  # d t_c/2 pi = 0.5, 0.25, 0.125, 0.0625, derived independently
    for cycles, expected in known.items():
        sequence = design.engineer(battery, PAIR, time, cycles=cycles)
        assert infidelity(sample, sequence, target(sample, (0, 2 / 3, 1 / 3))) == pytest.approx(expected, rel=0.5)


def test_sixteen_pulses_on_a_chain_of_four():
    sample, battery = chain(4), nmrqb.Battery(axial=1, rhombic=0.25)
    speed = design.reachable(battery, PAIR).speed / 2
    shares = np.array([-4 / 9 + 1 / 3, -4 / 9 - 1 / 3, 8 / 9]) * speed + 1 / 3
    errors = []
    for cycles in (4, 8, 16):
        sequence = design.engineer(battery, PAIR, 1.5, speed=speed, cycles=cycles)
        errors.append(infidelity(sample, sequence, target(sample, shares)))
    assert errors[0] < 3e-3
    np.testing.assert_allclose(np.array(errors[:-1]) / errors[1:], 16, rtol=0.2)
