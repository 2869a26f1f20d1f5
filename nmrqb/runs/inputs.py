"""The inputs of a run: copies of every file that was read, and the experiment that they make."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nmrqb import files
from nmrqb.errors import InputError, Problem
from nmrqb.experiment import Experiment
from nmrqb.files import Document
from nmrqb.jobs.disk import cause
from nmrqb.nmr import Sample
from nmrqb.runs.record import Record
from nmrqb.sequence import Sequence

KINDS = ("experiment", "sequence", "sample")


def inputs_of(experiment: Experiment) -> dict[str, bytes]:
    """Contents of the files of an experiment by the names under which a run keeps them.

    experiment.toml, sequence.toml and sample.toml, then what those name: measured RF profiles and shapes. Raises
    InputError for a file that is gone since it was read.
    """
    sequence = experiment.sequence
    texts = (experiment.document.text, sequence.document.text, experiment.sample.source)
    found = {f"{kind}.toml": text.encode() for kind, text in zip(KINDS, texts, strict=True)}
    for kind, document in (("experiment", experiment.document), ("sequence", sequence.document)):
        folder = files.find(kind, document.name, files.library(f"{kind}s")).parent
        for _, name, stored in _named(document.data):
            found[stored] = _content(folder / name)
    return found


def digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of every input, by its path in the folder."""
    return {f"inputs/{name}": hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def check_inputs(folder: Path, record: Record) -> None:
    """Raises InputError unless every input is there as the run was given it."""
    problems = []
    for name, digest in record.inputs.items():
        path = folder / name
        if not path.is_file():
            allowed = "the run cannot go on without it"
            problems.append(Problem("the file is missing", file=str(path), allowed=allowed))
        elif hashlib.sha256(_content(path)).hexdigest() != digest:
            allowed = "put it back, or begin another run with what you have"
            problems.append(Problem("the file was changed since the run began", file=str(path), allowed=allowed))
    if problems:
        raise InputError(tuple(problems))


def restored(folder: Path, record: Record) -> Experiment:
    """The experiment of a run from its copies alone. Raises InputError."""
    inputs = folder / "inputs"
    documents = {kind: _redirected(files.load_document(inputs / f"{kind}.toml")) for kind in KINDS}
    sample = Sample.parse(documents["sample"], record.names["sample"])
    sequence = Sequence.parse(documents["sequence"], record.names["sequence"], inputs)
    return Experiment.parse(
        documents["experiment"], record.names["experiment"], inputs, sample=sample, sequence=sequence
    )


def _redirected(document: Document) -> Document:
    """The document with files that it names replaced by their copies; its text stays what the user wrote."""
    data = dict(document.data)
    for key, _, stored in _named(data):
        node: Any = data
        for part in key[:-1]:
            node[part] = dict(node[part])  # the tables on the way are copied
            node = node[part]
        node[key[-1]] = stored
    return replace(document, data=data)


def _named(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Key, name and name of the copy of each file that a sequence or an experiment is made of, beside TOML files."""
    shapes = data.get("shapes", {})
    for number, (name, table) in enumerate(list(shapes.items()), start=1):
        if "file" in table:
            yield ("shapes", name, "file"), table["file"], f"shape-{number}-{_plain(table['file'])}"
    profile = (data.get("ensemble") or {}).get("profile")
    if profile is not None:
        yield ("ensemble", "profile"), profile, f"profile-{_plain(profile)}"


def _plain(name: str) -> str:
    """The last part of a path, of characters that every system takes."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", Path(name).name)[-60:]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError((Problem(f"the file cannot be read ({cause(error)})", file=str(path)),)) from None
