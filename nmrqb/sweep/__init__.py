"""Sweeps: any function or experiment over many points, on one process, several, or a cluster."""

from nmrqb.sweep.cluster import Cluster
from nmrqb.sweep.design import Design, grid, random_design
from nmrqb.sweep.executors import Processes, Serial, Workers
from nmrqb.sweep.plan import sweep
from nmrqb.sweep.store import SweepStore

__all__ = ["Cluster", "Design", "Processes", "Serial", "SweepStore", "Workers", "grid", "random_design", "sweep"]
