"""The paper's protocol on N spins: a Gibbs state of the cluster turned by a collective X pulse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nmrqb.battery.cluster import Cluster
from nmrqb.battery.cluster.gibbs import gibbs
from nmrqb.battery.model import Battery
from nmrqb.errors import ArgumentError
from nmrqb.spin import thermal
from nmrqb.spin.many import Told
from nmrqb.spin.thermal import Estimate

GRAPHS = ("neighbours", "dipolar", "star", "complete", "complete, Kac")

#: Points of a curve that is a trigonometric polynomial of degree two.
_POINTS = 4001


class Charge(NamedTuple):
    """The largest W(phi)/phi in units of Omega, the phi = Omega t of it, the energy stored then, and the band width of H."""

    power: float
    phi: float
    energy: float
    error: float
    width: float


def on_graph(graph: str, n: int, battery: Battery) -> Cluster:
    """One of GRAPHS. Raises ArgumentError for another name, or n < 2."""
    if graph == "neighbours":
        return Cluster.chain(n, battery, np.inf)
    if graph == "dipolar":
        return Cluster.chain(n, battery, 3)
    if graph == "star":
        return Cluster.star(n, battery)
    if graph in ("complete", "complete, Kac"):
        return Cluster.complete(n, battery, kac=graph != "complete")
    raise ArgumentError("graph", repr(graph), f"be one of {', '.join(GRAPHS)}")


def local_charge(cluster: Cluster, temperature: float, *, tell: Told | None = None) -> Charge:
    """The best average power of the pulse exp(-i phi sum X) on the Gibbs state, with the error of the state's method.

    The Gibbs state is passive and the pulse unitary, so energy stored is ergotropy. Raises ArgumentError as `gibbs`.
    """
    H = cluster.pauli_sum()
    state = gibbs(cluster, temperature, tell=tell)
    phi = np.linspace(0, np.pi, _POINTS)[1:]
    W, error = thermal.rotation_curve(state, H, 2 * phi)
    best = int(np.argmax(W / phi))
    width = np.ptp(state.solved.levels) if isinstance(state, thermal.ExactThermal) else np.nan
    return Charge(float(W[best] / phi[best]), float(phi[best]), float(W[best]), float(error[best]), float(width))


def ceiling(cluster: Cluster, temperature: float) -> Estimate:
    """The most that any unitary stores in the Gibbs state: its populations turned upside down.

    Needs every level. Raises ArgumentError where they do not fit.
    """
    state = thermal.exact(cluster.pauli_sum(), temperature)
    levels = state.solved.levels
    p = np.exp(-(levels - levels[0]) / temperature)
    p /= p.sum()
    return Estimate(float(p[::-1] @ levels - p @ levels))
