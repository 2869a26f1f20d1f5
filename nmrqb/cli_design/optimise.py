"""`nmrqb design optimise`: a charging pulse made for a coil and its spread, as files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.table import Table

from nmrqb import options, terminal
from nmrqb.cli_design.output import energy_unit, one_of, refusals, write, write_maps
from nmrqb.errors import ArgumentError, InputError, Problem

if TYPE_CHECKING:
    from nmrqb.design import Objective, OptimisedPulse
    from nmrqb.experiment import Experiment
    from nmrqb.nmr import Sample
    from nmrqb.nmr.ensembles import Ensemble
    from nmrqb.sequence import Sequence

OBJECTIVES = ("ergotropy", "stored-energy", "power")
STARTS = ("hard", "bb1", "random")
MAX_ORIENTATIONS = 1000


def optimise(
    experiment: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="Experiment whose charging pulse is to be replaced.")
    ] = "charge",
    duration: Annotated[str, typer.Option(help="Length of the pulse.")] = "150 us",
    slices: Annotated[int, typer.Option(help="Rows of the shape.")] = 100,
    objective: Annotated[str, typer.Option(help=f"What to make largest: {', '.join(OBJECTIVES)}.")] = "ergotropy",
    limit: Annotated[str | None, typer.Option(help="Largest nutation frequency; the sample's when left out.")] = None,
    flip: Annotated[
        str, typer.Option(help="Flip angle of the plain pulse it starts from and is compared with.")
    ] = "90 deg",
    rf_spread: Annotated[
        float, typer.Option(help="Relative standard deviation of the RF amplitude over the sample.")
    ] = 0.0,
    offset_spread: Annotated[str, typer.Option(help="Standard deviation of the offset over the sample.")] = "0 Hz",
    coupling_spread: Annotated[float, typer.Option(help="Relative standard deviation of the couplings.")] = 0.0,
    orientations: Annotated[int, typer.Option(help="Orientations of a powder; 0 for one alone.")] = 0,
    members: Annotated[int, typer.Option(help="Points of each spread.")] = 5,
    over: Annotated[str, typer.Option(help="'average' of the members, or the 'worst'.")] = "average",
    noise: Annotated[bool, typer.Option("--noise", help="Let the sample's relaxation act during the pulse.")] = False,
    smooth: Annotated[float, typer.Option(help="Weight of the penalty on rough shapes.")] = 0.0,
    start: Annotated[str, typer.Option(help=f"Where to begin: {', '.join(STARTS)}.")] = "hard",
    seed: Annotated[int, typer.Option(help="Seed of a random start.")] = 0,
    iterations: Annotated[int, typer.Option(help="Iterations at most.")] = 200,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last iterate in the folder.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; NAME-optimised when left out.")] = None,
) -> None:
    """Find the charging pulse that serves a coil and its spread best: shape, sequence, and maps before and after.

    Writes a Bruker shape, the experiment's sequence with the pulse in its place, and maps of the ergotropy over RF error
    and offset. The last iterate is kept, so a search that was cut short goes on with --resume.
    """
    from nmrqb import Experiment, design

    chosen = Experiment.load(experiment)
    one_of("--objective", objective, OBJECTIVES)
    one_of("--start", start, STARTS)
    one_of("--over", over, ("average", "worst"))
    length = options.quantity(duration, "time", "--duration")
    angle = options.quantity(flip, "angle", "--flip")
    folder = out or Path(f"{chosen.name}-optimised")
    sample, rho0, per = _empty(chosen)
    H = sample.battery().hamiltonian()
    most = None if limit is None else options.quantity(limit, "frequency", "--limit")
    offsets = options.quantity(offset_spread, "frequency", "--offset-spread")
    spread = _ensemble(rf_spread, offsets, coupling_spread, orientations, members)
    charging = _charging(chosen)
    with refusals(folder), terminal.progress("iterations") as update:
        pulse = design.optimise(
            sample,
            _objective(objective, rho0, H, length),
            duration=length,
            slices=slices,
            flip=angle,
            start=start,  # type: ignore[arg-type]
            ensemble=spread,
            over=over,  # type: ignore[arg-type]
            noise=noise,
            limit=most,
            smooth=smooth,
            seed=seed,
            iterations=iterations,
            checkpoint=folder / "iterate.npz",
            resume=resume,
            progress=lambda done, total: update("pulse", done, total),
        )
    sequence = _replaced(chosen, pulse, charging)
    asked = {
        "experiment": experiment,
        "duration": duration,
        "slices": slices,
        "objective": objective,
        "limit": limit,
        "flip": flip,
        "rf_spread": rf_spread,
        "offset_spread": offset_spread,
        "coupling_spread": coupling_spread,
        "orientations": orientations,
        "members": members,
        "over": over,
        "noise": noise,
        "smooth": smooth,
        "start": start,
        "seed": seed,
    }
    _results(folder, sequence, pulse, sample, asked)
    _maps(folder, chosen, pulse, sample, rho0, H, per, angle)
    _report(pulse, chosen.sample, folder, objective, per)


def _empty(experiment: Experiment) -> tuple[Sample, Any, float]:
    """The sample as it is run, its state before charging (d, d), and what results are divided by."""
    from nmrqb import Exact

    sample, rho0, per = experiment.start()
    first = replace(experiment, sweep={name: values[:1] for name, values in experiment.sweep.items()}, ensemble=None)
    states = Exact().run(first.timeline(ideal=False), rho0)
    rho = np.asarray(states.at(experiment.reference))
    return sample, rho.reshape(-1, *rho.shape[-2:])[0], per


def _objective(name: str, rho0: Any, H: Any, duration: float) -> Objective:
    from nmrqb import design

    if name == "power":
        return design.Power(rho0, H, duration)
    return {"ergotropy": design.Ergotropy, "stored-energy": design.StoredEnergy}[name](rho0, H)


def _ensemble(rf: float, offset: float, coupling: float, orientations: int, members: int) -> Ensemble | None:
    from nmrqb.nmr.distributions import coupling_spread, offset_distribution, powder, rf_distribution

    if orientations > MAX_ORIENTATIONS:
        allowed = f"{MAX_ORIENTATIONS} at most"
        raise InputError((Problem(f"found {orientations}", key="--orientations", allowed=allowed),))
    try:
        parts = [rf_distribution(rf, members)] if rf else []
        parts += [offset_distribution(offset, members=members)] if offset else []
        parts += [coupling_spread(coupling, members)] if coupling else []
        parts += [powder(orientations)] if orientations else []
    except ArgumentError as error:
        raise InputError((Problem(str(error), key="the spreads, --orientations or --members"),)) from None
    return math.prod(parts[1:], start=parts[0]) if parts else None


def _charging(experiment: Experiment) -> list[int]:
    """Which steps of the sequence charge. Raises InputError where none does."""
    sequence = experiment.sequence
    charging = [k for k, step in enumerate(sequence.steps) if getattr(step, "use", None) == "charge"]
    if not charging:
        raise InputError((Problem(f"the sequence {sequence.name!r} has no step of use = 'charge'", key="use"),))
    return charging


def _replaced(experiment: Experiment, pulse: OptimisedPulse, charging: list[int]) -> Sequence:
    """The experiment's sequence with the pulse where its charging steps were."""
    from nmrqb.sequence import Observe

    sequence = experiment.sequence
    steps = [step for k, step in enumerate(sequence.steps) if k not in charging]
    steps.insert(charging[0], pulse.event())
    end = next((k for k, s in enumerate(steps) if isinstance(s, Observe) and s.observe == experiment.charged), None)
    steps = steps[: end + 1] if end is not None else steps
    names = set(experiment.sweep)
    kept = {n: v for n, v in sequence.parameters.items() if n not in names}
    bound = {n: v for n, v in sequence.bound.items() if n not in names}
    shapes = {**sequence.shapes, **{n: replace(s, file=f"{n}.shp") for n, s in pulse.named().items()}}
    title = f"{sequence.title}; charged by an optimised pulse"
    made = replace(
        sequence,
        name=f"{sequence.name}-optimised",
        title=title,
        steps=tuple(steps),
        parameters=kept,
        bound=bound,
        shapes=shapes,
    )
    return made.checked()


