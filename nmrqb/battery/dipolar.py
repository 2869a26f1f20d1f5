"""From geometry to couplings: the magnetic dipolar interaction of two spins (the paper's eqs. 1-3, in SI units).

Two tensors, never to be mixed up:

* the full tensor holds all of H/hbar = sigma_1^T T sigma_2: T = (k/4)(1 - 3 n n^T), k = mu0 g1 g2 hbar/(4 pi r^3);
* the secular tensor keeps what commutes with the total z magnetisation, T = (d/4) diag(-1, -1, 2), which is
  H_D = d (3 I1z I2z - I1.I2) with d = b (3 cos^2 theta - 1)/2, b = -k: what is left of it in a strong field.

Sign of the axial parameter. Eq. (3) has H = sigma_1^T P sigma_2 with P = diag(Delta - 3 eps, Delta + 3 eps, -2 Delta):
there Delta > 0 favours spins along z. Eq. (4), which is the battery, has -P/3, and that reverses it: Delta > 0 has its
ground state (|01> + |10>)/sqrt 2 (easy plane), Delta < 0 has |00> and |11> (easy axis). `hamiltonian_parameters` gives
the Delta and epsilon of eq. (4), `tensor_parameters` those of eq. (3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.constants import hbar, mu_0

from nmrqb.checks import positive, real
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_string

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import ComplexArray, FloatArray


class Anisotropy(NamedTuple):
    """Axial and rhombic parameter of a dipolar tensor, each (...), in the tensor's unit."""

    axial: FloatArray
    rhombic: FloatArray


def classical_energy(moment1: ArrayLike, moment2: ArrayLike, displacement: ArrayLike) -> FloatArray:
    """Energy in J of two magnetic moments (..., 3) in A m^2, `displacement` (..., 3) in m apart; shape (...).

    Eq. (1) with the SI factor mu0/(4 pi). Raises ArgumentError for other shapes or zero displacement.
    """
    m1, m2 = _vectors("moment1", moment1), _vectors("moment2", moment2)
    n, r = _direction("displacement", displacement)
    along = np.sum(m1 * n, axis=-1) * np.sum(m2 * n, axis=-1)
    return mu_0 / (4 * np.pi) * (np.sum(m1 * m2, axis=-1) - 3 * along) / r**3


def dipolar_constant(gamma1: ArrayLike, gamma2: ArrayLike, distance: ArrayLike) -> FloatArray:
    """The constant b = -mu0 gamma1 gamma2 hbar/(4 pi r^3) in rad/s; gamma in rad/(s T), r in m; shape (...).

    Negative for two protons: b/(2 pi) = -120.12 kHz at 1 angstrom. Raises ArgumentError unless r > 0.
    """
    r = positive("distance", distance)
    return -mu_0 * real("gamma1", gamma1) * real("gamma2", gamma2) * hbar / (4 * np.pi * r**3)


def secular_coupling(positions: ArrayLike, gammas: ArrayLike, field: ArrayLike = (0.0, 0.0, 1.0)) -> FloatArray:
    """The coupling d = b (3 cos^2 theta - 1)/2 in rad/s, of H_D = d (3 I1z I2z - I1.I2); shape (...).

    positions (..., 2, 3) in m, gammas (..., 2) in rad/(s T), field (..., 3) of any length: theta is its angle with the
    line between the spins. Like spins: for unlike ones only 2 d I1z I2z is secular. Raises ArgumentError.
    """
    b, n, z = _pair(positions, gammas, field)
    return b * (3 * np.sum(n * z, axis=-1) ** 2 - 1) / 2


def secular_tensor(positions: ArrayLike, gammas: ArrayLike, field: ArrayLike = (0.0, 0.0, 1.0)) -> FloatArray:
    """The secular dipolar tensor (d/4) diag(-1, -1, 2) in rad/s; shape (..., 3, 3). Arguments as `secular_coupling`."""
    d = secular_coupling(positions, gammas, field)
    return d[..., None, None] / 4 * np.diag([-1.0, -1.0, 2.0])


def full_tensor(positions: ArrayLike, gammas: ArrayLike, field: ArrayLike = (0.0, 0.0, 1.0)) -> FloatArray:
    """The full (non-secular) dipolar tensor of eqs. (2)-(3) in rad/s; shape (..., 3, 3).

    In axes with z along the field and x in the plane of field and spins (any x if they are parallel), so that xy and
    yz vanish. Its xz element flips one spin: eq. (4) has no such term, so a tilted pair has no
    `Battery` unless that element is dropped (`secular_tensor`). Arguments as `secular_coupling`.
    """
    b, n, z = _pair(positions, gammas, field)
    cos = np.sum(n * z, axis=-1)
    sin = np.linalg.norm(np.cross(z, n), axis=-1)
    inside = np.stack([sin, np.zeros_like(sin), cos], axis=-1)
    return -b[..., None, None] / 4 * (np.eye(3) - 3 * inside[..., :, None] * inside[..., None, :])


