"""Every sequence of the library in compiled mode: one circuit, and its states are the exact ones, on one to four spins."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from natural_samples import NATURAL
from outcomes import mixed, state

import nmrqb
from nmrqb.circuits import compile_circuit, execute
from nmrqb.circuits.prepare import branches, eigenbranches
from nmrqb.circuits.skeleton import skeleton
from nmrqb.tomography import pauli_settings, probabilities

ALL = sorted(path.stem for path in (Path(__file__).parents[2] / "sequences").glob("*.toml"))
THREE_KINDS = ["star-load"]
NAMES = [name for name in ALL if name not in THREE_KINDS]
HETERONUCLEAR = [name for name, sample in NATURAL.items() if sample == "chloroform"]
CHAIN = nmrqb.Sample.load("fluorapatite-chain")
STAR = nmrqb.Sample.load("acetonitrile")


def part(sample, *kept):
    """Some spins of a sample alone."""
    keep = {name: tuple(getattr(sample, name)[k] for k in kept) for name in ("spins", "offsets", "polarisation")}
    pairs = {
        name: tuple(
            (kept.index(i), kept.index(j), *rest) for i, j, *rest in getattr(sample, name) if {i, j} <= set(kept)
        )
        for name in ("dipolar", "scalar")
    }
    return replace(sample, noise=None, **keep, **pairs)


def some(timeline):
    """Two points of a sweep, which stand for all of it."""
    if not timeline.shape or timeline.receiver is not None:
        return timeline
    ends = [0, -1]
    return replace(timeline, angles=timeline.angles[ends], durations=timeline.durations[ends])


def random_state(d, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    return a @ a.conj().T / np.linalg.norm(a) ** 2


LARGER = [
    pytest.param(name, sample, id=f"{name} on {label}")
    for name in NAMES
    for label, sample in (("3 of a chain", part(CHAIN, 0, 1, 2)), ("a chain of 4", CHAIN), ("a star of 4", STAR))
    if (sample is STAR) == (name in HETERONUCLEAR)
]
LARGER += [
    pytest.param(name, part(nmrqb.Sample.load("methyl-fluoride"), 0, 1, 4), id=f"{name} on three kinds")
    for name in THREE_KINDS
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", ["thermal", "entangled"])
def test_two_spins_are_exact_by_four_entanglers_or_fewer(name, start):
    sample = nmrqb.Sample.load("chloroform" if name in HETERONUCLEAR else "nematic-pair").amplified(1.0)
    timeline = some(nmrqb.schedule(nmrqb.Sequence.load(name), sample))
    rho = sample.linear_state() if start == "thermal" else random_state(4, 5)
    weights, basis = eigenbranches(rho)
    chosen, settings = branches(weights, timeline.crushers), pauli_settings(2)
    exact = nmrqb.Exact().run(timeline, rho).rho[..., 0, :, :]
    for k, mark in enumerate(timeline.observed):
        made = skeleton(timeline, chosen, settings, mark=mark, basis=basis)
        assert made.two_qubit_gates <= 3 + (basis is not None)
        assert made.circuit.num_nonlocal_gates() == made.two_qubit_gates
        np.testing.assert_allclose(state(timeline, made, chosen, settings), exact[..., k, :, :], atol=1e-10)


@pytest.mark.parametrize(("name", "sample"), LARGER)
def test_three_and_four_spins_are_exact(name, sample):
    n = sample.n
    timeline = some(replace(nmrqb.schedule(nmrqb.Sequence.load(name), sample), receiver=None))  # step by step
    settings = ("XYZX"[:n], "Y" * n)
    rho = np.zeros((2**n, 2**n))
    rho[1, 1], rho[-3, -3] = 0.7, 0.3
    chosen = branches(np.diag(rho), timeline.crushers)
    mark = timeline.observed[-1]
    made = skeleton(timeline, chosen, settings, mark=mark, tolerance=1e-11)
    assert made.two_qubit_gates <= {3: 23, 4: 115}[n]
    assert np.all(made.bound <= 1e-11)
    exact = probabilities(nmrqb.Exact().run(timeline, rho).rho[..., -1, 0, :, :], settings)
    np.testing.assert_allclose(mixed(made, chosen), exact, atol=1e-10)


@pytest.mark.parametrize(("name", "sample"), LARGER)
def test_three_and_four_spins_are_exact_event_by_event(name, sample):
    """Faithful mode, every circuit of the mixture and of the phase cycle by itself."""
    timeline = some(replace(nmrqb.schedule(nmrqb.Sequence.load(name), sample), receiver=None))
    weights, basis = eigenbranches(np.diag([0.6, 0.4, *[0.0] * (2**sample.n - 2)]))
    chosen = branches(weights, timeline.crushers)
    circuits = [
        compile_circuit(timeline, index, branch, basis=basis, save=True)
        for index in np.ndindex(*timeline.shape)
        for branch in chosen
    ]
    states = execute.saved_states(circuits, timeline.observed)
    shape = (*timeline.shape, len(chosen), *states.shape[1:])
    found = np.einsum("b,...bmij->...mij", [branch.weight for branch in chosen], states.reshape(shape))
    exact = nmrqb.Exact().run(timeline, np.diag(weights)).rho[..., 0, :, :]
    np.testing.assert_allclose(found, exact, atol=1e-10)


@pytest.mark.parametrize("name", ["corpse-90", "saturation-recovery", "bb1-90"])
def test_one_spin_takes_no_entangler(name):
    sample = part(CHAIN, 0)
    timeline = some(nmrqb.schedule(nmrqb.Sequence.load(name), sample))
    rho = random_state(2, 1)
    weights, basis = eigenbranches(rho)
    chosen = branches(weights, timeline.crushers)
    made = skeleton(timeline, chosen, "XYZ", mark=timeline.observed[-1], basis=basis)
    assert made.two_qubit_gates == 0
    exact = nmrqb.Exact().run(timeline, rho).rho[..., -1, 0, :, :]
    np.testing.assert_allclose(state(timeline, made, chosen, tuple("XYZ")), exact, atol=1e-10)
