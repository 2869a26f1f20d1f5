"""One circuit with open angles for a whole sweep: what it gives, what it costs, and what a transpiler leaves of it."""

import time
from dataclasses import replace

import numpy as np
import pytest
from outcomes import mixed, outcomes, state
from qiskit import transpile
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Statevector

import nmrqb
from nmrqb.circuits.layers import ENTANGLERS, Layers
from nmrqb.circuits.prepare import branches, eigenbranches
from nmrqb.circuits.skeleton import skeleton
from nmrqb.errors import ArgumentError
from nmrqb.nmr.ensembles import Ensemble
from nmrqb.spin.operators import pauli_labels
from nmrqb.timeline import Mark, Timeline
from nmrqb.tomography import pauli_settings, probabilities

PAIR = nmrqb.Sample.load("nematic-pair").amplified(1.0)
NINE = pauli_settings(2)


def random_state(d, seed=5):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    return a @ a.conj().T / np.linalg.norm(a) ** 2


def general(n, points=(), seed=0, weight=2):
    """Two slices with every term on up to two spins, a crusher between them."""
    labels = tuple(label for label in pauli_labels(n) if 0 < n - label.count("I") <= weight)
    angles = np.random.default_rng(seed).normal(size=(*points, 2, len(labels))) * 0.7 / n
    marks = (Mark("crush", 1, groups=(tuple(range(n)),)), Mark("observe", 2, "end"))
    return Timeline(labels, angles, np.full((*points, 2), 0.1), marks, (0, 1))


def charging(points):
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge").bind(charge=np.linspace(0, np.pi, points))
    return nmrqb.schedule(sequence, PAIR, pulses="finite")


def compiled(timeline, rho, settings=NINE, mark="end", **how):
    weights, basis = eigenbranches(rho)
    chosen = branches(weights, timeline.crushers)
    return skeleton(timeline, chosen, settings, mark=mark, basis=basis, **how), chosen


def only_charge(points):
    """Hard pulses of many angles and nothing else: no spin meets another."""
    angles = np.zeros((points, 1, 2))
    angles[:, 0, :] = np.linspace(0, np.pi / 2, points)[:, None]
    return Timeline(("XI", "IX"), angles, np.zeros((points, 1)), (Mark("observe", 1, "end"),), (0,))


def zz(points):
    angles = np.linspace(-2, 2, points).reshape(points, 1, 1)
    return Timeline(("ZZ",), angles, np.ones((points, 1)), (Mark("observe", 1, "end"),), (0,))


GIBBS = nmrqb.gibbs_state(nmrqb.Battery(axial=1, zeeman=0.4, rhombic=0.25, dm=0.3, ksea=0.15).hamiltonian(), 0.8)


@pytest.mark.parametrize("entangler", ENTANGLERS)
@pytest.mark.parametrize("start", ["diagonal", "entangled"])
def test_two_spins_with_every_coupling_are_exact_with_every_entangler(entangler, start):
    timeline = general(2, (3,))
    rho = random_state(4) if start == "entangled" else np.diag([0.4, 0.3, 0.2, 0.1])
    made, chosen = compiled(timeline, rho, entangler=entangler)
    assert made.angles.shape == (3, 12, 9, len(made.circuit.parameters))
    assert made.two_qubit_gates == (4 if start == "entangled" else 3)
    assert dict(made.circuit.count_ops())[entangler] == made.two_qubit_gates
    exact = nmrqb.Exact().run(timeline, rho).rho[..., 0, 0, :, :]
    np.testing.assert_allclose(state(timeline, made, chosen, NINE), exact, atol=1e-10)
    np.testing.assert_array_equal(made.bound, np.zeros(3))


@pytest.mark.parametrize("n", [1, 3])
def test_one_and_three_spins_with_every_coupling_are_exact(n):
    timeline, rho = general(n, (2,)), random_state(2**n)
    settings = pauli_settings(n)[::4] if n == 3 else pauli_settings(n)
    made, chosen = compiled(timeline, rho, settings, tolerance=1e-12)
    assert made.two_qubit_gates == (0 if n == 1 else 12 + 23)
    exact = nmrqb.Exact().run(timeline, rho).rho[..., 0, 0, :, :]
    np.testing.assert_allclose(mixed(made, chosen), probabilities(exact, settings), atol=1e-10)


def test_terms_of_three_spins_are_exact_too():
    timeline, rho = general(3, weight=3), np.diag([0.5, 0, 0, 0.3, 0, 0.2, 0, 0])
    made, chosen = compiled(timeline, rho, ("XYZ", "ZZY"), tolerance=1e-12)
    exact = nmrqb.Exact().run(timeline, rho).rho[0, 0]
    np.testing.assert_allclose(mixed(made, chosen), probabilities(exact, ("XYZ", "ZZY")), atol=1e-10)


@pytest.mark.parametrize(
    ("timeline", "rho", "entangler", "gates"),
    [
        pytest.param(only_charge(6), np.diag([1, 0, 0, 0]), "cz", 0, id="hard pulses from a product state"),
        pytest.param(only_charge(6), GIBBS, "cz", 1, id="hard pulses from a Gibbs state"),
        pytest.param(only_charge(6), GIBBS, "rzz", 1, id="the same with rzz"),
        pytest.param(only_charge(6), np.kron(random_state(2), np.eye(2) / 2), "cz", 0, id="product eigenstates"),
        pytest.param(zz(6), GIBBS, "ecr", 1 + 2, id="pure ZZ"),
        pytest.param(zz(6), GIBBS, "rzz", 1 + 1, id="pure ZZ with rzz"),
        pytest.param(general(2, (6,)), GIBBS, "cx", 1 + 3, id="everything"),
    ],
)
def test_no_more_entanglers_than_the_most_demanding_point_needs(timeline, rho, entangler, gates):
    made, chosen = compiled(timeline, rho, entangler=entangler)
    assert made.two_qubit_gates == made.circuit.num_nonlocal_gates() == gates
    exact = nmrqb.Exact().run(timeline, rho).rho[..., 0, 0, :, :]
    np.testing.assert_allclose(mixed(made, chosen), probabilities(exact, NINE), atol=1e-10)


