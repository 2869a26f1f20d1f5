"""Decoupling and twirling as switches of a run, on a backend of the noise that each is for and on which nothing else helps."""

import numpy as np
import pytest
from qiskit.providers.basic_provider import BasicSimulator
from qiskit_aer import AerSimulator

import nmrqb
from nmrqb.circuits import variants
from nmrqb.circuits.decoupling import detuned, scheduled, static_detunings
from nmrqb.circuits.devices.cut import Cut
from nmrqb.circuits.devices.machine import fake_backend
from nmrqb.errors import ArgumentError
from nmrqb.spin.states import partial_trace
from nmrqb.timeline import Mark, Timeline


class Faulty(Cut):
    """Qubits of Torino without noise but for one fault, in as many versions as `versions` makes of a circuit."""

    def run(self, run_input, shots):
        ways = [self.versions(circuit) for circuit in run_input]
        flat = [circuit for some in ways for circuit in some]
        each = shots // len(ways[0])
        found = AerSimulator(max_parallel_threads=1).run(flat, shots=each, seed_simulator=1).result()
        counts = [found.get_counts(k) for k in range(len(flat))]
        merged = [counts[k : k + len(ways[0])] for k in range(0, len(flat), len(ways[0]))]
        return Done([{key: sum(c.get(key, 0) for c in some) for key in set().union(*some)} for some in merged])


class Done:
    def __init__(self, counts):
        self.counts = counts

    def job_id(self):
        return "done"

    def result(self):
        return self

    def get_counts(self, k):
        return self.counts[k]


class Slow(Faulty):
    """Detunings of 150 kHz rms that hold still during a shot."""

    def versions(self, circuit):
        written = scheduled(circuit, self.target)
        return [detuned(written, some, self.target.dt) for some in static_detunings(150e3, 3, 6, seed=3)]


class Overrotating(Faulty):
    """Every CZ turns too far, always by as much."""

    def versions(self, circuit):
        wrong = circuit.copy_empty_like()
        for step in circuit.data:
            wrong.append(step)
            if step.operation.name == "cz":
                wrong.rzz(0.12, *step.qubits)
        return [wrong]


def coherence_left(mitigation):
    """Of a spin that waits while two others are busy."""
    angles = np.zeros((7, 4))
    angles[0, 2] = np.pi / 4
    angles[1:, (0, 1, 3)] = 0.3, 0.2, 0.4
    line = Timeline(("XII", "IYI", "IIX", "ZZI"), angles, np.ones(7), (Mark("observe", 7, "end"),), tuple(range(7)))
    backend = Slow(fake_backend("torino"), (92, 99, 100))
    how = {"mode": "faithful", "mitigation": mitigation, "replicas": 2, "seed": 1}
    rho = nmrqb.Shots(backend, 600, **how).run(line, np.diag([1.0, *[0] * 7])).estimate[0]
    return 2 * abs(partial_trace(rho, (2,))[0, 1])


def test_decoupling_keeps_a_waiting_spin_coherent():
    assert coherence_left(()) < 0.7
    assert coherence_left(("dd",)) > 0.9


def test_twirling_takes_most_of_a_coherent_error(monkeypatch):
    """Of the mean, that is: what eight random frames leave of it scatters: they took a quarter; here are 64."""
    monkeypatch.setattr(variants, "TWIRLS", 64)
    labels = ("XI", "IX", "XX", "YY", "ZZ")
    line = Timeline(labels, np.array([[0.6, 0.4, 0.5, -0.3, 0.8]]), np.ones(1), (Mark("observe", 1, "end"),), (0,))
    start = np.diag([1.0, 0, 0, 0])
    exact = nmrqb.Exact().run(line, start).estimate[0]
    backend, error = Overrotating(fake_backend("torino"), (92, 99)), {}
    for mitigation in ((), ("twirl",)):
        how = {"mitigation": mitigation, "estimator": "linear", "replicas": 2, "seed": 1}
        found = nmrqb.Shots(backend, 100_000, **how).run(line, start).estimate[0]
        values = np.linalg.eigvalsh(found - exact)
        error[mitigation] = 0.5 * np.abs(values).sum()
    assert error[()] > 0.06
    assert error["twirl",] < 0.4 * error[()]


def test_decoupling_on_a_backend_without_lengths_is_refused():
    line = Timeline(("XI",), np.ones((1, 1)), np.ones(1), (Mark("observe", 1, "end"),), (0,))
    with pytest.raises(ArgumentError, match=r"lengths of all its gates, .*ry on qubits"):
        nmrqb.Shots(BasicSimulator(), 100, mitigation=("dd",)).run(line, np.diag([1.0, 0, 0, 0]))
