"""What the experiments on devices claim, on few qubits and points: Gibbs states, mitigation, decoupling, the code."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import nmrqb
from nmrqb.circuits import preparations
from nmrqb.circuits.devices import open_machine
from nmrqb.circuits.devices.machine import fake_backend
from nmrqb.circuits.predict import (
    entanglers,
    neighbouring_line,
    pair_errors,
    predicted_frequencies,
    predicted_states,
)
from nmrqb.circuits.readout import ReadoutCalibration
from nmrqb.errors import ArgumentError
from nmrqb.paper.script import save_table

FOLDER = Path(__file__).parents[2] / "experiments"


def script(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- Gibbs states -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["torino", "marrakesh", "sherbrooke"])
def test_gibbs_states_on_the_qubits_a_run_would_take(device):
    """Within 0.007 of the Gibbs state with one entangling gate in each circuit, on the qubits chosen by reported error."""
    gibbs = script("gibbs_on_devices")
    machine = open_machine(f"fake:{device}", 2)
    for couplings in gibbs.BATTERIES.values():
        rho = nmrqb.gibbs_state(nmrqb.Battery(**couplings).hamiltonian(), 1 / gibbs.BETA)
        mixture = preparations.eigenstate_mixture(rho)
        native = machine.native(mixture.circuits)
        assert max(map(entanglers, native)) == 1
        found = mixture.mixed(predicted_states(native, machine))
        distance = 0.5 * np.abs(np.linalg.eigvalsh(found - rho)).sum()
        assert 5e-4 < distance < 0.007  # the noise acts, and little
        assert nmrqb.metrics.ergotropy(found, nmrqb.Battery(**couplings).hamiltonian()) < 5e-5


def test_fewer_entangling_gates_leave_a_better_state():
    gibbs = script("gibbs_on_devices")
    rows = gibbs.measure("torino", gibbs.lines("torino")[0], "general")
    distance, _, gates, circuits = rows.T
    assert gates[:3].tolist() == [1, 2, 5]
    assert circuits.tolist() == [4, 4, 1, 12]
    assert distance[0] < 0.6 * distance[1] < 0.5 * distance[2]


def test_pairs_are_ranked_and_lines_are_connected():
    target = fake_backend("torino").target
    errors = pair_errors(target)
    values = list(errors.values())
    assert values == sorted(values)
    assert 0 < values[0] < values[-1] < 1
    first = next(iter(errors))
    reported = {tuple(sorted(place)): p.error for place, p in target["cz"].items()}
    assert errors[first] == min(error for error in reported.values())
    lines = {pair: neighbouring_line(target, pair) for pair in errors}
    for pair, line in lines.items():
        if line is None:  # one of its qubits has no other neighbour
            assert min(sum(q in link for link in errors) for q in pair) == 1
        else:
            assert len(set(line)) == 4
            assert line[1:3] == pair
            assert all(tuple(sorted(link)) in errors for link in pairwise(line))
    assert sum(line is not None for line in lines.values()) > 0.8 * len(lines)


def test_only_simulated_machines_predict():
    class Real:
        simulator = None
        name = "ibm:fez"

    for predict in (predicted_states, predicted_frequencies):
        with pytest.raises(ArgumentError, match="'ibm:fez'"):
            predict([], Real())


# --- readout, extrapolation, twirling -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torino():
    """The mitigation experiment, and what Torino's median pair reports for its circuits."""
    experiment = script("mitigation")
    machine = open_machine("fake:torino", 2, qubits=experiment.pairs("torino")[1])
    return experiment, experiment.ideal(), *experiment.frequencies(machine)


def test_every_method_takes_away_error_that_the_one_before_left(torino):
    experiment, (mixture, _, wanted), seen, confusion = torino
    errors = [
        abs(experiment.estimated(m, seen, ReadoutCalibration((confusion,)), mixture.weights) - wanted)
        for m in experiment.METHODS
    ]
    assert errors[1] < 0.6 * errors[0]
    assert errors[2] < 0.4 * errors[1]
    assert errors[3] < 0.8 * errors[2]


def test_extrapolation_costs_shots_so_that_it_pays_only_with_enough_of_them(torino):
    experiment, (mixture, _, wanted), seen, confusion = torino

    def rms(method, budget):
        found = experiment.repeated(method, seen, confusion, mixture.weights, budget, 1)
        return float(np.sqrt(np.mean((found - wanted) ** 2)))

    few, many = experiment.BUDGETS[0], experiment.BUDGETS[-2]
    assert rms("zne linear", few) > 1.1 * rms("readout", few)
    assert rms("zne linear", many) < 0.5 * rms("readout", many)
    assert rms("zne richardson", many) > rms("zne linear", many)


# --- decoupling ---------------------------------------------------------------------------------------------------------


def test_decoupling_gains_nothing_against_noise_without_memory_and_rescues_from_slow_noise():
    experiment = script("decoupling")
    machine = open_machine("fake:sherbrooke", 2)
    kept = {(pulses, slow): experiment.kept(machine, 20e-6, pulses, slow) for pulses in (0, 2) for slow in (0.0, 20e3)}
    assert kept[2, 0.0] - kept[0, 0.0] == pytest.approx(0, abs=3e-3)
    assert kept[0, 20e3] < kept[0, 0.0] - 0.1
    assert kept[2, 20e3] == pytest.approx(kept[2, 0.0], abs=1e-3)


