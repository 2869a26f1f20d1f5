"""`nmrqb design engineer` and `nmrqb design extract`: couplings, and the drawing of energy, made of pulses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from nmrqb import options, terminal
from nmrqb.cli_design.output import one_of, refusals, toml_path, write
from nmrqb.errors import InputError, Problem

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray
    from nmrqb.nmr import Sample
    from nmrqb.sequence import Sequence


def engineer(
    battery: Annotated[str, typer.Option(help="Couplings wanted, such as 'axial=1,rhombic=0.25,dm=0.3'.")],
    sample: Annotated[str, typer.Option(help="Sample that has to do it.")] = "chloroform",
    time: Annotated[float, typer.Option(help="For how long, in the inverse of the couplings' unit.")] = 1.0,
    pulses: Annotated[str, typer.Option(help="'finite' for the coil's pulse lengths, or 'ideal'.")] = "finite",
    cycles: Annotated[int | None, typer.Option(help="Multiple-pulse cycles, for like spins.")] = None,
    speed: Annotated[float | None, typer.Option(help="Speed of the engineered battery, for like spins.")] = None,
    frame: Annotated[
        str,
        typer.Option(
            help="Who takes back the frame that B turns, for like spins: 'pulses' (two at the end) or the 'receiver'."
        ),
    ] = "pulses",
    rf_error: Annotated[float, typer.Option(help="Relative RF error of the budget.")] = 0.03,
    offset: Annotated[str, typer.Option(help="Offset of the budget.")] = "5 Hz",
    out: Annotated[
        Path | None, typer.Option(help="Where to write the sequence (.toml); engineered.toml when left out.")
    ] = None,
) -> None:
    """Write the pulse sequence that makes a sample behave as a battery of given couplings, and where it loses."""
    from nmrqb import Sample, design
    from nmrqb.sequence.printing import to_toml

    wanted, of = options.battery(battery), Sample.load(sample)
    target = toml_path(out or Path("engineered.toml"))
    one_of("--pulses", pulses, ("ideal", "finite"))
    one_of("--frame", frame, ("pulses", "receiver"))
    shift = options.quantity(offset, "frequency", "--offset")
    with refusals():
        how: dict[str, Any] = {"pulses": pulses, "cycles": cycles, "speed": speed, "frame": frame}
        reach = design.reachable(wanted, of)
        sequence = design.engineer(wanted, of, time, **how)
        budget = design.budget(sequence, wanted, of, time, rf_error=rf_error, offset=shift)
    sequence = replace(sequence, name=target.stem)
    write({target.name: to_toml(sequence)}, target.parent)
    table = Table(title=sequence.title, box=None, header_style="bold", title_justify="left")
    for column in ("error", "set to", "infidelity", "change of ergotropy"):
        table.add_column(column)
    for row in budget.rows:
        table.add_row(row.name, row.setting, f"{row.infidelity:.2e}", f"{row.ergotropy_change:+.2e}")
    console = terminal.console()
    console.print(table)
    console.print(f"{budget.lab_time * 1e3:.4g} ms on {of.name}. {sequence.note}", soft_wrap=True)
    console.print(f"Within reach: {reach}.", soft_wrap=True)
    console.print(f"Wrote {target}; draw it with: nmrqb show {target} --sample {of.name}", soft_wrap=True)


def extract(
    battery: Annotated[str, typer.Option(help="Couplings of the battery, such as 'axial=1,rhombic=0.25,dm=0.3'.")],
    sample: Annotated[str, typer.Option(help="Two unlike spins that have to do it.")] = "chloroform",
    temperature: Annotated[float, typer.Option(help="Of the Gibbs state that was charged, in coupling units.")] = 1.0,
    flip: Annotated[str, typer.Option(help="Flip angle of the charging pulse, about x.")] = "90 deg",
    dephasing: Annotated[
        float, typer.Option(help="X dephasing of each spin while charging: its rate over Omega.")
    ] = 0.0,
    pulses: Annotated[str, typer.Option(help="'finite' for the coil's pulse lengths, or 'ideal'.")] = "finite",
    out: Annotated[
        Path | None, typer.Option(help="Where to write the sequence (.toml); extract.toml when left out.")
    ] = None,
) -> None:
    """Write the pulses that draw all of a charged battery's ergotropy, and say what the reversed charging pulse draws."""
    import numpy as np

    from nmrqb import Sample, design
    from nmrqb.battery.cycles import charge_with_noise
    from nmrqb.sequence.printing import to_toml
    from nmrqb.spin.operators import pauli_string

    model, of = options.battery(battery), Sample.load(sample)
    target = toml_path(out or Path("extract.toml"))
    one_of("--pulses", pulses, ("ideal", "finite"))
    phi = options.quantity(flip, "angle", "--flip") / 2
    for option, value in (("--flip", phi), ("--dephasing", dephasing)):
        if not 0 <= value < float("inf"):
            raise InputError((Problem(f"found {value:g}", key=option, allowed="zero or above"),))
    H = model.hamiltonian()
    with refusals():
        start = model.gibbs_state(temperature)
        jumps = np.sqrt(dephasing) * np.array([pauli_string("XI"), pauli_string("IX")])
        rho = charge_with_noise(start, [phi], jumps)[-1]
        found = design.extraction(rho, H, of, phi, pulses=pulses)  # type: ignore[arg-type]
    write({target.name: to_toml(replace(found.optimal, name=target.stem))}, target.parent)
    drawn = _drawn(found.optimal, of, rho, H)
    table = Table("way", "draws", "share", "coupling on for", box=None, header_style="bold")
    rows = [
        ("any unitary (ergotropy)", found.ergotropy, ""),
        (f"optimal, {pulses} pulses", drawn, f"{found.coupling_time * 1e3:.4g} ms"),
    ]
    for way, value, how_long in [*rows, ("charging pulse reversed", found.reverse_work, "none")]:
        share = f"{value / found.ergotropy:.2%}" if found.ergotropy > 1e-12 else ""
        table.add_row(way, f"{value:.6f}", share, how_long)
    terminal.console().print(table)
    terminal.console().print(f"Wrote {target}; draw it with: nmrqb show {target} --sample {of.name}", soft_wrap=True)


def _drawn(sequence: Sequence, sample: Sample, rho: ComplexArray, H: ComplexArray) -> float:
    """The energy that a sequence takes out, without relaxation."""
    from nmrqb.timeline import evolve, schedule

    end = evolve(schedule(sequence, sample), rho)[-1]
    return float(((rho - end) @ H).trace().real)
