"""Free induction decays at the acquire marks of a timeline: what the receiver records, scan by scan, added up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.detection import Fid, Receiver, detector, fid
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_sum
from nmrqb.timeline import Mark, Timeline, evolve, expanded


def acquire(
    timeline: Timeline,
    rho0: ArrayLike,
    receiver: Receiver,
    *,
    t2_star: float | None = None,
    normalised: bool = True,
    seed: int | None = None,
) -> dict[str, Fid]:
    """The FID recorded at each acquire mark, by name; signals (..., N) from rho0 (d, d), phase cycle added up.

    Exact evolution to the mark, then Tr[rho(t) F_+] of the mark's spins under the timeline's free Hamiltonian and noise,
    normalised so that (1 + p F_x)/2^N starts at p. Members of an ensemble evolve and are detected each under their own
    Hamiltonian, and their signals are averaged. Steps of a phase cycle are averaged with exp(-i receiver phase); scans of
    the receiver are those of the whole cycle. t2_star: decay in s from field inhomogeneity, on top of everything.
    normalised: False gives Tr[rho(t) F_+] itself, which `Spectrometer.reconstruct` takes without a reference.
    seed: of the receiver's noise. Raises ArgumentError for a timeline without an acquire mark or free Hamiltonian.
    """
    start = checks.density_matrix("rho0", rho0, 2**timeline.n)
    marks = [mark for mark in timeline.marks if mark.kind == "acquire"]
    if not marks or timeline.drift is None:
        raise ArgumentError(
            "timeline", "one without an acquire mark" if not marks else "one without drift", "acquire a signal"
        )
    members = timeline.ensemble is not None
    states = evolve(timeline, start, keep_members=members)
    plain = expanded(timeline)
    assert plain.drift is not None
    H = pauli_sum(plain.labels, plain.drift)
    weights = timeline.ensemble.weights if timeline.ensemble is not None else None
    rng = np.random.default_rng(seed)
    found = {}
    for mark in marks:
        rho = states[..., timeline.observed.index(mark.name), :, :]
        found[mark.name] = _recorded(timeline, mark, rho, H, receiver, weights, t2_star, normalised, rng)
    return found


def _recorded(
    timeline: Timeline,
    mark: Mark,
    rho: ComplexArray,
    H: ComplexArray,
    receiver: Receiver,
    weights: FloatArray | None,
    t2_star: float | None,
    normalised: bool,
    rng: np.random.Generator,
) -> Fid:
    (spins,) = mark.groups
    jumps = () if timeline.noise is None else timeline.noise.jump_operators()
    silent = replace(receiver, noise=0.0)
    seen = detector(timeline.n, spins, normalised=normalised)
    clean = fid(rho, H, seen, silent, jumps=jumps, t2=t2_star, weights=weights)
    signal = clean.signal
    if timeline.receiver is not None:
        signal = np.tensordot(np.exp(-1j * timeline.receiver) / timeline.receiver.size, signal, axes=(0, 0))
    if receiver.averaged_noise:
        signal = signal + receiver.averaged_noise * (rng.normal(size=signal.shape) + 1j * rng.normal(size=signal.shape))
    return replace(clean, signal=signal, noise=receiver.averaged_noise)
