"""What charges N spins, and what is held fixed when numbers of spins are compared.

The battery of these studies is H_B = -(1/2) sum Z, charged from |0...0>: each spin stores one unit at most. A charger is a
sum of Pauli strings of which each flips at most k spins. It is used as it is ("raw"), scaled to the operator norm of the
parallel charger, n ("norm"), or with its pair couplings divided by n ("kac": 1/n for complete graphs; in general by the
sum of their weights over n - 1, see Cluster).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import eigsh

from nmrqb.battery.cluster import Cluster
from nmrqb.battery.model import Battery
from nmrqb.errors import ArgumentError
from nmrqb.spin import actions, blocks, memory
from nmrqb.spin.masks import PauliSum

NAMES = ("parallel", "collective", "neighbours", "dipolar", "complete")
SCALINGS = ("raw", "norm", "kac")

LABELS = {
    "parallel": "parallel X",
    "collective": "collective X⊗...⊗X",
    "neighbours": "double quantum, neighbours",
    "dipolar": "double quantum, 1/r³",
    "complete": "double quantum, all to all",
}

_POWER = {"neighbours": np.inf, "dipolar": 3.0, "complete": 0.0}

#: Above this dimension the norm is found by Lanczos' method.
_DENSE = 256


@dataclass(frozen=True)
class Charger:
    """A charging Hamiltonian, the number of spins k that its strings flip at most, and its operator norm."""

    H: PauliSum
    k: int
    norm: float


def charger(name: str, n: int, scaling: str = "raw", *, field: float = 0.0, axial: float = 0.0) -> Charger:
    """One of NAMES on n spins: sum X_k; n X...X; or the sum of w_ij (X_i X_j - Y_i Y_j)/2 with weights on a chain (nearest
    neighbours, 1/r^3) or all alike. field, axial: B of sum B Z_k, and Delta of the pairs, that stay on while charging.

    (XX - YY)/2 = S+S+ + S-S- is the double-quantum Hamiltonian of NMR and the epsilon of the paper's eq. (4). Raises
    ArgumentError for another name or scaling, "kac" on what has no pairs, or n < 2.
    """
    if name not in NAMES:
        raise ArgumentError("charger", repr(name), f"be one of {', '.join(NAMES)}")
    if scaling not in SCALINGS:
        raise ArgumentError("scaling", repr(scaling), f"be one of {', '.join(SCALINGS)}")
    if not isinstance(n, (int, np.integer)) or n < 2:
        raise ArgumentError("n", n, "be a whole number of spins, 2 or more")
    if name in _POWER:
        battery = Battery(axial=axial, rhombic=0.5, zeeman=field)
        H = Cluster.chain(n, battery, _POWER[name], kac=scaling == "kac").pauli_sum()
        k = 2
    else:
        if scaling == "kac":
            raise ArgumentError("scaling", "'kac'", f"be raw or norm for {name}, which has no pairs")
        if axial:
            raise ArgumentError("axial", axial, f"be zero for {name}, which has no pairs")
        singles = 1 << np.arange(n)
        x = singles if name == "parallel" else np.array([2**n - 1])
        H = PauliSum(n, x, np.zeros_like(x), np.full(len(x), 1.0 if name == "parallel" else float(n)))
        if field:
            H = H + PauliSum(n, np.zeros_like(singles), singles, np.full(n, field))
        k = 1 if name == "parallel" else n
    norm = operator_norm(H)
    if scaling == "norm":
        H, norm = H.times(n / norm), float(n)
    return Charger(H, k, norm)


def operator_norm(H: PauliSum, limit: float | None = None) -> float:
    """The largest |eigenvalue|, to rounding. Raises ArgumentError, with the bytes, where its vectors do not fit."""
    return abs(_extreme(H, "LM", limit))


def lowest_level(H: PauliSum, limit: float | None = None) -> float:
    """The smallest eigenvalue, to rounding. Raises ArgumentError as `operator_norm`."""
    return _extreme(H, "SA", limit)


def _extreme(H: PauliSum, which: str, limit: float | None) -> float:
    if H.dimension <= _DENSE:
        levels = blocks.levels(H)
        return float(levels[0] if which == "SA" else max(levels[0], levels[-1], key=abs))
    needed = actions.filling(H).peak + 24 * memory.COMPLEX * float(H.dimension)
    memory.require(f"the norm of a Hamiltonian of {H.n} spins", needed, limit, "take fewer spins")
    start = np.random.default_rng(0).standard_normal(H.dimension)
    return float(eigsh(actions.sparse_matrix(H), k=1, which=which, v0=start, return_eigenvectors=False)[0])
