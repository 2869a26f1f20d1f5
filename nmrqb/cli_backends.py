"""The command that lists where circuits can run, and what an experiment would cost there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from nmrqb import terminal
from nmrqb.errors import ArgumentError, InputError, NmrqbError, Problem

if TYPE_CHECKING:
    from nmrqb.experiment import Experiment

#: Fake backends that are priced when none is named: one of each generation of processors.
_SHOWN = ("fake:torino", "fake:marrakesh", "fake:sherbrooke")


def backends(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BACKEND]...",
            help="Backends to price: aer, fake:NAME, ibm:NAME. An ibm: backend is asked for its calibration, over the network.",
        ),
    ] = None,
    experiment: Annotated[str, typer.Option(help="The experiment that is priced: a name or a .toml file.")] = "charge",
    shots: Annotated[
        int | None, typer.Option(help="Shots per tomography setting and point, over what the file says.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """List the backends that can be used here, and what an experiment would cost on them.

    Nothing is contacted unless an ibm: backend is named.
    """
    from nmrqb.experiment import Experiment, check_engine

    if shots is not None and shots < 1:
        raise InputError((Problem(f"found {shots}", key="--shots", allowed="a whole number, 1 or more"),))
    chosen = list(dict.fromkeys(names or ()))
    for name in chosen:
        check_engine(name, "BACKEND")
        if name in ("exact", "spectrometer"):
            allowed = "aer, fake:NAME and ibm:NAME do"
            raise InputError((Problem(f"the engine {name} runs no circuits", key="BACKEND", allowed=allowed),))
    loaded = Experiment.load(experiment)
    here = _here()
    priced = chosen or ["aer", *(_SHOWN if here["fake"] else ())]
    costs = [_priced(loaded, name, shots, strict=bool(chosen)) for name in priced]
    if as_json:
        records = [{key: value for key, value in cost.items() if key != "row"} for cost in costs]
        print(json.dumps({"experiment": loaded.name, "costs": records, **here}, indent=2))
        return
    _print(loaded, costs, here, listed=not chosen)


def _here() -> dict[str, Any]:
    """What is installed and configured; nothing is loaded or contacted."""
    from nmrqb.circuits.devices import names

    return {
        "fake": sorted(names.fake_names()),
        "ibm": {"installed": names.runtime_installed(), "account": names.account_configured()},
        "install": None if names.runtime_installed() else names.INSTALL,
    }


def _priced(experiment: Experiment, name: str, shots: int | None, *, strict: bool) -> dict[str, Any]:
    """The cost on one backend as a record; in a list, what cannot be priced says why. Raises as Experiment.cost if strict."""
    from nmrqb.experiment.costs import cost_record, cost_row

    try:
        cost = experiment.cost(name, shots)
    except ArgumentError as error:
        raise InputError((Problem(str(error), key=name),)) from None
    except NmrqbError as error:
        if strict:
            raise
        return {"backend": name, "problem": str(error)}
    if cost is None:
        raise AssertionError("names are checked before")
    return {**cost_record(cost), "row": cost_row(cost)}


def _print(experiment: Experiment, costs: list[dict[str, Any]], here: dict[str, Any], *, listed: bool) -> None:
    from nmrqb.experiment.costs import ASSUMPTIONS, COST_COLUMNS

    console = terminal.console()
    table = Table(title=f"{experiment.name} on each backend", box=None, header_style="bold", title_justify="left")
    for column in COST_COLUMNS:
        table.add_column(column, justify="left" if column in ("backend", "qubits") else "right")
    for cost in costs:
        if "row" in cost:
            table.add_row(*cost["row"])
    console.print(table)
    for cost in costs:
        if "problem" in cost:
            console.print(f"{cost['backend']}: {cost['problem']}.", soft_wrap=True)
    console.print(ASSUMPTIONS, soft_wrap=True, style="dim")
    if not listed:
        return
    if here["fake"]:
        console.print(f"fake:NAME, calibrations kept with the runtime: {', '.join(here['fake'])}.", soft_wrap=True)
        state = "an account is configured" if here["ibm"]["account"] else "no account or token is configured"
        console.print(f"ibm:NAME, over the network: {state}.", soft_wrap=True)
    else:
        console.print(f"fake:NAME and ibm:NAME need qiskit-ibm-runtime; {here['install']}.", soft_wrap=True)
    console.print("From Python, nmrqb.Shots(backend=...) takes any BackendV2.", soft_wrap=True)
