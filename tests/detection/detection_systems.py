"""Spin systems that the detection tests share. Frequencies in Hz, Hamiltonians in rad/s."""

import numpy as np

from nmrqb.spin.operators import collective, pauli_string
from nmrqb.spin.propagation import unitary

IZ = [pauli_string(label) / 2 for label in ("ZI", "IZ")]
SCALAR = sum(pauli_string(2 * a) for a in "XYZ") / 4  # I1.I2
DO = 3 * pauli_string("ZZ") / 4 - SCALAR  # 3 I1z I2z - I1.I2
FX, FY, FZ = (collective(2, a) for a in "xyz")


def one_spin(offset):
    return np.pi * np.asarray(offset)[..., None, None] * pauli_string("Z")


def pair(d, offset=0.0):
    """Like spins: d (3 Iz Iz - I.I) and a common offset."""
    d, offset = (np.asarray(x, dtype=float)[..., None, None] for x in (d, offset))
    return 2 * np.pi * (d * DO + offset * FZ)


def coupled(J, first, second):
    return 2 * np.pi * (J * SCALAR + first * IZ[0] + second * IZ[1])


def pulse(angle_deg, phase_deg, n=2):
    phase = np.radians(phase_deg)
    generator = np.cos(phase) * collective(n, "x") + np.sin(phase) * collective(n, "y")
    return unitary(np.radians(angle_deg) * generator)


def turned(rho, U):
    return U @ rho @ np.conj(np.swapaxes(U, -1, -2))


def free(H, time):
    return unitary(H * time)
