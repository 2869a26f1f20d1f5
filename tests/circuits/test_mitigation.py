"""Readout correction, folding, decoupling and twirling: each keeps the ideal circuit and does what it says."""

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Delay, Parameter
from qiskit.circuit.library import CZGate, Measure, RZGate, SXGate, UnitaryGate, XGate
from qiskit.quantum_info import DensityMatrix, Operator, random_unitary
from qiskit.transpiler import InstructionProperties, Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from nmrqb.circuits.decoupling import decouple, detuned, idle_time, scheduled, static_detunings
from nmrqb.circuits.readout import (
    MAX_CONDITION,
    MOST_JOINT,
    ReadoutCalibration,
    assignment_fidelities,
    calibrated,
    calibration_circuits,
)
from nmrqb.circuits.twirl import twirl
from nmrqb.circuits.zne import extrapolate, extrapolation_weights, fold, variance_factor
from nmrqb.errors import ArgumentError, RunError


def flips(*errors):
    matrix = np.ones((1, 1))
    for up, down in errors:
        matrix = np.kron(matrix, np.array([[1 - up, up], [down, 1 - down]]))
    return matrix


def device(qubits=2, dt=1e-9):
    """A line of qubits with gates of known length."""
    target = Target(num_qubits=qubits, dt=dt)
    for gate, length in ((SXGate(), 40e-9), (XGate(), 40e-9), (RZGate(Parameter("a")), 0.0), (Measure(), 1e-6)):
        target.add_instruction(gate, {(q,): InstructionProperties(length, 0.0) for q in range(qubits)})
    target.add_instruction(Delay(Parameter("t")), {(q,): None for q in range(qubits)})
    pairs = [(q, q + 1) for q in range(qubits - 1)] + [(q + 1, q) for q in range(qubits - 1)]
    target.add_instruction(CZGate(), {pair: InstructionProperties(80e-9, 0.0) for pair in pairs})
    return target


def compiled(seed=3, blocks=1):
    circuit = QuantumCircuit(2)
    for k in range(blocks):
        circuit.append(UnitaryGate(random_unitary(4, seed=seed + k)), [0, 1])
        circuit.barrier()
    return transpile(circuit, target=device(), optimization_level=2, seed_transpiler=1)


def two_qubit_gates(circuit):
    return sum(len(step.qubits) == 2 and step.operation.name != "barrier" for step in circuit.data)


# --- readout ------------------------------------------------------------------------------------------------------------


def test_correction_gives_back_the_true_distribution():
    true = np.random.default_rng(1).dirichlet(np.ones(8), size=(2, 5))
    known = ReadoutCalibration((flips((0.02, 0.08), (0.01, 0.1)), flips((0.03, 0.03))))
    reported = true @ known.confusion
    assert np.abs(reported - true).max() > 0.01
    np.testing.assert_allclose(known.correct(reported), true, atol=1e-14)


@pytest.mark.parametrize("joint", [True, False])
def test_calibration_measured_on_aer_is_the_noise_model_s(joint):
    errors = [(0.02, 0.09), (0.05, 0.01), (0.0, 0.03)]
    model = NoiseModel()
    for k, (up, down) in enumerate(errors):
        model.add_readout_error(ReadoutError([[1 - up, up], [down, 1 - down]]), [k])
    circuits = calibration_circuits(3, joint)
    assert len(circuits) == (8 if joint else 2)
    shots = 40000
    simulator = AerSimulator(method="density_matrix", noise_model=model, max_parallel_threads=1)
    result = simulator.run(circuits, shots=shots, seed_simulator=4).result()
    counts = np.zeros((len(circuits), 8))
    for row in range(len(circuits)):
        for bits, seen in result.get_counts(row).items():
            counts[row, int(bits[::-1], 2)] = seen  # Qiskit prints qubit 0 last
    found = calibrated(counts)
    assert len(found.matrices) == (1 if joint else 3)
    np.testing.assert_allclose(found.confusion, flips(*errors), atol=5 * np.sqrt(0.25 / shots))
    np.testing.assert_allclose(np.mean(assignment_fidelities(found)), np.mean(np.diag(flips(*errors))), atol=0.1)


def test_the_joint_calibration_sees_crosstalk_that_single_qubits_do_not():
    crosstalk = 0.9 * np.eye(4) + 0.1 * np.eye(4)[[3, 2, 1, 0]]  # both bits flip together
    counts = np.round(crosstalk * 1000)
    true = np.array([0.7, 0.3, 0.0, 0.0])
    np.testing.assert_allclose(calibrated(counts).correct(true @ crosstalk), true, atol=1e-12)
    apart = calibrated(counts[[0, 3]])
    assert np.abs(apart.correct(true @ crosstalk) - true).max() > 0.02


