"""What a run on a backend costs, in words: rows of a table, and a record for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmrqb.circuits.cost import Cost

#: Heads of `cost_row`.
COST_COLUMNS = ("backend", "qubits", "circuits", "jobs", "shots", "2-qubit gates", "longest circuit", "machine time")

#: What the numbers take for granted.
ASSUMPTIONS = (
    "2-qubit gates: in the circuit with the most. Machine time: for every shot the length of its circuit, readout included, "
    "and the backend's default wait before the next one; waiting in a queue, compiling and transfer come on top. "
    "Simulated backends take no machine time: theirs is what the machine would take."
)


def cost_row(cost: Cost) -> tuple[str, ...]:
    """One row under COST_COLUMNS."""
    return (
        cost.backend,
        ", ".join(map(str, cost.qubits)) or "-",
        str(cost.circuits),
        str(cost.jobs),
        f"{cost.shots:,}".replace(",", " "),
        "-" if cost.longest is None else str(cost.two_qubit_gates),
        "-" if cost.longest is None else _duration(cost.longest),
        "-" if cost.time is None else _duration(cost.time),
    )


def cost_record(cost: Cost) -> dict[str, Any]:
    """The same as data: times in s."""
    return asdict(cost)


def _duration(seconds: float) -> str:
    """A time in the unit that reads best."""
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 2 * size or unit == "us":
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError("every time has a unit")
