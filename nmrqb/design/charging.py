"""Charging at the quantum limit: local and entangling drives of one norm against the unitary bound and the speed limit.

Every drive is u(t) (A cos(phase) + B sin(phase)) with |u| <= Omega and A = X1 + X2 (B = Y1 + Y2), local, or
A = XX - YY (B = XY + YX), double quantum: both have the spectrum 2, 0, 0, -2, so equal amplitude is equal norm. Where both
act together each has half the amplitude. The battery's own Hamiltonian stays on throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nmrqb import checks
from nmrqb.battery import Battery, charging_maxima
from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.design import starts
from nmrqb.design.controls import Channel, System
from nmrqb.design.objectives import Ergotropy
from nmrqb.design.search import optimise
from nmrqb.errors import ArgumentError
from nmrqb.metrics import ergotropy, fidelity
from nmrqb.spin.operators import pauli_string

if TYPE_CHECKING:
    import xarray as xr

LOCAL = (pauli_string("XI") + pauli_string("IX"), pauli_string("YI") + pauli_string("IY"))
DOUBLE_QUANTUM = (pauli_string("XX") - pauli_string("YY"), pauli_string("XY") + pauli_string("YX"))
#: Drives of one constant phase; DQ takes the best of 24 phases.
CONSTANT = ("X", "Y", "DQ")
#: Drives whose amplitude and phase are optimised for a duration.
OPTIMISED = ("local", "DQ", "local + DQ")
_PHASES = 24


@dataclass(frozen=True, eq=False)
class _Drive:
    """One kind of drive on one battery: its system and its slices."""

    system: System
    objective: Ergotropy
    slices: int


def compare_charging(
    battery: Battery,
    temperature: float,
    omega: float,
    durations: ArrayLike,
    *,
    slices: int = 60,
    points: int = 400,
    iterations: int = 150,
    seeds: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Drives of norm 2 omega on a Gibbs state: constant ones along time, optimised ones at every duration (T,).

    Energies in the battery's unit, times in its inverse. Variables on (drive, duration) for OPTIMISED, on (constant, time)
    with the prefix `constant_` for CONSTANT, and with `composite_` for BB1 of the flip angle that is best for X with H off:
    ergotropy, power (ergotropy over time: the start is passive), angle (Bures, between first and last state) and length
    (of the path, the integral of sqrt(Fisher information)/2). angle/length is 1 on a geodesic, and length is at most the
    integral of the energy's standard deviation (Mandelstam and Tamm). limit: largest ergotropy of any unitary. x_limit:
    that of the X pulse with H off. least_time: the Bures angle from the start to the fully charged state over half the
    spectral width of battery plus that of the drive, which no drive of this norm can beat. Optimised drives take the best
    of `seeds` random starts, of X and Y (or DQ of two phases), and of the pulse one duration shorter followed by rest: a
    local optimum, so a lower bound of what is possible. Raises ArgumentError.
    """
    times = checks.positive("durations", durations)
    if times.ndim != 1 or np.any(np.diff(times) <= 0):
        raise ArgumentError("durations", f"of shape {times.shape}", "be (T,), ascending")
    rate = float(checks.positive("omega", omega))
    H, rho0 = battery.hamiltonian(), battery.gibbs_state(temperature)
    objective = Ergotropy(rho0, H)
    pulses: dict[str, list[ComplexArray]] = {name: [] for name in OPTIMISED}
    for k, duration in enumerate(times.tolist()):
        for number, (name, made) in enumerate(pulses.items()):
            drive = _Drive(_system(H, name, rate), objective, slices)
            before = _stretched(made[-1], float(times[k - 1]) / duration) if k else None
            made.append(_optimised(drive, duration, iterations, seeds, before))
            if progress is not None:
                progress(k * len(pulses) + number + 1, times.size * len(pulses))
    return _dataset(pulses, times, objective, rate, points)


def _system(H: ComplexArray, name: str, omega: float) -> System:
    both = "+" in name
    parts = [("local", LOCAL)] if "DQ" not in name or both else []
    parts += [("DQ", DOUBLE_QUANTUM)] if "DQ" in name else []
    channels = tuple(Channel(label, x, y, omega / len(parts)) for label, (x, y) in parts)
    return System(H[None], channels, np.ones(1), np.ones(1))