def tensor_hamiltonian(tensor: ArrayLike) -> ComplexArray:
    """sigma_1^T T sigma_2 of eq. (3) for a tensor (..., 3, 3); shape (..., 4, 4), in the tensor's unit."""
    T = _tensor(tensor)
    basis = np.stack([[pauli_string(a + b) for b in "XYZ"] for a in "XYZ"])
    return np.einsum("...ab,abij->...ij", T, basis)


def hamiltonian_parameters(tensor: ArrayLike) -> Anisotropy:
    """Delta and epsilon of the battery, eq. (4), for H = sigma_1^T T sigma_2: Delta = 3 T_zz/2, eps = (T_xx - T_yy)/2.

    For a secular pair Delta = 3d/4 and epsilon = 0. T (..., 3, 3) traceless with T_xz = T_yz = T_xy = 0.
    Raises ArgumentError for a tensor that eq. (4) cannot hold with Delta and epsilon alone.
    """
    T = _diagonal_traceless(tensor)
    return Anisotropy(1.5 * T[..., 2, 2], (T[..., 0, 0] - T[..., 1, 1]) / 2)


def tensor_parameters(tensor: ArrayLike) -> Anisotropy:
    """Delta and epsilon of eq. (3), P = diag(Delta - 3 eps, Delta + 3 eps, -2 Delta), for P = T.

    They are -1/3 of those of eq. (4). Raises ArgumentError as `hamiltonian_parameters`.
    """
    T = _diagonal_traceless(tensor)
    return Anisotropy(-T[..., 2, 2] / 2, (T[..., 1, 1] - T[..., 0, 0]) / 6)


def _pair(positions: ArrayLike, gammas: ArrayLike, field: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The constant b (...), and unit vectors along the pair and the field (..., 3)."""
    places, ratios = real("positions", positions), real("gammas", gammas)
    if places.ndim < 2 or places.shape[-2:] != (2, 3):
        raise ArgumentError("positions", f"of shape {places.shape}", "have shape (..., 2, 3)")
    if ratios.ndim < 1 or ratios.shape[-1] != 2:
        raise ArgumentError("gammas", f"of shape {ratios.shape}", "have shape (..., 2)")
    n, r = _direction("positions", places[..., 1, :] - places[..., 0, :])
    z, _ = _direction("field", field)
    b = dipolar_constant(ratios[..., 0], ratios[..., 1], r)
    n, z = np.broadcast_arrays(n, z)
    return np.broadcast_to(b, np.broadcast_shapes(b.shape, n.shape[:-1])), n, z


def _direction(name: str, vector: ArrayLike) -> tuple[FloatArray, FloatArray]:
    v = _vectors(name, vector)
    length = np.linalg.norm(v, axis=-1)
    if np.any(length == 0):
        raise ArgumentError(name, "of length 0", "be a vector (or distance) of non-zero length")
    return v / length[..., None], length


def _vectors(name: str, value: ArrayLike) -> FloatArray:
    v = real(name, value)
    if v.ndim < 1 or v.shape[-1] != 3:
        raise ArgumentError(name, f"of shape {v.shape}", "have shape (..., 3)")
    return v


def _tensor(tensor: ArrayLike) -> FloatArray:
    T = real("tensor", tensor)
    if T.ndim < 2 or T.shape[-2:] != (3, 3):
        raise ArgumentError("tensor", f"of shape {T.shape}", "have shape (..., 3, 3)")
    return T


def _diagonal_traceless(tensor: ArrayLike) -> FloatArray:
    T = _tensor(tensor)
    scale = max(float(np.abs(T).max(initial=0.0)), 1e-300)
    off = float(np.abs(T * (1 - np.eye(3))).max(initial=0.0))
    trace = float(np.abs(np.einsum("...ii->...", T)).max(initial=0.0))
    if off > 1e-9 * scale:
        raise ArgumentError("tensor", f"off by {off:.3g}", "be diagonal in these axes (take the secular tensor)")
    if trace > 1e-9 * scale:
        raise ArgumentError("tensor", f"of trace {trace:.3g}", "be traceless")
    return T