def test_native_rzz_stays_between_nothing_and_a_quarter_turn():
    for timeline in (general(2, (20,)), zz(20)):
        made, _ = compiled(timeline, GIBBS, entangler="rzz")
        used = {p.name for step in made.circuit.data if step.name == "rzz" for p in step.params[0].parameters}
        columns = [k for k, p in enumerate(made.circuit.parameters) if p.name in used]
        assert len(columns) == made.two_qubit_gates
        angles = made.angles[..., columns]
        assert angles.min() >= 0
        assert angles.max() <= np.pi / 2 + 1e-12


def test_members_of_an_ensemble_are_a_leading_axis():
    timeline = nmrqb.schedule(nmrqb.Sequence.load("broekaert-jeener-charge"), PAIR)
    few = replace(timeline, ensemble=Ensemble.of(rf=[0.95, 1.0, 1.1], weights=[0.25, 0.5, 0.25]))
    rho = PAIR.linear_state()
    made, chosen = compiled(few, rho, mark=few.observed[-1])
    assert made.angles.shape[:-1] == (3, len(chosen), 9)
    exact = nmrqb.Exact(keep_members=True).run(few, rho).rho[:, -1, 0]
    np.testing.assert_allclose(mixed(made, chosen), probabilities(exact, NINE), atol=1e-10)


def test_marks_in_the_middle_leave_out_what_comes_later():
    timeline = general(2)
    early = replace(timeline, marks=(Mark("observe", 1, "early"), *timeline.marks))
    made, _ = compiled(early, GIBBS, mark="early")
    exact = nmrqb.Exact().run(early, GIBBS).rho[0, 0]
    # the crusher comes later: its three steps are the same circuit
    np.testing.assert_allclose(made.angles[0::3], made.angles[2::3], atol=1e-12)
    np.testing.assert_allclose(
        mixed(made, branches(eigenbranches(GIBBS)[0], early.crushers)), probabilities(exact, NINE), atol=1e-10
    )


def device(basis):
    return GenericBackendV2(3, basis_gates=basis, coupling_map=[[0, 1], [1, 2]], seed=1)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("entangler", ["cz", "cx", "ecr"])
def test_a_transpiler_keeps_every_angle_and_adds_no_entangler(level, entangler):
    """The array of angles fits the transpiled circuit as it is, and both give the same outcomes."""
    made, _ = compiled(general(2), GIBBS, entangler=entangler)
    native = transpile(
        made.circuit,
        device(["rz", "sx", "x", entangler]),
        optimization_level=level,
        initial_layout=[1, 2],
        seed_transpiler=1,
    )
    assert [p.name for p in native.parameters] == [p.name for p in made.circuit.parameters]
    assert dict(native.count_ops())[entangler] == 1 + 3
    rows = made.angles[::5, 3]
    bound = [native.assign_parameters(row) for row in rows]
    found = [counted(circuit) for circuit in bound]
    np.testing.assert_allclose(found, outcomes(made.circuit, rows), atol=1e-10)


def counted(circuit):
    """Outcome probabilities of a transpiled circuit, by the clbit each qubit is measured into."""
    where = {}
    bare = circuit.copy_empty_like()
    for step in circuit.data:
        if step.name == "measure":
            where[circuit.find_bit(step.clbits[0]).index] = circuit.find_bit(step.qubits[0]).index
        elif step.name != "barrier":
            bare.append(step)
    return Statevector(bare).probabilities([where[1], where[0]])  # the first of the list is the lowest bit


def test_a_sweep_of_nine_hundred_circuits_is_one_array_made_in_less_than_half_a_second():
    timeline = charging(100)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        made, chosen = compiled(timeline, np.diag([1.0, 0, 0, 0]), mark=timeline.observed[-1])
        taken.append(time.perf_counter() - start)
    assert made.angles.shape == (100, len(chosen), 9, len(made.circuit.parameters))
    assert sorted(taken)[1] < 0.5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"mark": "middle"}, "mark must be one of the timeline's: end, but is 'middle'"),
        ({"entangler": "swap"}, "entangler must be one of cz, cx, ecr, rzz, but is 'swap'"),
        ({"settings": ("XY", "XYZ")}, "setting must be 2 of the letters X, Y, Z, but is 'XYZ'"),
        ({"settings": ("XI",)}, "setting must be 2 of the letters X, Y, Z, but is 'XI'"),
        ({"settings": ()}, "branches and settings must hold at least one each, but is empty"),
    ],
)
def test_what_has_no_circuit_is_refused(change, match):
    with pytest.raises(ArgumentError, match=match):
        compiled(general(2), GIBBS, **change)


def test_layers_refuse_an_unknown_entangler():
    with pytest.raises(ArgumentError, match="entangler must be one of cz, cx, ecr, rzz, but is 'iswap'"):
        Layers(2, (), "iswap")
