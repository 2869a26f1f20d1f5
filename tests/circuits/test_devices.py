"""Backends: which qubits, whose noise, in which order counts come, and what is no data."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Instruction, Parameter
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.quantum_info import DensityMatrix
from qiskit_aer import AerSimulator
from scipy.stats import chi2_contingency

from nmrqb.circuits import execute
from nmrqb.circuits.devices import names, noise_source, open_machine
from nmrqb.circuits.devices.aer import Aer, noisy
from nmrqb.circuits.devices.backend import Provided
from nmrqb.circuits.devices.counted import checked, ordered, reordered
from nmrqb.circuits.devices.cut import Cut, best_line, checked_qubits
from nmrqb.circuits.devices.machine import fake_backend
from nmrqb.circuits.devices.runtime import Runtime, _passing
from nmrqb.errors import ArgumentError, JobError, RunError, TransientError
from nmrqb.jobs import Work


def work(circuits, shots=4000, angles=None, seed=3):
    rows = np.arange(len(circuits))
    open_ = (np.zeros((1, 0)),) * len(circuits)
    if angles is not None:
        rows, open_ = np.zeros(len(angles), dtype=int), (np.asarray(angles),)
    return Work("test", tuple(circuits), rows, open_, np.broadcast_to(shots, rows.shape).astype(np.int64), seed)


def lopsided(n=2):
    """Different chances for every outcome, and an entangling gate; measured."""
    circuit = QuantumCircuit(n, n)
    for k in range(n):
        circuit.ry(0.4 + 0.5 * k, k)
    for a, b in pairwise(range(n)):
        circuit.cx(a, b)
        circuit.rx(0.3, b)
    circuit.measure(range(n), range(n))
    return circuit


def expected(circuit):
    """Outcome probabilities, spin 0 the highest bit, by Qiskit's own density matrix."""
    rho = DensityMatrix(circuit.remove_final_measurements(inplace=False))
    found = np.zeros(2**circuit.num_qubits)
    for text, p in rho.probabilities_dict().items():
        found[int(text[::-1], 2)] = p
    return found