def test_a_readout_that_tells_nothing_is_refused():
    with pytest.raises(RunError, match=r"condition number is (inf|[0-9.]+e)"):
        ReadoutCalibration((flips((0.5, 0.5)),))
    blind = 0.5 * (1 - 1 / MAX_CONDITION)
    with pytest.raises(RunError, match=r"condition number is 10[1-9]"):
        ReadoutCalibration((flips((blind + 2e-4, blind + 2e-4)),))
    assert ReadoutCalibration((flips((blind - 2e-4, blind - 2e-4)),)).condition < MAX_CONDITION
    with pytest.raises(RunError, match="condition number"):
        ReadoutCalibration((flips((0.45, 0.45)),) * 3)  # each qubit passes by itself


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (np.ones((3, 4)), r"\(3, 4\)"),
        (np.ones((2, 3)), r"\(2, 3\)"),
        (np.ones(4), r"\(4,\)"),
        ([[10, 0], [3, 6]], r"\[10.0, 9.0\] shots"),
        (np.zeros((2, 2)), r"\[0.0, 0.0\] shots"),
        ([[-1, 2], [1, 0]], "-1"),
    ],
)
def test_counts_that_are_no_calibration_are_refused(counts, words):
    with pytest.raises(ArgumentError, match=words):
        calibrated(counts)


def test_more_qubits_than_a_joint_calibration_takes_are_read_one_by_one():
    assert len(calibration_circuits(MOST_JOINT)) == 2**MOST_JOINT
    assert len(calibration_circuits(MOST_JOINT + 1)) == 2
    with pytest.raises(ArgumentError, match=f"is {MOST_JOINT + 1}"):
        calibration_circuits(MOST_JOINT + 1, joint=True)
    with pytest.raises(ArgumentError, match="is 0"):
        calibration_circuits(0)
    with pytest.raises(ArgumentError, match=r"\(3,\)"):
        ReadoutCalibration((np.eye(2),)).correct(np.ones(3))


def test_a_calibration_is_as_uncertain_as_its_shots():
    found = calibrated(np.round(flips((0.1, 0.2)) * 400))
    rng = np.random.default_rng(2)
    drawn = np.array([found.resampled(rng).matrices[0][0, 1] for _ in range(2000)])
    assert drawn.std() == pytest.approx(np.sqrt(0.1 * 0.9 / 400), rel=0.1)
    exact = ReadoutCalibration((flips((0.1, 0.2)),))
    assert exact.resampled(rng) is exact


# --- zero-noise extrapolation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1, 3, 5])
def test_folded_gates_survive_transpile_at_level_three(factor):
    base = compiled(blocks=2)
    folded = fold(base, factor)
    assert two_qubit_gates(folded) == factor * two_qubit_gates(base) == factor * 6
    again = transpile(folded, target=device(), optimization_level=3, seed_transpiler=2)
    assert two_qubit_gates(again) == factor * 6
    assert Operator(again).equiv(Operator(base))


def test_without_barriers_the_folds_would_be_lost():
    base = compiled()
    bare = QuantumCircuit.from_instructions([s for s in fold(base, 5).data if s.operation.name != "barrier"])
    assert two_qubit_gates(bare) == 5 * two_qubit_gates(base)
    assert two_qubit_gates(transpile(bare, target=device(), optimization_level=3)) == two_qubit_gates(base)


def test_folding_keeps_open_parameters_and_turns_gates_that_are_not_their_own_inverse():
    a = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.rx(a, 0)
    circuit.rzz(0.7, 0, 1)
    circuit.append(UnitaryGate(random_unitary(4, seed=5)), [1, 0])
    folded = fold(circuit, 3)
    assert folded.parameters == circuit.parameters
    assert Operator(folded.assign_parameters([0.3])).equiv(Operator(circuit.assign_parameters([0.3])))
    assert two_qubit_gates(folded) == 6


def test_folding_refuses_what_it_cannot_repeat():
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    with pytest.raises(ArgumentError, match="ccx on 3 qubits"):
        fold(circuit, 3)
    for factor in (0, 2, -1, 1.0):
        with pytest.raises(ArgumentError, match=f"is '?{factor}"):
            fold(QuantumCircuit(2), factor)
    branching = QuantumCircuit(2, 1)
    with branching.if_test((branching.clbits[0], 1)):
        branching.cz(0, 1)
    with pytest.raises(ArgumentError, match="if_else"):
        fold(branching, 3)


