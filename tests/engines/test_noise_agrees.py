"""One noise record, two renderings: channels on Aer against jump operators in the exact engine, within the stated bound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SuperOp
from qiskit_aer.noise import thermal_relaxation_error
from scipy.constants import Boltzmann, hbar
from scipy.linalg import expm

import nmrqb
from nmrqb.circuits import branches, compile_circuit, execute, splitting
from nmrqb.circuits.channels import applied, spin_channel
from nmrqb.circuits.noise import parts, turns
from nmrqb.errors import ArgumentError
from nmrqb.nmr.noise import Noise
from nmrqb.spin.operators import on_spin, pauli_labels, pauli_stack
from nmrqb.spin.propagation import dissipator
from nmrqb.timeline import Mark, Timeline
from nmrqb.timeline.trajectories import noisy_rf, random_flips


def trace_distance(a, b):
    return 0.5 * np.abs(np.linalg.eigvalsh(a - b)).sum(axis=-1)


def records(n):
    """Every kind of noise alone, and all together, for n spins."""
    still = {"t1": (np.inf,) * n, "t2": (np.inf,) * n, "polarisation": (0.3,) * n, "readout": (0.0,) * n}
    relaxing = still | {"t1": tuple(0.5 + 0.1 * k for k in range(n)), "t2": tuple(0.12 + 0.05 * k for k in range(n))}
    flips = {"x_dephasing": tuple(0.5 + 0.2 * k for k in range(n))}
    ring = (*((on_spin(n, k, "Z"), 1.0 + 0.3 * k) for k in range(n)), ("X" * n, -1.0))
    bath = relaxing | {"fixed_point": "hamiltonian", "spin_temperature": 2 * hbar / Boltzmann, "hamiltonian": ring}
    found = {"relaxation": relaxing, "x": still | flips, "bath": bath}
    if n > 1:
        alike = relaxing | {"t1": (0.5,) * n, "t2": (0.12,) * n, "dipolar_order": "t1d"}
        coil = {"x_dephasing_collective": 0.4}
        found |= {
            "common dephasing": relaxing | {"dephasing_correlation": 0.7},
            "T1D": alike | {"t1d": 0.22},
            "T1D, opposite fields": alike | {"t1d": 0.3},
            "collective x": still | coil,
            "all": alike | {"t1d": 0.22} | flips | coil,
            "all, towards Gibbs": bath | {"dephasing_correlation": 0.5} | flips | coil,
        }
    if n == 2:  # T+ and T- are degenerate here, so coherence between them is part of the bath's doing
        found["bath of a bare pair"] = bath | {"hamiltonian": (("XX", -1.0), ("YY", -1.0), ("ZZ", 2.0))}
    if n == 3:
        found["by groups"] = relaxing | {"dephasing_correlation": 0.9, "groups": ((0, 2), (1,))} | coil
    return {name: Noise(**how) for name, how in found.items()}


CASES = [pytest.param(record, id=f"{n} spins, {name}") for n in (1, 2, 3) for name, record in records(n).items()]


def busy(record, size=0.3):
    """Two timed slices with every one- and two-spin axis on, an ideal pulse between them."""
    n = record.n
    labels = [label for label in pauli_labels(n) if 0 < n - label.count("I") < 3]
    angles = np.random.default_rng(n).normal(size=(3, len(labels))) * size / n
    marks = (Mark("observe", 1, "a"), Mark("observe", 3, "b"))
    return Timeline(tuple(labels), angles, np.array([0.05, 0, 0.1]), marks, (0, 1, 2), record)


def start(n):
    rho = np.diag(np.linspace(1, 2, 2**n)).astype(complex)
    rho[0, -1] = rho[-1, 0] = 0.8
    return rho / np.trace(rho)


@pytest.mark.parametrize("record", CASES)
@pytest.mark.parametrize("split", [1e-2, 2e-4])
def test_aer_stays_within_the_stated_bound_for_every_kind_of_noise(record, split):
    timeline, rho = busy(record), start(record.n)
    aer, exact = (engine.run(timeline, rho) for engine in (nmrqb.Shots(shots=None, split=split), nmrqb.Exact()))
    assert aer.info["split_bound"] <= split
    distance = trace_distance(aer.estimate, exact.estimate)
    assert distance.max() <= aer.info["split_bound"] + 1e-12
    quiet = nmrqb.Exact().run(replace(timeline, noise=None), rho)
    assert trace_distance(quiet.estimate, exact.estimate).max() > 0.02  # there is noise to be seen


@pytest.mark.parametrize("record", CASES)
def test_the_bound_holds_piece_by_piece_and_the_splitting_is_of_second_order(record):
    timeline = busy(record, size=1.2)
    rho = np.diag([1.0] + [0.0] * (2**record.n - 1))
    exact = nmrqb.Exact().run(timeline, rho).estimate[1]
    branch = branches(np.diag(rho), ())[0]
    pieces = np.array([1, 8, 16])
    circuits = [compile_circuit(timeline, (), branch, pieces=[n] * 3, save=True) for n in pieces]
    error = trace_distance(execute.saved_states(circuits, ["a", "b"])[:, 1], exact)
    one = splitting(timeline, 1e9)
    assert np.all(one.pieces == 1)
    assert np.all(error <= one.bound / pieces**2 + 1e-13)
    assert np.log2(error[1] / error[2]) == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("record", CASES)
@pytest.mark.parametrize("polarisation", [None, 0.0, 1.0, -1.0, 0.999999])
def test_each_channel_is_the_exponential_of_its_jumps(record, polarisation):
    """From microseconds to beyond all relaxation: closed forms against the generator's matrix exponential."""
    if polarisation is not None:
        record = replace(record, polarisation=(polarisation,) * record.n)
    for part in parts(record):
        for time in (1e-6, 0.02, 0.7, 40.0):
            channel = applied(part.channel(time), part.spins, record.n, np.eye(4**record.n, dtype=complex))
            np.testing.assert_allclose(channel, expm(dissipator(part.jumps) * time), atol=2e-13)