def test_refocusing_and_composite_pulses_in_the_magnet():
    experiment = script("decoupling")
    kept = dict(zip(experiment.TRAINS, experiment.magnet(), strict=True))
    assert max(kept["no pulses"]) < 0.8
    for name in ("x, x", "x, -x", "y, y", "BB1, BB1"):
        assert kept[name][0] > 0.99999
    assert kept["BB1, BB1"][-1] > 0.9999
    assert max(kept[name][-1] for name in ("x, x", "x, -x", "y, y")) < 0.995


# --- the code -----------------------------------------------------------------------------------------------------------


def test_the_code_pays_for_evolution_and_not_for_a_pulse_alone():
    experiment = script("code422")
    line = experiment.lines("torino")[1]
    machines = {
        False: open_machine("fake:torino", 2, qubits=line[1:3], level=3),
        True: open_machine("fake:torino", 4, qubits=(line[1], line[2], line[3], line[0]), level=3),
    }
    for name, least, most in (("charged, 0 steps", 1.2, 4.0), ("charged, 6 steps", 0.05, 0.35)):
        wanted = experiment.ideal(name)
        error = {}
        for encoded, machine in machines.items():
            found, acceptance, _ = experiment.measured(name, machine, encoded, correct=True)
            error[encoded] = np.sqrt(np.mean((found - wanted) ** 2))
            assert 0.85 < acceptance < 0.99 if encoded else acceptance == 1.0
        assert least < error[True] / error[False] < most


def test_without_noise_the_code_says_what_bare_spins_say():
    experiment = script("code422")
    found, acceptance, _ = experiment.measured("charged, 3 steps", open_machine("aer", 4), True, correct=False)
    np.testing.assert_allclose(found, experiment.ideal("charged, 3 steps"), atol=1e-9)
    assert acceptance == pytest.approx(1, abs=1e-12)


# --- figures and tables -------------------------------------------------------------------------------------------------


def filled(variables, coordinates):
    rng = np.random.default_rng(1)
    shape = {name: len(values) for name, values in coordinates.items()}
    data = {name: (dims, rng.uniform(0.1, 0.9, [shape[d] for d in dims])) for name, dims in variables.items()}
    return xr.Dataset(data, coordinates)


def dataset(name):
    module = script(name)
    if name == "gibbs_on_devices":
        dims = ("device", "pair", "battery", "preparation")
        names = ("trace_distance", "excess_ergotropy", "two_qubit_gates", "circuits")
        values = (module.DEVICES, module.PAIRS, tuple(module.BATTERIES), module.WAYS)
        return filled(dict.fromkeys(names, dims), {d: list(v) for d, v in zip(dims, values, strict=True)})
    if name == "mitigation":
        where = ("device", "pair", "mitigation")
        return filled(
            {
                "bias": where, "rms": where, "rms_against_shots": ("shots", "mitigation"),
                "coherent": ("angle", "twirled"), "circuits": ("mitigation",),
            },
            {
                "device": list(module.DEVICES), "pair": list(module.PAIRS), "mitigation": list(module.METHODS),
                "shots": list(module.BUDGETS), "angle": list(module.ANGLES), "twirled": list(module.TWIRLED),
            },
        )  # fmt: skip
    if name == "decoupling":
        return filled(
            {"idle": ("device", "noise", "pulses", "delay"), "fidelity": ("train", "rf")},
            {
                "device": list(module.DEVICES), "noise": ["T1, T2", "with slow detuning"],
                "pulses": list(module.PULSES), "delay": list(module.DELAYS),
                "train": list(module.TRAINS), "rf": list(module.RF),
            },
        )  # fmt: skip
    dims = ("device", "place", "case", "way")
    values = (module.DEVICES, module.PLACES, module.CASES, module.WAYS)
    names = ("energy_error", "rms", "acceptance", "two_qubit_gates")
    return filled(dict.fromkeys(names, dims), {d: list(v) for d, v in zip(dims, values, strict=True)})


@pytest.mark.parametrize("name", ["gibbs_on_devices", "mitigation", "decoupling", "code422"])
def test_figures_have_units_legends_and_a_footer_and_tables_line_up(name, tmp_path):
    module, data = script(name), dataset(name)
    draw = {
        "gibbs_on_devices": "preparations_on_devices", "mitigation": "mitigation",
        "decoupling": "decoupling", "code422": "detecting_code",
    }[name]  # fmt: skip
    figure = getattr(module, draw)(data, module.FOOTER)
    assert all(axes.get_xlabel() or len(axes.get_xticklabels()) > 3 for axes in figure.axes)
    assert any(axes.get_ylabel() for axes in figure.axes)
    assert figure.legends or any(axes.get_legend() for axes in figure.axes)
    assert "fake" in module.FOOTER
    paths = module.style.save(figure, tmp_path, name)
    assert [path.stat().st_size > 10_000 for path in paths] == [True, True]
    rows = module.table(data)
    lines = save_table(rows, tmp_path / "table.txt").read_text().splitlines()
    assert len(lines) == len(rows) + 1
    assert len({len(row) for row in rows}) == 1
