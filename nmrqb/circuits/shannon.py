"""States and unitaries of three and more qubits as circuits of one structure: only the angles know which unitary it is.

Matrices are (..., 2^m, 2^m), the first of the m qubits leftmost; leading axes are a batch. Quantum Shannon decomposition
(Shende, Bullock and Markov, IEEE Trans. CAD 25, 1000 (2006)), whose two-qubit blocks take 3 entanglers: 23 in all for three
qubits, 115 for four. Uniformly controlled rotations after Mottonen et al., Phys. Rev. Lett. 93, 130502 (2004).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.circuits.layers import Layers, rotation
from nmrqb.spin.cartan import ZERO, cartan
from nmrqb.spin.operators import PAULI

_H = (PAULI["X"] + PAULI["Z"]) / np.sqrt(2)
_MIXTURES = 24
#: Populations below this are none: amplitudes below 1e-14.
_EMPTY = 1e-28


def entanglers(qubits: int) -> int:
    """Two-qubit gates that `write` takes for a unitary on so many qubits, at most."""
    if qubits <= 2:
        return 3 * (qubits - 1)
    return 4 * entanglers(qubits - 1) + 3 * 2 ** (qubits - 1) - 1


def write(layers: Layers, qubits: Sequence[int], U: ComplexArray) -> None:
    """A unitary on these qubits, up to a phase of each member."""
    if len(qubits) == 1:
        layers.local(qubits[0], U)
        return
    if len(qubits) == 2:
        layers.block(qubits[0], qubits[1], cartan(U))
        return
    left, angles, right = cosine_sine(U)
    target, rest = qubits[0], qubits[1:]
    _multiplexed(layers, target, rest, right)
    sign = rotate(layers, "Y", target, rest, angles)
    # the last CZ of the rotation goes into what follows: it is Z on the control where the target is 1
    left[..., 1, :, :] = left[..., 1, :, :] * sign
    _multiplexed(layers, target, rest, left)


def load(layers: Layers, amplitudes: ComplexArray) -> None:
    """From |0...0> to states (..., 2^n): the weights of each qubit given those before it, then the phases."""
    n = layers.circuit.num_qubits
    weights = np.abs(amplitudes) ** 2
    levels = [weights.reshape(*weights.shape[:-1], 2**k, 2, -1).sum(axis=-1) for k in range(n)]
    for k, pair in enumerate(levels):
        angles = 2 * np.arctan2(np.sqrt(pair[..., 1]), np.sqrt(pair[..., 0]))
        _controlled(layers, "Y", k, range(k), _filled(angles, pair.sum(axis=-1)))
    phases = np.angle(amplitudes)
    for k in range(n - 1, -1, -1):
        first, second = np.moveaxis(phases.reshape(*phases.shape[:-1], 2**k, 2), -1, 0)
        both = levels[k].min(axis=-1)
        step = _filled(second - first, both)
        # turns that differ by 360 degrees are one; what has no weight takes any phase
        usual = step[..., :1]
        step = usual + np.remainder(step - usual + np.pi, 2 * np.pi) - np.pi
        _controlled(layers, "Z", k, range(k), step)
        phases = np.where(levels[k][..., 0] > levels[k][..., 1], first + step / 2, second - step / 2)


def _filled(angles: FloatArray, weights: FloatArray) -> FloatArray:
    """Angles (..., 2^k) with those of no weight put to the one of most weight, so that they make no difference."""
    chosen = np.take_along_axis(angles, weights.argmax(axis=-1)[..., None], axis=-1)
    heaviest = weights.max(axis=-1, keepdims=True)
    return np.where(weights > _EMPTY, angles, np.where(heaviest > _EMPTY, chosen, 0.0))


def rotate(layers: Layers, letter: str, target: int, controls: Sequence[int], angles: FloatArray) -> FloatArray:
    """Rotations about Y or Z by one of 2^m angles, as the controls say, the first of them being the highest bit.

    All but the last of its 2^m CZ gates (CX for Z): returned is the diagonal of Z on that one's control, (2^m,).
    """
    m = len(controls)
    count = 2**m
    bits = np.arange(count)
    gray = bits ^ (bits >> 1)
    parity = np.array([[int(b & g).bit_count() & 1 for b in bits] for g in gray])
    steps = angles @ (1 - 2 * parity.T) / count
    frame = _H if letter == "Z" else PAULI["I"]
    for k in range(count):
        layers.local(target, rotation(letter, steps[..., k]))
        changed = int(gray[k] ^ gray[(k + 1) % count]).bit_length() - 1  # bit of the control that turns the sign
        if k < count - 1:
            layers.local(target, frame)
            layers.cz(controls[m - 1 - changed], target)
            layers.local(target, frame)
    return np.where(bits >> (m - 1) & 1, -1.0, 1.0)


def _controlled(layers: Layers, letter: str, target: int, controls: Sequence[int], angles: FloatArray) -> None:
    """The same, complete; one rotation where the controls make no difference, nothing where there is none."""
    if np.all(np.ptp(angles, axis=-1) < ZERO):
        layers.local(target, rotation(letter, angles[..., 0]))
        return
    rotate(layers, letter, target, controls, angles)
    frame = _H if letter == "Z" else PAULI["I"]
    layers.local(target, frame)
    layers.cz(controls[0], target)
    layers.local(target, frame)


def _multiplexed(layers: Layers, target: int, rest: Sequence[int], V: ComplexArray) -> None:
    """V[..., 0] on the rest where the target is 0, V[..., 1] where it is 1: both are A D+- B, D a phase apart."""
    first, second = V[..., 0, :, :], V[..., 1, :, :]
    A, phases = eigenbasis(first @ _dagger(second))
    half = phases / 2
    write(layers, rest, np.exp(1j * half)[..., :, None] * (_dagger(A) @ second))
    _controlled(layers, "Z", target, rest, -2 * half)
    write(layers, rest, A)


def cosine_sine(U: ComplexArray) -> tuple[ComplexArray, FloatArray, ComplexArray]:
    """U = (L0 + L1)(C -S; S C)(R0 + R1): L (..., 2, d, d), angles (..., d) of Ry on the first qubit, R (..., 2, d, d)."""
    d = U.shape[-1] // 2
    L0, _, R0 = np.linalg.svd(U[..., :d, :d])
    cosine = np.einsum("...ji,...jk,...ik->...i", L0.conj(), U[..., :d, :d], R0.conj()).real
    # columns of S from the largest: the small ones, whose direction rounding would spoil, are completed to a basis
    Q, T = np.linalg.qr((U[..., d:, :d] @ _dagger(R0))[..., ::-1])
    diagonal = np.einsum("...ii->...i", T)
    phase = np.where(np.abs(diagonal) > 0, diagonal / np.maximum(np.abs(diagonal), 1e-300), 1.0)
    L1 = (Q * phase[..., None, :])[..., ::-1]
    sine = np.abs(diagonal)[..., ::-1]
    R1 = cosine[..., None] * (_dagger(L1) @ U[..., d:, d:]) - sine[..., None] * (_dagger(L0) @ U[..., :d, d:])
    return np.stack([L0, L1], axis=-3), 2 * np.arctan2(sine, cosine), np.stack([R0, R1], axis=-3)


def eigenbasis(unitaries: ComplexArray) -> tuple[ComplexArray, FloatArray]:
    """Orthonormal eigenvectors (..., d, d) and phases (..., d) of unitaries.

    The eigenvectors of cos t Re U + sin t Im U (its Hermitian parts, which commute) serve unless two different phases meet
    there by chance: of several t, each member takes the best.
    """
    real, imaginary = (unitaries + _dagger(unitaries)) / 2, (unitaries - _dagger(unitaries)) / 2j
    best = np.zeros(unitaries.shape, dtype=complex)
    missed = np.full(unitaries.shape[:-2], np.inf)
    for t in np.pi * (0.5 + np.arange(_MIXTURES)) * (np.sqrt(5) - 1) / 2:
        V = np.linalg.eigh(np.cos(t) * real + np.sin(t) * imaginary)[1]
        inside = _dagger(V) @ unitaries @ V
        error = np.abs(inside - np.einsum("...ii->...i", inside)[..., None, :] * np.eye(V.shape[-1])).max(axis=(-2, -1))
        better = error < missed
        best[better] = V[better]
        missed = np.minimum(missed, error)
        if np.all(missed < 1e-14):
            break
    return best, np.angle(np.einsum("...ji,...jk,...ki->...i", best.conj(), unitaries, best))


def _dagger(a: ComplexArray) -> ComplexArray:
    return np.conj(np.swapaxes(a, -1, -2))
