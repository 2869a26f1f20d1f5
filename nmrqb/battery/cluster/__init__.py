"""Batteries of N spins."""

from nmrqb.battery.cluster.model import Cluster

__all__ = ["Cluster"]
