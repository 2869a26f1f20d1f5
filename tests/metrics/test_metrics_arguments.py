"""Bad arguments are refused with the value that offends; the nearest good ones are taken."""

import numpy as np
import pytest

from nmrqb import metrics
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.propagation import liouvillian

H = pauli_string("ZI") + 0.5 * pauli_string("IZ") + 0.3 * pauli_string("XX")
RHO = np.diag([0.4, 0.3, 0.2, 0.1]).astype(complex)
L = liouvillian(pauli_string("XI"))
LOPSIDED = H + 0.01j * np.eye(4)[:, ::-1] * np.array([1, 0, 0, 0])
TIMES = np.linspace(0, 1, 5)

OF_STATE_AND_H = [
    metrics.ergotropy,
    metrics.passive_state,
    metrics.coherent_ergotropy,
    metrics.incoherent_ergotropy,
    lambda rho, H: metrics.stored_energy(rho, RHO, H),
    lambda rho, H: metrics.work(rho, RHO, H),
    lambda rho, H: metrics.efficiency(rho, RHO, H),
    lambda rho, H: metrics.capacity(H, rho),
    lambda rho, H: metrics.power(rho, H, L),
    lambda rho, H: metrics.ergotropy_power(rho, H, L),
    lambda rho, H: metrics.l1_coherence(rho, "energy", H=H),
    lambda rho, H: metrics.relative_entropy_of_coherence(rho, "energy", H=H),
    lambda rho, H: metrics.evolution_maxima(L, rho, H, 1.0),
]
OF_STATE = [
    metrics.concurrence,
    metrics.discord,
    metrics.purity,
    metrics.von_neumann_entropy,
    metrics.mutual_information,
    metrics.l1_coherence,
    metrics.relative_entropy_of_coherence,
    lambda rho: metrics.fidelity(rho, RHO),
    lambda rho: metrics.fidelity(RHO, rho),
    lambda rho: metrics.stored_energy(RHO, rho, H),
    lambda rho: metrics.work(RHO, rho, H),
    lambda rho: metrics.efficiency(RHO, rho, H),
]


@pytest.mark.parametrize("measure", [*OF_STATE, *(lambda rho, f=f: f(rho, H) for f in OF_STATE_AND_H)])
def test_states_are_checked(measure):
    measure(RHO)
    measure(RHO + 1e-9 * np.diag([1, -1, 0, 0]))
    with pytest.raises(ArgumentError, match=r"trace 1\.00001"):
        measure(RHO * 1.00001)
    with pytest.raises(ArgumentError, match=r"eigenvalue -0\.001"):
        measure(np.diag([0.501, 0.3, 0.2, -0.001]))
    with pytest.raises(ArgumentError, match="Hermitian"):
        measure(RHO + 0.01 * np.eye(4)[:, ::-1] * np.array([1, 0, 0, 0]))
    with pytest.raises(ArgumentError, match=r"of shape \(4,\)"):
        measure(np.diag(RHO))
    with pytest.raises(ArgumentError, match="NaN"):
        measure(RHO * np.nan)


@pytest.mark.parametrize("measure", OF_STATE_AND_H)
def test_observables_are_checked(measure):
    measure(RHO, H * (1 + 1e-9j))
    with pytest.raises(ArgumentError, match=r"H must be Hermitian, but is off by 0\.01"):
        measure(RHO, LOPSIDED)
    with pytest.raises(ArgumentError, match=r"2|dimension"):
        measure(RHO, pauli_string("Z"))


@pytest.mark.parametrize("measure", [metrics.concurrence, metrics.discord])
def test_two_spin_measures_take_two_spins(measure):
    measure(RHO)
    for d in (2, 3, 8):
        with pytest.raises(ArgumentError, match=rf"\({d}, {d}\)"):
            measure(np.eye(d) / d)


def test_discord_names_a_spin():
    metrics.discord(RHO, measured=1)
    with pytest.raises(ArgumentError, match="measured must be spin 0 or spin 1, but is 2"):
        metrics.discord(RHO, measured=2)
    with pytest.raises(ArgumentError, match=r"\(3, 3\)"):
        metrics.discord(np.eye(3) / 3, measured=1)


