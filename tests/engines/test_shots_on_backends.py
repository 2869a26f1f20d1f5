"""The Shots engine on every kind of backend: the same states as the exact engine, one distribution however it is sampled."""

from dataclasses import replace

import numpy as np
import pytest
from qiskit.providers.basic_provider import BasicSimulator
from scipy.stats import chi2, kstest

import nmrqb
from nmrqb.circuits.devices import machine
from nmrqb.circuits.devices.runtime import Runtime
from nmrqb.errors import ArgumentError
from nmrqb.jobs import Ledger
from nmrqb.nmr.noise import Noise
from nmrqb.results import States
from nmrqb.timeline import Mark, Timeline

FAKE = "fake:manila"


def lopsided(points=2, noise=None, crush=True):
    """Two spins that differ in everything: a sweep, two marks, a crusher; the start is not diagonal."""
    labels = ("XI", "IX", "ZI", "IY", "XX", "ZZ")
    angles = np.random.default_rng(5).normal(size=(points, 3, 6)) * 0.5
    marks = (Mark("crush", 1, groups=((0, 1),)),) * crush + (Mark("observe", 2, "a"), Mark("observe", 3, "b"))
    durations = np.tile([0.05, 0.0, 0.1], (points, 1))
    return Timeline(labels, angles, durations, marks, (0, 1, 2), noise)


def start():
    rho = np.diag([0.4, 0.3, 0.2, 0.1]).astype(complex)
    rho[0, 1] = rho[1, 0] = 0.15
    rho[0, 3], rho[3, 0] = 0.1j, -0.1j
    return rho


QUIET = Noise((5.0, 8.0), (1.2, 1.7), (0.3, 0.1), (0.03, 0.06))
LOUD = Noise((0.5, 0.8), (0.12, 0.17), (0.3, 0.1), (0.03, 0.06), x_dephasing=(0.5, 0.7))


def trace_distance(a, b):
    return 0.5 * np.abs(np.linalg.eigvalsh(a - b)).sum(axis=-1)


@pytest.mark.parametrize("mode", ["faithful", "compiled"])
@pytest.mark.parametrize("how", [{}, {"preparation": "eigenstates"}, {"backend": FAKE, "noise": "none"}])
def test_without_noise_every_route_is_exact(how, mode):
    line = lopsided(2 if "backend" not in how else 1)
    found = nmrqb.Shots(shots=None, mode=mode, estimator="linear", **how).run(line, start())
    np.testing.assert_allclose(found.estimate, nmrqb.Exact().run(line, start()).estimate, atol=1e-10)
    assert found.info["mode"] == ("faithful" if "preparation" in how else mode)


@pytest.mark.parametrize("how", [{"mode": "faithful"}, {"mode": "compiled"}, {"backend": FAKE, "noise": "sample"}])
@pytest.mark.parametrize("split", [3e-2, 3e-3])
def test_the_samples_noise_is_within_the_split_bound_on_every_route(how, split):
    """On a fake backend too: the channels must survive transpiling, between the gates where they belong."""
    line = lopsided(1, LOUD, crush="backend" not in how)
    found = nmrqb.Shots(shots=None, split=split, estimator="linear", **how).run(line, start())
    exact = nmrqb.Exact().run(line, start()).estimate
    assert trace_distance(found.estimate, exact).max() <= found.info["split_bound"] + 1e-10 <= split + 1e-10
    quiet = nmrqb.Exact().run(replace(line, noise=None), start()).estimate
    assert trace_distance(quiet, exact).max() > 0.02


def test_both_noises_are_more_than_either():
    line = lopsided(1, LOUD)
    purity = {}
    for noise in ("none", "sample", "device", "both"):
        how = {"mode": "faithful", "mitigation": ("readout",), "split": 1e-2}  # so that the readout does not count
        found = nmrqb.Shots(FAKE, None, noise=noise, estimator="linear", **how).run(line, np.diag([1.0, 0, 0, 0]))
        purity[noise] = nmrqb.metrics.purity(found.estimate[0, 1])
    assert purity["both"] < min(purity["sample"], purity["device"]) - 0.003
    assert max(purity["sample"], purity["device"]) < purity["none"] - 0.01


