"""Counts of Pauli settings as data: what was measured, how often, and with which readout errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb import checks
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.tomography.bayes import bayesian_mean
from nmrqb.tomography.grouping import checked_settings
from nmrqb.tomography.likelihood import maximum_likelihood
from nmrqb.tomography.measurement import MAX_SPINS, Measurement, pauli_measurement
from nmrqb.tomography.reconstruct import linear_inversion, nearest_state
from nmrqb.tomography.settings import Flips, confusion, pauli_settings

if TYPE_CHECKING:
    import xarray as xr

Estimator = Literal["linear", "nearest", "mle", "bayes"]
ESTIMATORS: tuple[Estimator, ...] = ("linear", "nearest", "mle", "bayes")

#: Which character of an outcome belongs to spin 0: the first, or the last, as Qiskit prints them.
BitOrder = Literal["spin-0-first", "qiskit"]
BIT_ORDERS: tuple[BitOrder, ...] = ("spin-0-first", "qiskit")

#: Larger counts are not exact in double precision.
MAX_COUNT = 2**53


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts values (..., S, 2^N) of S settings; leading axes are experiments of one kind, such as the points of a sweep.

    settings: one letter X, Y, Z for each spin, spin 0 leftmost; outcomes are numbered with spin 0 as the highest bit, 0
    being +1. readout: for each spin the chance of a flipped readout, or the two chances (0 read as 1, 1 read as 0).
    Raises ArgumentError, which names the setting, for counts that are no whole numbers of zero or more, for a setting
    without counts, and for shapes that do not fit.
    """

    settings: tuple[str, ...]
    values: NDArray[np.int64]
    readout: tuple[Flips, ...] = ()

    def __post_init__(self) -> None:
        names = checked_settings(self.settings)
        n = len(names[0])
        if n > MAX_SPINS:
            raise ArgumentError("settings", f"on {n} spins", f"be on at most {MAX_SPINS} spins")
        given = np.asarray(self.values)
        if given.shape[-2:] != (len(names), 2**n):
            raise ArgumentError("counts", f"of shape {given.shape}", f"have shape (..., {len(names)}, {2**n})")
        for k, name in enumerate(names):
            array = checks.non_negative(f"counts of {name}", given[..., k, :])
            if np.any(array != np.floor(array)) or np.any(array > MAX_COUNT):
                wrong = array[(array != np.floor(array)) | (array > MAX_COUNT)].flat[0]
                raise ArgumentError(f"counts of {name}", f"{wrong:g}", "be whole numbers, at most 2^53")
            if np.any(array.sum(axis=-1) == 0):
                raise ArgumentError(f"counts of {name}", "all zero", "hold at least one count")
        if len(self.readout) not in (0, n):
            raise ArgumentError("readout", f"of length {len(self.readout)}", f"hold one entry for each of {n} spins")
        confusion(self.readout)
        object.__setattr__(self, "settings", names)
        object.__setattr__(self, "values", given.astype(np.int64))

    @classmethod
    def from_dicts(
        cls,
        counts: Mapping[str, Mapping[str, int]],
        *,
        bit_order: BitOrder = "spin-0-first",
        readout: Sequence[Flips] = (),
    ) -> Counts:
        """Counts of one experiment from {"XY": {"00": 1021, ...}, ...}; outcomes that are left out were not seen.

        The letters of a setting always name spin 0 first. bit_order "qiskit" reads outcomes as Qiskit prints them, spin 0
        last. Raises ArgumentError naming the setting for an outcome that is not of its length in 0 and 1.
        """
        if bit_order not in BIT_ORDERS:
            raise ArgumentError("bit_order", repr(bit_order), f"be one of {', '.join(BIT_ORDERS)}")
        names = checked_settings(list(counts))
        n = len(names[0])
        values = np.zeros((len(names), 2**n), dtype=object)
        for k, name in enumerate(names):
            for outcome, number in counts[name].items():
                if len(outcome) != n or set(outcome) - set("01"):
                    raise ArgumentError(f"outcome of {name}", repr(outcome), f"be {n} characters 0 and 1")
                if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
                    raise ArgumentError(f"counts of {name}", repr(number), "be whole numbers")
                values[k, number_of(outcome, bit_order)] = int(number)
        return cls(names, values, tuple(readout))

    @property
    def spins(self) -> int:
        """N."""
        return len(self.settings[0])

    @property
    def shots(self) -> NDArray[np.int64]:
        """Shots of each setting, (..., S)."""
        return self.values.sum(axis=-1)

    @property
    def frequencies(self) -> FloatArray:
        """Relative frequencies (..., S, 2^N)."""
        return self.values / self.shots[..., None]

    @property
    def missing(self) -> tuple[str, ...]:
        """The settings that the state still needs, of all 3^N."""
        return tuple(setting for setting in pauli_settings(self.spins) if setting not in self.settings)

    @property
    def measurement(self) -> Measurement:
        """The map from states to outcome probabilities, readout errors included."""
        return pauli_measurement(self.settings, self.readout)

    def estimate(self, estimator: Estimator = "mle", *, seed: int | None = None) -> ComplexArray:
        """The state (..., d, d): "linear" inversion, the "nearest" density matrix to it, "mle", or the "bayes" mean.

        seed: of the samples behind the Bayesian mean. Raises ArgumentError for another name, and where settings are missing.
        """
        if estimator not in ESTIMATORS:
            raise ArgumentError("estimator", repr(estimator), f"be one of {', '.join(ESTIMATORS)}")
        if self.missing:
            raise ArgumentError("settings", f"without {', '.join(self.missing[:9])}", "determine the state")
        if estimator == "mle":
            return maximum_likelihood(self.values, self.measurement).rho
        if estimator == "bayes":
            return bayesian_mean(self.values, self.measurement, seed=seed)
        f = self.frequencies @ np.linalg.inv(confusion(self.readout)) if self.readout else self.frequencies
        rho = linear_inversion(f, self.settings, self.shots)
        return nearest_state(rho) if estimator == "nearest" else rho

    def resampled(self, replicas: int, *, state: ArrayLike | None = None, seed: int | None = None) -> Counts:
        """Counts as they might have come out, (replicas, ..., S, 2^N): drawn from the frequencies, or from a state (..., d, d).

        The first is the non-parametric bootstrap, the second the parametric one. Raises ArgumentError.
        """
        if not isinstance(replicas, (int, np.integer)) or isinstance(replicas, bool) or replicas < 1:
            raise ArgumentError("replicas", repr(replicas), "be a whole number, 1 or more")
        p = self.frequencies
        if state is not None:
            rho = checks.density_matrix("state", state, 2**self.spins)
            p = np.clip(self.measurement.probabilities(rho), 0, None)
            p = np.broadcast_to(p / p.sum(axis=-1, keepdims=True), self.values.shape)
        drawn = np.random.default_rng(seed).multinomial(self.shots, p, size=(int(replicas), *self.shots.shape))
        return replace(self, values=drawn)

    def to_dataset(self) -> xr.Dataset:
        """As an xarray Dataset: `counts` over setting and outcome, the outcomes written with spin 0 first."""
        import xarray as xr

        lead = [f"axis{k}" for k in range(self.values.ndim - 2)]
        about: dict[str, Any] = {"bit_order": "spin-0-first"}
        if self.readout:
            about["readout"] = np.array([np.broadcast_to(flips, 2) for flips in self.readout]).ravel()
        coords = {"setting": list(self.settings), "outcome": outcome_names(self.spins)}
        return xr.Dataset({"counts": ((*lead, "setting", "outcome"), self.values)}, coords=coords, attrs=about)


def number_of(outcome: str, bit_order: BitOrder) -> int:
    """The number of an outcome, spin 0 being the highest bit."""
    return int(outcome if bit_order == "spin-0-first" else outcome[::-1], 2)


def outcome_names(n: int) -> list[str]:
    """All outcomes of n spins in their order, spin 0 first."""
    return [format(k, f"0{n}b") for k in range(2**n)]
