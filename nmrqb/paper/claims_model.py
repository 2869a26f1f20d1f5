"""Equations (1)-(18): the Hamiltonian, its levels and the Gibbs state, checked against their definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.constants import mu_0

from nmrqb.battery import Battery, closed_forms, dipolar
from nmrqb.paper.claims import Entry, claim, equation, hamiltonian_from_operators, largest, random_batteries, show
from nmrqb.spin.states import gibbs_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nmrqb.checks import ComplexArray, FloatArray

SECTION = "Equations: model and Gibbs state"
_PLANE = np.array([0, 1, 1, 0]) / np.sqrt(2)


def entries() -> Iterator[Entry]:
    """One entry per equation or statement, in the paper's order."""
    yield _dipolar_tensor()
    yield _sign_of_axial()
    battery, T = random_batteries()
    H = hamiltonian_from_operators(battery)
    yield _hamiltonian(battery, H)
    yield _levels(battery, H)
    yield _eta(battery, H)
    yield _deltas(battery, H)
    yield _chis(battery, H)
    yield _weights(battery, H, T)
    yield from _elements(battery, gibbs_state(H, T), T)
    yield from _gibbs_eigenvalues(battery, T)
    yield from _gibbs_eigenvectors(battery, gibbs_state(H, T), T)


def _dipolar_tensor() -> Entry:
    rng = np.random.default_rng(1)
    moments = rng.normal(size=(2, 50, 3))
    r = rng.normal(size=(50, 3))
    n = r / np.linalg.norm(r, axis=-1, keepdims=True)
    P = np.eye(3) - 3 * n[:, :, None] * n[:, None, :]
    printed = np.einsum("ki,kij,kj->k", moments[0], P, moments[1]) / np.linalg.norm(r, axis=-1) ** 3
    reference = dipolar.classical_energy(moments[0], moments[1], r) * 4 * np.pi / mu_0  # Gaussian units
    trace = largest(np.einsum("kii->k", P))
    moment_ratio = 2 / 0.5  # printed 2 g mu_B sigma; a spin 1/2 has g mu_B sigma/2
    return equation(
        SECTION,
        "(1)-(3)",
        "The dipolar energy is a traceless tensor between the two moments.",
        max(largest(printed / reference - 1), trace),
        note=f"Gaussian units; the SI factor is mu0/4pi. The printed moment 2 g mu_B sigma is {moment_ratio:.0f} times that"
        " of a spin 1/2 (g mu_B sigma/2); harmless, because Delta and epsilon are free.",
        values={"moment_ratio": moment_ratio},
    )


def _sign_of_axial() -> Entry:
    plane = abs(np.vdot(_PLANE, Battery(axial=1.0).eigenstates()[:, 0])) ** 2
    axis = float((np.abs(Battery(axial=-1.0).eigenstates()[np.ix_([0, 3], [0, 1])]) ** 2).sum() / 2)
    of_eq3 = np.linalg.eigh(dipolar.tensor_hamiltonian(np.diag([1.0, 1.0, -2.0])))[1][:, :2]
    axis_eq3 = float((np.abs(of_eq3[[0, 3]]) ** 2).sum() / 2)
    return claim(
        SECTION,
        "text below (3)",
        "Delta > 0: spins along z; Delta < 0: spins in the xy plane.",
        [
            ("the battery of eq. (4) with Delta > 0 has its ground state along z", plane < 0.5),
            ("the battery of eq. (4) with Delta < 0 has its ground state in the plane", axis < 0.5),
        ],
        f"weight of the ground state of eq. (4): Delta > 0 {plane:.3f} on (|01>+|10>)/sqrt2, Delta < 0 {axis:.3f} on "
        f"|00>, |11>; of eq. (3), Delta > 0: {axis_eq3:.3f} on |00>, |11>",
        "Eq. (4) carries -P/3, so zz enters with +2 Delta/3: Delta > 0 is easy plane, Delta < 0 easy axis. The text fits eq. (3), whose sign is the opposite.",
        {"plane": float(plane), "axis": axis, "axis_eq3": axis_eq3},
    )


def _hamiltonian(battery: Battery, H: ComplexArray) -> Entry:
    return equation(
        SECTION,
        "(4)",
        "The battery's Hamiltonian from D, G, the dipolar tensor and B.",
        max(largest(H - battery.hamiltonian()), largest(np.einsum("...ii->...", H))),
        note="It is two decoupled pseudo-spins, on {|00>, |11>} and {|01>, |10>}.",
    )


def _levels(battery: Battery, H: ComplexArray) -> Entry:
    printed = closed_forms.energies(battery)
    ordered = float(np.mean(np.all(np.diff(printed, axis=-1) >= 0, axis=-1)))
    return equation(
        SECTION,
        "(5) energies",
        "The four levels nu_1 ... nu_4.",
        largest(np.sort(printed, axis=-1) - np.linalg.eigvalsh(H)),
        note="Not in ascending order: eqs. (23)-(24) and the ergotropy sum need them sorted.",
        numbers=f"already ascending in {ordered:.0%} of random cases",
        values={"ordered": ordered},
    )


