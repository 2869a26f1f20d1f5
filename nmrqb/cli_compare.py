"""The command that holds runs against their predictions, and against each other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmrqb import files, terminal
from nmrqb.errors import ArgumentError, InputError, Problem, RunError

if TYPE_CHECKING:
    import xarray as xr

    from nmrqb.compare import Agreement, ClosedForm, Prediction
    from nmrqb.runs import RunFolder

#: Heads of the printed tables, by the keys of their rows.
_AGREEMENT = {
    "metric": "metric",
    "source": "source",
    "points": "points",
    "rms_z": "rms z",
    "worst_z": "largest |z|",
    "chi_squared": "chi-squared",
    "p_value": "p",
    "mean_z": "shift z",
    "residual": "mean residual",
    "worst_residual": "worst residual",
    "at": "at",
}
_FIDELITY = {
    "source": "fidelity of",
    "points": "points",
    "mean": "mean",
    "lowest": "lowest",
    "interval": "95 % interval",
    "at": "at",
    "excluded": "intervals below 1",
}


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders that nmrqb run has written, or their data.nc files.")
    ],
    against: Annotated[
        str, typer.Option(help="'exact' (pulses as run, the sample's noise) or 'theory' (ideal pulses, no noise).")
    ] = "exact",
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; runs/compare-NAME-DATE-TIME when left out.")
    ] = None,
) -> None:
    """Which metric disagrees with its prediction, and by how much: a table here; figures and a page in a folder.

    Several runs of one experiment, on several engines or machines, are drawn on common axes.
    """
    from nmrqb.compare import compare as agreements
    from nmrqb.compare import joined
    from nmrqb.runs import RunFolder

    prediction = _prediction(against)
    items = {str(path): _loaded(path) for path in runs}
    try:
        dataset = joined({name: data for name, (data, _) in items.items()}, prediction)
        curves = _curves([lines for _, lines in items.values()], prediction)
        rows = agreements(dataset, prediction)
    except ArgumentError as error:
        raise InputError((Problem(str(error)),)) from None
    folder = RunFolder.create(out, f"compare-{dataset.attrs.get('experiment', 'runs')}")
    folder.inputs({"runs.txt": "".join(f"{Path(name).absolute()}\n" for name in items).encode()})
    _print(dataset, prediction, rows)
    _write(dataset, prediction, folder, curves)


def _prediction(against: str) -> Prediction:
    """Raises InputError."""
    if against == "exact":
        return "exact"
    if against == "theory":
        return "theory"
    allowed = files.nearest(against, ("exact", "theory"))
    raise InputError((Problem(f"found {files.brief(against)}", key="--against", allowed=allowed),))


def _loaded(path: Path) -> tuple[xr.Dataset, xr.Dataset | None]:
    """The data of a run and, where they are kept beside it, its curves. Raises InputError for what is no run."""
    from nmrqb.compare import measured_sources, metric_names
    from nmrqb.runs import Record, read_netcdf

    data = path
    if not path.is_file():
        state = Record.read(path).state
        data = path / "data.nc"
        if not data.is_file():
            allowed = "a run that has come to its data is needed; nmrqb resume goes on with it"
            raise InputError((Problem(f"the run is {state} and has no data yet", file=str(path), allowed=allowed),))
    try:
        dataset = read_netcdf(data)
    except RunError:
        raise InputError((Problem("the file is not the data of a run", file=str(data)),)) from None
    if "source" not in dataset.coords or not metric_names(dataset):
        allowed = "data.nc of nmrqb run is needed"
        raise InputError((Problem("the file holds no metrics of sources", file=str(data), allowed=allowed),))
    if not measured_sources(dataset):
        allowed = "run it on aer, spectrometer or a backend"
        raise InputError((Problem("the run measured nothing: it is exact", file=str(path), allowed=allowed),))
    lines = data.with_name("curves.nc")
    return dataset, read_netcdf(lines) if lines.is_file() else None


def _curves(found: list[xr.Dataset | None], against: Prediction) -> xr.Dataset | None:
    """The finer curves of the first run that has any, without a prediction in which the runs differ."""
    from nmrqb.compare import joined

    known = {str(k): lines for k, lines in enumerate(found) if lines is not None}
    return joined(known, against) if known else None


def _print(dataset: xr.Dataset, against: Prediction, rows: list[Agreement]) -> None:
    """Tables, and sentences that say what they come to."""
    from nmrqb import report
    from nmrqb.compare import fidelities, verdicts

    console = terminal.console()
    console.print(str(dataset.attrs.get("title", "")), style="bold", soft_wrap=True)
    console.print(f"measured against {against}; residuals are measured minus predicted", soft_wrap=True)
    terminal.print_table(console, report.scalar_table(_AGREEMENT, report.agreement_rows(dataset, rows)))
    found = report.fidelity_rows(dataset, fidelities(dataset, against))
    if found:
        terminal.print_table(console, report.scalar_table(_FIDELITY, found))
    for sentence in verdicts(dataset, rows):
        console.print(sentence, soft_wrap=True)


def _write(dataset: xr.Dataset, against: Prediction, folder: RunFolder, curves: xr.Dataset | None) -> None:
    """Figures, the page and the joined data. Raises RunError."""
    from nmrqb import report
    from nmrqb.compare import closed_form

    form = closed_form(dataset)
    pictures = {}
    for heading, (name, figure) in _figures(dataset, against, curves, form).items():
        pictures[heading] = folder.file(f"{name}.png", _saver(figure)).read_bytes()
    folder.data(dataset, "compare.nc")
    runs = json.loads(dataset.attrs["runs"]).items()
    folder.text("compare.html", report.comparison_page(dataset, list(runs), pictures, against))
    console = terminal.console()
    if form is not None:
        console.print(form.note, soft_wrap=True)
    console.print(f"Wrote {folder.path}{os.sep}: compare.html, compare.nc, {len(pictures)} figures.", soft_wrap=True)


def _figures(
    dataset: xr.Dataset, against: Prediction, curves: xr.Dataset | None, form: ClosedForm | None
) -> dict[str, tuple[str, Any]]:
    """Figures with their file names by what they show; curves are drawn where one parameter is swept."""
    from nmrqb.compare import metric_names
    from nmrqb.plots.compare import draw_fidelity, draw_metric, draw_run_states

    names = metric_names(dataset)
    found: dict[str, tuple[str, Any]] = {}
    if dataset[names[0]].ndim == 2:
        for name in names:
            heading = str(dataset[name].attrs.get("long_name", name))
            found[heading] = (name, draw_metric(dataset, name, against, curves, form))
        if "fidelity" in dataset:
            found["fidelity"] = ("fidelity", draw_fidelity(dataset, against))
    if "rho_real" in dataset:
        found["states"] = ("states", draw_run_states(dataset, against))
    return found


def _saver(figure: Any) -> Callable[[Path], None]:
    return lambda path: figure.savefig(path, dpi=160)
