"""Energies of many spins on circuits, by grouped Pauli settings: where tomography's 3^n settings are out of reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.circuits import large
from nmrqb.errors import ArgumentError
from nmrqb.jobs import Ledger
from nmrqb.nmr.noise import Noise
from nmrqb.scaling.program import charging_timeline
from nmrqb.spin import memory
from nmrqb.spin.masks import PauliSum
from nmrqb.tomography import covers, settings_for


@dataclass(frozen=True)
class Energies:
    """<H> at each time with one standard error, (T,), the settings measured, and how.

    how: the method in words, told before it ran. product_bound: the most that product formulas moved a state, in operator
    norm. qubits, two_qubit_gates: of a machine; empty and 0 on Aer.
    """

    times: FloatArray
    values: FloatArray
    errors: FloatArray
    settings: tuple[str, ...]
    how: str
    product_bound: float
    qubits: tuple[int, ...] = ()
    two_qubit_gates: int = 0


def charged_energies(
    charger: PauliSum,
    times: ArrayLike,
    H: PauliSum,
    *,
    start: int = 0,
    backend: Any = "aer",
    shots: int = 4096,
    seed: int = 0,
    noise: Noise | None = None,
    steps: int = 8,
    product: float = 1e-3,
    method: str | None = None,
    limit: float | None = None,
    ledger: Ledger | None = None,
    tell: Callable[[str], Any] | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> Energies:
    """<H> after `charger` acted on the basis state `start` for each of `times` (T,), from counts.

    shots: of each setting and time. noise: of each spin, on Aer, applied between `steps` equal steps (Strang; halve the error's
    source by doubling them); readout errors are undone string by string. Elsewhere the machine's own noise acts and nothing
    is undone. product: bound on what product formulas miss in operator norm. method: of `circuits.large.METHODS`, by
    predicted seconds and memory when left out; `tell` receives it first. Raises ArgumentError, RunError and JobError.
    """
    t = checks.non_negative("times", times).reshape(-1)
    if charger.n != H.n:
        raise ArgumentError("H", f"one of {H.n} spins", f"act on the {charger.n} spins of the charger")
    for name, value in (("shots", shots), ("steps", steps)):
        if not isinstance(value, (int, np.integer)) or value < (2 if name == "shots" else 1):
            raise ArgumentError(name, value, f"be a whole number, {2 if name == 'shots' else 1} or more")
    settings = settings_for(H.labels)
    if noise is not None:
        large.check_local(noise)
        if backend != "aer":
            raise ArgumentError("noise", "given", f"be left out on {backend}, whose own noise acts")
    rows, one = len(t) * len(settings), memory.REAL * 2.0**H.n
    # counts beside Aer's state; then counts and shares of rows, weights of settings and their squares, and outcomes
    held = {"kept": rows * one, "after": (2 * rows + 2 * len(settings) + 1) * one}

    def choose(gates: int) -> large.Simulation:
        return large.choose(H.n, gates, rows, shots, noisy=noise is not None, method=method, limit=limit, **held)

    if backend == "aer":
        choose(0)  # refused before circuits are written
    circuits, bound = large.bodies(charging_timeline(charger, t), start, product, noise, steps)
    readout = noise.readout if noise is not None else ()
    qubits: tuple[int, ...] = ()
    two = 0
    if backend == "aer":
        gates = max(circuit.size() for circuit in circuits) + H.n
        made = choose(gates)
        how = str(made)
        if tell:
            tell(how)
        counts = large.counts_on_aer(circuits, settings, shots, seed, made, readout, progress)
    else:
        how = f"{H.n} qubits on {backend}"
        if tell:
            tell(how)
        counts, qubits, two = large.counts_on_machine(backend, circuits, settings, shots, seed, ledger)
    values, errors = energy_of_counts(counts, settings, H, readout)
    return Energies(t, values, errors, settings, how, bound, qubits, two)


def energy_of_counts(
    counts: NDArray[np.int64], settings: tuple[str, ...], H: PauliSum, readout: tuple[float, ...] = ()
) -> tuple[FloatArray, FloatArray]:
    """<H> and its standard error (...,) from counts (..., setting, 2^n): every string from the first setting that covers it.

    readout: chance of a flip of each spin; a string's expectation is divided by the product of 1 - 2 r over its spins.
    """
    outcomes = np.arange(2**H.n)
    shots = counts.sum(axis=-1)
    weights = np.zeros((len(settings), 2**H.n))
    constant = 0.0
    for label, c in zip(H.labels, H.c.tolist(), strict=True):
        spins = [k for k, letter in enumerate(label) if letter != "I"]
        if not spins:
            constant += c
            continue
        home = next(s for s, setting in enumerate(settings) if covers(setting, label))
        mask = sum(1 << (H.n - 1 - k) for k in spins)
        shrunk = np.prod([1 - 2 * readout[k] for k in spins]) if readout else 1.0
        weights[home] += c / shrunk * (1 - 2.0 * (np.bitwise_count(outcomes & mask) & 1))
    f = counts / shots[..., None]
    means = np.einsum("...so,so->...s", f, weights)
    spread = np.maximum(np.einsum("...so,so->...s", f, weights**2) - means**2, 0.0)
    return constant + means.sum(axis=-1), np.sqrt((spread / (shots - 1)).sum(axis=-1))
