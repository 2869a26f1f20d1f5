"""The figure of engineered couplings: its numbers are what pulses do, and every panel says what it shows."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nmrqb.plots.engineered import engineered

SCRIPT = Path(__file__).parents[2] / "experiments" / "engineered_battery.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("experiment_engineered_battery", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TIMES = np.array([0.4, 2.0, 3.6])
    module.CYCLES = np.array([2, 4, 8])
    return module


def test_the_figure_shows_what_pulses_make_of_theory(script, tmp_path):
    evolution, cycles, budgets = script.data()
    theory = [np.interp(evolution.time, evolution.fine, row) for row in evolution.l1_coherence_theory]
    np.testing.assert_allclose(evolution.l1_coherence, theory, rtol=0.03)
    kept = evolution.ergotropy / evolution.ergotropy_theory.isel(fine=0)
    assert np.all(kept < 1)
    assert np.all(kept > 0.97)
    ideal = cycles.infidelity.sel(width=0.0)
    assert float(ideal[1] / ideal[2]) == pytest.approx(16, rel=0.1)
    assert np.isnan(cycles.infidelity.sel(width=0.01, cycles=8))
    assert float(budgets.infidelity.sel(sample="chloroform", error="all")) < 2e-2
    figure = engineered(evolution, cycles, budgets, script.FOOTER)
    figure.canvas.draw()
    assert len(figure.axes) == 4
    assert all(axes.get_xlabel() for axes in figure.axes)
    assert "energy unit" in figure.axes[0].get_xlabel()
