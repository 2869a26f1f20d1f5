"""The solvers against every exactly solvable system, and the harness against solvers that are wrong."""

import numpy as np
import pytest
from oracle_systems import SYSTEMS, TIMES, deviation, failures
from scipy.linalg import expm

from nmrqb import lindblad
from nmrqb.spin import noise
from nmrqb.spin.propagation import evolve, liouvillian

TOLERANCE = 1e-12


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_lindblad(system):
    assert deviation(lindblad, system) < TOLERANCE
    assert deviation(lindblad, system, np.linspace(0, 7, 141)) < TOLERANCE
    if not system.jumps:
        assert deviation(lambda H, _, rho0, times: evolve(H, rho0, times), system) < TOLERANCE


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_exact_solutions_solve_their_equation(system):
    """The oracles themselves: d rho/dt of the closed form is the right-hand side, and it starts from rho0."""
    np.testing.assert_allclose(system.exact(0.0), system.rho0, atol=1e-15)
    h = 1e-4
    for t in (0.4, 1.9):
        slope = (system.exact(t + h) - system.exact(t - h)) / (2 * h)
        rho = system.exact(t)
        right = -1j * (system.H @ rho - rho @ system.H)
        for A in system.jumps:
            right = right + A @ rho @ A.conj().T - 0.5 * (A.conj().T @ A @ rho + rho @ A.conj().T @ A)
        np.testing.assert_allclose(slope, right, atol=1e-6)


def test_named_noise_makes_the_same_systems():
    """The jump sets of the library, put in place of those written out by hand."""
    named = {
        "damped qubit": noise.amplitude_damping(1, 0.6, 0.35),
        "dephased qubit": noise.dephasing(1, 0.25, "z"),
        "superradiant pair (defective)": noise.amplitude_damping(2, 0.4, 1.0, collective=True),
        "collectively dephased pair": noise.dephasing(2, 0.3, "z", collective=True),
        "X-dephased battery": noise.dephasing(2, 0.2, "x"),
    }
    for system in SYSTEMS:
        if system.name in named:
            jumps = named.pop(system.name)
            assert deviation(lambda H, _, rho0, times, jumps=jumps: lindblad(H, jumps, rho0, times), system) < TOLERANCE
    assert not named


def by_generator(change):
    """A solver by matrix exponentials of a generator that `change` has tampered with."""

    def solve(H, jumps, rho0, times):
        L = change(H, jumps)
        d = len(rho0)
        return np.stack([(expm(L * t) @ rho0.reshape(-1)).reshape(d, d) for t in times])

    return solve


def without_loss(H, jumps):
    L = liouvillian(H)
    return L + sum((np.kron(A, A.conj()) for A in jumps), np.zeros_like(L))


def by_columns(H, jumps):
    """The right generator for vectors stacked by columns, used on vectors stacked by rows."""
    one = np.eye(len(H))
    L = -1j * (np.kron(one, H) - np.kron(H.T, one))
    for A in jumps:
        loss = 0.5 * A.conj().T @ A
        L = L + np.kron(A.conj(), A) - np.kron(one, loss) - np.kron(loss.T, one)
    return L


def euler(H, jumps, rho0, times):
    """First order in time, a thousand steps for each interval of up to 11."""
    L, v, now, states = liouvillian(H, jumps), rho0.astype(complex).reshape(-1), 0.0, []
    for t in times:
        for _ in range(1000):
            v = v + L @ v * (t - now) / 1000
        now = t
        states.append(v.reshape(rho0.shape))
    return np.stack(states)


WRONG = {
    "time runs backwards in H": by_generator(lambda H, jumps: liouvillian(-H, jumps)),
    "rates doubled": by_generator(lambda H, jumps: liouvillian(H, [np.sqrt(2) * A for A in jumps])),
    "rate for its square root": by_generator(
        lambda H, jumps: liouvillian(H, [A * np.linalg.norm(A, 2) for A in jumps])
    ),
    "jumps daggered": by_generator(lambda H, jumps: liouvillian(H, [A.conj().T for A in jumps])),
    "jumps forgotten": by_generator(lambda H, jumps: liouvillian(H)),
    "loss forgotten": by_generator(without_loss),
    "columns taken for rows": by_generator(by_columns),
    "levels off by a millionth": by_generator(
        lambda H, jumps: liouvillian(H + 1e-6 * np.diag(np.arange(len(H))), jumps)
    ),
    "first order in time": euler,
    "times shifted": lambda H, jumps, rho0, times: lindblad(H, jumps, rho0, times + 1e-9),
    "not a number": lambda H, jumps, rho0, times: lindblad(H, jumps, rho0, times) * np.nan,
}


@pytest.mark.parametrize("name", WRONG)
def test_harness_fails_wrong_solvers(name):
    assert failures(WRONG[name], TOLERANCE)


def test_harness_passes_an_independent_right_solver():
    assert failures(by_generator(liouvillian), TOLERANCE) == []
    assert failures(lindblad, TOLERANCE) == []


def test_every_system_can_fail():
    """No oracle is so bland that a solver which never moves would pass it."""
    frozen = failures(lambda H, jumps, rho0, times: np.stack([rho0] * len(TIMES)), 1e-3)
    assert frozen == [system.name for system in SYSTEMS]
