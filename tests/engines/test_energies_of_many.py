"""Energies of many spins from counts: against exact dynamics with and without noise, and the choice of Aer's method."""

import tracemalloc

import numpy as np
import pytest

from nmrqb import Battery, lindblad
from nmrqb.battery import Cluster
from nmrqb.circuits import large
from nmrqb.circuits.trotter import _cost, _cost_by_strings, _groups, trotter
from nmrqb.engines.energies import charged_energies, energy_of_counts
from nmrqb.errors import ArgumentError
from nmrqb.nmr.noise import Noise
from nmrqb.scaling import charger, charging_timeline
from nmrqb.spin import many
from nmrqb.spin.masks import PauliSum

TIMES = np.array([0.0, 0.5])
BATTERY = Battery(axial=1.0, rhombic=0.25, ksea=0.2, zeeman=-0.5)


def setup(n):
    return charger("neighbours", n).H, Cluster.chain(n, BATTERY, np.inf).pauli_sum()


def exact(drive, H, start=0):
    psi = np.zeros(H.dimension, dtype=complex)
    psi[start] = 1
    return many.observe(drive, psi, TIMES, lambda v: np.vdot(v, H.apply(v)).real)


def noise(n, **more):
    more = {"readout": (0.03,) * n, **more}
    return Noise((1.0,) * n, (0.6,) * n, (-0.6,) * n, x_dephasing=(0.1,) * n, **more)


@pytest.mark.parametrize("n, start", [(3, 0), (6, 5), (10, 0)])
def test_without_noise(n, start):
    drive, H = setup(n)
    said = []
    found = charged_energies(drive, TIMES, H, start=start, shots=3000, seed=2, product=0.02, tell=said.append)
    assert said == [found.how]
    assert "statevector" in found.how
    assert found.product_bound <= 0.02
    assert len(found.settings) < 3**n / 4
    allowance = 2 * found.product_bound * H.bound()
    assert np.all(np.abs(found.values - exact(drive, H, start)) < 4.5 * found.errors + allowance)
    assert np.all(found.errors < 0.02 * H.bound())


@pytest.mark.parametrize("method", ["density_matrix", "trajectories"])
def test_with_noise_of_each_spin(method):
    n = 3
    drive, H = setup(n)
    model = noise(n)
    jumps = np.concatenate([each.jumps for each in model.jump_sets()])
    rho0 = np.zeros((8, 8), dtype=complex)
    rho0[0, 0] = 1
    truth = np.einsum("tij,ji->t", lindblad(drive.dense(), jumps, rho0, TIMES), H.dense()).real
    assert abs(truth[1] - exact(drive, H)[1]) > 0.15  # the noise is there to be seen
    found = charged_energies(drive, TIMES, H, shots=6000, seed=4, noise=model, steps=5, method=method)
    assert method in found.how
    assert np.all(np.abs(found.values - truth) < 4.5 * found.errors + 0.01)
    assert np.all(found.errors < 0.03)


def test_errors_are_those_of_counts():
    _, H = setup(3)
    p = np.full((5, 8), 1 / 8)
    settings = ("ZZZ", "XXX", "YYY", "XYX", "YXY")
    rng = np.random.default_rng(1)
    values, errors = energy_of_counts(rng.multinomial(500, p, size=(300, 5)), settings, H)
    assert values.std() == pytest.approx(errors.mean(), rel=0.15)
    assert values.mean() == pytest.approx(0, abs=5 * errors.mean() / 300**0.5)