@pytest.mark.parametrize(("t1", "t2"), [(0.7, 0.9), (0.7, 0.3), (0.7, 1.4)])
@pytest.mark.parametrize("polarisation", [0.35, -1.0])
def test_relaxation_of_one_spin_is_aers_own(t1, t2, polarisation):
    error = SuperOp(thermal_relaxation_error(t1, t2, 0.4, excited_state_population=(1 - polarisation) / 2)).data
    rows = np.arange(4).reshape(2, 2).T.reshape(-1)  # Qiskit stacks columns
    np.testing.assert_allclose(
        spin_channel(1 / t1, 1 / t2, 0.0, polarisation, 0.4), error[np.ix_(rows, rows)], atol=1e-12
    )


def test_noise_that_commutes_costs_nothing_and_one_piece_is_enough():
    """Relaxation, common dephasing and delays under Iz commute: composed, not split."""
    record = Noise((0.5, 0.6), (0.12, 0.1), (0.3, 0.1), (0.0, 0.0), dephasing_correlation=0.8)
    timeline = Timeline(
        ("ZI", "IZ"), np.array([[3.0, -2.0]]), np.array([0.4]), (Mark("observe", 1, "end"),), (0,), record
    )
    found = splitting(timeline, 1e-9)
    assert np.all(found.pieces == 1)
    assert found.bound < 1e-12
    aer, exact = (engine.run(timeline, start(2)).estimate for engine in (nmrqb.Shots(shots=None), nmrqb.Exact()))
    np.testing.assert_allclose(aer, exact, atol=1e-12)


def test_channels_stand_on_no_more_spins_than_they_touch():
    spins = [placed for _, placed in turns(records(3)["relaxation"], 1e-3).between]
    assert spins == [(0,), (1,), (2,)]
    spins = [placed for _, placed in turns(records(3)["by groups"], 1e-3).between]
    assert sorted(spins) == [(0, 2), (1,)]