def swept():
    theta, phi = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2, 2)
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.ry(phi, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit, np.array([[0.3, 0.1], [1.0, 2.0], [2.2, 0.7]])


def alike(counts, p, level=1e-4):
    """Counts that may be draws of these probabilities (chi-squared against a large sample of them)."""
    drawn = np.random.default_rng(0).multinomial(10**7, p)
    table = np.stack([counts, drawn])[:, (counts + drawn) > 0]
    return chi2_contingency(table).pvalue > level


# ---- which qubits


def reported(target, line):
    """Errors that a line's circuits would meet, straight from the target."""
    gate = next(name for name in ("cz", "ecr", "cx") if name in target.operation_names)
    total = 0.0
    for q in line:
        total -= np.log(1 - target["measure"][(q,)].error) + np.log(1 - max(target[g][(q,)].error for g in ("sx", "x")))
    for pair in pairwise(line):
        errors = [target[gate][p].error for p in (pair, pair[::-1]) if p in target[gate]]
        if not errors:
            return np.inf
        total -= 3 * np.log(1 - min(errors)) if min(errors) < 1 else -np.inf
    return total


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_line_of_qubits_is_the_one_with_the_smallest_reported_errors(n):
    target = fake_backend("guadalupe").target
    best = min((reported(target, line), line) for line in permutations(range(16), n))
    assert reported(target, best_line(target, n)) == pytest.approx(best[0], rel=1e-12)


def test_a_broken_gate_is_not_used():
    target = fake_backend("guadalupe").target
    chosen = best_line(target, 2)
    broken = Cut(fake_backend("guadalupe"), range(16)).target
    for pair in (chosen, chosen[::-1]):
        if pair in broken["cx"]:
            properties = broken["cx"][pair]
            broken.update_instruction_properties("cx", pair, type(properties)(properties.duration, 1.0))
    assert set(best_line(broken, 2)) != set(chosen)


def test_more_qubits_than_there_are_is_refused():
    with pytest.raises(RunError, match="17 qubits are needed, but the backend has 16"):
        best_line(fake_backend("guadalupe").target, 17)


@pytest.mark.parametrize("qubits", [(0, 0), (0,), (0, 16), (-1, 0), (0, 1.0)])
def test_qubits_that_are_none_are_refused(qubits):
    with pytest.raises(ArgumentError, match=r"qubits must be .* but is"):
        checked_qubits(fake_backend("guadalupe").target, qubits, 2)
    assert checked_qubits(fake_backend("guadalupe").target, (15, 0), 2) == (15, 0)


def test_a_cut_has_the_noise_of_its_qubits_in_the_whole_machine():
    parent = fake_backend("manila")
    whole = AerSimulator.from_backend(parent, method="density_matrix", max_parallel_threads=1)
    qubits = (3, 2)
    native = transpile(lopsided(), parent, initial_layout=qubits, optimization_level=1, seed_transpiler=1)
    machine = open_machine("fake:manila", 2, qubits=qubits)
    (cut,) = machine.native([lopsided()])
    assert cut.num_qubits == 2
    p = machine.simulator.probabilities(work([cut]))[0]
    ideal = expected(lopsided())
    assert np.abs(p - ideal).max() > 0.01
    counts = np.zeros(4, dtype=int)
    for text, seen in whole.run(native, shots=40_000, seed_simulator=1).result().get_counts().items():
        counts[int(text[::-1], 2)] = seen
    assert alike(counts, p)
    assert not alike(counts, ideal)


# ---- whose noise


def channel(p):
    """Depolarising by p on two qubits."""
    v = np.eye(4).reshape(-1)
    return Instruction("superop", 2, 0, [(1 - p) * np.eye(16, dtype=complex) + p * np.outer(v, v) / 4])


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_channel_survives_transpiling_where_it_stands(level):
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.append(channel(0.5), [0, 1])
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    machine = open_machine("fake:manila", 2, noise="sample", level=level)
    (native,) = machine.native([circuit])
    assert native.count_ops()["superop"] == 1
    assert not {"h", "unitary"} & set(native.count_ops())
    p = machine.simulator.probabilities(work([native]))[0]
    np.testing.assert_allclose(p, [0.5 + 0.125, 0.125, 0.125, 0.125], atol=1e-12)


def test_both_noises_act_and_each_can_be_left_out():
    circuit = lopsided()
    circuit.data.insert(2, circuit.data[0].replace(operation=channel(0.3), qubits=circuit.qubits, clbits=()))
    found = {}
    for noise in ("none", "sample", "device", "both"):
        machine = open_machine("fake:manila", 2, noise=noise, readout=(0.05, 0.1))
        (native,) = machine.native([circuit])
        found[noise] = machine.simulator.probabilities(work([native]))[0]
    flips = np.kron([[0.95, 0.05], [0.05, 0.95]], [[0.9, 0.1], [0.1, 0.9]])
    np.testing.assert_allclose(found["sample"], found["none"] @ flips, atol=1e-12)
    np.testing.assert_allclose(found["both"], found["device"] @ flips, atol=1e-12)
    assert np.abs(found["device"] - found["none"]).max() > 5e-3


@pytest.mark.parametrize("noise", ["sample", "device", "both"])
def test_aer_counts_are_drawn_from_the_probabilities(noise):
    machine = open_machine("fake:manila", 2, noise=noise, readout=(0.05, 0.1))
    asked = work(machine.native([lopsided()]) * 3, shots=[20_000, 30_000, 0])
    p = machine.simulator.probabilities(asked)
    counts = machine.device.collect(machine.device.submit(asked, "tag"), asked)
    assert counts.sum(axis=1).tolist() == [20_000, 30_000, 0]
    assert all(alike(row, q) for row, q in zip(counts[:2], p[:2], strict=True))


def test_noise_that_a_backend_cannot_have_is_refused():
    assert noise_source("aer", None) == "sample"
    assert noise_source("fake:torino", None) == "device"
    for backend, noise in (("aer", "device"), ("aer", "both"), ("ibm:any", "sample")):
        with pytest.raises(ArgumentError, match=f"noise must be .* on {backend}, but is '{noise}'"):
            noise_source(backend, noise)


# ---- counts


def test_outcomes_are_numbered_with_spin_0_first():
    assert ordered({"01": 3, "10": 5}, 2).tolist() == [0, 5, 3, 0]  # printed 01: qubit 0 is 1
    assert ordered({"0 1": 3}, 2).tolist() == [0, 0, 3, 0]
    assert reordered(np.arange(8)).tolist() == [0, 4, 2, 6, 1, 5, 3, 7]
    for text in ("011", "0x1", ""):
        with pytest.raises(JobError, match=f"counted '{text}', which is no outcome of 2 qubits"):
            ordered({text: 1}, 2)


@pytest.mark.parametrize("n", [2, 3])
def test_open_angles_and_closed_circuits_give_their_probabilities(n):
    circuit = lopsided(n)
    np.testing.assert_allclose(
        execute.outcome_probabilities(execute.simulator(), work([circuit]))[0], expected(circuit), atol=1e-12
    )
    parameterised, angles = swept()
    p = execute.outcome_probabilities(execute.simulator(), work([parameterised], angles=angles))
    bound = [expected(parameterised.assign_parameters(row)) for row in angles]
    np.testing.assert_allclose(p, bound, atol=1e-12)


def test_counts_that_do_not_add_up_are_no_data():
    counts = np.array([[5, 5, 0, 0], [9, 0, 0, 0]])
    assert checked(counts, np.array([10, 9]), "it") is counts
    with pytest.raises(JobError, match="it gave 9 counts for circuit 1, but 10 shots were asked for"):
        checked(counts, np.array([10, 10]), "it")


@pytest.mark.parametrize(("rows", "shots", "fine"), [(3, 100, False), (2, 100, True), (3, 99, True)])
def test_nothing_but_zeros_is_no_data(rows, shots, fine):
    counts = np.zeros((rows, 4), dtype=np.int64)
    counts[:, 0] = shots
    if fine:
        checked(counts, np.full(rows, shots), "it")
    else:
        with pytest.raises(JobError, match="it saw only zeros in all of 3 different circuits"):
            checked(counts, np.full(rows, shots), "it")
    counts[0, :2] = [shots - 1, 1]
    checked(counts, np.full(rows, shots), "it")


class Forgetful(BasicSimulator):
    """A backend that runs, and then spoils its counts in one of the ways that occur."""

    how = "well"

    def run(self, run_input, **options):
        if self.how == "unreachable":
            raise ConnectionError("no route")
        if self.how == "fewer":
            options["shots"] -= 1
        job = super().run(run_input, **options)
        result = job.result()
        for each in result.results:
            if self.how == "zeros":
                each.data.counts = {"0x0": options["shots"]}
            if self.how == "none":
                each.data = type(each.data)()
        job.result = lambda: result
        return job


@pytest.mark.parametrize(
    ("how", "error", "match"),
    [
        ("fewer", JobError, "gave 3999 counts for circuit 0, but 4000"),
        ("zeros", JobError, "saw only zeros in all of 3 different"),
        ("none", JobError, "gave no counts for job"),
        ("unreachable", TransientError, "cannot be reached .no route."),
    ],
)
def test_a_backend_that_spoils_its_counts_is_found_out(how, error, match):
    device = Provided(Forgetful())
    device.backend.how = how
    asked = work(transpile([lopsided(), *swept_bound()], device.backend))
    with pytest.raises(error, match=match):
        device.collect(device.submit(asked, "tag"), asked)


def swept_bound():
    circuit, angles = swept()
    return [circuit.assign_parameters(row) for row in angles[:2]]


def test_anyones_backend_gives_its_counts_in_our_order():
    device = Provided(BasicSimulator())
    assert not device.durable
    asked = work(transpile([lopsided()], device.backend))
    assert alike(device.collect(device.submit(asked, "tag"), asked)[0], expected(lopsided()))
    circuit, angles = swept()
    asked = work(transpile([circuit], device.backend), angles=angles)
    for row, values in zip(device.collect(device.submit(asked, "tag"), asked), angles, strict=True):
        assert alike(row, expected(circuit.assign_parameters(values)))
    with pytest.raises(JobError, match="does not know the job 7 any more"):
        device.collect("7", asked)


def test_success_without_counts_is_found_out():
    """Aer reports success and gives no counts where nothing was measured, or where it thinks that memory is short."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    device = Aer("aer", execute.simulator(), np.eye(4))
    with pytest.raises(JobError, match="Aer gave no counts for circuit 1"):
        device.collect("test", work([lopsided(), circuit]))


# ---- IBM's runtime, in its local mode


@pytest.fixture(scope="module")
def local():
    cut = Cut(fake_backend("manila"), (3, 2))
    simulator, confusion = noisy(cut, True, ())
    return (
        cut,
        AerSimulator.from_backend(cut, method="density_matrix", max_parallel_threads=1),
        Aer("", simulator, confusion),
    )


@pytest.mark.parametrize("execution", ["job", "batch", "session"])
def test_the_runtime_gives_the_counts_of_its_backend(local, execution):
    cut, simulator, aer = local
    device = Runtime(simulator, execution=execution)
    circuit, angles = swept()
    native = transpile([circuit, lopsided()], cut, optimization_level=1, seed_transpiler=1)
    rows = np.array([0, 0, 1, 0])
    asked = Work("test", tuple(native), rows, (angles, np.zeros((1, 0))), np.full(4, 8000), 5)
    job = device.submit(asked, "nmrqb-test")
    counts = device.collect(job, asked)
    device.close()
    p = aer.probabilities(asked)
    assert all(alike(row, q) for row, q in zip(counts, p, strict=True))
    assert not alike(counts[0], p[2])
    again = Runtime(simulator)
    np.testing.assert_array_equal(again.collect(again.submit(asked, "t"), asked), counts)  # the seed decides
    with pytest.raises(JobError, match="does not know the job"):
        Runtime(simulator).collect(job, asked)


def test_shots_of_one_job_are_equal_on_the_runtime(local):
    with pytest.raises(ValueError, match="too many values"):
        Runtime(local[1]).submit(work([lopsided()] * 2, shots=[10, 20]), "tag")


class Service:
    """What the runtime's service does when it fails."""

    def __init__(self, error):
        self.error = error

    def job(self, number):
        raise self.error

    def jobs(self, **how):
        raise self.error


def service_errors():
    from qiskit_ibm_runtime import exceptions
    from qiskit_ibm_runtime.api.exceptions import RequestsApiError

    def wrapped(status):
        try:
            try:
                raise RequestsApiError("says secret-token-123", status)
            except RequestsApiError as error:
                raise exceptions.IBMRuntimeError(f"Failed: {error}") from None
        except exceptions.IBMRuntimeError as error:
            return error

    return [
        (wrapped(-1), TransientError),
        (wrapped(429), TransientError),
        (wrapped(503), TransientError),
        (wrapped(400), RunError),
        (wrapped(401), RunError),
        (ConnectionError("secret-token-123"), TransientError),
        (exceptions.RuntimeJobFailureError("secret-token-123"), JobError),
        (exceptions.RuntimeInvalidStateError("cancelled secret-token-123"), JobError),
        (exceptions.RuntimeJobNotFound("secret-token-123"), JobError),
    ]


@pytest.mark.parametrize(("error", "kind"), service_errors())
def test_faults_of_the_service_keep_the_token_and_lose_no_job(local, error, kind, monkeypatch):
    """Only what the service itself calls lost is handed in anew; a network that fails is waited for."""
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "secret-token-123")
    device = Runtime(local[1], Service(error))
    assert device.durable
    with pytest.raises(RunError) as caught:
        device.collect("7", work([lopsided()]))
    assert type(caught.value) is kind
    assert "secret-token-123" not in str(caught.value)
    with pytest.raises(RunError, match=r"\*\*\*"):
        device.find("tag")


