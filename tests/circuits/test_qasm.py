"""OpenQASM 3 that another reader understands as the same unitary."""

import re

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Operator
from qiskit_qasm3_import import parse
from scipy.stats import unitary_group

import nmrqb
from nmrqb.circuits import branches, compile_circuit, splitting
from nmrqb.circuits.prepare import eigenbranches
from nmrqb.circuits.qasm import to_qasm3
from nmrqb.circuits.skeleton import skeleton
from nmrqb.circuits.synthesis import in_gates
from nmrqb.circuits.trotter import trotter
from nmrqb.errors import ArgumentError
from nmrqb.timeline import Mark, Timeline, propagator

PAIR = nmrqb.Sample.load("nematic-pair").amplified(1.0)
CHAIN = nmrqb.Sample.load("fluorapatite-chain")


def same(first, second):
    a, b = (Operator(c.remove_final_measurements(inplace=False) if c.num_clbits else c).data for c in (first, second))
    phase = np.trace(b.conj().T @ a) / len(a)
    assert abs(phase) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(b * phase, a, atol=1e-10)


@pytest.mark.parametrize("name", ["broekaert-jeener-charge", "magic-echo", "wahuha"])
@pytest.mark.parametrize("start", ["basis state", "eigenstate"])
def test_faithful_circuits_come_back(name, start):
    timeline = nmrqb.schedule(nmrqb.Sequence.load(name), PAIR)
    rho = PAIR.linear_state() if start == "basis state" else nmrqb.gibbs_state(PAIR.hamiltonian() / 1e3, 1.3)
    weights, basis = eigenbranches(rho)
    branch = branches(weights, timeline.crushers)[-1]
    circuit = compile_circuit(timeline, (), branch, basis=basis, measure=(timeline.observed[-1], "XY"))
    text = to_qasm3(circuit)
    assert text.startswith("OPENQASM 3.0;")
    read = parse(text)
    assert read.num_clbits == 2
    same(circuit, read)


def test_four_spins_as_a_product_and_as_a_block_come_back():
    timeline = nmrqb.schedule(nmrqb.Sequence.load("solid-echo"), CHAIN)
    branch = branches(np.eye(16)[3], ())[0]
    for cut in (None, trotter(timeline, 0.1)):
        circuit = compile_circuit(timeline, (), branch, cut=cut)
        same(circuit, parse(to_qasm3(circuit)))


@pytest.mark.parametrize("entangler", ["cz", "cx", "ecr", "rzz"])
def test_compiled_circuits_come_back_with_open_angles_in_the_same_order(entangler):
    timeline = nmrqb.schedule(nmrqb.Sequence.load("broekaert-jeener-charge"), PAIR)
    weights, basis = eigenbranches(nmrqb.gibbs_state(PAIR.hamiltonian() / 1e3, 1.3))
    chosen = branches(weights, timeline.crushers)
    made = skeleton(timeline, chosen, ("XY", "ZZ"), mark=timeline.observed[-1], basis=basis, entangler=entangler)
    text = to_qasm3(made.circuit)
    inputs = re.findall(r"input float\[64\] (\w+);", text)
    assert inputs == [p.name for p in made.circuit.parameters]
    read = parse(text)
    assert [p.name for p in read.parameters] == inputs
    for row in made.angles[::4, 0]:
        same(made.circuit.assign_parameters(row), read.assign_parameters(row))
        bound = made.circuit.assign_parameters(row)
        same(bound, parse(to_qasm3(bound)))


def test_an_angle_beside_a_fraction_of_pi_keeps_its_digits():
    """The exporter by itself would write pi/2 for angles within 1e-9 of it."""
    circuit = QuantumCircuit(1)
    circuit.rz(np.pi / 2 + 8e-10, 0)
    circuit.ry(3e-10, 0)
    text = to_qasm3(circuit)
    assert f"rz({np.pi / 2 + 8e-10!r})" in text
    assert "ry(3e-10)" in text
    read = parse(text)
    assert [step.params[0] for step in read.data] == [np.pi / 2 + 8e-10, 3e-10]


def test_hundreds_of_blocks_that_do_next_to_nothing_are_not_rounded_away():
    """Slices of a shaped pulse: each is within 1e-9 of the fidelity of a product, together they are far from one."""
    rng = np.random.default_rng(0)
    labels = ("XI", "IY", "XX", "ZZ", "YZ")
    angles = 4e-5 * rng.uniform(0.5, 1.5, size=(60, 5))
    timeline = Timeline(labels, angles, np.ones(60), (Mark("observe", 60, "end"),), tuple(range(60)))
    circuit = compile_circuit(timeline, (), branches(np.eye(4)[0], ())[0])
    exact = propagator(timeline)
    for written in (in_gates(circuit), parse(to_qasm3(circuit))):
        assert "unitary" not in written.count_ops()
        found = Operator(written.reverse_bits()).data
        phase = np.trace(found.conj().T @ exact) / 4
        np.testing.assert_allclose(found * phase, exact, atol=1e-10)
    assert np.abs(exact - np.eye(4)).max() > 1e-3


@pytest.mark.parametrize("entangler", ["cz", "ecr", "rzz"])
@pytest.mark.parametrize("qubits", [(1,), (2, 0), (0, 2), (1, 0, 2)])
def test_blocks_on_any_qubits_in_any_order_become_gates(qubits, entangler):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.append(UnitaryGate(unitary_group.rvs(2 ** len(qubits), random_state=1)), qubits)
    written = in_gates(circuit, entangler)
    assert written.num_nonlocal_gates() == {1: 0, 2: 3, 3: 23}[len(qubits)]
    assert "unitary" not in written.count_ops()
    same(circuit, written)


def test_what_lives_on_simulators_alone_is_refused():
    timeline = nmrqb.schedule(nmrqb.Sequence.load("broekaert-jeener-charge"), PAIR, noise=True)
    branch = branches(np.eye(4)[0], timeline.crushers)[0]
    pieces = splitting(timeline, 1e-2).pieces
    with pytest.raises(ArgumentError, match=r"circuit must hold gates.*but is one with 'superop'"):
        to_qasm3(compile_circuit(timeline, (), branch, pieces=pieces))
    quiet = nmrqb.schedule(nmrqb.Sequence.load("broekaert-jeener-charge"), PAIR)
    with pytest.raises(ArgumentError, match="but is one with 'save_density_matrix'"):
        to_qasm3(compile_circuit(quiet, (), branch, save=True))
