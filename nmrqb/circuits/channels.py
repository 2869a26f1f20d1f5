"""Noise over a finite time as superoperators, made without the exact engine's generators: in closed form, a bath by its series.

A channel on m spins is a matrix (4^m, 4^m) on row-major vectors, spin 0 leftmost: vec(A rho B) = (A kron B^T) vec(rho).
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from scipy.special import gammainc

from nmrqb.checks import ComplexArray, FloatArray

_HADAMARD = np.array([[1, 1], [1, -1]]) / math.sqrt(2)


def spin_channel(longitudinal: float, transverse: float, x: float, polarisation: float, time: float) -> ComplexArray:
    """One spin for `time` (s): T1 at rate `longitudinal` towards <Z> = polarisation, coherence at `transverse`, X flips at x.

    Rates in 1/s. The Bloch vector decays at (transverse, transverse + 2x, longitudinal + 2x), and <Z> ends at
    polarisation x longitudinal / (longitudinal + 2x): all of it at once, so nothing is split inside a spin.
    """
    total = longitudinal + 2 * x
    end = polarisation * longitudinal / total if total else 0.0
    kept = math.exp(-total * time)
    ex, ey = math.exp(-transverse * time), math.exp(-(transverse + 2 * x) * time)
    up, down = (1 + end) / 2 * -math.expm1(-total * time), (1 - end) / 2 * -math.expm1(-total * time)
    channel = np.zeros((4, 4), dtype=complex)
    channel[np.ix_([0, 3], [0, 3])] = [[kept + up, up], [down, kept + down]]
    channel[np.ix_([1, 2], [1, 2])] = [[(ex + ey) / 2, (ex - ey) / 2], [(ex - ey) / 2, (ex + ey) / 2]]
    return channel


def correlated_dephasing(covariance: FloatArray, axis: str, time: float) -> ComplexArray:
    """The exponential of sum_kl C_kl (A_k rho A_l - {A_l A_k, rho}/2) over `time` (s), A = sigma_z or sigma_x.

    covariance: C (m, m) in 1/s. In the eigenbasis of A the element between a and b (entries +-1) keeps exp(-(a - b) C (a - b) time/2).
    """
    signs = np.array(list(product([1, -1], repeat=len(covariance))))
    difference = signs[:, None, :] - signs[None, :, :]
    mask = np.exp(-0.5 * time * np.einsum("abk,kl,abl->ab", difference, covariance, difference)).reshape(-1)
    if axis == "z":
        return np.diag(mask).astype(complex)
    turn: np.ndarray = np.ones((1, 1))
    for _ in range(2 * len(covariance)):
        turn = np.kron(turn, _HADAMARD)
    return (turn * mask @ turn).astype(complex)


def shared_field(strength: float, polarisation: float, time: float) -> ComplexArray:
    """Two spins for `time` (s) under thermal jumps of a field they share: sqrt(|g|(1+P)/2) (s1+ + s s2+), and down.

    strength: g in 1/s, s its sign. For s = 1 the jumps climb T-, T0, T+ and leave S alone; for s = -1 T0 and S change roles.
    Populations follow a ladder of three levels, the coherences T+T0 and T0T- feed each other, all others decay (here derived).
    """
    sign = math.copysign(1.0, strength)
    up, down = (
        abs(strength) * (1 + polarisation),
        abs(strength) * (1 - polarisation),
    )  # out of a rung, |<T0|F+|T->|^2 = 2
    out = np.array([down, up + down, up, 0.0])  # of T+, T0, T-, S; the loss of a coherence is their mean
    inner = np.diag(np.exp(-0.5 * time * (out[:, None] + out[None, :])).reshape(-1)).astype(complex)
    rungs = [0, 5, 10]
    inner[np.ix_(rungs, rungs)] = _ladder(up, down, time)
    for pair in ([1, 6], [4, 9]):  # T+T0 with T0T-, and the transposed ones
        inner[np.ix_(pair, pair)] = _two_rungs(up, down, time)
    h = math.sqrt(0.5)
    levels = np.array([[sign, 0, 0, 0], [0, h, 0, h], [0, sign * h, 0, -sign * h], [0, 0, 1, 0]])
    basis = np.kron(levels, levels)
    return basis @ inner @ basis.T


def _ladder(up: float, down: float, time: float) -> FloatArray:
    """exp(M t) for populations of three rungs from the top: up and down are the rates of each step.

    M has eigenvalues 0 and -S +- r with S = up + down, r = sqrt(up down); so exp(M t) = 1 + a M + b M^2.
    """
    M = np.array([[-down, up, 0], [down, -(up + down), up], [0, down, -up]])
    S, r = up + down, math.sqrt(up * down)
    if r * time > 0.03:
        low, high = (math.expm1(x * time) / x for x in (-S - r, -S + r))
        b = (high - low) / (2 * r)
        mean = (high + low) / 2
    else:  # integrals of exp(-S t) sinh(r t)/r and exp(-S t) cosh(r t), as series in r t
        m = [math.factorial(k) * float(gammainc(k + 1, S * time)) / S ** (k + 1) for k in range(6)]
        b = m[1] + r**2 * m[3] / 6 + r**4 * m[5] / 120
        mean = m[0] + r**2 * m[2] / 2 + r**4 * m[4] / 24
    return np.eye(3) + (mean + S * b) * M + b * M @ M


def _two_rungs(up: float, down: float, time: float) -> FloatArray:
    """exp(W t) for the coherences T+T0 and T0T-."""
    S = up + down
    delta = math.sqrt(((up - down) / 4) ** 2 + up * down)
    W = np.array([[-(down + up / 2), up], [down, -(up + down / 2)]]) + 0.75 * S * np.eye(2)
    slow, fast = math.exp(-(0.75 * S - delta) * time), math.exp(-(0.75 * S + delta) * time)
    sinh = -slow * math.expm1(-2 * delta * time) / (2 * delta)  # exp(-3 S t/4) sinh(delta t)/delta
    return (slow + fast) / 2 * np.eye(2) + sinh * W


def secular_bath(
    hamiltonian: ComplexArray, temperature: float, couplings: ComplexArray, tolerance: float = 1e-9
) -> ComplexArray:
    """The generator of relaxation towards the Gibbs state, element by element, (d^2, d^2) in the basis of `hamiltonian`'s space.

    In the eigenbasis, elements jl and km of rho are joined where the Bohr frequencies jk and lm agree: Redfield's tensor with
    what oscillates left out, spectral density 1/(1 + exp(-w/T)) (Breuer and Petruccione, The Theory of Open Quantum Systems,
    sec. 3.3). hamiltonian and temperature in rad/s; couplings (K, d, d) in s^(-1/2), Hermitian.
    """
    energies, V = np.linalg.eigh(hamiltonian)
    d = len(energies)
    A = np.einsum("ji,ajk,kl->ail", V.conj(), couplings, V)
    gap = energies[None, :] - energies[:, None]  # [j, k]: energy given to the bath by k -> j
    close = tolerance * max(float(np.ptp(energies)), 1e-300)
    rate = np.where(gap >= 0, 1.0, np.exp(-np.abs(gap) / temperature)) / (1 + np.exp(-np.abs(gap) / temperature))
    together = np.abs(gap[:, :, None, None] - gap[None, None, :, :]) <= close  # [j, k, l, m]
    gain = np.einsum("ajk,alm,jk,jklm->jlkm", A, A.conj(), rate, together)
    loss = np.einsum("ajn,ajk,jk,jkjn->nk", A.conj(), A, rate, together)
    one = np.eye(d)
    generator = gain.reshape(d * d, d * d) - 0.5 * (np.kron(loss, one) + np.kron(one, loss.T))
    turn = np.kron(V, V.conj())
    return turn @ generator @ turn.conj().T


def semigroup(generator: ComplexArray, time: float) -> ComplexArray:
    """exp(generator x time) by its power series, halved until the series is short and squared back."""
    step = generator * time
    halvings = max(0, math.ceil(math.log2(max(float(np.linalg.norm(step, 1)), 1e-300))) + 2)
    step = step / 2**halvings
    term = result = np.eye(len(step), dtype=complex)
    for k in range(1, 16):
        term = term @ step / k
        result = result + term
    for _ in range(halvings):
        result = result @ result
    return result


def applied(channel: ComplexArray, spins: tuple[int, ...], n: int, before: ComplexArray) -> ComplexArray:
    """`channel` on some of n spins after the channel `before` (4^n, K) on all of them."""
    m = len(spins)
    axes = [*spins, *(n + k for k in spins)]
    tensor = before.reshape((2,) * (2 * n) + (-1,))
    turned = np.tensordot(channel.reshape((2,) * (4 * m)), tensor, axes=(list(range(2 * m, 4 * m)), axes))
    return np.moveaxis(turned, range(2 * m), axes).reshape(before.shape)
