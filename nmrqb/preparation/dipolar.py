"""Dipolar order from Zeeman order: two pulses and a delay (Broekaert-Jeener), or an adiabatic ramp (ADRF).

Both end in the high-temperature Gibbs state (1 - beta H_D)/d of the couplings, the battery's own state before charging.
For an isolated pair both reach |beta| = p/|d|, the bound that unitary evolution sets (derived here; ADRF in the limit of a
slow ramp from a strong lock).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.optimize import minimize_scalar

from nmrqb import checks
from nmrqb.checks import ComplexArray
from nmrqb.errors import ArgumentError
from nmrqb.nmr import Sample
from nmrqb.preparation.report import Preparation, assess
from nmrqb.sequence import Crush, Sequence, Shape
from nmrqb.spin.operators import collective, magnetic_number

#: Slices of a ramp: the steps between them cost below .001 of the order at the lengths and amplitudes of practice.
_POINTS = 1000


def broekaert_jeener(
    sample: Sample,
    inverse_temperature: float = 1.0,
    *,
    isolation: Literal["cycle", "crusher"] = "cycle",
    delay: float | None = None,
    **options: object,
) -> Preparation:
    """Dipolar order by 90x - tau - theta_y, with the phase cycle of eight steps or a crusher; the mark is "stored".

    inverse_temperature: what fraction of the largest beta is wanted, -1 to 1: dipolar order goes as sin(2 theta), and
    below zero the battery is charged. delay: tau in s, by default the steepest point of the decay. options: of `schedule`.
    Raises ArgumentError for a sample without dipolar couplings among like spins, or values out of range.
    """
    H = _dipolar_hamiltonian(sample)
    fraction = float(checks.real("inverse_temperature", inverse_temperature))
    if not -1 <= fraction <= 1 or fraction == 0:
        raise ArgumentError(
            "inverse_temperature", fraction, "lie within -1 and 1 and not be 0, as a part of the largest"
        )
    if isolation not in ("cycle", "crusher"):
        raise ArgumentError("isolation", repr(isolation), 'be "cycle" or "crusher"')
    tau = steepest_delay(sample) if delay is None else float(checks.positive("delay", delay))
    sequence = Sequence.load("broekaert-jeener")
    if isolation == "crusher":
        at = next(i for i, step in enumerate(sequence.steps) if getattr(step, "observe", "") == "stored")
        steps = (*sequence.steps[:at], Crush(crush=True), *sequence.steps[at:])
        sequence = replace(sequence, steps=steps, cycle={})
    sequence = sequence.bind(tau=tau, theta=np.arcsin(fraction) / 2)
    return _prepared(sequence, sample, H, fraction * attainable(sample, tau), options)


def adrf(
    sample: Sample,
    inverse_temperature: Literal[1, -1] = 1,
    *,
    ramp: float | None = None,
    lock: float | None = None,
    shape: Shape | None = None,
    **options: object,
) -> Preparation:
    """Dipolar order by demagnetisation in the rotating frame, a crusher behind it; the mark is "stored".

    inverse_temperature: its sign, -1 for a charged battery. ramp: length in s; lock: nutation frequency (Hz) it begins at;
    shape: how it falls, by default |d| tan(...) from that amplitude on. options: of `schedule`. Raises ArgumentError, and
    InputError for a lock beyond the sample's RF limit.
    """
    H = _dipolar_hamiltonian(sample)
    if inverse_temperature not in (1, -1):
        raise ArgumentError("inverse_temperature", inverse_temperature, "be 1 or -1: a ramp sets only its sign")
    sequence = Sequence.load("adrf")
    start = min(10 * abs(sample.coupling), sample.rf_limit) if lock is None else float(checks.positive("lock", lock))
    natural = Shape("tan-ramp", _POINTS, {"angle": float(np.arctan(start / abs(sample.coupling)))})
    sequence = replace(sequence, shapes={"down": shape or natural}).bind(w1=start)
    if ramp is not None:
        sequence = sequence.bind(ramp=float(checks.positive("ramp", ramp)))
    # along the lock the spins are in the lowest or the highest of the states that the ramp leads to the couplings'
    sequence = sequence.bind(store="-x" if inverse_temperature > 0 else "x")
    return _prepared(sequence, sample, H, inverse_temperature * unitary_bound(sample), options)


def steepest_delay(sample: Sample) -> float:
    """The delay tau in s at which the decay G(tau) = Tr[F_y(tau) F_y]/Tr[F_y^2] is steepest; 1/(6 |d/2pi|) for a pair.

    The dipolar energy made by Broekaert-Jeener goes as dG/dtau (Jeener, Broekaert, Phys. Rev. 157, 232 (1967)). Looked for
    up to 3/sqrt(M2), M2 the second moment. Raises ArgumentError for a sample without dipolar couplings among like spins.
    """
    weights, frequencies = _decay(sample, _dipolar_hamiltonian(sample))
    end = 3 / np.sqrt(np.sum(weights * frequencies**2))

    def fall(tau: float) -> float:
        return -float(np.sum(weights * frequencies * np.sin(frequencies * tau)))

    grid = np.linspace(0, end, 301)
    best = int(np.argmin([fall(tau) for tau in grid]))
    inside = (grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)])
    return float(minimize_scalar(fall, bounds=inside, method="bounded", options={"xatol": 1e-12 * end}).x)


def attainable(sample: Sample, delay: float) -> float:
    """Largest beta |d|/p that Broekaert-Jeener makes at a delay in s: 3/2 |dG/dtau|/M2 of the decay, 1 for a pair at best.

    The dipolar part of 90x - tau - 45y has the energy Tr[F_y^2] dG/dtau/2, and M2 = 3 Tr[H_D^2]/Tr[F_y^2] (derived here);
    so the norm efficiency is sqrt(3)/2 |dG/dtau|/sqrt(M2), and .5253 for a Gaussian decay. Raises ArgumentError.
    """
    weights, frequencies = _decay(sample, _dipolar_hamiltonian(sample))
    fall = float(np.sum(weights * frequencies * np.sin(frequencies * delay)))
    return 1.5 * fall / float(np.sum(weights * frequencies**2)) * sample.energy_unit


def unitary_bound(sample: Sample) -> float:
    """Largest beta |d|/p that any unitary makes of Zeeman order: sum of sorted eigenvalues of F_z and H_D over Tr[H_D^2].

    O. W. Sorensen, Prog. NMR Spectrosc. 21, 503 (1989). 1 for a pair. Raises ArgumentError.
    """
    levels = np.linalg.eigvalsh(_dipolar_hamiltonian(sample))
    zeeman = np.sort(magnetic_number(sample.n))
    return float(np.sum(levels * zeeman) / np.sum(levels**2))


def _prepared(
    sequence: Sequence, sample: Sample, H: ComplexArray, beta: float, options: dict[str, object]
) -> Preparation:
    """Held against (1 - p beta H)/d, p as large as leaves both it and the start a state."""
    d = H.shape[0]
    p = 2 / sample.n / max(1.0, float(np.linalg.eigvalsh(beta * H)[-1]) * 2 / sample.n)
    report = assess(
        sequence,
        sample,
        H,
        (np.eye(d) - p * beta * H) / d,
        mark="stored",
        pseudo_fraction=sample.polarisation_factor / p,
        energy_unit=sample.energy_unit,
        **options,
    )
    return Preparation(sequence, report)


def _decay(sample: Sample, H: ComplexArray) -> tuple[np.ndarray, np.ndarray]:
    """The decay G(tau) = sum_k w_k cos(frequency_k tau): weights w of sum 1, and frequencies in rad/s."""
    energies, vectors = np.linalg.eigh(H * sample.energy_unit)
    weights = np.abs(vectors.conj().T @ collective(sample.n, "y") @ vectors) ** 2
    return weights / weights.sum(), energies[:, None] - energies


def _dipolar_hamiltonian(sample: Sample) -> ComplexArray:
    """H_D in units of the strongest |d|, without offsets."""
    if not sample.dipolar or len(sample.groups) != 1:
        found = f"{'+'.join(dict.fromkeys(sample.spins))} with {len(sample.dipolar)} dipolar couplings"
        raise ArgumentError("sample", found, "have dipolar couplings among spins of one kind")
    return replace(sample, offsets=(0.0,) * sample.n).hamiltonian() / sample.energy_unit
