"""Gibbs states of the battery, with all five couplings, on two unlike spins coupled by J.

Populations come from pulses and gradients in one scan, coherence from the map of basis states to eigenstates of the
battery. Both are exact for ideal pulses; angles and map were derived here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.battery import Battery
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.preparation.report import Preparation, assess
from nmrqb.sequence import Block, Sequence, Together
from nmrqb.spin.operators import pauli_string
from nmrqb.spin.propagation import unitary

#: Isotopes that the library's files for such pairs are written for, first and second spin.
_WRITTEN_FOR = ("1H", "13C")


class DiagonalAngles(NamedTuple):
    """Flip angles of `ax-diagonal` in rad, and the scale k of the state, each (...)."""

    beta: FloatArray
    theta1: FloatArray
    theta2: FloatArray
    scale: FloatArray


def diagonal_angles(c1: ArrayLike, c2: ArrayLike, c12: ArrayLike, ratio: ArrayLike = 1.0) -> DiagonalAngles:
    """Angles that turn Iz + r Sz into k (c1 Iz + c2 Sz + c12 2IzSz), k as large as it can be; arrays broadcast.

    cos beta = k c2/r, theta1,2 = (acos k(c1 + c12) +- acos k(c1 - c12))/2 with k = min(1/(|c1| + |c12|), r/|c2|); for
    (beta)_x on S, crusher, (theta1)_x on I, 1/(2J), (theta2)_-y on I, crusher (derived here). ratio: r, polarisation of S
    over that of I, not 0. Raises ArgumentError where all of c1, c2, c12 are 0, or r is.
    """
    a, b, ab, r = np.broadcast_arrays(
        *(checks.real(n, v) for n, v in zip(("c1", "c2", "c12", "ratio"), (c1, c2, c12, ratio), strict=True))
    )
    if np.any(r == 0):
        raise ArgumentError("ratio", 0.0, "differ from 0: the second spin must be polarised")
    bound = np.maximum(np.abs(a) + np.abs(ab), np.abs(b / r))
    if np.any(bound == 0):
        raise ArgumentError("c1, c2 and c12", "all 0", "name a state other than unity")
    k = 1 / bound
    first, second = (np.arccos(np.clip(k * x, -1, 1)) for x in (a + ab, a - ab))
    return DiagonalAngles(np.arccos(np.clip(k * b / r, -1, 1)), (second + first) / 2, (second - first) / 2, k)


def eigenbasis_populations(battery: Battery, temperature: ArrayLike) -> FloatArray:
    """Gibbs weights of the battery's levels on |00>, |01>, |10>, |11>, (..., 4), as `eigenbasis_map` assigns them:

    2 Delta/3 + 2 kappa2, -2 Delta/3 + 2 kappa1/3, -2 Delta/3 - 2 kappa1/3, 2 Delta/3 - 2 kappa2. Raises ArgumentError.
    """
    T = checks.positive("temperature", temperature)
    third = 2 * np.asarray(battery.axial) / 3
    k1, k2 = 2 * battery.kappa1 / 3, 2 * battery.kappa2
    levels = np.stack(np.broadcast_arrays(third + k2, -third + k1, -third - k1, third - k2), axis=-1)
    try:
        exponents = -levels / T[..., None]
    except ValueError:
        allowed = f"broadcast against the couplings, of shape {battery.shape}"
        raise ArgumentError("temperature", f"of shape {T.shape}", allowed) from None
    weights = np.exp(exponents - exponents.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def eigenbasis_map(battery: Battery) -> ComplexArray:
    """The unitary V (..., 4, 4) from basis states to eigenstates of the battery: two blocks of two-spin evolution.

    V = (Rz(g1) x Rz(g2)) exp(-i [a XY + b YX]), Rz(g) = exp(-i g Z/2) (derived here); V diag(`eigenbasis_populations`)
    V^dagger is the Gibbs state, and V^dagger H V is diagonal.
    """
    a, b, g1, g2 = _map_angles(battery)
    turns = 0.5 * (g1[..., None, None] * pauli_string("ZI") + g2[..., None, None] * pauli_string("IZ"))
    pair = a[..., None, None] * pauli_string("XY") + b[..., None, None] * pauli_string("YX")
    return unitary(turns, check=False) @ unitary(pair, check=False)


def diagonal_state(sample: Sample, c1: ArrayLike, c2: ArrayLike, c12: ArrayLike, **options: object) -> Preparation:
    """The sequence `ax-diagonal` bound to make 1/4 + k (P/2)(c1 Iz + c2 Sz + c12 2IzSz); the mark is "diagonal".

    P: polarisation of the first spin. The report's Hamiltonian is -(c1 Iz + c2 Sz + c12 2IzSz), whose linear Gibbs state
    this is. options: of `schedule`. Raises ArgumentError for a sample that is no pair of unlike spins coupled by J.
    """
    r, sign = _ratio_and_sign(sample)
    angles = diagonal_angles(c1, c2, np.asarray(c12) * sign, r)
    made = sum(
        np.asarray(c, dtype=float)[..., None, None] * pauli_string(label) / 2
        for c, label in ((c1, "ZI"), (c2, "IZ"), (c12, "ZZ"))
    )
    # rho' is that multiple of the deviation whose lowest population is 0
    size = -0.25 / np.min(np.diagonal(made, axis1=-2, axis2=-1).real, axis=-1)
    target = np.eye(4) / 4 + size[..., None, None] * made
    sequence = _on_channels(Sequence.load("ax-diagonal"), sample).bind(**_flips(angles))
    fraction = angles.scale * sample.polarisation[0] / 2 / size
    report = assess(sequence, sample, -made, target, mark="diagonal", pseudo_fraction=fraction, **options)  # type: ignore[arg-type]
    return Preparation(sequence, report)


def gibbs_on_ax(battery: Battery, temperature: ArrayLike, sample: Sample, **options: object) -> Preparation:
    """The sequence `ax-gibbs` bound to the Gibbs state of any battery; marks "populations", "gibbs" and, later, "charged".

    rho = (1 - f)/4 + f rho' with rho' the Gibbs state, f = k P/2 (P: polarisation of the first spin). Couplings and
    temperature (T > 0, in their unit) broadcast. options: of `schedule`. Raises ArgumentError for a sample that is no pair
    of unlike spins coupled by J.
    """
    r, sign = _ratio_and_sign(sample)
    w = eigenbasis_populations(battery, temperature)
    c1 = w[..., 0] + w[..., 1] - w[..., 2] - w[..., 3]
    c2 = w[..., 0] - w[..., 1] + w[..., 2] - w[..., 3]
    c12 = w[..., 0] - w[..., 1] - w[..., 2] + w[..., 3]
    # Tr[rho ZI] = c1 belongs to c1 ZI/4 = c1 Iz/2; 2IzSz = ZZ/2 likewise
    angles = diagonal_angles(c1 / 2, c2 / 2, sign * c12 / 2, r)
    a, b, g1, g2 = (np.broadcast_to(x, c1.shape) for x in _map_angles(battery))
    rate = np.pi * abs(sample.scalar_coupling) / 2  # of ZZ
    quarter = np.pi / 2 * sign
    sequence = _on_channels(Sequence.load("ax-gibbs"), sample).bind(
        **_flips(angles),
        g1=g1,
        g2=g2,
        turn_a=np.where(a < 0, -quarter, quarter),
        turn_b=np.where(b < 0, -quarter, quarter),
        t_a=np.abs(a) / rate,
        t_b=np.abs(b) / rate,
    )
    target = battery.gibbs_state(temperature)
    H = np.broadcast_to(battery.hamiltonian(), target.shape)
    fraction = angles.scale * sample.polarisation[0] / 2
    report = assess(sequence, sample, H, target, mark="gibbs", pseudo_fraction=fraction, **options)  # type: ignore[arg-type]
    return Preparation(sequence, report)


def _map_angles(battery: Battery) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The angles a and b of XY and YX, g1 and g2 of the z rotations, in rad."""
    delta, eps, D, G, B = (
        np.asarray(getattr(battery, name)) + 0.0 for name in ("axial", "rhombic", "dm", "ksea", "zeeman")
    )
    even = np.arctan2(np.hypot(eps, G), B) / 4
    ph = np.arctan2(G, eps)
    chi = np.arctan2(-2 * D + 0.0, -2 * delta / 3 + 0.0)
    a, b, g1, g2 = np.broadcast_arrays(even - np.pi / 8, even + np.pi / 8, (ph + chi) / 2, (ph - chi) / 2)
    return a, b, g1, g2


