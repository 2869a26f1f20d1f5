"""The Gibbs state of a cluster, by the method that its size and temperature allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nmrqb.battery.cluster.model import Cluster
from nmrqb.errors import ArgumentError
from nmrqb.spin import blocks, memory, thermal

if TYPE_CHECKING:
    from nmrqb.spin.many import Told
    from nmrqb.spin.thermal import Thermal

METHODS = ("exact", "typical", "series")

#: Largest block that is diagonalised without being asked for: some seconds of work.
_LARGEST_BLOCK = 1024
#: Last order over second up to which the series is taken without being asked for.
_CONVERGED = 0.1


def gibbs(
    cluster: Cluster,
    temperature: float,
    method: str | None = None,
    *,
    vectors: int = 16,
    seed: int = 0,
    limit: float | None = None,
    tell: Told | None = None,
) -> Thermal:
    """exp(-H/T)/Z of a cluster: its energy, entropy, ln Z and expectation values, each with one standard error.

    method: "exact" (all levels, by blocks), "typical" (`vectors` random vectors), "series" (high temperature, up to 62
    spins); when left out, exact where the largest block has at most 1024 states, else typical where the vectors fit into
    `limit` bytes, else the series, unless it does not converge. `tell` receives the choice and its memory first. Raises
    ArgumentError.
    """
    H, chosen = cluster.pauli_sum(), method is None
    if method is None:
        small = max(blocks.sizes(H.n, blocks.symmetry(H))) <= _LARGEST_BLOCK
        if small and thermal.exact_bytes(H) <= memory.allowed(limit):
            method = "exact"
        else:
            fits = thermal.typical_bytes(H, vectors) <= memory.allowed(limit)
            method = "typical" if fits else "series"
    if method == "exact":
        return thermal.exact(H, temperature, limit, tell)
    if method == "typical":
        return thermal.typical(H, temperature, vectors, seed, limit, tell)
    if method == "series":
        state = thermal.series(H, temperature, limit, tell)
        if chosen and state.last_share > _CONVERGED:
            needed = memory.size_text(thermal.typical_bytes(H, vectors))
            allowed = f"be higher for the series, as {vectors} random vectors of {H.n} spins would take {needed}"
            raise ArgumentError("temperature", f"{temperature:g}", allowed)
        return state
    raise ArgumentError("method", repr(method), f"be one of {', '.join(METHODS)}")
