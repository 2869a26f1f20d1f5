"""Appendix D: the closed forms for capacity (D1) and ergotropy (D2), as transcribed, against definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm

from nmrqb.battery import Battery, closed_forms
from nmrqb.metrics import capacity, ergotropy
from nmrqb.paper.claims import Entry, claim, equation, hamiltonian_from_operators, largest, random_batteries, show
from nmrqb.spin.propagation import charging_unitary
from nmrqb.spin.states import gibbs_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from nmrqb.checks import FloatArray

SECTION = "Equations: appendix D"


def entries() -> Iterator[Entry]:
    """Two entries on (D1), four on (D2), one on (D3)."""
    battery, T = random_batteries()
    phi = np.random.default_rng(4).uniform(0, np.pi, size=T.shape)
    yield _capacity(battery, T)
    yield _capacity_bound(battery, T)
    yield _ergotropy(battery, T, phi)
    yield _ergotropy_without_dm(battery, T, phi)
    yield _identity(battery, T, phi)
    yield _single_frequency()
    yield _definitions(battery, T)


def _capacity(battery: Battery, T: FloatArray) -> Entry:
    H = hamiltonian_from_operators(battery)
    zeta = gibbs_state(H, T)
    printed = closed_forms.capacity_as_printed(battery, T)
    meant = capacity(H, kind="ground")
    found = np.real(H[..., 0, 0] - np.einsum("...ij,...ji->...", H, zeta))
    return equation(
        SECTION,
        "(D1)",
        "Q of eq. (27) in closed form.",
        largest(printed - meant),
        max(largest(printed - found), largest(closed_forms.capacity_paper(battery, T) - found)),
        "It is <00|H|00> - Tr[H zeta] instead, exactly. Of the senses of Q only this one fits all the text says of it.",
    )


def _capacity_bound(battery: Battery, T: FloatArray) -> Entry:
    plain = Battery(axial=-1.0), Battery(axial=1.0, rhombic=0.5, zeeman=-2.0)
    negative = [float(closed_forms.capacity_paper(plain[0], 1.0)), float(closed_forms.capacity_paper(plain[1], 5.0))]
    fig5 = Battery(axial=np.array([1.0, 12.0]), rhombic=0.5)
    xi, Q = closed_forms.ergotropy_max(fig5, 1.0), closed_forms.capacity_paper(fig5, 1.0)
    largest_xi = closed_forms.ergotropy_max(battery, T)
    broken = float(np.mean(largest_xi > closed_forms.capacity_paper(battery, T) + 1e-9))
    orbit = float(np.mean(largest_xi > closed_forms.capacity_orbit(battery, T) + 1e-9))
    return claim(
        SECTION,
        "(D1) as a capacity",
        "Q is the energy the battery can hold.",
        [
            ("it is never negative", min(negative) >= 0 and np.all(closed_forms.capacity_paper(battery, T) >= 0)),
            ("no ergotropy of Fig. 5 exceeds it", np.all(xi <= Q)),
            ("no ergotropy of a random battery exceeds it", broken == 0),
        ],
        f"Delta=-1, T=1: {negative[0]:.3f}; Delta=1, eps=.5, B=-2, T=5: {negative[1]:.2f}; Fig. 5, Delta=1 and 12: xi "
        f"{show(xi)} against Q {show(Q)}; exceeded in {broken:.0%} of random cases (unitary-orbit capacity: {orbit:.0%})",
        values={"negative": np.array(negative), "xi_fig5": xi, "Q_fig5": Q, "broken": broken, "orbit_broken": orbit},
    )


def _ergotropy(battery: Battery, T: FloatArray, phi: FloatArray) -> Entry:
    true = _defined(battery, T, phi, "x")
    off = largest(closed_forms.ergotropy_as_printed(battery, T, phi) - true)
    here = largest(closed_forms.ergotropy(battery, T, phi) - true)
    example = Battery(axial=1.0, rhombic=0.5, dm=np.array([0.0, 1.0]))
    printed = closed_forms.ergotropy_as_printed(example, 1.0, np.pi / 4)
    right = closed_forms.ergotropy(example, 1.0, np.pi / 4)
    return equation(
        SECTION,
        "(D2) as transcribed",
        "The ergotropy in closed form.",
        off,
        here,
        "xi = 4A sin^2(Omega t) + C sin^2(2 Omega t), A = [(B^2+G^2) sinh J/kappa2 + 3D^2 e sinh S/kappa1]/N, "
        "C = (Delta+eps)[e(cosh S + Delta sinh S/kappa1) - (cosh J - eps sinh J/kappa2)]/N.",
        f"Delta=T=1, eps=.5, Omega t=pi/4: D=0 printed {printed[0].real:.3f}, true {right[0]:.3f}; D=1 printed "
        f"{printed[1].real:.3f}{printed[1].imag:+.3f}i, true {right[1]:.3f}",
        {"printed_real": printed.real, "printed_imag": printed.imag, "true": right},
    )


def _defined(battery: Battery, T: ArrayLike, phi: ArrayLike, axis: str) -> FloatArray:
    """The ergotropy of U zeta U^dagger from its definition."""
    H = hamiltonian_from_operators(battery)
    U = charging_unitary(2, phi, axis)
    return ergotropy(U @ gibbs_state(H, T) @ np.conj(np.swapaxes(U, -1, -2)), H)


def _ergotropy_without_dm(battery: Battery, T: FloatArray, phi: FloatArray) -> Entry:
    plain = replace(battery, dm=0.0)
    printed = closed_forms.ergotropy_as_printed(plain, T, phi)
    off = {axis: largest(printed - _defined(plain, T, phi, axis)) for axis in "xy"}
    return claim(
        SECTION,
        "(D2) at D = 0",
        "It belongs to the x charging of eq. (21).",
        [("it is the ergotropy of x charging", off["x"] < 1e-9)],
        f"deviation from x charging {off['x']:.2g}, from y charging {off['y']:.1g}",
        "It is the ergotropy of charging along y, that is with eps -> -eps.",
        off,
    )


def _identity(battery: Battery, T: FloatArray, phi: FloatArray) -> Entry:
    """What (D2) computes: Tr[(Uy^dagger z Uy - z) H'] for an H' that is not Hermitian."""
    H = hamiltonian_from_operators(battery)
    element = -2 * np.asarray(battery.axial) / 3 + 2j * np.asarray(battery.dm)
    H[..., 1, 2] = H[..., 2, 1] = element
    z = expm(-H / T[:, None, None])
    z = z / np.einsum("...ii->...", z)[..., None, None]
    U = charging_unitary(2, phi, "y")
    means = np.einsum("...ij,...ji->...", np.conj(np.swapaxes(U, -1, -2)) @ z @ U - z, H)
    own = closed_forms.ergotropy_as_printed(battery, T, phi, partition="own")
    scale = np.maximum(np.abs(own), 1.0)
    imaginary = float(np.mean(np.abs(closed_forms.ergotropy_as_printed(battery, T, phi).imag) > 1e-9))
    return claim(
        SECTION,
        "(D2) at D != 0",
        "It is a real energy.",
        [("its imaginary part vanishes", imaginary == 0)],
        f"complex in {imaginary:.0%} of random cases; the identity below holds to {largest((own - means) / scale):.1g}",
        "It is Tr[(Uy^dagger z Uy - z) H'] for y charging and an H' that is not Hermitian: elements 23 and 32 are both "
        "-2 Delta/3 + 2iD, z = exp(-H'/T)/Tr exp(-H'/T).",
        {"complex": imaginary, "identity": largest((own - means) / scale)},
    )


def _single_frequency() -> Entry:
    """At B = G = 0 (D2) is a multiple of sin^2(2 phi), hence always full at pi/4; the true one is not."""
    battery = Battery(axial=1.0, rhombic=0.5, dm=np.array([0.0, 0.5, 1.0, 2.0]))
    angles = np.linspace(0.05, 1.5, 30)[:, None]
    shape = closed_forms.ergotropy_as_printed(battery, 1.0, angles) / np.sin(2 * angles) ** 2
    spread = largest(shape - shape[0])
    tau = closed_forms.full_charge_angle(battery, 1.0) / np.pi
    return claim(
        SECTION,
        "(D2) and Fig. 9",
        "It yields the slower charging with D that Fig. 9 shows.",
        [("its time of full charge depends on D", spread > 1e-9)],
        f"at B = G = 0 its departure from a multiple of sin^2(2 Omega t) is {spread:.1g}; true tau/pi {show(tau, 3)}",
        "(D2) as transcribed cannot have drawn Fig. 9.",
        {"spread": spread, "tau": tau},
    )


def _definitions(battery: Battery, T: FloatArray) -> Entry:
    levels = np.linalg.eigvalsh(hamiltonian_from_operators(battery))
    k1, k2 = battery.kappa1, battery.kappa2
    e = np.exp(4 * np.asarray(battery.axial) / (3 * T))
    Z = 2 * np.exp(-2 * np.asarray(battery.axial) / (3 * T)) * (np.cosh(2 * k2 / T) + e * np.cosh(2 * k1 / (3 * T)))
    true = np.exp(-levels / T[:, None]).sum(axis=-1)
    return equation(
        SECTION,
        "(D3)",
        "The abbreviations U, V, Q of (D1)-(D2).",
        largest(Z / true - 1),
        note="U1 and U2 do not occur in (D2), and Z is left undefined; taken as Tr exp(-H/T).",
    )
