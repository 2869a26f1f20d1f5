"""Product formulas for three and more coupled spins: never beyond their bound, of second order, and no longer than need be."""

from dataclasses import replace

import numpy as np
import pytest
from outcomes import mixed
from qiskit import QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import Operator, SparsePauliOp
from qiskit.synthesis import LieTrotter

import nmrqb
from nmrqb.circuits.compile import compile_circuit
from nmrqb.circuits.prepare import branches
from nmrqb.circuits.skeleton import skeleton
from nmrqb.circuits.trotter import trotter
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_labels
from nmrqb.timeline import Mark, Timeline, propagator
from nmrqb.tomography import probabilities

CHAIN = nmrqb.Sample.load("fluorapatite-chain")


def coupled(n, size=0.4, points=()):
    labels = tuple(label for label in pauli_labels(n) if 0 < n - label.count("I") < 3)
    angles = np.random.default_rng(n).normal(size=(*points, 2, len(labels))) * size / n
    return Timeline(labels, angles, np.full((*points, 2), 0.1), (Mark("observe", 2, "end"),), (0, 1))


def chain(n, time):
    """Dipolar couplings of a chain, offsets and a pulse along x all at once."""
    pairs = [(i, j, 1 / (j - i) ** 3) for i in range(n) for j in range(i + 1, n)]

    def label(letters):
        return "".join(letters.get(k, "I") for k in range(n))

    terms = {label({k: "Z"}): 0.3 * (k + 1) for k in range(n)} | {label({k: "X"}): 0.5 for k in range(n)}
    for i, j, d in pairs:
        terms |= {label({i: p, j: p}): d * x for p, x in (("X", -0.5), ("Y", -0.5), ("Z", 1.0))}
    angles = time * np.array(list(terms.values()))[None]
    return Timeline(tuple(terms), angles, np.array([time]), (Mark("observe", 1, "end"),), (0,))


def played(timeline, cut, index=()):
    """The unitary of the circuit's own gates: none of them stands for a sum."""
    start = branches(np.eye(2**timeline.n)[0], ())[0]
    circuit = compile_circuit(timeline, index, start, cut=cut)
    assert max(step.operation.num_qubits for step in circuit.data if step.name != "barrier") <= 2
    return Operator(circuit.reverse_bits()).data


def error(timeline, cut, index=()):
    return np.linalg.norm(played(timeline, cut, index) - propagator(timeline)[index], 2)


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("tolerance", [0.3, 0.03, 3e-3])
@pytest.mark.parametrize("make", [coupled, lambda n: chain(n, 1.0)], ids=["everything", "chain"])
def test_the_error_stays_within_the_bound_and_the_bound_within_what_was_asked(make, n, tolerance):
    timeline = make(n)
    cut = trotter(timeline, tolerance)
    assert cut.bound <= tolerance
    assert 0 < error(timeline, cut) <= cut.bound
    fewer = trotter(timeline, tolerance * 4)
    assert fewer.steps.sum() < cut.steps.sum()


@pytest.mark.parametrize("n", [3, 4])
def test_the_formula_is_of_second_order(n):
    timeline = chain(n, 0.8)
    one = trotter(timeline, 1e9)
    assert np.all(one.steps == 1)
    errors = np.array([error(timeline, replace(one, steps=np.array([r]))) for r in (8, 16, 32)])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.05)
    assert np.all(errors <= one.bound / np.array([8, 16, 32]) ** 2)


def test_every_point_of_a_sweep_has_its_own_steps_and_bound():
    timeline = coupled(3, points=(3,))
    timeline = replace(timeline, angles=timeline.angles * np.array([0.1, 1.0, 2.0])[:, None, None])
    cut = trotter(timeline, 0.02)
    assert np.all(np.diff(cut.steps.sum(axis=-1)) > 0)
    for k in range(3):
        assert error(timeline, cut, (k,)) <= cut.bound[k] <= 0.02


def test_what_commutes_is_exact_in_one_step():
    n = 4
    zz = ("ZZII", "ZIZI", "ZIIZ", "ZIII", "IZII", "IIZI", "IIIZ")
    timeline = Timeline(zz, np.arange(1.0, 8.0)[None], np.ones(1), (Mark("observe", 1, "end"),), (0,))
    cut = trotter(timeline, 1e-6)
    assert cut.bound == 0
    assert error(timeline, cut) < 1e-12
    counts = compile_circuit(timeline, (), branches(np.eye(2**n)[0], ())[0], cut=cut).count_ops()
    assert dict(counts) == {"rz": 4, "rzz": 3}  # no pair twice, and gates that devices know


