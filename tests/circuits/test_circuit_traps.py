"""What goes wrong in silence with circuits: lost noise, bits backwards, short phase cycles, merged blocks, open delays."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from outcomes import mixed
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Delay, Parameter
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import LocalNoisePass, NoiseModel, pauli_error

import nmrqb
from nmrqb.circuits import Branch, branches, compile_circuit, execute, splitting
from nmrqb.circuits.prepare import cycle, eigenbranches
from nmrqb.circuits.skeleton import skeleton
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import pauli_labels
from nmrqb.spin.states import pure_state
from nmrqb.timeline import Mark, Timeline
from nmrqb.tomography import pauli_settings, probabilities

PAIR = nmrqb.Sample.load("nematic-pair").amplified(1.0)
DEVICE = GenericBackendV2(2, basis_gates=["rz", "sx", "x", "cz"], coupling_map=[[0, 1], [1, 0]], seed=1)


def general(slices, noise=None, seed=0):
    """Slices with every coupling, each an event of its own."""
    labels = tuple(label for label in pauli_labels(2) if label != "II")
    angles = np.random.default_rng(seed).normal(size=(slices, 15)) * 0.4
    return Timeline(
        labels, angles, np.full(slices, 0.1), (Mark("observe", slices, "end"),), tuple(range(slices)), noise
    )


def purity(rho):
    return np.trace(rho @ rho).real


# ---- noise ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_noise_is_still_there_after_a_transpiler(level):
    """A noise model bound to labelled unitaries is lost when they are unrolled; channels in the circuit are not."""
    noise = Noise((0.5, 0.6), (0.12, 0.2), (0.3, 0.3), (0.0, 0.0), x_dephasing=(1.0, 0.5))
    timeline = general(3, noise)
    branch = branches(np.eye(4)[0], ())[0]
    circuit = compile_circuit(timeline, (), branch, pieces=splitting(timeline, 1e-3).pieces, save=True)
    expected = execute.saved_states([circuit], ["end"])[0, 0]
    rewritten = transpile(circuit, execute.simulator(), optimization_level=level)
    assert rewritten.count_ops()["superop"] == circuit.count_ops()["superop"]
    found = execute.saved_states([rewritten], ["end"])[0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert purity(found) < 0.9


def test_noise_bound_to_a_label_is_lost_which_is_why_ours_is_not():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(pauli_error([("X", 0.2), ("I", 0.8)]), "block")
    circuit = QuantumCircuit(1)
    circuit.unitary(np.eye(2), [0], label="block")
    circuit.save_density_matrix()
    backend = AerSimulator(method="density_matrix", noise_model=model, max_parallel_threads=1)
    kept, lost = (
        purity(np.asarray(backend.run(c, shots=1).result().data(0)["density_matrix"]))
        for c in (circuit, transpile(circuit, backend, optimization_level=0))
    )
    assert kept < 0.7
    assert lost == pytest.approx(1)


# ---- bits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", pauli_settings(2))
def test_outcomes_are_in_the_order_of_the_spins_in_every_mixed_basis(setting):
    """A state without any symmetry between the spins, measured in XZ and ZX, YZ and ZY, ... in both modes."""
    psi = np.array([0.1, 0.2 + 0.3j, 0.5 - 0.1j, 0.75j])
    rho = pure_state(psi)
    timeline = replace(general(1), angles=np.zeros((1, 15)))
    weights, basis = eigenbranches(rho)
    chosen = branches(weights, ())
    expected = probabilities(rho, [setting])[0]
    backwards = probabilities(rho, [setting[::-1]])[0]
    assert np.abs(expected - backwards[[0, 2, 1, 3]]).max() > 0.01
    compiled = skeleton(timeline, chosen, [setting], mark="end", basis=basis)
    np.testing.assert_allclose(mixed(compiled, chosen)[0], expected, atol=1e-12)
    faithful = compile_circuit(timeline, (), chosen[0], basis=basis, measure=("end", setting))
    shots = 20_000
    counts = AerSimulator(seed_simulator=1, max_parallel_threads=1).run(faithful, shots=shots).result().get_counts()
    # Qiskit prints clbit 0 at the right: spin 0 is read from there
    found = np.array([counts.get(f"{k:02b}"[::-1], 0) for k in range(4)]) / shots
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / shots) + 1e-9)


# ---- phase cycles ---------------------------------------------------------------------------------------------------


def crushed(phases):
    """Outcomes of a crusher made of these collective phases, and of the exact one, both modes."""
    base = general(2)
    timeline = replace(base, marks=(Mark("crush", 1, groups=((0, 1),)), *base.marks))
    chosen = [Branch(1 / len(phases), 0, ((phase,),)) for phase in phases]
    settings = pauli_settings(2)
    compiled = mixed(skeleton(timeline, chosen, settings, mark="end"), chosen)
    circuits = [compile_circuit(timeline, (), branch, save=True) for branch in chosen]
    faithful = probabilities(execute.saved_states(circuits, ["end"])[:, 0].mean(axis=0), settings)
    exact = probabilities(nmrqb.Exact().run(timeline, np.diag([1.0, 0, 0, 0])).rho[0, 0], settings)
    return compiled, faithful, exact


def test_three_steps_of_a_phase_cycle_crush_a_pair_and_two_do_not():
    (steps,) = {len(cycle(Mark("crush", 0, groups=((0, 1),))))}
    assert steps == 3
    for found in crushed(2 * np.pi * np.arange(3) / 3)[:2]:
        np.testing.assert_allclose(found, crushed(2 * np.pi * np.arange(3) / 3)[2], atol=1e-12)
    compiled, faithful, exact = crushed([0.0, np.pi])
    for found in (compiled, faithful):
        assert np.abs(found - exact).max() > 0.1  # double-quantum coherence passes two steps


# ---- blocks ---------------------------------------------------------------------------------------------------------


def test_faithful_blocks_stay_apart_and_compiled_ones_are_one():
    """Three events of 3 CZ: nine after the strongest optimisation, three compiled, one more each for a preparation."""
    timeline = general(3)
    for rho, extra in ((np.diag([1.0, 0, 0, 0]), 0), (entangled(), 1)):
        weights, basis = eigenbranches(rho)
        chosen = branches(weights, ())
        faithful = compile_circuit(timeline, (), chosen[-1], basis=basis, measure=("end", "XY"))
        native = transpile(faithful, DEVICE, optimization_level=3, seed_transpiler=1)
        preparation = native.count_ops()["cz"] - 9
        assert preparation in ((0,) if extra == 0 else (1, 2, 3))
        compiled = skeleton(timeline, chosen, ["XY"], mark="end", basis=basis)
        for level in (0, 2, 3):
            native = transpile(compiled.circuit, DEVICE, optimization_level=level, seed_transpiler=1)
            assert native.count_ops()["cz"] == 3 + extra


def test_without_barriers_blocks_would_be_merged():
    circuit = compile_circuit(general(3), (), branches(np.eye(4)[0], ())[0])
    bare = QuantumCircuit(2)
    for step in circuit.data:
        if step.name != "barrier":
            bare.append(step)
    assert transpile(bare, DEVICE, optimization_level=3, seed_transpiler=1).count_ops()["cz"] == 3


def entangled():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    return a @ a.conj().T / np.linalg.norm(a) ** 2


def test_a_preparation_is_not_merged_with_what_comes_after():
    """It would be possible, a pure state needing one CZ however it came about; then nothing would be charged."""
    weights, basis = eigenbranches(entangled())
    made = skeleton(general(1), branches(weights, ()), ["ZZ"], mark="end", basis=basis)
    names = [step.name for step in made.circuit.data]
    assert names.count("barrier") == 1
    before, after = names[: names.index("barrier")], names[names.index("barrier") :]
    assert (before.count("cz"), after.count("cz")) == (1, 3)


# ---- delays ---------------------------------------------------------------------------------------------------------


def test_swept_delays_are_angles_not_open_delays():
    """Noise passes compare a delay's length with a number and fail on an open one: no circuit of ours holds a delay."""
    open_delay = QuantumCircuit(1)
    open_delay.delay(Parameter("t"), 0, unit="s")
    fails = LocalNoisePass(
        lambda op, _: pauli_error([("X", 0.1), ("I", 0.9)]) if op.duration > 0 else None, op_types=Delay
    )
    with pytest.raises(TypeError):
        fails(open_delay)
    sequence = nmrqb.Sequence.load("solid-echo").bind(tau=np.linspace(1e-5, 1e-3, 5))
    timeline = nmrqb.schedule(sequence, PAIR, noise=True)
    assert len(set(timeline.durations.sum(axis=-1))) == 5
    chosen = branches(np.diag(PAIR.linear_state()).real, timeline.crushers)
    made = skeleton(timeline, chosen, ["XX"], mark=timeline.observed[-1])
    faithful = [compile_circuit(timeline, (k,), chosen[0]) for k in range(5)]
    assert all("delay" not in circuit.count_ops() for circuit in (made.circuit, *faithful))
    assert all(np.abs(a - b).max() > 1e-3 for a, b in pairwise(made.angles))
    fails(made.circuit)