def p_values(how, seeds, readout=None):
    """Chi-squared of counts that the backend draws, under the probabilities that sampling from states draws from."""
    line, rho = lopsided(1, QUIET, crush=False), np.diag([0.94, 0.03, 0.02, 0.01])
    engine = nmrqb.Shots(shots=2000, seed=0, split=1e-2, sampling="counts", **how)
    program = engine.program(line, rho, 0)
    (work,), _ = program.works(0)
    if readout is not None:
        line = replace(line, noise=replace(QUIET, readout=readout))
    exact = replace(engine, shots=None, sampling="state")
    wanted = exact._counted(exact.program(line, rho, 0), np.random.default_rng(0), 0, None).frequencies.reshape(-1, 4)
    expected = wanted * work.shots[:, None]
    fit = expected.min(axis=1) > 5
    assert fit.sum() > 5
    found = []
    for seed in range(seeds):
        counts = program.machine.device.collect("", replace(work, seed=seed))
        found.append(chi2.sf(((counts - expected) ** 2 / np.where(fit[:, None], expected, 1)).sum(axis=1)[fit], 3))
    return np.ravel(found)


@pytest.mark.parametrize("how", [{}, {"mode": "compiled"}, {"preparation": "eigenstates"}, {"backend": FAKE}])
def test_both_ways_of_sampling_have_one_distribution(how):
    """Over seeds, the counts of Aer and of a fake backend scatter about the saved state's probabilities as draws do."""
    assert kstest(p_values(how, 20), "uniform").pvalue > 1e-3


def test_the_comparison_of_samplings_sees_a_wrong_readout_error():
    assert kstest(p_values({}, 20, readout=(0.05, 0.06)), "uniform").pvalue < 1e-6


def test_a_run_on_a_fake_backend_scatters_as_its_replicas_say():
    line = lopsided(1)
    truth = nmrqb.Shots(FAKE, None, estimator="linear").run(line, start()).estimate
    squares = []
    for seed in range(5):
        states = nmrqb.Shots(FAKE, 2000, seed=seed, replicas=60, estimator="linear").run(line, start())
        error = states.replicas.std(axis=-3)
        squares.append(np.abs((states.estimate - truth) / np.where(error > 1e-12, error, np.inf)) ** 2)
    total, count = np.sum(squares), np.count_nonzero(squares)
    # entries of one state depend on each other, so the bounds are wider than chi-squared's own
    assert 0.7 < total / count < 1.4
    assert chi2.sf(total * 0.25, count * 0.25) > 1e-3


def test_anyones_backend_runs_and_a_ledger_keeps_its_counts(tmp_path):
    line = lopsided(1)

    class Counting(BasicSimulator):
        runs = 0

        def run(self, run_input, **options):
            type(self).runs += 1
            return super().run(run_input, **options)

    def run():
        with Ledger(tmp_path / "jobs") as jobs:
            return nmrqb.Shots(Counting(), 3000, seed=4, replicas=2, jobs=jobs).run(line, start())

    found = run()
    assert isinstance(found, States)
    assert found.source == "basic_simulator"
    exact = nmrqb.Exact().run(line, start()).estimate
    assert trace_distance(found.estimate, exact).max() < 0.08
    runs = Counting.runs
    assert runs >= 2  # branches of unequal weight have shots of their own, and so jobs of their own
    again = run()
    assert Counting.runs == runs
    np.testing.assert_array_equal(found.rho, again.rho)


