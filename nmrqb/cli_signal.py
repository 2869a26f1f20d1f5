"""The command that shows signals: simulated from a sequence, or read from a spectrometer's files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from nmrqb import files
from nmrqb.errors import ArgumentError, InputError, Problem

if TYPE_CHECKING:
    from nmrqb.detection import Fid, Receiver
    from nmrqb.nmr import Sample


def spectrum(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SEQUENCE|FID",
            help="A sequence that acquires, or a FID's file or folder (Bruker, Varian, NMRPipe, SIMPSON).",
        ),
    ],
    sample: Annotated[str, typer.Option(help="Sample that the sequence runs on.")] = "nematic-pair",
    broadening: Annotated[float, typer.Option("--lb", help="Exponential line broadening in Hz.")] = 0.0,
    noise: Annotated[
        float | None,
        typer.Option(help="Receiver noise of a point over the full thermal signal (simulated FIDs); the sample's own."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the receiver's noise.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Where to draw it (.png, .pdf or .svg); NAME-spectrum.png when left out.")
    ] = None,
) -> None:
    """Draw the spectrum of a sequence's acquired signals, or of a recorded FID, right to left as spectroscopists read it."""
    from nmrqb.detection import apodised, read_fid
    from nmrqb.detection import spectrum as transform
    from nmrqb.jobs.disk import cause, write_whole
    from nmrqb.plots.spectrum import draw_spectrum

    for option, value in (("--lb", broadening), ("--noise", noise), ("--seed", seed)):
        if value is not None and not (np.isfinite(value) and value >= 0):
            raise InputError((Problem(f"found {value:g}", key=option, allowed="a number, zero or more"),))
    known = {path.stem for folder in files.library("sequences") for path in folder.glob("*.toml")}
    simulated = source in known or source.endswith(".toml") or not Path(source).exists()
    fids = _simulated(source, sample, noise, seed) if simulated else {Path(source).stem: read_fid(source)}
    stem = Path(source).stem
    target = out or Path(f"{stem}-spectrum.png")
    if target.suffix not in (".png", ".pdf", ".svg"):
        raise InputError(
            (Problem(f"found {target.name!r}", key="--out", allowed="a name ending in .png, .pdf or .svg"),)
        )
    for name, fid in fids.items():
        place = target if len(fids) == 1 else target.with_name(f"{target.stem}-{name.replace(' ', '-')}{target.suffix}")
        figure = draw_spectrum(
            transform(apodised(fid, broadening) if broadening else fid),
            title=stem if name == stem else f"{stem}: {name}",
        )
        try:
            write_whole(place, partial(figure.savefig, dpi=160))
        except OSError as error:
            raise InputError((Problem(f"cannot be written ({cause(error)})", file=str(place), key="--out"),)) from None
        print(f"Drew {place}")


def _simulated(name: str, sample_name: str, noise: float | None, seed: int) -> dict[str, Fid]:
    """The FIDs of a sequence on a sample, per polarisation factor. Raises InputError where it acquires nothing."""
    from nmrqb import Sample, Sequence, schedule
    from nmrqb.engines import acquire

    sequence, sample = Sequence.load(name), Sample.load(sample_name)
    timeline = schedule(sequence, sample, noise=sample.noise is not None)
    try:
        found = acquire(timeline, sample.thermal_state(), _receiver(sample, noise), seed=seed)
    except ArgumentError as error:
        allowed = 'a step such as { acquire = "signal" }'
        raise InputError((Problem(str(error), file=name, allowed=allowed),)) from None
    return found


def _receiver(sample: Sample, noise: float | None) -> Receiver:
    """The sample's own receiver, or one that holds its lines until they have decayed; noise in units of p, None its own."""
    from nmrqb.detection import Receiver

    if noise is None:
        noise = sample.receiver.noise if sample.receiver is not None else 0.0
    level = noise * sample.polarisation_factor
    if sample.receiver is not None:
        given = sample.receiver
        return Receiver(given.dwell, given.points, dead_time=given.dead_time or 0.0, noise=level)
    energies = np.linalg.eigvalsh(sample.hamiltonian())
    width = max(float(np.ptp(energies)) / (2 * np.pi), 100.0)
    lifetime = max(sample.noise.t2) if sample.noise else 0.2
    dwell = 1 / (3 * width)
    return Receiver(dwell, int(np.clip(5 * lifetime / dwell, 512, 65536)), noise=level)