def _results(folder: Path, sequence: Sequence, pulse: OptimisedPulse, sample: Sample, asked: Mapping[str, Any]) -> None:
    from nmrqb.experiment import versions
    from nmrqb.export import bruker_shape
    from nmrqb.sequence.printing import to_toml

    texts = {f"{sequence.name}.toml": to_toml(sequence)}
    for (name, shape), channel in zip(pulse.named().items(), pulse.channels, strict=True):
        title = f"{sequence.name}, on {channel}"
        texts[f"{name}.shp"] = bruker_shape(
            shape.envelope(), title=title, length=pulse.duration, peak=pulse.peaks[channel]
        )
    record = {
        "asked": dict(asked),
        "sample": sample.name,
        "value": pulse.value,
        "plain_pulse": pulse.start,
        "bound": pulse.bound,
        "iterations": pulse.iterations,
        "ended": pulse.message,
        "versions": versions(),
    }
    texts["design.json"] = json.dumps(record, indent=2, sort_keys=True) + "\n"
    write(texts, folder)


def _maps(
    folder: Path,
    experiment: Experiment,
    pulse: OptimisedPulse,
    sample: Sample,
    rho0: Any,
    H: Any,
    per: float,
    flip: float,
) -> None:
    """Ergotropy over RF error and offset, of the plain pulse and of the optimised one."""
    from nmrqb import design
    from nmrqb.sequence import Observe, Pulse, Sequence

    steps = (Pulse(pulse=f"{np.degrees(flip):.12g} deg", use="charge"), Observe(observe="charged"))
    plain = Sequence("plain", "A plain pulse", steps, {}, pulses="finite")
    both: dict[str, Sequence | OptimisedPulse] = {"plain": plain, "optimised": pulse}
    offsets = np.linspace(-0.5, 0.5, 31) * (abs(sample.coupling) or 100.0)
    found = design.robustness(both, sample, "ergotropy", rf=np.linspace(0.7, 1.3, 31), offset=offsets, rho0=rho0, H=H)
    found["ergotropy"] = (found["ergotropy"] / per).assign_attrs(found["ergotropy"].attrs)
    found["ergotropy"].attrs["units"] = energy_unit(experiment.sample)
    footer = f"{experiment.title}. Plain: {np.degrees(flip):g} deg at the coil's usual amplitude. {sample.name}, no relaxation."
    write_maps(found, folder, footer)


def _report(pulse: OptimisedPulse, sample: Sample, folder: Path, objective: str, per: float) -> None:
    table = Table(box=None, show_header=False)
    scale = 1.0 if objective == "power" else per
    rows = [
        (f"{objective} of the plain pulse", f"{pulse.start / scale:.6f}"),
        (f"{objective} of the optimised pulse", f"{pulse.value / scale:.6f}"),
        ("most that a unitary allows on one member", f"{pulse.bound / scale:.6f}"),
        (
            "peak nutation frequency",
            ", ".join(f"{value / 1e3:.4g} kHz on {name}" for name, value in pulse.peaks.items()),
        ),
        ("length", f"{pulse.duration * 1e6:.6g} us in {pulse.slices} slices"),
        ("iterations", f"{pulse.iterations}: {pulse.message}"),
    ]
    for row in rows:
        table.add_row(*row)
    console = terminal.console()
    console.print(f"{sample.name}; energies in {energy_unit(sample)}", soft_wrap=True)
    console.print(table)
    names = ", ".join(sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")))
    console.print(f"Wrote {folder}{os.sep}: {names}", soft_wrap=True)