def _optimised(
    drive: _Drive, duration: float, iterations: int, seeds: int, before: ComplexArray | None
) -> ComplexArray:
    """The best envelope found, (S, C), as shares of each channel's limit."""
    still = np.ones((drive.slices, len(drive.system.channels)), dtype=complex)
    tried: list[ComplexArray] = [still, 1j * still]
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        tried.append(np.stack([starts.random(drive.slices, rng) for _ in range(still.shape[1])], axis=-1))
    if before is not None:
        tried.append(before)
    found = [
        optimise(
            drive.system,
            drive.objective,
            duration=duration,
            slices=drive.slices,
            start=w,
            seed=k,
            iterations=iterations,
        )
        for k, w in enumerate(tried)
    ]
    return max(found, key=lambda pulse: pulse.value).w


def _stretched(w: ComplexArray, share: float) -> ComplexArray:
    """A pulse in the first `share` of the time, then nothing."""
    edges = np.concatenate([np.zeros((1, w.shape[1])), np.cumsum(w, axis=0)]) / len(w)
    at = np.minimum(np.linspace(0, 1, len(w) + 1) / share, 1.0)
    own = np.linspace(0, 1, len(w) + 1)
    area = np.stack([np.interp(at, own, c.real) + 1j * np.interp(at, own, c.imag) for c in edges.T], axis=-1)
    return np.asarray(np.diff(area, axis=0) * len(w) * share)


@dataclass(frozen=True, eq=False)
class _Path:
    """What happens along a pulse, at the edges of its slices (S + 1,)."""

    ergotropy: FloatArray
    angle: FloatArray
    length: FloatArray

    @classmethod
    def of(cls, system: System, objective: Ergotropy, w: ComplexArray, duration: float) -> _Path:
        H = np.broadcast_to(system.drift[0], (len(w), *system.drift.shape[1:])).copy()
        for channel, column in zip(system.channels, w.T, strict=True):
            u = channel.limit * column[:, None, None]
            H += u.real * channel.x + u.imag * channel.y
        levels, V = np.linalg.eigh(H)
        steps = (V * np.exp(-1j * duration / len(w) * levels)[:, None, :]) @ np.conj(np.swapaxes(V, 1, 2))
        states = [objective.rho0]
        for U in steps:
            states.append(U @ states[-1] @ U.conj().T)
        rho = np.stack(states)
        # along one slice the Fisher information is constant
        pieces = fisher_speed(rho[:-1], H) * duration / len(w)
        return cls(ergotropy(rho, objective.H), bures_angle(rho[0], rho), np.concatenate([[0.0], np.cumsum(pieces)]))


def bures_angle(rho: ComplexArray, sigma: ComplexArray) -> FloatArray:
    """Arccos of the root of the fidelity of density matrices (..., d, d), rad; shape (...)."""
    return np.asarray(np.arccos(np.sqrt(np.clip(fidelity(rho, sigma), 0, 1))))


def fisher_speed(rho: ComplexArray, H: ComplexArray) -> FloatArray:
    """sqrt(F_Q)/2 of exp(-i H t) on states (..., d, d): the speed in Bures angle, at most the standard deviation of H.

    F_Q = 2 sum_jk (r_j - r_k)^2/(r_j + r_k) |<j|H|k>|^2 (Braunstein and Caves, Phys. Rev. Lett. 72, 3439 (1994)).
    """
    r, V = np.linalg.eigh(rho)
    inside = np.abs(np.conj(np.swapaxes(V, -1, -2)) @ H @ V) ** 2
    total = r[..., :, None] + r[..., None, :]
    part = np.divide((r[..., :, None] - r[..., None, :]) ** 2, total, out=np.zeros_like(total), where=total > 1e-14)
    return np.asarray(np.sqrt(2 * np.sum(part * inside, axis=(-2, -1))) / 2)


def least_time(objective: Ergotropy, omega: float) -> float:
    """Speed limit of a full charge with H on and drives of norm 2 omega."""
    r, V = np.linalg.eigh(objective.H)
    charged = (V * np.linalg.eigvalsh(objective.rho0)) @ V.conj().T
    return float(bures_angle(objective.rho0, charged) / ((r[-1] - r[0]) / 2 + 2 * omega))


