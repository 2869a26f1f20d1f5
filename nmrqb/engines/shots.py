"""Counts from circuits: each branch of the mixture is run, measured in every setting, and inverted to states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nmrqb import checks
from nmrqb.checks import FloatArray
from nmrqb.circuits import execute
from nmrqb.circuits.cost import Cost, cost_of
from nmrqb.circuits.devices import Closable, Machine, Source, noise_source, open_machine
from nmrqb.circuits.readout import ReadoutCalibration, calibrated, calibration_circuits
from nmrqb.circuits.variants import Mitigation, variants
from nmrqb.engines.counting import Counted
from nmrqb.engines.options import check_options
from nmrqb.engines.program import Preparation, Program, counter, members_written_out
from nmrqb.errors import ArgumentError
from nmrqb.jobs import Ledger, Work
from nmrqb.results import Progress, States
from nmrqb.timeline import Timeline, cycle_average
from nmrqb.timeline.trajectories import random_flips
from nmrqb.tomography import nearest_state, probabilities

Execution = Literal["job", "batch", "session"]

#: Every member of an ensemble is a set of circuits of its own; more of them than this are refused.
MAX_MEMBERS = 100


@dataclass(frozen=True)
class Shots:
    """Circuits on Aer, on qubits cut from a fake backend, on IBM's machines or on anyone's BackendV2, tomographed.

    backend: "aer", "fake:NAME", "ibm:NAME", or a BackendV2 object. shots: per tomography setting and point, shared out
    among the branches by weight (equally where the backend wants equal shots); None takes the exact probabilities, as
    infinitely many shots would. The steps of a phase cycle share them. seed: an integer, or None for a fresh one (it is
    recorded). replicas: bootstrap replicas behind the error bars. sampling: "state" draws counts from a simulator's final
    density matrix and the readout error, "counts" has it draw them; the distribution is the same. Real machines count.
    split: largest trace distance that splitting noise from evolution may cost. product: the same for product formulas,
    which machines need for three and more coupled spins. estimator: "nearest" gives the density
    matrix nearest to the linear inversion, replica by replica; "linear" leaves the inversion as it is: unbiased, with
    eigenvalues that noise may push below zero.

    mode: "faithful" has one block of gates for each event, "compiled" merges what stands before a mark (on Aer into one
    channel, where circuits start in the density matrix); None is faithful where the sample's noise acts, else compiled, and
    `info` says which. noise: whose noise acts, "sample",
    "device", "both" or "none"; None is the sample's on Aer and the device's elsewhere. preparation: "direct" starts Aer in
    the density matrix itself, "eigenstates" has a circuit for each eigenstate and each step of a crusher's phase cycle, as
    machines need (one entangling gate for a pair), "basis" starts in basis states and turns all by one unitary (two gates);
    None is direct on Aer, else eigenstates. flips: (runs, steps), the sample's X-dephasing as random X flips, which any
    machine can run (see `random_flips`). mitigation: any of "readout" (the device's readout error is calibrated and
    undone; the sample's record is known and undone always), "zne", "dd" and "twirl". qubits: physical qubit of each spin;
    by reported error when left out. level: optimization level of `transpile`. execution: of IBM jobs. jobs: the ledger that
    runs them; None has one in memory.
    """

    backend: Any = "aer"
    shots: int | None = 4096
    seed: int | None = None
    replicas: int = 200
    sampling: Literal["state", "counts"] = "state"
    split: float = 1e-5
    product: float = 1e-3
    estimator: Literal["nearest", "linear"] = "nearest"
    mode: Literal["faithful", "compiled"] | None = None
    noise: Source | None = None
    preparation: Preparation | None = None
    flips: tuple[int, int] | None = None
    mitigation: tuple[Mitigation, ...] = ()
    qubits: tuple[int, ...] | None = None
    level: int = 2
    execution: Execution = "job"
    jobs: Ledger | None = None

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def _on_aer(self) -> bool:
        return isinstance(self.backend, str) and self.backend == "aer"

    @property
    def source(self) -> str:
        """What Datasets call it: the backend's name."""
        return self.backend if isinstance(self.backend, str) else str(self.backend.name)

    def run(self, timeline: Timeline, rho0: ArrayLike, progress: Progress | None = None) -> States:
        """States at the observed marks, rho (..., mark, 1 + replicas, d, d), from one starting state rho0 (d, d).

        With shots=None there are no replicas, only the estimate. Where the timeline has an ensemble, every shot falls on one
        member, by weight, and members are never told apart; a machine that wants equal shots runs each member as often.
        Raises ArgumentError for a rho0 that is no density matrix of the timeline's dimension, an ensemble of more than
        MAX_MEMBERS or options that the machine does not have, RunError when circuits fail, TransientError when the network does.
        """
        seed = int(np.random.SeedSequence().entropy % 2**63) if self.seed is None else self.seed  # type: ignore[operator]
        program = self.program(timeline, rho0, seed)
        rng = np.random.default_rng(seed)
        counted = self._counted(program, rng, seed, progress)
        rho = counted.estimate()[..., None, :, :]
        if self.shots is not None:
            rho = np.concatenate([rho, counted.replicas(self.replicas, rng)], axis=-3)
        rho = cycle_average(timeline, rho)
        rho = nearest_state(rho) if self.estimator == "nearest" else rho
        return States(rho, timeline.observed, self.source, self._info(program, seed))

    def cost(self, timeline: Timeline, rho0: ArrayLike) -> Cost:
        """What `run` would hand in: circuits, shots, two-qubit gates and time, without running anything. Raises as `run`."""
        program = self.program(timeline, rho0, self.seed or 0)
        rows = [program.rows(0).reshape(-1), *(work.shots for work in self._calibrations(program, 0))]
        found = cost_of(program.machine, program.examples(), np.concatenate(rows))
        return replace(found, circuits=program.saved) if self._saves(program.machine) else found

    def program(self, timeline: Timeline, rho0: ArrayLike, seed: int) -> Program:
        """What is run of a timeline from rho0 (d, d), on which machine. Raises as `run`."""
        start = checks.density_matrix("rho0", rho0, 2**timeline.n)
        if start.ndim != 2:
            raise ArgumentError("rho0", f"of shape {start.shape}", "be one state of shape (d, d) on circuits")
        members = 1 if timeline.ensemble is None else len(timeline.ensemble)
        if members > MAX_MEMBERS:
            allowed = f"have at most {MAX_MEMBERS} members on circuits, which run one by one"
            raise ArgumentError("ensemble", f"one of {members}", allowed)
        noise = noise_source(self.backend, self.noise)
        readout = timeline.noise.readout if timeline.noise is not None else ()
        machine = self._machine(timeline.n, noise, readout)
        runs = 0
        if self.flips is not None:
            runs = self.flips[0]
            timeline = random_flips(timeline, *self.flips, seed=seed)
        plain, weights = members_written_out(timeline, runs)
        own = noise in ("sample", "both")
        if not own:
            plain = replace(plain, noise=None)
        return Program(
            machine=machine,
            timeline=plain,
            start=start,
            noise=noise,
            mode=self.mode or ("faithful" if own and plain.noise else "compiled"),
            split=self.split,
            product=self.product,
            shots=self.shots or 1,
            variants=variants(self.mitigation),
            weights_of_members=weights,
            preparation=self.preparation or ("direct" if self._on_aer else "eigenstates"),
            readout=tuple(readout) if own else (),
        )

    def _machine(self, n: int, noise: Source, readout: Sequence[float]) -> Machine:
        """The machine; where jobs outlive this process, on the qubits that an earlier one chose by the calibration of its day."""
        how: dict[str, Any] = {"noise": noise, "readout": readout, "level": self.level, "execution": self.execution}
        machine = open_machine(self.backend, n, qubits=self.qubits, **how)
        if self.jobs is None or self.qubits is not None or not machine.device.durable:
            return machine
        chosen = tuple(self.jobs.decided(f"{n} qubits of {machine.name}", list(machine.qubits)))
        return machine if chosen == machine.qubits else open_machine(self.backend, n, qubits=chosen, **how)

    def _counted(self, program: Program, rng: np.random.Generator, seed: int, progress: Progress | None) -> Counted:
        by_state = program.machine.simulator is not None and (self.sampling == "state" or self.shots is None)
        if not by_state and self.shots is None:
            raise ArgumentError("shots", None, f"be a number on {program.machine.name}, which only counts")
        if self._saves(program.machine):
            found, weights, shots = self._from_states(program, rng, progress)
            return Counted(found, weights, shots, program.settings, self._known(program))
        works, places = program.works(seed)
        extra = self._calibrations(program, seed)
        rows = sum(len(work.rows) for work in (*works, *extra))
        report = counter(progress, rows)
        if by_state:
            simulator = program.machine.simulator
            assert simulator is not None
            p = [simulator.probabilities(work, report) for work in (*works, *extra)]
            if self.shots is None:
                counts: list[Any] = p
            else:
                counts = [rng.multinomial(w.shots, each) for w, each in zip((*works, *extra), p, strict=True)]
        else:
            ledger = Ledger() if self.jobs is None else self.jobs
            device = program.machine.device
            with closing(device) if isinstance(device, Closable) else nullcontext():
                counts = ledger.run(device, (*works, *extra), report)
        readout = calibrated(counts.pop()) if extra and self.shots is not None else self._known(program)
        flat = np.empty((int(np.prod(program.shape)), 2**program.timeline.n))
        for rows_of, each in zip(places, counts, strict=False):
            flat[rows_of] = each
        return self._components(program, flat.reshape(*program.shape, -1), readout)

    def _saves(self, machine: Machine) -> bool:
        """Whether one saved state serves all settings: where gates have no noise of their own, so settings have none."""
        return machine.simulator is not None and machine.target is None and (self.sampling == "state" or not self.shots)

    def _from_states(
        self, program: Program, rng: np.random.Generator, progress: Progress | None
    ) -> tuple[FloatArray, FloatArray, NDArray[np.int64] | None]:
        """Frequencies from the density matrices that Aer saves, (*sweep, mark, branch, setting, outcome), members mixed."""
        circuits = list(program.saving())
        states = execute.saved_states(circuits, program.marks, counter(progress, len(circuits)))
        states = states.reshape(*program.lead, len(program.branches), *states.shape[1:])
        mixed = np.einsum("m,...mbkij->...kbij", program.weights_of_members, states)
        simulator = program.machine.simulator
        assert simulator is not None
        p = probabilities(mixed, program.settings) @ simulator.confusion
        if self.shots is None:
            return p, program.weights, None
        shots = program.allotment()
        counts = rng.multinomial(np.broadcast_to(shots[:, None], p.shape[:-1]), p)
        return counts / shots[:, None, None], program.weights, shots

    def _components(self, program: Program, found: FloatArray, readout: ReadoutCalibration) -> Counted:
        """Rows (variant, *sweep, member, mark, branch, setting, outcome) as one mixture: members pooled, or each for itself."""
        members, lead = program.weights_of_members, len(program.lead)
        factors = np.array([variant.weight for variant in program.variants])
        allotted = program.allotment()
        if not program.pooled and self.shots is not None:
            found = found / allotted[:, None, None]
        else:
            found = (
                np.average(found, axis=lead, weights=members, keepdims=True)
                if self.shots is None
                else (found.sum(axis=lead, keepdims=True) / allotted[:, None, None])
            )
            members = np.ones(1)
        # (variant, *sweep, member, mark, branch, ...) -> (*sweep, mark, variant x member x branch, ...)
        turned = np.moveaxis(found, (0, lead), (-5, -4))
        turned = turned.reshape(*turned.shape[:-5], -1, *turned.shape[-2:])
        weights = np.einsum("v,m,b->vmb", factors, members, program.weights).reshape(-1)
        shots = np.broadcast_to(allotted, (factors.size, members.size, allotted.size)).reshape(-1)
        return Counted(turned, weights, None if self.shots is None else shots, program.settings, readout)

    def _known(self, program: Program) -> ReadoutCalibration:
        """The sample's readout error, which is on record; with exact probabilities and readout mitigation the machine's too."""
        n = program.timeline.n
        simulator = program.machine.simulator
        if "readout" in self.mitigation and simulator is not None:
            return ReadoutCalibration((simulator.confusion,))
        flips = program.readout or (0.0,) * n
        return ReadoutCalibration(tuple(np.array([[1 - flip, flip], [flip, 1 - flip]]) for flip in flips))

    def _calibrations(self, program: Program, seed: int) -> tuple[Work, ...]:
        """The work that calibrates the readout, where that is asked for."""
        if "readout" not in self.mitigation or self.shots is None:
            return ()
        circuits = tuple(program.machine.native(calibration_circuits(program.timeline.n)))
        rows = np.arange(len(circuits))
        shots = np.full(rows.size, self.shots, dtype=np.int64)
        key = f"{program.digest(seed)}-readout"
        return (Work(key, circuits, rows, (np.zeros((1, 0)),) * rows.size, shots, (seed + 2**20) % 2**63),)

    def _info(self, program: Program, seed: int) -> dict[str, Any]:
        machine = program.machine
        by_state = machine.simulator is not None and self.sampling == "state"
        merged = program.compiled or program.merged
        return {
            "backend": machine.name,
            "mode": "compiled" if merged else "faithful",
            "noise": program.noise,
            "mitigation": list(self.mitigation),
            "qubits": list(machine.qubits),
            "shots": self.shots or 0,
            "settings": len(program.settings),
            "branches": len(program.branches),
            "circuits": program.saved if self._saves(machine) else math.prod(program.shape),
            "sampling": "probabilities" if self.shots is None else "state" if by_state else "counts",
            "split_bound": float(np.max(program.splitting.bound, initial=0.0)),
            "product_bound": program.product_bound,
            "seed": seed,
        }