def test_a_fault_without_an_answer_does_not_pass():
    assert not _passing(ValueError("wrong"))
    assert _passing(TimeoutError("late"))


# ---- names


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("fake:torin", "did you mean 'torino'"),
        ("fake:", "name a machine after the colon"),
        ("air", "be aer, fake:NAME"),
        ("iqm:garnet", "be aer, fake:NAME"),
    ],
)
def test_names_that_no_backend_has_are_refused(name, match):
    with pytest.raises(ArgumentError, match=match):
        open_machine(name, 2)


def test_without_the_runtime_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(names, "find_spec", lambda name: None)
    names.fake_names.cache_clear()
    fake_backend.cache_clear()
    for backend in ("fake:vigo", "ibm:vigo"):
        with pytest.raises(RunError, match=f"{backend} needs qiskit-ibm-runtime, .*pip install 'nmrqb.ibm.'"):
            open_machine(backend, 2)
    names.fake_names.cache_clear()


def test_without_an_account_the_network_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QISKIT_IBM_TOKEN", "IBM_QUANTUM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert not names.account_configured()
    with pytest.raises(
        RunError, match="ibm:vigo needs an IBM Quantum account, and none is configured; set QISKIT_IBM_TOKEN"
    ):
        open_machine("ibm:vigo", 2)
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "secret-token-123")
    assert names.account_configured()