def test_the_runtime_wants_equal_shots_and_gets_them(monkeypatch):
    from qiskit_aer import AerSimulator

    from nmrqb.circuits.devices.cut import Cut

    cut = Cut(machine.fake_backend("manila"), (3, 2))
    simulator = AerSimulator.from_backend(cut, method="density_matrix", max_parallel_threads=1)
    monkeypatch.setattr(machine, "connect", lambda name: (simulator, None))
    line = lopsided(1, crush=False)
    engine = nmrqb.Shots("ibm:local", 4000, seed=3, replicas=2, execution="batch")
    program = engine.program(line, start(), 3)
    assert len(program.branches) == 4
    assert program.allotment().tolist() == [1000] * 4
    closed = []
    close = Runtime.close
    monkeypatch.setattr(Runtime, "close", lambda device: (closed.append(device.mode is not None), close(device)))
    found = engine.run(line, start())
    assert closed == [True]  # the batch was open, and is not left so
    wanted = nmrqb.Shots("fake:manila", None, qubits=(3, 2)).run(line, start())
    assert trace_distance(found.estimate, wanted.estimate).max() < 0.06
    assert found.source == "ibm:local"


def test_shots_are_allotted_by_weight_where_that_is_possible():
    engine = nmrqb.Shots(FAKE, 4000)
    program = engine.program(lopsided(1, crush=False), np.diag([0.5, 0.25, 0.125, 0.125]), 0)
    assert program.allotment().tolist() == [2000, 1000, 500, 500]
    assert program.rows(0).sum() == 4000 * 9 * 2


def test_random_flips_are_x_dephasing_on_circuits():
    """The mean over random flips is the channel: on Aer as many runs as members, against the Lindblad equation."""
    only_x = Noise((np.inf,) * 2, (np.inf,) * 2, (0.0, 0.0), (0.0, 0.0), x_dephasing=(1.5, 2.5))
    line = lopsided(1, only_x, crush=False)
    exact = nmrqb.Exact().run(line, start()).estimate
    quiet = nmrqb.Exact().run(replace(line, noise=None), start()).estimate
    found = nmrqb.Shots(shots=None, flips=(400, 4), seed=1).run(line, start()).estimate
    assert trace_distance(found, exact).max() < 0.03
    assert trace_distance(quiet, exact).max() > 0.1


def test_readout_mitigation_takes_the_readout_error_out_and_its_shots_into_account():
    line = lopsided(1, crush=False)
    exact = nmrqb.Exact().run(line, start()).estimate
    how = {"estimator": "linear", "qubits": (3, 2)}
    raw = nmrqb.Shots("fake:manila", None, **how).run(line, start()).estimate
    corrected = nmrqb.Shots("fake:manila", None, mitigation=("readout",), **how).run(line, start()).estimate
    assert trace_distance(corrected, exact).max() < 0.6 * trace_distance(raw, exact).max()
    counted = nmrqb.Shots("fake:manila", 100_000, seed=1, replicas=20, mitigation=("readout",), **how).run(
        line, start()
    )
    assert trace_distance(counted.estimate, corrected).max() < 0.02


def test_extrapolation_takes_gate_noise_out():
    line = lopsided(1, crush=False)
    exact = nmrqb.Exact().run(line, start()).estimate
    how = {"estimator": "linear", "qubits": (3, 2)}
    found = {
        switches: trace_distance(
            nmrqb.Shots("fake:manila", None, mitigation=switches, **how).run(line, start()).estimate, exact
        ).max()
        for switches in (("readout",), ("readout", "zne"))
    }
    assert found["readout", "zne"] < 0.5 * found[("readout",)]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"backend": 7}, "backend must be .* but is 7"),
        ({"backend": "fake:manilla"}, "did you mean 'manila'"),
        ({"mode": "both"}, "mode must be .* but is 'both'"),
        ({"noise": "device"}, "noise must be 'sample' or 'none' on aer, but is 'device'"),
        ({"mitigation": ("rem",)}, "mitigation must be among readout, zne, dd, twirl, but is 'rem'"),
        ({"mitigation": ("zne",)}, "mitigation must be left out on aer"),
        ({"qubits": (0, 1)}, "qubits must be left out on aer"),
        ({"backend": FAKE, "preparation": "direct"}, "preparation must be .*eigenstates"),
        ({"backend": FAKE, "mode": "compiled", "noise": "both"}, "mode must be .*faithful"),
        ({"flips": (0, 1)}, "flips' runs must be 1 or more, but is 0"),
        ({"flips": (1,)}, "flips must be two numbers"),
        ({"level": 4}, "level must be 0 or 1 or 2 or 3, but is 4"),
        ({"execution": "queue"}, "execution must be .* but is 'queue'"),
        ({"product": 0.0}, "product must be above zero, but is 0"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, match):
    with pytest.raises(ArgumentError, match=match):
        nmrqb.Shots(**options)


