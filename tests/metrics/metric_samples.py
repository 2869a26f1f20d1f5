"""Random states and observables for the tests of the metrics."""

import numpy as np


def random_states(rng, count, d=4, rank=None, mixing=0.0):
    """Density matrices (count, d, d) of a given rank, mixed with the identity."""
    rank = d if rank is None else rank
    factors = rng.normal(size=(count, d, rank)) + 1j * rng.normal(size=(count, d, rank))
    rho = factors @ factors.conj().swapaxes(-1, -2)
    rho /= np.einsum("mii->m", rho).real[:, None, None]
    return (1 - mixing) * rho + mixing * np.eye(d) / d


def random_x_states(rng, count, extremal=False):
    """X states (count, 4, 4); extremal ones have both coherences as large as positivity allows (rank two)."""
    p = rng.dirichlet(np.full(4, 0.7), size=count)
    size = np.ones((count, 2)) if extremal else rng.random((count, 2))
    phase = np.exp(2j * np.pi * rng.random((count, 2)))
    rho = np.zeros((count, 4, 4), dtype=complex)
    rho[:, range(4), range(4)] = p
    for k, (i, j) in enumerate(((0, 3), (1, 2))):
        rho[:, i, j] = size[:, k] * phase[:, k] * np.sqrt(p[:, i] * p[:, j])
        rho[:, j, i] = rho[:, i, j].conj()
    return rho


def random_unitaries(rng, count, d=4):
    return np.linalg.qr(rng.normal(size=(count, d, d)) + 1j * rng.normal(size=(count, d, d)))[0]


def random_local(rng, count):
    """Products of two single-spin unitaries, (count, 4, 4)."""
    a, b = random_unitaries(rng, count, 2), random_unitaries(rng, count, 2)
    return np.einsum("mij,mkl->mikjl", a, b).reshape(count, 4, 4)


def random_hermitian(rng, count, d=4):
    a = rng.normal(size=(count, d, d)) + 1j * rng.normal(size=(count, d, d))
    return a + a.conj().swapaxes(-1, -2)


def turned(rho, U):
    return U @ rho @ U.conj().swapaxes(-1, -2)
