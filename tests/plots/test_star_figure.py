"""The figure of the star battery: what it shows is what is said of it, and it is labelled."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nmrqb.plots.star import star

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("experiment_star_battery", ROOT / "experiments" / "star_battery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "samples" / "acetonitrile.toml").read_text()
    for old, new in (
        ('"13C", "1H", "1H", "1H"]', '"13C", "1H"]'),
        ('"10 s", "5 s", "5 s", "5 s"', '"10 s", "5 s"'),
        ('"1 s", "1 s", "1 s", "1 s"', '"1 s", "1 s"'),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("star") / "one-proton.toml"  # relaxation of sixteen levels takes its time
    path.write_text(text)
    module.RELAXING = str(path)
    module.STEPS = (1, 2)
    return module


def test_the_figure_and_its_table(script, tmp_path):
    found = script.data()
    np.testing.assert_allclose(found["star_speed"].time_pure, found["star_speed"].root, rtol=1e-12)
    steps = found["star_steps"]
    np.testing.assert_allclose(steps.missing_circuits[:2], steps.missing[:2], atol=1e-12)
    assert np.all(np.isnan(steps.missing_circuits.sel(chargers=36)))
    rounds = found["star_rounds"]
    assert np.all(np.diff(rounds.polarisation.sel(share=0.4)) > 0)
    assert float(rounds.polarisation.sel(share=1.0)[-1]) == pytest.approx(1, abs=1e-3)
    assert float(rounds.relaxing[0]) == pytest.approx(-0.2515, abs=1e-3)  # gamma(13C)/gamma(1H), not inverted
    assert float(found["star_load"].pulsed_load) == pytest.approx(0.9998, abs=5e-5)
    figure = star(*found.values(), script.FOOTER)
    figure.canvas.draw()
    assert len(figure.axes) == 6
    assert all(axes.get_xlabel() and axes.get_ylabel() and axes.get_legend() for axes in figure.axes)
    text = script.table(found, tmp_path / "t.txt").read_text()
    assert "Gamma, time, pure (exact)      1.732" in text
    assert "J (unverified)" in text
    assert "none: sectors of total spin" in text