def test_a_short_piece_of_slow_relaxation_is_not_lost():
    """A chance of 1e-10 a piece, which Kraus operators with a cut at 1e-8 would drop."""
    record = Noise((1e3,), (1e3,), (0.0,), (0.0,))
    timeline = Timeline(("Z",), np.zeros((1, 1)), np.array([1e-7 * 400]), (Mark("observe", 1, "end"),), (0,), record)
    branch = branches(np.array([1.0, 0]), ())[0]
    state = execute.saved_states([compile_circuit(timeline, (), branch, pieces=[400], save=True)], ["end"])[0, 0]
    assert state[1, 1].real == pytest.approx(0.5 * 4e-5 / 1e3, rel=1e-5)


@given(st.floats(0.0, 1.0), st.floats(-1.0, 1.0), st.floats(1 / 3, 1.0), st.floats(0.0, 5.0), st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_states_from_aer_have_no_negative_eigenvalue(correlation, P, ratio, x, seed):
    rng = np.random.default_rng(seed)
    how = {"t1d": 0.5 * ratio, "dipolar_order": "t1d"} if rng.random() < 0.5 else {"dephasing_correlation": correlation}
    record = Noise((0.5,) * 2, (0.1,) * 2, (P,) * 2, (0.0,) * 2, x_dephasing=(x, 1.0), x_dephasing_collective=x, **how)
    timeline = replace(busy(record), angles=rng.normal(size=(3, 15)), durations=rng.choice([0, 1e-4, 0.3], size=3))
    rho = nmrqb.spin.states.pure_state(rng.normal(size=4) + 1j * rng.normal(size=4))
    # the linear inversion of exact probabilities is Aer's state, unprojected
    found = nmrqb.Shots(shots=None, split=0.3, estimator="linear").run(timeline, rho).estimate
    assert np.linalg.eigvalsh(found).min() > -1e-11


# ---- X-dephasing, and how it is made --------------------------------------------------------------------------------

GAMMA, TIME = 0.2, 1.5


def paper(**change):
    """The battery of general couplings for 1.5 time units under X-dephasing of 0.2, from |00>."""
    H = nmrqb.Battery(axial=1, zeeman=0.4, rhombic=0.25, dm=0.3, ksea=0.15).hamiltonian()
    labels = [label for label in pauli_labels(2) if label != "II"]
    angles = TIME * np.einsum("kij,ji->k", pauli_stack(labels), H).real / 4
    used = np.abs(angles) > 1e-12
    record = Noise((np.inf,) * 2, (np.inf,) * 2, (0.0,) * 2, (0.0,) * 2, **change)
    chosen = tuple(label for label, u in zip(labels, used, strict=True) if u)
    return Timeline(chosen, angles[used][None], np.array([TIME]), (Mark("observe", 1, "end"),), (0,), record)


OWN, COMMON = paper(x_dephasing=(GAMMA, GAMMA)), paper(x_dephasing_collective=GAMMA)
GROUND = nmrqb.spin.states.basis_state("00")


def solution(timeline):
    return nmrqb.Exact().run(timeline, GROUND).estimate[0]


def averaged(timeline):
    return nmrqb.Exact().run(timeline, GROUND).estimate.mean(axis=0)[0]


def test_one_coil_is_not_the_papers_model():
    """Independent and collective X-dephasing differ by .155 in trace distance; computed separately beforehand."""
    assert trace_distance(solution(OWN), solution(COMMON)) == pytest.approx(0.155, abs=5e-4)


@pytest.mark.parametrize(("steps", "expected"), [(10, 2.95e-4), (50, 1.18e-5)])
def test_flips_in_the_middle_of_pieces_miss_the_solution_by_what_is_known(steps, expected):
    """The cut of `random_flips` with each draw replaced by its channel: 3e-4 at 10 pieces, 1e-5 at 50, computed beforehand."""
    cut = random_flips(OWN, 1, steps, seed=0)
    flips = cut.durations[0] == 0
    angles = np.where(flips[:, None], 0.0, cut.angles[0])
    channel = replace(cut, angles=angles, durations=np.where(flips, TIME / steps, 0.0), noise=OWN.noise)
    assert trace_distance(solution(channel), solution(OWN)) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("pieces", "expected"), [(10, 5e-4), (50, 2e-5)])
