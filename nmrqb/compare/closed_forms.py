"""The paper's closed forms under the data of a run, where its state is the Gibbs state of the battery and its pulse the charge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from nmrqb import files
from nmrqb.battery import closed_forms
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.compare.agreement import metric_names
from nmrqb.nmr import Sample

if TYPE_CHECKING:
    from nmrqb.battery.model import Battery

#: Largest element by which a state may differ from the one that a closed form speaks of, relative to its deviation.
_SAME = 1e-8
#: Temperature, in units of the levels, from which the high-temperature limit is extrapolated (error 1/T^2).
_HOT = 1e4


@dataclass(frozen=True)
class ClosedForm:
    """Charging of the Gibbs state by a pulse along `axis`, of flip angle theta = 2 Omega t.

    temperature: in the battery's unit; inf where the state is the linear one (1 - beta H)/4, whose metrics are beta times
    the limit of T times the closed form. per: what results are divided by. note: what the curves are, in words.
    """

    battery: Battery
    axis: str
    temperature: float
    beta: float
    per: float
    parameter: str

    @property
    def note(self) -> str:
        """Which equations these are."""
        state = f"Gibbs state at T = {self.temperature:.3g}" if np.isfinite(self.temperature) else "linear Gibbs state"
        return f"closed form: the paper's eq. (25), D2 corrected, and l1 of eq. (29), {state} charged along {self.axis}"

    def at(self, theta: FloatArray) -> dict[str, FloatArray]:
        """Ergotropy, stored energy (its equal) and l1 coherence (...) at flip angles in rad."""
        xi = self._scaled(closed_forms.ergotropy, theta)
        return {"ergotropy": xi, "stored_energy": xi, "l1_coherence": self._scaled(closed_forms.charging_l1, theta)}

    def _scaled(self, form: object, theta: FloatArray) -> FloatArray:
        phi = np.asarray(theta) / 2
        if np.isfinite(self.temperature):
            return np.asarray(form(self.battery, self.temperature, phi, self.axis)) / self.per  # type: ignore[operator]
        hot = _HOT * float(np.max(np.abs(self.battery.energies())))
        first, second = (T * np.asarray(form(self.battery, T, phi, self.axis)) for T in (hot, 2 * hot))  # type: ignore[operator]
        return (2 * second - first) * self.beta / self.per


def closed_form(dataset: xr.Dataset) -> ClosedForm | None:
    """The closed form that holds for the theory of a run of `Experiment`; None where none does.

    One does where one flip angle alone is swept, the state before the charge is the Gibbs state of the sample's battery
    (or, at high temperature, its linear part), and the state after it is that one turned about x or y by the angle.
    """
    axes = [str(d) for d in dataset[metric_names(dataset)[0]].dims if d != "source"]
    if len(axes) != 1 or dataset[axes[0]].attrs.get("units") != "rad" or "theory" not in dataset.source.values:
        return None
    if not {"sample_toml", "reference", "charged", "divided_by"} <= set(dataset.attrs) or "rho_real" not in dataset:
        return None
    try:
        battery = Sample.parse(files.document(dataset.attrs["sample_toml"], "sample.toml"), "sample").battery()
    except ValueError:
        return None
    theta = dataset[axes[0]].values
    before, after = (_states(dataset, axes[0], dataset.attrs[name]) for name in ("reference", "charged"))
    known = np.all(np.isfinite(before), axis=(-2, -1)) & np.all(np.isfinite(after), axis=(-2, -1))
    if not known.any():
        return None
    start, size = before[known][0], float(np.max(np.abs(before[known][0] - np.eye(4) / 4)))
    if np.max(np.abs(before[known] - start)) > _SAME * size:
        return None
    thermal = _thermal(start, battery.hamiltonian(), _SAME * size)
    if thermal is None:
        return None
    for axis in ("x", "y"):
        U = closed_forms.charging_unitary(theta[known] / 2, axis)
        if np.max(np.abs(U @ start @ np.conj(np.swapaxes(U, -1, -2)) - after[known])) <= _SAME * size:
            return ClosedForm(battery, axis, *thermal, float(dataset.attrs["divided_by"]), axes[0])
    return None


def _states(dataset: xr.Dataset, axis: str, mark: str) -> ComplexArray:
    one = dataset.sel(source="theory", mark=mark).transpose(axis, "row", "column", ...)
    found: ComplexArray = one.rho_real.values + 1j * one.rho_imag.values
    return found


def _thermal(rho: ComplexArray, H: ComplexArray, tolerance: float) -> tuple[float, float] | None:
    """(inf, beta) for (1 - beta H)/4, (T, 1/T) for the Gibbs state at T, None for neither, or for a warmer state above."""
    beta = -4 * np.trace(rho @ H).real / np.trace(H @ H).real
    if beta <= 0:
        return None
    if np.max(np.abs(rho - (np.eye(4) - beta * H) / 4)) <= tolerance:
        return np.inf, float(beta)
    energies, vectors = np.linalg.eigh(H)

    def weights(b: float) -> FloatArray:
        w = np.exp(-b * (energies - energies[0]))
        return w / w.sum()

    energy, largest = np.trace(rho @ H).real, 700 / float(np.ptp(energies))
    if not weights(largest) @ energies < energy < weights(0.0) @ energies:
        return None
    b = float(brentq(lambda x: weights(x) @ energies - energy, 0.0, largest, xtol=1e-14))
    gibbs = (vectors * weights(b)) @ vectors.conj().T
    return (1 / b, b) if np.max(np.abs(rho - gibbs)) <= tolerance else None
