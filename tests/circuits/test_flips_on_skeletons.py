"""X-dephasing as a device can have it: random flips, each trajectory one row of angles of the same compiled circuit."""

import numpy as np
import pytest
from outcomes import mixed

import nmrqb
from nmrqb.circuits.prepare import branches
from nmrqb.circuits.skeleton import skeleton
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import pauli_labels, pauli_stack, pauli_string
from nmrqb.spin.propagation import lindblad
from nmrqb.timeline import Mark, Timeline
from nmrqb.timeline.trajectories import random_flips
from nmrqb.tomography import linear_inversion, pauli_settings

GAMMA, TIME, STEPS = 0.2, 1.5, 20
NINE = pauli_settings(2)
H = nmrqb.Battery(axial=1, zeeman=0.4, rhombic=0.25, dm=0.3, ksea=0.15).hamiltonian()
GROUND = np.diag([1.0, 0, 0, 0])
FROM_GROUND = branches(np.diag(GROUND), ())


def battery():
    labels = [label for label in pauli_labels(2) if label != "II"]
    coefficients = np.einsum("kij,ji->k", pauli_stack(labels), H).real / 4
    used = np.abs(coefficients) > 1e-12
    names = tuple(label for label, u in zip(labels, used, strict=True) if u)
    noise = Noise((np.inf,) * 2, (np.inf,) * 2, (0.0,) * 2, (0.0,) * 2, x_dephasing=(GAMMA, GAMMA))
    angles = TIME * coefficients[used]
    return Timeline(names, angles[None], np.array([TIME]), (Mark("observe", 1, "end"),), (0,), noise)


def solution():
    """The paper's equation of motion, L = sqrt(gamma) sigma_x on each spin, solved without timelines or circuits."""
    jumps = np.sqrt(GAMMA) * np.stack([pauli_string("XI"), pauli_string("IX")])
    return lindblad(H, jumps, GROUND, [TIME])[0]


def distance(a, b):
    return 0.5 * np.abs(np.linalg.eigvalsh(a - b)).sum(axis=-1)


def trajectories(runs, seed):
    """States of every trajectory, (runs, 4, 4), from one circuit."""
    made = skeleton(random_flips(battery(), runs, STEPS, seed), FROM_GROUND, NINE, mark="end")
    assert made.angles.shape[:3] == (runs, 1, 9)
    assert made.two_qubit_gates == 3
    return linear_inversion(mixed(made, FROM_GROUND), NINE)


def test_the_average_comes_to_the_lindblad_solution_as_one_over_the_root_of_the_runs():
    """The error of K runs against that of independent draws: sqrt of the trajectories' own variance over K."""
    exact, states = solution(), trajectories(640, seed=3)
    spread = np.sqrt((np.abs(states - states.mean(axis=0)) ** 2).sum(axis=(1, 2)).mean())
    errors = {}
    for runs in (10, 40, 160):
        means = states.reshape(-1, runs, 4, 4).mean(axis=1)
        errors[runs] = np.sqrt((np.abs(means - exact) ** 2).sum(axis=(1, 2)).mean())
        groups = 640 // runs
        # 15 real components share the error: its relative scatter over the groups is below sqrt(1/(2 groups))
        assert errors[runs] == pytest.approx(spread / np.sqrt(runs), rel=4 * np.sqrt(1 / (2 * groups)))
    assert errors[10] > errors[40] > errors[160]
    assert distance(states.mean(axis=0), exact) < 3 * spread / np.sqrt(640)


def test_without_flips_the_error_would_be_seen():
    without = nmrqb.Exact().run(Timeline(**{**vars(battery()), "noise": None}), GROUND).rho[0, 0]
    assert distance(without, solution()) > 0.1


def test_trajectories_are_decided_by_their_seed_and_only_angles_differ():
    one, same, other = (
        skeleton(random_flips(battery(), 5, STEPS, seed), FROM_GROUND, NINE, mark="end") for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.angles, same.angles)
    assert np.abs(one.angles - other.angles).max() > 0.1
    assert [step.name for step in one.circuit] == [step.name for step in other.circuit]


def test_the_channel_on_aer_is_the_same_equation():
    aer = nmrqb.Shots(shots=None, split=1e-6).run(battery(), GROUND).rho[0, 0]
    assert distance(aer, solution()) < 1e-6
