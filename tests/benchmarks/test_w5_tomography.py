"""Speed, W5: 101 charging times x 9 settings x 4096 shots on noisy Aer, and 200 bootstrap replicas of the ergotropy of each.

Peer: qiskit-experiments, tuned as its own user would: StateTomography on the very same circuits (finite pulses, relaxation as
channels, readout error, density-matrix method on one thread), no transpiling beyond level 0, its linear-inversion fitter, and for the
bootstrap that fitter and its projection called straight on resampled counts, without the framework about them (it has no
replicas of derived quantities of its own). The peer runs TIMES of the 101 times and RESAMPLED of the 200 replicas; both are
scaled up, which is marked by a star. Analysis alone has two peers, NumPy loops over samples: by hand, with a state summed
from the expectations of its Pauli strings, projected, and its ergotropy; and the same with the inversion made one matrix
beforehand, the tightest loop that we know how to write.

With Aer's own shots kept, circuits are merged (mode="compiled": one channel before each mark); event by event it is half as
quick, and printed as well. Of what is left, Aer's drawing of shots is most, which the peer pays too. One thread, CPU seconds, interleaved rounds, medians of the ratios of a round.
"""

import time
from dataclasses import replace

import numpy as np
import pytest

import nmrqb
from nmrqb.circuits.execute import simulator
from nmrqb.metrics import ergotropy
from nmrqb.spin.operators import pauli_labels, pauli_string
from nmrqb.tomography import covers, linear_inversion, nearest_state, pauli_settings

POINTS, SHOTS, REPLICAS = 101, 4096, 200
TIMES, RESAMPLED, LOOPED, ROUNDS = 2, 4, 400, 3
SETTINGS = pauli_settings(2)
BITS = ("00", "01", "10", "11")


def charging():
    experiment = replace(nmrqb.Experiment.load("charge"), sweep={"charge": np.linspace(0, 2 * np.pi, POINTS)})
    line = experiment.timeline(ideal=False)
    return replace(line, marks=tuple(mark for mark in line.marks if mark.name != "empty")), experiment.start()[1]


LINE, START = charging()
H = nmrqb.Sample.load("nematic-pair").battery().hamiltonian()


def ours(sampling, mode=None):
    states = nmrqb.Shots(shots=SHOTS, seed=1, replicas=REPLICAS, sampling=sampling, mode=mode).run(LINE, START)
    return states, ergotropy(states.at("charged"), H, check=False)


def bodies():
    """The circuits at TIMES of the times, not measured."""
    program = nmrqb.Shots(seed=1).program(LINE, START, 1)
    chosen = np.linspace(5, POINTS - 20, TIMES).astype(int)
    circuits = [program.circuit((int(k), 0), None, measure=("charged", "ZZ")) for k in chosen]
    return chosen, [circuit.remove_final_measurements(inplace=False) for circuit in circuits]


def peer(circuits, backend):
    """The ergotropy (TIMES, 1 + RESAMPLED), and the seconds of the estimates and of the replicas, each as run."""
    from qiskit_experiments.library import StateTomography
    from qiskit_experiments.library.tomography.basis import PauliMeasurementBasis
    from qiskit_experiments.library.tomography.fitters import linear_inversion as fitter
    from qiskit_experiments.library.tomography.fitters import postprocess_fitter, tomography_fitter_data

    rng, basis, found, seconds = np.random.default_rng(2), PauliMeasurementBasis(), [], np.zeros(2)
    for circuit in circuits:
        begun = time.process_time()
        experiment = StateTomography(circuit, backend=backend)
        experiment.set_transpile_options(optimization_level=0)
        experiment.set_run_options(shots=SHOTS, seed_simulator=3)
        data = experiment.run(backend_run=True).block_for_results()
        state = data.analysis_results("state", dataframe=True).iloc[0].value.data
        middle = time.process_time()
        outcomes, shots, measured, prepared = tomography_fitter_data(data.data(), outcome_shape=[2, 2])
        values = [work(state)]
        for _ in range(RESAMPLED):
            drawn = rng.multinomial(SHOTS, outcomes[0] / SHOTS)[None]
            fit, about = fitter(drawn, shots, measured, prepared, measurement_basis=basis, measurement_qubits=(0, 1))
            (again,), _ = postprocess_fitter(fit, about, make_positive=True, trace=1, qpt=False)
            values.append(work(np.asarray(getattr(again, "data", again))))
        found.append(values)
        seconds += middle - begun, time.process_time() - middle
    return np.array(found), seconds


def work(state):
    """Ergotropy of a state whose qubit 0 counts last."""
    rho = state.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    return np.trace(rho @ H).real - np.linalg.eigvalsh(rho)[::-1] @ np.linalg.eigvalsh(H)