def _flips(angles: DiagonalAngles) -> dict[str, Any]:
    return {name: value for name, value in angles._asdict().items() if name != "scale"}


def _ratio_and_sign(sample: Sample) -> tuple[float, float]:
    """Polarisation of the second spin over that of the first, and the sign of J."""
    if sample.n != 2 or len(sample.groups) != 2 or not sample.scalar_coupling:
        found = f"{'+'.join(sample.spins)} with J = {sample.scalar_coupling:g} Hz"
        raise ArgumentError("sample", found, "be two unlike spins coupled by J, such as chloroform")
    return sample.polarisation[1] / sample.polarisation[0], float(np.sign(sample.scalar_coupling))


def _on_channels(sequence: Sequence, sample: Sample) -> Sequence:
    """The sequence with the channels it is written for replaced by those of the sample."""
    channels = dict(zip(_WRITTEN_FOR, sample.spins, strict=True))
    if channels == dict(zip(_WRITTEN_FOR, _WRITTEN_FOR, strict=True)):
        return sequence
    if any(isinstance(step, Block) for step in sequence.steps):
        inner = Sequence.load("ax-diagonal").steps
        steps = [s for step in sequence.steps for s in (inner[:-1] if isinstance(step, Block) else (step,))]
    else:
        steps = list(sequence.steps)
    return replace(sequence, steps=tuple(_moved(step, channels) for step in steps))


def _moved(step: Any, channels: dict[str, str]) -> Any:
    if isinstance(step, Together):
        return step.model_copy(update={"together": [_moved(part, channels) for part in step.together]})
    if getattr(step, "on", None):
        return step.model_copy(update={"on": tuple(channels[name] for name in step.on)})
    return step
