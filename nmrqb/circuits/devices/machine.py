"""A machine as a run uses it: its device, the qubits chosen, and how circuits are written in its own gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol, runtime_checkable

from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import Instruction
from qiskit.providers import BackendV2
from qiskit.transpiler import Target
from qiskit_aer.library import SaveDensityMatrix

from nmrqb.circuits import execute
from nmrqb.circuits.devices import names
from nmrqb.circuits.devices.aer import Aer, confusion, noisy
from nmrqb.circuits.devices.backend import Provided
from nmrqb.circuits.devices.cut import Cut, best_line, checked_qubits
from nmrqb.circuits.devices.runtime import Execution, Runtime, connect
from nmrqb.circuits.synthesis import in_gates
from nmrqb.errors import ArgumentError, RunError
from nmrqb.jobs import Device

#: Whose noise acts: that of the sample's record, that of the machine, both, or none.
Source = Literal["sample", "device", "both", "none"]

#: Circuits in one job where a backend names no limit: small enough that a lost job costs little.
_MOST_ROWS = 3000


@runtime_checkable
class Closable(Protocol):
    """A device that holds something open at its service while a run lasts, such as a batch."""

    def close(self) -> None:
        """Let go of it; jobs run on."""


@dataclass(frozen=True, eq=False)
class Machine:
    """Where circuits of n spins run.

    target: gates that circuits are rewritten to, None where they run as they are. qubits: physical qubit of each spin,
    empty where there are none. shots: "any" where every circuit may have its own number, "job" where all circuits of one
    job have the same, "equal" where that holds for the whole run. rows: most circuits in one job.
    """

    name: str
    device: Device
    target: Target | None = None
    qubits: tuple[int, ...] = ()
    layout: tuple[int, ...] = ()
    shots: Literal["any", "job", "equal"] = "any"
    rows: int = _MOST_ROWS
    level: int = 2
    repetition: float = 0.0

    @property
    def simulator(self) -> Aer | None:
        """The device, where it can give probabilities and not just counts."""
        return self.device if isinstance(self.device, Aer) else None

    @property
    def entangler(self) -> str:
        """The two-qubit gate that compiled circuits are made of."""
        known = () if self.target is None else self.target.operation_names
        return next((name for name in ("cz", "ecr", "cx", "rzz") if name in known), "cz")

    def native(self, circuits: Sequence[QuantumCircuit]) -> list[QuantumCircuit]:
        """Circuits in the machine's own gates on its chosen qubits; channels in them stay what and where they are.

        Blocks are merged (from level 2 on) and written in gates here, since Qiskit's own synthesis misses each by up to 1e-9 of
        fidelity, and does so again where two qubits seem to need fewer gates.
        """
        if self.target is None:
            return list(circuits)
        how: dict[str, Any] = {"target": self.target, "initial_layout": list(self.layout), "seed_transpiler": 0}
        manager = generate_preset_pass_manager(optimization_level=self.level, **how)
        if len(self.layout) <= 2:  # nothing is routed, so that nothing is left to be merged
            manager.optimization = generate_preset_pass_manager(min(self.level, 1), **how).optimization
        written = [in_gates(circuit, self.entangler, merge=self.level >= 2) for circuit in circuits]
        return list(manager.run(written, num_processes=1))


def open_machine(
    backend: str | BackendV2,
    n: int,
    *,
    noise: Source | None = None,
    readout: Sequence[float] = (),
    qubits: Sequence[int] | None = None,
    level: int = 2,
    execution: Execution = "job",
) -> Machine:
    """The machine of this name, or around a BackendV2, for n spins.

    noise: see `Source`; by default the sample's on Aer and the device's elsewhere. readout: the sample's chance of a
    flipped readout for each spin, which acts where its noise does. qubits: physical qubit of each spin; the line with the
    smallest reported errors when left out. Raises ArgumentError for a name, qubits or a noise that the machine cannot have,
    RunError when what it needs is missing, TransientError when the network is.
    """
    own = noise_source(backend, noise)
    flips = tuple(readout) if own in ("sample", "both") else ()
    if isinstance(backend, str):
        kind, name = names.split_name(backend)
        if kind == "aer":
            if qubits is not None:
                raise ArgumentError("qubits", repr(tuple(qubits)), "be left out on aer, whose qubits are all alike")
            return Machine("aer", Aer("aer", execute.simulator(flips), confusion(flips or (0.0,) * n)))
        if kind == "fake":
            return _fake(name, n, own, flips, None if qubits is None else tuple(qubits), level)
        real, service = connect(name)
        device: Device = Runtime(real, service, execution)
        return _around(backend, real, device, "equal", n, qubits, level)
    return _around(str(backend.name), backend, Provided(backend), "job", n, qubits, level)


def noise_source(backend: str | BackendV2, noise: Source | None) -> Source:
    """Whose noise acts on a backend. Raises ArgumentError for what it cannot do."""
    kind = names.split_name(backend)[0] if isinstance(backend, str) else "own"
    allowed: dict[str, tuple[Source, ...]] = {
        "aer": ("sample", "none"),
        "fake": ("device", "sample", "both", "none"),
        "ibm": ("device",),
        "own": ("device",),
    }
    if noise is None:
        return allowed[kind][0]
    if noise not in allowed[kind]:
        where = backend if isinstance(backend, str) else backend.name
        raise ArgumentError("noise", repr(noise), f"be {' or '.join(map(repr, allowed[kind]))} on {where}")
    return noise


@lru_cache(maxsize=16)
def _fake(
    name: str, n: int, noise: Source, readout: tuple[float, ...], qubits: tuple[int, ...] | None, level: int
) -> Machine:
    """Qubits cut from a fake backend, simulated with or without their noise."""
    parent = fake_backend(name)
    chosen = best_line(parent.target, n) if qubits is None else checked_qubits(parent.target, qubits, n)
    cut = Cut(parent, chosen)
    simulator, matrix = noisy(cut, noise in ("device", "both"), readout)
    target = cut.target
    for kind, label in ((_Channel, "superop"), (SaveDensityMatrix, "save_density_matrix")):
        target.add_instruction(kind, name=label)  # without these, transpiling would try to take channels apart
    called = f"fake:{name}"
    wait = float(getattr(parent, "default_rep_delay", 0.0) or 0.0)
    device = Aer(called, simulator, matrix)
    return Machine(called, device, target, chosen, tuple(range(n)), level=level, repetition=wait)


class _Channel(Instruction):
    """Stands for superoperators of any width in a target."""


@lru_cache(maxsize=4)
def fake_backend(name: str) -> BackendV2:
    """A fake backend by its short name. Raises RunError when qiskit-ibm-runtime is missing, ArgumentError for the name."""
    names.need_runtime(f"fake:{name}")
    names.split_name(f"fake:{name}")
    from qiskit_ibm_runtime import fake_provider

    for found in vars(fake_provider).values():
        if isinstance(found, type) and found.__module__.split(".")[-2:-1] == [name]:
            return found()
    raise RunError(f"fake:{name} is not a backend of this version of qiskit-ibm-runtime")


def _around(
    called: str,
    backend: BackendV2,
    device: Device,
    shots: Literal["job", "equal"],
    n: int,
    qubits: Sequence[int] | None,
    level: int,
) -> Machine:
    target: Any = backend.target
    chosen = best_line(target, n) if qubits is None else checked_qubits(target, qubits, n)
    most = getattr(backend, "max_circuits", None)
    wait = float(getattr(backend, "default_rep_delay", 0.0) or 0.0)
    rows = min(int(most), _MOST_ROWS) if most else _MOST_ROWS
    return Machine(called, device, target, chosen, chosen, shots, rows, level, wait)
