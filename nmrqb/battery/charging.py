"""Charging by a collective pulse: energy, power and coherence over the whole pulse at the price of a few products.

The pulse of the paper's eqs. (21)-(22) turns every spin by theta = 2 phi, phi = Omega t. The state is split once into
coherence orders about the pulse axis; each time then costs a few multiplications (derived here, see
nmrqb.battery.coherence_orders). A unitary leaves the passive energy of the state alone, so that
ergotropy = stored energy + ergotropy of the state at phi = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.battery.coherence_orders import (
    Frame,
    basis,
    differentiate,
    element_polynomials,
    energy_polynomial,
    frame,
)
from nmrqb.battery.peaks import Derivatives, grid_maxima, refined_maxima
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from nmrqb.checks import ComplexArray, FloatArray

#: Phase of the axis F_x cos(phase) + F_y sin(phase), rad.
AXIS_PHASE = {"x": 0.0, "y": np.pi / 2, "-x": np.pi, "-y": -np.pi / 2}

#: Numbers in one block of curves: small enough to stay in a core's second-level cache.
_BLOCK = 1 << 16


@dataclass(frozen=True)
class ChargingCurve:
    """What a charging pulse does at each phi = Omega t, shape (..., T); energies in the unit of H.

    `power` is P/Omega = d(stored energy)/d(phi); `l1` is the l1 norm of coherence in the computational basis.
    """

    phi: FloatArray
    stored_energy: FloatArray
    ergotropy: FloatArray
    power: FloatArray
    l1: FloatArray


@dataclass(frozen=True)
class ChargingMaxima:
    """Largest values over the charging time, shape (...), and the earliest phi = Omega t at which each is reached.

    `phi_energy` serves stored energy and ergotropy alike, which differ by a constant. Powers are per Omega.
    """

    stored_energy: FloatArray
    ergotropy: FloatArray
    phi_energy: FloatArray
    power: FloatArray
    phi_power: FloatArray
    l1: FloatArray
    phi_l1: FloatArray


def charge(
    H: ArrayLike, rho0: ArrayLike, phi: ArrayLike, axis: str | float = "x", *, passive: bool = False, check: bool = True
) -> ChargingCurve:
    """Stored energy, ergotropy, power and l1 coherence while a collective pulse turns rho0 by theta = 2 phi.

    H, rho0: (..., d, d), d = 2^N, Hermitian, leading axes broadcast; rho0 may be a deviation from the identity.
    phi = Omega t: (T,) or a number, rad. axis: "x", "y", "-x", "-y" or the phase of the axis in rad. passive: the
    caller's word that rho0 is passive (a Gibbs or ground state), which saves two diagonalisations. Arrays (..., T).
    Eqs. (21)-(25) and (29) of the paper for any H and rho0. Raises ArgumentError; `check=False` takes H and rho0 as
    they are.
    """
    H, rho0, axes = _checked(H, rho0, axis, check)
    times = checks.real("phi", phi)
    if times.ndim > 1:
        raise ArgumentError("phi", f"of shape {times.shape}", "be a number or have shape (T,)")
    theta = 2 * times.reshape(-1)
    energy = energy_polynomial(H, rho0, axes)
    power = 2 * differentiate(energy) @ basis(axes.n, theta).T
    stored = energy @ (basis(axes.n, theta) - basis(axes.n, np.zeros(1))).T
    states = rho0.reshape(-1, *rho0.shape[-2:])
    l1 = np.empty((len(states), theta.size))
    for block, values, _ in _l1_blocks(states, theta, axes):
        l1[block] = values
    l1 = np.broadcast_to(l1.reshape(*rho0.shape[:-2], theta.size), stored.shape)
    ergotropy = stored + _initial_ergotropy(H, rho0, passive)[..., None]
    shape = stored.shape[:-1] + times.shape
    return ChargingCurve(times, *(a.reshape(shape) for a in (stored, ergotropy, power, l1)))


def charging_maxima(
    H: ArrayLike,
    rho0: ArrayLike,
    axis: str | float = "x",
    phi: ArrayLike | None = None,
    *,
    refine: bool = True,
    passive: bool = False,
    check: bool = True,
) -> ChargingMaxima:
    """Maxima over the charging time of stored energy, ergotropy, power and l1 coherence, and when they are reached.

    H, rho0, axis, passive, check as in `charge`. phi: the times searched, (T,) ascending, T >= 2; by default 32 N + 1 points
    over one period, 0 to pi. With refine the peaks between the first and the last time are polished by Newton's method
    on exact derivatives (values to rounding, times to about 1e-8 or better); without, the grid's own maxima are
    returned. Memory does not grow with T times the number of leading elements. Shapes (...). Raises ArgumentError.
    """
    H, rho0, axes = _checked(H, rho0, axis, check)
    theta = 2 * (np.linspace(0, np.pi, 32 * axes.n + 1) if phi is None else _ascending(phi))
    energy = energy_polynomial(H, rho0, axes)
    shape, flat = energy.shape[:-1], energy.reshape(-1, energy.shape[-1])
    top, at_top = _polynomial_maxima(flat, theta, refine)
    steepest, at_steepest = _polynomial_maxima(2 * differentiate(flat), theta, refine)
    l1, at_l1 = _l1_maxima(rho0.reshape(-1, *rho0.shape[-2:]), theta, axes, refine)
    l1, at_l1 = (np.broadcast_to(a.reshape(rho0.shape[:-2]), shape) for a in (l1, at_l1))
    stored = (top - flat @ basis(axes.n, np.zeros(1))[0]).reshape(shape)
    return ChargingMaxima(
        stored_energy=stored,
        ergotropy=stored + _initial_ergotropy(H, rho0, passive),
        phi_energy=at_top.reshape(shape) / 2,
        power=steepest.reshape(shape),
        phi_power=at_steepest.reshape(shape) / 2,
        l1=l1,
        phi_l1=at_l1 / 2,
    )


def _checked(H: ArrayLike, rho0: ArrayLike, axis: str | float, check: bool) -> tuple[ComplexArray, ComplexArray, Frame]:
    if check:
        H, rho0 = checks.hermitian("H", H), checks.hermitian("rho0", rho0)
        checks.same_dimension("rho0", rho0, "H", H)
    energies, states = np.asarray(H, dtype=complex), np.asarray(rho0, dtype=complex)
    return energies, states, frame(number_of_spins(energies.shape[-1]), axis_phase(axis))


def axis_phase(axis: str | float) -> float:
    """The phase in rad of an axis "x", "y", "-x", "-y", or of an angle given as one. Raises ArgumentError."""
    if isinstance(axis, str):
        if axis not in AXIS_PHASE:
            raise ArgumentError("axis", repr(axis), f"be one of {', '.join(AXIS_PHASE)} or an angle in rad")
        return AXIS_PHASE[axis]
    return float(checks.real("axis", axis))


def _ascending(phi: ArrayLike) -> FloatArray:
    times = checks.real("phi", phi)
    if times.ndim != 1 or times.size < 2:
        raise ArgumentError("phi", f"of shape {times.shape}", "have shape (T,) with T >= 2")
    steps = np.diff(times)
    if np.any(steps <= 0):
        raise ArgumentError("phi", f"one with a step of {steps.min():g}", "be strictly ascending")
    return times


def _initial_ergotropy(H: ComplexArray, rho0: ComplexArray, passive: bool) -> FloatArray:
    if passive:
        return np.zeros(np.broadcast_shapes(H.shape[:-2], rho0.shape[:-2]))
    levels, weights = np.linalg.eigvalsh(H), np.linalg.eigvalsh(rho0)[..., ::-1]
    mean = np.einsum("...ij,...ji->...", rho0, H).real
    return mean - np.sum(levels * weights, axis=-1)


def _polynomial_maxima(coefficients: FloatArray, theta: FloatArray, refine: bool) -> tuple[FloatArray, FloatArray]:
    """Maxima (B,) of polynomials (B, 2n + 1) between the first and the last theta, and where they lie."""
    n = coefficients.shape[-1] // 2
    table = np.ascontiguousarray(basis(n, theta).T)
    first, second = differentiate(coefficients), differentiate(differentiate(coefficients))
    best, where = np.empty(len(coefficients)), np.empty(len(coefficients))
    for block in _blocks(len(coefficients), theta.size):
        values, size = coefficients[block] @ table, np.sum(np.abs(coefficients[block, 1:]), axis=-1)
        if not refine:
            best[block], where[block] = grid_maxima(values, theta, size)
            continue
        bound = np.sum(np.abs(second[block]), axis=-1)
        slopes = _polynomial_derivatives(coefficients[block], first[block], second[block])
        best[block], where[block] = refined_maxima(values, theta, size, bound, slopes)
    return best, where


def _polynomial_derivatives(*orders: FloatArray) -> Derivatives:
    def derivatives(rows: NDArray[np.intp], t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        at = basis(orders[0].shape[-1] // 2, t)
        value, slope, curvature = (np.einsum("bk,bk->b", c[rows], at) for c in orders)
        return value, slope, curvature

    return derivatives


def _l1_maxima(states: ComplexArray, theta: FloatArray, axes: Frame, refine: bool) -> tuple[FloatArray, FloatArray]:
    best, where = np.empty(len(states)), np.empty(len(states))
    for block, values, elements in _l1_blocks(states, theta, axes):
        if not refine:
            best[block], where[block] = grid_maxima(values, theta, np.ones(len(values)))
            continue
        bound = 4 * np.sum(np.abs(differentiate(differentiate(elements))), axis=(1, 2, 3))
        slopes = _l1_derivatives(elements)
        best[block], where[block] = refined_maxima(values, theta, np.ones(len(values)), bound, slopes)
    return best, where


def _l1_derivatives(elements: FloatArray) -> Derivatives:
    """l1 = 2 sum |z| with its first two derivatives; |z|' = Re(z* z')/|z|, and a kink (z = 0) has slope 0."""
    orders = [elements, differentiate(elements), differentiate(differentiate(elements))]
    n = elements.shape[-1] // 2

    def derivatives(rows: NDArray[np.intp], t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        at = basis(n, t)
        z, dz, ddz = (np.einsum("bcpk,bk->cbp", c[rows], at) for c in orders)
        size = np.hypot(z[0], z[1])
        unit = np.divide(z, size, out=np.zeros_like(z), where=size > 0)
        along = np.sum(unit * dz, axis=0)
        across = unit[0] * dz[1] - unit[1] * dz[0]
        bend = np.divide(across**2, size, out=np.zeros_like(size), where=size > 0)
        curvature = np.sum(unit * ddz, axis=0) + bend
        value, slope, curve = (2 * np.sum(a, axis=-1) for a in (size, along, curvature))
        return value, slope, curve

    return derivatives


def _l1_blocks(states: ComplexArray, theta: FloatArray, axes: Frame) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Blocks of the l1 norm (b, T) with the polynomials (b, 2, pairs, 2n + 1) behind them."""
    table = np.ascontiguousarray(basis(axes.n, theta).T)
    pairs = states.shape[-1] * (states.shape[-1] - 1) // 2
    for block in _blocks(len(states), 2 * pairs * theta.size):
        elements = element_polynomials(states[block], axes)
        # Real and imaginary parts outermost: every pass below then runs over contiguous memory.
        outer = np.ascontiguousarray(elements.transpose(1, 2, 0, 3))
        values = (outer.reshape(-1, outer.shape[-1]) @ table).reshape(*outer.shape[:-1], -1)
        np.multiply(values, values, out=values)
        modulus = np.add(values[0], values[1], out=values[0])
        yield block, 2 * np.sum(np.sqrt(modulus, out=modulus), axis=0), elements


def _blocks(members: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(width, 1))
    return (slice(k, min(k + step, members)) for k in range(0, members, step))