def test_capacity_kinds():
    for kind in ("gap", "ground"):
        metrics.capacity(H, kind=kind)
    for kind in ("orbit", "paper"):
        metrics.capacity(H, RHO, kind)
        with pytest.raises(ArgumentError, match=f"for capacity of kind '{kind}', but is None"):
            metrics.capacity(H, kind=kind)
    with pytest.raises(ArgumentError, match="'battery'"):
        metrics.capacity(H, RHO, "battery")


def test_bases():
    metrics.l1_coherence(RHO, np.eye(4)[:, ::-1])
    for basis, match in (
        (np.eye(4) * 1.001, r"basis must be unitary, but is off by 0\.002"),
        (np.eye(2), "dimension 2"),
    ):
        with pytest.raises(ArgumentError, match=match):
            metrics.l1_coherence(RHO, basis)
    with pytest.raises(ArgumentError, match="'bell'"):
        metrics.l1_coherence(RHO, "bell")
    with pytest.raises(ArgumentError, match="H must be given"):
        metrics.relative_entropy_of_coherence(RHO, "energy")


def test_groups_of_spins():
    metrics.mutual_information(RHO, 1)
    for spins in ([], [0, 1], [2]):
        with pytest.raises(ArgumentError, match=rf"not all, of the spins 0 to 1, but is {spins}".replace("[", r"\[")):
            metrics.mutual_information(RHO, spins)
    with pytest.raises(ArgumentError, match="power of two"):
        metrics.mutual_information(np.eye(3) / 3)


def test_generators():
    for call in (metrics.power, metrics.ergotropy_power):
        with pytest.raises(ArgumentError, match=r"of shape \(4, 4\)"):
            call(RHO, H, H)
        with pytest.raises(ArgumentError, match=r"generator must broadcast .*\(3,\)"):
            call(np.stack([RHO, RHO]), H, np.stack([L, L, L]))
    for duration in (0.0, -1.0, np.inf):
        with pytest.raises(ArgumentError, match=f"duration .*{duration}"):
            metrics.evolution_maxima(L, RHO, H, duration)
    with pytest.raises(ArgumentError, match="one number"):
        metrics.evolution_maxima(L, RHO, H, [1.0, 2.0])


@pytest.mark.parametrize("function", [metrics.maximum, metrics.instantaneous_power, metrics.average_power])
def test_sampled_curves(function):
    function(TIMES**2, TIMES)
    with pytest.raises(ArgumentError, match=r"0\.5 then 0\.5"):
        function(TIMES**2, [0, 0.25, 0.5, 0.5, 1])
    with pytest.raises(ArgumentError, match=r"values .*\(4,\)"):
        function(TIMES[:4], TIMES)
    with pytest.raises(ArgumentError, match="two samples"):
        function([0.0], [0.0])
    with pytest.raises(ArgumentError, match="finite"):
        function(TIMES * np.nan, TIMES)


def test_average_power_starts_from_zero():
    metrics.average_power(TIMES + 1, TIMES + 1)
    with pytest.raises(ArgumentError, match="be 0 at time 0"):
        metrics.average_power(TIMES + 1, TIMES)
    with pytest.raises(ArgumentError, match=r"zero or above, but is -0\.1"):
        metrics.average_power(TIMES, TIMES - 0.1)


def test_unchecked_calls_take_what_comes():
    """check=False is for callers who have checked: the answer for good input is the same."""
    for f in (metrics.ergotropy, metrics.coherent_ergotropy, metrics.incoherent_ergotropy, metrics.passive_state):
        np.testing.assert_array_equal(f(RHO, H, check=False), f(RHO, H))
    for f in (metrics.concurrence, metrics.discord, metrics.purity, metrics.l1_coherence, metrics.mutual_information):
        np.testing.assert_array_equal(f(RHO, check=False), f(RHO))
    with pytest.raises(ArgumentError):
        metrics.purity(2 * RHO)
    assert metrics.purity(2 * RHO, check=False) == pytest.approx(4 * metrics.purity(RHO))