def test_a_machine_that_only_counts_has_no_exact_probabilities():
    with pytest.raises(ArgumentError, match="shots must be a number on basic_simulator, which only counts"):
        nmrqb.Shots(BasicSimulator(), None).run(lopsided(1), start())


def test_three_spins_run_on_a_line_of_qubits():
    labels = ("XII", "IXI", "IIX", "ZZI", "IZZ", "ZIZ", "XXI")
    angles = np.random.default_rng(1).normal(size=(1, 1, 7)) * 0.4
    line = Timeline(labels, angles, np.full((1, 1), 1e-3), (Mark("observe", 1, "end"),), (0,))
    rho = np.diag([0.0, 0.6, 0, 0, 0.4, 0, 0, 0])
    exact = nmrqb.Exact().run(line, rho).estimate
    for mode in ("compiled", "faithful"):
        found = nmrqb.Shots(FAKE, None, noise="none", mode=mode, product=5e-2).run(line, rho)
        assert trace_distance(found.estimate, exact).max() <= found.info["product_bound"] + 1e-9 <= 5e-2 + 1e-9
        assert len(found.info["qubits"]) == 3


@pytest.mark.parametrize("name", ["adrf", "bb1-90", "magic-echo"])
def test_gates_of_a_machine_are_exact_however_many_and_weak_the_blocks(name):
    """Qiskit's own synthesis misses each by up to 1e-9 of fidelity: 1e-7 of the state after a composite pulse."""
    sample = nmrqb.Sample.load("nematic-pair").amplified(1.0)
    line = nmrqb.schedule(nmrqb.Sequence.load(name), sample, pulses="finite")
    found = nmrqb.Shots("fake:torino", None, noise="none", mode="faithful", estimator="linear").run(line, start())
    np.testing.assert_allclose(found.estimate, nmrqb.Exact().run(line, start()).estimate, atol=1e-10)


@pytest.mark.parametrize("mode", ["faithful", "compiled"])
@pytest.mark.parametrize(("preparation", "gates"), [("eigenstates", 1), ("basis", 2)])
def test_a_starting_state_takes_one_entangling_gate_or_two(mode, preparation, gates):
    angles = np.linspace(0, np.pi / 2, 2).reshape(2, 1, 1) * np.ones((1, 1, 2))
    line = Timeline(("XI", "IX"), angles, np.zeros((2, 1)), (Mark("observe", 1, "end"),), (0,))
    rho = nmrqb.gibbs_state(nmrqb.Battery(axial=1, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4).hamiltonian(), 0.8)
    engine = nmrqb.Shots(FAKE, None, noise="none", mode=mode, preparation=preparation, estimator="linear")
    program = engine.program(line, rho, 0)
    assert max(circuit.num_nonlocal_gates() for circuit in program.works(0)[0][0].circuits) == gates
    np.testing.assert_allclose(engine.run(line, rho).estimate, nmrqb.Exact().run(line, rho).estimate, atol=1e-10)


def test_a_whole_sweep_is_one_transpile(monkeypatch):
    """A hundred times, nine settings, every branch: one circuit for each observed point of the sequence."""
    experiment = replace(nmrqb.Experiment.load("charge"), sweep={"charge": np.linspace(0, np.pi, 100)})
    given = []
    native = machine.Machine.native
    monkeypatch.setattr(machine.Machine, "native", lambda self, c: (given.append(len(c)), native(self, c))[1])
    program = nmrqb.Shots("fake:torino").program(experiment.timeline(ideal=False), experiment.start()[1], 0)
    works, _ = program.works(0)
    assert sum(len(work.rows) for work in works) == 100 * 2 * 9 * 9
    assert given == [2]
