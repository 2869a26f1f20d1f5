"""What collective pulses on two like spins can prepare: bounds, and the coupling that symmetry forbids."""

import numpy as np
import pytest

import nmrqb
from nmrqb.errors import ArgumentError
from nmrqb.preparation import collective_limit
from nmrqb.spin.operators import collective


@pytest.mark.parametrize(
    ("battery", "beta", "norm"),
    [
        (nmrqb.Battery(axial=1), 0.75, 0.866),
        (nmrqb.Battery(rhombic=1), 0.5, 1.0),
        (nmrqb.Battery(axial=1, zeeman=0.4, rhombic=0.25, ksea=0.15), 0.646, 0.983),
    ],
)
def test_the_coldest_gibbs_state(battery, beta, norm):
    limit = collective_limit(battery)
    assert limit.inverse_temperature == pytest.approx(beta, abs=5e-4)
    assert limit.norm_efficiency == pytest.approx(norm, abs=5e-4)


def test_no_operation_within_the_triplet_goes_beyond_it_and_one_reaches_it():
    rng = np.random.default_rng(4)
    battery = nmrqb.Battery(axial=0.7, zeeman=-0.3, rhombic=0.5, ksea=0.2)
    H, Fz = battery.hamiltonian(), collective(2, "z")
    triplet = np.array([[1, 0, 0, 0], [0, np.sqrt(0.5), np.sqrt(0.5), 0], [0, 0, 0, 1]])
    h, f = triplet @ H @ triplet.T, np.diag([1.0, 0, -1])
    np.testing.assert_allclose(triplet.T @ f @ triplet, Fz, atol=1e-15)
    limit = collective_limit(battery).inverse_temperature * np.trace(H @ H).real
    a = rng.normal(size=(500, 3, 3)) + 1j * rng.normal(size=(500, 3, 3))
    U = np.linalg.qr(a)[0]
    reached = -np.einsum("kij,jl,kml,mi->k", U, f, U.conj(), h).real
    assert reached.max() <= limit
    assert reached.max() > 0.8 * limit
    best = np.linalg.eigh(h)[1][:, [0, 1, 2]]  # lowest level takes the highest weight
    assert -np.trace(best @ f @ best.conj().T @ h).real == pytest.approx(limit)


def test_arrays_of_batteries():
    limit = collective_limit(nmrqb.Battery(axial=np.array([1.0, 2.0])))
    np.testing.assert_allclose(limit.inverse_temperature, [0.75, 0.375])
    np.testing.assert_allclose(limit.norm_efficiency, np.sqrt(0.75))


def test_a_dm_coupling_is_odd_under_exchange():
    with pytest.raises(ArgumentError, match=r"odd under their exchange.* but is -0\.2"):
        collective_limit(nmrqb.Battery(axial=1, dm=np.array([0.0, -0.2])))
    collective_limit(nmrqb.Battery(axial=1, dm=0.0))


def test_no_coupling_no_temperature():
    with pytest.raises(ArgumentError, match="without any coupling"):
        collective_limit(nmrqb.Battery())
