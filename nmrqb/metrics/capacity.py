"""How much a battery can hold, in the four senses that go by the name of capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nmrqb import checks
from nmrqb.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nmrqb.checks import FloatArray

_KINDS = ("orbit", "gap", "ground", "paper")


def capacity(H: ArrayLike, rho: ArrayLike | None = None, kind: str = "orbit", *, check: bool = True) -> FloatArray:
    """Capacity of a battery H (..., d, d) in state rho (..., d, d), shape (...), in the unit of H.

    - "orbit": sum_k e_k (p_k ascending - p_k descending), the largest minus the smallest energy on the unitary orbit of
      rho; never below its ergotropy, and unchanged by unitaries. Yang et al., PRL 131, 030402 (2023).
    - "gap": e_max - e_min, whatever the state.
    - "ground": <1..1|H|1..1> - <0..0|H|0..0>, the paper's eq. (27) read literally. For its battery this is -4B: zero
      without a field, negative for B > 0.
    - "paper": <0..0|H|0..0> - Tr[H rho], what the paper's eq. (D1) computes (there rho is the Gibbs state). It may be
      negative and does not bound the ergotropy.

    "gap" and "ground" need no rho. Raises ArgumentError for another kind, a missing rho, or matrices as in `ergotropy`.
    """
    if kind not in _KINDS:
        raise ArgumentError("kind", repr(kind), "be one of " + ", ".join(_KINDS))
    H = checks.hermitian("H", H) if check else np.asarray(H)
    if kind == "gap":
        levels = np.linalg.eigvalsh(H)
        return levels[..., -1] - levels[..., 0]
    if kind == "ground":
        return (H[..., -1, -1] - H[..., 0, 0]).real
    if rho is None:
        raise ArgumentError("rho", None, f"be given for capacity of kind {kind!r}")
    if check:
        rho = checks.density_matrix("rho", rho)
        checks.same_dimension("rho", rho, "H", H)
    rho = np.asarray(rho)
    if kind == "paper":
        return (H[..., 0, 0] - np.einsum("...ij,...ji->...", H, rho)).real
    p = np.linalg.eigvalsh(rho)
    return np.einsum("...k,...k->...", np.linalg.eigvalsh(H), p - p[..., ::-1])
