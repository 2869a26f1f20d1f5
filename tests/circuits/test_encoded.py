"""Charging in the code as a user runs it: energies against exact ones, honest errors, acceptance, refusals."""

import numpy as np
import pytest

import nmrqb
from nmrqb.circuits.devices import open_machine
from nmrqb.circuits.encoded import charge_encoded
from nmrqb.errors import ArgumentError
from nmrqb.jobs import Ledger

BATTERY = nmrqb.Battery(axial=1.0, rhombic=0.25, zeeman=0.4)


def exact(battery, phi, time=0.0):
    H = battery.hamiltonian()
    turn = nmrqb.charging_unitary(2, phi)
    rho0 = battery.gibbs_state(1.0)
    values, vectors = np.linalg.eigh(H)
    U = (vectors * np.exp(-1j * values * time)) @ vectors.conj().T @ turn
    rho = U @ rho0 @ U.conj().T
    return float(np.trace(rho @ H).real), float(nmrqb.metrics.stored_energy(rho, rho0, H))


@pytest.mark.parametrize(("time", "steps"), [(0.0, 0), (0.6, 4)])
def test_energies_without_noise_are_exact_within_their_errors(time, steps):
    machine = open_machine("aer", 4)
    energy, stored = exact(BATTERY, 0.7, time)
    scores = []
    for seed in range(8):
        found = charge_encoded(BATTERY, 1.0, 0.7, machine, time=time, steps=steps, shots=2000, seed=seed, readout=False)
        scores.append((found.energy - energy) / found.error)
        assert found.stored - stored == pytest.approx(found.energy - energy, abs=1e-12)
        assert found.acceptance == pytest.approx((1, 1, 1), abs=1e-12)
        assert found.circuits == 12
        assert found.shots == pytest.approx(6000, abs=6)
    assert np.mean(np.square(scores)) == pytest.approx(1, abs=1.1)  # chi^2 of 8, 3 standard deviations and a bit
    assert abs(np.mean(scores)) < 4 / np.sqrt(8)


def test_on_a_device_shots_are_dropped_and_the_energy_stays():
    battery = nmrqb.Battery(axial=1.0, rhombic=0.25)
    machine = open_machine("fake:torino", 4)
    found = charge_encoded(battery, 1.0, 0.6, machine, time=1.5, steps=3, shots=4096, seed=1)
    assert all(0.8 < share < 1 for share in found.acceptance)
    assert found.circuits == 12 + 16
    assert found.energy == pytest.approx(exact(battery, 0.6)[0], abs=4 * found.error + 0.03)
    again = charge_encoded(battery, 1.0, 0.6, machine, time=1.5, steps=3, shots=4096, seed=1)
    assert again == found


def test_what_the_code_cannot_run_is_refused():
    machine = open_machine("aer", 4)
    with pytest.raises(ArgumentError, match=r"dm must .* 0\.3"):
        charge_encoded(nmrqb.Battery(axial=1.0, dm=0.3), 1.0, 0.7, machine)
    with pytest.raises(ArgumentError, match=r"shots must .* 99"):
        charge_encoded(BATTERY, 1.0, 0.7, machine, shots=99)
    with pytest.raises(ArgumentError, match=r"steps must .* 0"):
        charge_encoded(BATTERY, 1.0, 0.7, machine, time=1.0)
    with pytest.raises(ArgumentError, match="one of 2 qubits"):
        charge_encoded(BATTERY, 1.0, 0.7, open_machine("fake:torino", 2))


def test_a_ledger_keeps_the_counts_of_the_code(tmp_path, monkeypatch):
    machine = open_machine("aer", 4)
    with Ledger(tmp_path) as ledger:
        first = charge_encoded(BATTERY, 1.0, 0.7, machine, shots=200, seed=3, ledger=ledger)

    def refuse(*_):
        raise AssertionError("handed in twice")

    monkeypatch.setattr(type(machine.device), "submit", refuse)
    with Ledger(tmp_path) as ledger:
        assert charge_encoded(BATTERY, 1.0, 0.7, machine, shots=200, seed=3, ledger=ledger) == first
        with pytest.raises(AssertionError, match="handed in twice"):
            charge_encoded(BATTERY, 1.0, 0.8, machine, shots=200, seed=3, ledger=ledger)
