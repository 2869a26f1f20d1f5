"""A few qubits of a large machine: which ones, by reported error, and a backend that has no others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from qiskit.circuit.library import Measure
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target

from nmrqb.errors import ArgumentError, RunError

#: Lines of qubits are looked through up to this many: all of them on any machine there is, for up to six qubits.
_MOST_LINES = 200_000


class Cut(BackendV2):
    """The calibration of some qubits of a backend, numbered anew from 0 in the order given.

    Simulating it takes as long as simulating that many qubits; simulating its parent takes that of all. It runs nothing itself.
    """

    def __init__(self, parent: BackendV2, qubits: Sequence[int]) -> None:
        super().__init__(name=f"{parent.name}[{','.join(map(str, qubits))}]")
        self._target = _cut(parent.target, qubits)

    @property
    def target(self) -> Target:
        """What the chosen qubits can do, with the errors reported for it."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """No limit."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024)

    def run(self, run_input: Any, **options: Any) -> Any:
        """Raises NotImplementedError: a cut is what a simulator is made from."""
        raise NotImplementedError


def _cut(source: Target, qubits: Sequence[int]) -> Target:
    new = {q: k for k, q in enumerate(qubits)}
    properties = source.qubit_properties
    target = Target(
        num_qubits=len(qubits), dt=source.dt, qubit_properties=properties and [properties[q] for q in qubits]
    )
    for name in source.operation_names:
        operation, known = source.operation_from_name(name), source[name]
        if known is None or None in known:
            target.add_instruction(operation, name=name)
            continue
        kept = {tuple(new[q] for q in place): value for place, value in known.items() if set(place) <= new.keys()}
        if kept:
            target.add_instruction(operation, kept, name=name)
    return target


def best_line(target: Target, n: int) -> tuple[int, ...]:
    """The n qubits in a connected line whose reported errors are smallest: one- and two-qubit gates and readout.

    Errors count as -log(1 - e): one readout and one one-qubit gate for each qubit, three two-qubit gates for each link, as a
    general two-spin block has. A gate or qubit reported broken (error 1) is not used. Raises RunError when the target has
    no such line; a target without couplings (a simulator) gives its first qubits.
    """
    if n > (target.num_qubits or n):
        raise RunError(f"{n} qubits are needed, but the backend has {target.num_qubits}")
    links = _links(target)
    if not links:
        if n > 1 and target.build_coupling_map() is not None:
            raise RunError(f"the backend has no line of {n} working qubits")
        return tuple(range(n))
    alone = {q: _qubit_cost(target, q) for q in range(target.num_qubits)}
    if n == 1:
        return (min(alone, key=lambda q: (alone[q], q)),)
    neighbours: dict[int, list[int]] = {}
    for a, b in links:
        neighbours.setdefault(a, []).append(b)

    def cost(line: tuple[int, ...]) -> float:
        return sum(alone[q] for q in line) + 3 * sum(links[pair] for pair in pairwise(line))

    found = [(cost(line), line) for line in _lines(neighbours, n)]
    found = [(value, line) for value, line in found if math.isfinite(value)]
    if not found:
        raise RunError(f"the backend has no line of {n} working qubits")
    return min(found)[1]


def _lines(neighbours: dict[int, list[int]], n: int) -> Iterator[tuple[int, ...]]:
    """Paths of n qubits without repetition, depth first; each is met from both of its ends."""
    stack: list[tuple[int, ...]] = [(q,) for q in sorted(neighbours, reverse=True)]
    given = 0
    while stack and given < _MOST_LINES:
        line = stack.pop()
        if len(line) == n:
            given += 1
            yield line
        else:
            stack += [(*line, q) for q in neighbours[line[-1]] if q not in line]


def _links(target: Target) -> dict[tuple[int, int], float]:
    """Cost of the best two-qubit gate of each pair, both ways round, for gates that have places."""
    found: dict[tuple[int, int], float] = {}
    for name in target.operation_names:
        known = target[name]
        if known is None or getattr(target.operation_from_name(name), "num_qubits", 0) != 2:
            continue
        for place, properties in known.items():
            if place is None or len(place) != 2:
                continue
            value = _cost(properties)
            for pair in (place, place[::-1]):
                found[pair] = min(found.get(pair, math.inf), value)
    return found


def _qubit_cost(target: Target, qubit: int) -> float:
    gates, readout = [], 0.0
    for name in target.operation_names:
        known = target[name]
        if known is None or (qubit,) not in known or name in ("delay", "reset", "id", "rz"):
            continue
        value = _cost(known[(qubit,)])
        if isinstance(target.operation_from_name(name), Measure):
            readout = value
        else:
            gates.append(value)
    return readout + max(gates, default=0.0)


def _cost(properties: Any) -> float:
    error = getattr(properties, "error", None) or 0.0
    return -math.log1p(-error) if error < 1 else math.inf


def checked_qubits(target: Target, qubits: Sequence[int], n: int) -> tuple[int, ...]:
    """The qubits that a user names, spin by spin. Raises ArgumentError: n different ones that the machine has."""
    chosen = tuple(qubits)
    whole = all(isinstance(q, int) and not isinstance(q, bool) for q in chosen)
    if not whole or len(chosen) != n or len(set(chosen)) != n:
        raise ArgumentError("qubits", repr(chosen), f"be {n} different qubits, one for each spin")
    size = target.num_qubits
    if size is not None and any(not 0 <= q < size for q in chosen):
        raise ArgumentError("qubits", repr(chosen), f"be qubits of the backend, 0 to {size - 1}")
    return chosen
