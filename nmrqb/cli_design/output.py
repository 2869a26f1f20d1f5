"""Where design commands write, and what they say when they cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nmrqb.errors import ArgumentError, InputError, Problem

if TYPE_CHECKING:
    import xarray as xr

    from nmrqb.nmr import Sample


def one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    """Raises InputError for a word that is not known."""
    if value not in known:
        raise InputError((Problem(f"found {value!r}", key=option, allowed=f"one of {', '.join(known)}"),))


@contextmanager
def refusals(folder: Path | None = None) -> Iterator[None]:
    """What is refused is bad input; a folder that was made for it and holds nothing goes again."""
    is_new = folder is not None and not folder.exists()
    try:
        if folder is not None:
            make(folder)
        yield
    except (ArgumentError, InputError) as error:
        if is_new and folder is not None and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if isinstance(error, InputError):
            raise
        raise InputError((Problem(str(error)),)) from None


def energy_unit(sample: Sample) -> str:
    """Of energies; p is the polarisation factor."""
    return "|d| p" if sample.is_high_temperature else "|d|"


def toml_path(path: Path) -> Path:
    """A path that a sequence can be written to. Raises InputError."""
    if path.suffix != ".toml":
        raise InputError((Problem(f"found {path.name!r}", key="--out", allowed="a name ending in .toml"),))
    return path


def make(folder: Path) -> None:
    """A folder and those above it. Raises InputError."""
    from nmrqb.jobs.disk import cause

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError((Problem(f"cannot be written ({cause(error)})", file=str(folder), key="--out"),)) from None


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Texts by the names of their files. Raises InputError."""
    from nmrqb.jobs.disk import cause, write_whole

    make(folder)
    try:
        for name, text in texts.items():
            write_whole(folder / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    except OSError as error:
        raise InputError((Problem(f"cannot be written ({cause(error)})", file=str(folder), key="--out"),)) from None


def write_maps(found: xr.Dataset, folder: Path, footer: str) -> None:
    """robustness.nc and robustness.png of a Dataset of `nmrqb.design.robustness`. Raises InputError."""
    from nmrqb.jobs.disk import cause, write_whole
    from nmrqb.plots.design import robustness_maps
    from nmrqb.runs import write_netcdf

    figure = robustness_maps(found, footer)
    try:
        write_whole(folder / "robustness.nc", lambda path: write_netcdf(found, path))
        write_whole(folder / "robustness.png", lambda path: figure.savefig(path, dpi=160))
    except OSError as error:
        raise InputError((Problem(f"cannot be written ({cause(error)})", file=str(folder), key="--out"),)) from None