def _along(objective: Ergotropy, omega: float, longest: float, points: int) -> dict[str, _Path]:
    """The paths of CONSTANT drives."""
    H, still = objective.H, np.ones((points, 1), dtype=complex)
    made = {
        "X": _Path.of(_system(H, "local", omega), objective, still, longest),
        "Y": _Path.of(_system(H, "local", omega), objective, 1j * still, longest),
    }
    turns = np.exp(2j * np.pi * np.arange(_PHASES) / _PHASES)
    tried = [_Path.of(_system(H, "DQ", omega), objective, turn * still, longest) for turn in turns]
    made["DQ"] = max(tried, key=lambda path: float(path.ergotropy.max()))
    return made


def _dataset(
    pulses: dict[str, list[ComplexArray]], times: FloatArray, objective: Ergotropy, omega: float, points: int
) -> xr.Dataset:
    import xarray as xr

    H, energy = objective.H, "coupling unit"
    best = charging_maxima(H, objective.rho0, passive=True)
    # BB1 at full amplitude: its flip angle, and two full turns
    composite = float(2 * best.phi_energy + 4 * np.pi) / (2 * omega)
    wave = starts.bb1(float(2 * best.phi_energy), composite, points, 2 * omega)[:, None]
    meaning = {
        "ergotropy": {"long_name": "ergotropy", "units": energy},
        "power": {"long_name": "average charging power", "units": f"{energy}^2"},
        "angle": {"long_name": "Bures angle between first and last state", "units": "rad"},
        "length": {"long_name": "length of the path in Bures angle", "units": "rad"},
    }
    time = np.linspace(0, times[-1], points + 1)[1:]
    data: dict[str, Any] = {
        "limit": ((), objective.bound, {"long_name": "largest ergotropy of any unitary", "units": energy}),
        "x_limit": ((), float(best.ergotropy), {"long_name": "largest ergotropy of X with H off", "units": energy}),
        "least_time": ((), least_time(objective, omega), {"long_name": "speed limit of a full charge", "units": "1"}),
        "composite_time": ((), composite, {"long_name": "length of BB1", "units": f"1 / {energy}"}),
    }
    ends = [
        [_Path.of(_system(H, name, omega), objective, w, T) for w, T in zip(made, times.tolist(), strict=True)]
        for name, made in pulses.items()
    ]
    constant = list(_along(objective, omega, float(times[-1]), points).values())
    other = _Path.of(_system(H, "local", omega), objective, wave, composite)
    for name in ("ergotropy", "angle", "length"):
        data[name] = (("drive", "duration"), [[getattr(p, name)[-1] for p in row] for row in ends], meaning[name])
        data[f"constant_{name}"] = (("constant", "time"), [getattr(p, name)[1:] for p in constant], meaning[name])
        data[f"composite_{name}"] = ((), getattr(other, name)[-1], meaning[name])
    data["power"] = (("drive", "duration"), np.array(data["ergotropy"][1]) / times, meaning["power"])
    data["constant_power"] = (("constant", "time"), np.array(data["constant_ergotropy"][1]) / time, meaning["power"])
    data["composite_power"] = ((), data["composite_ergotropy"][1] / composite, meaning["power"])
    w = np.stack(pulses["local"])[..., 0]
    data["amplitude"] = (
        ("duration", "slice"),
        np.abs(w),
        {"long_name": "amplitude of the local pulse / limit", "units": "1"},
    )
    data["phase"] = (("duration", "slice"), np.angle(w), {"long_name": "phase of the local pulse", "units": "rad"})
    coords = {
        "drive": ("drive", list(pulses), {"long_name": "optimised drive"}),
        "constant": ("constant", list(CONSTANT), {"long_name": "drive of constant phase"}),
        "duration": ("duration", times, {"long_name": "charging time", "units": f"1 / {energy}"}),
        "time": ("time", time, {"long_name": "charging time", "units": f"1 / {energy}"}),
    }
    return xr.Dataset(data, coords, {"omega": omega})
