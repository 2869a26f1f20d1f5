"""Which settings measure which Pauli strings: groups that one local setting serves, for an energy or for marginals.

A setting names one axis for each spin. It yields the expectation of every Pauli string that agrees with it where the
string is not the identity, so strings that commute spin by spin share a setting, and one setting informs many strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import number_of_spins, pauli_labels, pauli_stack

#: Terms of a Hamiltonian below this fraction of its largest are rounding.
_ABSENT = 1e-12


def covers(setting: str, label: str) -> bool:
    """Whether a setting such as "XY" yields the expectation of a Pauli string such as "XI"."""
    return all(letter in ("I", axis) for letter, axis in zip(label, setting, strict=True))


def checked_settings(settings: Sequence[str]) -> tuple[str, ...]:
    """The settings, where each names X, Y or Z for every spin, and none stands twice. Raises ArgumentError."""
    made = tuple(settings)
    if isinstance(settings, str) or not made:
        raise ArgumentError("settings", repr(settings), 'be a sequence of names such as "XY"')
    for setting in made:
        if not isinstance(setting, str) or not setting or set(setting) - set("XYZ"):
            raise ArgumentError("setting", repr(setting), "be made of the letters X, Y, Z, one for each spin")
        if len(setting) != len(made[0]):
            allowed = f"hold one letter for each of {len(made[0])} spins, as {made[0]!r} does"
            raise ArgumentError("setting", repr(setting), allowed)
    twice = sorted({setting for setting in made if made.count(setting) > 1}) if len(set(made)) < len(made) else []
    if twice:
        raise ArgumentError("settings", f"one that holds {twice[0]!r} twice", "hold each setting once")
    return made


def settings_for(labels: Sequence[str]) -> tuple[str, ...]:
    """Settings that yield every one of these Pauli strings, few of them, each serving all strings that it covers.

    Settings are chosen one after the other and letter by letter, so that the number of strings still missing that the
    setting would cover, on average over the letters not chosen yet, is the largest: at most a logarithm more than the
    fewest possible. (Bryce and Colbourn, Discrete Math. Theor. Comput. Sci. 9, 97 (2007), for covering arrays.)
    The identity needs no setting. Raises ArgumentError for labels of different length or of other letters.
    """
    wanted = [label for label in dict.fromkeys(labels) if set(label) != {"I"} or not label]
    for label in wanted:
        if not label or set(label) - set("IXYZ") or len(label) != len(wanted[0]):
            raise ArgumentError("Pauli label", repr(label), "be of the letters I, X, Y, Z, one for each spin")
    letters = np.array([["IXYZ".index(letter) for letter in label] for label in wanted], dtype=int)
    found: list[str] = []
    while len(letters):
        setting = _densest(letters)
        letters = letters[np.any((letters != setting) & (letters != 0), axis=1)]
        found.append("".join("IXYZ"[axis] for axis in setting))
    return tuple(found)


def _densest(letters: NDArray[np.int64]) -> NDArray[np.int64]:
    """One setting (N,) for the strings (K, N) of letters 0 to 3 that are not covered yet; spins wanted most come first."""
    hope = 3.0 ** -np.count_nonzero(letters, axis=1)  # chance that a random rest of the setting covers the string
    setting = np.zeros(letters.shape[1], dtype=int)
    for spin in np.argsort(-np.count_nonzero(letters, axis=0), kind="stable"):
        column = letters[:, spin]
        covered = np.array([hope[column == axis].sum() for axis in (3, 1, 2)])
        setting[spin] = (3, 1, 2)[int(np.argmax(covered > covered.max() * (1 - 1e-12)))]
        hope = np.where(column == setting[spin], 3 * hope, np.where(column == 0, hope, 0.0))
    return setting


def pauli_terms(H: ArrayLike) -> tuple[tuple[str, ...], FloatArray]:
    """Labels (K,) and real coefficients (..., K) of a Hermitian H (..., 2^N, 2^N) = sum_k c_k P_k, without absent ones.

    A label is there where any of the operators holds it; the identity comes first when it does. Raises ArgumentError.
    """
    array = checks.hermitian("H", H)
    d = array.shape[-1]
    labels = pauli_labels(number_of_spins(d))
    flat = pauli_stack(labels).reshape(len(labels), -1)
    found = np.real(array.reshape(*array.shape[:-2], -1) @ flat.conj().T) / d
    size = np.abs(found).reshape(-1, len(labels)).max(axis=0)
    kept = np.flatnonzero(size > _ABSENT * max(size.max(), 1e-300))
    return tuple(labels[k] for k in kept), found[..., kept]


def energy_settings(H: ArrayLike) -> tuple[str, ...]:
    """The settings that suffice for the energy Tr[rho H], derived from the Pauli strings of H (..., 2^N, 2^N).

    The general two-spin battery (the paper, eq. 4) needs five of the nine: XX, YY, ZZ, XY, YX. Raises ArgumentError for
    a Hamiltonian proportional to the identity.
    """
    found = settings_for(pauli_terms(H)[0])
    if not found:
        raise ArgumentError("H", "proportional to the identity", "have levels")
    return found


def local_paulis(n: int, weight: int) -> tuple[str, ...]:
    """All Pauli strings on 1 to `weight` of n spins: what states of so many neighbours, or all pairs, are made of.

    Raises ArgumentError unless 1 <= weight <= n.
    """
    if not 1 <= weight <= n:
        raise ArgumentError("weight", weight, f"lie between 1 and {n}, the number of spins")
    found = []
    for size in range(1, weight + 1):
        for spins in combinations(range(n), size):
            for letters in product("XYZ", repeat=size):
                label = list("I" * n)
                for spin, letter in zip(spins, letters, strict=True):
                    label[spin] = letter
                found.append("".join(label))
    return tuple(found)