def test_extrapolation_is_exact_on_the_polynomials_it_assumes():
    factors = (1, 3, 5)
    x = np.array(factors)
    values = np.stack([0.9 - 0.04 * x, 0.5 + 0.01 * x], axis=1)
    np.testing.assert_allclose(extrapolate(values, factors)[0], [0.9, 0.5], atol=1e-14)
    curved = 0.9 - 0.04 * x + 0.003 * x**2
    assert extrapolate(curved, factors, "richardson")[0] == pytest.approx(0.9, abs=1e-13)
    assert abs(extrapolate(curved, factors)[0] - 0.9) > 0.005


@pytest.mark.parametrize(("method", "factor"), [("linear", 3 * 35 / 24), ("richardson", 3 * (225 + 100 + 9) / 64)])
def test_the_price_in_variance_is_what_repetition_finds(method, factor):
    """By hand: the intercept of a line through 1, 3, 5 has variance 1/3 + 9/8 = 35/24; Lagrange weights 15/8, -10/8, 3/8."""
    assert variance_factor((1, 3, 5), method) == pytest.approx(factor)
    assert extrapolation_weights((1, 3, 5), method).sum() == pytest.approx(1)
    drawn = np.random.default_rng(3).normal(size=(3, 40000))
    value, variance = extrapolate(drawn, (1, 3, 5), method, np.ones((3, 40000)))
    assert value.var() == pytest.approx(variance[0], rel=0.03)


def test_extrapolation_refuses_what_has_no_answer():
    for factors in ((1,), (3, 3), (0, 1)):
        with pytest.raises(ArgumentError, match="factors"):
            extrapolation_weights(factors)
    with pytest.raises(ArgumentError, match="'cubic'"):
        extrapolation_weights((1, 3), "cubic")
    with pytest.raises(ArgumentError, match=r"\(2,\)"):
        extrapolate([1, 2], (1, 3, 5))
    with pytest.raises(ArgumentError, match=r"\(2,\)"):
        extrapolate([1, 2, 3], (1, 3, 5), variances=[1, 1])


def test_folding_recovers_what_depolarising_gates_took():
    model = NoiseModel(basis_gates=["cz", "sx", "x", "rz"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.01, 2), "cz")
    simulator = AerSimulator(method="density_matrix", noise_model=model, max_parallel_threads=1)
    base = compiled()
    ideal = np.asarray(DensityMatrix(base))

    def state(circuit):
        saved = circuit.copy()
        saved.save_density_matrix()
        return np.asarray(simulator.run(saved).result().data()["density_matrix"])

    values = np.array([state(fold(base, factor)) for factor in (1, 3, 5)])
    errors = {"bare": np.abs(values[0] - ideal).max()}
    for method in ("linear", "richardson"):
        found = extrapolate(values.real, (1, 3, 5), method)[0] + 1j * extrapolate(values.imag, (1, 3, 5), method)[0]
        errors[method] = np.abs(found - ideal).max()
    # three gates at 1 %: e^{-0.03 x} to first and to second order at 0
    assert errors["linear"] < 0.12 * errors["bare"]
    assert errors["richardson"] < 0.1 * errors["linear"]


# --- dynamical decoupling -----------------------------------------------------------------------------------------------


def storage(delay=20000):
    """Both qubits wait in a superposition, then are turned back: P(00) = 1 where nothing happens."""
    circuit = QuantumCircuit(2)
    circuit.sx(0)
    circuit.sx(1)
    circuit.delay(delay, 0, "dt")
    circuit.delay(delay, 1, "dt")
    circuit.sx(0)
    circuit.sx(1)
    circuit.x(0)
    circuit.x(1)
    return circuit


def test_pulses_in_a_delay_keep_the_ideal_circuit():
    for pulses in (2, 4, 8):
        padded = decouple(storage(), device(), pulses)
        assert padded.count_ops()["x"] == 2 * pulses + 2
        assert Operator(padded).equiv(Operator(storage()))
        assert idle_time(padded, 1e-9) == pytest.approx([20e-6 - pulses * 40e-9] * 2)


def test_pulses_refocus_a_detuning_that_holds_still_and_nothing_else_does():
    target = device()
    members = static_detunings(60e3, 2, 40, seed=1)
    plain, padded = scheduled(storage(), target), decouple(storage(), target)

    def fidelity(circuit):
        return np.mean([DensityMatrix(detuned(circuit, member, 1e-9)).probabilities()[0] for member in members])

    assert fidelity(plain) < 0.6
    assert fidelity(padded) == pytest.approx(1, abs=1e-6)
    assert DensityMatrix(detuned(plain, [0, 0], 1e-9)).probabilities()[0] == pytest.approx(1)


