"""nmrqb backends: what can be used, what it costs, and nothing sent over the network; engines by name in experiments."""

import json
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import nmrqb
from nmrqb import cli_backends
from nmrqb.circuits.cost import cost_of
from nmrqb.errors import InputError, RunError
from nmrqb.experiment import Experiment, check_engine
from nmrqb.experiment.costs import cost_row

app = typer.Typer()
app.command()(cli_backends.backends)


def run(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def small(points=3):
    return replace(Experiment.load("charge"), sweep={"charge": np.linspace(0, np.pi, points)})


def test_the_list_says_what_is_there_and_what_it_costs():
    text = run()
    for word in ("aer", "fake:torino", "fake:marrakesh", "fake:sherbrooke", "machine time", "ibm:NAME", "BackendV2"):
        assert word in text


def test_json_is_data_and_the_costs_are_those_of_the_run():
    found = json.loads(run("fake:manila", "--json", "--shots", "900"))
    (cost,) = found["costs"]
    program = nmrqb.Shots("fake:manila", 900).program(*timeline_and_start(Experiment.load("charge")), 0)
    works, _ = program.works(0)
    assert cost["circuits"] == sum(len(work.rows) for work in works) == 25 * 2 * 9 * 9
    assert cost["jobs"] == len(works)
    assert cost["shots"] == sum(int(work.shots.sum()) for work in works) == 25 * 2 * 9 * 900
    gates = [
        sum(len(step.qubits) == 2 and step.operation.name == "cx" for step in c.data) for w in works for c in w.circuits
    ]
    assert cost["two_qubit_gates"] == max(gates) == 3
    assert found["fake"] == sorted(found["fake"])
    assert "manila" in found["fake"]


def timeline_and_start(experiment):
    return experiment.timeline(ideal=False), experiment.start()[1]


def test_the_time_is_that_of_every_shot():
    """Circuit and wait, added up by hand from the target's own gate lengths for a circuit that only measures."""
    from qiskit import QuantumCircuit

    from nmrqb.circuits.devices import open_machine

    machine = replace(open_machine("fake:manila", 2), repetition=250e-6)
    circuit = QuantumCircuit(2, 2)
    circuit.measure([0, 1], [0, 1])
    cost = cost_of(machine, [circuit], np.array([100, 50]))
    readout = max(machine.target["measure"][(k,)].duration for k in (0, 1))
    assert cost.longest == pytest.approx(readout, rel=0.01)  # the clock has ticks
    assert cost.time == pytest.approx(150 * (cost.longest + 250e-6))
    assert cost.two_qubit_gates == 0
    assert cost_row(cost)[-1] == "38.3 ms"


def test_aer_takes_no_machine_time():
    cost = small().cost("aer")
    assert cost.time is None
    assert cost.circuits == 3
    assert cost_row(cost)[-1] == "-"
    assert small().cost("exact") is None


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("fake:torin", "no engine is called 'fake:torin'.*did you mean 'torino'"),
        ("are", "no engine is called 'are'.*aer"),
        ("exact", "the engine exact runs no circuits"),
        ("ibm:", "name a machine after the colon"),
    ],
)
def test_names_that_cannot_be_priced_are_refused(name, match):
    with pytest.raises(InputError, match=match):
        run(name)


def test_an_ibm_backend_without_an_account_is_not_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QISKIT_IBM_TOKEN", "IBM_QUANTUM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RunError, match="ibm:fez needs an IBM Quantum account"):
        run("ibm:fez")


def test_shots_below_one_are_refused():
    with pytest.raises(InputError, match="--shots: found 0"):
        run("--shots", "0")


# ---- engines by name


def test_an_experiment_runs_on_a_fake_backend_by_name():
    dataset = small().run("fake:manila", seed=1, shots=2000)
    assert dataset.source.values.tolist() == ["theory", "exact", "fake:manila"]
    here, exact = (dataset.ergotropy.sel(source=name).values for name in ("fake:manila", "exact"))
    assert np.abs(here - exact).max() < 0.5
    assert "fake:manila" in dataset.attrs["engines"]


def test_an_experiment_takes_anyones_backend():
    from qiskit.providers.basic_provider import BasicSimulator

    dataset = small(2).run(BasicSimulator(), seed=1, shots=500)
    assert dataset.source.values[-1] == "basic_simulator"


def test_names_of_engines():
    for name in ("exact", "aer", "spectrometer", "fake:torino", "ibm:anything"):
        check_engine(name)
    with pytest.raises(
        InputError, match=r"engine: no engine is called 'fake:tornio'; it must be one of the fake backends .*'torino'"
    ):
        check_engine("fake:tornio")


def test_options_of_the_file_reach_the_engine_and_are_refused_at_their_line(tmp_path):
    text = Experiment.load("charge").document.text
    path = tmp_path / "mine.toml"
    path.write_text(text + 'mitigation = ["readout"]\nmode = "faithful"\nqubits = [3, 2]\n')
    engine = Experiment.load(path).engine("fake:manila", seed=1)
    assert (engine.mitigation, engine.mode, engine.qubits) == (("readout",), "faithful", (3, 2))
    line = path.read_text().splitlines().index("qubits = [3, 2]") + 1
    with pytest.raises(InputError, match=rf"mine.toml, line {line}: shots.qubits: .* must be left out on aer"):
        Experiment.load(path).engine("aer")
    path.write_text(text + 'mitigation = ["read-out"]\n')
    with pytest.raises(InputError, match="read-out"):
        Experiment.load(path)
