"""Systems whose dynamics are known in closed form, and the harness that holds a solver against all of them.

A solver is any function (H, jumps, rho0, times) -> (T, d, d).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

X = np.array([[0, 1], [1, 0]], dtype=complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1.0 + 0j, -1.0])
ONE = np.eye(2)
LOWER = np.array([[0, 1], [0, 0]], dtype=complex)  # |0><1|
XI, IX, ZI, IZ = np.kron(X, ONE), np.kron(ONE, X), np.kron(Z, ONE), np.kron(ONE, Z)
#: Uneven on purpose, with a repeat and a long wait.
TIMES = np.array([0.0, 0.05, 0.3, 0.3, 0.9, 2.0, 2.7, 11.0])


@dataclass(frozen=True)
class System:
    """A master equation with its solution, exact(t) for a scalar t, and where that comes from."""

    name: str
    H: np.ndarray
    jumps: list[np.ndarray]
    rho0: np.ndarray
    exact: Callable[[float], np.ndarray]
    source: str


def bloch(x, y, z):
    return 0.5 * (ONE + x * X + y * Y + z * Z)


def precession():
    w = 1.7
    exact = lambda t: bloch(0.6 * np.cos(w * t) - 0.3 * np.sin(w * t), 0.6 * np.sin(w * t) + 0.3 * np.cos(w * t), 0.2)  # noqa: E731
    return System("precession", 0.5 * w * Z, [], bloch(0.6, 0.3, 0.2), exact, "Larmor: rotation about z")


def rabi():
    detuning, drive = 0.8, 1.5
    W = np.hypot(detuning, drive)

    def exact(t):
        n = np.array([drive, 0, detuning]) / W
        v = np.array([0.0, 0.0, 1.0])
        turned = v * np.cos(W * t) + np.cross(n, v) * np.sin(W * t) + n * (n @ v) * (1 - np.cos(W * t))
        return bloch(*turned)

    return System("detuned Rabi", 0.5 * (detuning * Z + drive * X), [], bloch(0, 0, 1), exact, "Rodrigues' rotation")


def damped_qubit():
    w, rate, P = 2.1, 0.6, 0.35
    jumps = [np.sqrt(rate * (1 + P) / 2) * LOWER, np.sqrt(rate * (1 - P) / 2) * LOWER.T]

    def exact(t):
        across = (0.5 - 0.4j) * np.exp(1j * w * t - rate * t / 2)
        return bloch(across.real, across.imag, P + (-0.6 - P) * np.exp(-rate * t))

    return System("damped qubit", 0.5 * w * Z, jumps, bloch(0.5, -0.4, -0.6), exact, "Bloch equations, 1/T1 = 2/T2")


def dephased_qubit():
    w, gamma = 1.1, 0.25

    def exact(t):
        across = 0.8 * np.exp((1j * w - 2 * gamma) * t)
        return bloch(across.real, across.imag, 0.4)

    return System("dephased qubit", 0.5 * w * Z, [np.sqrt(gamma) * Z], bloch(0.8, 0, 0.4), exact, "Bloch equations")


def critically_damped():
    gamma = 0.9
    exact = lambda t: bloch(0, -gamma * t * np.exp(-gamma * t), (1 + gamma * t) * np.exp(-gamma * t))  # noqa: E731
    return System(
        "critically damped drive (defective)",
        0.5 * gamma * X,
        [np.sqrt(gamma) * Z],
        bloch(0, 0, 1),
        exact,
        "z'' + 2 g z' + g^2 z = 0 with z' = g y",
    )


def superradiance():
    """Two spins in one environment from |11>: down the triplet ladder, both steps at 2 gamma."""
    gamma = 0.4

    def exact(t):
        top = np.exp(-2 * gamma * t)
        middle = 2 * gamma * t * top
        rho = np.diag([1 - top - middle, 0, 0, top]).astype(complex)
        rho[1:3, 1:3] += middle / 2
        return rho

    jump = np.sqrt(gamma) * (np.kron(LOWER, ONE) + np.kron(ONE, LOWER))
    return System(
        "superradiant pair (defective)", np.zeros((4, 4)), [jump], np.diag([0, 0, 0, 1.0]), exact, "rate equations"
    )


def collectively_dephased_pair():
    gamma, J = 0.3, 0.7
    psi = np.full(4, 0.5)
    energies = np.array([J, -J, -J, J]) + np.array([0.9, 0.2, -0.2, -0.9])
    M = np.array([2, 0, 0, -2])

    def exact(t):
        phase = np.exp(-1j * np.subtract.outer(energies, energies) * t)
        return np.outer(psi, psi) * phase * np.exp(-0.5 * gamma * t * np.subtract.outer(M, M) ** 2)

    return System(
        "collectively dephased pair",
        np.diag(energies),
        [np.sqrt(gamma) * (ZI + IZ)],
        np.outer(psi, psi),
        exact,
        "everything diagonal: each coherence decays by itself",
    )


def x_dephased_battery():
    """The dipolar battery under the paper's dephasing from |00>, B = G = 0: whatever Delta and D are."""
    Delta, eps, D, gamma = 0.7, 0.45, -0.6, 0.2
    up, flip = 2 * Delta / 3, -2 * Delta / 3 + 2j * D
    H = np.array([[up, 0, 0, 2 * eps], [0, -up, flip, 0], [0, np.conj(flip), -up, 0], [2 * eps, 0, 0, up]])

    def exact(t):
        u = np.exp(-2 * gamma * t)
        rho = np.diag([1 + u * u, 1 - u * u, 1 - u * u, 1 + u * u]).astype(complex) / 4
        swing = 0.5 * u * np.cos(4 * eps * t)
        rho[0, 0] += swing
        rho[3, 3] -= swing
        rho[0, 3] = 0.5j * u * np.sin(4 * eps * t)
        rho[3, 0] = -rho[0, 3]
        return rho

    jumps = [np.sqrt(gamma) * XI, np.sqrt(gamma) * IX]
    return System(
        "X-dephased battery", H, jumps, np.diag([1.0, 0, 0, 0]), exact, "paper's eqs (4), (19), (20), solved for |00>"
    )


SYSTEMS = [
    build()
    for build in (
        precession,
        rabi,
        damped_qubit,
        dephased_qubit,
        critically_damped,
        superradiance,
        collectively_dephased_pair,
        x_dephased_battery,
    )
]


def deviation(solve, system, times=TIMES):
    """Largest difference from the exact states over all times and elements."""
    expected = np.stack([system.exact(t) for t in times])
    return float(np.max(np.abs(solve(system.H, system.jumps, system.rho0, times) - expected)))


def failures(solve, tolerance):
    """Names of the systems a solver gets wrong by more than the tolerance."""
    return [system.name for system in SYSTEMS if not deviation(solve, system) <= tolerance]
