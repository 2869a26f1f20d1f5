"""Charging at the quantum limit: bounds that hold, closed forms met, and the figure."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import nmrqb
from nmrqb.battery import Battery, charging_maxima
from nmrqb.design import compare_charging
from nmrqb.design.charging import CONSTANT, OPTIMISED, bures_angle, fisher_speed
from nmrqb.errors import ArgumentError
from nmrqb.plots.design import charging_limits
from nmrqb.spin.operators import pauli_string

BATTERY = Battery(axial=1.0, rhombic=0.25, dm=0.3, ksea=0.15, zeeman=0.4)
H = BATTERY.hamiltonian()
RHO0 = BATTERY.gibbs_state(1.0)


@pytest.fixture(scope="module")
def data():
    return compare_charging(BATTERY, 1.0, 5.0, [0.05, 0.17, 0.5, 1.2], slices=24, points=200, iterations=40, seeds=1)


def test_nothing_beats_the_unitary_bound_or_the_speed_limit(data):
    populations, levels = np.linalg.eigvalsh(RHO0), np.linalg.eigvalsh(H)
    assert float(data.limit) == pytest.approx(float(levels @ populations - levels @ populations[::-1]))
    assert float(data.limit) == pytest.approx(2.1127, abs=5e-5)
    for prefix in ("", "constant_", "composite_"):
        assert np.all(data[f"{prefix}ergotropy"] <= data.limit + 1e-12)
        assert np.all(data[f"{prefix}angle"] <= data[f"{prefix}length"] * (1 + 1e-9) + 1e-9)
    width = np.ptp(levels) / 2 + 2 * 5.0
    assert np.all(data.length <= width * data.duration * (1 + 1e-12))
    charged = np.linalg.eigh(H)[1]
    charged = (charged * populations) @ charged.conj().T
    assert float(data.least_time) == pytest.approx(float(bures_angle(RHO0, charged)) / width)


def test_optimised_drives_beat_constant_ones_of_the_same_time(data):
    for name, constants in (("local", ("X", "Y")), ("DQ", ("DQ",))):
        for duration in data.duration.values:
            found = data.ergotropy.sel(drive=name, duration=duration).item()
            for constant in constants:
                at = data.constant_ergotropy.sel(constant=constant).interp(time=duration).item()
                assert found >= at - 2e-3
    assert np.all(np.diff(data.ergotropy, axis=1) > -1e-4)  # what was found for less time was tried
    assert data.ergotropy.sel(drive="local + DQ", duration=1.2) > 0.95 * data.limit
    assert data.ergotropy.sel(drive="DQ").max() < 0.5  # alone it leaves the odd states as they are
    np.testing.assert_allclose(data.power, data.ergotropy / data.duration)


def test_a_strong_x_drive_charges_as_with_h_off():
    strong = compare_charging(BATTERY, 1.0, 1e5, [1.5e-5], slices=8, points=300, iterations=3, seeds=0)
    closed = float(charging_maxima(H, RHO0).ergotropy)
    assert float(strong.x_limit) == pytest.approx(closed, rel=1e-12)
    assert closed == pytest.approx(1.692, abs=5e-4)
    assert strong.constant_ergotropy.sel(constant="X").max().item() == pytest.approx(closed, abs=2e-3)
    assert float(strong.composite_ergotropy) == pytest.approx(closed, abs=1e-2)  # edges fall inside slices


def test_both_kinds_of_drive_have_one_norm():
    local, double = pauli_string("XI") + pauli_string("IX"), pauli_string("XX") - pauli_string("YY")
    np.testing.assert_allclose(np.linalg.eigvalsh(local), np.linalg.eigvalsh(double), atol=1e-14)


def test_the_speed_of_pure_states_is_the_standard_deviation():
    rng = np.random.default_rng(0)
    psi = rng.standard_normal(4) + 1j * rng.standard_normal(4)
    psi /= np.linalg.norm(psi)
    mean, square = (psi.conj() @ H @ psi).real, (psi.conj() @ H @ H @ psi).real
    rho = np.outer(psi, psi.conj())
    assert float(fisher_speed(rho, H)) == pytest.approx(np.sqrt(square - mean**2), rel=1e-9)
    assert float(fisher_speed(RHO0, H)) == pytest.approx(0, abs=1e-7)  # it commutes
    mixed = 0.7 * rho + 0.3 * np.eye(4) / 4
    mean, square = np.trace(mixed @ H).real, np.trace(mixed @ H @ H).real
    assert float(fisher_speed(mixed, H)) < np.sqrt(square - mean**2)
    # the speed is that of the Bures angle, to second order in time
    U = nmrqb.charging_unitary(2, 1e-3)
    moved = U @ mixed @ U.conj().T
    step = float(fisher_speed(mixed, pauli_string("XI") + pauli_string("IX"))) * 1e-3
    assert float(bures_angle(mixed, moved)) == pytest.approx(step, rel=1e-4)


def test_progress_and_bad_arguments():
    seen = []
    compare_charging(
        BATTERY, 1.0, 5.0, [0.1, 0.2], slices=4, points=10, iterations=1, seeds=0, progress=lambda *at: seen.append(at)
    )
    assert seen == [(k, 6) for k in range(1, 7)]
    with pytest.raises(ArgumentError, match=r"durations must be \(T,\), ascending"):
        compare_charging(BATTERY, 1.0, 5.0, [0.2, 0.1])
    with pytest.raises(ArgumentError, match=r"durations must be above zero, but is -0\.1"):
        compare_charging(BATTERY, 1.0, 5.0, [-0.1, 0.1])
    with pytest.raises(ArgumentError, match=r"omega must be above zero, but is 0\.0"):
        compare_charging(BATTERY, 1.0, 0.0, [0.1])


def test_the_figure_shows_every_drive_and_both_bounds(data):
    figure = charging_limits(data, 0.5, "what was assumed")
    panels = {axes.get_title(loc="left")[:3]: axes for axes in figure.axes if axes.get_title(loc="left")}
    assert set(panels) == {"(a)", "(b)", "(c)", "(d)"}
    assert len(panels["(b)"].lines) == len(CONSTANT) + 1 + len(OPTIMISED)
    texts = {text.get_text() for text in panels["(a)"].texts}
    assert texts == {"any unitary", "X with H off", "speed limit of\na full charge"}
    local = next(line for line in panels["(a)"].lines if line.get_label() == "local, optimised")
    np.testing.assert_array_equal(local.get_ydata(), data.ergotropy.sel(drive="local"))
    assert len(figure.legends[0].get_texts()) == 7


def test_the_script_writes_data_and_figure(tmp_path, monkeypatch):
    path = Path(__file__).parents[2] / "experiments" / "optimal_charging.py"
    spec = importlib.util.spec_from_file_location("experiment_optimal_charging", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    full = script.data
    monkeypatch.setattr(script, "data", lambda progress: full(np.array([0.1, 0.28]), 4, 0, progress))
    written = script.watched(tmp_path)
    assert [path.name for path in written] == ["optimal_charging.nc", "optimal_charging.pdf", "optimal_charging.png"]
    stored = xr.load_dataset(written[0], engine="h5netcdf")
    assert stored.attrs["omega"] == 5.0
    assert stored.attrs["dm"] == 0.3
    assert float(stored.limit) == pytest.approx(2.1127, abs=5e-5)
