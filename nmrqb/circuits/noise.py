"""Noise on circuits: the sample's relaxation as one-qubit channels between pieces of evolution, Strang-split to a bound."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from qiskit.circuit import Instruction
from qiskit.quantum_info import SuperOp
from qiskit_aer.noise import thermal_relaxation_error

from nmrqb.checks import FloatArray
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import pauli_stack
from nmrqb.spin.propagation import dissipator
from nmrqb.timeline import Timeline


@lru_cache(maxsize=4096)
def relaxation_channel(t1: float, t2: float, polarisation: float, time: float) -> Instruction:
    """T1 and T2 relaxation of one qubit for `time` (s) towards <sigma_z> = polarisation, as a channel instruction.

    Aer's own thermal relaxation error as one Kraus map. It is exact for one spin and owes nothing to the exact engine,
    which is how the two can check each other.
    """
    error = thermal_relaxation_error(t1, t2, time, excited_state_population=(1 - polarisation) / 2)
    return SuperOp(error).to_instruction()


@dataclass(frozen=True)
class Splitting:
    """How evolution and noise take turns: pieces per slice (..., S), and the bound (...,) on the trace distance it costs."""

    pieces: np.ndarray
    bound: FloatArray


def splitting(timeline: Timeline, tolerance: float) -> Splitting:
    """Pieces of each slice so that the symmetric splitting stays within `tolerance` in trace distance (at least one each).

    With H and N the generators of evolution and noise over a slice, both times its duration, n pieces of
    exp(N/2n) exp(H/n) exp(N/2n) miss exp(H + N) by at most (||[H,[H,N]]||/12 + ||[N,[N,H]]||/24)/n^2 times exp(2||N||)
    (Childs et al., Phys. Rev. X 11, 011020 (2021), prop. 16; the last factor, derived here, pays for N not being
    anti-Hermitian). Spectral norms of superoperators times sqrt(d) bound the trace norm; a trace distance is half of that.
    Evolution and channels contract the trace norm, so slices add up.
    """
    shape = (*timeline.shape, timeline.slices)
    timed = timeline.durations > 0
    if timeline.noise is None or not timed.any():
        return Splitting(np.ones(shape, dtype=int), np.zeros(timeline.shape))
    cost = np.zeros(shape)
    cost[timed] = _cost(timeline, timeline.noise, timed)
    # the sum over slices of cost/n^2 is kept below the tolerance with the fewest pieces when n goes as cost^(1/3)
    root = np.cbrt(cost)
    scale = np.sqrt(root.sum(axis=-1, keepdims=True) / tolerance)
    pieces = np.maximum(np.ceil(root * scale - 1e-9), 1).astype(int)
    return Splitting(pieces, (cost / pieces**2).sum(axis=-1))


def _cost(timeline: Timeline, noise: Noise, timed: np.ndarray) -> FloatArray:
    paulis = pauli_stack(timeline.labels)
    d = paulis.shape[-1]
    one = np.eye(d)
    adjoint = np.array([-1j * (np.kron(p, one) - np.kron(one, p.T)) for p in paulis])
    H = np.tensordot(timeline.angles[timed], adjoint, axes=1)
    N = timeline.durations[timed][:, None, None] * dissipator(noise.jump_operators())
    inner = H @ N - N @ H
    first = np.linalg.norm(H @ inner - inner @ H, 2, axis=(-2, -1))
    second = np.linalg.norm(N @ inner - inner @ N, 2, axis=(-2, -1))
    growth = np.exp(2 * np.linalg.norm(N, 2, axis=(-2, -1)))
    return 0.5 * np.sqrt(d) * growth * (first / 12 + second / 24)