def _residual(H: ComplexArray, vector: ComplexArray, level: FloatArray) -> FloatArray:
    """|(H - nu) psi| for normalised psi."""
    psi = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.linalg.norm(np.einsum("...ij,...j->...i", H, psi) - level[..., None] * psi, axis=-1)


def _eta(battery: Battery, H: ComplexArray) -> Entry:
    levels = closed_forms.energies(battery)
    printed, right = closed_forms.eigenvectors_as_printed(battery), closed_forms.eigenvectors(battery)
    worst = [max(largest(_residual(H, v[..., k], levels[..., k])) for k in (0, 1)) for v in (printed, right)]
    flat = Battery(battery.axial, battery.rhombic, 0.0, battery.ksea, battery.zeeman)
    without = max(
        largest(_residual(flat.hamiltonian(), closed_forms.eigenvectors_as_printed(flat)[..., k], nu))
        for k, nu in ((0, closed_forms.energies(flat)[..., 0]), (1, closed_forms.energies(flat)[..., 1]))
    )
    return equation(
        SECTION,
        "(5) eta",
        "eta = (2iD - Delta)/kappa1 in psi_1, psi_2.",
        worst[0],
        worst[1],
        "eta = (3iD - Delta)/kappa1; then |eta| = 1 and q = 1/sqrt2. The printed one is right only at D = 0. Singular at "
        "kappa1 = 0, where a regular branch is taken.",
        f"at D = 0 as printed {without:.2g}",
        {"without_D": without},
    )


def _deltas(battery: Battery, H: ComplexArray) -> Entry:
    levels = closed_forms.energies(battery)
    worst = 0.0
    for k, amplitude in zip((2, 3), closed_forms.even_amplitudes(battery), strict=True):
        vector = np.zeros((*battery.shape, 4), dtype=complex)
        vector[..., 0], vector[..., 3] = amplitude, 1
        worst = max(worst, largest(_residual(H, vector, levels[..., k])))
    return equation(
        SECTION,
        "(5) delta_1, delta_2",
        "The weights of |00> beside |11> in psi_3, psi_4.",
        worst,
        note="0/0 where G = epsilon = 0; a regular branch is taken there.",
    )


def _chis(battery: Battery, H: ComplexArray) -> Entry:
    printed, right = closed_forms.eigenvectors_as_printed(battery), closed_forms.eigenvectors(battery)
    norms = [largest(np.linalg.norm(v[..., 2:], axis=-2) - 1) for v in (printed, right)]
    levels = closed_forms.energies(battery)
    residual = max(largest(_residual(H, right[..., k], levels[..., k])) for k in (2, 3))
    return equation(
        SECTION,
        "(5) chi_1, chi_2",
        "The normalisations of psi_3 (chi_2) and psi_4 (chi_1).",
        norms[0],
        max(norms[1], residual),
        "Exchanged: psi_3 = chi_1(delta_1|00> + |11>), psi_4 = chi_2(delta_2|00> + |11>).",
    )


def _weights(battery: Battery, H: ComplexArray, T: FloatArray) -> Entry:
    order = np.argsort(-closed_forms.energies(battery), axis=-1)
    definition = np.exp(-np.linalg.eigvalsh(H)[..., ::-1] / T[:, None])
    definition /= definition.sum(axis=-1, keepdims=True)
    found = np.take_along_axis(closed_forms.boltzmann_weights(battery, T), order, axis=-1)
    printed = closed_forms.boltzmann_weights_as_printed(battery, T)
    total = printed.sum(axis=-1)
    lnZ = largest(np.log(total) - closed_forms.log_partition_function(battery, T))
    return equation(
        SECTION,
        "(6)",
        "F_s = exp(-nu_s/T) is the probability of psi_s.",
        largest(np.log(total)),
        max(largest(found - definition), lnZ),
        "Not normalised (the deviation is that of ln sum F_s from 0): F_s = exp(-nu_s/T)/Z, Z = 2 exp(-2 Delta/3T) N, N = cosh J + exp(4 Delta/3T) cosh S.",
    )


