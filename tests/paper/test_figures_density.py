"""Fig. 10: single points against closed forms and printed numbers, and the maps' own claims."""

from __future__ import annotations

import numpy as np
import pytest
from figure_scripts import data, printed

from nmrqb.battery import Battery, closed_forms
from nmrqb.paper import curves

COLUMNS = ("axial-dm", "axial-ksea", "axial-rhombic", "temperature-zeeman")


def point(axis="x", **parameters):
    """A plane of two points, the first of them at the parameters given (T = 1)."""
    (name, value), *others = parameters.items()
    fixed = {"temperature": 1.0, **dict(others[1:])}
    second, other = others[0]
    plane = curves.maxima(fixed, (name, [value, value + 1]), (second, [other, other + 1]), axis=axis)
    return plane.isel({name: 0, second: 0})


@pytest.mark.parametrize("column", range(4), ids=COLUMNS)
def test_maps_are_the_closed_forms(column):
    plane = data("figure_10")[column]
    up, across = plane.ergotropy_max.dims
    fixed = {"axial": 1.0, "rhombic": 0.5} if column == 3 else {"rhombic": 0.5, "temperature": 1.0}
    grid = {**fixed, across: plane[across].values[None, :], up: plane[up].values[:, None]}
    T = grid.pop("temperature")
    battery = Battery(**grid)
    np.testing.assert_allclose(plane.ergotropy_max, closed_forms.ergotropy_max(battery, T), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(plane.power_max, closed_forms.power_max(battery, T), rtol=1e-9, atol=1e-12)
    orbit = plane.capacity.sel(kind="orbit")
    assert np.all(plane.ergotropy_max <= orbit + 1e-10)
    assert float(plane.l1_max.max()) <= 3 + 1e-12


def test_column_1_is_dark_where_delta_is_negative_only_for_the_paper_s_capacity():
    plane = data("figure_10")[0]
    printed([plane.l1_max.min()], ".65")
    assert 0.41 < float(plane.capacity.sel(kind="paper").min()) < 0.4165  # .416 on a coarser grid


def test_column_2_hardly_ever_fails_to_charge():
    plane = data("figure_10")[1]
    dark = plane.ergotropy_max < 0.02 * plane.ergotropy_max.max()
    np.testing.assert_allclose(float(dark.mean()), 0.012, atol=1.5e-3)


def test_column_3_where_delta_equals_epsilon():
    """The paper: no coherence, no ergotropy, yet capacity. Each of the three is true for another reading at most."""
    x, y = (point(axis, axial=2.0, rhombic=2.0) for axis in "xy")
    printed([x.l1_max, y.l1_max], "1.530 .933")
    printed([x.ergotropy_max, x.capacity.sel(kind="paper"), x.capacity.sel(kind="orbit")], "3.86 3.91 5.06")
    assert float(y.ergotropy_max) == 0
    half = [curves.charging({"rhombic": v, "temperature": 1.0}, "axial", [v], [np.pi / 4]) for v in (2.0, 4.0)]
    printed([h.l1.sel(axis="x").item() for h in half], ".033 .0024")


def test_column_3_where_delta_is_negative():
    x, y = (point(axis, axial=-3.0, rhombic=3.0) for axis in "xy")
    assert float(x.ergotropy_max) == 0
    printed([y.ergotropy_max, x.capacity.sel(kind="paper"), x.capacity.sel(kind="orbit")], "12.0 6.0 12.0")
    printed([point(axial=-4.0, rhombic=2.0).ergotropy_max], ".0013")
    printed([point(axial=-3.0, rhombic=0.0).capacity.sel(kind="orbit")], "3.6")


def test_zero_hamiltonian_is_the_only_one_without_coherence():
    assert float(point(axial=0.0, rhombic=0.0).l1_max) < 1e-30
    assert float(data("figure_10")[2].l1_max.where(data("figure_10")[2].axial != 0).min()) > 0.05


def test_a_grid_of_times_gives_the_grid_s_maxima():
    phi = np.linspace(0, np.pi / 2, 11)
    sides = ("axial", np.linspace(-2, 2, 5)), ("dm", np.linspace(0, 2, 4))
    fixed = {"rhombic": 0.5, "temperature": 1.0}
    coarse, true = curves.maxima(fixed, *sides, phi=phi), curves.maxima(fixed, *sides)
    assert coarse.ergotropy_max.dims == ("dm", "axial")
    for name in ("ergotropy", "power", "l1"):
        assert np.all(np.isin(coarse[f"{name}_max_phi"], phi))
        assert np.all(coarse[f"{name}_max"] <= true[f"{name}_max"] + 1e-12)
    assert np.any(coarse.ergotropy_max < true.ergotropy_max - 1e-3)
