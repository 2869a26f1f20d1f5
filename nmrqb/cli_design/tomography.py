"""`nmrqb design tomography`: what settings or readouts are worth before a shot is spent, and how to share the shots out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.table import Table

from nmrqb import options, terminal
from nmrqb.cli_design.output import refusals
from nmrqb.errors import InputError, Problem

if TYPE_CHECKING:
    from nmrqb.checks import ComplexArray, FloatArray
    from nmrqb.nmr import Sample
    from nmrqb.tomography import Design, Readout

    #: What is asked for, as an operator or as a function of states; neither is the state as a whole.
    Quantities = dict[str, tuple[ComplexArray | None, Callable[[ComplexArray], FloatArray] | None]]

_MOST_SHOTS = 10**12


def tomography(
    battery: Annotated[
        str | None,
        typer.Option(help="Couplings of the battery, such as 'axial=1,dm=0.3'; also rhombic, ksea, zeeman."),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="Sample of the library, or a file, instead; beside --battery for its spectrum.")
    ] = None,
    settings: Annotated[
        str,
        typer.Option(help="'all' (3^N), 'energy' (the few that the energy needs), or names such as 'XX,YY,ZZ,XY,YX'."),
    ] = "all",
    nmr: Annotated[
        str | None,
        typer.Option(help="Readouts of the sample's spectrum instead of settings: 'default', 'all', or 'II,IX,IY,XX'."),
    ] = None,
    shots: Annotated[int, typer.Option(help="Shots in all settings together, or scans of all readouts.")] = 9 * 1024,
    temperature: Annotated[
        float | None,
        typer.Option(help="The state expected is a Gibbs state, in the unit of energy; maximally mixed when left out."),
    ] = None,
    flip: Annotated[str, typer.Option(help="Flip angle of an X pulse that charges it.")] = "0 deg",
    readout: Annotated[
        str | None, typer.Option(help="Chance of a flipped readout of each spin, such as '0.01,0.02'.")
    ] = None,
    noise: Annotated[
        float,
        typer.Option(help="Of --nmr: standard error of a line in one scan; a polarised spin's whole signal is 1."),
    ] = 0.01,
) -> None:
    """Rank, condition and expected errors of a set of settings, and the shots of each that make an error smallest."""
    if not 1 <= shots <= _MOST_SHOTS:
        raise InputError((Problem(f"found {shots}", key="--shots", allowed=f"from 1 to {_MOST_SHOTS}"),))
    if nmr is not None and sample is None:
        raise InputError((Problem("no sample is given", key="--nmr", allowed="--sample has the spectrum"),))
    if temperature is not None and not 0 < temperature < np.inf:
        raise InputError((Problem(f"found {temperature:g}", key="--temperature", allowed="above zero"),))
    phi = options.quantity(flip, "angle", "--flip") / 2
    of, spins = _spins(sample, settings)
    with refusals():
        H, unit = _energy(battery, sample, of if nmr is not None else None, spins)
        expected = _expected(H, temperature, phi, spins)
        if of is not None and nmr is not None:
            design = _of_spectrum(of, nmr, noise, expected)
        else:
            design = _of_settings(settings, H, spins, expected, readout)
        _print(design, shots, _quantities(H), unit, "scan" if nmr is not None else "shot")
        if H is not None and nmr is None:
            _print_price(expected, H, design.observable_error(H, shots / len(design.names)), readout)


def _spins(sample: str | None, settings: str) -> tuple[Sample | None, int]:
    """The sample, where one is given, and the number of spins: the sample's, or that of the settings, or two."""
    if sample is not None:
        from nmrqb import Sample

        of = Sample.load(sample)
        return of, len(of.spins)
    return None, 2 if settings in ("all", "energy") else len(settings.split(",")[0].strip())


def _energy(
    battery: str | None, sample: str | None, spectrum: Sample | None, spins: int
) -> tuple[ComplexArray | None, str]:
    """The Hamiltonian and its unit; a sample that is there for its spectrum may have another battery beside it, or none."""
    if spectrum is None:
        return options.hamiltonian(battery, sample, spins)
    if battery is None and len(spectrum.groups) == 1 and spins == 2:
        return options.hamiltonian(None, sample, spins)
    return options.hamiltonian(battery, None, spins)


def _expected(H: ComplexArray | None, temperature: float | None, phi: float, spins: int) -> ComplexArray:
    from nmrqb import charging_unitary, gibbs_state

    if temperature is None:
        return np.eye(2**spins, dtype=complex) / 2**spins
    if H is None:
        allowed = "--battery or --sample says the levels"
        raise InputError((Problem("no battery is given", key="--temperature", allowed=allowed),))
    U = charging_unitary(spins, phi)
    rho: ComplexArray = U @ gibbs_state(H, temperature) @ U.conj().T
    return rho


