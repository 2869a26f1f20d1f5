"""A phase cycle from end to end: Aer's own counts of compiled circuits, as Qiskit prints them, to the state that the cycle leaves."""

import numpy as np

import nmrqb
from nmrqb.circuits.execute import simulator
from nmrqb.tomography import Counts, mixture_likelihood, pauli_settings


def test_counts_of_a_phase_cycle_make_the_state_that_the_receiver_sees():
    line = nmrqb.schedule(nmrqb.Sequence.load("inept"), nmrqb.Sample.load("chloroform"))
    start = np.diag([0.6, 0.25, 0.1, 0.05]).astype(complex)
    program, backend = nmrqb.Shots(seed=1).program(line, start, 1), simulator(())
    steps = []
    for k in range(len(line.receiver)):
        circuits = [program.circuit((k, 0), program.branches[0], measure=("carbon", s)) for s in pauli_settings(2)]
        found = backend.run(circuits, shots=8192, seed_simulator=k).result()
        dicts = {s: found.get_counts(number) for number, s in enumerate(pauli_settings(2))}
        steps.append(Counts.from_dicts(dicts, bit_order="qiskit"))
    weights = np.cos(line.receiver) / len(line.receiver)  # the second step is subtracted
    fit = mixture_likelihood(np.stack([step.values for step in steps]), weights, steps[0].measurement)
    exact = nmrqb.Exact().run(line, start).at("carbon")[0]
    np.testing.assert_allclose(fit.rho, exact, atol=0.015)
    swapped = exact.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    assert np.abs(fit.rho - swapped).max() > 0.1
    assert np.abs(steps[0].estimate("mle") - exact).max() > 0.05  # one step alone is another state
    assert fit.gap < 1e-5
