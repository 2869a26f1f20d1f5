"""The figures as files: complete, the same bytes every time, legible in grey, and their data whole."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from nmrqb.paper.curves import write
from nmrqb.plots.paper import charging_curves
from nmrqb.plots.style import LINES, RC, new_figure, save

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
NAMES = [*(f"figure_{n:02d}" for n in range(3, 11)), "figure_split", "cycles"]


def script(name):
    spec = importlib.util.spec_from_file_location(f"experiment_{name}", EXPERIMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_every_script_writes_its_data_a_vector_figure_and_a_png(name, tmp_path):
    paths = script(name).main(tmp_path)
    assert {path.suffix for path in paths} == {".nc", ".pdf", ".png"}
    assert all(path.exists() and path.stem.startswith(name) for path in paths)
    *_, pdf, png = paths
    assert pdf.read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in pdf.read_bytes()
    picture = imread(png)
    assert picture.shape[1] == 1400  # 7 inches at 200 dpi
    border = np.concatenate([picture[:2, :, :3].ravel(), picture[-2:, :, :3].ravel(), picture[:, -3:, :3].ravel()])
    assert np.all(border == 1), "something is cut off at an edge"
    for path in paths[:-2]:
        check_data_file(path)


def check_data_file(path):
    """Complete coordinates, names, units and attributes, and no hole in the data."""
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        assert {"title", "source", "software", "fixed_parameters", "units_note"} <= set(dataset.attrs)
        assert dataset.attrs["software"].startswith("nmrqb ")
        assert isinstance(json.loads(dataset.attrs["fixed_parameters"]), dict)
        for name, variable in dataset.variables.items():
            assert "long_name" in variable.attrs, name
            assert "units" in variable.attrs or variable.dtype.kind in "UOT", name
        assert set(dataset.dims) - {"step"} <= set(dataset.coords)  # steps have their times as a coordinate
        assert not any(np.isnan(v).any() for v in dataset.data_vars.values())


def test_the_same_data_give_the_same_bytes(tmp_path):
    """A process of its own, so that nothing of this one's state can help."""
    command = [sys.executable, "-W", "error", EXPERIMENTS / "figure_05.py", "--out", tmp_path / "there"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=EXPERIMENTS.parent).stdout.split()
    assert [Path(p).name for p in listed] == ["figure_05.nc", "figure_05.pdf", "figure_05.png"]
    for here, there in zip(script("figure_05").main(tmp_path / "here"), listed, strict=True):
        assert here.read_bytes() == Path(there).read_bytes()


def test_a_read_back_dataset_equals_what_was_written(tmp_path):
    expected = script("figure_09").data()
    with xr.open_dataset(write(expected, tmp_path / "data.nc"), engine="h5netcdf") as dataset:
        xr.testing.assert_identical(dataset.load(), expected)


def lightness(color):
    """CIE L* of a colour as print in grey shows it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    Y = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * Y ** (1 / 3) - 16 if Y > 0.008856 else 903.3 * Y


def test_lines_differ_in_grey():
    """Neighbours of the cycle differ in dashes; those drawn alike differ in lightness, and all get lighter in order."""
    shades = [lightness(line.color) for line in LINES]
    assert shades == sorted(shades)
    assert len({str(line.linestyle) for line in LINES}) >= len(LINES) - 1
    alike = [lightness(line.color) for line in LINES if line.linestyle == "solid"]
    assert min(np.diff(alike)) > 25


def test_figures_ignore_the_users_own_settings():
    module = script("figure_07")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 20, "axes.labelsize": 30, "axes.grid": False}):
        figure = charging_curves(module.data(), module.SWEEP, module.FOOTER)
        assert mpl.rcParams["font.size"] == 20
    axes = figure.axes[0]
    assert [line.get_linewidth() for line in axes.get_lines()[: len(LINES)]] == [line.linewidth for line in LINES]
    assert axes.xaxis.label.get_size() == RC["axes.labelsize"]


def test_a_figure_says_what_was_assumed():
    for name in NAMES:
        footer = script(name).FOOTER
        assert "chosen here" in footer or name in ("figure_split", "cycles")
        if name in (f"figure_{n:02d}" for n in range(5, 11)):
            assert "eq. (D1)" in footer
            assert "X charging, eq. (21)" in footer


def test_save_makes_its_folder(tmp_path):
    figure = new_figure(2.0, "a footer")
    figure.subplots().plot([0, 1])
    assert all(path.exists() for path in save(figure, tmp_path / "deep" / "er", "empty"))