def test_pairs_that_nothing_else_is_coupled_to_are_exact_beside_others_that_are_not():
    labels = ("XXIII", "ZZIII", "ZIIII", "IIXXI", "IIIZZ", "IIIXI", "IIZIZ")
    timeline = Timeline(labels, np.full((1, 7), 0.3), np.ones(1), (Mark("observe", 1, "end"),), (0,))
    cut = trotter(timeline, 0.01)
    assert error(timeline, cut) <= cut.bound
    own = [block for group in cut.groups[0] for block in group if block.spins == (0, 1)]
    assert [block.terms for block in own] == [(0, 1, 2)]


def test_pulses_without_couplings_are_not_cut():
    timeline = nmrqb.schedule(nmrqb.Sequence.load("broekaert-jeener-charge"), CHAIN)
    cut = trotter(timeline, 1e-2)
    ideal = timeline.durations == 0
    assert ideal.any()
    assert np.all(cut.steps[ideal] == 1)
    assert np.all(cut.steps[~ideal] > 1)


@pytest.mark.parametrize("tolerance", [0.0, -1.0])
def test_a_tolerance_that_is_not_above_zero_is_refused(tolerance):
    with pytest.raises(ArgumentError, match=rf"tolerance must be .*above zero.*but is {tolerance:g}"):
        trotter(coupled(3), tolerance)


@pytest.mark.parametrize("n", [3, 4])
def test_a_skeleton_takes_the_product_where_that_is_shorter(n):
    timeline, rho = chain(n, 0.3), np.diag(np.eye(2**n)[5])
    chosen, settings = branches(np.diag(rho), ()), ("XYZX"[:n], "YYXZ"[:n])
    rough, fine = (
        skeleton(timeline, chosen, settings, mark="end", tolerance=tolerance)
        for tolerance in ({3: 0.2, 4: 0.05}[n], 1e-6)
    )
    assert rough.two_qubit_gates < fine.two_qubit_gates == {3: 23, 4: 115}[n]
    assert fine.bound == 0
    assert rough.bound > 0
    exact = probabilities(nmrqb.Exact().run(timeline, rho).rho[0, 0], settings)
    np.testing.assert_allclose(mixed(fine, chosen), exact, atol=1e-10)
    missed = 0.5 * np.abs(mixed(rough, chosen) - exact).sum(axis=-1)
    assert 1e-4 < missed.max() <= rough.bound


def test_seven_spins_go_by_products_alone_or_not_at_all():
    n = 7
    labels = tuple("I" * k + p + p + "I" * (n - 2 - k) for k in range(n - 1) for p in "XZ")
    timeline = Timeline(labels, np.full((1, len(labels)), 0.1), np.ones(1), (Mark("observe", 1, "end"),), (0,))
    chosen = branches(np.eye(2**n)[3], ())
    made = skeleton(timeline, chosen, ("XYZXYZX",), mark="end", tolerance=0.05)
    exact = probabilities(nmrqb.Exact().run(timeline, np.diag(np.eye(2**n)[3])).rho[0, 0], ("XYZXYZX",))
    assert 0.5 * np.abs(mixed(made, chosen) - exact).sum(axis=-1).max() <= made.bound <= 0.05
    with pytest.raises(
        ArgumentError,
        match="timeline must need at most 20000 two-qubit gates at tolerance 1e-12, but is one of 7 spins",
    ):
        skeleton(timeline, chosen, ("XYZXYZX",), mark="end", tolerance=1e-12)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_an_evolution_gate_hides_its_own_error_which_ours_cannot():
    """Qiskit takes the matrix of a PauliEvolutionGate from the sum itself: its synthesis shows in its gates alone."""
    H = SparsePauliOp(["XXI", "IZZ", "IXI"], [1.0, 1.0, 0.7])
    gate = PauliEvolutionGate(H, 1.0, synthesis=LieTrotter(reps=1))
    circuit = QuantumCircuit(3)
    circuit.append(gate, range(3))
    exact = Operator(PauliEvolutionGate(H, 1.0)).data
    hidden, shown = (np.linalg.norm(Operator(c).data - exact, 2) for c in (circuit, circuit.decompose()))
    assert shown > 0.1
    if hidden > 1e-9:  # before Qiskit 2.2 the matrix was that of the gates
        assert hidden == pytest.approx(shown)
    timeline = coupled(3)
    assert (
        "PauliEvolution"
        not in compile_circuit(timeline, (), branches(np.eye(8)[0], ())[0], cut=trotter(timeline, 0.1)).count_ops()
    )
