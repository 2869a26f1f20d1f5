"""Beyond the paper: coherent and incoherent ergotropy, what l1 does and does not say, and the ground state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import metrics
from nmrqb.battery import Battery, closed_forms
from nmrqb.paper.claims import Entry, claim, largest, rising, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nmrqb.checks import FloatArray

SECTION = "Beyond: where the ergotropy comes from"
AXIAL = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0])


def entries() -> Iterator[Entry]:
    """The split at full charge and at maximum power, and two statements about |00> and l1."""
    yield _full_charge()
    yield _largest_power()
    yield _ground_state()
    yield _energy_without_coherence()


def split(battery: Battery, phi: float, axis: str = "x") -> tuple[FloatArray, FloatArray]:
    """Coherent and incoherent ergotropy of the Gibbs state (T = 1) charged by phi."""
    H = battery.hamiltonian()
    U = closed_forms.charging_unitary(phi, axis)
    rho = U @ closed_forms.gibbs_state(battery, 1.0) @ U.conj().T
    return metrics.coherent_ergotropy(rho, H), metrics.incoherent_ergotropy(rho, H)


def _full_charge() -> Entry:
    battery = Battery(axial=AXIAL, rhombic=0.5)
    coherent, incoherent = split(battery, np.pi / 4)
    share = incoherent / (coherent + incoherent)
    return claim(
        SECTION,
        "full charge of Fig. 5",
        "Incoherent ergotropy appears once l1 has saturated, from Delta = 3 on.",
        [("its share at full charge grows with Delta", share[-1] > share[0] + 1e-6)],
        f"coherent part at pi/4: {largest(coherent):.1g} at every Delta from 1 to 24; incoherent {show(incoherent)}",
        "At full charge the state is diagonal in the energy basis (an inversion of two levels), so all ergotropy is "
        "incoherent before and after saturation.",
        {"coherent": coherent, "incoherent": incoherent},
    )


def _largest_power() -> Entry:
    coherent, incoherent = split(Battery(axial=AXIAL, rhombic=0.5), np.pi / 8)
    share = coherent / (coherent + incoherent)
    limit = float(np.divide(*_limit()))
    return claim(
        SECTION,
        "largest power of Fig. 5",
        "Beyond the saturation of l1 the growth of xi is incoherent.",
        [("from Delta = 4 on the coherent part no longer grows", not rising(coherent[3:]))],
        f"coherent share at pi/8, Delta = {show(AXIAL)}: {show(share, 3)}, limit {limit:.3f}; coherent part {show(coherent)}",
        "xi grows because the level distance grows with Delta, in both parts; l1 in the computational basis is at most 3 "
        "and is not the coherence that the split refers to.",
        {"share": share, "coherent": coherent, "limit": limit},
    )


def _limit() -> tuple[float, float]:
    """Coherent part and whole at very large Delta, where the ground state alone is populated."""
    coherent, incoherent = split(Battery(axial=1e4, rhombic=0.5), np.pi / 8)
    return float(coherent), float(coherent + incoherent)


def _ground_state() -> Entry:
    battery = Battery(axial=1, rhombic=0.5, zeeman=np.array([0.0, 0.5, 2.0]))
    weight = np.abs(battery.eigenstates()[:, :, 0]) ** 2
    return claim(
        SECTION,
        "uncharged state",
        "At zero temperature the uncharged battery is |00>.",
        [("|00> is the ground state at B = 0, .5 or 2", weight[:, 0].max() > 1 - 1e-9)],
        f"Delta = 1, eps = .5: weight of |00> in the ground state at B = 0, .5, 2: {show(weight[:, 0], 3)}; of |11>: {show(weight[:, 3], 3)}",
        "For B > 0 |11> lies lower.",
        {"of_00": weight[:, 0], "of_11": weight[:, 3]},
    )


def _energy_without_coherence() -> Entry:
    """The Conclusion's ergotropy without coherence, on the diagonal of Fig. 10's third column."""
    diagonal = Battery(axial=np.array([1.0, 2.0, 4.0]), rhombic=np.array([1.0, 2.0, 4.0]))
    l1 = closed_forms.charging_l1(diagonal, 1.0, np.pi / 4)
    xi = closed_forms.ergotropy(diagonal, 1.0, np.pi / 4)
    peak = closed_forms.charging_l1_max(diagonal, 1.0).l1
    return claim(
        SECTION,
        "Conclusion",
        "Ergotropy can be present without coherence.",
        [
            ("at the moment of full charge (Delta = eps = 4, X): l1 below 1 % of xi", l1[2] < 0.01 * xi[2]),
            ("at all times of the charge", peak[2] < 0.01 * xi[2]),
        ],
        f"Delta = eps = 1, 2, 4, X charging: l1 at pi/4 {show(l1)}, xi there {show(xi)}, but largest l1 on the way "
        f"{show(peak)}",
        "No state is charged without passing through coherence.",
        {"l1": l1, "xi": xi, "peak": peak},
    )