def timed(what):
    begun = time.process_time()
    result = what()
    return time.process_time() - begun, result


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_w5_tomography_on_noisy_aer():
    chosen, circuits = bodies()
    backend = simulator(LINE.noise.readout)
    theirs, _ = peer(circuits, backend)  # also the warm-up
    (states, own), (_, by_state) = ours("counts", "compiled"), ours("state")
    assert own.shape == by_state.shape == (POINTS, 1 + REPLICAS)
    exact = ergotropy(nmrqb.Exact().run(LINE, START).at("charged")[:, 0], H, check=False)
    for found in (own[:, 0], by_state[:, 0]):
        assert np.sqrt(np.mean((found - exact) ** 2)) < 0.03
    # the peer leaves the readout error in: it shrinks the two-spin correlations by (1 - 2e)^2
    assert np.abs(theirs[:, 0] - exact[chosen]).max() < 0.1
    assert states.info["sampling"] == "counts"
    names = ("counts", "event by event", "state", "peer*", "counts ratio", "event ratio", "state ratio", "no bootstrap")
    rounds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        by_counts, by_state = timed(lambda: ours("counts", "compiled"))[0], timed(lambda: ours("state"))[0]
        by_event = timed(lambda: ours("counts"))[0]
        parts = peer(circuits, backend)[1] * POINTS / TIMES * np.array([1, REPLICAS / RESAMPLED])
        total = float(parts.sum())
        ratios = (total / by_counts, total / by_event, total / by_state, parts[0] / by_counts)
        values = (by_counts, by_event, by_state, total, *ratios)
        for name, value in zip(rounds, values, strict=True):
            rounds[name].append(value)
    median = {name: float(np.median(values)) for name, values in rounds.items()}
    print("\nW5: " + ", ".join(f"{name} {value:.3g}" for name, value in median.items()))
    assert median["counts ratio"] >= 15
    assert median["state ratio"] >= 100


@pytest.mark.slow
def test_w5_analysis_alone():
    """Counts (101, 9, 4) to 201 ergotropies each, against a loop over samples."""
    rng = np.random.default_rng(4)
    rho = nmrqb.Exact().run(LINE, START).at("charged")[:, 0]
    p = nmrqb.tomography.pauli_measurement(SETTINGS).probabilities(rho).clip(0)
    n = rng.multinomial(SHOTS, p / p.sum(axis=-1, keepdims=True), size=(1 + REPLICAS, POINTS, 9)) / SHOTS
    inverse = np.stack([linear_inversion(row.reshape(9, 4), SETTINGS).ravel() for row in np.eye(36)], axis=-1)
    levels = np.linalg.eigvalsh(H)

    def batch():
        return ergotropy(nearest_state(linear_inversion(n, SETTINGS)), H, check=False)

    labels = pauli_labels(2)[1:]
    paulis = [pauli_string(label) for label in labels]
    seen = [[k for k, setting in enumerate(SETTINGS) if covers(setting, label)] for label in labels]
    signs = [
        np.array([(-1.0) ** sum(b == "1" and c != "I" for b, c in zip(o, label, strict=True)) for o in BITS])
        for label in labels
    ]

    def by_hand(f):
        state = np.eye(4, dtype=complex) / 4
        for pauli, where, sign in zip(paulis, seen, signs, strict=True):
            state += np.mean([f.reshape(9, 4)[k] @ sign for k in where]) * pauli / 4
        return state

    def loop(inverted=lambda f: (inverse @ f).reshape(4, 4)):
        found = []
        for f in n.reshape(-1, 36)[:LOOPED]:
            values, vectors = np.linalg.eigh(inverted(f))
            if values[0] < 0:
                descending = values[::-1]
                shift = (np.cumsum(descending) - 1) / np.arange(1, 5)
                values = np.clip(values - shift[np.sum(descending > shift) - 1], 0, None)
            state = (vectors * values) @ vectors.conj().T
            found.append(np.trace(state @ H).real - np.linalg.eigvalsh(state)[::-1] @ levels)
        return np.array(found)

    np.testing.assert_allclose(batch().reshape(-1)[:LOOPED], loop(), atol=1e-12)
    np.testing.assert_allclose(loop(by_hand), loop(), atol=1e-12)
    scale = n.shape[0] * POINTS / LOOPED
    ratios = []
    for _ in range(7):
        own = timed(batch)[0]
        ratios.append((timed(lambda: loop(by_hand))[0] * scale / own, timed(loop)[0] * scale / own))
    usual, tight = np.median(ratios, axis=0)
    print(f"\nW5 analysis: {usual:.3g} x a loop by hand, {tight:.3g} x the tightest loop")
    assert usual >= 25
    assert tight >= 8
