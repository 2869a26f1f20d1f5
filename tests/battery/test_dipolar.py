"""Geometry to couplings: eqs. (1)-(3) in SI units against textbook constants and the quantum Hamiltonian itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.constants import hbar, mu_0

from nmrqb import Battery
from nmrqb.battery import dipolar
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import collective, pauli_string

PROTON = 2.6752218744e8  # CODATA 2018, rad/(s T)
CARBON = 6.728284e7
ANGSTROM = 1e-10
PAIR = np.array([[0, 0, 0], [0, 0, 1.58 * ANGSTROM]])


def rotation(axis, angle):
    K = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


def test_textbook_constants():
    # Two protons at 1 angstrom 120.12 kHz, the water molecules of gypsum 30.45 kHz, C-H at 1.09 angstrom 23.3 kHz.
    assert dipolar.dipolar_constant(PROTON, PROTON, ANGSTROM) / (2 * np.pi) == pytest.approx(-120.12e3, abs=5)
    assert dipolar.dipolar_constant(PROTON, PROTON, 1.58 * ANGSTROM) / (2 * np.pi) == pytest.approx(-30.45e3, abs=5)
    assert dipolar.dipolar_constant(PROTON, CARBON, 1.09 * ANGSTROM) / (2 * np.pi) == pytest.approx(-23.3e3, abs=50)


def test_gypsum_pake_doublet():
    # Pake (1948): splitting 3|d|/2pi per unit of H_D, 91.4 kHz along the pair and half of it across.
    along = dipolar.secular_coupling(PAIR, [PROTON, PROTON], [0, 0, 11.7]) / (2 * np.pi)
    across = dipolar.secular_coupling(PAIR, [PROTON, PROTON], [1, 0, 0]) / (2 * np.pi)
    assert abs(3 * along) == pytest.approx(91.4e3, abs=50)
    assert abs(3 * across) == pytest.approx(45.7e3, abs=25)
    assert along < 0 < across


def test_magic_angle():
    field = [np.sqrt(2), 0, 1]  # 54.7356 degrees from the pair
    d = dipolar.secular_coupling(PAIR, [PROTON, PROTON], field)
    assert abs(d) < 1e-9 * abs(dipolar.dipolar_constant(PROTON, PROTON, 1.58 * ANGSTROM))


def test_classical_energy_of_bar_magnets():
    m = np.array([0, 0, 1.0])
    unit = mu_0 / (4 * np.pi)
    assert dipolar.classical_energy(m, m, [0, 0, 1]) == pytest.approx(-2 * unit)  # in a row: attract
    assert dipolar.classical_energy(m, m, [1, 0, 0]) == pytest.approx(unit)  # side by side: repel
    assert dipolar.classical_energy(m, -m, [0, 2, 0]) == pytest.approx(-unit / 8)


@given(st.floats(0, np.pi), st.floats(0, 2 * np.pi))
def test_full_tensor_is_the_classical_energy_of_moments_gamma_hbar_sigma_over_2(theta, azimuth):
    n = np.array([np.sin(theta) * np.cos(azimuth), np.sin(theta) * np.sin(azimuth), np.cos(theta)])
    positions = 2e-10 * np.stack([-n, n]) / 2
    T = dipolar.full_tensor(positions, [PROTON, CARBON])
    # the tensor's axes: z, and x in the plane of z and n
    x = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    frame = np.stack([x, np.cross([0, 0, 1], x), [0, 0, 1]])
    moments = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]) @ frame * hbar / 2
    energy = dipolar.classical_energy(PROTON * moments[:, None], CARBON * moments[None, :], positions[1] - positions[0])
    scale = np.abs(energy).max()
    assert np.allclose(hbar * T, energy, rtol=0, atol=1e-12 * scale)
    assert np.trace(T) == pytest.approx(0, abs=1e-12 * np.abs(T).max())


def test_secular_tensor_is_what_a_strong_field_leaves_of_the_full_one():
    # Averaging the full Hamiltonian over rotations about z removes exactly what does not commute with F_z.
    positions = ANGSTROM * np.array([[0.3, -0.2, 0.1], [1.1, 0.7, 1.9]])
    field = np.array([0.2, -0.5, 0.9])
    full = dipolar.tensor_hamiltonian(dipolar.full_tensor(positions, [PROTON, PROTON], field))
    F = np.diag(collective(2, "z")).real
    kept = np.where(np.subtract.outer(F, F) == 0, full, 0)
    secular = dipolar.tensor_hamiltonian(dipolar.secular_tensor(positions, [PROTON, PROTON], field))
    assert np.allclose(kept, secular, rtol=0, atol=1e-10 * np.abs(full).max())
    assert np.abs(full - kept).max() > 0.1 * np.abs(full).max()


def test_axial_parameter_is_three_quarters_of_d():
    d = dipolar.secular_coupling(PAIR, [PROTON, PROTON], [0.3, 0.2, 1.0])
    axial, rhombic = dipolar.hamiltonian_parameters(dipolar.secular_tensor(PAIR, [PROTON, PROTON], [0.3, 0.2, 1.0]))
    assert axial == pytest.approx(0.75 * d, rel=1e-14)
    assert rhombic == 0
    I = {a: [pauli_string(a + "I") / 2, pauli_string("I" + a) / 2] for a in "XYZ"}  # noqa: E741
    zz = I["Z"][0] @ I["Z"][1]
    H_D = d * (3 * zz - sum(I[a][0] @ I[a][1] for a in "XYZ"))
    assert np.allclose(Battery(axial=axial).hamiltonian(), H_D, rtol=0, atol=1e-12 * abs(d))


@pytest.mark.parametrize("field", [(0, 0, 1), (1, 0, 0)])
def test_battery_of_a_pair_along_or_across_the_field_is_the_full_interaction(field):
    T = dipolar.full_tensor(PAIR, [PROTON, PROTON], field)
    axial, rhombic = dipolar.hamiltonian_parameters(T)
    battery = Battery(axial=axial, rhombic=rhombic)
    assert np.allclose(battery.hamiltonian(), dipolar.tensor_hamiltonian(T), rtol=0, atol=1e-10 * abs(axial))
    of_eq3 = dipolar.tensor_parameters(T)
    P = np.diag([of_eq3.axial - 3 * of_eq3.rhombic, of_eq3.axial + 3 * of_eq3.rhombic, -2 * of_eq3.axial])
    assert np.allclose(P, T, rtol=0, atol=1e-10 * abs(axial))


def test_sign_of_the_axial_parameter():
    # Eq. (4), Delta > 0: ground state (|01> + |10>)/sqrt 2; Delta < 0: |00>, |11>. Eq. (3) the other way round.
    easy_plane = Battery(axial=1.0).eigenstates()[:, 0]
    assert abs(np.vdot(np.array([0, 1, 1, 0]) / np.sqrt(2), easy_plane)) == pytest.approx(1)
    easy_axis = Battery(axial=-1.0).eigenstates()[:, :2]
    assert np.allclose(np.abs(easy_axis[[0, 3]]) ** 2 @ [1, 1], 1)
    T = dipolar.secular_tensor(PAIR, [PROTON, PROTON])  # protons in a row along z: d < 0, spins like to lie along z
    assert dipolar.hamiltonian_parameters(T).axial < 0 < dipolar.tensor_parameters(T).axial


def test_rotating_pair_and_field_together_changes_nothing():
    turn = rotation(np.array([1, 2, 3]) / np.sqrt(14), 0.7)
    positions, field = ANGSTROM * np.array([[0, 0, 0], [1, 2, 0.5]]), np.array([0.1, 0.3, 1])
    before = dipolar.full_tensor(positions, [PROTON, CARBON], field)
    after = dipolar.full_tensor(positions @ turn.T, [PROTON, CARBON], turn @ field)
    assert np.allclose(before, after, rtol=0, atol=1e-9 * np.abs(before).max())


def test_arrays_of_orientations():
    angles = np.linspace(0, np.pi, 7)
    fields = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], axis=-1)
    d = dipolar.secular_coupling(PAIR, [PROTON, PROTON], fields)
    b = dipolar.dipolar_constant(PROTON, PROTON, 1.58 * ANGSTROM)
    assert np.allclose(d, b * (3 * np.cos(angles) ** 2 - 1) / 2, rtol=1e-12, atol=1e-9 * abs(b))
    assert dipolar.full_tensor(PAIR, [PROTON, PROTON], fields).shape == (7, 3, 3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: dipolar.dipolar_constant(PROTON, PROTON, 0.0), "distance must be above zero, but is 0.0"),
        (lambda: dipolar.secular_coupling(np.zeros((3, 3)), [1, 1]), r"positions must have shape \(..., 2, 3\)"),
        (lambda: dipolar.secular_coupling(np.zeros((2, 3)), [1, 1]), "positions must be .* but is of length 0"),
        (lambda: dipolar.secular_coupling(PAIR, [1, 1, 1]), r"gammas must have .* but is of shape \(3,\)"),
        (lambda: dipolar.secular_coupling(PAIR, [1, 1], [0, 0, 0]), "field must be a vector .* but is of length 0"),
        (lambda: dipolar.classical_energy([1, 0], [1, 0, 0], [0, 0, 1]), r"moment1 must have .* is of shape \(2,\)"),
        (lambda: dipolar.tensor_hamiltonian(np.eye(2)), r"tensor must have shape .* but is of shape \(2, 2\)"),
        (lambda: dipolar.hamiltonian_parameters(np.diag([1.0, 1, 1])), "tensor must be traceless, but is of trace 3"),
        (
            lambda: dipolar.hamiltonian_parameters(dipolar.full_tensor(PAIR, [PROTON, PROTON], [1, 0, 1])),
            "tensor must be diagonal .* but is off by",
        ),
    ],
)
def test_refusals(call, match):
    with pytest.raises(ArgumentError, match=match):
        call()