def test_a_rotation_after_a_delay_is_the_detuning_s():
    circuit = QuantumCircuit(2)
    circuit.delay(3, 1, "us")
    found = detuned(circuit, [5e3, 20e3])
    (step,) = [s for s in found.data if s.operation.name == "rz"]
    assert float(step.operation.params[0]) == pytest.approx(2 * np.pi * 20e3 * 3e-6)
    assert found.find_bit(step.qubits[0]).index == 1


def test_detunings_have_the_stated_width_and_no_mean():
    drawn = static_detunings(50.0, 3, 4000, seed=2)
    assert drawn.shape == (4000, 3)
    np.testing.assert_allclose(drawn[:2000].std(axis=0), 50, rtol=0.06)
    np.testing.assert_allclose(drawn[:2000] + drawn[2000:], 0, atol=0)
    assert not static_detunings(0.0, 2, 4, seed=1).any()


def test_decoupling_refuses_what_it_cannot_do():
    t = Parameter("t")
    open_delay = QuantumCircuit(2)
    open_delay.delay(t, 0, "dt")
    for act in (lambda: decouple(open_delay, device()), lambda: scheduled(open_delay, device())):
        with pytest.raises(ArgumentError, match="delay of t"):
            act()
    with pytest.raises(ArgumentError, match="delay of t"):
        detuned(open_delay, [1, 1], 1e-9)
    for pulses in (0, 1, 3, 2.0):
        with pytest.raises(ArgumentError, match=f"is '?{pulses}"):
            decouple(storage(), device(), pulses)
    with pytest.raises(ArgumentError, match="dt must"):
        detuned(storage(), [1, 1])
    with pytest.raises(ArgumentError, match=r"\(3,\)"):
        detuned(storage(), [1, 1, 1], 1e-9)
    with pytest.raises(ArgumentError, match=r"rms must .* -1"):
        static_detunings(-1, 2, 4, seed=1)
    with pytest.raises(ArgumentError, match=r"members must .* 0"):
        static_detunings(1, 2, 0, seed=1)
    without = Target(num_qubits=1, dt=1e-9)
    without.add_instruction(SXGate(), {(0,): InstructionProperties(4e-8)})
    with pytest.raises(ArgumentError, match="sx"):
        decouple(QuantumCircuit(1), without)


# --- twirling -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cz", "cx", "ecr"])
def test_a_twirl_keeps_the_ideal_circuit_and_costs_no_gate_on_two_qubits(name):
    circuit = QuantumCircuit(2)
    for k, (first, second) in enumerate(((0, 1), (1, 0), (0, 1))):
        circuit.u(0.3 + k, 1.1, 0.2, 0)
        circuit.u(0.5, 0.3 + k, 0.1, 1)
        getattr(circuit, name)(first, second)
    versions = twirl(circuit, 12, np.random.default_rng(1))
    assert len({str(v.count_ops()) + str(v.data) for v in versions}) > 6
    for version in versions:
        assert Operator(version).equiv(Operator(circuit))
        assert version.count_ops()[name] == 3


def test_merged_twirls_cost_no_pulse():
    base = compiled(blocks=3)
    versions = twirl(base, 8, np.random.default_rng(2), device())
    pulses = [sum(v.count_ops().get(name, 0) for name in ("sx", "x")) for v in versions]
    assert max(pulses) <= sum(base.count_ops().get(name, 0) for name in ("sx", "x")) + 8
    assert all(Operator(v).equiv(Operator(base)) for v in versions)


def test_twirling_turns_a_coherent_error_into_one_of_second_order():
    """cz followed by exp(-i a ZZ/2): the mean over twirls is a Pauli channel with p = sin^2(a/2)."""
    error = 0.1
    circuit = QuantumCircuit(2)
    circuit.ry(np.pi / 2, 0)
    circuit.cz(0, 1)

    def faulty(version):
        found = version.copy_empty_like()
        for step in version.data:
            found.append(step)
            if step.operation.name == "cz":
                found.rzz(error, *step.qubits)
        return np.asarray(DensityMatrix(found))

    ideal = np.asarray(DensityMatrix(circuit))
    bare = np.abs(faulty(circuit) - ideal).max()
    twirled = np.mean([faulty(v) for v in twirl(circuit, 800, np.random.default_rng(3))], axis=0)
    assert bare == pytest.approx(np.sin(error / 2), rel=0.02)
    assert np.abs(twirled - ideal).max() < 0.25 * bare


def test_only_gates_with_pauli_images_are_twirled():
    circuit = QuantumCircuit(2)
    circuit.rzz(0.3, 0, 1)
    with pytest.raises(ArgumentError, match="rzz"):
        twirl(circuit, 1, np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="is 0"):
        twirl(QuantumCircuit(2), 0, np.random.default_rng(1))