def _elements(battery: Battery, rho: ComplexArray, T: FloatArray) -> Iterator[Entry]:
    note = "J and S already contain 1/T, so 2 sinh J/(J T) = sinh J/kappa2 and 2 sinh S/(3 S T) = sinh S/kappa1."
    whole = largest(closed_forms.gibbs_state(battery, T) - rho)
    yield equation(SECTION, "(7)", "The Gibbs state has these six elements and no others.", whole, note=note)
    stable = {
        "(8)": closed_forms.gibbs_population_00,
        "(9)": closed_forms.gibbs_coherence_00_11,
        "(10)": closed_forms.gibbs_population_01,
        "(11)": closed_forms.gibbs_coherence_01_10,
        "(12)": closed_forms.gibbs_population_11,
    }
    where = {"(8)": (0, 0), "(9)": (0, 3), "(10)": (1, 1), "(11)": (1, 2), "(12)": (3, 3)}
    for item, printed in _elements_literally(battery, T).items():
        row, column = where[item]
        element = rho[..., row, column]
        off, here = largest(printed - element), largest(stable[item](battery, T) - element)
        yield equation(SECTION, item, f"Element {row + 1}{column + 1} of the Gibbs state.", off, here)


def _elements_literally(battery: Battery, T: FloatArray) -> dict[str, FloatArray | ComplexArray]:
    """Eqs. (8)-(12) letter by letter: these overflow at low temperature, unlike the closed forms of the package."""
    delta, D, eps = np.asarray(battery.axial), np.asarray(battery.dm), np.asarray(battery.rhombic)
    G, B = np.asarray(battery.ksea), np.asarray(battery.zeeman)
    J, S, e = 2 * battery.kappa2 / T, 2 * battery.kappa1 / (3 * T), np.exp(4 * delta / (3 * T))
    N = e * np.cosh(S) + np.cosh(J)
    return {
        "(8)": (np.cosh(J) - 2 * B * np.sinh(J) / (J * T)) / (2 * N),
        "(9)": 1j * (G + 1j * eps) * np.sinh(J) / (J * T * N),
        "(10)": 0.5 + 1 / (-2 - 2 * e * np.cosh(S) / np.cosh(J)),
        "(11)": e * (-3j * D + delta) * np.sinh(S) / (3 * T * S * N),
        "(12)": (np.cosh(J) + 2 * B * np.sinh(J) / (J * T)) / (2 * N),
    }


def _gibbs_eigenvalues(battery: Battery, T: FloatArray) -> Iterator[Entry]:
    example = Battery(axial=1, rhombic=0.5, dm=1, ksea=0.5, zeeman=0.5)
    weights = np.linalg.eigvalsh(gibbs_state(hamiltonian_from_operators(battery), T))
    pairs = {
        "odd": (closed_forms.gibbs_eigenvalues_odd, closed_forms.gibbs_eigenvalues_odd_as_printed),
        "even": (closed_forms.gibbs_eigenvalues_even, closed_forms.gibbs_eigenvalues_even_as_printed),
    }
    corrected = np.sort(np.stack([value for right, _ in pairs.values() for value in right(battery, T)], axis=-1))
    deviation = largest(corrected - weights)
    for item, block, formula in (("(13)", "odd", "e exp(-+S)/(2N)"), ("(14)", "even", "exp(-+J)/(2N)")):
        right, printed = pairs[block]
        off = max(largest(a - b) for a, b in zip(right(battery, T), printed(battery, T), strict=True))
        shown, true = (np.array(f(example, 1.0)) for f in (printed, right))
        yield equation(
            SECTION,
            item,
            f"Eigenvalues of the Gibbs state in the {block} block.",
            off,
            deviation,
            f"kappa1 kappa2 does not belong under the root; the eigenvalues are {formula}.",
            f"Delta=D=T=1, eps=G=B=.5: printed {show(shown, 3)}, true {show(true, 3)}",
            {"example_printed": shown, "example_true": true},
        )


def _gibbs_eigenvectors(battery: Battery, rho: ComplexArray, T: FloatArray) -> Iterator[Entry]:
    odd, even = closed_forms.gibbs_eigenvalues_odd(battery, T), closed_forms.gibbs_eigenvalues_even(battery, T)
    rows = (
        (
            "(15)-(16)",
            "odd",
            odd,
            closed_forms.gibbs_eigenvectors_odd_as_printed(battery),
            closed_forms.gibbs_eigenvectors_odd(battery),
            "alpha is eta (its prefactors cancel): right once eta is. phi_1 = psi_2, phi_2 = psi_1.",
        ),
        (
            "(17)-(18)",
            "even",
            even,
            closed_forms.gibbs_eigenvectors_even_as_printed(battery, T),
            closed_forms.gibbs_eigenvectors_even(battery),
            "L must be kappa2; as printed it is e kappa2 sinh S/sinh J. Then phi_3 = psi_4, phi_4 = psi_3.",
        ),
    )
    for item, block, values, printed, right, note in rows:
        off, fixed = (
            max(largest(_residual(rho, v, p)) for v, p in zip(vectors, values, strict=True))
            for vectors in (printed, right)
        )
        yield equation(SECTION, item, f"Eigenvectors of the Gibbs state in the {block} block.", off, fixed, note)