def test_the_method_goes_by_cost_and_memory():
    made = {n: large.choose(n, 200, 5, 1000, noisy=True).method for n in (3, 8, 10, 12, 16)}
    assert made == {n: "density_matrix" if n <= 8 else "trajectories" for n in made}
    assert large.choose(16, 200, 5, 1000, noisy=False).method == "statevector"
    needed = large.choose(8, 10, 1, 100, noisy=True, method="density_matrix").bytes
    assert needed == 2 * 16 * 4**8
    assert large.choose(8, 10, 1, 100, noisy=True, limit=needed - 1).method == "trajectories"
    with pytest.raises(ArgumentError, match=r"memory must be 2\.1 MB or more for 8 qubits by density_matrix"):
        large.choose(8, 10, 1, 100, noisy=True, method="density_matrix", limit=needed - 1)
    with pytest.raises(ArgumentError, match=r"memory must be .* for 40 qubits by trajectories"):
        large.choose(40, 10, 1, 100, noisy=True)


def test_bounds_by_strings_are_bounds():
    drive, _ = setup(5)
    timeline = charging_timeline(drive, [0.3, 0.9])
    matrices = trotter(timeline, 0.01)
    groups = _groups(timeline.labels, np.ones(len(timeline.labels), dtype=bool))
    tight = _cost(timeline.labels, timeline.angles[:, 0], groups)
    members = [[k for block in group for k in block.terms] for group in groups]
    loose = _cost_by_strings(timeline.labels, timeline.angles[:, 0], members)
    assert np.all(loose >= tight * (1 - 1e-12))
    assert np.all(loose < 20 * tight)
    assert np.all(matrices.bound <= 0.01)


def test_many_qubits_take_what_was_told():
    drive = PauliSum.from_labels(["XXIIIIIIIIIIIIIIII", "I" * 16 + "YY"], [0.5, 0.5])
    H = Cluster.chain(18, Battery(axial=1.0), np.inf).pauli_sum()
    said = []
    tracemalloc.start()
    try:
        found = charged_energies(drive, [0.0], H, start=5, shots=2, tell=said.append)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    told = float(said[0].split("; ")[1].split(" MB")[0]) * 1e6
    assert told == pytest.approx(peak, rel=0.2)
    assert len(found.settings) == 3


def test_a_circuit_that_no_machine_holds_is_refused_before_it_is_written():
    drive = PauliSum.from_labels(["XX" + "I" * 38], [0.5])
    H = PauliSum.from_labels(["ZZ" + "I" * 38], [0.5])
    tracemalloc.start()
    try:
        with pytest.raises(ArgumentError, match=r"memory must be [\d.]+ TB or more for 40 qubits by statevector"):
            charged_energies(drive, [0.1], H)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_on_a_fake_device():
    pytest.importorskip("qiskit_ibm_runtime")
    drive, H = setup(3)
    found = charged_energies(drive, TIMES[1:], H, backend="fake:sherbrooke", shots=2000, seed=1, product=0.05)
    assert len(found.qubits) == 3
    assert found.two_qubit_gates > 0
    truth = exact(drive, H)[1]
    assert abs(found.values[0] - truth) < 0.15 * H.bound()  # a machine with noise, undone by nothing
    assert abs(found.values[0] - truth) > 1e-6


@pytest.mark.parametrize(
    "change, match",
    [
        ({"shots": 1}, "shots must be a whole number, 2 or more, but is 1"),
        ({"steps": 0}, "steps must be a whole number, 1 or more, but is 0"),
        ({"method": "magic"}, "method must be one of statevector, density_matrix, trajectories, but is 'magic'"),
        ({"method": "statevector", "noise": noise(3)}, "be density_matrix or trajectories where noise acts"),
        ({"noise": noise(3, dephasing_correlation=0.5)}, "noise must be each spin's own .* but is shared by spins"),
        ({"noise": noise(3), "backend": "fake:sherbrooke"}, "noise must be left out on fake:sherbrooke"),
        ({"times": [-1.0]}, "times must be zero or above, but is -1"),
        ({"H": PauliSum.from_labels(["ZZ"], [1.0])}, "H must act on the 3 spins of the charger, but is one of 2 spins"),
    ],
)
def test_refusals(change, match):
    drive, H = setup(3)
    arguments = {"times": TIMES, "H": H, **change}
    with pytest.raises(ArgumentError, match=match):
        charged_energies(drive, **arguments)