def _of_settings(names: str, H: ComplexArray | None, spins: int, expected: ComplexArray, readout: str | None) -> Design:
    from nmrqb.tomography import energy_settings, pauli_design, pauli_settings
    from nmrqb.tomography.design import MAX_SPINS

    if spins > MAX_SPINS:
        raise InputError((Problem(f"found {spins} spins", allowed=f"at most {MAX_SPINS} spins are designed for"),))
    if names == "energy":
        if H is None:
            allowed = "--battery or --sample says whose energy"
            raise InputError((Problem("found 'energy'", key="--settings", allowed=allowed),))
        chosen = energy_settings(H)
    else:
        chosen = pauli_settings(spins) if names == "all" else tuple(name.strip() for name in names.split(","))
    return pauli_design(chosen, expected, () if readout is None else options.flips(readout, spins))


def _of_spectrum(of: Sample, names: str, noise: float, expected: ComplexArray) -> Design:
    from nmrqb.tomography import default_readouts, readout_candidates, readout_design, readout_map, resolved_lines

    chosen: Sequence[str | Readout]
    if names == "default":
        chosen = default_readouts(of.groups)
    elif names == "all":
        chosen = readout_candidates(of.groups)
    else:
        chosen = tuple(name.strip() for name in names.split(","))
    return readout_design(readout_map(resolved_lines(of.hamiltonian(), of.groups), chosen), noise, expected)


def _quantities(H: ComplexArray | None) -> Quantities:
    from nmrqb import metrics

    found: Quantities = {"state": (None, None)}
    if H is not None:
        found["energy"] = (H, None)
        found["ergotropy"] = (None, partial(metrics.ergotropy, H=H, check=False))
    found["l1 coherence"] = (None, partial(metrics.l1_coherence, check=False))
    found["purity"] = (None, partial(metrics.purity, check=False))
    return found


def _print(design: Design, shots: int, quantities: Quantities, unit: str, shot: str) -> None:
    """Rank and condition, the errors with even and with best shares, and these shares."""
    names = design.names
    console = terminal.console()
    rank = f"rank {design.rank} of {design.parameters}, condition {design.condition:.3g}"
    what = "setting" if shot == "shot" else "readout"
    console.print(f"{len(names)} {what}{'s' if len(names) > 1 else ''}: {rank}", soft_wrap=True)
    console.print(
        f"errors expected of {shots} {shot}s in all: alike in each, or shared out for that quantity", soft_wrap=True
    )
    table = Table("quantity", "alike", "shared out", box=None, header_style="bold", padding=(0, 1))
    shares = Table(f"{shot}s for", box=None, header_style="bold", padding=(0, 1))
    best = {}
    for title, (operator, metric) in quantities.items():
        label = f"{title} ({unit})" if title in ("energy", "ergotropy") else title
        alike = _error(design, shots / len(names), operator, metric)
        if not np.isfinite(alike):
            table.add_row(label, "not determined", "")
            continue
        if shots >= len(names):
            best[title] = _shared(design, shots, operator, metric)
            table.add_row(label, f"{alike:.4g}", f"{_error(design, best[title], operator, metric):.4g}")
        else:
            table.add_row(label, f"{alike:.4g}", "")
    console.print(table)
    if not best:
        return
    for title in best:
        shares.add_column(title, justify="right")
    for k, name in enumerate(names):
        shares.add_row(name, *(str(column[k]) for column in best.values()))
    console.print(shares)


def _print_price(rho: ComplexArray, H: ComplexArray, error: float, readout: str | None) -> None:
    """What the same error of the energy costs in other ways."""
    from nmrqb.tomography import shots_needed

    if not 0 < error < np.inf:
        return
    spins = int(np.log2(len(H)))
    price = shots_needed(rho, H, error, () if readout is None else options.flips(readout, spins))
    text = (
        f"an energy to {error:.4g} takes {price.tomography_energy} shots in all {3**spins} settings, {price.local_even} in those "
        f"that the energy needs ({price.local} shared out), {price.energy_basis} in the energy basis; so does the ergotropy where "
        f"the start is passive and charging unitary, else full tomography takes {price.tomography_ergotropy}"
    )
    terminal.console().print(text, soft_wrap=True)


def _error(
    design: Design,
    shots: float | np.ndarray,
    operator: ComplexArray | None,
    metric: Callable[[ComplexArray], FloatArray] | None,
) -> float:
    """The standard error; of the state, where it is not determined, infinite."""
    if operator is not None:
        return design.observable_error(operator, shots)
    if metric is not None:
        return design.metric_error(metric, shots)
    return design.state_error(shots) if design.complete else float("inf")


def _shared(
    design: Design, shots: int, operator: ComplexArray | None, metric: Callable[[ComplexArray], FloatArray] | None
) -> np.ndarray:
    from nmrqb.tomography import allocate

    return allocate(design, shots, observable=operator, metric=metric)