def test_flip_channels_around_pieces_are_as_good(pieces, expected):
    circuit = compile_circuit(OWN, (), branches(np.array([1.0, 0, 0, 0]), ())[0], pieces=[pieces], save=True)
    state = execute.saved_states([circuit], ["end"])[0, 0]
    assert trace_distance(state, solution(OWN)) < expected


@pytest.mark.parametrize(("make", "timeline"), [(random_flips, OWN), (noisy_rf, OWN), (noisy_rf, COMMON)])
def test_trajectories_come_to_the_lindblad_solution_as_one_over_root_runs(make, timeline):
    """About .06 at 100 runs and .02 at 1000, known beforehand; means over 12 seeds, whose own scatter is a tenth."""
    exact = solution(timeline)
    few, many = (
        np.mean([trace_distance(averaged(make(timeline, runs, 20, seed=seed)), exact) for seed in range(12)])
        for runs in (100, 1000)
    )
    assert few == pytest.approx(0.06, abs=0.02)
    assert many == pytest.approx(0.02, abs=0.008)
    assert few / many == pytest.approx(np.sqrt(10), rel=0.4)


def test_trajectories_of_one_model_do_not_come_to_the_other():
    assert trace_distance(averaged(noisy_rf(COMMON, 1000, 20, seed=1)), solution(OWN)) > 0.1


@pytest.mark.parametrize("make", [random_flips, noisy_rf])
def test_other_noise_stays_on_and_marks_stay_in_place(make):
    pair = nmrqb.Sample.load("nematic-pair").amplified(1.0)
    noisy = replace(pair, noise=replace(pair.noise, x_dephasing=(900.0, 600.0)))
    sequence = nmrqb.Sequence.load("broekaert-jeener-charge").bind(charge=np.array([0.4, 1.5]))
    timeline = nmrqb.schedule(sequence, noisy, pulses="finite", noise=True)
    many = make(timeline, 600, 6, seed=5)
    assert many.shape == (600, 2)
    assert many.noise == pair.noise
    assert many.observed == timeline.observed
    np.testing.assert_allclose(many.durations.sum(axis=-1), timeline.durations.sum(axis=-1) * np.ones((600, 1)))
    rho = pair.linear_state()
    exact = nmrqb.Exact().run(timeline, rho).estimate
    found = nmrqb.Exact().run(many, rho).estimate.mean(axis=0)
    without = nmrqb.Exact().run(replace(timeline, noise=pair.noise), rho).estimate
    assert trace_distance(found, exact).max() < 0.04
    assert trace_distance(without, exact).max() > 0.06


def test_trajectories_run_as_circuits():
    for make in (random_flips, noisy_rf):
        few = make(OWN, 3, 4, seed=2)
        aer, exact = (engine.run(few, GROUND).estimate for engine in (nmrqb.Shots(shots=None), nmrqb.Exact()))
        np.testing.assert_allclose(aer, exact, atol=1e-10)
        assert few.noise is None  # nothing is left but pulses: any backend can run it


def test_trajectories_are_decided_by_their_seed():
    for make in (random_flips, noisy_rf):
        one, same, other = (make(OWN, 4, 5, seed=seed).angles for seed in (1, np.random.default_rng(1), 2))
        np.testing.assert_array_equal(one, same)
        assert np.abs(one - other).max() > 0


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: random_flips(OWN, 0, 5), "runs must be a whole number, 1 or more, but is 0"),
        (lambda: noisy_rf(OWN, 5, 0.5), r"steps must be a whole number, 1 or more, but is 0\.5"),
        (
            lambda: noisy_rf(replace(OWN, noise=None), 5, 5),
            "timeline must have noise with X-dephasing.*without X-dephasing",
        ),
        (lambda: noisy_rf(paper(), 5, 5), "timeline must have noise with X-dephasing.*without X-dephasing"),
        (lambda: random_flips(COMMON, 5, 5), r"collective X-dephasing must be zero .* but is 0\.2 /s"),
    ],
)
def test_impossible_trajectories_are_refused(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()
